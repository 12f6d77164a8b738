//! Which predictions are right, and which gold triples are missing.

use std::{cmp::Reverse, collections::BTreeMap};

use rere_core::Sentence;

use super::drawing::{Judged, Kind};
use crate::TripleMatcher;

/// Returns the predicted triples, right or wrong, and the missing gold ones.
///
/// Triples with equal keys are one, that of the highest score, unless the matcher counts repeats.
pub(super) fn verdicts<'a, M: TripleMatcher>(
    gold: &'a Sentence,
    predicted: &'a Sentence,
    matcher: &M,
) -> Vec<Judged<'a>> {
    let limit = if matcher.counts_repeats() { usize::MAX } else { 1 };
    let mut judged = Vec::with_capacity(gold.triples.len() + predicted.triples.len());
    // For each key, the gold triples and the number of predictions so far.
    let mut by_key: BTreeMap<_, (Vec<_>, usize)> = BTreeMap::new();
    for triple in &gold.triples {
        match matcher.key(triple) {
            Ok(key) => {
                let (same, _) = by_key.entry(key).or_default();
                if same.len() < limit {
                    same.push(triple);
                }
            }
            // A triple without a key counts, but is never right.
            Err(_) => judged.push(Judged::new(Kind::Missing, triple)),
        }
    }
    let mut candidates: Vec<_> = predicted.triples.iter().map(|triple| Judged::new(Kind::Wrong, triple)).collect();
    candidates.sort_by_key(|candidate| Reverse(candidate.score()));
    for mut candidate in candidates {
        if let Ok(key) = matcher.predicted_key(candidate.triple, gold) {
            let (same, predictions) = by_key.entry(key).or_default();
            if *predictions == limit {
                continue;
            }
            candidate.gold = same.get(*predictions).copied();
            if candidate.gold.is_some() {
                candidate.kind = Kind::Right;
            }
            *predictions += 1;
        }
        judged.push(candidate);
    }
    let missing = by_key.values().flat_map(|(same, predictions)| same.iter().skip(*predictions));
    judged.extend(missing.map(|triple| Judged::new(Kind::Missing, triple)));
    judged
}
