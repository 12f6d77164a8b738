//! Scores of predicted triples, with whether they are correct.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rere_core::Sentence;
use serde::Serialize;

use crate::{EvalError, TripleMatcher};

/// Scored candidate triples, the input of curves and thresholds.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct ScoredPredictions {
    /// The score of each candidate triple, and whether the triple is correct.
    pub items: Vec<(f32, bool)>,
    /// Number of gold triples, found or not.
    pub gold: usize,
}

/// Collects the scores of the predicted triples of pairs of sentences, gold first.
///
/// [`pair_sentences`](crate::pair_sentences()) pairs the sentences. Have the system predict with a low threshold: a
/// curve cannot show triples that it discards. Predicted triples with equal keys are one item, with the highest of
/// their scores, unless the matcher [counts repeats](TripleMatcher::counts_repeats). The items that a threshold keeps
/// thus have the counts that [`count_all`](crate::count_all) returns for the triples that it keeps.
///
/// ```
/// use rere_eval::{Exact, Probability, Sentence, Triple, best_threshold, pair_sentences, scored};
///
/// let born = Triple::of("Ada", "born in", "London");
/// let gold = [Sentence::new("Ada was born in London .").with_triples([born.clone()])];
/// let wrong = Triple::of("London", "born in", "Ada").with_score(Probability::saturating(0.25));
/// let predicted = [gold[0].clone().with_triples([born.with_score(Probability::saturating(0.75)), wrong])];
///
/// let scored = scored(&pair_sentences(&gold, &predicted)?, &Exact)?;
/// assert_eq!(scored.items, [(0.75, true), (0.25, false)]);
/// let (threshold, score) = best_threshold(scored.items, scored.gold).expect("something is scored");
/// assert_eq!((threshold.get(), score.f1), (0.75, 1.0));
/// # Ok::<(), rere_eval::EvalError>(())
/// ```
///
/// # Errors
/// Returns [`EvalError::NoScore`] for the first predicted triple without a score.
pub fn scored(pairs: &[(&Sentence, &Sentence)], matcher: &impl TripleMatcher) -> Result<ScoredPredictions, EvalError> {
    let mut all = ScoredPredictions::default();
    for ScoredPredictions { items, gold } in scored_by_relation(pairs, matcher)?.into_values() {
        all.items.extend(items);
        all.gold += gold;
    }
    Ok(all)
}

/// Collects scores as [`scored()`] does, for each relation on either side.
///
/// # Errors
/// Returns the errors of [`scored()`].
pub fn scored_by_relation<'a>(
    pairs: &[(&'a Sentence, &'a Sentence)],
    matcher: &impl TripleMatcher,
) -> Result<BTreeMap<&'a str, ScoredPredictions>, EvalError> {
    check_scores((1..).zip(pairs.iter().map(|&(_, predicted)| predicted)))?;
    let mut scored = BTreeMap::new();
    for (gold, predicted) in pairs {
        add(&mut scored, gold, predicted, matcher);
    }
    Ok(scored)
}

/// Checks that each triple of the sentences has a score.
///
/// [`scored()`] does this too; call it before if the sentences are scored one by one. Each sentence comes with its
/// position, from 1, as for [`TripleMatcher::check`].
///
/// # Errors
/// Returns [`EvalError::NoScore`] for the first triple without a score.
pub fn check_scores<'a>(sentences: impl IntoIterator<Item = (usize, &'a Sentence)>) -> Result<(), EvalError> {
    for (position, sentence) in sentences {
        if let Some(triple) = sentence.triples.iter().find(|triple| triple.score.is_none()) {
            let (id, relation) = (sentence.id.clone(), triple.relation.clone());
            return Err(EvalError::NoScore { position, id, relation });
        }
    }
    Ok(())
}

/// Adds the triples of one sentence. Each predicted one must have a score.
fn add<'a, M: TripleMatcher>(
    scored: &mut BTreeMap<&'a str, ScoredPredictions>,
    gold: &'a Sentence,
    predicted: &'a Sentence,
    matcher: &M,
) {
    // Numbers of gold triples and of items so far, by key.
    let mut numbers: BTreeMap<_, (usize, usize)> = BTreeMap::new();
    let limit = if matcher.counts_repeats() { usize::MAX } else { 1 };
    for triple in &gold.triples {
        let same_relation = scored.entry(&triple.relation).or_default();
        // A triple without a key counts, but is never correct.
        if let Ok(key) = matcher.key(triple) {
            let (gold, _) = numbers.entry(key).or_default();
            if *gold == limit {
                continue;
            }
            *gold += 1;
        }
        same_relation.gold += 1;
    }
    let mut candidates: Vec<_> = predicted.triples.iter().filter_map(|triple| Some((triple.score?, triple))).collect();
    // The highest first: of equal triples it is the one that is kept, and the first to be correct.
    candidates.sort_by_key(|&(score, _)| Reverse(score));
    for (score, triple) in candidates {
        let same_relation = scored.entry(&triple.relation).or_default();
        let mut correct = false;
        if let Ok(key) = matcher.predicted_key(triple, gold) {
            let (gold, items) = numbers.entry(key).or_default();
            if *items == limit {
                continue;
            }
            correct = items < gold;
            *items += 1;
        }
        same_relation.items.push((score.get(), correct));
    }
}
