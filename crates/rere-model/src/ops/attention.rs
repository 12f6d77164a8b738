//! Scaled dot-product attention (Vaswani et al. 2017).

use burn::{
    nn::Dropout,
    tensor::{Bool, Tensor},
};

use super::{dropout::dropout, softmax::softmax};

/// Splits states, `[batch * tokens, hidden]`, into heads, `[batch, heads, tokens, size]`.
pub(crate) fn split_heads(states: Tensor<2>, batch: usize, heads: usize) -> Tensor<4> {
    let [rows, hidden] = states.dims();
    states.reshape([batch, rows / batch, heads, hidden / heads]).swap_dims(1, 2)
}

/// Computes the means of the values, `[batch * wanted, hidden]`, weighted by the softmax of the scores, `[batch, heads, wanted,
/// tokens]`. `masked`, which can be expanded to this shape, is true for tokens that are not attended to.
pub(crate) fn attend(scores: Tensor<4>, value: Tensor<4>, masked: Tensor<4, Bool>, layer: &Dropout) -> Tensor<2> {
    let shape @ [batch, heads, wanted, _] = scores.dims();
    let [.., size] = value.dims();
    // Finite, so that a row of padding does not become NaN, and in the range of f16.
    let scores = scores.mask_fill(masked.expand(shape), -3e4);
    let weights = dropout(layer, softmax(scores));
    weights.matmul(value).swap_dims(1, 2).reshape([batch * wanted, heads * size])
}
