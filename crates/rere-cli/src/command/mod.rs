//! One file for each command.

pub mod align;
pub mod drop;
pub mod evaluate;
pub mod extract;
pub mod stats;
pub mod train;
pub mod tune;

/// What a command ends with.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;
