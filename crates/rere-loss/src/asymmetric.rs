//! The asymmetric loss.

use burn::tensor::Tensor;

use crate::{
    GroupLosses, Groups, Loss, LossError,
    error::{below_one, not_negative},
    focal::{focal_term, power},
    loss::LabelTerm,
    probability::Probabilities,
};

/// The asymmetric loss ASL (Ridnik et al. 2021, Section 2) for many labels of which few are positive.
///
/// ```text
/// -y (1 - p)^gamma_positive ln p - (1 - y) q^gamma_negative ln(1 - q),    p = s(x), q = max(p - margin, 0)
/// ```
///
/// The paper's setting, which is the default, is gamma_positive 0, gamma_negative 4, margin 0.05. Negatives with a
/// probability under the margin have no loss. A positive with a missing label is a hard negative and still has
/// a loss.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rere_loss::{Asymmetric, Groups, Loss};
///
/// let device = Device::flex();
/// let logits = Tensor::<2>::from_floats([[-4.0, -3.5]], &device); // probabilities 0.018 and 0.029
/// let groups = Groups::new(&[1], logits.clone(), logits.zeros_like());
/// assert_eq!(Asymmetric::default().forward(&groups).sum().into_scalar::<f32>(), 0.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Asymmetric {
    gamma_positive: f64,
    gamma_negative: f64,
    margin: f64,
}

impl Asymmetric {
    /// Creates the loss with two focusing powers and a margin.
    ///
    /// # Errors
    /// Returns an error if a power is negative or not finite, or if the margin is not in \[0, 1).
    pub fn new(gamma_positive: f64, gamma_negative: f64, margin: f64) -> Result<Self, LossError> {
        Ok(Self {
            gamma_positive: not_negative("gamma_positive", gamma_positive)?,
            gamma_negative: not_negative("gamma_negative", gamma_negative)?,
            margin: below_one("margin", margin)?,
        })
    }

    pub(crate) fn settings(&self) -> (f64, f64, f64) {
        (self.gamma_positive, self.gamma_negative, self.margin)
    }
}

impl Default for Asymmetric {
    /// The paper's setting.
    fn default() -> Self {
        Self { gamma_positive: 0.0, gamma_negative: 4.0, margin: 0.05 }
    }
}

impl Loss for Asymmetric {
    fn forward(&self, groups: &Groups) -> GroupLosses {
        let probabilities = Probabilities::of_groups(groups);
        let (ln_p, ln_not_p) = probabilities.ln();
        let Probabilities { p, not_p, .. } = probabilities;
        let positive = focal_term(self.gamma_positive, &ln_p, &p, &ln_not_p, &not_p);
        let negative = if self.margin == 0.0 {
            let LabelTerm { value, gradient } = focal_term(self.gamma_negative, &ln_not_p, &not_p, &ln_p, &p);
            LabelTerm { value, gradient: gradient.neg() }
        } else {
            self.shifted_negative_term(p, not_p)
        };
        GroupLosses::from_label_terms(positive, negative, groups)
    }
}

impl Asymmetric {
    /// Computes `-q^gamma ln(1 - q)` and its gradient. 1 - q is at least the margin.
    fn shifted_negative_term(&self, p: Tensor<2>, not_p: Tensor<2>) -> LabelTerm {
        let under = p.clone().lower_equal_scalar(self.margin);
        let not_q = not_p.clone().add_scalar(self.margin);
        // 1 if q is 0, because a logarithm and a quotient follow.
        let q = p.clone().sub_scalar(self.margin).mask_fill(under.clone(), 1.0);
        let ln_not_q = not_q.clone().log();
        let gradient_of_q = p.mul(not_p);
        let (value, gradient) = if self.gamma_negative == 0.0 {
            (ln_not_q.neg(), gradient_of_q.div(not_q))
        } else {
            let focus = power(&q, self.gamma_negative, || q.clone().log());
            let relative_change_of_focus = ln_not_q.clone().div(q).mul_scalar(self.gamma_negative);
            let gradient = not_q.recip().sub(relative_change_of_focus).mul(focus.clone()).mul(gradient_of_q);
            (focus.mul(ln_not_q).neg(), gradient)
        };
        LabelTerm { value: value.mask_fill(under.clone(), 0.0), gradient: gradient.mask_fill(under, 0.0) }
    }
}
