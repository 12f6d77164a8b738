//! The collective positive-unlabelled loss.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::{
    GroupLosses, Groups, Loss, LossError, PerClass,
    error::{below_one, between_zero_and_one},
    groups::weight_sums,
    probability::Probabilities,
};

/// The authors' default of `gamma`, the weight of the positive term.
pub const DEFAULT_GAMMA: f64 = 0.04;

/// The collective positive-unlabelled loss cPU (Eq. 7 to 10 of the RERE paper).
///
/// It expects a share `mu` of the unlabelled elements of a group to be positive, because labels are missing, and does
/// not say which. For a group with predicted probabilities `p = s(x)`:
///
/// ```text
/// Group (the authors' code)   -gamma ln( mean of p over the positives )
///                             - ln( 1 - | mean of p over the unlabelled - mu | )
///
/// Paper (Eq. 9)               -gamma ln( mean of p over the group )              once for each positive
///                             - ln( 1 - | mean of p over the group - mu | )      once for each unlabelled element
/// ```
///
/// A group without positives has no first term, and a group of positives only has no second. Soft targets are weights:
/// a label with target y has the weight y among the positives and 1 - y among the unlabelled.
///
/// No term is ever the logarithm of 0: the logarithm of a mean is a log-sum-exp of `ln p`, and for a large mean m,
/// `1 - |m - mu|` is computed as `(1 - m) + mu`, with `1 - p` as `s(-x)`. Eq. 10 has a sum in place of Eq. 9's mean;
/// this loss takes the mean, because with the sum `1 - |.|` could be negative.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rere_loss::{Cpu, Groups, Loss};
///
/// let device = Device::flex();
/// // Four labels, the first one a labelled positive. A quarter of the others is expected to be positive.
/// let targets = Tensor::<2>::from_floats([[1.0, 0.0, 0.0, 0.0]], &device);
/// let value = |logits: [[f32; 4]; 1]| {
///     let groups = Groups::new(&[1], Tensor::<2>::from_floats(logits, &device), targets.clone());
///     Cpu::new(0.25, 0.5).map(|loss| loss.forward(&groups).mean().into_scalar::<f32>())
/// };
/// assert!(value([[4.0, 1.1, -4.0, -4.0]])? < value([[4.0, 1.1, 1.1, 1.1]])?); // a mean of 0.26, and of 0.75
/// # Ok::<(), rere_loss::LossError>(())
/// ```
///
/// # Pitfalls
/// - A `mu` far above the true share teaches the model to give everything some probability.
/// - In `Paper` the mean is one number for the group: the loss does not depend on which of its labels are positive, so
///   the model does not learn it. It is for comparisons; train with `Group`.
/// - In `Group`, too, the second term does not depend on which of the unlabelled are positive. The model learns that
///   from the first term alone, through features that they share with labelled elements.
/// - The logarithm of a mean tolerates misses: among many positives, one with a low probability costs little.
#[derive(Debug, Clone, PartialEq)]
pub struct Cpu {
    mu: PerClass,
    gamma: PerClass,
    variant: CpuVariant,
}

/// The reading of the paper's equations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum CpuVariant {
    /// As in the authors' code: means over the positives and over the unlabelled.
    #[default]
    Group,
    /// Eq. 9 to the letter: one mean over the whole group. A group's loss grows with its size.
    Paper,
}

impl Cpu {
    /// Creates the loss for a share `mu` of positives among the unlabelled, with weight `gamma` for the positive term.
    ///
    /// # Errors
    /// Returns an error if a number is not strictly between 0 and 1, or if the two have different numbers of classes.
    pub fn new(mu: impl Into<PerClass>, gamma: impl Into<PerClass>) -> Result<Self, LossError> {
        let mu = mu.into().checked(|mu| between_zero_and_one("mu", mu))?;
        let gamma = gamma.into().checked(|gamma| between_zero_and_one("gamma", gamma))?;
        mu.zip("mu", &gamma, "gamma", |mu, _| Ok(mu))?;
        Ok(Self { mu, gamma, variant: CpuVariant::Group })
    }

    /// Creates the loss with the authors' setting for a class prior pi of the labels: `mu = 1.05 pi`, `gamma = 0.04`.
    ///
    /// # Errors
    /// As [`Cpu::new`].
    pub fn from_prior(prior: impl Into<PerClass>) -> Result<Self, LossError> {
        let prior = prior.into().checked(|prior| between_zero_and_one("class prior", prior))?;
        Self::new(prior.map(|prior| 1.05 * prior), DEFAULT_GAMMA)
    }

    /// Creates the loss with the paper's estimate `mu = pi (tau + 1)`, with pi the class prior of the labels and tau
    /// the false negative rate: the share of the true positives that are not labelled, in \[0, 1).
    ///
    /// # Errors
    /// As [`Cpu::new`]; also if tau is not in \[0, 1).
    pub fn from_prior_and_tau(
        prior: impl Into<PerClass>,
        tau: f64,
        gamma: impl Into<PerClass>,
    ) -> Result<Self, LossError> {
        let tau = below_one("tau", tau)?;
        let prior = prior.into().checked(|prior| between_zero_and_one("class prior", prior))?;
        Self::new(prior.map(|prior| prior * (tau + 1.0)), gamma)
    }

    /// As [`Cpu::from_prior_and_tau`], with the class prior counted in the targets of these groups.
    ///
    /// # Errors
    /// As [`Cpu::from_prior_and_tau`]; also if no label or every label is positive.
    pub fn from_targets(groups: &Groups, tau: f64, gamma: impl Into<PerClass>) -> Result<Self, LossError> {
        let count = |tensor: Tensor<2>| tensor.sum().into_scalar::<f64>();
        let positives = count(groups.targets());
        let labels = groups.sizes().map_or((groups.rows() * groups.labels()) as f64, count);
        if positives <= 0.0 || positives >= labels {
            return Err(LossError::NoPrior { labels: labels as usize, positives: positives as usize });
        }
        Self::from_prior_and_tau(positives / labels, tau, gamma)
    }

