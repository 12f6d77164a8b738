//! A bidirectional LSTM: the paper's ablation "RERE - LSTM".

use burn::{
    module::Module,
    nn::{Dropout, DropoutConfig, Embedding, EmbeddingConfig, Lstm, LstmConfig},
    tensor::{Device, Int, Tensor},
};
use serde::{Deserialize, Serialize};

use super::{Encoder, EncoderInput, check_dropout, check_sizes};
use crate::{
    ModelError,
    ops::{dropout::dropout, embedding::embed},
};

/// Settings of a [`BiLstm`]. The paper's ablation has embeddings of 256 and 2 layers of 256 per direction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BiLstmConfig {
    /// Number of token ids.
    #[serde(default)]
    pub vocab_size: usize,
    /// Size of a token's embedding.
    #[serde(default = "default_size")]
    pub embedding_size: usize,
    /// Size of the state of each direction. A hidden state is twice as long.
    #[serde(default = "default_size")]
    pub direction_size: usize,
    /// Number of bidirectional layers.
    #[serde(default = "default_layers")]
    pub layers: usize,
    /// Dropout after the embeddings and after each layer.
    #[serde(default = "default_dropout")]
    pub dropout: f64,
}

fn default_size() -> usize {
    256
}

fn default_layers() -> usize {
    2
}

fn default_dropout() -> f64 {
    0.1
}

impl BiLstmConfig {
    /// Creates the paper's settings for a vocabulary of the given size.
    pub fn new(vocab_size: usize) -> Self {
        Self {
            vocab_size,
            embedding_size: default_size(),
            direction_size: default_size(),
            layers: default_layers(),
            dropout: default_dropout(),
        }
    }

    /// Creates a BiLSTM with random weights.
    ///
    /// # Errors
    /// Returns an error if a size is 0 or the dropout is not in \[0, 1).
    pub fn init(&self, device: &Device) -> Result<BiLstm, ModelError> {
        check_sizes(&[
            ("vocab_size", self.vocab_size),
            ("embedding_size", self.embedding_size),
            ("direction_size", self.direction_size),
            ("layers", self.layers),
        ])?;
        check_dropout("dropout", self.dropout)?;
        let layer = |i| {
            let input = if i == 0 { self.embedding_size } else { 2 * self.direction_size };
            let lstm = || LstmConfig::new(input, self.direction_size, true).init(device);
            Layer { forwards: lstm(), backwards: lstm() }
        };
        Ok(BiLstm {
            embedding: EmbeddingConfig::new(self.vocab_size, self.embedding_size).init(device),
            layers: (0..self.layers).map(layer).collect(),
            dropout: DropoutConfig::new(self.dropout).init(),
            direction_size: self.direction_size,
        })
    }
}

/// Embeddings and bidirectional LSTM layers. It ignores segments.
#[derive(Module, Debug)]
pub struct BiLstm {
    embedding: Embedding,
    layers: Vec<Layer>,
    dropout: Dropout,
    direction_size: usize,
}

#[derive(Module, Debug)]
struct Layer {
    forwards: Lstm,
    backwards: Lstm,
}

impl BiLstm {
    pub(super) fn freeze_lower(mut self, layers: usize) -> Self {
        self.embedding = self.embedding.freeze();
        self.layers = (self.layers.into_iter().enumerate())
            .map(|(i, layer)| if i < layers { layer.freeze() } else { layer })
            .collect();
        self
    }
}

impl Encoder for BiLstm {
    fn forward(&self, input: &EncoderInput) -> Tensor<3> {
        let reversal = reversal(input);
        let mut hidden = dropout(&self.dropout, embed(&self.embedding, input.ids.clone()));
        for layer in &self.layers {
            let (forwards, _) = layer.forwards.forward(hidden.clone(), None);
            let (backwards, _) = layer.backwards.forward(reorder(hidden, &reversal), None);
            hidden = dropout(&self.dropout, Tensor::cat(vec![forwards, reorder(backwards, &reversal)], 2));
        }
        hidden
    }

    fn hidden_size(&self) -> usize {
        2 * self.direction_size
    }
}

/// Returns, for each row, the positions of its tokens from last to first, then those of its padding: `[batch, tokens]`.
///
/// In this order padding comes last, so that it never reaches a token's state.
fn reversal(input: &EncoderInput) -> Tensor<2, Int> {
    let [batch, tokens] = input.ids.dims();
    let device = input.ids.device();
    let position = Tensor::<1, Int>::arange(0..tokens as i64, &device).reshape([1, tokens]).expand([batch, tokens]);
    let last = input.mask.clone().int().sum_dim(1).sub_scalar(1).expand([batch, tokens]);
    let reversed = last.sub(position.clone());
    let padding = reversed.clone().lower_scalar(0);
    reversed.mask_where(padding, position)
}

fn reorder(hidden: Tensor<3>, positions: &Tensor<2, Int>) -> Tensor<3> {
    let [batch, tokens, size] = hidden.dims();
    hidden.gather(1, positions.clone().reshape([batch, tokens, 1]).expand([batch, tokens, size]))
}
