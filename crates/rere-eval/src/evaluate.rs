//! Counts of sentences and corpora.

use std::collections::BTreeMap;
use std::hash::Hash;

use rayon::prelude::*;
use rere_core::{Mention, RelationSet, Sentence, Triple};

use crate::counts::tally;
use crate::matcher::{check_mentions, count_by};
use crate::{Counts, EvalError, Side, TripleMatcher, pair_sentences};

/// Counts the predicted triples of one sentence against the gold ones.
///
/// Triples with equal keys count once on either side, unless the matcher
/// [counts repeats](TripleMatcher::counts_repeats). A triple that lacks a compared field is counted, but is never a
/// true positive: see [`TripleMatcher::check`].
///
/// ```
/// use rere_eval::{Counts, Exact, Sentence, Triple, count};
///
/// let born = Triple::of("Ada", "born in", "London");
/// let gold = Sentence::new("Ada was born in London .").with_triples([born.clone()]);
/// let predicted = [born.clone(), born, Triple::of("London", "born in", "Ada")];
/// assert_eq!(count(&gold, &predicted, &Exact), Counts { true_positives: 1, predicted: 2, gold: 1 });
/// ```
pub fn count<'a>(
    gold: &'a Sentence,
    predicted: impl IntoIterator<Item = &'a Triple>,
    matcher: &impl TripleMatcher,
) -> Counts {
    matcher.count(gold, predicted)
}

/// Counts each pair of sentences, gold first, as [`pair_sentences`](pair_sentences()) returns them.
///
/// [`bootstrap`](crate::bootstrap) and [`compare`](crate::compare) take these counts. Large corpora are counted on all
/// cores.
pub fn count_each(pairs: &[(&Sentence, &Sentence)], matcher: &(impl TripleMatcher + Sync)) -> Vec<Counts> {
    pairs.par_iter().with_min_len(PARALLEL).map(|pair| count(pair.0, &pair.1.triples, matcher)).collect()
}

/// Sums the counts of pairs of sentences, gold first, as [`pair_sentences`](pair_sentences()) returns them.
///
/// Large corpora are counted on all cores.
pub fn count_all(pairs: &[(&Sentence, &Sentence)], matcher: &(impl TripleMatcher + Sync)) -> Counts {
    count_each_matcher(pairs, [matcher])[0]
}

/// Sums the counts of pairs of sentences for each of several matchers.
///
/// As [`count_all`], but reads each sentence from memory once for all matchers.
pub fn count_each_matcher<const N: usize>(
    pairs: &[(&Sentence, &Sentence)],
    matchers: [&(impl TripleMatcher + Sync); N],
) -> [Counts; N] {
    let count_pair = |pair: &(&Sentence, &Sentence)| matchers.map(|matcher| count(pair.0, &pair.1.triples, matcher));
    let add = |a: [Counts; N], b: [Counts; N]| std::array::from_fn(|at| a[at] + b[at]);
    let zero = || [Counts::default(); N];
    pairs.par_iter().with_min_len(PARALLEL).map(count_pair).reduce(zero, add)
}

/// Fewest sentences for a thread: fewer are counted in less time than a thread takes to wake up.
const PARALLEL: usize = 1024;

/// Sums the counts of each relation on either side.
///
/// ```
/// use rere_eval::{Exact, Sentence, Triple, count_by_relation, pair_sentences};
///
/// let with = |relation| [Sentence::new("Ada left London .").with_triples([Triple::of("Ada", relation, "London")])];
/// let (gold, predicted) = (with("left"), with("born in"));
/// let counts = count_by_relation(&pair_sentences(&gold, &predicted)?, &Exact);
/// assert_eq!(counts["left"].to_string(), "0 true positives, 0 predicted, 1 gold");
/// assert_eq!(counts["born in"].to_string(), "0 true positives, 1 predicted, 0 gold");
/// # Ok::<(), rere_eval::EvalError>(())
/// ```
pub fn count_by_relation<'a>(
    pairs: &[(&'a Sentence, &'a Sentence)],
    matcher: &impl TripleMatcher,
) -> BTreeMap<&'a str, Counts> {
    let mut sums: BTreeMap<&str, Counts> = BTreeMap::new();
    for &(gold, predicted) in pairs {
        let relation = |triple: &'a Triple| triple.relation.as_str();
        count_by(gold, &predicted.triples, matcher, relation, |relation, counts| {
            *sums.entry(relation).or_default() += counts;
        });
    }
    sums
}

/// Sums the counts of relations alone: which relations a sentence has, whatever their subjects and objects.
///
/// A relation counts once per sentence. This is the score of a first step that classifies sentences.
pub fn count_relations(pairs: &[(&Sentence, &Sentence)]) -> Counts {
    pairs.iter().map(|(gold, predicted)| count_keys(relations(gold), relations(predicted))).sum()
}

fn relations(sentence: &Sentence) -> impl Iterator<Item = Option<&str>> {
    sentence.triples.iter().map(|triple| Some(triple.relation.as_str()))
}

/// Sums the counts of entities alone: subjects, objects and [`Sentence::entities`], whatever their relations.
///
/// Mentions are compared by what the matcher compares of a mention. Equal mentions of a sentence count once, under
/// every matcher. A mention that lacks a compared field counts each time and is never a true positive: see
/// [`TripleMatcher::check_entities`].
pub fn count_entities(pairs: &[(&Sentence, &Sentence)], matcher: &impl TripleMatcher) -> Counts {
    let count_pair = |&(gold, predicted): &(_, _)| {
        let gold_keys = mentions(gold).map(|mention| matcher.mention_key(mention).ok());
        count_keys(gold_keys, mentions(predicted).map(|mention| matcher.predicted_mention_key(mention, gold).ok()))
    };
    pairs.iter().map(count_pair).sum()
}

