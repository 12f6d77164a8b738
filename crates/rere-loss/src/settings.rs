//! Settings of losses, as written in configuration files.

mod read;

use serde::{Deserialize, Serialize};

use crate::{
    Asymmetric, Bce, Cpu, CpuVariant, Dice, Focal, Loss, LossError, NnPu, PerClass, Sampling, SsrPu, Surrogate, Upu,
    class_prior,
    error::{below_one, between_zero_and_one, not_negative},
};

/// Settings of a loss: its kind and parameters, the kind of group, and the source of the class prior.
///
/// In a file they are a table with the `name` of the loss, its parameters and `group`, for example
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
/// Each of them also has `group = "sentence"` or `"label"`: see [`GroupBy`]. [`LossKind`] explains the keys, and
/// [`PriorSettings`] the forms of a prior. A key that the loss does not have is an error.
///
/// Settings are written with all keys, defaults included, in a fixed order: equal settings give equal files, so their
/// hashes can be compared.
///
/// ```
/// use rere_loss::{GroupBy, LabelCounts, LossKind, LossSettings};
///
/// let settings = LossSettings::new(LossKind::Dice { smoothing: 1.0 }).with_group(GroupBy::Label);
/// assert_eq!(serde_json::to_string(&settings)?, r#"{"name":"dice","smoothing":1.0,"group":"label"}"#);
/// let loss = settings.build(&LabelCounts::default(), None)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct LossSettings {
    /// The loss and its parameters.
    #[serde(flatten)]
    pub kind: LossKind,
    /// The kind of group.
    pub group: GroupBy,
}

/// A loss and its parameters. A per-class parameter is a number or a list of numbers.
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
        /// The weight of positives, in (0, 1). Negatives have the weight 1 - alpha.
        alpha: PerClass,
    },
    /// The asymmetric loss (Ridnik et al. 2021, Section 2): [`Asymmetric`]. The defaults are the paper's setting.
    Asymmetric {
        /// The focusing power of positives, at least 0.
        gamma_positive: f64,
        /// The focusing power of negatives, at least 0.
        gamma_negative: f64,
        /// The probability under which a negative has no loss, in \[0, 1).
        margin: f64,
    },
    /// The dice loss (Milletari et al. 2016; Li et al. 2020): [`Dice`].
    Dice {
        /// A number over 0 that is added to numerator and denominator.
        smoothing: f64,
    },
    /// The collective loss cPU (Xie et al. 2021, Eq. 7 to 10): [`Cpu`]. The defaults are the authors' setting.
    Cpu {
        /// The weight of the positive term, in (0, 1).
        gamma: PerClass,
        /// The reading of the equations: `group` as in the authors' code, or `paper` as printed.
        variant: CpuVariant,
        /// The expected share of positives, mu in the paper; `pi (1 + tau)` if it is counted.
        prior: PriorSettings,
    },
    /// The unbiased risk (Kiryo et al. 2017, Eq. 2): [`Upu`].
    Upu {
        /// The loss of each label: `logistic`, `sigmoid`, `squared`, or `{ squared = { margin = 1.0 } }`.
        surrogate: Surrogate,
        /// The source of the unlabelled: `one-sample` or `case-control`.
        sampling: Sampling,
        /// The class prior pi.
        prior: PriorSettings,
    },
    /// The non-negative risk (Kiryo et al. 2017, Eq. 6 and Algorithm 1): [`NnPu`].
    #[serde(rename = "nnpu")]
    NnPu {
        /// The loss of each label, as for uPU.
        surrogate: Surrogate,
        /// The source of the unlabelled: `one-sample` or `case-control`.
        sampling: Sampling,
        /// How far the negative part may be below 0; at least 0.
        beta: f64,
        /// The step size of the correction, gamma in the paper; at least 0.
        step_size: f64,
        /// The class prior pi.
        prior: PriorSettings,
    },
    /// S-PU with the squared loss of SSR-PU (Wang et al. 2022): [`SsrPu`]. Its labelled share is counted in the
    /// training labels.
    SsrPu {
        /// The margin of the squared loss, at least 0.
        margin: f64,
        /// The class prior pi, at least the labelled share.
        prior: PriorSettings,
    },
}

