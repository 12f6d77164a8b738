//! Probabilities from logits.

use burn::tensor::{Tensor, activation::log_sigmoid};

/// `s(x)`, by way of its logarithm: the gradient then is `s(x) s(-x)`, where that of burn's sigmoid is `s(x) (1 - s(x))`
/// and has no digits left where `s(x)` is near 1.
pub(crate) fn probability(x: Tensor<2>) -> Tensor<2> {
    log_sigmoid(x).exp()
}
