//! The asymmetric loss.

use burn::tensor::Tensor;

use crate::{
    GroupLosses, Groups, Loss, LossError,
    error::not_negative,
    focal::{focused, power},
    loss::Curve,
    probability::Probabilities,
};

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
        let probabilities = Probabilities::of(groups);
        let (ln_p, ln_not_p) = probabilities.ln();
        let Probabilities { p, not_p, .. } = probabilities;
        let positive = focused(self.gamma_positive, &ln_p, &p, &ln_not_p, &not_p);
        let rest = if self.margin == 0.0 {
            let Curve { value, slope } = focused(self.gamma_negative, &ln_not_p, &not_p, &ln_p, &p);
            Curve { value, slope: slope.neg() }
        } else {
            self.over_margin(p, not_p)
        };
        GroupLosses::of_curves(positive, rest, groups)
    }
}

impl Asymmetric {
    /// `-q^gamma ln(1 - q)` and its slope, where 1 - q is at least the margin.
    fn over_margin(&self, p: Tensor<2>, not_p: Tensor<2>) -> Curve {
        let under = p.clone().lower_equal_scalar(self.margin);
        let not_q = not_p.clone().add_scalar(self.margin);
        // 1 where q is 0, as a logarithm and a quotient follow.
        let q = p.clone().sub_scalar(self.margin).mask_fill(under.clone(), 1.0);
        let ln_not_q = not_q.clone().log();
        let slope_of_q = p.mul(not_p);
        let (value, slope) = if self.gamma_negative == 0.0 {
            (ln_not_q.neg(), slope_of_q.div(not_q))
        } else {
            let focus = power(&q, self.gamma_negative, || q.clone().log());
            let refocus = ln_not_q.clone().div(q).mul_scalar(self.gamma_negative);
            (focus.clone().mul(ln_not_q).neg(), not_q.recip().sub(refocus).mul(focus).mul(slope_of_q))
        };
        Curve { value: value.mask_fill(under.clone(), 0.0), slope: slope.mask_fill(under, 0.0) }
    }
}
