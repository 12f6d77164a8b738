//! Precision and recall against the threshold.

use std::cmp::Reverse;

use rere_core::Probability;
use serde::Serialize;

use crate::{Counts, Score};

/// The score of what scores at or over a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CurvePoint {
    /// The threshold.
    pub threshold: Probability,
    /// Counts, precision, recall and F1 there.
    #[serde(flatten)]
    pub score: Score,
}

/// Precision, recall and F1 at every threshold that makes a difference: one point for each different score, the highest
/// first, so that recall never falls. Items with equal scores are kept together, or not at all.
///
/// `scored` has one item for each candidate triple, its score and whether it is right; `gold` is the number of gold
/// triples, found or not. A triple must come once per sentence, see [`scored`](super::scored()). Scores are taken as
/// probabilities by [`Probability::saturating`]: over 1 as 1, NaN as 0.
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

/// The sum over the points of (recall - recall of the point before) * precision, with a recall of 0 before the first:
/// the area under the curve as steps, with no line drawn between points.
///
/// That is `average_precision_score` of scikit-learn, but for the recall: it divides by the right items that are
/// scored, and here recall is that of *all* gold triples. Those that are no candidate at any threshold lower it, so it
/// is scikit-learn's number times (right items / gold triples). 0 for a curve without points.
///
/// ```
/// use rere_eval::{average_precision, precision_recall_curve};
///
/// let curve = precision_recall_curve([(0.9, true), (0.8, false), (0.7, true)], 4);
/// assert!((average_precision(&curve) - (0.25 + 0.25 * 2.0 / 3.0)).abs() < 1e-12);
/// ```
pub fn average_precision(curve: &[CurvePoint]) -> f64 {
    let recalls_before = std::iter::once(0.0).chain(curve.iter().map(|point| point.score.recall));
    curve
        .iter()
        .zip(recalls_before)
        .map(|(CurvePoint { score, .. }, before)| (score.recall - before) * score.precision)
        .sum()
}

/// Items as probabilities, the highest score first.
pub(crate) fn sorted(scored: impl IntoIterator<Item = (f32, bool)>) -> Vec<(Probability, bool)> {
    let mut sorted: Vec<_> = scored.into_iter().map(|(score, right)| (Probability::saturating(score), right)).collect();
    sorted.sort_unstable_by_key(|&(score, _)| Reverse(score));
    sorted
}

/// Each different score of sorted items, with the counts of what scores as high or higher.
pub(crate) fn steps(sorted: &[(Probability, bool)], gold: usize) -> impl Iterator<Item = (Probability, Counts)> + '_ {
    let mut counts = Counts { gold, ..Counts::default() };
    sorted.chunk_by(|a, b| a.0 == b.0).map(move |equal| {
        counts.predicted += equal.len();
        counts.true_positives += equal.iter().filter(|(_, right)| *right).count();
        (equal[0].0, counts)
    })
}
