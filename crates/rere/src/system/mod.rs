//! Systems: how a text becomes triples, and how that is learnt.

mod casrel;
mod rere;

use std::{
    fmt::{Debug, Display},
    fs,
    ops::Range,
    path::Path,
};

use rere_core::{ByteSpan, Probability, QueryStyle};
use rere_decode::{RelationThresholds, TokenTriple, TokenizedText};
use serde::{Serialize, de::DeserializeOwned};

pub use casrel::{CasRel, CasRelConfig};
pub use rere::{Rere, RereConfig};

use crate::{
    Config, LoadOptions, ModelConfig, ModelParts, RereError, Run, Source, StageConfig, Thresholds, Trained,
    TrainedSystem,
};

/// A system: one network or more, and a decoder.
///
/// Training, checkpoints, the model folder, windows over long texts, batches, best triples and thresholds are written once, for
/// all systems: a system says what its networks train on ([`Task`](crate::Task)), how it scores windows of texts, and how
/// it makes triples of the scores.
pub trait System: Send + Sync + Sized + 'static {
    /// Name of the system in settings, in model folders and on the command line, and of its table in the settings.
    const NAME: &'static str;

    /// The system's own settings.
    type Config: Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync;

    /// Scores of one window of a text: what triples are decoded from, at as many thresholds as wanted.
    type Scores: Send + Sync;

    /// Memory of [`decode`](Self::decode), used again from window to window.
    type Scratch: Default + Send;

    /// The settings of each network's training, with their names in the system's table.
    fn stages(config: &Self::Config) -> Vec<(&'static str, &StageConfig)>;

    /// Checks that the values of other settings than those of [`stages`](Self::stages) lie in their ranges.
    ///
    /// # Errors
    /// Returns what is wrong, with the key.
    fn check(_config: &Self::Config) -> Result<(), String> {
        Ok(())
    }

    /// How relations are put into words, if the system asks with their names.
    fn query_style(_config: &Self::Config) -> QueryStyle {
        QueryStyle::Words
    }

    /// Trains the networks, one after the other, each with [`Run::stage`].
    ///
    /// # Errors
    /// Returns an error if the corpus, the encoder or the settings cannot be used, or a stage fails.
    fn train(config: &Self::Config, run: &mut Run<'_>) -> Result<(), RereError>;

    /// The trained system.
    ///
    /// # Errors
    /// Returns an error if a network's weights are missing or do not fit the settings.
    fn load(config: &Self::Config, parts: &ModelParts<'_>) -> Result<Self, RereError>;

    /// Tokens of the longest input besides those of the text: special tokens, and a query if the system has one.
    fn extra_tokens(&self) -> usize;

    /// The scores of each window.
    ///
    /// # Errors
    /// Returns [`RereError::NotANumber`] if a score is NaN.
    fn score(&self, windows: &[Window<'_>], floor: &Floor<'_>) -> Result<Vec<Self::Scores>, RereError>;

    /// Appends the triples of one window to `found`, in any order. `text` has the tokens of the window. A triple with a blank side,
    /// or with twice the same bytes, is left out later.
    ///
    /// # Errors
    /// Returns an error if a score is NaN.
    fn decode(
        &self,
        scores: &Self::Scores,
        text: TokenizedText<'_>,
        at: &Decoding<'_>,
        scratch: &mut Self::Scratch,
        found: &mut Vec<SpanTriple>,
    ) -> Result<(), rere_decode::DecodeError>;

    /// The thresholds to try when thresholds are chosen. For each of them the best threshold of triples is found exactly, in
    /// place of its own.
    fn candidates() -> Vec<Thresholds>;
}

/// A text, or a part of a long one.
#[derive(Debug, Clone)]
pub struct Window<'a> {
    /// Position of the text in the call, from 0.
    pub text: usize,
    /// Ids of the window's tokens.
    pub ids: &'a [u32],
    /// Which tokens of the text they are.
    pub tokens: Range<usize>,
}

/// What the scores are for, so that no work is done for what cannot be found.
#[derive(Debug, Clone, Copy)]
pub struct Floor<'a> {
    /// The thresholds of the first step at which the scores will be decoded, upwards; at least one.
    pub detect: &'a [Probability],
    /// The least threshold of the second step at which the scores will be decoded.
    pub decode: Probability,
    /// Least score of a triple, by relation.
    pub triple: &'a RelationThresholds,
    /// For each relation whether it is looked for. Triples of others are left out in any case; a system may save the work.
    pub wanted: &'a [bool],
}

/// How scores are decoded.
#[derive(Debug, Clone, Copy)]
pub struct Decoding<'a> {
    /// The thresholds.
    pub thresholds: &'a Thresholds,
    /// The most tokens of a subject or an object, if there is a limit. A decoder can do better than to find longer ones: they
    /// would take the place of shorter ones.
    pub longest: Option<usize>,
}

