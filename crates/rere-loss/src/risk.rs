//! Risk estimators: the expected loss on complete labels, estimated from positive and unlabelled ones.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::{
    GroupLosses, Groups, Loss, LossError, PerClass,
    error::{between_zero_and_one, not_negative},
    groups::weight_sums,
    loss::LabelTerm,
    probability::Probabilities,
};

/// The loss of one label in a risk, as a function of its margin: z = x for a positive, z = -x for a negative.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
#[non_exhaustive]
pub enum Surrogate {
    /// `s(-z)`, at most 1 for any label. The choice of the nnPU paper. If positives are rare, a model that predicts
    /// everything as negative has nearly the lowest loss and almost no gradient, so training can get stuck there.
    Sigmoid,
    /// `ln(1 + exp(-z))`.
    Logistic,
    /// `(z - margin)^2 / 4`, the squared loss of SSR-PU.
    Squared {
        /// The margin; 1 gives the usual squared loss.
        margin: f64,
    },
}

impl Surrogate {
    /// Computes the loss of each label as a positive and as a negative.
    fn as_positive_and_negative(self, groups: &Groups) -> (LabelTerm, LabelTerm) {
        if let Self::Squared { margin } = self {
            let term = |distance: Tensor<2>| LabelTerm {
                value: distance.clone().square().mul_scalar(0.25),
                gradient: distance.mul_scalar(0.5),
            };
            let x = groups.detached_logits();
            return (term(x.clone().sub_scalar(margin)), term(x.add_scalar(margin)));
        }
        let probabilities = Probabilities::of_groups(groups);
        if self == Self::Logistic {
            let (ln_p, ln_not_p) = probabilities.ln();
            let as_positive = LabelTerm { value: ln_p.neg(), gradient: probabilities.not_p.neg() };
            return (as_positive, LabelTerm { value: ln_not_p.neg(), gradient: probabilities.p });
        }
        let Probabilities { p, not_p, .. } = probabilities;
        let gradient = p.clone().mul(not_p.clone());
        (LabelTerm { value: not_p, gradient: gradient.clone().neg() }, LabelTerm { value: p, gradient })
    }
}

/// The source of the unlabelled elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Sampling {
    /// Some positives of one sample are labelled, as in distant supervision. All elements together are the sample.
    OneSample,
    /// Labelled positives were drawn separately from a sample without labels, as in the nnPU paper.
    CaseControl,
}

/// Unbiased PU learning, uPU (du Plessis et al. 2014 and 2015; Eq. 2 of Kiryo et al. 2017): an unbiased estimate of the
/// risk on complete labels.
///
/// With the class prior pi and means over a group:
///
/// ```text
/// pi mean of l(x) over positives  +  mean of l(-x) over all  -  pi mean of l(-x) over positives
/// ```
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rere_loss::{Groups, Loss, Upu};
///
/// let device = Device::flex();
/// // A class over four sentences, with one labelled positive.
/// let logits = Tensor::<2>::from_floats([[2.0], [-1.0], [-2.0], [1.5]], &device);
/// let targets = Tensor::<2>::from_floats([[1.0], [0.0], [0.0], [0.0]], &device);
/// let groups = Groups::new(&[0], logits, targets);
/// let value = Upu::new(0.5)?.forward(&groups).mean().into_scalar::<f32>();
/// assert!((value - 0.0671).abs() < 1e-4);
/// # Ok::<(), rere_loss::LossError>(())
/// ```
///
/// # Pitfalls
/// - The last two terms together can become negative, and a flexible model makes them so: use [`NnPu`].
/// - Groups must be large. The mean over the positives of a group without positives is 0, so choose axes that give each
///   group some positives: all sentences of a class, not all classes of a sentence.
#[derive(Debug, Clone, PartialEq)]
pub struct Upu(Risk);

