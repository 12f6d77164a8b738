//! The dice loss.

use crate::{GroupLosses, Groups, Loss, LossError, error::positive, probability::Probabilities};

/// The dice loss of a group (Milletari et al. 2016, with the smoothing of Li et al. 2020): one minus a soft F1.
///
/// ```text
/// 1 - (2 sum of p y + smoothing) / (sum of p^2 + sum of y^2 + smoothing),    p = s(x)
/// ```
///
/// Easy negatives do not dominate it, because their p is near 0. It treats everything unlabelled as negative.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rere_loss::{Dice, Groups, Loss};
///
/// let device = Device::flex();
/// let logits = Tensor::<2>::from_floats([[9.0, -9.0, -9.0], [-9.0, 9.0, -9.0]], &device);
/// let targets = Tensor::<2>::from_floats([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]], &device);
/// let losses = Dice::default().forward(&Groups::new(&[1], logits, targets)).per_group();
/// let losses: Vec<f32> = losses.into_data().iter().collect();
/// assert!(losses[0] < 0.001 && losses[1] > 0.6); // all right, all wrong
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dice {
    smoothing: f64,
}

impl Dice {
    /// Creates the loss with a smoothing, which lets groups without positives have an influence. 1 is usual.
    ///
    /// # Errors
    /// Returns an error if the smoothing is not a positive finite number. With 0, the loss of a group in which every p
    /// is 0 would be 0 / 0.
    pub fn new(smoothing: f64) -> Result<Self, LossError> {
        Ok(Self { smoothing: positive("smoothing", smoothing)? })
    }

    pub(crate) fn smoothing(&self) -> f64 {
        self.smoothing
    }
}

impl Default for Dice {
    /// The loss with smoothing 1.
    fn default() -> Self {
        Self { smoothing: 1.0 }
    }
}

impl Loss for Dice {
    fn forward(&self, groups: &Groups) -> GroupLosses {
        let (Probabilities { p, not_p, .. }, y) = (Probabilities::of_groups(groups), groups.targets());
        let denominator = groups.sum(p.clone().square()).add(y.clone().square().sum_dim(1)).add_scalar(self.smoothing);
        // The numerator of the difference is the sum of (p - y)^2. Computing p - y as (1 - y) p - y (1 - p) keeps its
        // digits if the loss is small.
        let difference = groups.unlabelled().mul(p.clone()).sub(y.mul(not_p.clone()));
        let losses = difference.clone().square().sum_dim(1).div(denominator.clone());
        let gradients =
            difference.sub(p.clone().mul(losses.clone())).mul(p.mul(not_p)).mul(denominator.recip().mul_scalar(2.0));
        GroupLosses::with_gradients(losses, gradients, groups)
    }
}
