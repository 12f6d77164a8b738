//! Settings of losses, as they stand in a file.

mod read;

use serde::{Deserialize, Serialize};

use crate::{
    Asymmetric, Bce, Cpu, CpuVariant, Dice, Focal, Loss, LossError, NnPu, PerClass, Sampling, SsrPu, Surrogate, Upu,
    class_prior,
    error::{below_one, inside, not_negative},
};

/// The settings of a loss: which loss, its parameters, what a group is, and where its class prior comes from.
///
/// In a file they are a table with the `name` of the loss, its parameters and `group`, such as
///
/// ```toml
/// loss = { name = "bce", positive_weight = 2.0 }
/// loss = { name = "cpu", gamma = 0.9, prior = 0.03 }
/// loss = { name = "nnpu", surrogate = "sigmoid", group = "label", prior = { counted = { tau = 0.4 } } }
/// loss = { name = "ssr-pu", margin = 0.25, prior = "estimated" }
/// ```
///
/// | `name` | loss | keys and their defaults |
/// |---|---|---|
/// | `bce` | [`Bce`] | `positive_weight = 1.0` |
/// | `focal` | [`Focal`] | `gamma = 2.0`, `alpha = 0.25` |
/// | `asymmetric` | [`Asymmetric`] | `gamma_positive = 0.0`, `gamma_negative = 4.0`, `margin = 0.05` |
/// | `dice` | [`Dice`] | `smoothing = 1.0` |
/// | `cpu` | [`Cpu`] | `gamma = 0.04`, `variant = "group"`, `prior = { counted = { tau = 0.05 } }` |
/// | `upu` | [`Upu`] | `surrogate = "logistic"`, `sampling = "one-sample"`, `prior = { counted = { tau = 0.0 } }` |
/// | `nnpu` | [`NnPu`] | those of `upu`, `beta = 0.0`, `step_size = 1.0` |
/// | `ssr-pu` | [`SsrPu`] | `margin = 1.0`, `prior = { counted = { tau = 0.0 } }` |
///
/// Each of them also has `group = "sentence"` or `"label"`: see [`GroupBy`]. [`LossKind`] says what the keys mean, and
/// [`PriorSettings`] what a prior can be. A key that the loss does not have is an error.
///
/// Settings are written with all their keys, defaults included, and always in the same order: equal settings give equal
/// files, so that a hash of them tells settings apart.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct LossSettings {
    /// The loss and its parameters.
    #[serde(flatten)]
    pub kind: LossKind,
    /// Which labels are a group.
    pub group: GroupBy,
}

/// A loss and its parameters. A parameter that may differ between classes is a number or a list of numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LossKind {
    /// Binary cross-entropy: [`Bce`].
    Bce {
        /// The weight of positives, at least 0.
        positive_weight: PerClass,
    },
    /// The focal loss (Lin et al. 2017, Eq. 5): [`Focal`]. The defaults are the paper's best setting.
    Focal {
        /// The focusing power, at least 0.
        gamma: f64,
        /// The weight of positives, in (0, 1); the rest has 1 - alpha.
        alpha: PerClass,
    },
    /// The asymmetric loss (Ridnik et al. 2021, Section 2): [`Asymmetric`]. The defaults are the paper's setting.
    Asymmetric {
        /// The focusing power of positives, at least 0.
        gamma_positive: f64,
        /// The focusing power of the rest, at least 0.
        gamma_negative: f64,
        /// The probability under which the rest has no loss, in \[0, 1).
        margin: f64,
    },
    /// The dice loss (Milletari et al. 2016; Li et al. 2020): [`Dice`].
    Dice {
        /// What is added above and below the fraction, over 0.
        smoothing: f64,
    },
    /// The collective loss cPU (Xie et al. 2021, Eq. 7 to 10): [`Cpu`]. The defaults are the authors' setting.
    Cpu {
        /// The weight of the positive term, in (0, 1).
        gamma: PerClass,
        /// How the equations are read: `group` as the authors' code, `paper` to the letter.
        variant: CpuVariant,
        /// The share of positives that the loss expects, mu of the paper, `pi (1 + tau)` if it is counted.
        prior: PriorSettings,
    },
    /// The unbiased risk (Kiryo et al. 2017, Eq. 2): [`Upu`].
    Upu {
        /// The loss of each label: `logistic`, `sigmoid`, `squared`, or `{ squared = { margin = 1.0 } }`.
        surrogate: Surrogate,
        /// Where the unlabelled come from: `one-sample` or `case-control`.
        sampling: Sampling,
        /// The class prior pi.
        prior: PriorSettings,
    },
    /// The non-negative risk (Kiryo et al. 2017, Eq. 6 and Algorithm 1): [`NnPu`].
    #[serde(rename = "nnpu")]
    NnPu {
        /// The loss of each label, as for uPU.
        surrogate: Surrogate,
        /// Where the unlabelled come from: `one-sample` or `case-control`.
        sampling: Sampling,
        /// How far below 0 the negative part may be, at least 0.
        beta: f64,
        /// The step size of the correction, gamma of the paper, at least 0.
        step_size: f64,
        /// The class prior pi.
        prior: PriorSettings,
    },
    /// S-PU with the squared loss of SSR-PU (Wang et al. 2022): [`SsrPu`]. Its labelled share is the one that is counted
    /// in the training labels.
    SsrPu {
        /// The margin of the squared loss, at least 0.
        margin: f64,
        /// The class prior pi, at least the labelled share.
        prior: PriorSettings,
    },
}

