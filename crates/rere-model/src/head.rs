//! From hidden states to logits, and the two models of RERE.

use burn::{
    module::Module,
    nn::{Dropout, DropoutConfig, Linear, LinearConfig},
    tensor::{Device, FloatDType, Tensor},
};
use serde::{Deserialize, Serialize};

use crate::{AnyEncoder, Encoder, EncoderConfig, EncoderInput, ModelError, dropout::dropout};

/// Number of pointers: subject start, subject end, object start, object end, in this order.
pub const POINTERS: usize = 4;

/// Dropout in front of a head, as in the authors' code.
const HEAD_DROPOUT: f64 = 0.1;

/// How the hidden states of a sentence become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The state of the first token, `[CLS]` (Eq. 5).
    First,
    /// The mean over all tokens, as the paper's ablation with an LSTM has it.
    Mean,
}

/// One logit for each relation of a sentence (Eq. 5).
#[derive(Module, Debug)]
pub struct RelationHead {
    dropout: Dropout,
    linear: Linear,
}

impl RelationHead {
    /// A head with random weights.
    pub fn new(hidden: usize, relations: usize, device: &Device) -> Self {
        Self {
            dropout: DropoutConfig::new(HEAD_DROPOUT).init(),
            linear: LinearConfig::new(hidden, relations).init(device),
        }
    }

    /// Logits `[batch, relations]` from a hidden state for each sentence, `[batch, hidden]`.
    pub fn forward(&self, pooled: Tensor<2>) -> Tensor<2> {
        self.linear.forward(dropout(&self.dropout, pooled))
    }
}

/// The mean over each row's tokens, without padding, `[batch, hidden]`.
fn mean(hidden: Tensor<3>, input: &EncoderInput) -> Tensor<2> {
    let [batch, tokens, size] = hidden.dims();
    let mask = input.mask.clone().float().cast(FloatDType::from(hidden.dtype())).reshape([batch, tokens, 1]);
    let count = mask.clone().sum_dim(1).clamp_min(1.0);
    hidden.mul(mask).sum_dim(1).div(count).reshape([batch, size])
}

/// Four logits for each token: how well it starts or ends a subject or an object (Eq. 6).
#[derive(Module, Debug)]
pub struct PointerHead {
    dropout: Dropout,
    linear: Linear,
}

impl PointerHead {
    /// A head with random weights.
    pub fn new(hidden: usize, device: &Device) -> Self {
        Self {
            dropout: DropoutConfig::new(HEAD_DROPOUT).init(),
            linear: LinearConfig::new(hidden, POINTERS).init(device),
        }
    }

    /// Logits `[batch, tokens, 4]` from hidden states `[batch, tokens, hidden]`.
    pub fn forward(&self, hidden: Tensor<3>) -> Tensor<3> {
        let [batch, tokens, size] = hidden.dims();
        let rows = dropout(&self.dropout, hidden.reshape([batch * tokens, size]));
        self.linear.forward(rows).reshape([batch, tokens, POINTERS])
    }
}

/// The sentence-level relation classifier: an encoder and a [`RelationHead`].
#[derive(Module, Debug)]
pub struct RelationModel {
    /// The encoder.
    pub encoder: AnyEncoder,
    /// The head.
    pub head: RelationHead,
    #[module(skip)]
    pooling: Pooling,
}

impl RelationModel {
    /// A classifier with random weights.
    ///
    /// # Errors
    /// Where the encoder's settings contradict each other or are not supported.
    pub fn new(
        encoder: &EncoderConfig,
        relations: usize,
        pooling: Pooling,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let encoder = encoder.init(device)?;
        let head = RelationHead::new(encoder.hidden_size(), relations, device);
        Ok(Self { encoder, head, pooling })
    }

    /// Logits `[batch, relations]`.
    pub fn forward(&self, input: &EncoderInput) -> Tensor<2> {
        let pooled = match self.pooling {
            Pooling::First => self.encoder.first(input),
            Pooling::Mean => mean(self.encoder.forward(input), input),
        };
        self.head.forward(pooled)
    }
}

/// The relation-specific entity extractor: an encoder and a [`PointerHead`].
#[derive(Module, Debug)]
pub struct PointerModel {
    /// The encoder.
    pub encoder: AnyEncoder,
    /// The head.
    pub head: PointerHead,
}

impl PointerModel {
    /// An extractor with random weights.
    ///
    /// # Errors
    /// Where the encoder's settings contradict each other or are not supported.
    pub fn new(encoder: &EncoderConfig, device: &Device) -> Result<Self, ModelError> {
        let encoder = encoder.init(device)?;
        let head = PointerHead::new(encoder.hidden_size(), device);
        Ok(Self { encoder, head })
    }

    /// Logits `[batch, tokens, 4]`, in the order of [`POINTERS`].
    pub fn forward(&self, input: &EncoderInput) -> Tensor<3> {
        self.head.forward(self.encoder.forward(input))
    }
}
