//! The paired bootstrap of the difference between two systems.

use serde::Serialize;

use super::error::check_level;
use super::resample::{Row, each_round, rows};
use super::{Interval, SignificanceError};
use crate::{Counts, Score};

/// Tolerance for equal differences: mathematically equal ones can differ in their last digits.
pub(super) const ROUNDING: f64 = 1e-12;

/// The difference between two systems on the same sentences.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PairedBootstrap {
    /// F1 of system A minus F1 of system B, on all sentences.
    pub difference: f64,
    /// Confidence interval of the difference.
    pub interval: Interval,
    /// The share of rounds in which the better system was not better (Koehn 2004): the difference was 0 or had the
    /// other sign. It is one-sided, 1 if the difference is 0, and 0 if there is no such round.
    pub other_sign: f64,
    /// The one-sided p-value of Berg-Kirkpatrick, Burkett and Klein (2012, "An Empirical Investigation of Statistical
    /// Significance in NLP", figure 1): the share of rounds in which the better system was better by at least twice the
    /// difference.
    ///
    /// The rounds spread around the difference, not around 0. The null hypothesis shifts them to 0: a shifted round
    /// reaches the difference if it was at least twice as large before. Two things differ from the paper, and both make
    /// p larger. The paper has "more than" instead of "at least"; here p is 1 for two equal systems. And the sample
    /// itself counts as a round, (hits + 1) / (rounds + 1), so p is never 0.
    pub p_value: f64,
}

/// Computes the F1 of system A minus that of system B, with its interval and p-values, by the paired bootstrap.
///
/// `a` and `b` are the counts of the same gold sentences in the same order. Each round draws as many sentences as there
/// are, with replacement, the same ones for both systems. `level` is that of the interval, such as 0.95.
///
/// ```
/// use rere_eval::{Counts, paired_bootstrap};
///
/// let with = |true_positives| Counts { true_positives, predicted: 1, gold: 1 };
/// let a: Vec<_> = (0..300).map(|at| with((at % 10 < 7).into())).collect();
/// let b: Vec<_> = (0..300).map(|at| with((at % 10 < 5).into())).collect();
/// let found = paired_bootstrap(&a, &b, 1000, 7, 0.95)?;
/// assert!((found.difference - 0.2).abs() < 1e-12);
/// assert!(found.interval.low > 0.0 && found.p_value < 0.05);
/// # Ok::<(), rere_eval::SignificanceError>(())
/// ```
///
/// # Errors
/// Returns the errors of [`bootstrap`](super::bootstrap()), and an error if the systems have different numbers of
/// sentences or different gold counts of a sentence.
pub fn paired_bootstrap(
    a: &[Counts],
    b: &[Counts],
    rounds: usize,
    seed: u64,
    level: f64,
) -> Result<PairedBootstrap, SignificanceError> {
    check_level(level)?;
    let rows = paired_rows(a, b)?;
    let differences = each_round(&rows, rounds, seed, |[true_positives_a, total_a, true_positives_b, total_b]| {
        f1(true_positives_a.into(), total_a.into()) - f1(true_positives_b.into(), total_b.into())
    })?;
    let difference = difference(a, b);
    // Times the sign, a difference in favour of the better system is positive.
    let sign = if difference < 0.0 { -1.0 } else { 1.0 };
    let share = |hits: usize| hits as f64 / rounds as f64;
    let other_sign = differences.iter().filter(|&&drawn| difference == 0.0 || sign * drawn <= 0.0).count();
    let twice = 2.0 * difference.abs() - ROUNDING;
    let hits = differences.iter().filter(|&&drawn| difference == 0.0 || sign * drawn >= twice).count();
    Ok(PairedBootstrap {
        difference,
        interval: Interval::percentile(differences, level),
        other_sign: share(other_sign),
        p_value: p_value(hits, rounds),
    })
}

/// Returns the share of hits, with the sample itself as one more round and hit.
pub(super) fn p_value(hits: usize, rounds: usize) -> f64 {
    (hits as f64 + 1.0) / (rounds as f64 + 1.0)
}

/// Computes F1; `total` is the number of predicted and gold triples. 0/0 is 0.
pub(super) fn f1(true_positives: i64, total: i64) -> f64 {
    if total == 0 { 0.0 } else { (2 * true_positives) as f64 / total as f64 }
}

/// Computes F1 of A minus F1 of B, on all sentences.
pub(super) fn difference(a: &[Counts], b: &[Counts]) -> f64 {
    let f1 = |counts: &[Counts]| Score::from_counts(counts.iter().copied().sum()).f1;
    f1(a) - f1(b)
}

/// Returns the true positives and the sum of predicted and gold triples of each sentence, of A and then of B.
pub(super) fn paired_rows(a: &[Counts], b: &[Counts]) -> Result<Vec<Row>, SignificanceError> {
    if a.len() != b.len() {
        return Err(SignificanceError::LengthsDiffer { a: a.len(), b: b.len() });
    }
    for (position, (a, b)) in (1..).zip(a.iter().zip(b)) {
        if a.gold != b.gold {
            return Err(SignificanceError::GoldDiffers { position, a: a.gold, b: b.gold });
        }
    }
    let total = |counts: &Counts| counts.predicted.saturating_add(counts.gold);
    rows(a.iter().zip(b).map(|(a, b)| [a.true_positives, total(a), b.true_positives, total(b)]))
}