    /// Sets the reading of the paper's equations.
    #[must_use]
    pub fn with_variant(self, variant: CpuVariant) -> Self {
        Self { variant, ..self }
    }

    /// Returns the expected share of positives among the unlabelled.
    pub fn mu(&self) -> &PerClass {
        &self.mu
    }

    /// Returns the weight of the positive term.
    pub fn gamma(&self) -> &PerClass {
        &self.gamma
    }

    /// Returns the reading of the paper's equations.
    pub fn variant(&self) -> CpuVariant {
        self.variant
    }
}

impl Loss for Cpu {
    fn forward(&self, groups: &Groups) -> GroupLosses {
        let (mu, gamma) = (self.mu.column(groups), self.gamma.column(groups));
        let (positives, unlabelled) = (groups.targets(), groups.unlabelled());
        let probabilities = Probabilities::of_groups(groups);
        let (first, second) = match self.variant {
            CpuVariant::Group => {
                (Term::ln_mean(&probabilities, positives).times(gamma), Term::ln_share(&probabilities, unlabelled, mu))
            }
            CpuVariant::Paper => {
                let all = groups.mask();
                let first = Term::ln_mean(&probabilities, all.clone()).times(gamma.mul(positives.sum_dim(1)));
                (first, Term::ln_share(&probabilities, all, mu).times(unlabelled.sum_dim(1)))
            }
        };
        let gradients = first.labels.mul(first.factor).add(second.labels.mul(second.factor)).mul(probabilities.not_p);
        GroupLosses::with_gradients(first.value.add(second.value), gradients, groups)
    }
}

/// A term of the loss. Its gradient to a logit is the product of `labels`, `factor` and the logit's 1 - p.
struct Term {
    /// `[groups, 1]`
    value: Tensor<2>,
    /// `[groups, labels]`
    labels: Tensor<2>,
    /// `[groups, 1]`
    factor: Tensor<2>,
}

impl Term {
    /// Computes `-ln( weighted mean of p )` of each row; 0 if all weights are 0.
    fn ln_mean(probabilities: &Probabilities, weights: Tensor<2>) -> Self {
        /// Less than every logarithm.
        const LEAST: f64 = -1e30;
        let (ln, larger) = probabilities.factors();
        let (size, is_empty) = weight_sums(&weights);
        // Each p relative to the largest one that has a weight, so that a mean of tiny numbers does not underflow.
        let largest = ln.clone().mask_fill(weights.clone().lower_equal_scalar(0.0), LEAST).max_dim(1);
        let relative = ln.sub(largest.clone()).clamp_max(0.0).exp().mul(larger).mul(weights);
        let sum = relative.clone().sum_dim(1).mask_fill(is_empty.clone(), 1.0);
        let ln_mean = sum.clone().div(size).log().add(largest).mask_fill(is_empty, 0.0);
        Self { value: ln_mean.neg(), labels: relative, factor: sum.recip().neg() }
    }

    /// Computes `-ln( 1 - | weighted mean of p - mu | )` of each row; 0 if all weights are 0.
    fn ln_share(probabilities: &Probabilities, weights: Tensor<2>, mu: Tensor<2>) -> Self {
        let (size, is_empty) = weight_sums(&weights);
        // 1 - mean, computed as the mean of 1 - p, keeps its digits if the mean is near 1.
        let complement = probabilities.not_p.clone().mul(weights.clone()).sum_dim(1).div(size.clone());
        let weighted = probabilities.p.clone().mul(weights);
        let mean = weighted.clone().sum_dim(1).div(size.clone());
        let excess = mean.clone().sub(mu.clone());
        let is_large = mean.greater_scalar(0.5).bool_and(excess.clone().greater_scalar(0.0));
        let ln_share = excess.clone().abs().neg().log1p().mask_where(is_large, complement.add(mu).log());
        let factor = excess.sign().div(ln_share.clone().exp().mul(size));
        Self { value: ln_share.mask_fill(is_empty, 0.0).neg(), labels: weighted, factor }
    }

    /// Multiplies the term by a number for each row, `[groups, 1]` or `[1, 1]`.
    fn times(self, number: Tensor<2>) -> Self {
        Self { value: self.value.mul(number.clone()), labels: self.labels, factor: self.factor.mul(number) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_outside_their_range_are_errors() {
        for bad in [0.0, 1.0, -0.5, f64::NAN, 2.0] {
            assert!(Cpu::new(bad, 0.04).is_err(), "mu {bad}");
            assert!(Cpu::new(0.1, bad).is_err(), "gamma {bad}");
            assert!(Cpu::new(vec![0.1, bad], 0.1).is_err(), "mu {bad} of a class");
            assert!(Cpu::from_prior(bad).is_err(), "prior {bad}");
        }
        assert!(Cpu::from_prior(0.99).is_err(), "1.05 pi is over 1");
        assert!(Cpu::new(vec![0.1, 0.2], vec![0.1; 3]).is_err(), "two classes, three classes");
        assert!(Cpu::from_prior_and_tau(0.1, 1.0, 0.04).is_err());
        let loss = Cpu::from_prior_and_tau(vec![0.1, 0.2], 0.5, 0.04).expect("valid");
        assert_eq!(loss.mu(), &PerClass::Each(vec![0.1 * 1.5, 0.2 * 1.5]));
    }
}
