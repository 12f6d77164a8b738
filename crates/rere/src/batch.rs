//! Conversion of rows of token ids to the tensors that an encoder reads, and of tensors to numbers.

use std::ops::Range;

use burn::tensor::{Bool, Device, FloatDType, Int, Tensor, TensorData};
use rayon::prelude::*;
use rere_data::{Tokenizer, pad, sentence_input, token_batches};
use rere_model::EncoderInput;

use crate::Window;

/// Makes the input of an encoder from rows of token ids, padded to the longest row.
///
/// `contexts` holds the position of the sentence in each row. The query before it is segment 0, the sentence and its end are
/// segment 1. Without contexts, everything is segment 0.
pub fn encoder_input(
    rows: &[&[u32]],
    contexts: Option<&[Range<usize>]>,
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
    EncoderInput::new(
        Tensor::<2, Int>::from_data(TensorData::new(ids, shape), device),
        Tensor::<2, Int>::from_data(TensorData::new(segments, shape), device),
        Tensor::<2, Bool>::from_data(TensorData::new(padded.mask, shape), device),
    )
}

/// Returns the elements of a tensor as f32, in row-major order.
pub fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.cast(FloatDType::F32).into_data().iter::<f32>().collect()
}

/// Returns the probability of each logit in row-major order, computed in f32 whatever the type of the logits.
pub fn probabilities<const D: usize>(logits: Tensor<D>) -> Vec<f32> {
    burn::tensor::activation::sigmoid(logits.cast(FloatDType::F32)).into_data().iter::<f32>().collect()
}

/// Device, batch size and tokenizer of a system at work.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Runtime {
    /// The device.
    pub device: Device,
    /// The most tokens of a batch, padding included.
    pub batch_tokens: usize,
    /// The tokenizer.
    pub tokenizer: Tokenizer,
}

impl Runtime {
    /// Creates a runtime with batches of at most `batch_tokens` tokens, padding included.
    pub fn new(device: &Device, batch_tokens: usize, tokenizer: &Tokenizer) -> Self {
        Self { device: device.clone(), batch_tokens, tokenizer: tokenizer.clone() }
    }

    /// Calls `compute` with the row numbers of each batch and returns one value per row, in the order of the rows.
    ///
    /// Batches hold rows of similar length and run in parallel, so that all cores are busy even if a batch cannot use them.
    pub fn batches<T: Send + Default + Clone>(
        &self,
        lengths: &[usize],
        compute: impl Fn(&[usize]) -> Vec<T> + Sync,
    ) -> Vec<T> {
        let batches = token_batches(lengths, self.batch_tokens);
        let computed: Vec<Vec<T>> = batches.par_iter().map(|batch| compute(batch)).collect();
        let mut rows = vec![T::default(); lengths.len()];
        for (row, value) in batches.iter().flatten().zip(computed.into_iter().flatten()) {
            rows[*row] = value;
        }
        rows
    }

    /// Calls `compute` for batches of windows whose input is the text alone, `[CLS] text [SEP]`, and returns one value per window.
    ///
    /// `compute` gets the input of a batch and the number of text tokens of each row, which begin at 1, and returns one value per
    /// row.
    pub fn sentences<T: Send + Default + Clone>(
        &self,
        windows: &[Window<'_>],
        compute: impl Fn(&EncoderInput, &[usize]) -> Vec<T> + Sync,
    ) -> Vec<T> {
        self.windows(windows, |input, batch| {
            let tokens: Vec<usize> = batch.iter().map(|window| window.ids.len()).collect();
            compute(input, &tokens)
        })
    }

    /// As [`sentences`](Self::sentences), but `compute` gets the windows of a batch.
    pub fn windows<T: Send + Default + Clone>(
        &self,
        windows: &[Window<'_>],
        compute: impl Fn(&EncoderInput, &[&Window<'_>]) -> Vec<T> + Sync,
    ) -> Vec<T> {
        let rows: Vec<Vec<u32>> = windows.iter().map(|window| sentence_input(&self.tokenizer, window.ids)).collect();
        let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
        self.batches(&lengths, |batch| {
            let rows: Vec<&[u32]> = batch.iter().map(|&window| rows[window].as_slice()).collect();
            let windows: Vec<&Window<'_>> = batch.iter().map(|&window| &windows[window]).collect();
            compute(&self.input(&rows, None), &windows)
        })
    }

    /// Makes the encoder's input from the rows of a batch, as [`encoder_input`] does.
    pub fn input(&self, rows: &[&[u32]], contexts: Option<&[Range<usize>]>) -> EncoderInput {
        encoder_input(rows, contexts, self.tokenizer.pad(), &self.device)
    }
}
