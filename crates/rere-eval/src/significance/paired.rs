//! The difference between two systems under resampling.

use serde::Serialize;

use super::error::check_level;
use super::resample::{Row, each_round, rows};
use super::{Interval, SignificanceError};
use crate::{Counts, Score};

/// Differences less than this apart are equal: mathematically equal ones come out unlike in their last digits.
pub(super) const ROUNDING: f64 = 1e-12;

/// The difference between two systems on the same sentences.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PairedBootstrap {
    /// F1 of system A less F1 of system B, on all sentences.
    pub difference: f64,
    /// Interval of the difference.
    pub interval: Interval,
    /// The share of rounds in which the system that is ahead was not (Koehn 2004): the difference was 0 or had the
    /// other sign. 1 where the difference is 0. One-sided, and 0 where no round did so.
    pub other_sign: f64,
    /// The one-sided p-value of Berg-Kirkpatrick, Burkett and Klein (2012, "An Empirical Investigation of Statistical
    /// Significance in NLP", figure 1): the share of rounds in which the system that is ahead was so by at least twice
    /// the difference.
    ///
    /// The rounds spread about the difference, not about 0. Once moved to where there is no difference, as the null
    /// hypothesis has it, a round reaches the difference if it was at least twice that before. Two things are not as
    /// in the paper, and both make p larger: "at least", for which the paper has "more than", so that p is 1 for two
    /// equal systems; and the sample itself counts as a round, (hits + 1) / (rounds + 1), so that p is never 0.
    pub p_value: f64,
}

/// F1 of system A less that of system B, with its interval and p-values by the paired bootstrap.
///
/// `a` and `b` are the counts of the same gold sentences in the same order. Each round draws as many sentences as there
/// are, with replacement, the same ones for both systems; `level` is that of the interval, such as 0.95.
///
/// # Errors
/// As [`bootstrap`](super::bootstrap()), and where the two do not have the same gold counts sentence by sentence.
pub fn paired_bootstrap(
    a: &[Counts],
    b: &[Counts],
    rounds: usize,
    seed: u64,
    level: f64,
) -> Result<PairedBootstrap, SignificanceError> {
    check_level(level)?;
    let rows = pairs(a, b)?;
    let differences = each_round(&rows, rounds, seed, |[right_a, whole_a, right_b, whole_b]| {
        f1(right_a.into(), whole_a.into()) - f1(right_b.into(), whole_b.into())
    })?;
    let difference = difference(a, b);
    // A difference in favour of the system that is ahead is over 0.
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

/// The share of hits where what was measured is one more round, and a hit.
pub(super) fn p_value(hits: usize, rounds: usize) -> f64 {
    (hits as f64 + 1.0) / (rounds as f64 + 1.0)
}

/// F1 of `right` triples, where `whole` are the predicted and the gold ones together; 0/0 is 0.
pub(super) fn f1(right: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { (2 * right) as f64 / whole as f64 }
}

/// F1 of A less F1 of B, on all sentences.
pub(super) fn difference(a: &[Counts], b: &[Counts]) -> f64 {
    let f1 = |counts: &[Counts]| Score::from_counts(counts.iter().copied().sum()).f1;
    f1(a) - f1(b)
}

/// What F1 needs of each sentence: right triples, and predicted and gold ones together; those of A, then those of B.
pub(super) fn pairs(a: &[Counts], b: &[Counts]) -> Result<Vec<Row>, SignificanceError> {
    if a.len() != b.len() {
        return Err(SignificanceError::LengthsDiffer { a: a.len(), b: b.len() });
    }
    for (position, (a, b)) in (1..).zip(a.iter().zip(b)) {
        if a.gold != b.gold {
            return Err(SignificanceError::GoldDiffers { position, a: a.gold, b: b.gold });
        }
    }
    let whole = |counts: &Counts| counts.predicted.saturating_add(counts.gold);
    rows(a.iter().zip(b).map(|(a, b)| [a.true_positives, whole(a), b.true_positives, whole(b)]))
}
