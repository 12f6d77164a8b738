//! The trait of systems that find triples.

use std::error::Error;

use crate::{ConstraintError, Constraints, Mention, Probability, RelationSet, Sentence, Triple};

/// A system that finds triples in texts.
///
/// Threads can share an extractor: calls do not change it. What may differ from call to call is in [`ExtractOptions`].
///
/// The [crate's front page](crate#an-extractor) has an example.
pub trait Extractor: Send + Sync {
    /// Returns the description of the system, with the relations that it can find.
    fn info(&self) -> &Info;

    /// Returns the number of tokens that the system reads for a text. Callers use it to group texts into calls of equal
    /// work.
    fn cost(&self, text: &str) -> usize;

    /// Returns the triples of each text, in the order of the texts.
    ///
    /// The best triple of a text comes first. Each triple has a score, and each span lies within the text.
    ///
    /// # Errors
    /// Returns an error if the options name an unknown relation or the system fails. A text without triples is not an
    /// error.
    fn extract(&self, inputs: &[Input<'_>], options: &ExtractOptions) -> Result<Vec<Vec<Triple>>, ExtractError>;
}

/// A text to extract from.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Input<'a> {
    /// The text.
    pub text: &'a str,
    /// The mentions that subjects and objects are chosen from; `None` if the system finds them itself.
    pub mentions: Option<&'a [Mention]>,
}

impl<'a> Input<'a> {
    /// Creates an input whose mentions the system finds itself.
    pub const fn new(text: &'a str) -> Self {
        Self { text, mentions: None }
    }

    /// Restricts subjects and objects to these mentions. A mention without a span stands for each occurrence of its
    /// surface.
    #[must_use]
    pub const fn with_mentions(self, mentions: &'a [Mention]) -> Self {
        Self { mentions: Some(mentions), ..self }
    }
}

impl<'a> From<&'a str> for Input<'a> {
    fn from(text: &'a str) -> Self {
        Self::new(text)
    }
}

impl<'a> From<&'a String> for Input<'a> {
    fn from(text: &'a String) -> Self {
        Self::new(text)
    }
}

/// Takes the text only; the sentence's triples and entities are ignored.
impl<'a> From<&'a Sentence> for Input<'a> {
    fn from(sentence: &'a Sentence) -> Self {
        Self::new(&sentence.text)
    }
}

/// Options of one call of [`Extractor::extract`]. The default uses the system's own settings.
///
/// ```
/// use rere_core::{ExtractOptions, Probability};
///
/// let options = ExtractOptions::default().with_relations(["born in"]).with_min_score(Probability::new(0.5)?);
/// assert_eq!(options.relations.as_deref(), Some(&["born in".to_owned()][..]));
/// # Ok::<(), rere_core::ProbabilityError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct ExtractOptions {
    /// Names of the relations to find; `None` for all relations of the system.
    pub relations: Option<Vec<String>>,
    /// Minimum score of a triple, which replaces the system's own. A higher minimum only removes triples.
    pub min_score: Option<Probability>,
    /// Constraints on triples, which replace the system's own.
    pub constraints: Option<Constraints>,
}

impl ExtractOptions {
    /// Restricts the call to these relations.
    #[must_use]
    pub fn with_relations<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        Self { relations: Some(names.into_iter().map(Into::into).collect()), ..self }
    }

    /// Sets the minimum score of a triple; `None` for the system's own.
    #[must_use]
    pub fn with_min_score(self, score: impl Into<Option<Probability>>) -> Self {
        Self { min_score: score.into(), ..self }
    }

    /// Sets the constraints on triples; `None` for the system's own.
    #[must_use]
    pub fn with_constraints(self, constraints: impl Into<Option<Constraints>>) -> Self {
        Self { constraints: constraints.into(), ..self }
    }

    /// Returns, for each relation of `known`, whether the call is to find it.
    ///
    /// # Errors
    /// Returns [`ExtractError::UnknownRelation`] if `known` does not have a name.
    pub fn wanted(&self, known: &RelationSet) -> Result<Vec<bool>, ExtractError> {
        let Some(names) = &self.relations else { return Ok(vec![true; known.len()]) };
        let mut wanted = vec![false; known.len()];
        for name in names {
            let Some(label) = known.label(name) else {
                let known = known.iter().map(|relation| relation.name.clone()).collect();
                return Err(ExtractError::UnknownRelation { name: name.clone(), known });
            };
            wanted[label] = true;
        }
        Ok(wanted)
    }
}

/// Description of an [`Extractor`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// Name of the system, such as `rere`.
    pub system: String,
    /// Version of the program that made the model.
    pub version: String,
    /// Digest of the model's files; `None` for a system without files. Two extractors with the same digest find the
    /// same triples, except for rounding.
    pub digest: Option<String>,
    /// The relations that the system can find.
    pub relations: RelationSet,
}

impl Info {
    /// Creates the description of a system without model files.
    pub fn new(system: impl Into<String>, version: impl Into<String>, relations: RelationSet) -> Self {
        Self { system: system.into(), version: version.into(), digest: None, relations }
    }

    /// Sets the digest of the model's files.
    #[must_use]
    pub fn with_digest(self, digest: impl Into<String>) -> Self {
        Self { digest: Some(digest.into()), ..self }
    }
}

/// Error of an [`Extractor`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExtractError {
    /// The options name a relation that the system does not have.
    #[error("expected one of the system's relations ({}), found {name:?}", known.join(", "))]
    UnknownRelation {
        /// The name in the options.
        name: String,
        /// The system's relations.
        known: Vec<String>,
    },
    /// The system cannot use the constraints.
    #[error("the constraints cannot be used")]
    Constraints(#[from] ConstraintError),
    /// The system failed.
    #[error("extraction failed")]
    System(#[source] Box<dyn Error + Send + Sync>),
}

impl ExtractError {
    /// Wraps the error of a system.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::System(source.into())
    }
}
