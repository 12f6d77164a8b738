//! Settings that may differ between classes.

use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::{Groups, LossError};

/// One number for all classes, or one for each class.
///
/// ```
/// use rere_loss::{NnPu, PerClass};
///
/// let one = NnPu::new(0.1)?; // all classes have the prior 0.1
/// let each = NnPu::new([0.1, 0.02])?; // two classes
/// assert_eq!(PerClass::from([0.1, 0.02]), PerClass::Each(vec![0.1, 0.02]));
/// # Ok::<(), rere_loss::LossError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number or a list of numbers")]
pub enum PerClass {
    /// One number for all classes.
    All(f64),
    /// One number for each class, in the order of the class axis: see [`Groups::with_classes`].
    Each(Vec<f64>),
}

impl From<f64> for PerClass {
    fn from(value: f64) -> Self {
        Self::All(value)
    }
}

impl From<Vec<f64>> for PerClass {
    fn from(values: Vec<f64>) -> Self {
        Self::Each(values)
    }
}

impl<const N: usize> From<[f64; N]> for PerClass {
    fn from(values: [f64; N]) -> Self {
        Self::Each(values.into())
    }
}

impl PerClass {
    /// Returns the number of a class.
    ///
    /// # Panics
    /// Panics if there are numbers for each class, but none for this one.
    pub fn of_class(&self, class: usize) -> f64 {
        match self {
            Self::All(value) => *value,
            Self::Each(values) => values[class],
        }
    }

    /// Applies a function to each number.
    #[must_use]
    pub fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        match self {
            Self::All(value) => Self::All(f(*value)),
            Self::Each(values) => Self::Each(values.iter().copied().map(f).collect()),
        }
    }

    /// Combines the numbers of two settings, class by class. The names are for the error.
    pub(crate) fn zip(
        &self,
        name: &'static str,
        other: &Self,
        other_name: &'static str,
        combine: impl Fn(f64, f64) -> Result<f64, LossError>,
    ) -> Result<Self, LossError> {
        Ok(match (self, other) {
            (Self::All(a), Self::All(b)) => Self::All(combine(*a, *b)?),
            (Self::All(a), Self::Each(b)) => Self::Each(b.iter().map(|b| combine(*a, *b)).collect::<Result<_, _>>()?),
            (Self::Each(a), Self::All(b)) => Self::Each(a.iter().map(|a| combine(*a, *b)).collect::<Result<_, _>>()?),
            (Self::Each(a), Self::Each(b)) if a.len() == b.len() => {
                Self::Each(a.iter().zip(b).map(|(a, b)| combine(*a, *b)).collect::<Result<_, _>>()?)
            }
            (Self::Each(a), Self::Each(b)) => {
                let (classes, others) = (a.len(), b.len());
                return Err(LossError::ClassesDiffer { first: name, classes, second: other_name, others });
            }
        })
    }

    /// Checks each number.
    pub(crate) fn checked(self, check: impl Fn(f64) -> Result<f64, LossError>) -> Result<Self, LossError> {
        match &self {
            Self::All(value) => check(*value).map(drop)?,
            Self::Each(values) => values.iter().try_for_each(|value| check(*value).map(drop))?,
        }
        Ok(self)
    }

    /// Multiplies `values`, `[groups, n]`, by the number of each group.
    ///
    /// # Panics
    /// As [`PerClass::column`].
    pub(crate) fn times(&self, values: Tensor<2>, groups: &Groups) -> Tensor<2> {
        match self {
            Self::All(value) => values.mul_scalar(*value),
            Self::Each(_) => values.mul(self.column(groups)),
        }
    }

    /// Returns the number of each group, `[groups, 1]`, or `[1, 1]` if there is one for all.
    ///
    /// # Panics
    /// Panics if there are numbers for each class and the groups have no classes or another number of them.
    pub(crate) fn column(&self, groups: &Groups) -> Tensor<2> {
        let options = (&groups.targets.device(), groups.targets.dtype());
        match self {
            Self::All(value) => Tensor::from_data(TensorData::new(vec![*value], [1, 1]), options),
            Self::Each(values) => {
                assert_eq!(
                    groups.classes(),
                    Some(values.len()),
                    "the per-class settings of the loss and the groups have different numbers of classes"
                );
                let rows: Vec<f64> = (0..groups.rows()).map(|row| values[groups.class_of(row)]).collect();
                Tensor::from_data(TensorData::new(rows, [groups.rows(), 1]), options)
            }
        }
    }
}
