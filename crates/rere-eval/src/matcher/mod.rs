//! When two triples count as equal.
//!
//! Every matcher wants equal relations and compares the subject with the subject and the object with the object, so that
//! a matcher is no more than what it takes of a mention; of a predicted one, it may depend on the gold sentence.

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

/// Says when two triples of a sentence are equal: where their keys are.
///
/// Two sentences are never compared with each other: a sentence that a corpus repeats counts each time, under every
/// matcher.
pub trait TripleMatcher {
    /// What is compared of a subject or an object.
    type MentionKey<'a>: Ord + Hash;

    /// What is compared of a gold mention.
    ///
    /// # Errors
    /// Where the mention lacks it. It equals nothing then, not even itself; see [`check`](Self::check).
    fn mention_key<'a>(&self, mention: &'a Mention) -> Result<Self::MentionKey<'a>, MissingField>;

    /// What is compared of a predicted mention, beside the gold sentence: the same as of a gold one, unless the gold sentence
    /// says what the mention means, as for [`Entity`].
    ///
    /// # Errors
    /// As [`mention_key`](Self::mention_key).
    fn predicted_mention_key<'a>(
        &self,
        mention: &'a Mention,
        _gold: &'a Sentence,
    ) -> Result<Self::MentionKey<'a>, MissingField> {
        self.mention_key(mention)
    }

    /// Whether a triple that stands several times in a sentence counts as often; once, where a matcher does not say.
    fn counts_repeats(&self) -> bool {
        false
    }

    /// The key of a gold triple: the parts of its subject and its object, and the relation between them.
    ///
    /// # Errors
    /// As [`mention_key`](Self::mention_key), for the subject first.
    fn key<'a>(
        &self,
        triple: &'a Triple,
    ) -> Result<(Self::MentionKey<'a>, &'a str, Self::MentionKey<'a>), MissingField> {
        Ok((self.mention_key(&triple.subject)?, &triple.relation, self.mention_key(&triple.object)?))
    }

    /// The key of a predicted triple, beside the gold sentence. It must depend on nothing else, so that a prediction counts as
    /// the same triple whatever else is predicted.
    ///
    /// # Errors
    /// As [`mention_key`](Self::mention_key), for the subject first.
    fn predicted_key<'a>(
        &self,
        triple: &'a Triple,
        gold: &'a Sentence,
    ) -> Result<(Self::MentionKey<'a>, &'a str, Self::MentionKey<'a>), MissingField> {
        let Triple { subject, relation, object, .. } = triple;
        Ok((self.predicted_mention_key(subject, gold)?, relation, self.predicted_mention_key(object, gold)?))
    }

    /// The counts of one sentence: what [`count`](crate::count) does. A matcher that stands for one of several hands this on, so
    /// that it chooses once a sentence, and not for each mention.
    fn count<'a>(&self, gold: &'a Sentence, predicted: impl IntoIterator<Item = &'a Triple>) -> Counts {
        let mut sum = Counts::default();
        count_by(gold, predicted, self, |_| (), |(), counts| sum += counts);
        sum
    }

    /// Sees that every triple has what is compared. [`evaluate`](crate::evaluate()) does so; do it before
    /// [`count_all`](crate::count_all) and the breakdowns, where triples without a key count and are never right.
    ///
    /// Each sentence comes with its position, from 1: `(1..).zip(&sentences)`, or one at a time as they are read.
    ///
    /// # Errors
    /// [`EvalError::Lacks`] at the first mention that does not.
    fn check<'a>(
        &self,
        sentences: impl IntoIterator<Item = (usize, &'a Sentence)>,
        side: Side,
    ) -> Result<(), EvalError> {
        check(self, sentences, side, |sentence| joined(&sentence.triples))
    }

    /// Sees that every mention has what is compared, those of triples and those of [`Sentence::entities`]: what
    /// [`count_entities`](crate::count_entities) wants.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    fn check_entities<'a>(
        &self,
        sentences: impl IntoIterator<Item = (usize, &'a Sentence)>,
        side: Side,
    ) -> Result<(), EvalError> {
        check(self, sentences, side, |sentence| joined(&sentence.triples).chain(&sentence.entities))
    }
}

/// [`TripleMatcher::count`] by classes of triples: see [`tally`].
pub(crate) fn count_by<'a, C: Copy + Ord>(
    gold: &'a Sentence,
    predicted: impl IntoIterator<Item = &'a Triple>,
    matcher: &(impl TripleMatcher + ?Sized),
    class: impl Fn(&'a Triple) -> C,
    each: impl FnMut(C, Counts),
) {
    let gold_items = gold.triples.iter().map(|triple| (matcher.key(triple).ok(), class(triple)));
    let predicted = predicted.into_iter().map(|triple| (matcher.predicted_key(triple, gold).ok(), class(triple)));
    tally(gold_items, predicted, matcher.counts_repeats(), each);
}

/// The mentions that the triples join, one as often as triples join it.
pub(crate) fn joined(triples: &[Triple]) -> impl Iterator<Item = &Mention> {
    triples.iter().flat_map(|triple| [&triple.subject, &triple.object])
}

fn check<'a, M: TripleMatcher + ?Sized, I: Iterator<Item = &'a Mention>>(
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

/// Sees that the mentions of one sentence have what is compared.
pub(crate) fn check_mentions<'a, M: TripleMatcher + ?Sized>(
    matcher: &M,
    mentions: impl IntoIterator<Item = &'a Mention>,
    side: Side,
    position: usize,
    id: Option<&String>,
) -> Result<(), EvalError> {
    for mention in mentions {
        if let Err(lack) = matcher.mention_key(mention) {
            return Err(EvalError::Lacks { side, position, id: id.cloned(), surface: mention.text.clone(), lack });
        }
    }
    Ok(())
}
