//! Counting right triples.

use std::collections::BTreeMap;

use rere_core::{RelationSet, Sentence, Triple};

use crate::matcher::joined;
use crate::tally::tally;
use crate::{Counts, EvalError, Side, TripleMatcher, align};

/// The counts of one sentence.
///
/// Triples with equal keys are one, on either side, unless the matcher [counts
/// repeats](TripleMatcher::counts_repeats). A triple that lacks what is compared counts, and is never right: see
/// [`TripleMatcher::check`].
pub fn count<'a>(
    gold: impl IntoIterator<Item = &'a Triple>,
    predicted: impl IntoIterator<Item = &'a Triple>,
    matcher: &impl TripleMatcher,
) -> Counts {
    sum(count_by(gold, predicted, matcher, |_| ()))
}

/// [`count`] by classes of triples: see [`tally`].
pub(crate) fn count_by<'a, C: Copy + Ord>(
    gold: impl IntoIterator<Item = &'a Triple>,
    predicted: impl IntoIterator<Item = &'a Triple>,
    matcher: &impl TripleMatcher,
    class: impl Fn(&'a Triple) -> C,
) -> Vec<(C, Counts)> {
    let item = |triple: &'a Triple| (matcher.key(triple).ok(), class(triple));
    tally(gold.into_iter().map(item), predicted.into_iter().map(item), matcher.counts_repeats())
}

/// The summed counts of sentences that [`align`](align()) paired, gold first.
pub fn count_all(aligned: &[(&Sentence, &Sentence)], matcher: &impl TripleMatcher) -> Counts {
    aligned.iter().map(|(gold, predicted)| count(&gold.triples, &predicted.triples, matcher)).sum()
}

/// The summed counts of each relation that either side has.
pub fn count_by_relation<'a>(
    aligned: &[(&'a Sentence, &'a Sentence)],
    matcher: &impl TripleMatcher,
) -> BTreeMap<&'a str, Counts> {
    let mut counts: BTreeMap<&str, Counts> = BTreeMap::new();
    for &(gold, predicted) in aligned {
        let of_sentence = count_by(&gold.triples, &predicted.triples, matcher, |triple| triple.relation.as_str());
        for (relation, of_key) in of_sentence {
            *counts.entry(relation).or_default() += of_key;
        }
    }
    counts
}

/// The summed counts of relations alone: which relations the triples of a sentence have, whatever they join.
///
/// A relation counts once per sentence. The score of a system's first step, where it classifies the sentence.
pub fn count_relations(aligned: &[(&Sentence, &Sentence)]) -> Counts {
    aligned.iter().map(|(gold, predicted)| sum(tally(relations(gold), relations(predicted), false))).sum()
}

fn relations(sentence: &Sentence) -> impl Iterator<Item = (Option<&str>, ())> {
    sentence.triples.iter().map(|triple| (Some(triple.relation.as_str()), ()))
}

/// The summed counts of entities alone: the mentions that the triples of a sentence join, and
/// [`Sentence::entities`], by what the matcher compares of a mention, whatever relations they have.
///
/// Mentions that are equal so are one, under every matcher: an entity stands in as many triples as it happens to. A
/// mention that lacks what is compared counts each time, and is never right: see [`TripleMatcher::check_entities`].
pub fn count_entities(aligned: &[(&Sentence, &Sentence)], matcher: &impl TripleMatcher) -> Counts {
    aligned.iter().map(|&(gold, predicted)| sum(tally(parts(gold, matcher), parts(predicted, matcher), false))).sum()
}

/// What the matcher compares of the mentions of a sentence, with no class.
fn parts<'a, M: TripleMatcher>(sentence: &'a Sentence, matcher: &M) -> impl Iterator<Item = (Option<M::Part<'a>>, ())> {
    joined(sentence).chain(&sentence.entities).map(|mention| (matcher.part(mention).ok(), ()))
}

/// Of all classes together.
fn sum<C>(counts: Vec<(C, Counts)>) -> Counts {
    counts.into_iter().map(|(_, counts)| counts).sum()
}

/// The summed counts of all sentences: [`align`](align()), then [`TripleMatcher::check`], then [`count_all`].
///
/// # Errors
/// As [`align`](align()) and [`TripleMatcher::check`].
pub fn evaluate(gold: &[Sentence], predicted: &[Sentence], matcher: &impl TripleMatcher) -> Result<Counts, EvalError> {
    let aligned = align(gold, predicted)?;
    matcher.check(gold, Side::Gold)?;
    matcher.check(predicted, Side::Predicted)?;
    Ok(count_all(&aligned, matcher))
}

/// Sees that every relation of the sentences' triples is in the set.
///
/// # Errors
/// [`EvalError::UnknownRelation`] at the first triple whose relation is not.
pub fn check_relations(sentences: &[Sentence], relations: &RelationSet) -> Result<(), EvalError> {
    for (position, sentence) in (1..).zip(sentences) {
        for Triple { relation, .. } in &sentence.triples {
            if relations.label(relation).is_none() {
                let (id, relation) = (sentence.id.clone(), relation.clone());
                return Err(EvalError::UnknownRelation { position, id, relation });
            }
        }
    }
    Ok(())
}
