//! CasRel (Wei et al. 2020): the subjects of a sentence, then the objects of a subject for each relation.

use burn::{
    module::Module,
    tensor::{Device, FloatDType, Tensor},
};

use super::forward_rows;
use crate::{Linear, Pack, WeightType};

/// The taggers of CasRel, without dropout, as in the authors' code.
///
/// ```
/// use rere_model::{
///     CasRelHead,
///     burn::tensor::{Device, Tensor},
/// };
///
/// let device = Device::flex();
/// let head = CasRelHead::new(32, 12, &device); // hidden size, relations
/// let hidden = Tensor::<3>::zeros([1, 5, 32], &device);
/// assert_eq!(head.subjects(hidden.clone()).dims(), [1, 5, 2]);
/// // The subject is tokens 1 and 2.
/// let subject = Tensor::<2>::from_floats([[0.0, 0.5, 0.5, 0.0, 0.0]], &device);
/// assert_eq!(head.objects(hidden, subject).dims(), [1, 5, 24]);
/// ```
#[derive(Module, Debug)]
pub struct CasRelHead {
    subject: Linear,
    object: Linear,
}

impl Pack for CasRelHead {
    fn pack(self, weights: WeightType) -> Self {
        Self { subject: self.subject.pack(weights), object: self.object.pack(weights) }
    }
}

impl CasRelHead {
    /// Creates taggers with random weights.
    pub fn new(hidden: usize, relations: usize, device: &Device) -> Self {
        Self { subject: Linear::new(hidden, 2, device), object: Linear::new(hidden, 2 * relations, device) }
    }

    /// Replaces the weights of the subjects and of the first relations by those of another head, which may have fewer
    /// relations.
    ///
    /// # Panics
    /// Panics if the other head has more relations or another hidden size.
    #[must_use]
    pub fn with_first_of(self, other: Self) -> Self {
        Self { subject: other.subject, object: self.object.with_first_of(other.object) }
    }

    /// Computes two logits for each token, `[batch, tokens, 2]`: that it starts or ends a subject.
    pub fn subjects(&self, hidden: Tensor<3>) -> Tensor<3> {
        forward_rows(&self.subject, hidden)
    }

    /// Computes two logits for each token and relation, `[batch, tokens, 2 * relations]`: that the token starts (column
    /// `2r`) or ends (column `2r + 1`) an object of the row's subject.
    ///
    /// `subjects`, `[batch, tokens]`, has the weights of the tokens in the subject's mean: 1 / length for the subject's
    /// tokens, 0 for others. The tagger reads the sum of a token's state and that mean.
    pub fn objects(&self, hidden: Tensor<3>, subjects: Tensor<2>) -> Tensor<3> {
        let shift = self.shifts(hidden.clone(), subjects.unsqueeze_dim(1));
        self.objects_without_subject(hidden).add(shift)
    }

    /// Computes the part of [`objects`](Self::objects) that does not depend on the subject, `[batch, tokens, 2 *
    /// relations]`.
    ///
    /// The taggers are linear, so this is computed once for all subjects of a sentence. Add [`shifts`](Self::shifts).
    pub fn objects_without_subject(&self, hidden: Tensor<3>) -> Tensor<3> {
        forward_rows(&self.object, hidden)
    }

    /// Computes the part of [`objects`](Self::objects) that each subject adds to the logits of all tokens of its row,
    /// `[batch, subjects, 2 * relations]`.
    ///
    /// `subjects`, `[batch, subjects, tokens]`, has the weights of the tokens in each subject's mean.
    pub fn shifts(&self, hidden: Tensor<3>, subjects: Tensor<3>) -> Tensor<3> {
        let [batch, count, _] = subjects.dims();
        let [_, _, size] = hidden.dims();
        let means = subjects.cast(FloatDType::from(hidden.dtype())).matmul(hidden).reshape([batch * count, size]);
        let shifts = self.object.forward_without_bias(means);
        let [_, columns] = shifts.dims();
        shifts.reshape([batch, count, columns])
    }
}
