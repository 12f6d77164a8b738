//! The labels taken at their word.

use crate::{PriorError, PriorEstimator, Sample};

/// The share L of labelled items, raised by what is known to be missing: `L (1 + tau)`.
///
/// tau is the false-negative rate, the share of the positives that are not labelled, from another source such as a
/// sample annotated by hand or a second knowledge base. With tau = 0 the value is a lower bound of the class prior.
/// This is the paper's `mu = pi (tau + 1)`, where its pi is L.
///
/// # Traps
/// - `L / (1 - tau)` is the class prior that follows from tau. The paper's formula is its first order: at tau = 0.1
///   it is 1 % too small, at 0.5 by a quarter, and it never more than doubles L.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LabelFrequency {
    missing: f64,
}

impl LabelFrequency {
    /// The estimator for a false-negative rate `tau` in `[0, 1)`; 0 where nothing is known.
    ///
    /// # Errors
    /// Where tau is not in `[0, 1)`.
    pub fn new(tau: f64) -> Result<Self, PriorError> {
        if (0.0..1.0).contains(&tau) { Ok(Self { missing: tau }) } else { Err(PriorError::Missing { tau }) }
    }
}

impl PriorEstimator for LabelFrequency {
    fn value(&self, sample: &Sample) -> Result<f64, PriorError> {
        Ok((sample.share_labelled() * (1.0 + self.missing)).min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_grows_with_what_is_missing() -> Result<(), PriorError> {
        let sample = Sample::from_scores(&[0.5; 10], &[[true; 2].as_slice(), &[false; 8]].concat())?;
        assert_eq!(LabelFrequency::default().value(&sample)?, 0.2);
        assert!((LabelFrequency::new(0.5)?.value(&sample)? - 0.3).abs() < 1e-12);
        let most = Sample::from_scores(&[0.5; 10], &[[true; 8].as_slice(), &[false; 2]].concat())?;
        assert_eq!(LabelFrequency::new(0.5)?.value(&most)?, 1.0);
        Ok(())
    }

    #[test]
    fn rates_outside_their_range_are_errors() {
        for tau in [1.0, -0.1, f64::NAN, f64::INFINITY] {
            assert!(matches!(LabelFrequency::new(tau), Err(PriorError::Missing { .. })), "{tau}");
        }
    }
}
