//! The trait that all losses share, and how the losses of groups become one number.

use burn::tensor::Tensor;

use crate::Groups;

/// A loss over groups of labels, from logits.
///
/// One object trains any paradigm: what a group is, [`Groups`] says. Losses that look at each label alone ([`Bce`],
/// [`Focal`], [`Asymmetric`]) give the same mean whatever the groups are.
///
/// [`Bce`]: crate::Bce
/// [`Focal`]: crate::Focal
/// [`Asymmetric`]: crate::Asymmetric
pub trait Loss {
    /// The loss of each group, to be reduced by one of the methods of [`GroupLosses`].
    ///
    /// # Panics
    /// Where the loss has settings for each class, and the groups have no classes or another number of them.
    fn forward(&self, groups: &Groups) -> GroupLosses;
}

/// The losses of groups.
#[derive(Debug, Clone)]
pub struct GroupLosses {
    /// Loss of each group times its weight, `[groups, 1]`.
    totals: Tensor<2>,
    /// Weight of each group, `[groups, 1]`: 1 or, in losses that look at each label alone, the number of labels that
    /// count; 0 for a group of which nothing counts.
    weights: Tensor<2>,
}

impl GroupLosses {
    /// The losses of groups that all have the same say, whatever their size. A group of which nothing counts has none.
    pub fn of_groups(losses: Tensor<2>, groups: &Groups) -> Self {
        let weights = groups.sizes().clamp_max(1.0);
        let totals = if groups.counted.is_some() { losses.mul(weights.clone()) } else { losses };
        Self { totals, weights }
    }

    /// The losses of labels, `[groups, labels]`, each of which has the same say.
    pub fn of_labels(losses: Tensor<2>, groups: &Groups) -> Self {
        Self { totals: groups.sum(losses), weights: groups.sizes() }
    }

    /// The loss of each group, `[groups]`; 0 for a group of which nothing counts.
    pub fn each(self) -> Tensor<1> {
        self.totals.div(self.weights.clamp_min(1.0)).squeeze_dim(1)
    }

    /// The mean, `[1]`: over groups, or over labels in losses that look at each label alone. 0 where nothing counts.
    pub fn mean(self) -> Tensor<1> {
        self.totals.sum().div(self.weights.sum().clamp_min(1.0))
    }

    /// The sum, `[1]`: over groups, or over labels in losses that look at each label alone. Splitting a batch changes
    /// nothing in it.
    pub fn sum(self) -> Tensor<1> {
        self.totals.sum()
    }
}
