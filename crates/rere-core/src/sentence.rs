//! A text with its triples.

use crate::{Extra, Mention, Triple};

/// One unit of text, most often a sentence, with the triples that are said or predicted to hold in it.
///
/// By serde it is read from and written to JSON in the shape of the rere format: see [`json`](crate::json).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sentence {
    /// Name of the sentence in its corpus, where it has one.
    pub id: Option<String>,
    /// The original text. Every span of the sentence slices it.
    pub text: String,
    /// Gold or predicted triples, in the order of the source.
    pub triples: Vec<Triple>,
    /// Entities that no triple joins, if the source lists such, in its order.
    pub entities: Vec<Mention>,
    /// Pairs that the source labels as without a relation, in its order: the relation is that label, such as TACRED's `no_relation`.
    /// Their mentions are also among the entities, unless a triple joins them.
    pub negatives: Vec<Triple>,
    /// Fields of the source file that have no meaning here; kept so that rewriting a file loses nothing.
    pub extra: Extra,
}

impl Sentence {
    /// A sentence that has only a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}
