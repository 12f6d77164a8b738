//! One file for each command.

use std::path::Path;

use rere_core::Sentence;
use rere_data::{DataError, Lost, read_reporting};

pub mod align;
pub mod clean;
pub mod compare;
pub mod convert;
pub mod drop;
pub mod evaluate;
pub mod extract;
pub mod stats;
pub mod train;
pub mod tune;

/// What a command ends with.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// The sentences of a corpus; what of it has no counterpart is told.
fn read(path: &Path) -> Result<Vec<Sentence>, DataError> {
    let (sentences, lost) = read_reporting(path)?;
    if !lost.is_empty() {
        eprintln!("{}:\n{lost}", path.display());
    }
    Ok(sentences)
}

/// Says on the error output what could not be carried over, where there is such.
fn report(lost: &Lost) {
    if !lost.is_empty() {
        eprintln!("{lost}");
    }
}
