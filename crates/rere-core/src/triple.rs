//! Triples and the mentions they join.

use crate::{ByteSpan, Probability, SpanError};

/// The surface of a subject or an object, and where it stands in the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Mention {
    /// The surface.
    pub text: String,
    /// Where it stands; `None` where the source gives only the surface.
    pub span: Option<ByteSpan>,
    /// Name of its type, such as `PERSON`, if the source gives one.
    pub entity_type: Option<String>,
    /// Id of the entity that it mentions, if the source gives one: mentions of a sentence with the same id are the same entity.
    pub entity: Option<String>,
}

impl Mention {
    /// A mention of which only the surface is known.
    pub fn of(text: impl Into<String>) -> Self {
        Self { text: text.into(), span: None, entity_type: None, entity: None }
    }

    /// The mention under `span` of `text`.
    ///
    /// # Errors
    /// Where the span does not fit the text.
    pub fn at(text: &str, span: ByteSpan) -> Result<Self, SpanError> {
        Ok(Self { span: Some(span), ..Self::of(span.slice(text)?) })
    }

    /// Sets the offsets, or removes them.
    #[must_use]
    pub fn with_span(self, span: impl Into<Option<ByteSpan>>) -> Self {
        Self { span: span.into(), ..self }
    }

    /// Sets the name of the type.
    #[must_use]
    pub fn with_entity_type(self, name: impl Into<String>) -> Self {
        Self { entity_type: Some(name.into()), ..self }
    }

    /// Sets the id of the entity.
    #[must_use]
    pub fn with_entity(self, id: impl Into<String>) -> Self {
        Self { entity: Some(id.into()), ..self }
    }
}

/// A subject, a relation and an object, and how sure a system is of it.
///
/// It is written to JSON with its text: see [`Triple::in_text`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Triple {
    /// The subject, or head.
    pub subject: Mention,
    /// Name of the relation.
    pub relation: String,
    /// The object, or tail.
    pub object: Mention,
    /// Present on predictions only.
    pub score: Option<Probability>,
}

impl Triple {
    /// A triple without a score.
    pub fn new(subject: Mention, relation: impl Into<String>, object: Mention) -> Self {
        Self { subject, relation: relation.into(), object, score: None }
    }

    /// A gold triple of surfaces.
    pub fn of(subject: impl Into<String>, relation: impl Into<String>, object: impl Into<String>) -> Self {
        Self::new(Mention::of(subject), relation, Mention::of(object))
    }

    /// Sets the score, or removes it.
    #[must_use]
    pub fn with_score(self, score: impl Into<Option<Probability>>) -> Self {
        Self { score: score.into(), ..self }
    }
}
