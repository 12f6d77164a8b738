//! Probabilities from logits.

use burn::tensor::{Tensor, activation::log_sigmoid};

/// `ln s(x)` and `ln s(-x)`, exact where either is small, at the cost of one logarithm.
///
/// With `t = ln s(|x|)` they are `t + min(x, 0)` and `t - max(x, 0)`. The parts are taken by masks, whose gradient at 0
/// is that of one side and not 0: so the sums have the right one, also at 0.
pub(crate) fn ln_probabilities(x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let negative = x.clone().lower_scalar(0.0);
    let above = x.clone().mask_fill(negative.clone(), 0.0);
    let below = x.clone().mask_fill(negative.clone().bool_not(), 0.0);
    let t = log_sigmoid(above.clone().sub(below.clone()));
    (t.clone().add(below), t.sub(above))
}

/// `s(x)` and `s(-x)`. Their gradients are `s(x) s(-x)` to all digits, where that of burn's sigmoid, `s(x) (1 - s(x))`, has
/// none left where `s(x)` is near 1.
pub(crate) fn probabilities(x: Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let (ln, ln_not) = ln_probabilities(x);
    (ln.exp(), ln_not.exp())
}
