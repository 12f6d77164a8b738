//! Confidence intervals.

use std::fmt;

use serde::Serialize;

/// A confidence interval of a measure, ends included.
///
/// ```
/// use rere_eval::Interval;
///
/// let interval = Interval { low: 0.25, high: 0.5 };
/// assert!(interval.contains(0.5));
/// assert_eq!(interval.to_string(), "[0.2500, 0.5000]");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Returns whether the interval contains the value.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Returns the 95 % interval of a share of which a random sample of `of` items has `count` (Wilson 1927).
    ///
    /// ```
    /// use rere_eval::Interval;
    ///
    /// let interval = Interval::of_share(8, 10);
    /// assert_eq!(interval.to_string(), "[0.4902, 0.9433]");
    /// ```
    pub fn of_share(count: usize, of: usize) -> Self {
        if of == 0 {
            return Self { low: 0.0, high: 1.0 };
        }
        // The 97.5 % quantile of the normal distribution.
        const Z: f64 = 1.959_963_984_540_054;
        let (n, share) = (of as f64, count as f64 / of as f64);
        let middle = share + Z * Z / (2.0 * n);
        let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        Self { low: ((middle - half) / scale).max(0.0), high: ((middle + half) / scale).min(1.0) }
    }

    /// Returns the middle part of `values` with the share `level` of them. There must be at least one value.
    pub(super) fn percentile(mut values: Vec<f64>, level: f64) -> Self {
        values.sort_unstable_by(f64::total_cmp);
        Self { low: quantile(&values, (1.0 - level) / 2.0), high: quantile(&values, f64::midpoint(1.0, level)) }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{:.4}, {:.4}]", self.low, self.high)
    }
}

/// Returns a quantile of sorted values, linear between them (type 7 of Hyndman and Fan 1996, the default of numpy).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let index = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[index.floor() as usize], sorted[index.ceil() as usize]);
    below + (above - below) * index.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_linear_between_values() {
        // By hand: indices 0.075, 1.5 and 2.925; the first and the last are the ends of the 95 % interval.
        let values = [1.0, 2.0, 4.0, 8.0];
        for (share, expected) in [(0.0, 1.0), (0.025, 1.075), (0.5, 3.0), (0.975, 7.7), (1.0, 8.0)] {
            assert!((quantile(&values, share) - expected).abs() < 1e-12, "{share}");
        }
        let interval = Interval::percentile(vec![8.0, 1.0, 4.0, 2.0], 0.95);
        assert!((interval.low - 1.075).abs() < 1e-12 && (interval.high - 7.7).abs() < 1e-12, "{interval}");
        assert_eq!(Interval::percentile(vec![3.0], 0.5), Interval { low: 3.0, high: 3.0 });
    }
}
