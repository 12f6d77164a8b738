//! One threshold for each relation.

use std::collections::BTreeMap;

use rere_core::Probability;

use super::ScoredPredictions;
use super::points::{sorted, steps};
use crate::{Counts, Score};

/// One threshold for each relation, and the score with all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct BestRelationThresholds<'a> {
    /// By relation: what scores at or over the threshold is kept; `None` where it is best to keep nothing.
    pub thresholds: BTreeMap<&'a str, Option<Probability>>,
    /// The score of all relations together.
    pub score: Score,
}

/// The thresholds, one for each relation, with the highest micro F1 of all relations together, and the score there.
///
/// Exact, though relations cannot be chosen one by one: what a relation is worth depends on the others. With R right,
/// P predicted and G gold triples micro F1 is 2R / (P + G), a ratio of sums over the relations. Dinkelbach (1967, "On
/// nonlinear fractional programming"): for a ratio of lambda, which a choice reaches already, take the choice with the
/// highest 2R - lambda P, which each relation makes by itself; its ratio is higher, or lambda is the highest. The
/// ratios rise, so the rounds end, after a few in practice. Whole numbers throughout: no rounding decides.
///
/// Of choices with equal F1 that is taken which keeps the fewest. The score is never under that of
/// [`best_threshold`](crate::best_threshold) on the same items. It flatters: a relation with few triples gets a
/// threshold that fits those, so measure on other sentences than were chosen on.
///
/// ```
/// use std::collections::BTreeMap;
/// use rere_eval::{ScoredPredictions, best_relation_thresholds};
///
/// let scored = BTreeMap::from([
///     ("born in", ScoredPredictions { items: vec![(0.9, false), (0.8, false)], gold: 1 }),
///     ("died in", ScoredPredictions { items: vec![(0.7, true), (0.2, true)], gold: 2 }),
/// ]);
/// let best = best_relation_thresholds(&scored);
/// let thresholds: Vec<_> = best.thresholds.values().map(|threshold| threshold.map(|t| t.get())).collect();
/// assert_eq!(thresholds, [None, Some(0.2)]);
/// assert_eq!(best.score.f1, 0.8);
/// ```
pub fn best_relation_thresholds<'a>(scored: &BTreeMap<&'a str, ScoredPredictions>) -> BestRelationThresholds<'a> {
    let choices: Vec<Vec<ThresholdChoice>> = scored.values().map(choices).collect();
    let gold = scored.values().map(|scored| scored.gold).sum();
    let (thresholds, score) = best_of_each(&choices, gold, |choices, counts| {
        let ThresholdChoice { threshold, right, predicted } = best_at(choices, counts);
        (threshold, Counts { true_positives: right, predicted, gold: 0 })
    });
    BestRelationThresholds { thresholds: scored.keys().copied().zip(thresholds).collect(), score }
}

/// One choice for each group that together have the highest micro F1, and the score there: the rounds of Dinkelbach.
///
/// `choose` gives a group's choice with the highest 2R - lambda P, and its right and predicted triples, where lambda is the F1
/// of the counts that it is given.
pub(super) fn best_of_each<G, C>(
    groups: &[G],
    gold: usize,
    choose: impl Fn(&G, Counts) -> (C, Counts),
) -> (Vec<C>, Score) {
    let mut best = Score::from_counts(Counts { gold, ..Counts::default() });
    loop {
        let (choices, kept): (Vec<C>, Vec<Counts>) = groups.iter().map(|group| choose(group, best.counts)).unzip();
        let score = Score::from_counts(Counts { gold, ..kept.into_iter().sum() });
        if !is_higher(score.counts, best.counts) {
            return (choices, score);
        }
        best = score;
    }
}

/// A threshold of one relation, with what it keeps.
#[derive(Debug, Clone, Copy)]
struct ThresholdChoice {
    threshold: Option<Probability>,
    right: usize,
    predicted: usize,
}

/// Every different choice, the one that keeps the fewest first: that is nothing.
fn choices(scored: &ScoredPredictions) -> Vec<ThresholdChoice> {
    let nothing = ThresholdChoice { threshold: None, right: 0, predicted: 0 };
    let items = sorted(scored.items.iter().copied());
    let kept = steps(&items, scored.gold).map(|(threshold, Counts { true_positives: right, predicted, .. })| {
        ThresholdChoice { threshold: Some(threshold), right, predicted }
    });
    std::iter::once(nothing).chain(kept).collect()
}

/// The choice with the highest 2R - lambda P, where lambda is the F1 of `counts`; of equal ones the first.
fn best_at(choices: &[ThresholdChoice], counts: Counts) -> ThresholdChoice {
    let (right, whole) = f1_parts(counts);
    let worth = |choice: &ThresholdChoice| choice.right as i128 * whole - choice.predicted as i128 * right;
    let mut best = (choices[0], worth(&choices[0]));
    for choice in &choices[1..] {
        let worth = worth(choice);
        if worth > best.1 {
            best = (*choice, worth);
        }
    }
    best.0
}

/// Whether F1 of `a` is higher than that of `b`.
fn is_higher(a: Counts, b: Counts) -> bool {
    let ((right_a, whole_a), (right_b, whole_b)) = (f1_parts(a), f1_parts(b));
    right_a * whole_b > right_b * whole_a
}

/// Half of F1 as a fraction: R and P + G. 0/0 is 0/1.
pub(super) fn f1_parts(counts: Counts) -> (i128, i128) {
    (counts.true_positives as i128, (counts.predicted as i128 + counts.gold as i128).max(1))
}
