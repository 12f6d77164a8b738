//! One threshold for each relation.

use std::collections::BTreeMap;

use rere_core::Probability;

use super::ScoredPredictions;
use super::points::{sorted, steps};
use crate::{Counts, Score};

/// One threshold for each relation, and the score with all of them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BestRelationThresholds<'a> {
    /// The least score that is kept, by relation; `None` if it is best to keep nothing.
    pub thresholds: BTreeMap<&'a str, Option<Probability>>,
    /// The score of all relations together.
    pub score: Score,
}

/// Returns the thresholds, one for each relation, with the highest micro F1 of all relations together.
///
/// The score is at least that of [`best_threshold`](crate::best_threshold) on the same items. Of choices with equal F1
/// the one that keeps the fewest triples is returned. The score is optimistic: the threshold of a relation with few
/// triples overfits them. Measure on other sentences than you choose on.
///
/// The result is exact, although the best threshold of a relation depends on the other relations. With R true
/// positives, P predicted and G gold triples, micro F1 is 2R / (P + G), a ratio of sums over the relations. The method
/// is that of Dinkelbach (1967, "On nonlinear fractional programming"): given a ratio lambda that some choice reaches,
/// take the choice with the highest 2R - lambda P, which can be found for each relation alone. Either its ratio is
/// higher, or lambda is the highest. The ratios increase, so the rounds end, in practice after a few. All numbers are
/// integers, so rounding has no effect.
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
        let ThresholdChoice { threshold, true_positives, predicted } = best_at(choices, counts);
        (threshold, Counts { true_positives, predicted, gold: 0 })
    });
    BestRelationThresholds { thresholds: scored.keys().copied().zip(thresholds).collect(), score }
}

/// Returns the choices, one for each group, with the highest micro F1 together, and the score there: Dinkelbach's
/// rounds.
///
/// `choose` returns the choice of a group with the highest 2R - lambda P, and its true positives and predicted triples;
/// lambda is the F1 of the given counts.
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

/// A threshold of one relation, with the counts of what it keeps.
#[derive(Debug, Clone, Copy)]
struct ThresholdChoice {
    threshold: Option<Probability>,
    true_positives: usize,
    predicted: usize,
}

/// Lists the distinct choices by the number of triples that they keep. The first keeps nothing.
fn choices(scored: &ScoredPredictions) -> Vec<ThresholdChoice> {
    let nothing = ThresholdChoice { threshold: None, true_positives: 0, predicted: 0 };
    let items = sorted(scored.items.iter().copied());
    let kept = steps(&items, scored.gold).map(|(threshold, Counts { true_positives, predicted, .. })| {
        ThresholdChoice { threshold: Some(threshold), true_positives, predicted }
    });
    std::iter::once(nothing).chain(kept).collect()
}

/// Returns the first choice with the highest 2R - lambda P; lambda is the F1 of `counts`.
fn best_at(choices: &[ThresholdChoice], counts: Counts) -> ThresholdChoice {
    let (true_positives, total) = f1_fraction(counts);
    let worth =
        |choice: &ThresholdChoice| choice.true_positives as i128 * total - choice.predicted as i128 * true_positives;
    let mut best = (choices[0], worth(&choices[0]));
    for choice in &choices[1..] {
        let worth = worth(choice);
        if worth > best.1 {
            best = (*choice, worth);
        }
    }
    best.0
}

/// Returns whether F1 of `a` is higher than that of `b`.
fn is_higher(a: Counts, b: Counts) -> bool {
    let ((true_positives_a, total_a), (true_positives_b, total_b)) = (f1_fraction(a), f1_fraction(b));
    true_positives_a * total_b > true_positives_b * total_a
}

/// Returns half of F1 as a fraction: R and P + G. 0/0 is 0/1.
pub(super) fn f1_fraction(counts: Counts) -> (i128, i128) {
    (counts.true_positives as i128, (counts.predicted as i128 + counts.gold as i128).max(1))
}
