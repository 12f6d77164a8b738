//! The tests of the crate, in one binary.

mod align;
mod count;
mod paper;
mod real_data;
mod threshold;