/// Non-negative PU learning, nnPU (Kiryo et al. 2017, Eq. 6 and Algorithm 1): [`Upu`] with a correction that keeps its
/// negative part at `-beta` or above.
///
/// If the negative part is below `-beta`, the gradient is `-step_size` (the paper's gamma) times that of the negative
/// part alone, so that a step increases it. The value is then the positive part minus beta, as in the authors' program.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rere_loss::{Groups, Loss, NnPu};
///
/// let device = Device::flex();
/// // Two classes over three sentences; a prior for each class.
/// let logits = Tensor::<2>::from_floats([[2.0, -3.0], [-1.0, 0.5], [-2.0, -4.0]], &device);
/// let targets = Tensor::<2>::from_floats([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], &device);
/// let groups = Groups::new(&[0], logits, targets).with_classes(1);
/// let value = NnPu::new([0.4, 0.5])?.forward(&groups).mean().into_scalar::<f32>();
/// assert!(value >= 0.0);
/// # Ok::<(), rere_loss::LossError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct NnPu(Risk);

/// Multi-label PU learning under class prior shift, S-PU with the squared loss of SSR-PU (Wang et al. 2022): [`NnPu`]
/// for labelled positives that were removed from the sample, so that a class is rarer among the unlabelled.
///
/// With `pi` the prior of a class, `pi_l` the labelled share of all elements, `pi_u = (pi - pi_l) / (1 - pi_l)` the
/// share of positives among the unlabelled, and `w = sqrt((1 - pi) / pi)` the authors' weight of positives:
///
/// ```text
/// pi w mean of l(x) over positives + max(0,
///     (1 - pi) / (1 - pi_u) mean of l(-x) over the unlabelled
///     - pi_u (1 - pi) / (1 - pi_u) mean of l(-x) over positives)
/// ```
///
/// with `l(z) = (z - margin)^2 / 4`. The paper's ranking loss is the same on differences: pass the logit of a class
/// minus that of the class "none".
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rere_loss::{Groups, Loss, SsrPu};
///
/// let device = Device::flex();
/// // A class over four sentences: a quarter is labelled, and half is truly positive.
/// let logits = Tensor::<2>::from_floats([[1.0], [-1.0], [-1.0], [1.0]], &device);
/// let targets = Tensor::<2>::from_floats([[1.0], [0.0], [0.0], [0.0]], &device);
/// let value = SsrPu::new(0.5, 0.25)?.forward(&Groups::new(&[0], logits, targets)).mean().into_scalar::<f32>();
/// assert!(value.abs() < 1e-6); // right, with the missing label found
/// # Ok::<(), rere_loss::LossError>(())
/// ```
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
    /// Beta and step size of the correction; `None` if the negative part is not corrected.
    pub(crate) non_negative: Option<(f64, f64)>,
}

impl Upu {
    /// Creates the loss for a class prior, with [`Surrogate::Logistic`] and [`Sampling::OneSample`].
    ///
    /// # Errors
    /// Returns an error if a prior is not strictly between 0 and 1.
    pub fn new(prior: impl Into<PerClass>) -> Result<Self, LossError> {
        Ok(Self(Risk::of_prior(prior.into(), None)?))
    }

    /// Sets the loss of each label.
    #[must_use]
    pub fn with_surrogate(self, surrogate: Surrogate) -> Self {
        Self(Risk { surrogate, ..self.0 })
    }

    /// Sets the source of the unlabelled elements.
    #[must_use]
    pub fn with_sampling(self, sampling: Sampling) -> Self {
        Self(Risk { sampling, ..self.0 })
    }

    pub(crate) fn risk(&self) -> &Risk {
        &self.0
    }
}

impl NnPu {
    /// Creates the loss for a class prior, with [`Surrogate::Logistic`], [`Sampling::OneSample`], and beta 0 and step
    /// size 1 as in the paper. The paper uses [`Surrogate::Sigmoid`].
    ///
    /// # Errors
    /// Returns an error if a prior is not strictly between 0 and 1.
    pub fn new(prior: impl Into<PerClass>) -> Result<Self, LossError> {
        Ok(Self(Risk::of_prior(prior.into(), Some((0.0, 1.0)))?))
    }

