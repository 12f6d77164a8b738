//! Binary cross-entropy.

use burn::tensor::{Bool, Tensor, activation::log_sigmoid};

use crate::{Loss, check_shapes};

/// Binary cross-entropy from logits, averaged over all elements that count: what is not labelled is taken as negative.
///
/// `-y ln s(x) - (1 - y) ln(1 - s(x))`, computed as `(1 - y) x - ln s(x)`, which is finite for every finite logit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bce;

impl Loss for Bce {
    fn forward(&self, logits: Tensor<2>, targets: Tensor<2>, mask: Tensor<2, Bool>) -> Tensor<1> {
        check_shapes(&logits, &targets, &mask);
        // Masked logits are replaced before anything is computed, so that not even a NaN there reaches a gradient.
        let logits = logits.mask_fill(mask.clone().bool_not(), 0.0);
        let counts = mask.float();
        let each = targets.neg().add_scalar(1.0).mul(logits.clone()).sub(log_sigmoid(logits));
        each.mul(counts.clone()).sum().div(counts.sum().clamp_min(1.0))
    }
}
