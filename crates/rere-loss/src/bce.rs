//! Binary cross-entropy.

use crate::{
    GroupLosses, Groups, Loss, LossError, PerClass, error::not_negative, loss::LabelTerm, probability::Probabilities,
};

/// Binary cross-entropy, which treats everything unlabelled as negative. The default of the RERE authors' code.
///
/// ```text
/// -w y ln s(x) - (1 - y) ln(1 - s(x))
/// ```
///
/// `1 - s(x)` is computed as `s(-x)`, so the loss is finite for every finite logit, and exact if it is small.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rere_loss::{Bce, Groups, Loss};
///
/// let device = Device::flex();
/// let logits = Tensor::<2>::from_floats([[0.0, -2.0]], &device);
/// let groups = Groups::new(&[1], logits, Tensor::from_floats([[1.0, 0.0]], &device));
/// let value = Bce::new().forward(&groups).mean().into_scalar::<f32>();
/// assert!((value - 0.41).abs() < 0.001); // (ln 2 + ln(1 + exp(-2))) / 2
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Bce {
    positive_weight: PerClass,
}

impl Bce {
    /// Creates the loss with the same weight for positives and negatives.
    pub fn new() -> Self {
        Self { positive_weight: PerClass::All(1.0) }
    }

    /// Creates the loss with the weight `w` for positives. A weight over 1 increases recall.
    ///
    /// # Errors
    /// Returns an error if the weight is negative or not finite.
    pub fn with_positive_weight(w: impl Into<PerClass>) -> Result<Self, LossError> {
        Ok(Self { positive_weight: w.into().checked(|w| not_negative("positive_weight", w))? })
    }

    pub(crate) fn positive_weight(&self) -> &PerClass {
        &self.positive_weight
    }
}

impl Default for Bce {
    fn default() -> Self {
        Self::new()
    }
}

impl Loss for Bce {
    fn forward(&self, groups: &Groups) -> GroupLosses {
        let probabilities = Probabilities::of_groups(groups);
        let (ln_p, ln_not_p) = probabilities.ln();
        let mut positive = LabelTerm { value: ln_p.neg(), gradient: probabilities.not_p.neg() };
        if self.positive_weight != PerClass::All(1.0) {
            let LabelTerm { value, gradient } = positive;
            let weighted = |values| self.positive_weight.times(values, groups);
            positive = LabelTerm { value: weighted(value), gradient: weighted(gradient) };
        }
        let negative = LabelTerm { value: ln_not_p.neg(), gradient: probabilities.p };
        GroupLosses::from_label_terms(positive, negative, groups)
    }
}