/// Which labels of a training batch are a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupBy {
    /// The labels of a sentence together. There is one class prior for all labels.
    #[default]
    Sentence,
    /// The sentences of a label together. Each label is a class with a prior of its own.
    Label,
}

/// Where the class prior of a loss comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PriorSettings {
    /// `{ counted = { tau = 0.4 } }`: the class prior counted in the training labels, times 1 + tau. That is the RERE
    /// paper's estimate `mu = pi (tau + 1)`; see also [`LabelledShare`](crate::prior::LabelledShare).
    Counted {
        /// The share of the true positives that is missing from the labels, in \[0, 1).
        tau: f64,
    },
    /// `"estimated"`: an estimator of [`prior`](crate::prior) reads the scores of a trained model. The caller of
    /// [`LossSettings::build`] hands the result in. For cPU that is mu, the share among what is not labelled:
    /// [`Sample::alpha_of_prior`](crate::prior::Sample::alpha_of_prior) turns a class prior into it.
    Estimated,
    /// A number, or a list with one for each class; each in (0, 1).
    #[serde(untagged)]
    Given(PerClass),
}

/// How many labels there are in the training data, and how many of them are positive: one entry for each class.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelCounts {
    /// The labels of each class.
    pub labels: Vec<u64>,
    /// The positive ones among them.
    pub positives: Vec<u64>,
}

impl LabelCounts {
    /// The share of the labels that is positive.
    ///
    /// With [`GroupBy::Sentence`] it is one share, of the labels of all classes. With [`GroupBy::Label`] there is one for
    /// each class; a class without a positive counts as having half of one, and a class with nothing else as having half
    /// a positive less, so that each share lies strictly between 0 and 1.
    ///
    /// # Errors
    /// Returns an error if the two lists have different lengths or a class has no label or more positives than labels;
    /// with [`GroupBy::Sentence`] also if no label, or every label, is positive.
    pub fn share(&self, group: GroupBy) -> Result<PerClass, LossError> {
        let (classes, others) = (self.labels.len(), self.positives.len());
        if classes != others {
            return Err(LossError::ClassesDiffer { first: "label counts", classes, second: "positive counts", others });
        }
        if group == GroupBy::Sentence {
            let sum = |counts: &[u64]| counts.iter().sum::<u64>() as usize;
            return Ok(PerClass::All(class_prior(sum(&self.labels), sum(&self.positives))?));
        }
        let share = |(&labels, &positives): (&u64, &u64)| {
            if labels == 0 || positives > labels {
                return Err(LossError::NoPrior { labels: labels as usize, positives: positives as usize });
            }
            let labels = labels as f64;
            Ok((positives as f64).clamp(0.5, labels - 0.5) / labels)
        };
        Ok(PerClass::Each(self.labels.iter().zip(&self.positives).map(share).collect::<Result<_, _>>()?))
    }
}

