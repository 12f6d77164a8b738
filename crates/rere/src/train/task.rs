//! What a network trains on.

use burn::tensor::{Bool, Device, Tensor};
use rere_loss::{GroupBy, Groups, LabelCounts};
use rere_model::{EncoderInput, HasEncoder, ModelError};

use super::run::Earlier;
use crate::RereError;

/// One network in training: its examples, their labels, and how it is scored.
///
/// The rows of a batch are built when the batch is wanted, from what is located once.
pub trait Task: Sync {
    /// The network.
    type Model: HasEncoder;

    /// A network with random weights.
    ///
    /// # Errors
    /// Returns an error if the encoder's settings are not supported.
    fn init(&self, device: &Device) -> Result<Self::Model, ModelError>;

    /// A network to start from, with the weights of an earlier model, whose relations are the first of the task's; `model` is
    /// one with random weights.
    ///
    /// # Errors
    /// Returns an error if the weights are missing or do not fit.
    fn init_from(&self, model: Self::Model, earlier: &Earlier<'_>) -> Result<Self::Model, RereError>;

    /// Length of each training example in tokens.
    fn lengths(&self) -> &[usize];

    /// Number of examples that are left out, as they are longer than the encoder or `training.max_tokens` allows.
    fn too_long(&self) -> usize {
        0
    }

    /// Labels and positives of each class in all training examples, for each kind of labels.
    fn counts(&self) -> Vec<LabelCounts>;

    /// What the encoder reads of a batch of training examples.
    fn input(&self, batch: &[usize], device: &Device) -> EncoderInput;

    /// The labels of a batch of training examples, of which `input` is what the encoder reads: of each kind, in the order of
    /// [`counts`](Self::counts). What is drawn at random comes from `step`.
    fn labels(
        &self,
        model: &Self::Model,
        batch: &[usize],
        input: &EncoderInput,
        step: &mut TrainingStep,
    ) -> Vec<Labels>;

    /// F1 of the network alone on the development set; `None` if that has no triple that can be used. The model has autodiff,
    /// `device` has not.
    ///
    /// # Errors
    /// Returns an error if a score is NaN.
    fn dev_score(&self, model: &Self::Model, device: &Device) -> Result<Option<f64>, RereError>;
}

/// Logits of labels, with their targets.
///
/// All are `[examples, places, classes]`. Over the labels of a sentence a loss takes together either the places of one class or
/// the classes of one place; over the sentences of a label it takes all labels of a class.
#[derive(Debug, Clone)]
pub struct Labels {
    pub(crate) logits: Tensor<3>,
    targets: Tensor<3>,
    mask: Option<Tensor<3, Bool>>,
    sentence_axis: usize,
    pub(crate) weight: f64,
}

impl Labels {
    /// Labels of which those along `sentence_axis` belong together in a sentence: 1, the places of one class, or 2, the classes
    /// of one place.
    pub fn new(logits: Tensor<3>, targets: Tensor<3>, sentence_axis: usize) -> Self {
        Self { logits, targets, mask: None, sentence_axis, weight: 1.0 }
    }

    /// Leaves labels out: only those count for which `mask` is true.
    #[must_use]
    pub fn with_mask(self, mask: Tensor<3, Bool>) -> Self {
        Self { mask: Some(mask), ..self }
    }

    /// Multiplies the mean of the loss over these labels.
    #[must_use]
    pub fn with_weight(self, weight: f64) -> Self {
        Self { weight, ..self }
    }

    pub(crate) fn targets(&self) -> Tensor<3> {
        self.targets.clone()
    }

    /// Which labels count, in the order of memory; `None` if all do.
    pub(crate) fn mask_values(&self) -> Option<Vec<bool>> {
        self.mask.clone().map(|mask| mask.into_data().iter::<bool>().collect())
    }

    pub(crate) fn groups(self, by: GroupBy) -> Groups {
        let axes: &[usize] = match by {
            GroupBy::Sentence => &[self.sentence_axis],
            GroupBy::Label => &[0, 1],
        };
        let groups = Groups::new(axes, self.logits, self.targets);
        let groups = match self.mask {
            Some(mask) => groups.with_mask(mask),
            None => groups,
        };
        if axes.contains(&2) { groups } else { groups.with_classes(2) }
    }
}

/// The random numbers of one step. They depend on the run's seed and on the step alone, so that a resumed run draws what the
/// whole one would have drawn.
#[derive(Debug, Clone)]
pub struct TrainingStep {
    seed: u64,
    drawn: usize,
}

impl TrainingStep {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// A number below `end`; 0 if that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.drawn += 1;
        // The high half of a product with a random fraction; the bias is below 2^-32 for any real number of choices.
        let fraction = u128::from(mixed(self.seed, self.drawn));
        ((fraction * end as u128) >> 64) as usize
    }
}

/// Another number for each seed and position: the output function of splitmix64.
pub(crate) fn mixed(seed: u64, position: usize) -> u64 {
    let mut z = seed.wrapping_add((position as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_drawn_as_often() {
        let mut counts = [0usize; 5];
        for seed in 0..2000 {
            let mut step = TrainingStep::new(seed);
            (0..5).for_each(|_| counts[step.below(5)] += 1);
        }
        assert!(counts.iter().all(|count| count.abs_diff(2000) < 200), "{counts:?}");
        assert_eq!(TrainingStep::new(7).below(0), 0);
        let draw = || TrainingStep::new(7).below(1000);
        assert_eq!(draw(), draw());
    }
}