    /// Sets beta and the step size of the correction.
    ///
    /// # Errors
    /// Returns an error if one of them is negative or not finite.
    pub fn with_correction(self, beta: f64, step_size: f64) -> Result<Self, LossError> {
        let correction = (not_negative("beta", beta)?, not_negative("step_size", step_size)?);
        Ok(Self(Risk { non_negative: Some(correction), ..self.0 }))
    }

    /// Sets the loss of each label.
    #[must_use]
    pub fn with_surrogate(self, surrogate: Surrogate) -> Self {
        Self(Risk { surrogate, ..self.0 })
    }

    /// Sets the source of the unlabelled elements.
    #[must_use]
    pub fn with_sampling(self, sampling: Sampling) -> Self {
        Self(Risk { sampling, ..self.0 })
    }

    pub(crate) fn risk(&self) -> &Risk {
        &self.0
    }
}

impl SsrPu {
    /// Creates the loss for class priors and labelled shares of all elements, with margin 1.
    ///
    /// # Errors
    /// Returns an error if a number is not strictly between 0 and 1, if a prior is below the labelled share, or if the
    /// two have different numbers of classes.
    pub fn new(prior: impl Into<PerClass>, labelled: impl Into<PerClass>) -> Result<Self, LossError> {
        let prior = prior.into().checked(|prior| between_zero_and_one("class prior", prior))?;
        let labelled = labelled.into().checked(|labelled| between_zero_and_one("labelled share", labelled))?;
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

    /// Sets the margin. The authors train with 0.25 on differences to the class "none".
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
        let prior = prior.checked(|prior| between_zero_and_one("class prior", prior))?;
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
            Sampling::OneSample => groups.mask(),
            Sampling::CaseControl => groups.unlabelled(),
        };
        let (as_positive, as_negative) = self.surrogate.as_positive_and_negative(groups);
        let (positive_size, _) = weight_sums(&positives);
        let (unlabelled_size, _) = weight_sums(&unlabelled);
        // The weight of a label in each of the two parts.
        let in_positive = self.positive.column(groups).div(positive_size.clone());
        let in_negative = unlabelled.clone().mul(self.unlabelled.column(groups).div(unlabelled_size));
        let in_negative = in_negative.sub(positives.clone().mul(self.correction.column(groups).div(positive_size)));

        let positive = positives.clone().mul(as_positive.value).sum_dim(1).mul(in_positive.clone());
        let negative = in_negative.clone().mul(as_negative.value).sum_dim(1);
        let (losses, in_positive, in_negative) = match self.non_negative {
            None => (positive.add(negative), in_positive, in_negative),
            // If the negative part is too low, the gradient is not that of the value.
            Some((beta, step_size)) => {
                let too_low = negative.clone().lower_scalar(-beta);
                let direction = negative.ones_like().mask_fill(too_low.clone(), -step_size);
                let corrected = positive.clone().sub_scalar(beta);
                let losses = positive.add(negative).mask_where(too_low.clone(), corrected);
                (losses, in_positive.mask_fill(too_low, 0.0), in_negative.mul(direction))
            }
        };
        let gradients = positives.mul(in_positive).mul(as_positive.gradient).add(in_negative.mul(as_negative.gradient));
        GroupLosses::with_gradients(losses, gradients, groups)
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
        assert!(SsrPu::new(0.1, 0.2).is_err(), "fewer positives than labelled positives");
        assert!(SsrPu::new(vec![0.1, 0.2], vec![0.05; 3]).is_err());
        let nnpu = || NnPu::new(0.1).expect("valid");
        assert!(nnpu().with_correction(-1.0, 1.0).is_err() && nnpu().with_correction(0.0, f64::NAN).is_err());
    }

    /// Without missing labels, SSR-PU is the ordinary risk: no correction, and the unlabelled weighted by their share.
    #[test]
    fn ssr_pu_without_missing_labels_has_no_correction() {
        let loss = SsrPu::new(0.2, 0.2).expect("valid");
        assert_eq!(loss.risk().correction, PerClass::All(0.0));
        assert_eq!(loss.risk().unlabelled, PerClass::All(0.8));
    }
}
