//! Tests of the crate, in one binary.

mod bad_input;
mod casrel;
mod common;
mod constraint;
mod correspondence;
mod cross_product;
mod naive;
mod nearest;
mod pair_classification;
mod random;
mod real_data;
mod table;
mod tags;
mod tplinker;
mod triple;
