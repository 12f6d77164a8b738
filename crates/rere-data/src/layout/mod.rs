//! Label layouts: the triples of a sentence as the labels that a paradigm trains on, in plain vectors.
//!
//! A layout and its decoder in `rere-decode` are inverse to each other: labels as perfect scores, decoded, are the triples
//! again, but for those that the paradigm cannot express.

mod casrel;
mod handshaking;
mod pair;
mod pointer;
mod relation;
mod tags;

use std::collections::BTreeSet;

use rere_core::TokenSpan;

pub use casrel::{casrel_objects, casrel_subjects};
pub use handshaking::handshake_cells;
pub use pair::{pair_labels, pair_mentions};
pub use pointer::{pointer_marks, span_marks};
pub use relation::relation_labels;
pub use tags::{TagLabels, tag_count, tag_labels};

/// A triple of a sentence in tokens, with every place of its subject and of its object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedTriple {
    /// Label of the relation.
    pub relation: usize,
    /// Places of the subject, at least one, in order, each once.
    pub subjects: Vec<TokenSpan>,
    /// Places of the object, likewise.
    pub objects: Vec<TokenSpan>,
}

/// Positions in order, each once.
fn sorted(positions: impl Iterator<Item = usize>) -> Vec<usize> {
    positions.collect::<BTreeSet<_>>().into_iter().collect()
}