impl Default for LossKind {
    /// Binary cross-entropy without a weight.
    fn default() -> Self {
        Self::Bce { positive_weight: PerClass::All(1.0) }
    }
}

impl LossKind {
    /// The name of the loss in a file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bce { .. } => "bce",
            Self::Focal { .. } => "focal",
            Self::Asymmetric { .. } => "asymmetric",
            Self::Dice { .. } => "dice",
            Self::Cpu { .. } => "cpu",
            Self::Upu { .. } => "upu",
            Self::NnPu { .. } => "nnpu",
            Self::SsrPu { .. } => "ssr-pu",
        }
    }
}

impl LossSettings {
    /// Where the class prior comes from; `None` if the loss needs no prior.
    pub fn prior(&self) -> Option<&PriorSettings> {
        match &self.kind {
            LossKind::Bce { .. } | LossKind::Focal { .. } | LossKind::Asymmetric { .. } | LossKind::Dice { .. } => None,
            LossKind::Cpu { prior, .. }
            | LossKind::Upu { prior, .. }
            | LossKind::NnPu { prior, .. }
            | LossKind::SsrPu { prior, .. } => Some(prior),
        }
    }

    /// Checks what can be checked without training labels.
    ///
    /// # Errors
    /// Returns an error that names the key if a value is out of its range, or if there are numbers for each class and a
    /// group is a sentence, which has labels of all classes.
    pub fn check(&self) -> Result<(), LossError> {
        for (name, numbers) in self.numbers() {
            self.check_group(name, numbers)?;
        }
        let prior = match self.prior() {
            Some(PriorSettings::Given(prior)) => prior.clone().checked(|prior| inside("prior", prior))?,
            Some(PriorSettings::Counted { tau }) => {
                below_one("tau", *tau)?;
                PerClass::All(0.5)
            }
            Some(PriorSettings::Estimated) | None => PerClass::All(0.5),
        };
        if let LossKind::Cpu { gamma, prior: PriorSettings::Given(prior), .. } = &self.kind {
            prior.zip("prior", gamma, "gamma", |prior, _| Ok(prior))?;
        }
        // The constructors check the rest. No share that is labelled is known, and the prior itself is not too large.
        self.construct(|| Ok(prior), |prior| Ok(prior.clone())).map(drop)
    }

    /// The class prior that the loss is built with, for records; `None` if the loss needs no prior.
    ///
    /// With [`GroupBy::Label`] it has a number for each class, unless one number was given or estimated for all.
    ///
    /// # Errors
    /// Returns an error if the prior cannot be counted (see [`LabelCounts::share`]), reaches 1 through tau, is to be
    /// estimated and no estimate was given, or is given for another number of classes than that of the labels.
    pub fn settle_prior(
        &self,
        counts: &LabelCounts,
        estimated: Option<&PerClass>,
    ) -> Result<Option<PerClass>, LossError> {
        let Some(prior) = self.prior() else { return Ok(None) };
        let (name, prior) = match prior {
            PriorSettings::Given(prior) => ("prior", prior.clone()),
            PriorSettings::Counted { tau } => {
                let raised = 1.0 + below_one("tau", *tau)?;
                ("the counted class prior times 1 + tau", counts.share(self.group)?.map(|share| share * raised))
            }
            PriorSettings::Estimated => {
                ("the estimated class prior", estimated.ok_or(LossError::NotEstimated)?.clone())
            }
        };
        self.check_group(name, &prior)?;
        check_classes(name, &prior, counts)?;
        prior.checked(|prior| inside(name, prior)).map(Some)
    }

