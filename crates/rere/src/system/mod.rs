//! Systems: the interface between the framework and its networks and decoders.

mod casrel;
mod novel_tagging;
mod one_network;
mod pair;
mod prgc;
#[cfg(test)]
mod reference;
mod rere;
mod spans;
mod tplinker;

use std::{fmt::Debug, fs, ops::Range, path::Path};

use rere_core::{ByteSpan, Probability, QueryStyle, TokenSpan};
use rere_data::LocatedTriple;
use rere_decode::{RelationThresholds, TokenTriple, TokenizedText};
use serde::{Serialize, de::DeserializeOwned};

pub use casrel::{CasRel, CasRelConfig};
pub use novel_tagging::{NovelTagging, NovelTaggingConfig};
pub use pair::{Pair, PairConfig};
pub use prgc::{Prgc, PrgcConfig};
pub use rere::{Rere, RereConfig};
pub use tplinker::{TpLinker, TpLinkerConfig};

use crate::{
    Config, ConfigProblem, FolderProblem, LoadOptions, ModelConfig, ModelParts, RereError, Run, Source, StageConfig,
    Thresholds, Trained, TrainedSystem, UnknownSystem,
};

/// A system: one or more networks and a decoder.
///
/// Implement this trait to add a system of your own. You define what the networks train on ([`Task`](crate::Task)), how windows of
/// texts are scored, and how scores become triples. The crate provides training, checkpoints, model folders, windows over long
/// texts, batching and the choice of thresholds.
pub trait System: Send + Sync + Sized + 'static {
    /// Name of the system in settings and model folders, and of its table in the settings.
    const NAME: &'static str;

    /// The system's own settings.
    type Config: Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync;

    /// Scores of one window of a text. Triples can be decoded from them at any thresholds.
    type Scores: Send + Sync;

    /// Memory that [`decode`](Self::decode) reuses from window to window.
    type Scratch: Default + Send;

    /// Returns the settings of each network's training, with their names in the system's table.
    fn stages(config: &Self::Config) -> Vec<(&'static str, &StageConfig)>;

    /// Checks the values of the settings that [`stages`](Self::stages) does not return.
    ///
    /// # Errors
    /// Returns a message that names the key if a value is out of its range.
    fn check(_config: &Self::Config) -> Result<(), String> {
        Ok(())
    }

    /// Returns how names of relations become queries, if the system uses queries.
    fn query_style(_config: &Self::Config) -> QueryStyle {
        QueryStyle::Words
    }

    /// Trains the networks one after the other, each with [`Run::stage`].
    ///
    /// # Errors
    /// Returns an error if the corpus, the encoder or the settings cannot be used, or if a stage fails.
    fn train(config: &Self::Config, run: &mut Run<'_>) -> Result<(), RereError>;

    /// Loads the trained system.
    ///
    /// # Errors
    /// Returns an error if a network's weights are missing or do not fit the settings.
    fn load(config: &Self::Config, parts: &ModelParts<'_>) -> Result<Self, RereError>;

    /// Returns the tokens of the longest input besides those of the text: special tokens, and a query if the system has one.
    fn extra_tokens(&self) -> usize;

    /// Computes the scores of each window.
    ///
    /// # Errors
    /// Returns [`RereError::NotANumber`] if a score is NaN.
    fn score(&self, windows: &[Window<'_>], floor: &Floor<'_>) -> Result<Vec<Self::Scores>, RereError>;

    /// Appends the triples of one window to `found`, in any order. `text` has the tokens of the window.
    ///
    /// The caller removes triples whose subject or object is empty and those whose subject and object have the same span.
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

    /// Returns the thresholds to try when thresholds are chosen. Their thresholds of triples are ignored: the best one is found
    /// exactly for each candidate.
    fn candidates() -> Vec<Thresholds>;
}

/// The most tokens of a batch of development sentences, padding included.
const DEV_TOKENS: usize = 2048;

/// Returns the triples of one relation.
fn of_relation(triples: &[LocatedTriple], relation: usize) -> impl Iterator<Item = &LocatedTriple> {
    triples.iter().filter(move |triple| triple.relation == relation)
}

/// A text, or a part of a long one.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Window<'a> {
    /// Position of the text in the call, from 0.
    pub text: usize,
    /// Ids of the window's tokens.
    pub ids: &'a [u32],
    /// The range of these tokens in the text.
    pub tokens: Range<usize>,
    /// The mentions that subjects and objects are chosen from, as sorted spans of the window's tokens; `None` if the system finds
    /// them itself. The caller removes triples with other mentions.
    pub mentions: Option<Vec<TokenSpan>>,
}

/// Lower bounds of the thresholds at which scores will be decoded. A system can skip work for anything below them.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Floor<'a> {
    /// The thresholds of the first step at which the scores will be decoded, in ascending order; at least one.
    pub detect: &'a [Probability],
    /// The least threshold of the second step at which the scores will be decoded.
    pub decode: Probability,
    /// The lowest threshold of triples, by relation.
    pub triple: &'a RelationThresholds,
    /// For each relation, whether its triples are wanted. The caller removes other triples; a system may skip the work for them.
    pub wanted: &'a [bool],
}

/// Options of decoding.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Decoding<'a> {
    /// The thresholds.
    pub thresholds: &'a Thresholds,
    /// The most tokens of a subject or an object, if there is a limit. A decoder should respect it, because a longer span could
    /// replace a shorter one.
    pub longest: Option<usize>,
}

