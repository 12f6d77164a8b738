//! The focal loss.

use burn::tensor::Tensor;

use crate::{
    GroupLosses, Groups, Loss, LossError, PerClass,
    error::{inside, not_negative},
    probability::ln_probabilities,
};

/// The focal loss (Lin et al. 2017, Eq. 5): binary cross-entropy in which labels that are easy count less.
///
/// ```text
/// -alpha y (1 - p)^gamma ln p - (1 - alpha) (1 - y) p^gamma ln(1 - p),    p = s(x)
/// ```
///
/// The paper's best setting is gamma 2, alpha 0.25. It takes what is not labelled as negative, and a positive whose
/// label is missing is a hard negative: it counts *more* here than in [`Bce`](crate::Bce).
#[derive(Debug, Clone, PartialEq)]
pub struct Focal {
    gamma: f64,
    alpha: PerClass,
}

impl Focal {
    /// The loss that focuses by `gamma`, with positives weighted by `alpha` and the rest by `1 - alpha`.
    ///
    /// # Errors
    /// Where gamma is negative, or alpha not strictly between 0 and 1.
    pub fn new(gamma: f64, alpha: impl Into<PerClass>) -> Result<Self, LossError> {
        let alpha = alpha.into().checked(|alpha| inside("alpha", alpha))?;
        Ok(Self { gamma: not_negative("gamma", gamma)?, alpha })
    }

    pub(crate) fn settings(&self) -> (f64, &PerClass) {
        (self.gamma, &self.alpha)
    }
}

impl Loss for Focal {
    fn forward(&self, groups: &Groups) -> GroupLosses {
        let y = groups.targets();
        let alpha = self.alpha.column(groups);
        let (ln_p, ln_not_p) = ln_probabilities(groups.logits());
        // exp(gamma ln p) underflows to 0 where p^gamma does, and has no infinite slope.
        let power = |ln: Tensor<2>| match self.gamma {
            0.0 => ln.ones_like(),
            1.0 => ln.exp(),
            gamma => ln.mul_scalar(gamma).exp(),
        };
        let positive = power(ln_not_p.clone()).mul(ln_p.clone()).mul(y).mul(alpha.clone());
        let rest = power(ln_p).mul(ln_not_p).mul(groups.rest()).mul(alpha.neg().add_scalar(1.0));
        GroupLosses::of_labels(positive.add(rest).neg(), groups)
    }
}
