//! The seam between systems that find triples and everything that uses them.

use std::error::Error;

use crate::{RelationSet, Sentence, Triple};

/// A system that finds triples in sentences.
pub trait Extractor {
    /// The relations that the system can find.
    fn relations(&self) -> &RelationSet;

    /// The triples of each sentence, in the order of the sentences, each triple with a score.
    ///
    /// A system reads the texts alone; triples that the sentences already have are not looked at.
    ///
    /// # Errors
    /// Where the system fails as a whole. A text that holds nothing gives no triples, and no error.
    fn extract(&self, sentences: &[Sentence]) -> Result<Vec<Vec<Triple>>, ExtractError>;
}

/// Why an [`Extractor`] failed.
#[derive(Debug, thiserror::Error)]
#[error("extraction failed")]
pub struct ExtractError(#[source] Box<dyn Error + Send + Sync>);

impl ExtractError {
    /// Wraps the error of a system.
    pub fn new(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
}
