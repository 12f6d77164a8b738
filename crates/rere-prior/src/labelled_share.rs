//! The share of labelled items.

use crate::{PriorError, PriorEstimator, Sample};

/// The share L of labelled items, raised by a known share of missing labels: `L (1 + tau)`.
///
/// tau is the false-negative rate, the share of the positives that are not labelled. It must come from another source,
/// such as a sample annotated by hand or a second knowledge base. With tau = 0 the value is a lower bound of the class
/// prior. The formula is `mu = pi (tau + 1)` of the RERE paper, in which pi stands for L.
///
/// # Limits
/// - `L / (1 - tau)` is the class prior that follows from tau. The paper's formula is its first-order approximation: at
///   tau = 0.1 it is 1 % too small, at 0.5 by a quarter, and it never more than doubles L.
///
/// # Example
/// ```
/// use rere_prior::{LabelledShare, PriorEstimator, Sample};
///
/// let sample = Sample::from_scores(&[0.5; 4], &[true, false, false, false])?;
/// assert_eq!(LabelledShare::default().value(&sample)?, 0.25);
/// assert_eq!(LabelledShare::new(0.5)?.value(&sample)?, 0.375);
/// # Ok::<(), rere_prior::PriorError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LabelledShare {
    false_negative_rate: f64,
}

impl LabelledShare {
    /// Creates the estimator for a false-negative rate `tau` in `[0, 1)`. Use 0 if nothing is known.
    ///
    /// # Errors
    /// Returns an error if tau is not in `[0, 1)`.
    pub fn new(tau: f64) -> Result<Self, PriorError> {
        if (0.0..1.0).contains(&tau) {
            Ok(Self { false_negative_rate: tau })
        } else {
            Err(PriorError::FalseNegativeRate { tau })
        }
    }
}

impl PriorEstimator for LabelledShare {
    fn value(&self, sample: &Sample) -> Result<f64, PriorError> {
        Ok((sample.share_labelled() * (1.0 + self.false_negative_rate)).min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_grows_with_the_false_negative_rate() -> Result<(), PriorError> {
        let sample = Sample::from_scores(&[0.5; 10], &[[true; 2].as_slice(), &[false; 8]].concat())?;
        assert_eq!(LabelledShare::default().value(&sample)?, 0.2);
        assert!((LabelledShare::new(0.5)?.value(&sample)? - 0.3).abs() < 1e-12);
        let most = Sample::from_scores(&[0.5; 10], &[[true; 8].as_slice(), &[false; 2]].concat())?;
        assert_eq!(LabelledShare::new(0.5)?.value(&most)?, 1.0);
        Ok(())
    }

    #[test]
    fn rates_out_of_range_are_errors() {
        for tau in [1.0, -0.1, f64::NAN, f64::INFINITY] {
            assert!(matches!(LabelledShare::new(tau), Err(PriorError::FalseNegativeRate { .. })), "{tau}");
        }
    }
}
