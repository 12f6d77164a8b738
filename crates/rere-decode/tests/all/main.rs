//! The tests of the crate, in one binary.

mod bad_input;
mod common;
mod cross_product;
mod nearest;
mod real_data;
