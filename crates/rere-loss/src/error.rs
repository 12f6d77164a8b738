//! Errors of settings and tensors.

/// Invalid settings of a loss, or tensors that do not match.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LossError {
    /// A number that must be strictly between 0 and 1.
    #[error("{name} is {value}: it must lie strictly between 0 and 1")]
    NotBetweenZeroAndOne {
        /// Name of the setting.
        name: &'static str,
        /// The given value.
        value: f64,
    },
    /// A number that must be finite and at least 0.
    #[error("{name} is {value}: it must be a finite number, at least 0")]
    Negative {
        /// Name of the setting.
        name: &'static str,
        /// The given value.
        value: f64,
    },
    /// A number that must be finite and over 0.
    #[error("{name} is {value}: it must be a finite number over 0")]
    NotPositive {
        /// Name of the setting.
        name: &'static str,
        /// The given value.
        value: f64,
    },
    /// A number that must be at least 0 and below 1.
    #[error("{name} is {value}: it must be at least 0 and below 1")]
    NotBelowOne {
        /// Name of the setting.
        name: &'static str,
        /// The given value.
        value: f64,
    },
    /// Labels without a positive, or without anything else: their class prior would be 0 or 1.
    #[error("{positives} of {labels} labels are positive: a class prior needs at least one positive and one other")]
    NoPrior {
        /// Number of labels.
        labels: usize,
        /// Number of positives among them.
        positives: usize,
    },
    /// A class prior below the share of labelled positives.
    #[error(
        "the prior is {prior}, but the labelled share is {labelled}: the prior must include the labelled positives"
    )]
    PriorUnderLabelled {
        /// The class prior.
        prior: f64,
        /// The share of labelled positives.
        labelled: f64,
    },
    /// Per-class settings with different numbers of classes.
    #[error(
        "{first} has {classes} classes, but {second} {others}: give one number for all classes, or as many of each"
    )]
    ClassesDiffer {
        /// Name of a setting.
        first: &'static str,
        /// Its number of classes.
        classes: usize,
        /// Name of another setting.
        second: &'static str,
        /// The other setting's number of classes.
        others: usize,
    },
    /// A number for each class, but groups are sentences, which have labels of all classes.
    #[error("{name} has a number for each class, but group is \"sentence\": give one number, or set group = \"label\"")]
    ClassesInGroup {
        /// Name of the setting.
        name: &'static str,
    },
    /// An estimated class prior was asked for, but none was given.
    #[error("prior is \"estimated\", but there is no estimate: pass one, or give prior as a number")]
    NotEstimated,
    /// Targets or a mask with another shape than the logits.
    #[error("logits have the shape {logits:?}, {name} {other:?}: they must be equal")]
    ShapesDiffer {
        /// Name of the other tensor: targets or mask.
        name: &'static str,
        /// Shape of the logits.
        logits: Vec<usize>,
        /// Shape of the other tensor.
        other: Vec<usize>,
    },
    /// An axis that does not exist or is given twice.
    #[error("axes {axes:?}: expected different axes of a tensor of rank {rank}")]
    Axes {
        /// The given axes.
        axes: Vec<usize>,
        /// Rank of the logits.
        rank: usize,
    },
    /// Groups without elements: an axis has the length 0, or no axis was given.
    #[error("groups over the axes {axes:?} of the shape {shape:?} have no elements")]
    EmptyGroup {
        /// The axes of a group.
        axes: Vec<usize>,
        /// Shape of the logits.
        shape: Vec<usize>,
    },
    /// A class axis that does not exist or that groups extend over.
    #[error("class axis {axis}: expected an axis of the logits that is not one of the group's axes {axes:?}")]
    ClassAxis {
        /// The given axis.
        axis: usize,
        /// The axes of a group.
        axes: Vec<usize>,
    },
    /// A logit that is NaN or infinite.
    #[error("logit {value} at position {position} (row by row): it must be finite")]
    InvalidLogit {
        /// The logit.
        value: f64,
        /// Its position in the tensor, row by row.
        position: usize,
    },
    /// A target outside \[0, 1\].
    #[error("target {value} at position {position} (row by row): it must be in [0, 1]")]
    InvalidTarget {
        /// The target.
        value: f64,
        /// Its position in the tensor, row by row.
        position: usize,
    },
}

pub(crate) fn between_zero_and_one(name: &'static str, value: f64) -> Result<f64, LossError> {
    if value > 0.0 && value < 1.0 { Ok(value) } else { Err(LossError::NotBetweenZeroAndOne { name, value }) }
}

pub(crate) fn not_negative(name: &'static str, value: f64) -> Result<f64, LossError> {
    if value >= 0.0 && value.is_finite() { Ok(value) } else { Err(LossError::Negative { name, value }) }
}

pub(crate) fn positive(name: &'static str, value: f64) -> Result<f64, LossError> {
    if value > 0.0 && value.is_finite() { Ok(value) } else { Err(LossError::NotPositive { name, value }) }
}

pub(crate) fn below_one(name: &'static str, value: f64) -> Result<f64, LossError> {
    if (0.0..1.0).contains(&value) { Ok(value) } else { Err(LossError::NotBelowOne { name, value }) }
}

/// Checks that logits are finite and targets are in \[0, 1\].
pub(crate) fn check_labels(
    logits: impl IntoIterator<Item = f64>,
    targets: impl IntoIterator<Item = f64>,
) -> Result<(), LossError> {
    if let Some((position, value)) = logits.into_iter().enumerate().find(|(_, logit)| !logit.is_finite()) {
        return Err(LossError::InvalidLogit { value, position });
    }
    if let Some((position, value)) = targets.into_iter().enumerate().find(|(_, y)| !(0.0..=1.0).contains(y)) {
        return Err(LossError::InvalidTarget { value, position });
    }
    Ok(())
}
