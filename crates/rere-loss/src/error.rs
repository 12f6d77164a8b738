//! What can be wrong with settings and tensors.

/// Settings of a loss that cannot be, or tensors that do not fit each other.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LossError {
    /// A number that has to lie strictly between 0 and 1 does not.
    #[error("{name} is {value}: it must lie strictly between 0 and 1")]
    NotInside {
        /// Name of the setting.
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// A number that has to be finite and at least 0 is not.
    #[error("{name} is {value}: it must be a finite number, at least 0")]
    Negative {
        /// Name of the setting.
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// A number that has to be at least 0 and below 1 is not.
    #[error("{name} is {value}: it must be at least 0 and below 1")]
    NotBelowOne {
        /// Name of the setting.
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// Labels that have no positive, or nothing but positives, have no usable class prior.
    #[error("{positives} of {labels} labels are positive: a class prior needs at least one positive and one other")]
    NoPrior {
        /// Number of labels.
        labels: usize,
        /// Number of positive ones.
        positives: usize,
    },
    /// The prior of a class is not over the share of it that is labelled.
    #[error("the prior is {prior}, but {labelled} are labelled: a prior counts the labelled positives too")]
    PriorUnderLabelled {
        /// The class prior.
        prior: f64,
        /// The share that is labelled.
        labelled: f64,
    },
    /// Settings for each class that have different numbers of classes.
    #[error(
        "{first} has {classes} classes, but {second} {others}: give one number for all classes, or as many of each"
    )]
    ClassesDiffer {
        /// A setting.
        first: &'static str,
        /// Its number of classes.
        classes: usize,
        /// Another setting.
        second: &'static str,
        /// Its number of classes.
        others: usize,
    },
    /// Numbers for each class, while a group is a sentence, which has labels of all classes.
    #[error("{name} has a number for each class, but group is \"sentence\": give one number, or set group = \"label\"")]
    ClassesInGroup {
        /// Name of the setting.
        name: &'static str,
    },
    /// The class prior is to be estimated, and there is no estimate.
    #[error("prior is \"estimated\", but there is no estimate: hand one in, or give prior as a number")]
    NotEstimated,
    /// Logits, targets and mask have different shapes.
    #[error("logits have the shape {logits:?}, {name} {other:?}: they must be equal")]
    ShapesDiffer {
        /// What differs from the logits: targets or mask.
        name: &'static str,
        /// Shape of the logits.
        logits: Vec<usize>,
        /// Shape of the other tensor.
        other: Vec<usize>,
    },
    /// An axis that the logits do not have, or that is named twice.
    #[error("the axes {axes:?} do not name different axes of a tensor of rank {rank}")]
    Axes {
        /// What was given.
        axes: Vec<usize>,
        /// Rank of the logits.
        rank: usize,
    },
    /// Groups without any element: an axis has the length 0, or no axis was named.
    #[error("groups over the axes {axes:?} of {shape:?} have no element")]
    EmptyGroup {
        /// The axes of a group.
        axes: Vec<usize>,
        /// Shape of the logits.
        shape: Vec<usize>,
    },
    /// The axis of classes cannot be one that a group extends over.
    #[error(
        "axis {axis} cannot tell the class of a group: it is one of the group's axes {axes:?}, or there is none such"
    )]
    ClassAxis {
        /// What was given.
        axis: usize,
        /// The axes of a group.
        axes: Vec<usize>,
    },
    /// A value that is no number, or a target outside \[0, 1\].
    #[error("{name} {value} stands at position {position} (row by row): {wanted}")]
    Value {
        /// `logit` or `target`.
        name: &'static str,
        /// The value.
        value: f64,
        /// Its position in the tensor, row by row.
        position: usize,
        /// What is wanted.
        wanted: &'static str,
    },
}

pub(crate) fn inside(name: &'static str, value: f64) -> Result<f64, LossError> {
    if value > 0.0 && value < 1.0 { Ok(value) } else { Err(LossError::NotInside { name, value }) }
}

pub(crate) fn not_negative(name: &'static str, value: f64) -> Result<f64, LossError> {
    if value >= 0.0 && value.is_finite() { Ok(value) } else { Err(LossError::Negative { name, value }) }
}

pub(crate) fn below_one(name: &'static str, value: f64) -> Result<f64, LossError> {
    if (0.0..1.0).contains(&value) { Ok(value) } else { Err(LossError::NotBelowOne { name, value }) }
}

/// Finds the first value that is not valid.
fn check_values(
    name: &'static str,
    values: impl IntoIterator<Item = f64>,
    valid: impl Fn(f64) -> bool,
    wanted: &'static str,
) -> Result<(), LossError> {
    match values.into_iter().enumerate().find(|(_, value)| !valid(*value)) {
        Some((position, value)) => Err(LossError::Value { name, value, position, wanted }),
        None => Ok(()),
    }
}

/// Checks that logits are finite and targets lie in \[0, 1\].
pub(crate) fn check_labels(
    logits: impl IntoIterator<Item = f64>,
    targets: impl IntoIterator<Item = f64>,
) -> Result<(), LossError> {
    check_values("logit", logits, f64::is_finite, "a logit is a finite number")?;
    check_values("target", targets, |target| (0.0..=1.0).contains(&target), "a target lies in [0, 1]")
}
