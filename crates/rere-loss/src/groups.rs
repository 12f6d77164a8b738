//! Which labels a loss looks at together.

use burn::tensor::{Bool, DType, FloatDType, Tensor};

use crate::{LossError, error::check_labels};

/// Logits and targets, arranged as groups of labels.
///
/// A group is what a collective loss takes means over; a loss that looks at each label alone does not care. The axes
/// that a group extends over are named, so that the labels of any paradigm fit:
///
/// | labels | shape of the logits | a group | axes |
/// |---|---|---|---|
/// | RERE, relations | `[sentences, relations]` | a sentence's relations | `[1]` |
/// | RERE, pointers | `[sentences, tokens, 4]` | one pointer's tokens | `[1]` |
/// | entity pairs (P1) | `[pairs, relations]` | a pair's relations, or a relation's pairs | `[1]`, `[0]` |
/// | CasRel, subjects | `[sentences, tokens, 2]` | one tagger's tokens | `[1]` |
/// | CasRel, objects | `[sentences, tokens, relations, 2]` | the tokens of one relation and tagger, or all its tags | `[1]`, `[1, 2]` |
/// | TPLinker | `[sentences, token pairs, relations]` | the pairs of one relation | `[1]` |
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use rere_loss::{Bce, Groups, Loss};
///
/// let device = Device::flex();
/// let logits = Tensor::<3>::zeros([8, 40, 4], &device); // sentences, tokens, pointers
/// let targets = Tensor::<3>::zeros([8, 40, 4], &device);
/// let mask = Tensor::<3>::ones([8, 40, 4], &device).bool(); // true where a token is no padding
/// let groups = Groups::new(&[1], logits, targets).with_mask(mask);
/// assert_eq!(groups.rows(), 32); // 8 sentences, 4 pointers
/// let loss = Bce::new().forward(&groups).mean();
/// # assert!((loss.into_scalar::<f32>() - 2f32.ln()).abs() < 1e-6);
/// ```
#[derive(Debug, Clone)]
pub struct Groups {
    /// `[groups, labels]`; 0 where masked.
    pub(crate) logits: Tensor<2>,
    /// `[groups, labels]`; 0 where masked.
    pub(crate) targets: Tensor<2>,
    /// 1 where a label counts, `[groups, labels]`; none where all count.
    pub(crate) counted: Option<Tensor<2>>,
    arrangement: Arrangement,
    class_axis: Option<usize>,
}

/// How a tensor of any rank becomes rows of groups.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Arrangement {
    shape: Vec<usize>,
    /// The axes that tell groups apart, in their order.
    outer: Vec<usize>,
    /// The axes that a group extends over, in their order.
    inner: Vec<usize>,
}

impl Arrangement {
    fn new(axes: &[usize], shape: Vec<usize>) -> Result<Self, LossError> {
        let mut inner = axes.to_vec();
        inner.sort_unstable();
        inner.dedup();
        if inner.len() != axes.len() || inner.last().is_some_and(|&axis| axis >= shape.len()) {
            return Err(LossError::Axes { axes: axes.to_vec(), rank: shape.len() });
        }
        if inner.is_empty() || inner.iter().any(|&axis| shape[axis] == 0) {
            return Err(LossError::EmptyGroup { axes: axes.to_vec(), shape });
        }
        let outer = (0..shape.len()).filter(|axis| !inner.contains(axis)).collect();
        Ok(Self { shape, outer, inner })
    }

    fn length(&self, axes: &[usize]) -> usize {
        axes.iter().map(|&axis| self.shape[axis]).product()
    }

    /// The permutation that puts the axes of a group last; `None` where they are last already.
    fn order<const D: usize>(&self) -> Option<[isize; D]> {
        let order: Vec<isize> = self.outer.iter().chain(&self.inner).map(|&axis| axis as isize).collect();
        if order.is_sorted() { None } else { order.try_into().ok() }
    }

    fn rows<const D: usize>(&self, tensor: Tensor<D>) -> Tensor<2> {
        let tensor = match self.order::<D>() {
            Some(order) => tensor.permute(order),
            None => tensor,
        };
        tensor.reshape([self.length(&self.outer), self.length(&self.inner)])
    }

    fn rows_of_bool<const D: usize>(&self, tensor: Tensor<D, Bool>) -> Tensor<2, Bool> {
        let tensor = match self.order::<D>() {
            Some(order) => tensor.permute(order),
            None => tensor,
        };
        tensor.reshape([self.length(&self.outer), self.length(&self.inner)])
    }
}

impl Groups {
    /// Groups that extend over the given axes of `logits` and `targets`, which have one shape.
    ///
    /// A target is 1 for a labelled positive and 0 for the rest; values between are soft labels. Targets that are bool
    /// come in with `targets.float()`. Logits in f16 or bf16 are computed with in f32.
    ///
    /// # Panics
    /// Where [`Groups::try_new`] has an error.
    pub fn new<const D: usize>(axes: &[usize], logits: Tensor<D>, targets: Tensor<D>) -> Self {
        Self::try_new(axes, logits, targets).unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`Groups::new`].
    ///
    /// # Errors
    /// Where the shapes differ, an axis does not exist or stands twice, or groups have no element.
    pub fn try_new<const D: usize>(axes: &[usize], logits: Tensor<D>, targets: Tensor<D>) -> Result<Self, LossError> {
        let shape = logits.dims().to_vec();
        same_shape("targets", &shape, &targets.dims())?;
        let arrangement = Arrangement::new(axes, shape)?;
        let dtype = match logits.dtype() {
            DType::F64 => FloatDType::F64,
            _ => FloatDType::F32,
        };
        let logits = arrangement.rows(logits).cast(dtype);
        // Constants: outside of autodiff they cost less.
        let targets = arrangement.rows(targets.without_autodiff()).cast(dtype);
        Ok(Self { logits, targets, counted: None, arrangement, class_axis: None })
    }

