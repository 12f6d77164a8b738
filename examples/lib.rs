//! What the examples `table3` and `figure3` share, and doc tests of the guide.

pub mod experiment;

/// Compiles the Rust code in docs/guide.md, which is outside the published crates.
#[cfg(doctest)]
#[doc = include_str!("../docs/guide.md")]
struct GuideDoctests;
