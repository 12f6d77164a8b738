//! The trait of all losses, and the reduction of group losses to one number.

use burn::tensor::Tensor;

use crate::Groups;

/// A loss over groups of labels, computed from logits.
///
/// A loss works with any model architecture, because [`Groups`] says what a group is. Losses that treat each label
/// separately ([`Bce`], [`Focal`], [`Asymmetric`]) give the same mean for any grouping.
///
/// The losses of this crate compute their gradients themselves and pass them to the logits. Autodiff does not record
/// them, so only first derivatives exist.
///
/// A loss of your own can use autodiff:
///
/// ```
/// use burn::tensor::{Device, Tensor, activation::sigmoid};
/// use rere_loss::{GroupLosses, Groups, Loss};
///
/// /// The mean squared error of probabilities.
/// struct Brier;
///
/// impl Loss for Brier {
///     fn forward(&self, groups: &Groups) -> GroupLosses {
///         GroupLosses::from_label_losses((sigmoid(groups.logits()) - groups.targets()).square(), groups)
///     }
/// }
///
/// let device = Device::flex().autodiff();
/// let logits = Tensor::<2>::zeros([2, 3], &device).require_grad();
/// let loss = Brier.forward(&Groups::new(&[1], logits.clone(), Tensor::ones([2, 3], &device))).mean();
/// assert!(logits.grad(&loss.backward()).is_some());
/// assert_eq!(loss.into_scalar::<f32>(), 0.25);
/// ```
///
/// [`Bce`]: crate::Bce
/// [`Focal`]: crate::Focal
/// [`Asymmetric`]: crate::Asymmetric
pub trait Loss {
    /// Computes the loss of each group. Reduce the result by a method of [`GroupLosses`].
    ///
    /// # Panics
    /// Panics if the loss has per-class settings and the groups have no classes or another number of them.
    fn forward(&self, groups: &Groups) -> GroupLosses;
}

/// The losses of groups, not yet reduced.
#[derive(Debug, Clone)]
pub struct GroupLosses {
    /// Loss of each group times its weight, `[groups, 1]`.
    totals: Tensor<2>,
    weights: Weights,
}

/// The weight of each group: 1 or, in losses that treat each label separately, its number of unmasked labels. 0 for a
/// group whose labels are all masked.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one for a whole batch")]
enum Weights {
    All(usize),
    /// `[groups, 1]`
    Each(Tensor<2>),
}

impl GroupLosses {
    /// Creates the losses of groups, `[groups, 1]`, with the same weight for each group, whatever its size. A group
    /// whose labels are all masked has weight 0.
    pub fn from_group_losses(losses: Tensor<2>, groups: &Groups) -> Self {
        match groups.sizes() {
            Some(sizes) => {
                let weights = sizes.clamp_max(1.0);
                Self { totals: losses.mul(weights.clone()), weights: Weights::Each(weights) }
            }
            None => Self { totals: losses, weights: Weights::All(1) },
        }
    }

    /// Creates the losses of groups from those of their labels, `[groups, labels]`, with equal weights.
    pub fn from_label_losses(losses: Tensor<2>, groups: &Groups) -> Self {
        Self::from_sums(groups.sum(losses), groups)
    }

    /// Creates the losses of groups from sums over their unmasked labels, `[groups, 1]`.
    fn from_sums(totals: Tensor<2>, groups: &Groups) -> Self {
        Self { totals, weights: groups.sizes().map_or(Weights::All(groups.labels()), Weights::Each) }
    }

    /// As [`GroupLosses::from_group_losses`], with known gradients to the logits, `[groups, labels]`.
    pub(crate) fn with_gradients(losses: Tensor<2>, gradients: Tensor<2>, groups: &Groups) -> Self {
        Self::from_group_losses(with_gradient_to_logits(losses, gradients, groups), groups)
    }

    /// As [`GroupLosses::from_label_losses`], for the loss `y * positive + (1 - y) * negative` with target y.
    pub(crate) fn from_label_terms(positive: LabelTerm, negative: LabelTerm, groups: &Groups) -> Self {
        let (y, not_y) = (groups.targets(), groups.unlabelled());
        let mixed = |a: Tensor<2>, b: Tensor<2>| a.mul(y.clone()).add(b.mul(not_y.clone()));
        let losses = mixed(positive.value, negative.value).sum_dim(1);
        let gradients = mixed(positive.gradient, negative.gradient);
        Self::from_sums(with_gradient_to_logits(losses, gradients, groups), groups)
    }

    /// Returns the loss of each group, `[groups]`; 0 for a group whose labels are all masked.
    pub fn per_group(self) -> Tensor<1> {
        let losses = match self.weights {
            Weights::All(weight) => self.totals.div_scalar(weight as f64),
            Weights::Each(weights) => self.totals.div(weights.clamp_min(1.0)),
        };
        losses.squeeze_dim(1)
    }

    /// Returns the mean, `[1]`, over groups or, in losses that treat each label separately, over labels. It is 0 if
    /// everything is masked.
    pub fn mean(self) -> Tensor<1> {
        let [groups, _] = self.totals.dims();
        match self.weights {
            Weights::All(weight) => self.totals.sum().div_scalar((weight * groups).max(1) as f64),
            Weights::Each(weights) => self.totals.sum().div(weights.sum().clamp_min(1.0)),
        }
    }

    /// Returns the sum, `[1]`, over groups or, in losses that treat each label separately, over labels. The sums of the
    /// parts of a split batch add up to the sum of the batch.
    pub fn sum(self) -> Tensor<1> {
        self.totals.sum()
    }
}

/// A function of each logit and its gradient there, `[groups, labels]`, both outside of autodiff.
pub(crate) struct LabelTerm {
    pub(crate) value: Tensor<2>,
    pub(crate) gradient: Tensor<2>,
}

/// Returns `values`, `[groups, 1]`, whose gradients to the logits are `gradients`, `[groups, labels]`.
///
/// Autodiff records one product, whose value is 0 and whose gradient is `gradients`, in place of all operations of the
/// loss. That takes a fraction of the time and keeps digits that the chain rule loses.
fn with_gradient_to_logits(values: Tensor<2>, gradients: Tensor<2>, groups: &Groups) -> Tensor<2> {
    let zero = groups.logits().sub(groups.detached_logits());
    values.add(zero.mul(gradients).sum_dim(1))
}
