//! Whether scores are the shares that they claim to be.

use rere_core::Probability;
use serde::Serialize;

use super::points::sorted;

/// The items whose scores are in one part of \[0, 1\].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CalibrationBin {
    /// Where the bin begins; a score of just that is in the bin below, but 0 is in the first.
    pub low: f64,
    /// Where the bin ends, itself included.
    pub high: f64,
    /// Number of items, at least one.
    pub count: usize,
    /// Mean score of the items.
    pub mean_score: f64,
    /// Share of the items that are right.
    pub precision: f64,
}

/// Scores against the share that is right.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Calibration {
    /// Bins by rising scores; those without an item are left out.
    pub bins: Vec<CalibrationBin>,
    /// Expected calibration error (Naeini et al. 2015; Guo et al. 2017): the mean over the items of how far mean score
    /// and share right of their bin are apart. From 0 to 1; 0 where nothing is scored.
    pub expected_error: f64,
}

/// Puts the items into `bins` bins of equal width, as `calibration_curve` of scikit-learn does.
///
/// `scored` has one item for each candidate triple: its score, and whether it is right. Gold triples that are no
/// candidate have no score and are not seen here. `bins` of 0 is taken as 1. Scores are taken as probabilities by
/// [`Probability::saturating`].
///
/// ```
/// use rere_eval::calibration;
///
/// let found = calibration([(0.9, true), (0.9, true), (0.8, false), (0.1, false)], 2);
/// let [low, high] = found.bins[..] else { panic!("two bins") };
/// assert_eq!((low.count, low.precision, high.count), (1, 0.0, 3));
/// assert!((high.mean_score - 2.6 / 3.0).abs() < 1e-6);
/// assert!((found.expected_error - (0.1 + 0.6) / 4.0).abs() < 1e-6);
/// ```
pub fn calibration(scored: impl IntoIterator<Item = (f32, bool)>, bins: usize) -> Calibration {
    let items = sorted(scored);
    let width = bins.max(1) as f64;
    // Number of the bin's upper end, from 1.
    let end = |score: Probability| (f64::from(score.get()) * width).ceil().max(1.0);
    let bin = |items: &[(Probability, bool)]| {
        let (high, count) = (end(items[0].0), items.len());
        let total: f64 = items.iter().map(|(score, _)| f64::from(score.get())).sum();
        let right = items.iter().filter(|(_, right)| *right).count();
        let mean = |sum: f64| sum / count as f64;
        CalibrationBin {
            low: (high - 1.0) / width,
            high: high / width,
            count,
            mean_score: mean(total),
            precision: mean(right as f64),
        }
    };
    let mut bins: Vec<_> = items.chunk_by(|a, b| end(a.0) == end(b.0)).map(bin).collect();
    bins.reverse();
    let apart = |bin: &CalibrationBin| bin.count as f64 * (bin.mean_score - bin.precision).abs();
    let expected_error = bins.iter().map(apart).sum::<f64>() / items.len().max(1) as f64;
    Calibration { bins, expected_error }
}