/// The kind of group in a training batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupBy {
    /// The labels of a sentence. There is one class prior for all labels.
    #[default]
    Sentence,
    /// The sentences of a label. Each label is a class with its own prior.
    Label,
}

/// The source of a loss's class prior.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PriorSettings {
    /// `{ counted = { tau = 0.4 } }`: the class prior counted in the training labels, times 1 + tau, as in the RERE
    /// paper's estimate `mu = pi (tau + 1)`. See also [`LabelledShare`](crate::prior::LabelledShare).
    Counted {
        /// The share of the true positives that is missing in the labels, in \[0, 1).
        tau: f64,
    },
    /// `"estimated"`: an estimate from the scores of a trained model, by an estimator of [`prior`](crate::prior). Pass
    /// it to [`LossSettings::build`]. For cPU pass mu, the share of positives among the unlabelled:
    /// [`Sample::alpha_of_prior`](crate::prior::Sample::alpha_of_prior) computes it from a class prior.
    Estimated,
    /// A number, or a list with one number for each class, in (0, 1).
    #[serde(untagged)]
    Given(PerClass),
}

/// Numbers of labels and of positives in the training data, one entry for each class.
///
/// ```
/// use rere_loss::{GroupBy, LabelCounts, PerClass};
///
/// let counts = LabelCounts { labels: vec![100, 100], positives: vec![2, 6] };
/// assert_eq!(counts.share(GroupBy::Sentence)?, PerClass::All(0.04));
/// assert_eq!(counts.share(GroupBy::Label)?, PerClass::Each(vec![0.02, 0.06]));
/// # Ok::<(), rere_loss::LossError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelCounts {
    /// Number of labels of each class.
    pub labels: Vec<u64>,
    /// Number of positives among them.
    pub positives: Vec<u64>,
}

impl LabelCounts {
    /// Computes the share of positives among the labels.
    ///
    /// With [`GroupBy::Sentence`] it is one share for the labels of all classes together. With [`GroupBy::Label`] it is
    /// a share for each class. A class without positives counts as having half a positive, and a class of positives
    /// only as having half a positive less, so that each share is strictly between 0 and 1.
    ///
    /// # Errors
    /// Returns an error if the two lists have different lengths. With [`GroupBy::Label`], also if a class has no label
    /// or more positives than labels; with [`GroupBy::Sentence`], also if no label or every label is positive.
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
    /// Returns the name of the loss in a file.
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
    /// Creates the settings of a loss whose groups are sentences.
    pub fn new(kind: LossKind) -> Self {
        Self { kind, group: GroupBy::default() }
    }

    /// Sets the kind of group.
    #[must_use]
    pub fn with_group(self, group: GroupBy) -> Self {
        Self { group, ..self }
    }

    /// Returns the source of the class prior; `None` if the loss needs no prior.
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
    /// Returns an error that names the key if a value is out of range, or if there is a number for each class and a
    /// group is a sentence, which has labels of all classes.
    pub fn check(&self) -> Result<(), LossError> {
        for (name, numbers) in self.per_class_settings() {
            self.check_group(name, numbers)?;
        }
        let prior = match self.prior() {
            Some(PriorSettings::Given(prior)) => prior.clone().checked(|prior| between_zero_and_one("prior", prior))?,
            Some(PriorSettings::Counted { tau }) => {
                below_one("tau", *tau)?;
                PerClass::All(0.5)
            }
            Some(PriorSettings::Estimated) | None => PerClass::All(0.5),
        };
        if let LossKind::Cpu { gamma, prior: PriorSettings::Given(prior), .. } = &self.kind {
            prior.zip("prior", gamma, "gamma", |prior, _| Ok(prior))?;
        }
        // The constructors check everything else. The labelled share is unknown here: the prior itself is a valid one.
        self.construct(|| Ok(prior), |prior| Ok(prior.clone())).map(drop)
    }