    /// Leaves labels out: only those count where `mask`, of the shape of the logits, is true. Neither value nor
    /// gradient of a loss depends on the others, not even where they are no numbers.
    ///
    /// # Panics
    /// Where [`Groups::try_with_mask`] has an error.
    #[must_use]
    pub fn with_mask<const D: usize>(self, mask: Tensor<D, Bool>) -> Self {
        self.try_with_mask(mask).unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`Groups::with_mask`].
    ///
    /// # Errors
    /// Where the shapes differ.
    pub fn try_with_mask<const D: usize>(self, mask: Tensor<D, Bool>) -> Result<Self, LossError> {
        same_shape("mask", &self.arrangement.shape, &mask.dims())?;
        let mask = self.arrangement.rows_of_bool(mask.without_autodiff());
        let out = mask.clone().bool_not();
        let counted = mask.float().cast(FloatDType::from(self.logits.dtype()));
        // Before anything is computed, so that not even a NaN reaches a gradient.
        let logits = self.logits.mask_fill(out.clone(), 0.0);
        let targets = self.targets.mask_fill(out, 0.0);
        Ok(Self { logits, targets, counted: Some(counted), ..self })
    }

    /// Says along which axis of the logits the classes lie, for settings that have a number for each class. A group
    /// belongs to one class, so that it cannot be one of the group's axes.
    ///
    /// # Panics
    /// Where [`Groups::try_with_classes`] has an error.
    #[must_use]
    pub fn with_classes(self, axis: usize) -> Self {
        self.try_with_classes(axis).unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`Groups::with_classes`].
    ///
    /// # Errors
    /// Where the axis does not exist, or groups extend over it.
    pub fn try_with_classes(self, axis: usize) -> Result<Self, LossError> {
        if !self.arrangement.outer.contains(&axis) {
            return Err(LossError::ClassAxis { axis, axes: self.arrangement.inner });
        }
        Ok(Self { class_axis: Some(axis), ..self })
    }

    /// Checks that every logit that counts is a finite number and every target lies in \[0, 1\]: for finding out where
    /// a training run went wrong. It has to fetch them from the device, which is why nothing else here does it.
    ///
    /// # Errors
    /// At the first value that is not so. Its position is that in the groups, row by row.
    pub fn check(&self) -> Result<(), LossError> {
        check_labels(self.logits.to_data().iter::<f64>(), self.targets.to_data().iter::<f64>())
    }

    /// Number of groups.
    pub fn rows(&self) -> usize {
        self.arrangement.length(&self.arrangement.outer)
    }

    /// Number of labels in a group, masked ones counted.
    pub fn labels(&self) -> usize {
        self.arrangement.length(&self.arrangement.inner)
    }

    /// Number of classes, where the class axis was named.
    pub fn classes(&self) -> Option<usize> {
        self.class_axis.map(|axis| self.arrangement.shape[axis])
    }

    /// The class of a group; 0 where the class axis was not named.
    pub fn class_of(&self, row: usize) -> usize {
        let Some(axis) = self.class_axis else { return 0 };
        let behind: usize =
            self.arrangement.outer.iter().filter(|&&other| other > axis).map(|&a| self.arrangement.shape[a]).product();
        row / behind % self.arrangement.shape[axis]
    }

    /// The logits, `[groups, labels]`; 0 where masked.
    pub fn logits(&self) -> Tensor<2> {
        self.logits.clone()
    }

    /// The logits as numbers, out of any graph.
    pub(crate) fn detached(&self) -> Tensor<2> {
        self.logits.clone().without_autodiff()
    }

    /// The targets, `[groups, labels]`; 0 where masked.
    pub fn targets(&self) -> Tensor<2> {
        self.targets.clone()
    }

    /// What counts and is not labelled, `[groups, labels]`: 1 - target.
    pub fn rest(&self) -> Tensor<2> {
        match &self.counted {
            Some(counted) => counted.clone().sub(self.targets.clone()),
            // Cheaper than to make the ones first.
            None => self.targets.clone().neg().add_scalar(1.0),
        }
    }

    /// 1 where a label counts, `[groups, labels]`.
    pub fn counted(&self) -> Tensor<2> {
        self.counted.clone().unwrap_or_else(|| self.targets.ones_like())
    }

    /// Sums over the labels of each group that count: `[groups, labels]` to `[groups, 1]`.
    pub fn sum(&self, values: Tensor<2>) -> Tensor<2> {
        match &self.counted {
            Some(counted) => values.mul(counted.clone()).sum_dim(1),
            None => values.sum_dim(1),
        }
    }

    /// Number of labels that count in each group, `[groups, 1]`; `None` without a mask, where all do.
    pub fn sizes(&self) -> Option<Tensor<2>> {
        self.counted.clone().map(|counted| counted.sum_dim(1))
    }
}

/// The sum of the weights of each row, 1 where there is none, and whether there is none: `[groups, 1]`.
pub(crate) fn sums_of_weights(weights: &Tensor<2>) -> (Tensor<2>, Tensor<2, Bool>) {
    let size = weights.clone().sum_dim(1);
    let none = size.clone().lower_equal_scalar(0.0);
    (size.mask_fill(none.clone(), 1.0), none)
}

fn same_shape(name: &'static str, logits: &[usize], other: &[usize]) -> Result<(), LossError> {
    if logits == other {
        return Ok(());
    }
    Err(LossError::ShapesDiffer { name, logits: logits.to_vec(), other: other.to_vec() })
}
