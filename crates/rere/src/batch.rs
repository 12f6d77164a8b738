//! From rows of token ids to the tensors that an encoder reads, and from tensors back to numbers.

use std::ops::Range;

use burn::tensor::{Bool, Device, FloatDType, Int, Tensor, TensorData};
use rayon::prelude::*;
use rere_data::{Tokenizer, pad, sentence_input, token_batches};
use rere_model::EncoderInput;

use crate::Window;

/// Rows of token ids, padded to the longest. `contexts` are where the sentence is in each row: what comes before it,
/// the query, is segment 0, the sentence and its end segment 1; without contexts all is segment 0.
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

/// The numbers of a tensor in f32, in the order of memory.
pub fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.cast(FloatDType::F32).into_data().iter::<f32>().collect()
}

/// The probabilities of all logits, in the order of memory; computed in f32, whatever the logits are.
pub fn probabilities<const D: usize>(logits: Tensor<D>) -> Vec<f32> {
    burn::tensor::activation::sigmoid(logits.cast(FloatDType::F32)).into_data().iter::<f32>().collect()
}

/// Where and in which batches a system computes, and the tokenizer of its texts.
#[derive(Debug, Clone)]
pub struct Runtime {
    /// The device.
    pub device: Device,
    /// Tokens in a batch, padding counted.
    pub batch_tokens: usize,
    /// The tokenizer.
    pub tokenizer: Tokenizer,
}

impl Runtime {
    /// Batches of at most `batch_tokens` tokens, padding counted.
    pub fn new(device: &Device, batch_tokens: usize, tokenizer: &Tokenizer) -> Self {
        Self { device: device.clone(), batch_tokens, tokenizer: tokenizer.clone() }
    }

    /// What `compute` makes of each row, given the numbers of the rows of a batch: one value for each of them. Batches hold rows
    /// of like length and run side by side, so that no core waits if a batch has work for one alone.
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

    /// What `compute` makes of each window whose input is the text alone, `[CLS] text [SEP]`: it gets the input of a batch and the
    /// number of the text's tokens in each row, which begin at 1, and returns a value for each row.
    pub fn sentences<T: Send + Default + Clone>(
        &self,
        windows: &[Window<'_>],
        compute: impl Fn(&EncoderInput, &[usize]) -> Vec<T> + Sync,
    ) -> Vec<T> {
        let rows: Vec<Vec<u32>> = windows.iter().map(|window| sentence_input(&self.tokenizer, window.ids)).collect();
        let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
        self.batches(&lengths, |batch| {
            let rows: Vec<&[u32]> = batch.iter().map(|&window| rows[window].as_slice()).collect();
            let tokens: Vec<usize> = batch.iter().map(|&window| windows[window].ids.len()).collect();
            compute(&self.input(&rows, None), &tokens)
        })
    }

    /// The input of an encoder of the rows of a batch.
    pub fn input(&self, rows: &[&[u32]], contexts: Option<&[Range<usize>]>) -> EncoderInput {
        encoder_input(rows, contexts, self.tokenizer.pad(), &self.device)
    }
}
