//! Triples and their mentions.

use std::fmt;

use crate::{ByteSpan, Probability, SpanError};

/// A subject or an object: its surface and its span in the text.
///
/// ```
/// use rere_core::{ByteSpan, Mention};
///
/// let mention = Mention::at("Ada was born in London", ByteSpan::new(0, 3))?.with_entity_type("PERSON");
/// assert_eq!(mention.text, "Ada");
/// # Ok::<(), rere_core::SpanError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Mention {
    /// The surface.
    pub text: String,
    /// The span in the text; `None` if the source gives the surface only.
    pub span: Option<ByteSpan>,
    /// Entity type, such as `PERSON`, if the source gives one.
    pub entity_type: Option<String>,
    /// Id of the entity, if the source gives one: mentions of a sentence with the same id are the same entity.
    pub entity: Option<String>,
}

impl Mention {
    /// Creates a mention with a surface only.
    pub fn of(text: impl Into<String>) -> Self {
        Self { text: text.into(), span: None, entity_type: None, entity: None }
    }

    /// Creates the mention at `span` of `text`.
    ///
    /// # Errors
    /// Returns an error if the span does not fit the text.
    pub fn at(text: &str, span: ByteSpan) -> Result<Self, SpanError> {
        Ok(Self { span: Some(span), ..Self::of(span.slice(text)?) })
    }

    /// Sets the span, or removes it.
    #[must_use]
    pub fn with_span(self, span: impl Into<Option<ByteSpan>>) -> Self {
        Self { span: span.into(), ..self }
    }

    /// Sets the entity type.
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

/// A subject, a relation and an object, with a score if it was predicted.
///
/// A triple is written to JSON with its text: see [`Triple::in_text`].
///
/// ```
/// use rere_core::{Probability, Triple};
///
/// let triple = Triple::of("Ada", "born in", "London").with_score(Probability::new(0.9)?);
/// assert_eq!(triple.to_string(), "(Ada, born in, London)");
/// # Ok::<(), rere_core::ProbabilityError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Triple {
    /// The subject, or head.
    pub subject: Mention,
    /// Name of the relation.
    pub relation: String,
    /// The object, or tail.
    pub object: Mention,
    /// Score of a prediction.
    pub score: Option<Probability>,
}

impl Triple {
    /// Creates a triple without a score.
    pub fn new(subject: Mention, relation: impl Into<String>, object: Mention) -> Self {
        Self { subject, relation: relation.into(), object, score: None }
    }

    /// Creates a triple of surfaces, without spans and score.
    pub fn of(subject: impl Into<String>, relation: impl Into<String>, object: impl Into<String>) -> Self {
        Self::new(Mention::of(subject), relation, Mention::of(object))
    }

    /// Sets the score, or removes it.
    #[must_use]
    pub fn with_score(self, score: impl Into<Option<Probability>>) -> Self {
        Self { score: score.into(), ..self }
    }

    /// Returns the subject and the object.
    ///
    /// ```
    /// let triple = rere_core::Triple::of("Ada", "born in", "London");
    /// assert_eq!(triple.mentions().map(|mention| mention.text.as_str()), ["Ada", "London"]);
    /// ```
    pub fn mentions(&self) -> [&Mention; 2] {
        [&self.subject, &self.object]
    }
}

/// Writes the surface.
impl fmt::Display for Mention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Writes `(subject, relation, object)`.
impl fmt::Display for Triple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {}, {})", self.subject, self.relation, self.object)
    }
}
