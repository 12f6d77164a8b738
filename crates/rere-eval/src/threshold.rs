//! The threshold with the highest F1 on a development set.

use rere_core::Probability;

use crate::curve::{sorted, steps};
use crate::{Counts, Score};

/// Counts the triples that score at least `threshold`.
///
/// The arguments are those of [`best_threshold`]: at the threshold that it returns, these are the counts of its score.
///
/// ```
/// use rere_eval::{Counts, Probability, counts_at};
///
/// let scored = [(0.9, true), (0.2, false), (0.8, false), (0.7, true)];
/// let counts = counts_at(&scored, 3, Probability::saturating(0.7));
/// assert_eq!(counts, Counts { true_positives: 2, predicted: 3, gold: 3 });
/// ```
pub fn counts_at(scored: &[(f32, bool)], gold: usize, threshold: Probability) -> Counts {
    let kept = || scored.iter().filter(|(score, _)| Probability::saturating(*score) >= threshold);
    Counts { true_positives: kept().filter(|(_, correct)| *correct).count(), predicted: kept().count(), gold }
}

/// Returns the threshold with the highest F1 and the score there, or `None` if nothing is scored.
///
/// A triple is kept if it scores at least the threshold. `scored` has one item for each candidate triple: its score,
/// and whether it is correct. `gold` is the number of gold triples, found or not. A sentence must have each triple
/// only once, because the counts are over sets, and there must be at most `gold` correct items.
///
/// The result is exact: every distinct score is tried as a threshold, in O(n log n). Of thresholds with equal F1 the
/// highest is returned, which keeps the fewest triples. Scores become probabilities by [`Probability::saturating`]:
/// over 1 is 1, NaN is 0.
///
/// ```
/// use rere_eval::best_threshold;
///
/// let scored = [(0.9, true), (0.2, false), (0.8, false), (0.7, true)];
/// let (threshold, score) = best_threshold(scored, 3).expect("something is scored");
/// assert_eq!((threshold.get(), score.counts.true_positives, score.counts.predicted), (0.7, 2, 3));
/// ```
pub fn best_threshold(scored: impl IntoIterator<Item = (f32, bool)>, gold: usize) -> Option<(Probability, Score)> {
    let mut best: Option<(Probability, Score)> = None;
    for (threshold, counts) in steps(&sorted(scored), gold) {
        let score = Score::from_counts(counts);
        if best.is_none_or(|(_, best)| score.f1 > best.f1) {
            best = Some((threshold, score));
        }
    }
    best
}