    /// Computes the class prior with which [`LossSettings::build`] builds the loss; `None` if the loss needs no prior.
    ///
    /// With [`GroupBy::Label`] it has a number for each class, unless one number was given or estimated for all.
    ///
    /// # Errors
    /// Returns an error if the prior cannot be counted (see [`LabelCounts::share`]), is 1 or more after the factor
    /// 1 + tau, must be estimated and no estimate is given, or has another number of classes than the labels.
    pub fn settle_prior(
        &self,
        counts: &LabelCounts,
        estimated: Option<&PerClass>,
    ) -> Result<Option<PerClass>, LossError> {
        let Some(prior) = self.prior() else { return Ok(None) };
        let (name, prior) = match prior {
            PriorSettings::Given(prior) => ("prior", prior.clone()),
            PriorSettings::Counted { tau } => {
                let factor = 1.0 + below_one("tau", *tau)?;
                ("the counted class prior times 1 + tau", counts.share(self.group)?.map(|share| share * factor))
            }
            PriorSettings::Estimated => {
                ("the estimated class prior", estimated.ok_or(LossError::NotEstimated)?.clone())
            }
        };
        self.check_group(name, &prior)?;
        check_classes(name, &prior, counts)?;
        prior.checked(|prior| between_zero_and_one(name, prior)).map(Some)
    }

    /// Builds the loss. `counts` are those of the training labels; `estimated` is the class prior that is used if the
    /// settings have [`PriorSettings::Estimated`].
    ///
    /// # Errors
    /// As [`LossSettings::check`] and [`LossSettings::settle_prior`]; also if a parameter has another number of classes
    /// than the labels, or the prior of SSR-PU is below the labelled share.
    pub fn build(
        &self,
        counts: &LabelCounts,
        estimated: Option<&PerClass>,
    ) -> Result<Box<dyn Loss + Send + Sync>, LossError> {
        self.check()?;
        for (name, numbers) in self.per_class_settings() {
            check_classes(name, numbers, counts)?;
        }
        // Called only for losses that need a prior.
        let prior = || self.settle_prior(counts, estimated)?.ok_or(LossError::NotEstimated);
        self.construct(prior, |_| counts.share(self.group))
    }

    /// Returns the parameters that may differ between classes, with their names.
    fn per_class_settings(&self) -> impl Iterator<Item = (&'static str, &PerClass)> {
        let parameter = match &self.kind {
            LossKind::Bce { positive_weight } => Some(("positive_weight", positive_weight)),
            LossKind::Focal { alpha, .. } => Some(("alpha", alpha)),
            LossKind::Cpu { gamma, .. } => Some(("gamma", gamma)),
            _ => None,
        };
        let given = match self.prior() {
            Some(PriorSettings::Given(prior)) => Some(("prior", prior)),
            _ => None,
        };
        parameter.into_iter().chain(given)
    }

    fn check_group(&self, name: &'static str, numbers: &PerClass) -> Result<(), LossError> {
        match (self.group, numbers) {
            (GroupBy::Sentence, PerClass::Each(_)) => Err(LossError::ClassesInGroup { name }),
            _ => Ok(()),
        }
    }

    /// Constructs the loss. Calls `prior` and `labelled`, the labelled share for a prior, only if the loss needs them.
    fn construct(
        &self,
        prior: impl FnOnce() -> Result<PerClass, LossError>,
        labelled: impl FnOnce(&PerClass) -> Result<PerClass, LossError>,
    ) -> Result<Box<dyn Loss + Send + Sync>, LossError> {
        Ok(match &self.kind {
            LossKind::Bce { positive_weight } => Box::new(Bce::with_positive_weight(positive_weight.clone())?),
            LossKind::Focal { gamma, alpha } => Box::new(Focal::new(*gamma, alpha.clone())?),
            LossKind::Asymmetric { gamma_positive, gamma_negative, margin } => {
                Box::new(Asymmetric::new(*gamma_positive, *gamma_negative, *margin)?)
            }
            LossKind::Dice { smoothing } => Box::new(Dice::new(*smoothing)?),
            LossKind::Cpu { gamma, variant, .. } => Box::new(Cpu::new(prior()?, gamma.clone())?.with_variant(*variant)),
            LossKind::Upu { surrogate, sampling, .. } => {
                Box::new(Upu::new(prior()?)?.with_surrogate(checked_surrogate(*surrogate)?).with_sampling(*sampling))
            }
            LossKind::NnPu { surrogate, sampling, beta, step_size, .. } => Box::new(
                NnPu::new(prior()?)?
                    .with_surrogate(checked_surrogate(*surrogate)?)
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

fn checked_surrogate(surrogate: Surrogate) -> Result<Surrogate, LossError> {
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
