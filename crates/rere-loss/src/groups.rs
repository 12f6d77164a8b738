//! Groups of labels.

use burn::tensor::{Bool, DType, FloatDType, Tensor};

use crate::{LossError, error::check_labels};

/// Logits and targets, arranged as groups of labels.
///
/// A collective loss such as [`Cpu`](crate::Cpu) takes means over a group; a loss that treats each label separately
/// does not depend on the groups. Name the axes that a group extends over:
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
/// let mask = Tensor::<3>::ones([8, 40, 4], &device).bool(); // false at padding
/// let groups = Groups::new(&[1], logits, targets).with_mask(mask);
/// assert_eq!(groups.rows(), 32); // 8 sentences, 4 pointers
/// let loss = Bce::new().forward(&groups).mean();
/// # assert!((loss.into_scalar::<f32>() - 2f32.ln()).abs() < 1e-6);
/// ```
#[derive(Debug, Clone)]
pub struct Groups {
    /// `[groups, labels]`; 0 if masked.
    logits: Tensor<2>,
    /// `[groups, labels]`; 0 if masked.
    pub(crate) targets: Tensor<2>,
    /// `[groups, labels]`: 0 if masked, else 1. `None` if nothing is masked.
    mask: Option<Tensor<2>>,
    arrangement: Arrangement,
    class_axis: Option<usize>,
}

/// The arrangement of a tensor of any rank as rows, one per group.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Arrangement {
    shape: Vec<usize>,
    /// The axes that distinguish groups, in ascending order.
    outer: Vec<usize>,
    /// The axes that a group extends over, in ascending order.
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

    /// Returns the permutation that puts the axes of a group last; `None` if they are last already.
    fn permutation<const D: usize>(&self) -> Option<[isize; D]> {
        let order: Vec<isize> = self.outer.iter().chain(&self.inner).map(|&axis| axis as isize).collect();
        if order.is_sorted() { None } else { order.try_into().ok() }
    }

    fn rows<const D: usize>(&self, tensor: Tensor<D>) -> Tensor<2> {
        let tensor = match self.permutation::<D>() {
            Some(order) => tensor.permute(order),
            None => tensor,
        };
        tensor.reshape([self.length(&self.outer), self.length(&self.inner)])
    }

    fn rows_of_bool<const D: usize>(&self, tensor: Tensor<D, Bool>) -> Tensor<2, Bool> {
        let tensor = match self.permutation::<D>() {
            Some(order) => tensor.permute(order),
            None => tensor,
        };
        tensor.reshape([self.length(&self.outer), self.length(&self.inner)])
    }
}

impl Groups {
    /// Creates groups that extend over the given axes of `logits` and `targets`, which have the same shape.
    ///
    /// A target is 1 for a labelled positive and 0 for the unlabelled; values between are soft labels. Convert bool
    /// targets by `targets.float()`. For logits in f16 or bf16, losses compute in f32.
    ///
    /// # Panics
    /// Panics if [`Groups::try_new`] would return an error.
    pub fn new<const D: usize>(axes: &[usize], logits: Tensor<D>, targets: Tensor<D>) -> Self {
        Self::try_new(axes, logits, targets).unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`Groups::new`], with an error in place of a panic.
    ///
    /// # Errors
    /// Returns an error if the shapes differ, an axis does not exist or is given twice, or groups have no elements.
    pub fn try_new<const D: usize>(axes: &[usize], logits: Tensor<D>, targets: Tensor<D>) -> Result<Self, LossError> {
        let shape = logits.dims().to_vec();
        same_shape("targets", &shape, &targets.dims())?;
        let arrangement = Arrangement::new(axes, shape)?;
        let dtype = match logits.dtype() {
            DType::F64 => FloatDType::F64,
            _ => FloatDType::F32,
        };
        let logits = arrangement.rows(logits).cast(dtype);
        // Constants: they cost less outside of autodiff.
        let targets = arrangement.rows(targets.without_autodiff()).cast(dtype);
        Ok(Self { logits, targets, mask: None, arrangement, class_axis: None })
    }

    /// Masks labels: only those count for which `mask`, of the shape of the logits, is true. Neither value nor gradient
    /// of a loss depends on the others, even if they are NaN.
    ///
    /// # Panics
    /// Panics if [`Groups::try_with_mask`] would return an error.
    #[must_use]
    pub fn with_mask<const D: usize>(self, mask: Tensor<D, Bool>) -> Self {
        self.try_with_mask(mask).unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`Groups::with_mask`], with an error in place of a panic.
    ///
    /// # Errors
    /// Returns an error if the shapes differ.
    pub fn try_with_mask<const D: usize>(self, mask: Tensor<D, Bool>) -> Result<Self, LossError> {
        same_shape("mask", &self.arrangement.shape, &mask.dims())?;
        let mask = self.arrangement.rows_of_bool(mask.without_autodiff());
        let masked = mask.clone().bool_not();
        let mask = mask.float().cast(FloatDType::from(self.logits.dtype()));
        // Before anything is computed, so that no NaN reaches a gradient.
        let logits = self.logits.mask_fill(masked.clone(), 0.0);
        let targets = self.targets.mask_fill(masked, 0.0);
        Ok(Self { logits, targets, mask: Some(mask), ..self })
    }

