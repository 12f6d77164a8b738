//! A text with its triples.

use crate::{Extra, Mention, Triple};

/// One unit of text, most often a sentence, with the triples that are said or predicted to hold in it.
///
/// ```
/// use rere_core::{Sentence, Triple};
///
/// let sentence = Sentence::new("Ada was born in London .")
///     .with_id("1")
///     .with_triples([Triple::of("Ada", "born in", "London")]);
/// assert_eq!(sentence.triples[0].object.text, "London");
/// ```
///
/// By serde it is read from and written to JSON in the shape of the rere format: see [`json`](crate::json).
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
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

    /// Sets the id.
    #[must_use]
    pub fn with_id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// Sets the triples.
    #[must_use]
    pub fn with_triples(self, triples: impl IntoIterator<Item = Triple>) -> Self {
        Self { triples: triples.into_iter().collect(), ..self }
    }

    /// Sets the entities that no triple joins.
    #[must_use]
    pub fn with_entities(self, entities: impl IntoIterator<Item = Mention>) -> Self {
        Self { entities: entities.into_iter().collect(), ..self }
    }

    /// Sets the pairs that are labelled as without a relation.
    #[must_use]
    pub fn with_negatives(self, negatives: impl IntoIterator<Item = Triple>) -> Self {
        Self { negatives: negatives.into_iter().collect(), ..self }
    }

    /// Sets the other fields.
    #[must_use]
    pub fn with_extra(self, extra: Extra) -> Self {
        Self { extra, ..self }
    }
}
