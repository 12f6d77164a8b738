//! Matchers, which decide when two triples are equal.
//!
//! Each requires equal relations and compares subject with subject and object with object. So a matcher only defines
//! what it compares of a mention; for a predicted mention, this can depend on the gold sentence.

mod entity;
mod named;
mod offsets;
mod surface;

use std::hash::Hash;

use rere_core::{Mention, Sentence, Triple};

use crate::counts::tally;
use crate::{Counts, EvalError, MissingField, Side};

pub use entity::Entity;
pub use named::{AnyMentionKey, Match, UnknownMatch};
pub use offsets::{Begin, Boundaries, Strict};
pub use surface::{Exact, LastWord, Partial};

/// Decides when two triples of a sentence are equal: if their keys are.
///
/// Implement it to compare mentions in another way. Only triples of the same sentence are compared: if a corpus repeats
/// a sentence, it counts each time, under every matcher.
///
/// ```
/// use rere_eval::{Mention, MissingField, Triple, TripleMatcher, evaluate_lists};
///
/// /// Compares strings, whatever their case.
/// struct IgnoreCase;
///
/// impl TripleMatcher for IgnoreCase {
///     type MentionKey<'a> = String;
///
///     fn mention_key<'a>(&self, mention: &'a Mention) -> Result<String, MissingField> {
///         Ok(mention.text.to_lowercase())
///     }
/// }
///
/// let gold = [[Triple::of("Ada", "born in", "London")]];
/// let predicted = [[Triple::of("ADA", "born in", "london")]];
/// assert_eq!(evaluate_lists(&gold, &predicted, &IgnoreCase)?.true_positives, 1);
/// # Ok::<(), rere_eval::EvalError>(())
/// ```
pub trait TripleMatcher {
    /// What is compared of a subject or an object.
    type MentionKey<'a>: Ord + Hash;

    /// Returns what is compared of a gold mention.
    ///
    /// # Errors
    /// Returns an error if the mention lacks a compared field. It then equals no mention, not even itself; see
    /// [`check`](Self::check).
    fn mention_key<'a>(&self, mention: &'a Mention) -> Result<Self::MentionKey<'a>, MissingField>;

    /// Returns what is compared of a predicted mention, given the gold sentence.
    ///
    /// By default it is the [`mention_key`](Self::mention_key). [`Entity`] finds the entity of the mention in the gold
    /// sentence.
    ///
    /// # Errors
    /// Returns an error if the mention lacks a compared field.
    fn predicted_mention_key<'a>(
        &self,
        mention: &'a Mention,
        _gold: &'a Sentence,
    ) -> Result<Self::MentionKey<'a>, MissingField> {
        self.mention_key(mention)
    }

    /// Returns whether a triple that occurs several times in a sentence counts each time; `false` by default.
    fn counts_repeats(&self) -> bool {
        false
    }

    /// Returns the key of a gold triple: the key of its subject, its relation, and the key of its object.
    ///
    /// # Errors
    /// Returns an error if the subject, or else the object, lacks a compared field.
    fn key<'a>(
        &self,
        triple: &'a Triple,
    ) -> Result<(Self::MentionKey<'a>, &'a str, Self::MentionKey<'a>), MissingField> {
        Ok((self.mention_key(&triple.subject)?, &triple.relation, self.mention_key(&triple.object)?))
    }

    /// Returns the key of a predicted triple, given the gold sentence.
    ///
    /// The key must depend on nothing else, so that it is the same whatever else is predicted.
    ///
    /// # Errors
    /// Returns an error if the subject, or else the object, lacks a compared field.
    fn predicted_key<'a>(
        &self,
        triple: &'a Triple,
        gold: &'a Sentence,
    ) -> Result<(Self::MentionKey<'a>, &'a str, Self::MentionKey<'a>), MissingField> {
        let Triple { subject, relation, object, .. } = triple;
        Ok((self.predicted_mention_key(subject, gold)?, relation, self.predicted_mention_key(object, gold)?))
    }

    /// Counts the triples of one sentence, as [`count`](crate::count()) does.
    ///
    /// A matcher that delegates to one of several overrides this, to choose once per sentence and not for each mention.
    fn count<'a>(&self, gold: &'a Sentence, predicted: impl IntoIterator<Item = &'a Triple>) -> Counts {
        let mut sum = Counts::default();
        count_by(gold, predicted, self, |_| (), |(), counts| sum += counts);
        sum
    }

    /// Checks that each triple has the fields that are compared.
    ///
    /// [`evaluate`](crate::evaluate()) does so. Call it before [`count_all`](crate::count_all) and the breakdowns: they
    /// count triples without a key, but never as true positives. Each sentence comes with its position, from 1:
    /// `(1..).zip(&sentences)`, or one at a time as they are read.
    ///
    /// # Errors
    /// Returns [`EvalError::MissingField`] for the first mention that lacks a field.
    fn check<'a>(
        &self,
        sentences: impl IntoIterator<Item = (usize, &'a Sentence)>,
        side: Side,
    ) -> Result<(), EvalError> {
        check_all(self, sentences, side, |sentence| sentence.triples.iter().flat_map(Triple::mentions))
    }

    /// Checks that each mention of the triples and of [`Sentence::entities`] has the fields that are compared.
    ///
    /// Call it before [`count_entities`](crate::count_entities).
    ///
    /// # Errors
    /// Returns [`EvalError::MissingField`] for the first mention that lacks a field.
    fn check_entities<'a>(
        &self,
        sentences: impl IntoIterator<Item = (usize, &'a Sentence)>,
        side: Side,
    ) -> Result<(), EvalError> {
        check_all(self, sentences, side, |sentence| {
            sentence.triples.iter().flat_map(Triple::mentions).chain(&sentence.entities)
        })
    }
}

/// Counts by classes of triples: see [`tally`].
pub(crate) fn count_by<'a, C: Copy + Ord>(
    gold: &'a Sentence,
    predicted: impl IntoIterator<Item = &'a Triple>,
    matcher: &(impl TripleMatcher + ?Sized),
    class: impl Fn(&'a Triple) -> C,
    each: impl FnMut(C, Counts),
) {
    let gold_keys = gold.triples.iter().map(|triple| (matcher.key(triple).ok(), class(triple)));
    let predicted_keys = predicted.into_iter().map(|triple| (matcher.predicted_key(triple, gold).ok(), class(triple)));
    tally(gold_keys, predicted_keys, matcher.counts_repeats(), each);
}

fn check_all<'a, M: TripleMatcher + ?Sized, I: Iterator<Item = &'a Mention>>(
    matcher: &M,
    sentences: impl IntoIterator<Item = (usize, &'a Sentence)>,
    side: Side,
    mentions: impl Fn(&'a Sentence) -> I,
) -> Result<(), EvalError> {
    for (position, sentence) in sentences {
        check_mentions(matcher, mentions(sentence), side, position, sentence.id.as_ref())?;
    }
    Ok(())
}

/// Checks that the mentions of one sentence have the fields that are compared.
pub(crate) fn check_mentions<'a, M: TripleMatcher + ?Sized>(
    matcher: &M,
    mentions: impl IntoIterator<Item = &'a Mention>,
    side: Side,
    position: usize,
    id: Option<&String>,
) -> Result<(), EvalError> {
    for mention in mentions {
        if let Err(field) = matcher.mention_key(mention) {
            let (id, surface) = (id.cloned(), mention.text.clone());
            return Err(EvalError::MissingField { side, position, id, surface, field });
        }
    }
    Ok(())
}
