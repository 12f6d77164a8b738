//! The entity extractor of RERE: subjects and objects of a relation (Eq. 6).

use burn::{
    module::Module,
    nn::{Dropout, DropoutConfig, Linear, LinearConfig},
    tensor::{Device, Tensor},
};

use super::{DROPOUT, HasEncoder};
use crate::{AnyEncoder, Encoder, EncoderConfig, EncoderInput, ModelError, ops::dropout::dropout};

/// Number of pointers. Their order: subject start, subject end, object start, object end.
pub const POINTERS: usize = 4;

/// A head with four logits for each token: that it starts or ends a subject or an object (Eq. 6).
#[derive(Module, Debug)]
pub struct PointerHead {
    dropout: Dropout,
    linear: Linear,
}

impl PointerHead {
    /// Creates a head with random weights.
    pub fn new(hidden: usize, device: &Device) -> Self {
        Self { dropout: DropoutConfig::new(DROPOUT).init(), linear: LinearConfig::new(hidden, POINTERS).init(device) }
    }

    /// Computes logits, `[batch, tokens, 4]`, from hidden states, `[batch, tokens, hidden]`.
    pub fn forward(&self, hidden: Tensor<3>) -> Tensor<3> {
        let [batch, tokens, size] = hidden.dims();
        let rows = dropout(&self.dropout, hidden.reshape([batch * tokens, size]));
        self.linear.forward(rows).reshape([batch, tokens, POINTERS])
    }
}

/// The relation-specific entity extractor: an encoder and a [`PointerHead`].
///
/// ```
/// use rere_model::{
///     BertConfig, EncoderInput, PointerModel,
///     burn::tensor::{Device, Int, Tensor},
/// };
///
/// let device = Device::flex();
/// let model = PointerModel::new(&BertConfig::tiny(100).into(), &device)?;
/// // A query of a relation, `[CLS] query [SEP]`, and a sentence of three tokens.
/// let logits = model.forward(&EncoderInput::new(
///     Tensor::<2, Int>::from_ints([[2, 40, 3, 17, 18, 19, 3]], &device),
///     Tensor::<2, Int>::from_ints([[0, 0, 0, 1, 1, 1, 1]], &device),
///     Tensor::<2, Int>::ones([1, 7], &device).bool(),
/// ));
/// assert_eq!(logits.dims(), [1, 7, 4]);
/// # Ok::<(), rere_model::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct PointerModel {
    /// The encoder.
    pub encoder: AnyEncoder,
    /// The head.
    pub head: PointerHead,
}

impl PointerModel {
    /// Creates an extractor with random weights.
    ///
    /// # Errors
    /// Returns an error if a setting of the encoder is invalid or not supported.
    pub fn new(encoder: &EncoderConfig, device: &Device) -> Result<Self, ModelError> {
        let encoder = encoder.init(device)?;
        let head = PointerHead::new(encoder.hidden_size(), device);
        Ok(Self { encoder, head })
    }

    /// Computes logits, `[batch, tokens, 4]`, in the order of [`POINTERS`].
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
