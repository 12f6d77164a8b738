//! What can go wrong with training and extraction.

use std::{
    io,
    path::{Path, PathBuf},
};

use rere_core::ExtractError;

use rere_data::DataError;
use rere_decode::DecodeError;
use rere_loss::LossError;
use rere_model::ModelError;

/// A system that cannot be trained, loaded or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RereError {
    /// The corpus or the tokenizer.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The encoder, its weights or the device.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// An extractor failed.
    #[error(transparent)]
    Extract(#[from] ExtractError),
    /// The settings of a loss, or a class prior that the labels do not give.
    #[error("the loss of the {stage} stage cannot be set up")]
    Loss {
        /// Which stage.
        stage: String,
        /// What is wrong.
        source: LossError,
    },
    /// A class prior that could not be estimated.
    #[error("the class prior of class {class} cannot be estimated ({stage}): give one, or let it be counted")]
    Prior {
        /// Which stage.
        stage: String,
        /// Which class, from 0: a relation or a pointer; 0 if all labels are estimated together.
        class: usize,
        /// What is wrong.
        source: rere_loss::prior::PriorError,
    },
    /// Scores that are no probabilities: the weights hold a NaN or an infinity.
    #[error("sentence {sentence} cannot be decoded; the model's weights may be damaged")]
    Decode {
        /// Position of the sentence in the call, from 1.
        sentence: usize,
        /// What is wrong.
        source: DecodeError,
    },
    /// A score that is NaN: the weights hold a NaN, or f16 is not enough for them.
    #[error("sentence {sentence} has a score that is NaN; the model's weights may be damaged, or need f32")]
    NotANumber {
        /// Position of the sentence in the call, from 1.
        sentence: usize,
    },
    /// A decoded span that does not lie in its sentence.
    #[error("sentence {sentence} was decoded to a span outside it")]
    Span {
        /// Position of the sentence in the call, from 1.
        sentence: usize,
        /// What is wrong.
        source: rere_core::SpanError,
    },
    /// A file or folder could not be read or written.
    #[error("{} {}", path.display(), if source.kind() == io::ErrorKind::NotFound { "is not found" } else { "cannot be read or written" })]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Settings that do not parse, or contradict each other.
    #[error("{}{message}", path.as_ref().map(|path| format!("{}: ", path.display())).unwrap_or_default())]
    Config {
        /// The file, where there is one.
        path: Option<PathBuf>,
        /// What is wrong, and where.
        message: String,
    },
    /// A file of a model folder or checkpoint that is damaged, or of another version.
    #[error("{}: {message}", path.display())]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        message: String,
    },
    /// A model folder that another run is writing.
    #[error("{} is in use by another training run: wait for it, or choose another folder", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that holds a stopped run.
    #[error("{} holds a stopped run: go on with it (--resume), or discard it (--overwrite)", path.display())]
    Stopped {
        /// The folder.
        path: PathBuf,
    },
    /// The event callback ended the run.
    #[error("the run was interrupted: go on with it later (--resume)")]
    Interrupted,
    /// A corpus from which nothing can be learnt.
    #[error("{0}")]
    Corpus(String),
    /// A loss that is no longer a number.
    #[error("the loss of the {stage} stage is {value} at step {step}: lower its learning_rate")]
    Diverged {
        /// Which stage.
        stage: String,
        /// Which step, from 0.
        step: usize,
        /// The loss.
        value: f32,
    },
}

impl RereError {
    /// Settings that contradict each other, or cannot be used.
    pub(crate) fn config(message: impl ToString) -> Self {
        Self::Config { path: None, message: message.to_string() }
    }

    /// The error about settings, with the file that holds them.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Config { message, .. } => Self::Config { path: Some(path.to_owned()), message },
            other => other,
        }
    }
}

impl From<RereError> for ExtractError {
    fn from(error: RereError) -> Self {
        match error {
            RereError::Extract(error) => error,
            other => Self::new(other),
        }
    }
}
