//! CasRel: the subjects of a sentence, then the objects of a subject for each relation (Wei et al. 2020).

use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Device, FloatDType, Tensor},
};

use super::{HasEncoder, with_first_outputs};
use crate::{AnyEncoder, Encoder, EncoderConfig, EncoderInput, ModelError};

/// The network of CasRel: an encoder, a tagger of subjects, and taggers of objects for each relation.
#[derive(Module, Debug)]
pub struct CasRelModel {
    /// The encoder.
    pub encoder: AnyEncoder,
    /// The taggers.
    pub head: CasRelHead,
}

impl CasRelModel {
    /// A network with random weights.
    ///
    /// # Errors
    /// Returns an error if the encoder's settings contradict each other or are not supported.
    pub fn new(encoder: &EncoderConfig, relations: usize, device: &Device) -> Result<Self, ModelError> {
        let encoder = encoder.init(device)?;
        let head = CasRelHead::new(encoder.hidden_size(), relations, device);
        Ok(Self { encoder, head })
    }

    /// Hidden states `[batch, tokens, hidden]`, which the taggers read.
    pub fn encode(&self, input: &EncoderInput) -> Tensor<3> {
        self.encoder.forward(input)
    }
}

impl HasEncoder for CasRelModel {
    fn encoder(&self) -> &AnyEncoder {
        &self.encoder
    }

    fn map_encoder<E>(mut self, map: impl FnOnce(AnyEncoder) -> Result<AnyEncoder, E>) -> Result<Self, E> {
        self.encoder = map(self.encoder)?;
        Ok(self)
    }
}

/// The taggers of CasRel, without dropout of their own, as in the authors' code.
#[derive(Module, Debug)]
pub struct CasRelHead {
    subject: Linear,
    object: Linear,
}

impl CasRelHead {
    /// Taggers with random weights.
    pub fn new(hidden: usize, relations: usize, device: &Device) -> Self {
        Self {
            subject: LinearConfig::new(hidden, 2).init(device),
            object: LinearConfig::new(hidden, 2 * relations).init(device),
        }
    }

    /// The taggers with the weights of others, whose relations are the first of these.
    ///
    /// # Panics
    /// Panics if the others have more relations or another hidden size.
    #[must_use]
    pub fn with_first_of(self, other: Self) -> Self {
        Self { subject: other.subject, object: with_first_outputs(self.object, other.object) }
    }

    /// Two logits for each token, `[batch, tokens, 2]`: how well it starts or ends a subject.
    pub fn subjects(&self, hidden: Tensor<3>) -> Tensor<3> {
        tokens_forward(&self.subject, hidden)
    }

    /// Two logits for each token and relation, `[batch, tokens, 2 * relations]`: how well it starts (column `2r`) or ends (column
    /// `2r + 1`) an object of the row's subject. `subjects` are the weights of each token in the subject's mean, `[batch, tokens]`:
    /// 1 / length for its tokens and 0 for others. The tagger of a token reads the sum of its state and of that mean.
    pub fn objects(&self, hidden: Tensor<3>, subjects: Tensor<2>) -> Tensor<3> {
        let shift = self.shifts(hidden.clone(), subjects.unsqueeze_dim(1));
        self.objects_without_subject(hidden).add(shift)
    }

    /// What [`objects`](Self::objects) gives before the subject is added, `[batch, tokens, 2 * relations]`: the taggers are
    /// linear, so that one pass serves all subjects of a sentence.
    pub fn objects_without_subject(&self, hidden: Tensor<3>) -> Tensor<3> {
        tokens_forward(&self.object, hidden)
    }

    /// What each subject adds to the logits of all tokens of its row, `[batch, subjects, 2 * relations]`, from the weights
    /// of each token in the subject's mean, `[batch, subjects, tokens]`.
    pub fn shifts(&self, hidden: Tensor<3>, subjects: Tensor<3>) -> Tensor<3> {
        let [batch, count, _] = subjects.dims();
        let [_, _, size] = hidden.dims();
        let means = subjects.cast(FloatDType::from(hidden.dtype())).matmul(hidden).reshape([batch * count, size]);
        let shifts = means.matmul(self.object.weight.val());
        let [_, columns] = shifts.dims();
        shifts.reshape([batch, count, columns])
    }
}

/// A linear layer on each token. Rows are tokens: matrix products in two dimensions are much faster than batched ones.
fn tokens_forward(linear: &Linear, hidden: Tensor<3>) -> Tensor<3> {
    let [batch, tokens, size] = hidden.dims();
    let logits = linear.forward(hidden.reshape([batch * tokens, size]));
    let [_, columns] = logits.dims();
    logits.reshape([batch, tokens, columns])
}