    /// The loss. `counts` are those of the training labels; `estimated` is the estimated class prior, which is used if
    /// the prior is `"estimated"`.
    ///
    /// # Errors
    /// As [`LossSettings::check`] and [`LossSettings::settle_prior`]; also if a parameter is given for another number of
    /// classes than that of the labels, or the prior of SSR-PU is under the share that is labelled.
    pub fn build(
        &self,
        counts: &LabelCounts,
        estimated: Option<&PerClass>,
    ) -> Result<Box<dyn Loss + Send + Sync>, LossError> {
        self.check()?;
        for (name, numbers) in self.numbers() {
            check_classes(name, numbers, counts)?;
        }
        // What needs no prior never asks for one.
        let prior = || self.settle_prior(counts, estimated)?.ok_or(LossError::NotEstimated);
        self.construct(prior, |_| counts.share(self.group))
    }

    /// The parameters that may differ between classes.
    fn numbers(&self) -> impl Iterator<Item = (&'static str, &PerClass)> {
        let own = match &self.kind {
            LossKind::Bce { positive_weight } => Some(("positive_weight", positive_weight)),
            LossKind::Focal { alpha, .. } => Some(("alpha", alpha)),
            LossKind::Cpu { gamma, .. } => Some(("gamma", gamma)),
            _ => None,
        };
        let given = match self.prior() {
            Some(PriorSettings::Given(prior)) => Some(("prior", prior)),
            _ => None,
        };
        own.into_iter().chain(given)
    }

    fn check_group(&self, name: &'static str, numbers: &PerClass) -> Result<(), LossError> {
        match (self.group, numbers) {
            (GroupBy::Sentence, PerClass::Each(_)) => Err(LossError::ClassesInGroup { name }),
            _ => Ok(()),
        }
    }

    /// The loss with the prior, and with the labelled share that belongs to the prior, if it needs them.
    fn construct(
        &self,
        prior: impl FnOnce() -> Result<PerClass, LossError>,
        labelled: impl FnOnce(&PerClass) -> Result<PerClass, LossError>,
    ) -> Result<Box<dyn Loss + Send + Sync>, LossError> {
        Ok(match &self.kind {
            LossKind::Bce { positive_weight } => Box::new(Bce::with_positive_weight(positive_weight.clone())?),
            LossKind::Focal { gamma, alpha } => Box::new(Focal::new(*gamma, alpha.clone())?),
            LossKind::Asymmetric { gamma_positive, gamma_negative, margin } => {
                below_one("margin", *margin)?;
                Box::new(Asymmetric::new(*gamma_positive, *gamma_negative, *margin)?)
            }
            LossKind::Dice { smoothing } => Box::new(Dice::new(*smoothing)?),
            LossKind::Cpu { gamma, variant, .. } => Box::new(Cpu::new(prior()?, gamma.clone())?.with_variant(*variant)),
            LossKind::Upu { surrogate, sampling, .. } => {
                Box::new(Upu::new(prior()?)?.with_surrogate(checked(*surrogate)?).with_sampling(*sampling))
            }
            LossKind::NnPu { surrogate, sampling, beta, step_size, .. } => Box::new(
                NnPu::new(prior()?)?
                    .with_surrogate(checked(*surrogate)?)
                    .with_sampling(*sampling)
                    .with_correction(*beta, *step_size)?,
            ),
            LossKind::SsrPu { margin, .. } => {
                let margin = not_negative("margin", *margin)?;
                let prior = prior()?;
                let labelled = labelled(&prior)?;
                Box::new(SsrPu::new(prior, labelled)?.with_margin(margin))
            }
        })
    }
}

fn checked(surrogate: Surrogate) -> Result<Surrogate, LossError> {
    if let Surrogate::Squared { margin } = surrogate {
        not_negative("surrogate.squared.margin", margin)?;
    }
    Ok(surrogate)
}

fn check_classes(name: &'static str, numbers: &PerClass, counts: &LabelCounts) -> Result<(), LossError> {
    match numbers {
        PerClass::Each(numbers) if numbers.len() != counts.labels.len() => Err(LossError::ClassesDiffer {
            first: name,
            classes: numbers.len(),
            second: "the training labels",
            others: counts.labels.len(),
        }),
        _ => Ok(()),
    }
}
