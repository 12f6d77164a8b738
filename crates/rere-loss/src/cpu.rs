//! The collective positive-unlabelled loss.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::{
    GroupLosses, Groups, Loss, LossError, PerClass, error::inside, groups::sums_of_weights, probability::Probabilities,
};

/// Weight of the positive term in the authors' code.
pub const DEFAULT_GAMMA: f64 = 0.04;

/// The collective positive-unlabelled loss cPU (Eq. 7 to 10 of the RERE paper).
///
/// It does not ask each unlabelled element to be negative, but the elements of a group to be positive in a share `mu`: a
/// few may be, because labels are missing. For a group with predicted probabilities `p = s(x)`:
///
/// ```text
/// Group (the authors' code)   -gamma ln( mean of p over the positives )
///                             - ln( 1 - | mean of p over the rest - mu | )
///
/// Paper (Eq. 9)               -gamma ln( mean of p over the group )              once for each positive
///                             - ln( 1 - | mean of p over the group - mu | )      once for each other label
/// ```
///
/// A group without positives has no first term, one with nothing else no second. Soft targets are weights: of a
/// label with target y, a share y is among the positives and 1 - y among the rest.
///
/// The logarithm of a mean is a log-sum-exp of `ln p`, and where m is large `1 - |m - mu|` is taken as `(1 - m) + mu` with
/// `1 - p` as `s(-x)`, so that no term is ever the logarithm of 0. Eq. 10 prints a sum where Eq. 9 has the mean; with the sum
/// `1 - |.|` could be negative, so that the mean it is.
///
/// # Traps
/// - A `mu` far above the true share teaches the model to call everything a little positive.
/// - In `Paper` the mean is one number for the group: the loss cannot tell which of its labels are positive, and does
///   not learn it. It is here to compare with; train with `Group`.
/// - In `Group` the second term does not tell the rest apart either: which of them are positive is learnt from the
///   first term alone, through what their inputs share with labelled ones.
/// - The logarithm of a mean forgives: among many positives one that is missed costs little.
#[derive(Debug, Clone, PartialEq)]
pub struct Cpu {
    mu: PerClass,
    gamma: PerClass,
    variant: CpuVariant,
}

/// How the paper's equations are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CpuVariant {
    /// As the authors' code does: means over the positives and over the rest.
    #[default]
    Group,
    /// Eq. 9 to the letter: one mean over the whole group. A group's loss grows with its size.
    Paper,
}

impl Cpu {
    /// The loss for a share `mu` of positives among the unlabelled, with the positive term weighted by `gamma`.
    ///
    /// # Errors
    /// Where one of the two does not lie strictly between 0 and 1, or they have different numbers of classes.
    pub fn new(mu: impl Into<PerClass>, gamma: impl Into<PerClass>) -> Result<Self, LossError> {
        let mu = mu.into().checked(|mu| inside("mu", mu))?;
        let gamma = gamma.into().checked(|gamma| inside("gamma", gamma))?;
        mu.zip("mu", &gamma, "gamma", |mu, _| Ok(mu))?;
        Ok(Self { mu, gamma, variant: CpuVariant::Group })
    }

    /// The authors' setting for a class prior pi of the labels: `mu = 1.05 pi`, `gamma = 0.04`.
    ///
    /// # Errors
    /// As [`Cpu::new`].
    pub fn from_prior(prior: impl Into<PerClass>) -> Result<Self, LossError> {
        let prior = prior.into().checked(|prior| inside("class prior", prior))?;
        Self::new(prior.map(|prior| 1.05 * prior), DEFAULT_GAMMA)
    }

    /// The paper's estimate `mu = pi (tau + 1)`, with pi the class prior of the labels and tau the FN rate: the share of
    /// the true positives that are not labelled.
    ///
    /// # Errors
    /// As [`Cpu::new`]; tau may be 0.
    pub fn from_prior_and_missing(
        prior: impl Into<PerClass>,
        tau: f64,
        gamma: impl Into<PerClass>,
    ) -> Result<Self, LossError> {
        let tau = if tau == 0.0 { tau } else { inside("tau", tau)? };
        let prior = prior.into().checked(|prior| inside("class prior", prior))?;
        Self::new(prior.map(|prior| prior * (tau + 1.0)), gamma)
    }

    /// As [`Cpu::from_prior_and_missing`], with the class prior counted in the targets of these groups.
    ///
    /// # Errors
    /// As there, or where no label, or every one, is positive.
    pub fn from_targets(groups: &Groups, tau: f64, gamma: impl Into<PerClass>) -> Result<Self, LossError> {
        let count = |tensor: Tensor<2>| tensor.sum().into_scalar::<f64>();
        let positives = count(groups.targets());
        let labels = groups.sizes().map_or((groups.rows() * groups.labels()) as f64, count);
        if positives <= 0.0 || positives >= labels {
            return Err(LossError::NoPrior { labels: labels as usize, positives: positives as usize });
        }
        Self::from_prior_and_missing(positives / labels, tau, gamma)
    }

