//! Counting right triples.

use std::collections::BTreeMap;
use std::hash::Hash;

use rayon::prelude::*;
use rere_core::{Mention, RelationSet, Sentence, Triple};

use crate::counts::tally;
use crate::matcher::{check_mentions, count_by, joined};
use crate::{Counts, EvalError, Side, TripleMatcher, pair_sentences};

/// The counts of one sentence, of which these triples are predicted.
///
/// Triples with equal keys are one, on either side, unless the matcher [counts
/// repeats](TripleMatcher::counts_repeats). A triple that lacks what is compared counts, and is never right: see
/// [`TripleMatcher::check`].
pub fn count<'a>(
    gold: &'a Sentence,
    predicted: impl IntoIterator<Item = &'a Triple>,
    matcher: &impl TripleMatcher,
) -> Counts {
    matcher.count(gold, predicted)
}

/// The counts of each of the sentences that [`pair_sentences`](pair_sentences()) paired, gold first: what [`bootstrap`](crate::bootstrap)
/// and [`compare`](crate::compare) take. Many sentences are counted on all cores.
pub fn count_each(aligned: &[(&Sentence, &Sentence)], matcher: &(impl TripleMatcher + Sync)) -> Vec<Counts> {
    aligned.par_iter().with_min_len(PARALLEL).map(|pair| count(pair.0, &pair.1.triples, matcher)).collect()
}

/// The summed counts of sentences that [`pair_sentences`](pair_sentences()) paired, gold first. Many sentences are counted on all cores.
pub fn count_all(aligned: &[(&Sentence, &Sentence)], matcher: &(impl TripleMatcher + Sync)) -> Counts {
    count_each_matcher(aligned, [matcher])[0]
}

/// The summed counts by each of several matchers: as [`count_all`], but each sentence comes out of memory once for all of them.
pub fn count_each_matcher<const N: usize>(
    aligned: &[(&Sentence, &Sentence)],
    matchers: [&(impl TripleMatcher + Sync); N],
) -> [Counts; N] {
    let of = |pair: &(&Sentence, &Sentence)| matchers.map(|matcher| count(pair.0, &pair.1.triples, matcher));
    let sum = |a: [Counts; N], b: [Counts; N]| std::array::from_fn(|at| a[at] + b[at]);
    let none = || [Counts::default(); N];
    aligned.par_iter().with_min_len(PARALLEL).map(of).reduce(none, sum)
}

/// So few sentences are not worth another thread: they take as long as it takes to wake one.
const PARALLEL: usize = 1024;

/// The summed counts of each relation that either side has.
pub fn count_by_relation<'a>(
    aligned: &[(&'a Sentence, &'a Sentence)],
    matcher: &impl TripleMatcher,
) -> BTreeMap<&'a str, Counts> {
    let mut counts: BTreeMap<&str, Counts> = BTreeMap::new();
    for &(gold, predicted) in aligned {
        let relation = |triple: &'a Triple| triple.relation.as_str();
        count_by(gold, &predicted.triples, matcher, relation, |relation, of_key| {
            *counts.entry(relation).or_default() += of_key;
        });
    }
    counts
}

/// The summed counts of relations alone: which relations the triples of a sentence have, whatever they join.
///
/// A relation counts once per sentence. The score of a system's first step, where it classifies the sentence.
pub fn count_relations(aligned: &[(&Sentence, &Sentence)]) -> Counts {
    aligned.iter().map(|(gold, predicted)| once_each(relations(gold), relations(predicted))).sum()
}

fn relations(sentence: &Sentence) -> impl Iterator<Item = Option<&str>> {
    sentence.triples.iter().map(|triple| Some(triple.relation.as_str()))
}

/// The summed counts of entities alone: the mentions that the triples of a sentence join, and
/// [`Sentence::entities`], by what the matcher compares of a mention, whatever relations they have.
///
/// Mentions that are equal so are one, under every matcher: an entity stands in as many triples as it happens to. A
/// mention that lacks what is compared counts each time, and is never right: see [`TripleMatcher::check_entities`].
pub fn count_entities(aligned: &[(&Sentence, &Sentence)], matcher: &impl TripleMatcher) -> Counts {
    let of = |&(gold, predicted): &(_, _)| {
        let of_gold = mentions(gold).map(|mention| matcher.mention_key(mention).ok());
        once_each(of_gold, mentions(predicted).map(|mention| matcher.predicted_mention_key(mention, gold).ok()))
    };
    aligned.iter().map(of).sum()
}

