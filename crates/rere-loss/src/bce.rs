//! Binary cross-entropy.

use crate::{
    GroupLosses, Groups, Loss, LossError, PerClass, error::not_negative, loss::Curve, probability::Probabilities,
};

/// Binary cross-entropy: what is not labelled is taken as negative. The default of the RERE authors' code.
///
/// ```text
/// -w y ln s(x) - (1 - y) ln(1 - s(x))
/// ```
///
/// with `1 - s(x)` as `s(-x)`: finite for every finite logit, and exact where the loss is small.
#[derive(Debug, Clone, PartialEq)]
pub struct Bce {
    positive_weight: PerClass,
}

impl Bce {
    /// Positives and the rest have the same weight.
    pub fn new() -> Self {
        Self { positive_weight: PerClass::All(1.0) }
    }

    /// Positives have the weight `w`: over 1, they are found more often.
    ///
    /// # Errors
    /// Where the weight is negative or no number.
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
        let probabilities = Probabilities::of(groups);
        let (ln_p, ln_not_p) = probabilities.ln();
        let mut positive = Curve { value: ln_p.neg(), slope: probabilities.not_p.neg() };
        if self.positive_weight != PerClass::All(1.0) {
            let Curve { value, slope } = positive;
            let weighted = |values| self.positive_weight.times(values, groups);
            positive = Curve { value: weighted(value), slope: weighted(slope) };
        }
        GroupLosses::of_curves(positive, Curve { value: ln_not_p.neg(), slope: probabilities.p }, groups)
    }
}
