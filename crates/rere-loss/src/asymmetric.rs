//! The asymmetric loss.

use burn::tensor::Tensor;

use crate::{GroupLosses, Groups, Loss, LossError, error::not_negative, probability::ln_probabilities};

/// The asymmetric loss ASL (Ridnik et al. 2021, Section 2), made for many labels of which few are positive.
///
/// ```text
/// -y (1 - p)^gamma_positive ln p - (1 - y) q^gamma_negative ln(1 - q),    p = s(x), q = max(p - margin, 0)
/// ```
///
/// The paper's setting is gamma_positive 0, gamma_negative 4, margin 0.05. Negatives under the margin are left alone
/// wholly; a positive whose label is missing is a hard negative and is not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Asymmetric {
    gamma_positive: f64,
    gamma_negative: f64,
    margin: f64,
}

impl Asymmetric {
    /// The loss with these two focusing powers and this margin.
    ///
    /// # Errors
    /// Where a power is negative, or the margin not in \[0, 1).
    pub fn new(gamma_positive: f64, gamma_negative: f64, margin: f64) -> Result<Self, LossError> {
        if margin.is_nan() || margin >= 1.0 {
            return Err(LossError::NotInside { name: "margin", value: margin });
        }
        Ok(Self {
            gamma_positive: not_negative("gamma_positive", gamma_positive)?,
            gamma_negative: not_negative("gamma_negative", gamma_negative)?,
            margin: not_negative("margin", margin)?,
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
        let (ln_p, ln_not_p) = ln_probabilities(groups.logits());
        let positive = match self.gamma_positive {
            0.0 => ln_p.clone(),
            gamma => focused(ln_not_p.clone(), gamma).mul(ln_p.clone()),
        };
        // Without a margin q is p, whose logarithms are at hand; with one, 1 - q is at least the margin.
        let negative = if self.margin == 0.0 {
            focused(ln_p, self.gamma_negative).mul(ln_not_p)
        } else {
            let not_q = ln_not_p.exp().add_scalar(self.margin);
            let under = not_q.clone().greater_equal_scalar(1.0);
            let ln_q = not_q.clone().neg().add_scalar(1.0).mask_fill(under.clone(), 1.0).log();
            focused(ln_q, self.gamma_negative).mul(not_q.log()).mask_fill(under, 0.0)
        };
        let losses = positive.mul(groups.targets()).add(negative.mul(groups.rest()));
        GroupLosses::of_labels(losses.neg(), groups)
    }
}

/// q^gamma from ln q.
fn focused(ln: Tensor<2>, gamma: f64) -> Tensor<2> {
    ln.mul_scalar(gamma).exp()
}
