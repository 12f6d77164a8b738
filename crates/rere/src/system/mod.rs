//! Systems: how a text becomes triples, and how that is learnt.

mod rere;

use std::{fmt::Debug, ops::Range};

use rere_core::{ByteSpan, Probability, QueryStyle};
use rere_decode::TokenizedText;
use serde::{Serialize, de::DeserializeOwned};

pub use rere::{Rere, RereConfig};

use crate::{Parts, RereError, Run, Thresholds};

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

    /// Checks that all values of the settings lie in their ranges.
    ///
    /// # Errors
    /// Returns what is wrong, with the key.
    fn check(config: &Self::Config) -> Result<(), String>;

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
    fn load(config: &Self::Config, parts: &Parts<'_>) -> Result<Self, RereError>;

    /// Tokens of the longest input besides those of the text: special tokens, and a query if the system has one.
    fn extra_tokens(&self) -> usize;

    /// The scores of each window.
    ///
    /// # Errors
    /// Returns [`RereError::NotANumber`] if a score is NaN.
    fn score(&self, windows: &[Window<'_>], floor: &Floor<'_>) -> Result<Vec<Self::Scores>, RereError>;

    /// Appends the triples of one window to `found`, in any order. `text` has the tokens of the window.
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

/// What is worth scoring.
#[derive(Debug, Clone, Copy)]
pub struct Floor<'a> {
    /// Least score of what the first step finds.
    pub detect: Probability,
    /// Least score of what the second step marks.
    pub decode: Probability,
    /// For each relation whether it is looked for.
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
