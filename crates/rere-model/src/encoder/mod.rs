//! From token ids to hidden states.

mod bert;
mod bilstm;

use burn::{
    module::Module,
    tensor::{Bool, Device, Int, Tensor},
};
use serde::{Deserialize, Serialize};

pub use bert::{Bert, BertConfig};
pub use bilstm::{BiLstm, BiLstmConfig};

use crate::{ModelError, Pooling, Precision};

/// A padded batch of token ids.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EncoderInput {
    /// `[batch, tokens]`
    pub ids: Tensor<2, Int>,
    /// 0 or 1 for each token, `[batch, tokens]`: the query of the entity extractor is 0, the sentence 1.
    pub segments: Tensor<2, Int>,
    /// True where there is a token, false where there is padding, `[batch, tokens]`. Padding stands at the end.
    pub mask: Tensor<2, Bool>,
    /// What [`Encoder::frozen`] gave for these tokens, where it was asked before: it is not computed again.
    pub frozen: Option<Tensor<3>>,
}

impl EncoderInput {
    /// A batch whose frozen layers are computed with the others. All are `[batch, tokens]`.
    pub fn new(ids: Tensor<2, Int>, segments: Tensor<2, Int>, mask: Tensor<2, Bool>) -> Self {
        Self { ids, segments, mask, frozen: None }
    }

    /// The same on the device without autodiff.
    fn inner(&self) -> Self {
        Self {
            ids: self.ids.clone().inner(),
            segments: self.segments.clone().inner(),
            mask: self.mask.clone().inner(),
            frozen: self.frozen.clone(),
        }
    }
}

/// Turns token ids into one hidden state for each token.
pub trait Encoder {
    /// Hidden states `[batch, tokens, hidden]`. What stands under padding is of no use, and changes nothing elsewhere.
    fn forward(&self, input: &EncoderInput) -> Tensor<3>;

    /// The hidden state of each row's first token alone, `[batch, hidden]`: the same numbers, for less work where an
    /// encoder can save it.
    fn first(&self, input: &EncoderInput) -> Tensor<2> {
        let hidden = self.forward(input);
        let [batch, _, size] = hidden.dims();
        hidden.narrow(1, 0, 1).reshape([batch, size])
    }

    /// The hidden states above the frozen layers, `[batch, tokens, hidden]`, on the device without autodiff. They are
    /// the same in every epoch, and do not change with what else is in the batch but for rounding. `None` where all is
    /// trained, or an encoder does not offer it.
    fn frozen(&self, _input: &EncoderInput) -> Option<Tensor<3>> {
        None
    }

    /// Whether [`frozen`](Self::frozen) gives states, which can then be kept for later epochs.
    fn keeps_frozen(&self) -> bool {
        false
    }

    /// Size of a hidden state.
    fn hidden_size(&self) -> usize;
}

/// Settings of an encoder, told apart by `model_type` as in a Hugging Face `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model_type", rename_all = "lowercase")]
pub enum EncoderConfig {
    /// A [`Bert`].
    Bert(BertConfig),
    /// A [`BiLstm`].
    BiLstm(BiLstmConfig),
}

impl EncoderConfig {
    /// An encoder with random weights.
    ///
    /// # Errors
    /// Where the settings contradict each other or are not supported.
    pub fn init(&self, device: &Device) -> Result<AnyEncoder, ModelError> {
        Ok(match self {
            Self::Bert(config) => AnyEncoder::Bert(config.init(device)?),
            Self::BiLstm(config) => AnyEncoder::BiLstm(config.init(device)?),
        })
    }

    /// The longest input that the encoder can read, in tokens; `None` where there is no limit.
    pub fn max_tokens(&self) -> Option<usize> {
        match self {
            Self::Bert(config) => Some(config.max_position_embeddings),
            Self::BiLstm(_) => None,
        }
    }

    /// The pooling that suits the encoder: `[CLS]` of one that was pretrained with it, the mean of others.
    pub fn pooling(&self) -> Pooling {
        match self {
            Self::Bert(_) => Pooling::First,
            Self::BiLstm(_) => Pooling::Mean,
        }
    }

    /// Checks that the encoder can compute with these numbers.
    ///
    /// # Errors
    /// Returns [`ModelError::Precision`] for an LSTM with other numbers than f32: burn has no others for it.
    pub fn check_precision(&self, precision: Precision) -> Result<(), ModelError> {
        if precision != Precision::F32 && matches!(self, Self::BiLstm(_)) {
            let message = "an LSTM supports f32 only: use f32".to_owned();
            return Err(ModelError::Precision { name: precision.to_string(), message });
        }
        Ok(())
    }

    /// Number of token ids that the encoder knows.
    pub fn vocab_size(&self) -> usize {
        match self {
            Self::Bert(config) => config.vocab_size,
            Self::BiLstm(config) => config.vocab_size,
        }
    }

    /// The same settings for another number of token ids.
    #[must_use]
    pub fn with_vocab_size(mut self, size: usize) -> Self {
        match &mut self {
            Self::Bert(config) => config.vocab_size = size,
            Self::BiLstm(config) => config.vocab_size = size,
        }
        self
    }
}

/// An encoder of any kind.
// A model has one of these, and burn's modules cannot be boxed: the size of the smaller variant does not matter.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub enum AnyEncoder {
    /// A [`Bert`].
    Bert(Bert),
    /// A [`BiLstm`].
    BiLstm(BiLstm),
}

impl AnyEncoder {
    /// The encoder with its embeddings and its `layers` lowest layers frozen: they are not trained. Their dropout is off in
    /// a [`Bert`]; a [`BiLstm`] has one dropout for all layers, and keeps it.
    #[must_use]
    pub fn freeze_lower(self, layers: usize) -> Self {
        match self {
            Self::Bert(bert) => Self::Bert(bert.freeze_lower(layers)),
            Self::BiLstm(bilstm) => Self::BiLstm(bilstm.freeze_lower(layers)),
        }
    }
}

impl Encoder for AnyEncoder {
    fn forward(&self, input: &EncoderInput) -> Tensor<3> {
        match self {
            Self::Bert(bert) => bert.forward(input),
            Self::BiLstm(bilstm) => bilstm.forward(input),
        }
    }

    fn first(&self, input: &EncoderInput) -> Tensor<2> {
        match self {
            Self::Bert(bert) => bert.first(input),
            Self::BiLstm(bilstm) => bilstm.first(input),
        }
    }

    fn frozen(&self, input: &EncoderInput) -> Option<Tensor<3>> {
        match self {
            Self::Bert(bert) => bert.frozen(input),
            Self::BiLstm(bilstm) => bilstm.frozen(input),
        }
    }

    fn keeps_frozen(&self) -> bool {
        match self {
            Self::Bert(bert) => bert.keeps_frozen(),
            Self::BiLstm(bilstm) => bilstm.keeps_frozen(),
        }
    }

    fn hidden_size(&self) -> usize {
        match self {
            Self::Bert(bert) => bert.hidden_size(),
            Self::BiLstm(bilstm) => bilstm.hidden_size(),
        }
    }
}
