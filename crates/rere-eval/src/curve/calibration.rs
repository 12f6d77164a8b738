//! Calibration: whether scores are probabilities of being correct.

use rere_core::Probability;
use serde::Serialize;

use super::points::sorted;

/// The items with scores in one interval of \[0, 1\].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CalibrationBin {
    /// Lower end, excluded: an equal score is in the bin below. The first bin includes 0.
    pub low: f64,
    /// Upper end, included.
    pub high: f64,
    /// Number of items, at least one.
    pub count: usize,
    /// Mean score of the items.
    pub mean_score: f64,
    /// Share of the items that are correct.
    pub precision: f64,
}

/// Scores compared with the shares of correct items.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Calibration {
    /// Bins by increasing scores, without empty ones.
    pub bins: Vec<CalibrationBin>,
    /// Expected calibration error (Naeini et al. 2015; Guo et al. 2017): the mean over the items of the difference
    /// between the mean score and the share of correct items of their bin. From 0 to 1; 0 if nothing is scored.
    pub expected_error: f64,
}

/// Groups items into `bins` bins of equal width, as `calibration_curve` of scikit-learn does.
///
/// `scored` has one item for each candidate triple: its score, and whether it is correct. Gold triples that are not
/// candidates have no score and do not count. If `bins` is 0, there is one bin. Scores become probabilities by
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
    let bin_count = bins.max(1) as f64;
    let bin_number = |score: Probability| (f64::from(score.get()) * bin_count).ceil().max(1.0);
    let bin = |items: &[(Probability, bool)]| {
        let (number, count) = (bin_number(items[0].0), items.len());
        let total: f64 = items.iter().map(|(score, _)| f64::from(score.get())).sum();
        let correct = items.iter().filter(|(_, correct)| *correct).count();
        let mean = |sum: f64| sum / count as f64;
        CalibrationBin {
            low: (number - 1.0) / bin_count,
            high: number / bin_count,
            count,
            mean_score: mean(total),
            precision: mean(correct as f64),
        }
    };
    let mut bins: Vec<_> = items.chunk_by(|a, b| bin_number(a.0) == bin_number(b.0)).map(bin).collect();
    bins.reverse();
    let error = |bin: &CalibrationBin| bin.count as f64 * (bin.mean_score - bin.precision).abs();
    let expected_error = bins.iter().map(error).sum::<f64>() / items.len().max(1) as f64;
    Calibration { bins, expected_error }
}
