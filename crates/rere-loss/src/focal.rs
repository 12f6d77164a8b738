//! The focal loss.

use burn::tensor::Tensor;

use crate::{
    GroupLosses, Groups, Loss, LossError, PerClass,
    error::{between_zero_and_one, not_negative},
    loss::LabelTerm,
    probability::Probabilities,
};

/// The focal loss (Lin et al. 2017, Eq. 5): binary cross-entropy with a lower weight for easy labels.
///
/// ```text
/// -alpha y (1 - p)^gamma ln p - (1 - alpha) (1 - y) p^gamma ln(1 - p),    p = s(x)
/// ```
///
/// The paper's best setting is gamma 2, alpha 0.25. The loss treats everything unlabelled as negative. A positive whose
/// label is missing is a hard negative: it has *more* weight here than in [`Bce`](crate::Bce).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rere_loss::{Bce, Focal, Groups, Loss};
///
/// let device = Device::flex();
/// let logits = Tensor::<2>::from_floats([[2.0, -3.0]], &device); // both right, both easy
/// let groups = Groups::new(&[1], logits, Tensor::from_floats([[1.0, 0.0]], &device));
/// let value = |loss: &dyn Loss| loss.forward(&groups).mean().into_scalar::<f32>();
/// assert!(value(&Focal::new(2.0, 0.5)?) < 0.01 * value(&Bce::new()));
/// # Ok::<(), rere_loss::LossError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Focal {
    gamma: f64,
    alpha: PerClass,
}

impl Focal {
    /// Creates the loss with focusing power `gamma`, weight `alpha` for positives and `1 - alpha` for negatives.
    ///
    /// # Errors
    /// Returns an error if gamma is negative or not finite, or if alpha is not strictly between 0 and 1.
    pub fn new(gamma: f64, alpha: impl Into<PerClass>) -> Result<Self, LossError> {
        let alpha = alpha.into().checked(|alpha| between_zero_and_one("alpha", alpha))?;
        Ok(Self { gamma: not_negative("gamma", gamma)?, alpha })
    }

    pub(crate) fn settings(&self) -> (f64, &PerClass) {
        (self.gamma, &self.alpha)
    }
}

impl Loss for Focal {
    fn forward(&self, groups: &Groups) -> GroupLosses {
        let probabilities = Probabilities::of_groups(groups);
        let (ln_p, ln_not_p) = probabilities.ln();
        let Probabilities { p, not_p, .. } = probabilities;
        let weighted = |weight: &PerClass, value: Tensor<2>, gradient: Tensor<2>| LabelTerm {
            value: weight.times(value, groups),
            gradient: weight.times(gradient, groups),
        };
        let LabelTerm { value, gradient } = focal_term(self.gamma, &ln_p, &p, &ln_not_p, &not_p);
        let positive = weighted(&self.alpha, value, gradient);
        // A negative is a positive at -x.
        let LabelTerm { value, gradient } = focal_term(self.gamma, &ln_not_p, &not_p, &ln_p, &p);
        let negative = weighted(&self.alpha.map(|alpha| 1.0 - alpha), value, gradient.neg());
        GroupLosses::from_label_terms(positive, negative, groups)
    }
}

/// Computes `-(1 - p)^gamma ln p` and its gradient.
pub(crate) fn focal_term(
    gamma: f64,
    ln_p: &Tensor<2>,
    p: &Tensor<2>,
    ln_not_p: &Tensor<2>,
    not_p: &Tensor<2>,
) -> LabelTerm {
    let value = ln_p.clone().neg();
    if gamma == 0.0 {
        return LabelTerm { value, gradient: not_p.clone().neg() };
    }
    let focus = power(not_p, gamma, || ln_not_p.clone());
    let gradient = p.clone().mul(ln_p.clone()).mul_scalar(gamma).sub(not_p.clone()).mul(focus.clone());
    LabelTerm { value: value.mul(focus), gradient }
}

/// Computes `p^gamma`. Calls `ln_p` only if the logarithm is needed.
pub(crate) fn power(p: &Tensor<2>, gamma: f64, ln_p: impl FnOnce() -> Tensor<2>) -> Tensor<2> {
    match gamma {
        1.0 => p.clone(),
        2.0 => p.clone().square(),
        4.0 => p.clone().square().square(),
        gamma => ln_p().mul_scalar(gamma).exp(),
    }
}
