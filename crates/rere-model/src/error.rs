//! What can go wrong with a model.

use std::path::PathBuf;

/// A model that cannot be built, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file could not be read or written.
    #[error("{} {}", path.display(), if source.kind() == std::io::ErrorKind::NotFound { "is not found" } else { "cannot be read or written" })]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A `config.json` that is not what it should be.
    #[error("{}: not the configuration of a known encoder; model_type must be bert or bilstm", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: serde_json::Error,
    },
    /// Settings of an encoder that contradict each other or are not supported.
    #[error("encoder configuration: {0}")]
    Unsupported(String),
    /// A file of weights that is not in the safetensors format, or is cut short.
    #[error("{}: not a whole safetensors file; fetch or copy it again", path.display())]
    NotSafetensors {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        source: safetensors::SafeTensorError,
    },
    /// A file of weights that does not fit the model: a tensor is missing or has another shape.
    #[error("{}: the weights do not fit the configuration beside them: {message}", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// Which tensors, and how.
        message: String,
    },
    /// Weights that could not be written.
    #[error("{}: the weights could not be written: {message}", path.display())]
    Save {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        message: String,
    },
    /// A precision that has another name, or that a device does not have.
    #[error("precision {name:?}: {message}")]
    Precision {
        /// The name.
        name: String,
        /// What is wrong with it, and what would do.
        message: String,
    },
    /// A device name that means nothing, or a device that this build does not have.
    #[error("device {name:?}: {message}")]
    Device {
        /// The name that was given.
        name: String,
        /// What is wrong with it, and what would do.
        message: String,
    },
}
