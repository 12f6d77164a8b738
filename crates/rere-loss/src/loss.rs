//! The trait that all losses share, and how the losses of groups become one number.

use burn::tensor::Tensor;

use crate::Groups;

/// A loss over groups of labels, from logits.
///
/// One object trains any paradigm: what a group is, [`Groups`] says. Losses that look at each label alone ([`Bce`],
/// [`Focal`], [`Asymmetric`]) give the same mean whatever the groups are.
///
/// The losses of this crate do not record a graph but hand their slopes on to the logits: first derivatives only.
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
    weights: Weights,
}

/// The say of each group: 1 or, in losses that look at each label alone, the number of labels that count; 0 for a group
/// of which nothing counts.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one for a whole batch")]
enum Weights {
    All(usize),
    /// `[groups, 1]`
    Each(Tensor<2>),
}

impl GroupLosses {
    /// The losses of groups, `[groups, 1]`, that all have the same say, whatever their size. A group of which nothing
    /// counts has none.
    pub fn of_groups(losses: Tensor<2>, groups: &Groups) -> Self {
        match groups.sizes() {
            Some(sizes) => {
                let weights = sizes.clamp_max(1.0);
                Self { totals: losses.mul(weights.clone()), weights: Weights::Each(weights) }
            }
            None => Self { totals: losses, weights: Weights::All(1) },
        }
    }

    /// The losses of labels, `[groups, labels]`, each of which has the same say.
    pub fn of_labels(losses: Tensor<2>, groups: &Groups) -> Self {
        Self::of_sums(groups.sum(losses), groups)
    }

    /// The losses of labels, summed up over those of each group that count, `[groups, 1]`.
    fn of_sums(totals: Tensor<2>, groups: &Groups) -> Self {
        Self { totals, weights: groups.sizes().map_or(Weights::All(groups.labels()), Weights::Each) }
    }

    /// As [`GroupLosses::of_groups`], for losses whose slopes in the logits, `[groups, labels]`, are known.
    pub(crate) fn with_slopes(losses: Tensor<2>, slopes: Tensor<2>, groups: &Groups) -> Self {
        Self::of_groups(spliced(losses, slopes, groups), groups)
    }

    /// As [`GroupLosses::of_labels`], where a label with target y has y times the one curve and 1 - y times the other.
    pub(crate) fn of_curves(positive: Curve, rest: Curve, groups: &Groups) -> Self {
        let (y, not_y) = (groups.targets(), groups.rest());
        let mixed = |a: Tensor<2>, b: Tensor<2>| a.mul(y.clone()).add(b.mul(not_y.clone()));
        let losses = mixed(positive.value, rest.value).sum_dim(1);
        Self::of_sums(spliced(losses, mixed(positive.slope, rest.slope), groups), groups)
    }

    /// The loss of each group, `[groups]`; 0 for a group of which nothing counts.
    pub fn each(self) -> Tensor<1> {
        let each = match self.weights {
            Weights::All(weight) => self.totals.div_scalar(weight as f64),
            Weights::Each(weights) => self.totals.div(weights.clamp_min(1.0)),
        };
        each.squeeze_dim(1)
    }

    /// The mean, `[1]`: over groups, or over labels in losses that look at each label alone. 0 where nothing counts.
    pub fn mean(self) -> Tensor<1> {
        let [groups, _] = self.totals.dims();
        match self.weights {
            Weights::All(weight) => self.totals.sum().div_scalar((weight * groups).max(1) as f64),
            Weights::Each(weights) => self.totals.sum().div(weights.sum().clamp_min(1.0)),
        }
    }

    /// The sum, `[1]`: over groups, or over labels in losses that look at each label alone. Splitting a batch changes
    /// nothing in it.
    pub fn sum(self) -> Tensor<1> {
        self.totals.sum()
    }
}

/// A function of each logit with its slope there, `[groups, labels]`; in no graph.
pub(crate) struct Curve {
    pub(crate) value: Tensor<2>,
    pub(crate) slope: Tensor<2>,
}

/// Values, `[groups, 1]`, that pass these slopes, `[groups, labels]`, on to the logits.
///
/// What a graph would record of a loss is replaced by one product, whose value is 0 and whose gradient is the slopes: it
/// takes a fraction of the time, and the slopes keep digits that the chain rule loses.
fn spliced(values: Tensor<2>, slopes: Tensor<2>, groups: &Groups) -> Tensor<2> {
    let zero = groups.logits().sub(groups.detached());
    values.add(zero.mul(slopes).sum_dim(1))
}
