//! Losses that estimate the risk on complete labels from positive and unlabelled ones.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::{
    GroupLosses, Groups, Loss, LossError, PerClass,
    error::{inside, not_negative},
    groups::sums_of_weights,
    loss::Curve,
    probability::Probabilities,
};

/// The loss of one label under a risk: of its margin z = x for a positive, z = -x for a negative.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Surrogate {
    /// `s(-z)`: bounded, so that no label counts for more than 1. The choice of the nnPU paper. Where positives are rare,
    /// a model that calls everything negative is nearly as good as it gets with this loss and has next to no gradient:
    /// training can stay there (docs/losses.md).
    Sigmoid,
    /// `ln(1 + exp(-z))`.
    Logistic,
    /// `(z - margin)^2 / 4`: the squared loss of SSR-PU.
    Squared {
        /// The margin; 1 is the squared loss proper.
        margin: f64,
    },
}

impl Surrogate {
    /// The loss of each label as a positive, and as a negative.
    fn both(self, groups: &Groups) -> (Curve, Curve) {
        if let Self::Squared { margin } = self {
            let curve = |distance: Tensor<2>| Curve {
                value: distance.clone().square().mul_scalar(0.25),
                slope: distance.mul_scalar(0.5),
            };
            let x = groups.detached();
            return (curve(x.clone().sub_scalar(margin)), curve(x.add_scalar(margin)));
        }
        let probabilities = Probabilities::of(groups);
        if self == Self::Logistic {
            let (ln_p, ln_not_p) = probabilities.ln();
            let as_positive = Curve { value: ln_p.neg(), slope: probabilities.not_p.neg() };
            return (as_positive, Curve { value: ln_not_p.neg(), slope: probabilities.p });
        }
        let Probabilities { p, not_p, .. } = probabilities;
        let slope = p.clone().mul(not_p.clone());
        (Curve { value: not_p, slope: slope.clone().neg() }, Curve { value: p, slope })
    }
}

/// Where the unlabelled come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// Some positives of one sample were labelled: all elements together are that sample. So it is with distant
    /// supervision.
    OneSample,
    /// Labelled positives were drawn apart from a sample that nobody labelled, as in the nnPU paper.
    CaseControl,
}

/// Unbiased PU learning, uPU (du Plessis et al. 2014 and 2015; Eq. 2 of Kiryo et al. 2017): an estimate of the risk on complete
/// labels, right in the mean over samples.
///
/// With pi the class prior and means over a group:
///
/// ```text
/// pi mean of l(x) over positives  +  mean of l(-x) over all  -  pi mean of l(-x) over positives
/// ```
///
/// # Traps
/// - Nothing keeps the last two terms from becoming negative, and a flexible model makes them so: use [`NnPu`].
/// - Groups have to be large. The mean over positives of a group that has none is taken as 0, so name axes that give
///   each group some: all sentences of a class, not all classes of a sentence.
#[derive(Debug, Clone, PartialEq)]
pub struct Upu(Risk);

/// Non-negative PU learning, nnPU (Kiryo et al. 2017, Eq. 6 and Algorithm 1): [`Upu`] with its negative part kept from
/// going below `-beta`.
///
/// Where it would, the step is `-step_size` (the paper's gamma) times the gradient of that part alone, which makes it
/// larger again; the value is then the positive part minus beta, as in the authors' program.
#[derive(Debug, Clone, PartialEq)]
pub struct NnPu(Risk);

/// Multi-label PU learning under a shift of the class prior, S-PU with the squared loss of SSR-PU (Wang et al. 2022):
/// [`NnPu`] for labels that were taken out of the sample, so that a class is rarer among what is left.
///
/// With `pi` the prior of a class, `pi_l` the share of all that is labelled, `pi_u = (pi - pi_l) / (1 - pi_l)` the share
/// of positives among the unlabelled, and `w = sqrt((1 - pi) / pi)` the authors' weight of positives:
///
/// ```text
/// pi w mean of l(x) over positives
/// + max(0, (1 - pi) / (1 - pi_u) mean of l(-x) over the rest - pi_u (1 - pi) / (1 - pi_u) mean of l(-x) over positives)
/// ```
///
/// where `l` is `(z - margin)^2 / 4`. The paper's ranking loss is the same on differences: give the logit of a class
/// minus that of the class "none".
#[derive(Debug, Clone, PartialEq)]
pub struct SsrPu(Risk);

