//! Confidence intervals from resampled items.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::{PriorError, Sample};

/// The 95 % percentile bootstrap over items.
///
/// Each round draws as many items as the sample has, with replacement. It uses its own stream of random numbers, so the
/// interval depends on the seed and not on the number of threads.
///
/// ```
/// use rere_prior::{BestBin, Bootstrap, PriorEstimator, Sample};
///
/// let sample = Sample::from_scores(&[0.9, 0.8, 0.7, 0.2, 0.1], &[true, true, false, false, false])?;
/// let prior = BestBin.estimate(&sample, Bootstrap::new(200, 1)?)?;
/// assert!(prior.low <= prior.value && prior.value <= prior.high);
/// # Ok::<(), rere_prior::PriorError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bootstrap {
    rounds: usize,
    seed: u64,
}

impl Bootstrap {
    /// Creates a bootstrap. 200 rounds give the ends of the interval to about a tenth of its width.
    ///
    /// # Errors
    /// Returns an error if `rounds` is 0.
    pub fn new(rounds: usize, seed: u64) -> Result<Self, PriorError> {
        if rounds == 0 { Err(PriorError::NoRounds) } else { Ok(Self { rounds, seed }) }
    }

    /// Returns the 2.5 % and the 97.5 % quantile of `value` over the rounds.
    pub(crate) fn interval<F>(&self, sample: &Sample, value: F) -> Result<(f64, f64), PriorError>
    where
        F: Fn(&Sample) -> Result<f64, PriorError> + Sync,
    {
        let mut values = (0..self.rounds as u64)
            .into_par_iter()
            .map(|round| {
                let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
                rng.set_stream(round);
                value(&sample.resample(&mut rng))
            })
            .collect::<Result<Vec<f64>, PriorError>>()?;
        values.sort_unstable_by(f64::total_cmp);
        Ok((quantile(&values, 0.025), quantile(&values, 0.975)))
    }
}

/// Returns the quantile of sorted values, with linear interpolation (type 7 of Hyndman and Fan).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
    below + (above - below) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_interpolated() {
        // By hand: positions 0.075, 1.5 and 2.925.
        let values = [1.0, 2.0, 4.0, 8.0];
        for (share, expected) in [(0.025, 1.075), (0.5, 3.0), (0.975, 7.7)] {
            assert!((quantile(&values, share) - expected).abs() < 1e-12, "{share}");
        }
        assert_eq!(quantile(&[3.0], 0.975), 3.0);
    }

    #[test]
    fn zero_rounds_are_an_error() {
        assert_eq!(Bootstrap::new(0, 1), Err(PriorError::NoRounds));
    }
}