/// A triple that a decoder found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpanTriple {
    /// Label of the relation.
    pub relation: usize,
    /// Bytes of the subject in the text.
    pub subject: ByteSpan,
    /// Bytes of the object in the text.
    pub object: ByteSpan,
    /// Score of the triple. It must not depend on a threshold but through the triples that are found.
    pub score: Probability,
}

impl SpanTriple {
    /// The triple of a decoder of tokens, in bytes of its text.
    pub fn new(triple: &TokenTriple, text: TokenizedText<'_>) -> Self {
        Self {
            relation: triple.relation,
            subject: text.byte_span(triple.subject),
            object: text.byte_span(triple.object),
            score: Probability::saturating(triple.score),
        }
    }

    /// Whether subject and object are different, and neither is blank: different tokens that share a character can be the same
    /// bytes, and a token can stand for no text.
    pub(crate) fn is_pair(&self) -> bool {
        self.subject != self.object && !self.subject.is_empty() && !self.object.is_empty()
    }
}

/// The systems that settings and model folders can name. A new one is added here, and nowhere else.
macro_rules! systems {
    ($first:ident $(, $system:ident)*) => {
        /// The settings of any system of this crate.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs)]
        pub enum AnyConfig {
            $first(Config<$first>),
            $($system(Config<$system>),)*
        }

        impl AnyConfig {
            /// Names of the systems; the first is the default.
            pub const SYSTEMS: &'static [&'static str] = &[$first::NAME $(, $system::NAME)*];

            /// Settings from TOML, of the system that they name.
            ///
            /// # Errors
            /// As [`Config::parse`], or if the system is unknown.
            pub fn parse(text: &str) -> Result<Self, RereError> {
                match system_of(text)?.as_deref() {
                    None => Config::parse(text).map(Self::$first),
                    Some(name) if name == $first::NAME => Config::parse(text).map(Self::$first),
                    $(Some(name) if name == $system::NAME => Config::parse(text).map(Self::$system),)*
                    Some(name) => Err(RereError::config(unknown_system(name))),
                }
            }

            /// The corpus and what is done with its labels.
            pub fn data(&self) -> &crate::DataConfig {
                match self {
                    Self::$first(config) => &config.data,
                    $(Self::$system(config) => &config.data,)*
                }
            }

            /// What all networks share in training.
            pub fn training_mut(&mut self) -> &mut crate::TrainingConfig {
                match self {
                    Self::$first(config) => &mut config.training,
                    $(Self::$system(config) => &mut config.training,)*
                }
            }

            /// The same settings with relative paths made relative to the given folders.
            #[must_use]
            pub fn with_folders(self, data: &Path, encoders: &Path) -> Self {
                match self {
                    Self::$first(config) => Self::$first(config.with_folders(data, encoders)),
                    $(Self::$system(config) => Self::$system(config.with_folders(data, encoders)),)*
                }
            }

            /// Trains the system: [`Trainer::run`](crate::Trainer::run).
            ///
            /// # Errors
            /// As there.
            pub fn train(
                self,
                options: crate::TrainOptions,
                corpus: &crate::Corpus,
                folder: &Path,
                on_event: impl FnMut(&crate::Event) -> std::ops::ControlFlow<()>,
            ) -> Result<crate::TrainingRecord, RereError> {
                match self {
                    Self::$first(config) => crate::Trainer::new(config, options).on_event(on_event).run(corpus, folder),
                    $(Self::$system(config) => crate::Trainer::new(config, options).on_event(on_event).run(corpus, folder),)*
                }
            }
        }

        pub(crate) fn load_any(
            config: ModelConfig,
            source: &Source,
            options: &LoadOptions,
        ) -> Result<Box<dyn TrainedSystem>, RereError> {
            match config.system.as_str() {
                name if name == $first::NAME => Ok(Box::new(Trained::<$first>::with_config(config, source, options)?)),
                $(name if name == $system::NAME => Ok(Box::new(Trained::<$system>::with_config(config, source, options)?)),)*
                name => {
                    let message = unknown_system(name);
                    Err(RereError::Folder { path: crate::folder::CONFIG.into(), message })
                }
            }
        }
    };
}

systems!(Rere, CasRel);

impl AnyConfig {
    /// Settings from a file, with the paths as they are there.
    ///
    /// # Errors
    /// As [`AnyConfig::parse`], or if the file cannot be read.
    pub fn load(path: &Path) -> Result<Self, RereError> {
        let text = fs::read_to_string(path).map_err(crate::files::io(path))?;
        Self::parse(&text).map_err(|error| error.in_file(path))
    }
}

/// The name of the system that settings are for, if they have one.
fn system_of(text: &str) -> Result<Option<String>, RereError> {
    let table: toml::Table = toml::from_str(text).map_err(RereError::config)?;
    match table.get("system") {
        None => Ok(None),
        Some(toml::Value::String(name)) => Ok(Some(name.clone())),
        Some(other) => Err(RereError::config(unknown_system(other))),
    }
}

fn unknown_system(found: impl Display) -> String {
    format!("system: expected one of {}, found {found}", AnyConfig::SYSTEMS.join(", "))
}