fn mentions(sentence: &Sentence) -> impl Iterator<Item = &Mention> {
    sentence.triples.iter().flat_map(Triple::mentions).chain(&sentence.entities)
}

/// Counts keys, equal ones once.
fn count_keys<K: Ord + Hash>(
    gold: impl Iterator<Item = Option<K>>,
    predicted: impl Iterator<Item = Option<K>>,
) -> Counts {
    let mut sum = Counts::default();
    tally(gold.map(|key| (key, ())), predicted.map(|key| (key, ())), false, |(), counts| sum += counts);
    sum
}

/// Pairs the sentences, checks them and sums their counts.
///
/// Calls [`pair_sentences`](pair_sentences()), [`TripleMatcher::check`] and [`count_all`].
///
/// ```
/// use rere_eval::{Exact, Score, Sentence, Triple, evaluate};
///
/// let with = |triples| [Sentence::new("Ada was born in London .").with_triples(triples)];
/// let gold = with(vec![Triple::of("Ada", "born in", "London")]);
/// let predicted = with(vec![Triple::of("Ada", "born in", "London"), Triple::of("Ada", "died in", "London")]);
/// let score = Score::from_counts(evaluate(&gold, &predicted, &Exact)?);
/// assert_eq!((score.precision, score.recall), (0.5, 1.0));
/// # Ok::<(), rere_eval::EvalError>(())
/// ```
///
/// # Errors
/// Returns the errors of [`pair_sentences`](pair_sentences()) and [`TripleMatcher::check`].
pub fn evaluate(
    gold: &[Sentence],
    predicted: &[Sentence],
    matcher: &(impl TripleMatcher + Sync),
) -> Result<Counts, EvalError> {
    let pairs = pair_sentences(gold, predicted)?;
    matcher.check((1..).zip(gold), Side::Gold)?;
    matcher.check((1..).zip(predicted), Side::Predicted)?;
    Ok(count_all(&pairs, matcher))
}

/// Sums the counts of plain lists of triples, one list per text, such as an [`Extractor`](rere_core::Extractor)
/// returns.
///
/// The lists at the same position belong to the same text. Large corpora are counted on all cores. The counts are those
/// of [`evaluate`] for sentences with only these triples, so [`Entity`](crate::Entity) knows only the mentions in
/// the gold triples of a list. DocRED's measure needs the other mentions too: use [`evaluate`] with the gold sentences.
/// Every other matcher of this crate gives the same counts as with sentences.
///
/// ```
/// use rere_eval::{Counts, Exact, Triple, evaluate_lists};
///
/// let born = Triple::of("Ada", "born in", "London");
/// let gold = [vec![born.clone()], vec![Triple::of("London", "capital of", "England")]];
/// let predicted = [vec![born, Triple::of("London", "born in", "Ada")], vec![]];
/// assert_eq!(evaluate_lists(&gold, &predicted, &Exact)?, Counts { true_positives: 1, predicted: 2, gold: 2 });
/// # Ok::<(), rere_eval::EvalError>(())
/// ```
///
/// # Errors
/// Returns [`EvalError::ListCount`] if the sides have different numbers of lists, and [`EvalError::MissingField`] if a
/// mention lacks a field that the matcher compares.
pub fn evaluate_lists(
    gold: &[impl AsRef<[Triple]> + Sync],
    predicted: &[impl AsRef<[Triple]> + Sync],
    matcher: &(impl TripleMatcher + Sync),
) -> Result<Counts, EvalError> {
    if gold.len() != predicted.len() {
        return Err(EvalError::ListCount { gold: gold.len(), predicted: predicted.len() });
    }
    for (position, list) in (1..).zip(gold) {
        check_mentions(matcher, list.as_ref().iter().flat_map(Triple::mentions), Side::Gold, position, None)?;
    }
    for (position, list) in (1..).zip(predicted) {
        check_mentions(matcher, list.as_ref().iter().flat_map(Triple::mentions), Side::Predicted, position, None)?;
    }
    let count_pair = |(gold, predicted): (&_, &_)| {
        // Matchers read the meaning of a predicted mention from a gold sentence.
        let gold = Sentence::default().with_triples(AsRef::<[Triple]>::as_ref(gold).to_vec());
        count(&gold, AsRef::<[Triple]>::as_ref(predicted), matcher)
    };
    Ok(gold.par_iter().zip(predicted).with_min_len(PARALLEL).map(count_pair).sum())
}

/// Checks that the relation set has each relation of the sentences' triples.
///
/// Each sentence comes with its position, from 1: `(1..).zip(&sentences)`, or one at a time as they are read.
///
/// ```
/// use rere_eval::{RelationSet, Sentence, Triple, check_relations};
///
/// let relations = RelationSet::from_names(["born in"])?;
/// let sentences = [Sentence::new("Ada left London .").with_triples([Triple::of("Ada", "left", "London")])];
/// assert!(check_relations((1..).zip(&sentences), &relations).is_err());
/// # Ok::<(), rere_core::RelationSetError>(())
/// ```
///
/// # Errors
/// Returns [`EvalError::UnknownRelation`] for the first triple with a relation that is not in the set.
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