fn mentions(sentence: &Sentence) -> impl Iterator<Item = &Mention> {
    joined(&sentence.triples).chain(&sentence.entities)
}

/// The counts of keys, equal ones once.
fn once_each<K: Ord + Hash>(
    gold: impl Iterator<Item = Option<K>>,
    predicted: impl Iterator<Item = Option<K>>,
) -> Counts {
    let mut sum = Counts::default();
    tally(gold.map(|key| (key, ())), predicted.map(|key| (key, ())), false, |(), counts| sum += counts);
    sum
}

/// The summed counts of all sentences: [`pair_sentences`](pair_sentences()), then [`TripleMatcher::check`], then [`count_all`].
///
/// # Errors
/// As [`pair_sentences`](pair_sentences()) and [`TripleMatcher::check`].
pub fn evaluate(
    gold: &[Sentence],
    predicted: &[Sentence],
    matcher: &(impl TripleMatcher + Sync),
) -> Result<Counts, EvalError> {
    let aligned = pair_sentences(gold, predicted)?;
    matcher.check((1..).zip(gold), Side::Gold)?;
    matcher.check((1..).zip(predicted), Side::Predicted)?;
    Ok(count_all(&aligned, matcher))
}

/// The summed counts of lists of triples, such as an [`Extractor`](rere_core::Extractor) returns: the lists at one position are of
/// one text. Many lists are counted on all cores.
///
/// The counts are those of [`evaluate`] for sentences that have no more than these triples. So [`Entity`](crate::Entity) knows
/// no mention of an entity that the gold triples of the list do not name: for DocRED's measure, which needs the other mentions too,
/// use [`evaluate`] with the gold sentences. Every other matcher of this crate gives the same counts as with sentences.
///
/// ```
/// use rere_core::Triple;
/// use rere_eval::{Counts, Exact, evaluate_lists};
///
/// let born = Triple::of("Ada", "born in", "London");
/// let gold = [vec![born.clone()], vec![Triple::of("London", "capital of", "England")]];
/// let predicted = [vec![born, Triple::of("London", "born in", "Ada")], vec![]];
/// assert_eq!(evaluate_lists(&gold, &predicted, &Exact)?, Counts { true_positives: 1, predicted: 2, gold: 2 });
/// # Ok::<(), rere_eval::EvalError>(())
/// ```
///
/// # Errors
/// Returns [`EvalError::SentenceCount`] if the sides have different numbers of lists, and [`EvalError::Lacks`] as
/// [`TripleMatcher::check`] does.
pub fn evaluate_lists(
    gold: &[impl AsRef<[Triple]> + Sync],
    predicted: &[impl AsRef<[Triple]> + Sync],
    matcher: &(impl TripleMatcher + Sync),
) -> Result<Counts, EvalError> {
    if gold.len() != predicted.len() {
        return Err(EvalError::SentenceCount { gold: gold.len(), predicted: predicted.len() });
    }
    for (position, list) in (1..).zip(gold) {
        check_mentions(matcher, joined(list.as_ref()), Side::Gold, position, None)?;
    }
    for (position, list) in (1..).zip(predicted) {
        check_mentions(matcher, joined(list.as_ref()), Side::Predicted, position, None)?;
    }
    // A matcher may ask the gold sentence what a predicted mention means.
    let of = |(gold, predicted): (&_, &_)| {
        let gold = Sentence::default().with_triples(AsRef::<[Triple]>::as_ref(gold).to_vec());
        count(&gold, AsRef::<[Triple]>::as_ref(predicted), matcher)
    };
    Ok(gold.par_iter().zip(predicted).with_min_len(PARALLEL).map(of).sum())
}

/// Sees that every relation of the sentences' triples is in the set. Each sentence comes with its position, from 1:
/// `(1..).zip(&sentences)`, or one at a time as they are read.
///
/// # Errors
/// [`EvalError::UnknownRelation`] at the first triple whose relation is not.
pub fn check_relations<'a>(
    sentences: impl IntoIterator<Item = (usize, &'a Sentence)>,
    relations: &RelationSet,
) -> Result<(), EvalError> {
    for (position, sentence) in sentences {
        for Triple { relation, .. } in &sentence.triples {
            if relations.label(relation).is_none() {
                let (id, relation) = (sentence.id.clone(), relation.clone());
                return Err(EvalError::UnknownRelation { position, id, relation });
            }
        }
    }
    Ok(())
}
