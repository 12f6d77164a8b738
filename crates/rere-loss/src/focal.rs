//! The focal loss.

use burn::tensor::Tensor;

use crate::{
    GroupLosses, Groups, Loss, LossError, PerClass,
    error::{inside, not_negative},
    loss::Curve,
    probability::Probabilities,
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
        let probabilities = Probabilities::of(groups);
        let (ln_p, ln_not_p) = probabilities.ln();
        let Probabilities { p, not_p, .. } = probabilities;
        let Curve { value, slope } = focused(self.gamma, &ln_p, &p, &ln_not_p, &not_p);
        let positive = Curve { value: self.alpha.times(value, groups), slope: self.alpha.times(slope, groups) };
        // A negative is a positive at -x.
        let Curve { value, slope } = focused(self.gamma, &ln_not_p, &not_p, &ln_p, &p);
        let beta = self.alpha.map(|alpha| 1.0 - alpha);
        let rest = Curve { value: beta.times(value, groups), slope: beta.times(slope.neg(), groups) };
        GroupLosses::of_curves(positive, rest, groups)
    }
}

/// `-(1 - p)^gamma ln p` and its slope.
pub(crate) fn focused(gamma: f64, ln_p: &Tensor<2>, p: &Tensor<2>, ln_not_p: &Tensor<2>, not_p: &Tensor<2>) -> Curve {
    let value = ln_p.clone().neg();
    if gamma == 0.0 {
        return Curve { value, slope: not_p.clone().neg() };
    }
    let focus = power(not_p, gamma, || ln_not_p.clone());
    let slope = p.clone().mul(ln_p.clone()).mul_scalar(gamma).sub(not_p.clone()).mul(focus.clone());
    Curve { value: value.mul(focus), slope }
}

/// `p^gamma`; the logarithm of p is asked for where it is needed.
pub(crate) fn power(p: &Tensor<2>, gamma: f64, ln_p: impl FnOnce() -> Tensor<2>) -> Tensor<2> {
    match gamma {
        1.0 => p.clone(),
        2.0 => p.clone().square(),
        4.0 => p.clone().square().square(),
        gamma => ln_p().mul_scalar(gamma).exp(),
    }
}
