//! Errors of training and extraction.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use rere_core::{ConstraintError, ExtractError, RelationSetError, SpanError};
use rere_data::{DataError, LocatedReport};
use rere_decode::DecodeError;
use rere_loss::{LossError, prior::PriorError};
use rere_model::ModelError;

/// A system that cannot be trained, loaded or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RereError {
    /// The corpus or the tokenizer cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The encoder, its weights or the device cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// An extractor failed.
    #[error(transparent)]
    Extract(#[from] ExtractError),
    /// The settings of a loss are wrong, or the labels do not give the class prior that it needs.
    #[error("the loss of the {stage} stage cannot be set up")]
    Loss {
        /// Name of the stage.
        stage: String,
        /// The cause.
        source: LossError,
    },
    /// A class prior could not be estimated.
    #[error("the class prior of class {class} cannot be estimated ({stage}): give one, or let it be counted")]
    Prior {
        /// Name of the stage.
        stage: String,
        /// The class, from 0: a relation or a pointer; 0 if all labels are estimated together.
        class: usize,
        /// The cause.
        source: PriorError,
    },
    /// A sentence cannot be decoded, for example because the weights hold a NaN or an infinity.
    #[error("sentence {sentence} cannot be decoded; the model's weights may be damaged")]
    Decode {
        /// Position of the sentence in the call, from 1.
        sentence: usize,
        /// The cause.
        source: DecodeError,
    },
    /// A score is NaN: the weights hold a NaN, or f16 is not precise enough for them.
    #[error("sentence {sentence} has a score that is NaN; the model's weights may be damaged, or need f32")]
    NotANumber {
        /// Position of the sentence in the call, from 1.
        sentence: usize,
    },
    /// A decoded span does not lie in its sentence.
    #[error("sentence {sentence} was decoded to a span outside it")]
    Span {
        /// Position of the sentence in the call, from 1.
        sentence: usize,
        /// The cause.
        source: SpanError,
    },
    /// A file or folder cannot be read or written.
    #[error("{} {}", path.display(), if source.kind() == io::ErrorKind::NotFound { "is not found" } else { "cannot be read or written" })]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Settings do not parse, are out of range or contradict each other.
    #[error("{}{problem}", path.as_ref().map(|path| format!("{}: ", path.display())).unwrap_or_default())]
    Config {
        /// The settings file, if there is one.
        path: Option<PathBuf>,
        /// What is wrong.
        problem: ConfigProblem,
    },
    /// A model folder or checkpoint is damaged, incomplete or of another version.
    #[error("{}: {problem}", path.display())]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        problem: FolderProblem,
    },
    /// Another run is writing the model folder.
    #[error("{} is in use by another training run: wait for it, or choose another folder", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds a stopped run.
    #[error("{} holds a stopped run: go on with it (--resume), or discard it (--overwrite)", path.display())]
    Stopped {
        /// The folder.
        path: PathBuf,
    },
    /// The event callback ended the run.
    #[error("the run was interrupted: go on with it later (--resume)")]
    Interrupted,
    /// Nothing can be learnt from the corpus.
    #[error(transparent)]
    Corpus(#[from] CorpusProblem),
    /// The loss is infinite or NaN.
    #[error("the loss of the {stage} stage is {value} at step {step}: lower its learning_rate")]
    Diverged {
        /// Name of the stage.
        stage: String,
        /// The step, from 0.
        step: usize,
        /// The loss.
        value: f32,
    },
}

