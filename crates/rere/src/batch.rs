//! From rows of token ids to the tensors that an encoder reads, and from tensors back to numbers.

use std::ops::Range;

use burn::tensor::{Bool, Device, Element, FloatDType, Int, Tensor, TensorData};
use ndarray::{Array, Dimension};
use rere_data::pad;
use rere_model::EncoderInput;

/// Rows of token ids, padded to the longest. `context` is where the sentence stands in each row: what comes before it,
/// the query, is segment 0, the sentence and its end segment 1; without contexts all is segment 0.
pub(crate) fn encoder_input(
    rows: &[&[u32]],
    contexts: Option<&[&Range<usize>]>,
    padding: u32,
    device: &Device,
) -> EncoderInput {
    let padded = pad(rows, padding);
    let shape = [padded.rows, padded.width];
    let ids: Vec<i64> = padded.ids.iter().map(|&id| i64::from(id)).collect();
    let mut segments = vec![0i64; ids.len()];
    for (row, context) in contexts.into_iter().flatten().enumerate() {
        segments[row * padded.width + context.start..row * padded.width + rows[row].len()].fill(1);
    }
    EncoderInput {
        ids: Tensor::<2, Int>::from_data(TensorData::new(ids, shape), device),
        segments: Tensor::<2, Int>::from_data(TensorData::new(segments, shape), device),
        mask: Tensor::<2, Bool>::from_data(TensorData::new(padded.mask, shape), device),
        frozen: None,
    }
}

/// An array's numbers and shape, for a tensor.
pub(crate) fn tensor_data<T: Element, D: Dimension>(array: Array<T, D>) -> TensorData {
    let shape = array.shape().to_vec();
    // Iterating keeps the order of the axes, however the array lies in memory.
    TensorData::new(array.into_iter().collect(), shape)
}

/// The probabilities of all logits, in the order of memory; computed in 32 bits, whatever the logits have.
pub(crate) fn probabilities<const D: usize>(logits: Tensor<D>) -> Vec<f32> {
    burn::tensor::activation::sigmoid(logits.cast(FloatDType::F32)).into_data().iter::<f32>().collect()
}
