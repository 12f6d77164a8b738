//! The collective positive-unlabelled loss.

use burn::tensor::Tensor;

use crate::{GroupLosses, Groups, Loss, LossError, PerClass, error::inside, probability::ln_probabilities};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
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
        let (positives, labels) = (count(groups.targets()), count(groups.sizes()));
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
        let (ln_p, ln_not_p) = ln_probabilities(groups.logits());
        let losses = match self.variant {
            CpuVariant::Group => {
                let correct = ln_correct(ln_p.clone(), ln_not_p, rest, mu);
                ln_mean(ln_p, &positives).mul(gamma).add(correct)
            }
            CpuVariant::Paper => {
                let all = groups.counted();
                let correct = ln_correct(ln_p.clone(), ln_not_p, all.clone(), mu).mul(rest.sum_dim(1));
                ln_mean(ln_p, &all).mul(gamma).mul(positives.sum_dim(1)).add(correct)
            }
        };
        GroupLosses::of_groups(losses.neg(), groups)
    }
}

/// `ln( weighted mean of p )` of each row, `[groups, 1]`; 0 where all weights are 0.
fn ln_mean(ln_p: Tensor<2>, weights: &Tensor<2>) -> Tensor<2> {
    // What has no weight is pushed out of the sum by a large negative logarithm, whose exponential is 0, and so is its
    // gradient. A row without any weight is all at that value, which is finite, and then multiplied by 0.
    const OUT: f64 = -1e30;
    let out = weights.clone().lower_equal_scalar(0.0);
    let (size, has_any) = sizes(weights);
    let ln_weights = weights.clone().mask_fill(out.clone(), 1.0).log();
    let ln = ln_p.add(ln_weights).mask_fill(out, OUT);
    let largest = ln.clone().detach().max_dim(1);
    let ln_sum = ln.sub(largest.clone()).exp().sum_dim(1).log().add(largest);
    ln_sum.sub(size.log()).mul(has_any)
}

/// `ln( 1 - | weighted mean of p - mu | )` of each row, `[groups, 1]`; 0 where all weights are 0.
fn ln_correct(ln_p: Tensor<2>, ln_not_p: Tensor<2>, weights: Tensor<2>, mu: Tensor<2>) -> Tensor<2> {
    let (size, has_any) = sizes(&weights);
    // 1 - mean is the mean of 1 - p: taking it from there keeps its digits where the mean is near 1.
    let mean = ln_p.exp().mul(weights.clone()).sum_dim(1).div(size.clone());
    let complement = ln_not_p.exp().mul(weights).sum_dim(1).div(size);
    let over = mean.clone().sub(mu.clone());
    let too_many = mean.greater_scalar(0.5).bool_and(over.clone().greater_scalar(0.0));
    let ln = over.abs().neg().log1p();
    ln.mask_where(too_many, complement.add(mu).log()).mul(has_any)
}

/// The sum of the weights of each row, 1 where there is none, and whether there is any (1 or 0): `[groups, 1]`.
fn sizes(weights: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
    let size = weights.clone().sum_dim(1);
    let none = size.clone().lower_equal_scalar(0.0);
    let has_any = none.clone().bool_not().float().cast(weights.dtype());
    (size.mask_fill(none, 1.0), has_any)
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
