//! Facts of a corpus, with their evidence.

use std::fmt;

use rere_core::{Probability, Sentence};
use serde::{Deserialize, Serialize};

/// A fact that triples of a corpus state: a subject, a relation and an object, once for the whole corpus.
///
/// As JSON, a line of [`FactFormat::JsonLines`](crate::FactFormat::JsonLines), the evidence is a list of sentences of the rere
/// format: see [`rere_core::json`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CorpusFact {
    /// The subject.
    pub subject: FactEntity,
    /// Name of the relation.
    pub relation: String,
    /// The object.
    pub object: FactEntity,
    /// Combined score: the probability that at least one of the sentences states the fact, from 0 to 1.
    pub score: f64,
    /// Best score of a sentence, from 0 to 1.
    pub best: f64,
    /// Number of different sentences that state the fact.
    pub sentences: usize,
    /// Number of documents with such a sentence.
    pub documents: usize,
    /// Whether the knowledge base has the fact; `None` without a knowledge base.
    pub status: Option<FactStatus>,
    /// Other objects of the subject, if the relation has at most one: those of the knowledge base, and found ones with a higher
    /// score.
    pub conflicts: Vec<String>,
    /// The sentences with the best scores, each with its triple, the best first. The fields `document` and `start` are those of
    /// the corpus. The scores are calibrated.
    pub evidence: Vec<Sentence>,
}

/// Subject or object of a [`CorpusFact`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FactEntity {
    /// First name in the knowledge base, if the surface is the name of one entity; otherwise the surface of the best sentence.
    pub name: String,
    /// Ids of the entities of the knowledge base with this name: none, one, or several if the name is ambiguous.
    pub ids: Vec<String>,
}

/// Whether a knowledge base has a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum FactStatus {
    /// It does.
    Known,
    /// It does, but the fact is [hidden](rere_data::KnowledgeBase::hide) for an evaluation.
    Hidden,
    /// It does not.
    New,
}

impl FactStatus {
    /// Returns the name, such as `new`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Hidden => "hidden",
            Self::New => "new",
        }
    }
}

impl fmt::Display for FactStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns a score as the number that its shortest decimal form has: 0.9 stays 0.9, and does not become 0.8999999761581421.
pub(crate) fn decimal(score: Probability) -> f64 {
    score.to_string().parse().unwrap_or(score.get().into())
}
