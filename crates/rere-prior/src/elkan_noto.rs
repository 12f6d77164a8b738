//! Elkan and Noto's estimators of the label frequency.

use crate::{PriorError, PriorEstimator, Sample};

/// The class prior `L / c` with the label frequency c read off calibrated probabilities (Elkan and Noto 2008,
/// section 2).
///
/// The scores must be `g(x) = P(labelled | x)`. As positives are labelled alike, `g(x) = c P(positive | x)`: where x is
/// surely positive, g is c.
///
/// # Traps
/// - `Mean` needs classes that do not overlap, `P(positive | x) = 1` for every positive. Where they do, it takes c too
///   small and the class prior too large: in the mean by 0.01 to 0.10 for two normals 3 standard deviations apart, by
///   0.15 to 0.27 at a distance of 1.5.
/// - `Max` needs exact probabilities. With those it is the best of all estimators (below 0.01 in the mean, 0.04 at
///   worst); with those of a logistic regression it hardly ever leaves L.
/// - A score that ranks well but is no probability gives nonsense in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElkanNoto {
    /// Their e1: c is the mean of g over the labelled items.
    Mean,
    /// Their e3: c is the largest g of all items.
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
    fn scores_that_are_all_0_leave_every_prior_possible() -> Result<(), PriorError> {
        let sample = Sample::from_scores(&[0.0; 4], &[true, false, false, false])?;
        assert_eq!(ElkanNoto::Mean.value(&sample)?, 1.0);
        assert_eq!(ElkanNoto::Max.value(&sample)?, 1.0);
        Ok(())
    }
}