/// A triple of a decoder, with byte spans.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpanTriple {
    /// Label of the relation.
    pub relation: usize,
    /// Byte span of the subject in the text.
    pub subject: ByteSpan,
    /// Byte span of the object in the text.
    pub object: ByteSpan,
    /// Score of the triple. Thresholds may decide whether a triple is found, but must not change its score.
    pub score: Probability,
}

impl SpanTriple {
    /// Converts the triple of a token decoder to byte spans of its text.
    pub fn new(triple: &TokenTriple, text: TokenizedText<'_>) -> Self {
        Self {
            relation: triple.relation,
            subject: text.byte_span(triple.subject),
            object: text.byte_span(triple.object),
            score: Probability::saturating(triple.score),
        }
    }

    /// Whether subject and object differ and neither is empty. Different tokens that share a character can have equal byte spans,
    /// and the span of a token can be empty.
    pub(crate) fn is_pair(&self) -> bool {
        self.subject != self.object && !self.subject.is_empty() && !self.object.is_empty()
    }
}

/// The systems that settings and model folders can name. Add a new system here.
macro_rules! systems {
    ($first:ident $(, $system:ident)*) => {
        /// Settings of any system of this crate.
        ///
        /// ```
        /// let config = rere::AnyConfig::parse("system = \"casrel\"\nencoder = { pretrained = \"minilm\" }")?;
        /// assert!(matches!(config, rere::AnyConfig::CasRel(_)));
        /// assert_eq!(config.stages()[0].0, "tagger");
        /// assert_eq!(serde_json::to_value(&config)?["casrel"]["tagger"]["epochs"], 3);
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        #[allow(missing_docs)]
        pub enum AnyConfig {
            $first(Config<$first>),
            $($system(Config<$system>),)*
        }

        impl AnyConfig {
            /// Names of the systems. The first is the default.
            pub const SYSTEMS: &'static [&'static str] = &[$first::NAME $(, $system::NAME)*];

            /// Parses settings from TOML for the system that they name.
            ///
            /// # Errors
            /// Returns an error as [`Config::parse`] does, and if the system is unknown.
            pub fn parse(text: &str) -> Result<Self, RereError> {
                match system_of(text)?.as_deref() {
                    None => Config::parse(text).map(Self::$first),
                    Some(name) if name == $first::NAME => Config::parse(text).map(Self::$first),
                    $(Some(name) if name == $system::NAME => Config::parse(text).map(Self::$system),)*
                    Some(name) => Err(ConfigProblem::System(UnknownSystem(name.to_owned())).into()),
                }
            }

            /// Returns the settings of the corpus.
            pub fn data(&self) -> &crate::DataConfig {
                match self {
                    Self::$first(config) => &config.data,
                    $(Self::$system(config) => &config.data,)*
                }
            }

            /// Returns the settings of training that all networks share.
            pub fn training_mut(&mut self) -> &mut crate::TrainingConfig {
                match self {
                    Self::$first(config) => &mut config.training,
                    $(Self::$system(config) => &mut config.training,)*
                }
            }

            /// Returns the encoder that all networks start from.
            pub fn encoder_mut(&mut self) -> &mut crate::EncoderSource {
                match self {
                    Self::$first(config) => &mut config.encoder,
                    $(Self::$system(config) => &mut config.encoder,)*
                }
            }

            /// Returns the settings of each network's training, with their names in the system's table.
            pub fn stages(&self) -> Vec<(&'static str, &StageConfig)> {
                match self {
                    Self::$first(config) => $first::stages(&config.system),
                    $(Self::$system(config) => $system::stages(&config.system),)*
                }
            }

            /// Makes relative paths relative to the given folders.
            #[must_use]
            pub fn with_folders(self, data: &Path, encoders: &Path) -> Self {
                match self {
                    Self::$first(config) => Self::$first(config.with_folders(data, encoders)),
                    $(Self::$system(config) => Self::$system(config.with_folders(data, encoders)),)*
                }
            }

            /// Trains the system, as [`Trainer::run`](crate::Trainer::run) does.
            ///
            /// # Errors
            /// Returns an error as [`Trainer::run`](crate::Trainer::run) does.
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

            /// Trains the system with several settings and keeps the best model, as
            /// [`Trainer::search`](crate::Trainer::search) does.
            ///
            /// # Errors
            /// Returns an error as [`Trainer::search`](crate::Trainer::search) does.
            pub fn search(
                self,
                tries: std::num::NonZeroUsize,
                options: crate::TrainOptions,
                corpus: &crate::Corpus,
                folder: &Path,
                on_event: impl FnMut(&crate::Event) -> std::ops::ControlFlow<()>,
            ) -> Result<crate::SearchRecord, RereError> {
                match self {
                    Self::$first(config) => {
                        crate::Trainer::new(config, options).on_event(on_event).search(tries, corpus, folder)
                    }
                    $(Self::$system(config) => {
                        crate::Trainer::new(config, options).on_event(on_event).search(tries, corpus, folder)
                    })*
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
                name => Err(FolderProblem::System(UnknownSystem(name.to_owned())).at(crate::folder::CONFIG)),
            }
        }
    };
}

systems!(Rere, CasRel, TpLinker, Prgc, Pair, NovelTagging);

impl AnyConfig {
    /// Reads settings from a file and keeps the paths in it as they are.
    ///
    /// # Errors
    /// Returns an error as [`AnyConfig::parse`] does, and if the file cannot be read.
    pub fn load(path: &Path) -> Result<Self, RereError> {
        let text = fs::read_to_string(path).map_err(crate::files::io(path))?;
        Self::parse(&text).map_err(|error| error.in_file(path))
    }
}

/// Returns the name of the system in settings, if they have one.
fn system_of(text: &str) -> Result<Option<String>, RereError> {
    let table: toml::Table = toml::from_str(text).map_err(ConfigProblem::from)?;
    match table.get("system") {
        None => Ok(None),
        Some(toml::Value::String(name)) => Ok(Some(name.clone())),
        Some(other) => Err(ConfigProblem::System(UnknownSystem(other.to_string())).into()),
    }
}
