//! One file for each command.

use rere_data::Lost;

pub mod align;
pub mod clean;
pub mod convert;
pub mod drop;
pub mod evaluate;
pub mod extract;
pub mod stats;
pub mod train;
pub mod tune;

/// What a command ends with.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Says on the error output what could not be carried over, where there is such.
fn report(lost: &Lost) {
    if !lost.is_empty() {
        eprintln!("{lost}");
    }
}