/// `positive mean l(x) over P + [unlabelled mean l(-x) over U - correction mean l(-x) over P]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Risk {
    pub(crate) positive: PerClass,
    pub(crate) unlabelled: PerClass,
    pub(crate) correction: PerClass,
    pub(crate) surrogate: Surrogate,
    pub(crate) sampling: Sampling,
    /// Beta and gamma of the correction at 0; none where the second part may be negative.
    pub(crate) non_negative: Option<(f64, f64)>,
}

impl Upu {
    /// The loss for a class prior, with the logistic loss of each label, on one sample.
    ///
    /// # Errors
    /// Where the prior does not lie strictly between 0 and 1.
    pub fn new(prior: impl Into<PerClass>) -> Result<Self, LossError> {
        Ok(Self(Risk::of_prior(prior.into(), None)?))
    }

    /// The same with another loss of each label.
    #[must_use]
    pub fn with_surrogate(self, surrogate: Surrogate) -> Self {
        Self(Risk { surrogate, ..self.0 })
    }

    /// The same for unlabelled elements from elsewhere.
    #[must_use]
    pub fn with_sampling(self, sampling: Sampling) -> Self {
        Self(Risk { sampling, ..self.0 })
    }

    pub(crate) fn risk(&self) -> &Risk {
        &self.0
    }
}

impl NnPu {
    /// The loss for a class prior, with the logistic loss of each label, beta 0 and step size 1 as in the paper, on one
    /// sample. The paper has the sigmoid loss: see [`Surrogate::Sigmoid`].
    ///
    /// # Errors
    /// Where the prior does not lie strictly between 0 and 1.
    pub fn new(prior: impl Into<PerClass>) -> Result<Self, LossError> {
        Ok(Self(Risk::of_prior(prior.into(), Some((0.0, 1.0)))?))
    }

    /// The same with another beta and step size of the correction.
    ///
    /// # Errors
    /// Where one of them is negative or no number.
    pub fn with_correction(self, beta: f64, step_size: f64) -> Result<Self, LossError> {
        let correction = (not_negative("beta", beta)?, not_negative("step_size", step_size)?);
        Ok(Self(Risk { non_negative: Some(correction), ..self.0 }))
    }

    /// The same with another loss of each label.
    #[must_use]
    pub fn with_surrogate(self, surrogate: Surrogate) -> Self {
        Self(Risk { surrogate, ..self.0 })
    }

    /// The same for unlabelled elements from elsewhere.
    #[must_use]
    pub fn with_sampling(self, sampling: Sampling) -> Self {
        Self(Risk { sampling, ..self.0 })
    }

    pub(crate) fn risk(&self) -> &Risk {
        &self.0
    }
}

impl SsrPu {
    /// The loss for class priors and the shares of the classes that are labelled, with margin 1.
    ///
    /// # Errors
    /// Where a number does not lie strictly between 0 and 1, a prior is under the share that is labelled, or the two have
    /// different numbers of classes.
    pub fn new(prior: impl Into<PerClass>, labelled: impl Into<PerClass>) -> Result<Self, LossError> {
        let prior = prior.into().checked(|prior| inside("class prior", prior))?;
        let labelled = labelled.into().checked(|labelled| inside("labelled share", labelled))?;
        let unlabelled_prior = prior.zip("class prior", &labelled, "labelled share", |prior, labelled| {
            if prior < labelled {
                return Err(LossError::PriorUnderLabelled { prior, labelled });
            }
            Ok((prior - labelled) / (1.0 - labelled))
        })?;
        let weight = |prior: f64, share: f64| Ok((1.0 - prior) / (1.0 - share));
        let unlabelled = prior.zip("class prior", &unlabelled_prior, "labelled share", weight)?;
        let correction =
            unlabelled.zip("class prior", &unlabelled_prior, "labelled share", |weight, share| Ok(weight * share))?;
        Ok(Self(Risk {
            positive: prior.map(|prior| (prior * (1.0 - prior)).sqrt()),
            unlabelled,
            correction,
            surrogate: Surrogate::Squared { margin: 1.0 },
            sampling: Sampling::CaseControl,
            non_negative: Some((0.0, 1.0)),
        }))
    }

