//! Probabilities from logits, outside of autodiff: the losses compute their gradients themselves.

use burn::tensor::Tensor;

use crate::Groups;

/// `p = s(x)` and `1 - p = s(-x)` of each logit x, each exact if it is small, `[groups, labels]`.
pub(crate) struct Probabilities {
    pub(crate) p: Tensor<2>,
    pub(crate) not_p: Tensor<2>,
    x: Tensor<2>,
    /// `exp(-|x|)`, which never overflows.
    tail: Tensor<2>,
    /// The larger of p and 1 - p.
    larger: Tensor<2>,
}

impl Probabilities {
    pub(crate) fn of_groups(groups: &Groups) -> Self {
        let x = groups.detached_logits();
        let tail = x.clone().abs().neg().exp();
        let larger = tail.clone().add_scalar(1.0).recip();
        let smaller = tail.clone().mul(larger.clone());
        let negative = x.clone().lower_scalar(0.0);
        let p = larger.clone().mask_where(negative.clone(), smaller.clone());
        let not_p = smaller.mask_where(negative, larger.clone());
        Self { p, not_p, x, tail, larger }
    }

    /// Computes `ln p` and `ln(1 - p)` from one logarithm, the slowest operation of a loss.
    pub(crate) fn ln(&self) -> (Tensor<2>, Tensor<2>) {
        let ln_larger = self.tail.clone().log1p().neg();
        let ln_p = ln_larger.clone().add(self.x.clone().clamp_max(0.0));
        (ln_p, ln_larger.sub(self.x.clone().clamp_min(0.0)))
    }

    /// Returns two factors of p: the logarithm of the first, which itself may underflow, and the second.
    pub(crate) fn factors(&self) -> (Tensor<2>, Tensor<2>) {
        (self.x.clone().clamp_max(0.0), self.larger.clone())
    }
}
