//! The relation classifier of RERE: the relations of a sentence (Eq. 5).

use burn::{
    module::Module,
    nn::{Dropout, DropoutConfig},
    tensor::{Device, FloatDType, Tensor},
};
use serde::{Deserialize, Serialize};

use super::{DROPOUT, HasEncoder};
use crate::{
    AnyEncoder, Encoder, EncoderConfig, EncoderInput, Linear, ModelError, OnnxModel, Pack, WeightType,
    linear::check_not_packed,
    onnx::{
        Dimension::{Any, Size},
        Graph, Rows,
    },
    ops::dropout::dropout,
};

/// The way to combine the hidden states of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Pooling {
    /// The state of the first token, `[CLS]` (Eq. 5).
    First,
    /// The mean over all tokens, as in the paper's ablation with an LSTM.
    Mean,
}

/// A head with one logit for each relation of a sentence (Eq. 5).
#[derive(Module, Debug)]
pub struct RelationHead {
    dropout: Dropout,
    linear: Linear,
}

impl Pack for RelationHead {
    fn pack(self, weights: WeightType) -> Self {
        Self { linear: self.linear.pack(weights), ..self }
    }
}

impl RelationHead {
    /// Creates a head with random weights.
    pub fn new(hidden: usize, relations: usize, device: &Device) -> Self {
        Self { dropout: DropoutConfig::new(DROPOUT).init(), linear: Linear::new(hidden, relations, device) }
    }

    /// Replaces the weights of the first relations by those of another head, which may have fewer relations.
    ///
    /// # Panics
    /// Panics if the other head has more relations or another hidden size.
    #[must_use]
    pub fn with_first_of(mut self, other: Self) -> Self {
        self.linear = self.linear.with_first_of(other.linear);
        self
    }

    /// Computes logits, `[batch, relations]`, from a hidden state for each sentence, `[batch, hidden]`.
    pub fn forward(&self, pooled: Tensor<2>) -> Tensor<2> {
        self.linear.forward(dropout(&self.dropout, pooled))
    }
}

/// The sentence-level relation classifier: an encoder and a [`RelationHead`]. The [crate's example](crate) uses it.
#[derive(Module, Debug)]
pub struct RelationModel {
    /// The encoder.
    pub encoder: AnyEncoder,
    /// The head.
    pub head: RelationHead,
    #[module(skip)]
    pooling: Pooling,
}

impl Pack for RelationModel {
    fn pack(self, weights: WeightType) -> Self {
        Self { encoder: self.encoder.pack(weights), head: self.head.pack(weights), ..self }
    }
}

impl RelationModel {
    /// Creates a classifier with random weights.
    ///
    /// # Errors
    /// Returns an error if a setting of the encoder is invalid or not supported.
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

    /// Computes logits, `[batch, relations]`.
    pub fn forward(&self, input: &EncoderInput) -> Tensor<2> {
        let pooled = match self.pooling {
            Pooling::First => self.encoder.first(input),
            Pooling::Mean => mean(self.encoder.forward(input), input),
        };
        self.head.forward(pooled)
    }

    /// Converts the classifier to ONNX, for inputs of at most `max_tokens` tokens.
    ///
    /// Inputs are `input_ids`, `attention_mask` and, if the encoder has segments, `token_type_ids`, each `[batch, tokens]`.
    /// The output is `relations`, logits `[batch, relations]`.
    ///
    /// # Errors
    /// Returns an error if the encoder is not a [`Bert`](crate::Bert) or the layers are packed.
    pub fn to_onnx(&self, max_tokens: usize) -> Result<OnnxModel, ModelError> {
        check_not_packed(self)?;
        let mut graph = Graph::default();
        let [size, relations] = self.head.linear.dims();
        let pooled = match self.pooling {
            Pooling::First => {
                let encoded = self.encoder.add_to(&mut graph, Rows::First, max_tokens)?;
                graph.reshape(&encoded.hidden, &[0, size as i64])
            }
            Pooling::Mean => self.encoder.add_to(&mut graph, Rows::All, max_tokens)?.mean(&mut graph),
        };
        let logits = graph.linear("head.linear", &self.head.linear, &pooled);
        graph.output("relations", &logits, &[Any("batch"), Size(relations)]);
        Ok(OnnxModel::new("relations", graph))
    }
}

impl HasEncoder for RelationModel {
    fn encoder(&self) -> &AnyEncoder {
        &self.encoder
    }

    fn map_encoder<E>(mut self, map: impl FnOnce(AnyEncoder) -> Result<AnyEncoder, E>) -> Result<Self, E> {
        self.encoder = map(self.encoder)?;
        Ok(self)
    }
}

/// Computes the mean over each row's tokens, without padding, `[batch, hidden]`.
pub(super) fn mean(hidden: Tensor<3>, input: &EncoderInput) -> Tensor<2> {
    let [batch, tokens, size] = hidden.dims();
    let mask = input.mask.clone().float().cast(FloatDType::from(hidden.dtype())).reshape([batch, tokens, 1]);
    let count = mask.clone().sum_dim(1).clamp_min(1.0);
    hidden.mul(mask).sum_dim(1).div(count).reshape([batch, size])
}
