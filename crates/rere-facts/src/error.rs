//! Errors of this crate.

use std::{error::Error, path::PathBuf};

use rere_data::DataError;

/// Error of collecting or writing facts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FactsError {
    /// A corpus cannot be read, or a file cannot be written.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A triple has no score.
    #[error(
        "sentence {sentence}: expected a score for each triple, found none for {triple}; facts are collected from predictions"
    )]
    NoScore {
        /// Number of the sentence in the corpus, from 1.
        sentence: usize,
        /// The triple.
        triple: String,
    },
    /// Triples cannot be sorted on the disk.
    #[error("temporary files cannot be written or read; TMPDIR sets their folder, which needs space for all triples")]
    Sort(#[source] Box<dyn Error + Send + Sync>),
    /// A relation that is said to have one object is not among the relations of the knowledge base.
    #[error("expected a relation of the knowledge base ({}) as functional, found {found:?}", known.join(", "))]
    UnknownRelation {
        /// The relation.
        found: String,
        /// The relations of the knowledge base.
        known: Vec<String>,
    },
    /// The name of a file shows no known format.
    #[error("{}: expected a name that ends in one of {expected}", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// The known extensions.
        expected: &'static str,
    },
    /// The beginning of IRIs cannot be used.
    #[error("expected an absolute IRI that ends in /, # or :, such as https://example.org/facts/, found {0:?}")]
    Base(String),
    /// A file of judgements has a wrong line.
    #[error("{}, line {line}: expected {expected}", path.display())]
    Judgement {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What was expected.
        expected: &'static str,
    },
}