    /// The same with another margin; the authors train with 0.25 on differences to the class "none".
    #[must_use]
    pub fn with_margin(self, margin: f64) -> Self {
        Self(Risk { surrogate: Surrogate::Squared { margin }, ..self.0 })
    }

    pub(crate) fn risk(&self) -> &Risk {
        &self.0
    }
}

impl Risk {
    fn of_prior(prior: PerClass, non_negative: Option<(f64, f64)>) -> Result<Self, LossError> {
        let prior = prior.checked(|prior| inside("class prior", prior))?;
        Ok(Self {
            positive: prior.clone(),
            unlabelled: PerClass::All(1.0),
            correction: prior,
            surrogate: Surrogate::Logistic,
            sampling: Sampling::OneSample,
            non_negative,
        })
    }

    fn forward(&self, groups: &Groups) -> GroupLosses {
        let positives = groups.targets();
        let unlabelled = match self.sampling {
            Sampling::OneSample => groups.counted(),
            Sampling::CaseControl => groups.rest(),
        };
        let (as_positive, as_negative) = self.surrogate.both(groups);
        // A label's weight in each of the two parts.
        let (size, _) = sums_of_weights(&positives);
        let (all, _) = sums_of_weights(&unlabelled);
        let up = self.positive.column(groups).div(size.clone());
        let down = unlabelled.clone().mul(self.unlabelled.column(groups).div(all));
        let down = down.sub(positives.clone().mul(self.correction.column(groups).div(size)));

        let positive = positives.clone().mul(as_positive.value).sum_dim(1).mul(up.clone());
        let negative = down.clone().mul(as_negative.value).sum_dim(1);
        let (losses, up, down) = match self.non_negative {
            None => (positive.add(negative), up, down),
            // Where the negative part is too low, the value and the gradient have nothing to do with each other.
            Some((beta, step_size)) => {
                let too_low = negative.clone().lower_scalar(-beta);
                let back = negative.ones_like().mask_fill(too_low.clone(), -step_size);
                let corrected = positive.clone().sub_scalar(beta);
                let losses = positive.add(negative).mask_where(too_low.clone(), corrected);
                (losses, up.mask_fill(too_low, 0.0), down.mul(back))
            }
        };
        let slopes = positives.mul(up).mul(as_positive.slope).add(down.mul(as_negative.slope));
        GroupLosses::with_slopes(losses, slopes, groups)
    }
}

impl Loss for Upu {
    fn forward(&self, groups: &Groups) -> GroupLosses {
        self.0.forward(groups)
    }
}

impl Loss for NnPu {
    fn forward(&self, groups: &Groups) -> GroupLosses {
        self.0.forward(groups)
    }
}

impl Loss for SsrPu {
    fn forward(&self, groups: &Groups) -> GroupLosses {
        self.0.forward(groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_outside_their_range_are_errors() {
        for bad in [0.0, 1.0, -0.5, f64::NAN, 2.0] {
            assert!(Upu::new(bad).is_err() && NnPu::new(bad).is_err() && SsrPu::new(bad, 0.1).is_err(), "{bad}");
        }
        assert!(SsrPu::new(0.1, 0.2).is_err(), "fewer positives than labelled ones");
        assert!(SsrPu::new(vec![0.1, 0.2], vec![0.05; 3]).is_err());
        let nnpu = || NnPu::new(0.1).expect("valid");
        assert!(nnpu().with_correction(-1.0, 1.0).is_err() && nnpu().with_correction(0.0, f64::NAN).is_err());
    }

    /// With nothing hidden SSR-PU is the ordinary risk: no correction, and the rest weighted by its share.
    #[test]
    fn ssr_pu_without_missing_labels() {
        let loss = SsrPu::new(0.2, 0.2).expect("valid");
        assert_eq!(loss.risk().correction, PerClass::All(0.0));
        assert_eq!(loss.risk().unlabelled, PerClass::All(0.8));
    }
}
