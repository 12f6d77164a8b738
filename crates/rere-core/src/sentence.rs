//! A text with its triples.

use serde_json::{Map, Value};

use crate::Triple;

/// One unit of text, most often a sentence, with the triples that are said or predicted to hold in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sentence {
    /// Name of the sentence in its corpus, where it has one.
    pub id: Option<String>,
    /// The original text. Every span of the sentence slices it.
    pub text: String,
    /// Gold or predicted triples, in the order of the source.
    pub triples: Vec<Triple>,
    /// Fields of the source file that have no meaning here; kept so that rewriting a file loses nothing.
    pub extra: Map<String, Value>,
}

impl Sentence {
    /// A sentence that has only a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}