/// What is wrong with settings.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigProblem {
    /// The text is not TOML, or has an unknown or missing key; the message has line and column.
    #[error("{0}")]
    Syntax(String),
    /// A value is out of its range.
    #[error("{key} is {found}: it must {expected}")]
    OutOfRange {
        /// The key with its table, such as `rere.relation.batch`.
        key: String,
        /// The value.
        found: String,
        /// The range, such as `be at least 1`.
        expected: &'static str,
    },
    /// A stage has no epoch and no earlier model.
    #[error("{key} must be at least 1, unless training starts from an earlier model (--from)")]
    NoEpoch {
        /// The key with its table.
        key: String,
    },
    /// A check of the system failed; the message names the key.
    #[error("{0}")]
    Invalid(String),
    /// The settings of a loss are wrong.
    #[error("{key}: {problem}")]
    Loss {
        /// The key with its table.
        key: String,
        /// What is wrong.
        problem: LossError,
    },
    /// A random encoder has an unknown key.
    #[error("encoder.random: unknown field `{found}`, expected one of {}", quoted(known))]
    UnknownEncoderKey {
        /// The key.
        found: String,
        /// The keys of this encoder.
        known: Vec<String>,
    },
    /// A key has moved, or was removed.
    #[error("the settings have `{old}`: {advice}")]
    OldKey {
        /// The key or table.
        old: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// The model is of a system that cannot be exported.
    #[error("expected a model of the system rere or prgc, the only ones that can be exported as ONNX, found {found}")]
    NotExported {
        /// The system of the model.
        found: String,
    },
    /// A folder to write to has files.
    #[error("the folder is not empty: choose another name, or remove it")]
    NotEmpty,
    /// No system has this name.
    #[error("system: {0}")]
    System(UnknownSystem),
    /// A stage to be taken from a trained model is not one of the system.
    #[error("expected one of the stages {}, found {found}", known.join(", "))]
    UnknownStage {
        /// The stage.
        found: String,
        /// The stages of the system.
        known: Vec<&'static str>,
    },
    /// Training starts from a model of another system.
    #[error("--from: expected a model of the system {expected}, found {found}")]
    OtherSystem {
        /// The system of the settings.
        expected: &'static str,
        /// The system of the model.
        found: String,
    },
    /// Inputs are longer than the encoder can read.
    #[error("training.max_tokens is {max_tokens}, but the encoder reads at most {most}: lower it")]
    MaxTokens {
        /// The setting.
        max_tokens: usize,
        /// The most tokens that the encoder reads.
        most: usize,
    },
    /// The query of a relation leaves no token to a sentence.
    #[error(
        "the query of the relation {relation:?} has {tokens} tokens, which leaves no token of {max_tokens} to a sentence: \
         raise training.max_tokens, or shorten the name"
    )]
    QueryTooLong {
        /// Name of the relation.
        relation: String,
        /// Tokens of its query.
        tokens: usize,
        /// The setting `training.max_tokens`.
        max_tokens: usize,
    },
    /// The constraints do not fit the relations.
    #[error("decode: {0}")]
    Constraints(ConstraintError),
    /// The thread pool cannot be built.
    #[error("the thread pool cannot be built: {0}")]
    Threads(String),
    /// The settings cannot be written as JSON.
    #[error("the settings cannot be written as JSON: {0}")]
    Json(String),
}