    /// Sets the axis of the logits along which the classes lie, for losses with per-class settings. It cannot be one of
    /// the group's axes, because a group belongs to one class.
    ///
    /// # Panics
    /// Panics if [`Groups::try_with_classes`] would return an error.
    #[must_use]
    pub fn with_classes(self, axis: usize) -> Self {
        self.try_with_classes(axis).unwrap_or_else(|error| panic!("{error}"))
    }

    /// As [`Groups::with_classes`], with an error in place of a panic.
    ///
    /// # Errors
    /// Returns an error if the axis does not exist or groups extend over it.
    pub fn try_with_classes(self, axis: usize) -> Result<Self, LossError> {
        if !self.arrangement.outer.contains(&axis) {
            return Err(LossError::ClassAxis { axis, axes: self.arrangement.inner });
        }
        Ok(Self { class_axis: Some(axis), ..self })
    }

    /// Checks that every unmasked logit is finite and every unmasked target is in \[0, 1\].
    ///
    /// Use it to find out when a training run went wrong. Nothing else in this crate does it, because it copies all
    /// values from the device.
    ///
    /// # Errors
    /// Returns an error for the first invalid value, with its position in the groups, row by row.
    pub fn check(&self) -> Result<(), LossError> {
        check_labels(self.logits.to_data().iter::<f64>(), self.targets.to_data().iter::<f64>())
    }

    /// Returns the number of groups.
    pub fn rows(&self) -> usize {
        self.arrangement.length(&self.arrangement.outer)
    }

    /// Returns the number of labels in a group, masked ones included.
    pub fn labels(&self) -> usize {
        self.arrangement.length(&self.arrangement.inner)
    }

    /// Returns the number of classes, if the class axis was set.
    pub fn classes(&self) -> Option<usize> {
        self.class_axis.map(|axis| self.arrangement.shape[axis])
    }

    /// Returns the class of a group; 0 if the class axis was not set.
    pub fn class_of(&self, row: usize) -> usize {
        let Some(axis) = self.class_axis else { return 0 };
        let groups_per_class: usize =
            self.arrangement.outer.iter().filter(|&&other| other > axis).map(|&a| self.arrangement.shape[a]).product();
        row / groups_per_class % self.arrangement.shape[axis]
    }

    /// Returns the logits, `[groups, labels]`; 0 if masked.
    pub fn logits(&self) -> Tensor<2> {
        self.logits.clone()
    }

    /// Returns the logits outside of autodiff.
    pub(crate) fn detached_logits(&self) -> Tensor<2> {
        self.logits.clone().without_autodiff()
    }

    /// Returns the targets, `[groups, labels]`; 0 if masked.
    pub fn targets(&self) -> Tensor<2> {
        self.targets.clone()
    }

    /// Returns 1 - target of each label, `[groups, labels]`; 0 if masked.
    pub fn unlabelled(&self) -> Tensor<2> {
        match &self.mask {
            Some(mask) => mask.clone().sub(self.targets.clone()),
            // Cheaper than a tensor of ones minus the targets.
            None => self.targets.clone().neg().add_scalar(1.0),
        }
    }

    /// Returns the mask as numbers, `[groups, labels]`: 0 if masked, else 1.
    pub fn mask(&self) -> Tensor<2> {
        self.mask.clone().unwrap_or_else(|| self.targets.ones_like())
    }

    /// Sums over the unmasked labels of each group: `[groups, labels]` to `[groups, 1]`.
    pub fn sum(&self, values: Tensor<2>) -> Tensor<2> {
        match &self.mask {
            Some(mask) => values.mul(mask.clone()).sum_dim(1),
            None => values.sum_dim(1),
        }
    }

    /// Returns the number of unmasked labels in each group, `[groups, 1]`; `None` without a mask.
    pub fn sizes(&self) -> Option<Tensor<2>> {
        self.mask.clone().map(|mask| mask.sum_dim(1))
    }
}

/// Returns the sum of the weights of each row, or 1 if it is 0, and whether it is 0: `[groups, 1]`.
pub(crate) fn weight_sums(weights: &Tensor<2>) -> (Tensor<2>, Tensor<2, Bool>) {
    let sum = weights.clone().sum_dim(1);
    let is_zero = sum.clone().lower_equal_scalar(0.0);
    (sum.mask_fill(is_zero.clone(), 1.0), is_zero)
}

fn same_shape(name: &'static str, logits: &[usize], other: &[usize]) -> Result<(), LossError> {
    if logits == other {
        return Ok(());
    }
    Err(LossError::ShapesDiffer { name, logits: logits.to_vec(), other: other.to_vec() })
}
