//! Matchers that compare where mentions stand, in bytes of the text. They never look at strings.

use rere_core::{ByteSpan, Mention};

use super::TripleMatcher;
use crate::MissingField;

/// Equal relation, begin of the subject and begin of the object; the ends do not matter.
///
/// As the code of HRL compares (Takanobu et al. 2019, `calc_acc`). Repeated triples are not one there: every gold triple
/// and every prediction counts, and each makes at most one of the other side right. So a triple that is gold once and
/// predicted twice is 1 right of 2 predicted, and one that is gold twice needs two predictions.
///
/// Two things of that code have no counterpart here: it cannot score a sentence without a gold triple (it divides by
/// their number), where here its predictions count as wrong; and a prediction there may mark several begins of a subject,
/// or none, and is wrong then. Begins are those of words there: use spans that start where words do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begin;

impl TripleMatcher for Begin {
    /// The first byte.
    type MentionKey<'a> = usize;

    fn mention_key(&self, mention: &Mention) -> Result<usize, MissingField> {
        mention.span.map(|span| span.start).ok_or(MissingField::Offsets)
    }

    fn counts_repeats(&self) -> bool {
        true
    }
}

/// Equal relation, span of the subject and span of the object, whatever their types.
///
/// What SpERT's code (Eberts and Ulges 2020) prints as relations without entity types, and Taillé et al. 2020 call
/// Boundaries. A triple that a sentence repeats is one, on either side, as in SpERT's code; the same strings at
/// other places are another triple. SpERT takes the two directions of a symmetric relation for one; here no relation is
/// symmetric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boundaries;

impl TripleMatcher for Boundaries {
    /// The span.
    type MentionKey<'a> = ByteSpan;

    fn mention_key(&self, mention: &Mention) -> Result<ByteSpan, MissingField> {
        mention.span.ok_or(MissingField::Offsets)
    }
}

/// Equal relation, and span and entity type of the subject and of the object.
///
/// SpERT's relations with entity types, and Strict of Taillé et al. 2020. Repeated triples are treated
/// as by [`Boundaries`]; a triple predicted with two types is two.
///
/// Every mention must have a type. In a corpus without types this matcher could be no other than [`Boundaries`], and a
/// score by the name of strict would say what nobody measured: that is an error, not an equality of missing types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strict;

impl TripleMatcher for Strict {
    /// The span and the type.
    type MentionKey<'a> = (ByteSpan, &'a str);

    fn mention_key<'a>(&self, mention: &'a Mention) -> Result<(ByteSpan, &'a str), MissingField> {
        let span = Boundaries.mention_key(mention)?;
        Ok((span, mention.entity_type.as_deref().ok_or(MissingField::Type)?))
    }
}
