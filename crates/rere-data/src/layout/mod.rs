//! Label layouts, which convert the triples of a sentence to the training labels of a paradigm.
//!
//! The decoders of `rere-decode` invert the layouts: decoding the labels as scores returns the triples, except for
//! those that the paradigm cannot express.

mod casrel;
mod correspondence;
mod handshaking;
mod pair;
mod pointer;
mod relation;
mod tags;

use std::collections::BTreeSet;

use rere_core::TokenSpan;

pub use casrel::{casrel_objects, casrel_subjects};
pub use correspondence::correspondences;
pub use handshaking::handshake_cells;
pub use pair::{pair_labels, pair_mentions};
pub use pointer::{pointer_marks, span_marks};
pub use relation::relation_labels;
pub use tags::{TagLabels, tag_count, tag_labels};

/// A triple of a sentence, with all token spans of its subject and object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedTriple {
    /// Label of the relation.
    pub relation: usize,
    /// Spans of the subject, at least one, sorted, without repetitions.
    pub subjects: Vec<TokenSpan>,
    /// Spans of the object, at least one, sorted, without repetitions.
    pub objects: Vec<TokenSpan>,
}

/// Sorts positions and removes repetitions.
fn sorted(positions: impl Iterator<Item = usize>) -> Vec<usize> {
    positions.collect::<BTreeSet<_>>().into_iter().collect()
}
