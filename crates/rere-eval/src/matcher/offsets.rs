//! Matchers that compare the offsets of mentions, in bytes of the text, and never their strings.

use rere_core::{ByteSpan, Mention};

use super::TripleMatcher;
use crate::MissingField;

/// Compares relation, start of the subject and start of the object; the ends do not matter.
///
/// This is how the code of HRL compares (Takanobu et al. 2019, `calc_acc`). Repeated triples count each time: each gold
/// triple and each prediction matches at most one of the other side. So a triple that is gold once and predicted twice
/// is one true positive of two predictions, and one that is gold twice needs two predictions.
///
/// Two things differ from that code. It cannot score a sentence without a gold triple, because it divides by their
/// number; here its predictions are false positives. And there a prediction can mark several starts of a subject, or
/// none, and is then wrong. Starts there are those of words: use spans that start with a word.
///
/// ```
/// use rere_eval::{Begin, ByteSpan, Mention, Triple, evaluate_lists};
///
/// let text = "Ada Lovelace was born in London .";
/// let born = |subject_end| -> Result<_, rere_core::SpanError> {
///     let subject = Mention::at(text, ByteSpan::new(0, subject_end))?;
///     Ok([[Triple::new(subject, "born in", Mention::at(text, ByteSpan::new(25, 31))?)]])
/// };
/// assert_eq!(evaluate_lists(&born(12)?, &born(3)?, &Begin)?.true_positives, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

/// Compares relation, span of the subject and span of the object, whatever their entity types.
///
/// SpERT's code (Eberts and Ulges 2020) prints this as relations without entity types, and Taillé et al. 2020 call it
/// Boundaries. Repeated triples of a sentence count once on either side, as in SpERT's code; equal strings at other
/// offsets are another triple. In SpERT the two directions of a symmetric relation are one triple; here no relation is
/// symmetric.
///
/// ```
/// use rere_eval::{Boundaries, ByteSpan, Mention, Triple, evaluate_lists};
///
/// let text = "Ada saw Ada in London .";
/// let saw = |subject_start| -> Result<_, rere_core::SpanError> {
///     let subject = Mention::at(text, ByteSpan::new(subject_start, subject_start + 3))?;
///     Ok([[Triple::new(subject, "in", Mention::at(text, ByteSpan::new(15, 21))?)]])
/// };
/// assert_eq!(evaluate_lists(&saw(8)?, &saw(8)?, &Boundaries)?.true_positives, 1);
/// assert_eq!(evaluate_lists(&saw(8)?, &saw(0)?, &Boundaries)?.true_positives, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boundaries;

impl TripleMatcher for Boundaries {
    /// The span.
    type MentionKey<'a> = ByteSpan;

    fn mention_key(&self, mention: &Mention) -> Result<ByteSpan, MissingField> {
        mention.span.ok_or(MissingField::Offsets)
    }
}

/// Compares relation, and span and entity type of the subject and of the object.
///
/// These are SpERT's relations with entity types, and Strict of Taillé et al. 2020. Repeated triples count as with
/// [`Boundaries`]; a triple predicted with two types counts twice.
///
/// Each mention must have a type. In a corpus without types the score would be that of [`Boundaries`] under a wrong
/// name, so missing types are an error and not equal.
///
/// ```
/// use rere_eval::{ByteSpan, EvalError, Mention, MissingField, Strict, Triple, evaluate_lists};
///
/// let text = "Ada was born in London .";
/// let (ada, london) = (Mention::at(text, ByteSpan::new(0, 3))?, Mention::at(text, ByteSpan::new(16, 22))?);
/// let typed = |entity_type: &str| {
///     let place = london.clone().with_entity_type(entity_type);
///     [[Triple::new(ada.clone().with_entity_type("PER"), "born in", place)]]
/// };
/// assert_eq!(evaluate_lists(&typed("LOC"), &typed("LOC"), &Strict)?.true_positives, 1);
/// assert_eq!(evaluate_lists(&typed("LOC"), &typed("ORG"), &Strict)?.true_positives, 0);
///
/// let untyped = [[Triple::new(ada, "born in", london)]];
/// let error = evaluate_lists(&untyped, &untyped, &Strict).expect_err("no types");
/// assert!(matches!(error, EvalError::MissingField { field: MissingField::Type, .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
