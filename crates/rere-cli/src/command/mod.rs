//! One file for each command.

pub mod evaluate;
pub mod extract;
pub mod train;
pub mod tune;

/// What a command ends with.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;