    /// The same loss in another reading of the paper.
    #[must_use]
    pub fn with_variant(self, variant: CpuVariant) -> Self {
        Self { variant, ..self }
    }

    /// The share of positives among the unlabelled that the loss expects.
    pub fn mu(&self) -> &PerClass {
        &self.mu
    }

    /// The weight of the positive term.
    pub fn gamma(&self) -> &PerClass {
        &self.gamma
    }

    /// The reading of the paper.
    pub fn variant(&self) -> CpuVariant {
        self.variant
    }
}

impl Loss for Cpu {
    fn forward(&self, groups: &Groups) -> GroupLosses {
        let (mu, gamma) = (self.mu.column(groups), self.gamma.column(groups));
        let (positives, rest) = (groups.targets(), groups.rest());
        let probabilities = Probabilities::of(groups);
        let (found, correct) = match self.variant {
            CpuVariant::Group => {
                (Term::found(&probabilities, positives).times(gamma), Term::correct(&probabilities, rest, mu))
            }
            CpuVariant::Paper => {
                let all = groups.counted();
                let found = Term::found(&probabilities, all.clone()).times(gamma.mul(positives.sum_dim(1)));
                (found, Term::correct(&probabilities, all, mu).times(rest.sum_dim(1)))
            }
        };
        let slopes = found.labels.mul(found.factor).add(correct.labels.mul(correct.factor)).mul(probabilities.not_p);
        GroupLosses::with_slopes(found.value.add(correct.value), slopes, groups)
    }
}

/// A term of the loss. Its slope in a logit is the product of `labels`, `factor` and the 1 - p of the logit.
struct Term {
    /// `[groups, 1]`
    value: Tensor<2>,
    /// `[groups, labels]`
    labels: Tensor<2>,
    /// `[groups, 1]`
    factor: Tensor<2>,
}

impl Term {
    /// `-ln( weighted mean of p )` of each row; 0 where all weights are 0.
    fn found(probabilities: &Probabilities, weights: Tensor<2>) -> Self {
        /// Under every logarithm.
        const LEAST: f64 = -1e30;
        let (ln, larger) = probabilities.factors();
        let (size, none) = sums_of_weights(&weights);
        // All p relative to the largest that has a weight, so that the mean of nothing but tiny ones does not underflow.
        let largest = ln.clone().mask_fill(weights.clone().lower_equal_scalar(0.0), LEAST).max_dim(1);
        let relative = ln.sub(largest.clone()).clamp_max(0.0).exp().mul(larger).mul(weights);
        let sum = relative.clone().sum_dim(1).mask_fill(none.clone(), 1.0);
        let ln_mean = sum.clone().div(size).log().add(largest).mask_fill(none, 0.0);
        Self { value: ln_mean.neg(), labels: relative, factor: sum.recip().neg() }
    }

    /// `-ln( 1 - | weighted mean of p - mu | )` of each row; 0 where all weights are 0.
    fn correct(probabilities: &Probabilities, weights: Tensor<2>, mu: Tensor<2>) -> Self {
        let (size, none) = sums_of_weights(&weights);
        // 1 - mean is the mean of 1 - p: taking it from there keeps its digits where the mean is near 1.
        let complement = probabilities.not_p.clone().mul(weights.clone()).sum_dim(1).div(size.clone());
        let weighted = probabilities.p.clone().mul(weights);
        let mean = weighted.clone().sum_dim(1).div(size.clone());
        let over = mean.clone().sub(mu.clone());
        let too_many = mean.greater_scalar(0.5).bool_and(over.clone().greater_scalar(0.0));
        let ln_correct = over.clone().abs().neg().log1p().mask_where(too_many, complement.add(mu).log());
        let factor = over.sign().div(ln_correct.clone().exp().mul(size));
        Self { value: ln_correct.mask_fill(none, 0.0).neg(), labels: weighted, factor }
    }

    /// The term times a number for each row, `[groups, 1]` or `[1, 1]`.
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
        assert!(Cpu::from_prior_and_missing(0.1, 1.0, 0.04).is_err());
        let loss = Cpu::from_prior_and_missing(vec![0.1, 0.2], 0.5, 0.04).expect("valid");
        assert_eq!(loss.mu(), &PerClass::Each(vec![0.1 * 1.5, 0.2 * 1.5]));
    }
}
