//! The dice loss.

use crate::{GroupLosses, Groups, Loss, LossError, error::not_negative, probability::Probabilities};

/// The dice loss of a group (Milletari et al. 2016, in the form with smoothing of Li et al. 2020): one minus a soft F1.
///
/// ```text
/// 1 - (2 sum of p y + smoothing) / (sum of p^2 + sum of y^2 + smoothing),    p = s(x)
/// ```
///
/// It does not drown in easy negatives, since those have a p near 0. It takes what is not labelled as negative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dice {
    smoothing: f64,
}

impl Dice {
    /// The loss with a smoothing, which keeps groups without positives in play; 1 is usual.
    ///
    /// # Errors
    /// Where the smoothing is negative, no number, or 0: a group in which every p is 0 would be 0 / 0.
    pub fn new(smoothing: f64) -> Result<Self, LossError> {
        if smoothing == 0.0 {
            return Err(LossError::Negative { name: "smoothing, which may not be 0,", value: smoothing });
        }
        Ok(Self { smoothing: not_negative("smoothing", smoothing)? })
    }

    pub(crate) fn smoothing(&self) -> f64 {
        self.smoothing
    }
}

impl Default for Dice {
    fn default() -> Self {
        Self { smoothing: 1.0 }
    }
}

impl Loss for Dice {
    fn forward(&self, groups: &Groups) -> GroupLosses {
        let (Probabilities { p, not_p, .. }, y) = (Probabilities::of(groups), groups.targets());
        let either = groups.sum(p.clone().square()).add(y.clone().square().sum_dim(1)).add_scalar(self.smoothing);
        // The numerator of the difference is the sum of (p - y)^2; with p - y = (1 - y) p - y (1 - p) it keeps its
        // digits where the loss is small.
        let apart = groups.rest().mul(p.clone()).sub(y.mul(not_p.clone()));
        let losses = apart.clone().square().sum_dim(1).div(either.clone());
        let slopes = apart.sub(p.clone().mul(losses.clone())).mul(p.mul(not_p)).mul(either.recip().mul_scalar(2.0));
        GroupLosses::with_slopes(losses, slopes, groups)
    }
}
