//! Variation of a measure between training runs.

use std::fmt;

use serde::Serialize;

/// Mean and standard deviation of a measure over runs that differ only in their seed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Spread {
    /// Number of runs, at least one.
    pub runs: usize,
    /// Mean over the runs.
    pub mean: f64,
    /// Sample standard deviation, which divides by runs - 1; `None` for a single run.
    pub deviation: Option<f64>,
}

impl Spread {
    /// Computes mean and deviation of one value per run; `None` if there is no value.
    ///
    /// ```
    /// use rere_eval::Spread;
    ///
    /// let spread = Spread::of(&[0.50, 0.54, 0.58]).expect("a run");
    /// assert_eq!(spread.to_string(), "0.5400 ± 0.0400 over 3 runs");
    /// ```
    pub fn of(values: &[f64]) -> Option<Self> {
        let runs = values.len();
        if runs == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / runs as f64;
        // From the differences to the mean, not from the sum of squares, which loses digits if the values are close.
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = (runs > 1).then(|| (squares / (runs as f64 - 1.0)).sqrt());
        Some(Self { runs, mean, deviation })
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.deviation {
            Some(deviation) => write!(f, "{:.4} ± {deviation:.4} over {} runs", self.mean, self.runs),
            None => write!(f, "{:.4} in 1 run", self.mean),
        }
    }
}
