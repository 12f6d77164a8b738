//! A text with its triples.

use crate::{Extra, Mention, Triple};

/// A text, most often one sentence, with its gold or predicted triples.
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
/// With serde it is read and written as JSON of the rere format: see [`json`](crate::json).
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Sentence {
    /// Id of the sentence in its corpus, if it has one.
    pub id: Option<String>,
    /// The original text, to which all spans refer.
    pub text: String,
    /// Gold or predicted triples, in the order of the source.
    pub triples: Vec<Triple>,
    /// Entities that are in no triple, if the source lists them, in its order.
    pub entities: Vec<Mention>,
    /// Pairs that the source labels as without a relation, in its order. The relation is that label, such as TACRED's
    /// `no_relation`. Their mentions are also among the entities, unless they are in a triple.
    pub negatives: Vec<Triple>,
    /// Unrecognised fields of the source, kept so that rewriting a file loses nothing.
    pub extra: Extra,
}

impl Sentence {
    /// Creates a sentence with a text only.
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

    /// Sets the entities that are in no triple.
    #[must_use]
    pub fn with_entities(self, entities: impl IntoIterator<Item = Mention>) -> Self {
        Self { entities: entities.into_iter().collect(), ..self }
    }

    /// Sets the pairs without a relation.
    #[must_use]
    pub fn with_negatives(self, negatives: impl IntoIterator<Item = Triple>) -> Self {
        Self { negatives: negatives.into_iter().collect(), ..self }
    }

    /// Sets the unrecognised fields.
    #[must_use]
    pub fn with_extra(self, extra: Extra) -> Self {
        Self { extra, ..self }
    }

    /// Returns the entities and the subjects and objects of the triples, without repetitions.
    pub fn mentions(&self) -> Vec<Mention> {
        let mut mentions: Vec<Mention> = Vec::new();
        for mention in self.entities.iter().chain(self.triples.iter().flat_map(Triple::mentions)) {
            if !mentions.contains(mention) {
                mentions.push(mention.clone());
            }
        }
        mentions
    }
}
