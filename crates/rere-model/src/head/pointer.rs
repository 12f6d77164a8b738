//! RERE, step two: the subjects and objects of a relation (Eq. 6).

use burn::{
    module::Module,
    nn::{Dropout, DropoutConfig, Linear, LinearConfig},
    tensor::{Device, Tensor},
};

use super::{DROPOUT, HasEncoder};
use crate::{AnyEncoder, Encoder, EncoderConfig, EncoderInput, ModelError, ops::dropout::dropout};

/// Number of pointers: subject start, subject end, object start, object end, in this order.
pub const POINTERS: usize = 4;

/// Four logits for each token: how well it starts or ends a subject or an object (Eq. 6).
#[derive(Module, Debug)]
pub struct PointerHead {
    dropout: Dropout,
    linear: Linear,
}

impl PointerHead {
    /// A head with random weights.
    pub fn new(hidden: usize, device: &Device) -> Self {
        Self { dropout: DropoutConfig::new(DROPOUT).init(), linear: LinearConfig::new(hidden, POINTERS).init(device) }
    }

    /// Logits `[batch, tokens, 4]` from hidden states `[batch, tokens, hidden]`.
    pub fn forward(&self, hidden: Tensor<3>) -> Tensor<3> {
        let [batch, tokens, size] = hidden.dims();
        let rows = dropout(&self.dropout, hidden.reshape([batch * tokens, size]));
        self.linear.forward(rows).reshape([batch, tokens, POINTERS])
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
    /// Returns an error if the encoder's settings contradict each other or are not supported.
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

impl HasEncoder for PointerModel {
    fn encoder(&self) -> &AnyEncoder {
        &self.encoder
    }

    fn map_encoder<E>(mut self, map: impl FnOnce(AnyEncoder) -> Result<AnyEncoder, E>) -> Result<Self, E> {
        self.encoder = map(self.encoder)?;
        Ok(self)
    }
}
