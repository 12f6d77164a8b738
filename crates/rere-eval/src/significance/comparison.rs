//! Comparison of two systems.

use std::fmt;

use serde::Serialize;

use super::error::check_level;
use super::paired::paired_bootstrap;
use super::{Interval, SignificanceError, approximate_randomisation};
use crate::{Counts, Score};

/// The result of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// System A has a significantly higher F1.
    ABetter,
    /// System B has a significantly higher F1.
    BBetter,
    /// The difference can be noise. This does not make the systems equal: with more sentences one may be better.
    NoDifference,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ABetter => "A is better",
            Self::BBetter => "B is better",
            Self::NoDifference => "no difference",
        })
    }
}

/// Two systems compared by F1 on the same gold sentences, made by [`compare`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The score of system A.
    pub a: Score,
    /// The score of system B.
    pub b: Score,
    /// F1 of system A minus F1 of system B.
    pub difference: f64,
    /// Interval of the difference by [`paired_bootstrap`], at the level 1 - alpha.
    pub interval: Interval,
    /// Two-sided p-value of the difference by [`approximate_randomisation`].
    pub p_value: f64,
    /// The significance level: the share of equal systems for which a winner may be named.
    pub alpha: f64,
    /// Which system is better.
    pub verdict: Verdict,
}

/// Compares two systems by F1 at the significance level `alpha`, such as 0.05.
///
/// A winner is named only if both methods agree: the p-value is at most `alpha`, and the interval of the difference
/// does not contain 0. `a` and `b` are the counts of the same gold sentences in the same order.
///
/// `alpha` is for one comparison. For several comparisons, divide it by their number. With fewer than 1 / alpha rounds
/// there is never a difference.
///
/// ```
/// use rere_eval::{Counts, Verdict, compare};
///
/// let with = |true_positives| Counts { true_positives, predicted: 1, gold: 1 };
/// let a: Vec<_> = (0..300).map(|at| with((at % 10 < 7).into())).collect();
/// let b: Vec<_> = (0..300).map(|at| with((at % 10 < 5).into())).collect();
/// let c: Vec<_> = (0..300).map(|at| with((at % 10 > 2).into())).collect();
/// assert_eq!(compare(&a, &b, 1000, 7, 0.05)?.verdict, Verdict::ABetter);
/// assert_eq!(compare(&b, &a, 1000, 7, 0.05)?.verdict, Verdict::BBetter);
/// assert_eq!(compare(&a, &c, 1000, 7, 0.05)?.verdict, Verdict::NoDifference);
/// # Ok::<(), rere_eval::SignificanceError>(())
/// ```
///
/// # Errors
/// Returns the errors of [`paired_bootstrap`]; `alpha` must be between 0 and 1.
pub fn compare(
    a: &[Counts],
    b: &[Counts],
    rounds: usize,
    seed: u64,
    alpha: f64,
) -> Result<Comparison, SignificanceError> {
    check_level(alpha)?;
    let paired = paired_bootstrap(a, b, rounds, seed, 1.0 - alpha)?;
    let p_value = approximate_randomisation(a, b, rounds, seed)?;
    let (difference, interval) = (paired.difference, paired.interval);
    let verdict = if p_value > alpha {
        Verdict::NoDifference
    } else if difference > 0.0 && interval.low > 0.0 {
        Verdict::ABetter
    } else if difference < 0.0 && interval.high < 0.0 {
        Verdict::BBetter
    } else {
        Verdict::NoDifference
    };
    let score = |counts: &[Counts]| Score::from_counts(counts.iter().copied().sum());
    Ok(Comparison { a: score(a), b: score(b), difference, interval, p_value, alpha, verdict })
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "F1 {:.4} and {:.4}, difference {:+.4} {}, p = {:.4}: {} at level {}",
            self.a.f1, self.b.f1, self.difference, self.interval, self.p_value, self.verdict, self.alpha
        )
    }
}
