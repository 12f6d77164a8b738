//! The tests of the crate, in one binary.

mod auto_traits;
mod breakdown;
mod corpora;
mod count;
mod coverage;
mod curve;
mod curve_reference;
mod entity;
mod joint_thresholds;
mod matcher;
mod missing;
#[cfg(feature = "page")]
mod page;
mod paper;
mod real_data;
mod reference;
mod relation_thresholds;
mod sentence_pairs;
mod significance;
mod threshold;