/// What is wrong with a model folder, a file of it, or a checkpoint.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FolderProblem {
    /// The folder does not exist.
    #[error("there is no such model folder")]
    NotFound,
    /// The folder has no `config.json`.
    #[error("this is no model folder: it has no config.json")]
    NoConfig,
    /// A training run is still writing the model.
    #[error("the training of this model has not ended yet: wait for it")]
    InTraining,
    /// The training of the model was stopped.
    #[error("the training of this model was stopped: go on with it (--resume)")]
    Stopped,
    /// A file of a model in memory is missing.
    #[error("the file is missing")]
    MissingFile,
    /// A JSON file does not parse.
    #[error("{0}; the file is damaged or of another version: train or copy the model again")]
    Damaged(String),
    /// A JSON file cannot be made.
    #[error("the file cannot be made: {0}")]
    Json(String),
    /// The layout is that of another version.
    #[error(
        "expected format {expected}, found {}: another version of rere wrote the model; train it again",
        found.map_or("none".to_owned(), |found| found.to_string())
    )]
    Format {
        /// The layout of this version.
        expected: u32,
        /// The layout of the folder, if it has one.
        found: Option<u64>,
    },
    /// The model is of another system.
    #[error("expected a model of the system {expected}, found {found}")]
    OtherSystem {
        /// The expected system.
        expected: &'static str,
        /// The system of the model.
        found: String,
    },
    /// The model is of a system that cannot be exported.
    #[error("expected a model of the system rere or prgc, the only ones that can be exported as ONNX, found {found}")]
    NotExported {
        /// The system of the model.
        found: String,
    },
    /// A folder to write to has files.
    #[error("the folder is not empty: choose another name, or remove it")]
    NotEmpty,
    /// No system has this name.
    #[error("system: {0}")]
    System(UnknownSystem),
    /// The settings of the system do not parse.
    #[error("settings: {0}; train the model again")]
    Settings(String),
    /// Inputs are longer than the encoder can read.
    #[error("max_tokens is {max_tokens}, but the encoder reads at most {most}")]
    MaxTokens {
        /// The longest input.
        max_tokens: usize,
        /// The most tokens that the encoder reads.
        most: usize,
    },
    /// An input has no room for a token of the text.
    #[error("max_tokens is {max_tokens}, but {extra} tokens are not the text's")]
    NoRoomForText {
        /// The longest input.
        max_tokens: usize,
        /// Special tokens, and those of the longest query.
        extra: usize,
    },
    /// The tokenizer has ids that the encoder does not know.
    #[error("the tokenizer has {ids} ids, the encoder only {known}: they do not belong together")]
    Tokenizer {
        /// Ids of the tokenizer.
        ids: usize,
        /// Ids of the encoder.
        known: usize,
    },
    /// The stopped run has other settings, another corpus or another encoder.
    #[error(
        "the stopped run has other settings, another corpus or another encoder: train with those, or discard the run \
         (--overwrite)"
    )]
    OtherRun,
    /// The model was trained with other settings, on another corpus or from another encoder.
    #[error(
        "the model in this folder was trained with other settings, on another corpus or from another encoder: train into \
         another folder, or without --resume to replace it"
    )]
    OtherModel,
    /// A checkpoint cannot be made.
    #[error("the checkpoint cannot be made: {0}")]
    CheckpointNotMade(String),
    /// A checkpoint is damaged.
    #[error("the checkpoint is damaged ({0}): train without resuming")]
    CheckpointDamaged(String),
    /// A stage cannot be taken from this model, because the model differs too much.
    #[error(
        "the stage {stage} cannot be taken from this model: its system, relations, encoder settings or tokenizer differ"
    )]
    StageDiffers {
        /// Name of the stage.
        stage: String,
    },
    /// The model does not have the stage.
    #[error("the model has no stage {stage}")]
    NoStage {
        /// Name of the stage.
        stage: String,
    },
}

impl FolderProblem {
    /// The error with the path of the file or folder.
    pub(crate) fn at(self, path: impl Into<PathBuf>) -> RereError {
        RereError::Folder { path: path.into(), problem: self }
    }
}

/// Why nothing can be learnt from a corpus.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusProblem {
    /// No training sentence has a triple.
    #[error("no training sentence has a triple: nothing can be learnt")]
    NoTriple,
    /// There is no development set with triples, but something needs one.
    #[error(
        "{needed_by} needs a development set with triples, but there is none: name one in data.dev, or do without \
         {needed_by}"
    )]
    NoDev {
        /// The option or the key of the settings.
        needed_by: String,
    },
    /// No triple of the training sentences can be located.
    #[error("no training sentence can be used:\n{0}")]
    NothingLocated(LocatedReport),
    /// All examples of a stage are too long.
    #[error(
        "no training sentence can be used by the stage {stage}: {too_long} examples are longer than training.max_tokens"
    )]
    NoExample {
        /// Name of the stage.
        stage: String,
        /// Examples that are too long.
        too_long: usize,
    },
    /// The relations of the training sentences cannot be used together.
    #[error(transparent)]
    Relations(#[from] RelationSetError),
}

/// The name of a system that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownSystem(pub String);

impl fmt::Display for UnknownSystem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected one of {}, found {}", crate::AnyConfig::SYSTEMS.join(", "), self.0)
    }
}

fn quoted(keys: &[String]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

impl RereError {
    /// The same error with the path of the settings file.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Config { problem, .. } => Self::Config { path: Some(path.to_owned()), problem },
            other => other,
        }
    }
}

impl From<ConfigProblem> for RereError {
    fn from(problem: ConfigProblem) -> Self {
        Self::Config { path: None, problem }
    }
}

impl From<toml::de::Error> for ConfigProblem {
    fn from(error: toml::de::Error) -> Self {
        Self::Syntax(error.to_string())
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
