//! Candidate triples as scores, right or not.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rere_core::Sentence;
use serde::Serialize;

use crate::{EvalError, TripleMatcher};

/// What curves and thresholds are made from.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct ScoredPredictions {
    /// One item for each candidate triple: its score, and whether it is right.
    pub items: Vec<(f32, bool)>,
    /// Number of gold triples, found or not.
    pub gold: usize,
}

/// The predicted triples of sentences that [`pair_sentences`](crate::pair_sentences()) paired, gold first, as items of a curve.
///
/// A triple that is predicted several times under one key is one item, with the highest of its scores, unless the
/// matcher [counts repeats](TripleMatcher::counts_repeats). So the items that a threshold keeps have the counts that
/// [`count_all`](crate::count_all) gives for the triples that it keeps. Have the system predict with a low threshold:
/// what it leaves out is on no curve.
///
/// # Errors
/// [`EvalError::NoScore`] at the first sentence with a predicted triple that has no score.
pub fn scored(
    aligned: &[(&Sentence, &Sentence)],
    matcher: &impl TripleMatcher,
) -> Result<ScoredPredictions, EvalError> {
    let mut all = ScoredPredictions::default();
    for ScoredPredictions { items, gold } in scored_by_relation(aligned, matcher)?.into_values() {
        all.items.extend(items);
        all.gold += gold;
    }
    Ok(all)
}

/// As [`scored()`], for each relation that either side has.
///
/// # Errors
/// As [`scored()`].
pub fn scored_by_relation<'a>(
    aligned: &[(&'a Sentence, &'a Sentence)],
    matcher: &impl TripleMatcher,
) -> Result<BTreeMap<&'a str, ScoredPredictions>, EvalError> {
    check_scores((1..).zip(aligned.iter().map(|&(_, predicted)| predicted)))?;
    let mut scored = BTreeMap::new();
    for (gold, predicted) in aligned {
        add(&mut scored, gold, predicted, matcher);
    }
    Ok(scored)
}

/// Sees that every triple has a score, before [`scored()`] is made of many sentences. Each comes with its position, from 1, as
/// for [`TripleMatcher::check`].
///
/// # Errors
/// [`EvalError::NoScore`] at the first triple that has none.
pub fn check_scores<'a>(sentences: impl IntoIterator<Item = (usize, &'a Sentence)>) -> Result<(), EvalError> {
    for (position, sentence) in sentences {
        if let Some(triple) = sentence.triples.iter().find(|triple| triple.score.is_none()) {
            let (id, relation) = (sentence.id.clone(), triple.relation.clone());
            return Err(EvalError::NoScore { position, id, relation });
        }
    }
    Ok(())
}

/// Adds the triples of one sentence; predicted ones have scores.
fn add<'a, M: TripleMatcher>(
    scored: &mut BTreeMap<&'a str, ScoredPredictions>,
    gold: &'a Sentence,
    predicted: &'a Sentence,
    matcher: &M,
) {
    // How often a key is gold, and how often it is an item so far.
    let mut keyed: BTreeMap<_, (usize, usize)> = BTreeMap::new();
    let most = if matcher.counts_repeats() { usize::MAX } else { 1 };
    for triple in &gold.triples {
        let of_relation = scored.entry(&triple.relation).or_default();
        // Without a key it counts, and is never right.
        if let Ok(key) = matcher.key(triple) {
            let (times, _) = keyed.entry(key).or_default();
            if *times == most {
                continue;
            }
            *times += 1;
        }
        of_relation.gold += 1;
    }
    let mut candidates: Vec<_> = predicted.triples.iter().filter_map(|triple| Some((triple.score?, triple))).collect();
    // The highest first: it is the one that stays of equal ones, and the first to be right.
    candidates.sort_by_key(|&(score, _)| Reverse(score));
    for (score, triple) in candidates {
        let of_relation = scored.entry(&triple.relation).or_default();
        let mut right = false;
        if let Ok(key) = matcher.predicted_key(triple, gold) {
            let (times, items) = keyed.entry(key).or_default();
            if *items == most {
                continue;
            }
            right = items < times;
            *items += 1;
        }
        of_relation.items.push((score.get(), right));
    }
}
