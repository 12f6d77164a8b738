//! The collective positive-unlabelled loss.

use burn::tensor::{
    Bool, Tensor,
    activation::{log_sigmoid, sigmoid},
};

use crate::{Loss, LossError, check_shapes, inside};

/// Weight of the positive term in the authors' code.
pub const DEFAULT_GAMMA: f64 = 0.04;

/// The collective positive-unlabelled loss cPU (Eq. 7 to 10 of the paper), in the form of the authors' code.
///
/// It does not ask each unlabelled element to be negative, but the unlabelled elements of a group to be positive in a
/// share `mu`: a few of them may be, because labels are missing. For a group with predicted probabilities `s(x)`:
///
/// ```text
/// loss = -gamma ln( mean of s(x) over the labelled positives )
///              - ln( 1 - | mean of s(x) over the rest - mu | )
/// ```
///
/// and the loss of a batch is the mean over the groups that have an element that counts. A group without positives
/// has no first term, one with nothing else no second. Both means are taken with a log-sum-exp of `ln s(x)`, and
/// `1 - |m - mu|` as the smaller of `(1 - m) + mu` and `1 + m - mu`, so no term is ever the logarithm of 0.
///
/// # Traps
/// - A `mu` far above the true share teaches the model to call everything a little positive.
/// - The second term says nothing about *which* elements are positive; that is learnt from the first alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cpu {
    mu: f64,
    gamma: f64,
}

impl Cpu {
    /// The loss for a share `mu` of positives among the unlabelled, with the positive term weighted by `gamma`.
    ///
    /// # Errors
    /// Where one of the two does not lie strictly between 0 and 1.
    pub fn new(mu: f64, gamma: f64) -> Result<Self, LossError> {
        Ok(Self { mu: inside("mu", mu)?, gamma: inside("gamma", gamma)? })
    }

    /// The authors' setting for a class prior pi of the labels: `mu = 1.05 pi`, `gamma = 0.04`.
    ///
    /// # Errors
    /// As [`Cpu::new`].
    pub fn from_prior(prior: f64) -> Result<Self, LossError> {
        Self::new(1.05 * inside("class prior", prior)?, DEFAULT_GAMMA)
    }

    /// The paper's estimate `mu = pi (tau + 1)`, with pi the class prior of the labels and tau the share of the true
    /// positives that are not labelled.
    ///
    /// # Errors
    /// As [`Cpu::new`]; tau may be 0.
    pub fn from_prior_and_missing(prior: f64, tau: f64, gamma: f64) -> Result<Self, LossError> {
        let tau = if tau == 0.0 { tau } else { inside("tau", tau)? };
        Self::new(inside("class prior", prior)? * (tau + 1.0), gamma)
    }

    /// The share of positives among the unlabelled that the loss expects.
    pub fn mu(&self) -> f64 {
        self.mu
    }
}

impl Loss for Cpu {
    fn forward(&self, logits: Tensor<2>, targets: Tensor<2>, mask: Tensor<2, Bool>) -> Tensor<1> {
        check_shapes(&logits, &targets, &mask);
        let logits = logits.mask_fill(mask.clone().bool_not(), 0.0);
        let positive = targets.greater_scalar(0.5).bool_and(mask.clone());
        let rest = positive.clone().bool_not().bool_and(mask.clone());

        let positive_term = ln_mean_sigmoid(logits.clone(), positive).mul_scalar(-self.gamma);

        let rest = rest.float();
        let size = rest.clone().sum_dim(1);
        let has_rest = size.clone().greater_scalar(0.5).float();
        let size = size.clamp_min(1.0);
        // 1 - mean is the mean of s(-x): taking it from there keeps its digits where the mean is near 1.
        let mean = sigmoid(logits.clone()).mul(rest.clone()).sum_dim(1).div(size.clone());
        let complement = sigmoid(logits.neg()).mul(rest).sum_dim(1).div(size);
        let correct = complement.add_scalar(self.mu).min_pair(mean.add_scalar(1.0 - self.mu));
        // A group without rest has mean 0 and complement 0: any constant will do, its weight is 0.
        let rest_term = correct.log().neg().mul(has_rest);

        let groups = mask.any_dim(1).float().sum().clamp_min(1.0);
        positive_term.add(rest_term).sum().div(groups)
    }
}

/// `ln( mean of s(x) )` of each row over the elements of `chosen`, `[groups, 1]`; 0 for a row without any.
fn ln_mean_sigmoid(logits: Tensor<2>, chosen: Tensor<2, Bool>) -> Tensor<2> {
    // Elements that are not chosen are pushed out of the sum by a large negative logarithm. Their gradient is 0, and a
    // row without any chosen element is all at that value, which is finite, and then weighted by 0.
    const OUT: f32 = -1e30;
    let size = chosen.clone().float().sum_dim(1);
    let has_any = size.clone().greater_scalar(0.5).float();
    let ln = log_sigmoid(logits).mask_fill(chosen.bool_not(), OUT);
    let largest = ln.clone().detach().max_dim(1);
    let ln_sum = ln.sub(largest.clone()).exp().sum_dim(1).log().add(largest);
    ln_sum.sub(size.clamp_min(1.0).log()).mul(has_any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_outside_their_range_are_errors() {
        for bad in [0.0, 1.0, -0.5, f64::NAN, 2.0] {
            assert!(Cpu::new(bad, 0.04).is_err(), "mu {bad}");
            assert!(Cpu::new(0.1, bad).is_err(), "gamma {bad}");
            assert!(Cpu::from_prior(bad).is_err(), "prior {bad}");
        }
        assert!(Cpu::from_prior(0.99).is_err(), "1.05 pi is over 1");
        assert_eq!(Cpu::from_prior_and_missing(0.1, 0.0, 0.04).map(|loss| loss.mu()), Ok(0.1));
        assert!(Cpu::from_prior_and_missing(0.1, 1.0, 0.04).is_err());
    }
}
