//! Doc tests of the Rust code in docs/guide.md. The guide is outside the published crates, so it is compiled here.
#![cfg_attr(doctest, doc = include_str!("../docs/guide.md"))]
