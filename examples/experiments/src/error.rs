//! Errors of an experiment.

use std::{error::Error, io, path::PathBuf};

use rere::{ExtractError, RereError};
use rere_data::DataError;
use rere_eval::{EvalError, PlotError, SignificanceError};
use rere_model::ModelError;

/// Why an experiment, or a part of it, cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// The settings file cannot be used.
    #[error("{}: {problem}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to write instead.
        problem: String,
    },
    /// An environment variable is needed and not set.
    #[error("{name} is not set: set it to the folder of {what}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What the folder holds.
        what: &'static str,
    },
    /// A data set cannot be used.
    #[error("{0}")]
    DataSet(String),
    /// A file or folder cannot be read or written.
    #[error("{} cannot be read or written", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file of the store is damaged.
    #[error("{} is damaged: remove its folder, and the system is trained again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: serde_json::Error,
    },
    /// A result cannot be written as JSON or CSV.
    #[error("the results cannot be written: {0}")]
    Output(String),
    /// A device is unknown or not there.
    #[error(transparent)]
    Device(#[from] ModelError),
    /// A file of sentences cannot be read or written.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A system cannot be trained or run.
    #[error(transparent)]
    Rere(#[from] RereError),
    /// Triples cannot be extracted.
    #[error(transparent)]
    Extract(#[from] ExtractError),
    /// Triples cannot be scored.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// Scores cannot be compared.
    #[error(transparent)]
    Significance(#[from] SignificanceError),
    /// A picture cannot be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
}

/// Returns an error with its causes, in one line.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": caused by: {error}");
        cause = error.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
