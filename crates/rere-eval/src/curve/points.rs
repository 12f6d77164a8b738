//! Precision and recall at each threshold.

use std::cmp::Reverse;

use rere_core::Probability;
use serde::Serialize;

use crate::{Counts, Score};

/// A threshold with the score of the triples that it keeps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CurvePoint {
    /// The threshold.
    pub threshold: Probability,
    /// Counts, precision, recall and F1 at the threshold.
    #[serde(flatten)]
    pub score: Score,
}

/// Computes precision, recall and F1 at each threshold that makes a difference.
///
/// There is one point for each distinct score, the highest first, so recall never falls. `scored` has one item for each
/// candidate triple: its score, and whether it is correct. `gold` is the number of gold triples, found or not. A
/// sentence must have each triple only once, see [`scored`](super::scored()). Scores become probabilities by
/// [`Probability::saturating`]: over 1 is 1, NaN is 0.
///
/// ```
/// use rere_eval::precision_recall_curve;
///
/// let curve = precision_recall_curve([(0.9, true), (0.5, false), (0.5, true)], 4);
/// let points: Vec<_> = curve.iter().map(|point| (point.score.precision, point.score.recall)).collect();
/// assert_eq!(points, [(1.0, 0.25), (2.0 / 3.0, 0.5)]);
/// ```
pub fn precision_recall_curve(scored: impl IntoIterator<Item = (f32, bool)>, gold: usize) -> Vec<CurvePoint> {
    let at_point = |(threshold, counts)| CurvePoint { threshold, score: Score::from_counts(counts) };
    steps(&sorted(scored), gold).map(at_point).collect()
}

/// Computes the average precision: the area under the curve as steps.
///
/// It is the sum over the points of (recall - recall of the previous point) * precision, with a recall of 0 before the
/// first point, and 0 for a curve without points. `average_precision_score` of scikit-learn is the same, except that
/// its recall divides by the correct items. Here recall divides by *all* gold triples, also those that are not
/// candidates at any threshold, so the result is scikit-learn's times (correct items / gold triples).
///
/// ```
/// use rere_eval::{average_precision, precision_recall_curve};
///
/// let curve = precision_recall_curve([(0.9, true), (0.8, false), (0.7, true)], 4);
/// assert!((average_precision(&curve) - (0.25 + 0.25 * 2.0 / 3.0)).abs() < 1e-12);
/// ```
pub fn average_precision(curve: &[CurvePoint]) -> f64 {
    let previous_recalls = std::iter::once(0.0).chain(curve.iter().map(|point| point.score.recall));
    curve
        .iter()
        .zip(previous_recalls)
        .map(|(CurvePoint { score, .. }, previous)| (score.recall - previous) * score.precision)
        .sum()
}

/// Sorts items by their probabilities, the highest first.
pub(crate) fn sorted(scored: impl IntoIterator<Item = (f32, bool)>) -> Vec<(Probability, bool)> {
    let mut sorted: Vec<_> =
        scored.into_iter().map(|(score, correct)| (Probability::saturating(score), correct)).collect();
    sorted.sort_unstable_by_key(|&(score, _)| Reverse(score));
    sorted
}

/// Yields each distinct score of sorted items, with the counts of the items that score at least as high.
pub(crate) fn steps(sorted: &[(Probability, bool)], gold: usize) -> impl Iterator<Item = (Probability, Counts)> + '_ {
    let mut counts = Counts { gold, ..Counts::default() };
    sorted.chunk_by(|a, b| a.0 == b.0).map(move |equal| {
        counts.predicted += equal.len();
        counts.true_positives += equal.iter().filter(|(_, correct)| *correct).count();
        (equal[0].0, counts)
    })
}
