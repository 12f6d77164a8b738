//! Confidence intervals of the measures of one system.

use serde::Serialize;

use super::error::check_level;
use super::resample::{each_round, rows};
use super::{Interval, SignificanceError};
use crate::{Counts, Score};

/// A score with a confidence interval for each of its measures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ScoreIntervals {
    /// The score of all sentences, without resampling.
    pub score: Score,
    /// Interval of the precision.
    pub precision: Interval,
    /// Interval of the recall.
    pub recall: Interval,
    /// Interval of F1.
    pub f1: Interval,
}

/// Computes the score of a system with confidence intervals.
///
/// An interval contains the true value in the share `level` of cases, such as 0.95. It shows how much the score changes
/// with other sentences of the same kind, not with another training run: see [`Spread`](super::Spread) for that.
///
/// The method is the percentile bootstrap over sentences (Efron 1979): each round draws as many sentences as there are,
/// with replacement, and scores them; the interval is the middle part of these scores. With 10,000 rounds its ends are
/// accurate to about a hundredth of its width.
///
/// ```
/// use rere_eval::{Counts, bootstrap};
///
/// let sentence = |at: usize| Counts { true_positives: at % 2, predicted: 1, gold: 1 + at % 3 / 2 };
/// let counts: Vec<Counts> = (0..400).map(sentence).collect();
/// let found = bootstrap(&counts, 1000, 7, 0.95)?;
/// assert_eq!(found.score.precision, 0.5);
/// assert!(0.44 < found.precision.low && found.precision.low < 0.46);
/// assert!(0.54 < found.precision.high && found.precision.high < 0.56);
/// # Ok::<(), rere_eval::SignificanceError>(())
/// ```
///
/// # Errors
/// Returns an error if there are no sentences or no rounds, if `level` is not between 0 and 1, or if counts are so
/// large that their sums may overflow 32 bits.
pub fn bootstrap(counts: &[Counts], rounds: usize, seed: u64, level: f64) -> Result<ScoreIntervals, SignificanceError> {
    check_level(level)?;
    let rows =
        rows(counts.iter().map(|&Counts { true_positives, predicted, gold }| [true_positives, predicted, gold, 0]))?;
    let scores = each_round(&rows, rounds, seed, |[true_positives, predicted, gold, _]| {
        Score::from_counts(Counts {
            true_positives: true_positives as usize,
            predicted: predicted as usize,
            gold: gold as usize,
        })
    })?;
    let interval = |measure: fn(&Score) -> f64| Interval::percentile(scores.iter().map(measure).collect(), level);
    Ok(ScoreIntervals {
        score: Score::from_counts(counts.iter().copied().sum()),
        precision: interval(|score| score.precision),
        recall: interval(|score| score.recall),
        f1: interval(|score| score.f1),
    })
}
