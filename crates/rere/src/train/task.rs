//! Training tasks of networks.

use burn::tensor::{Bool, Device, Tensor};
use rere_loss::{GroupBy, Groups, LabelCounts};
use rere_model::{EncoderInput, HasEncoder, ModelError};

use super::run::Earlier;
use crate::RereError;

/// Training task of one network: its examples, their labels, and its score on the development set.
///
/// The sentences are located once; inputs and labels of a batch are built when the batch is trained.
pub trait Task: Sync {
    /// The network.
    type Model: HasEncoder;

    /// Creates a network with random weights.
    ///
    /// # Errors
    /// Returns an error if the encoder's settings are not supported.
    fn init(&self, device: &Device) -> Result<Self::Model, ModelError>;

    /// Creates a network with the weights of an earlier model, whose relations are the first relations of the task. `model` has
    /// random weights.
    ///
    /// # Errors
    /// Returns an error if the weights are missing or do not fit.
    fn init_from(&self, model: Self::Model, earlier: &Earlier<'_>) -> Result<Self::Model, RereError>;

    /// Returns the length of each training example in tokens.
    fn lengths(&self) -> &[usize];

    /// Returns the number of examples that are left out because they are longer than `training.max_tokens`.
    fn too_long(&self) -> usize {
        0
    }

    /// Counts labels and positives of each class in all training examples, for each kind of labels.
    fn counts(&self) -> Vec<LabelCounts>;

    /// Makes the input of the encoder for a batch of training examples.
    fn input(&self, batch: &[usize], device: &Device) -> EncoderInput;

    /// Computes logits and targets of a batch of training examples with this input, for each kind of labels in the order of
    /// [`counts`](Self::counts). Draw random numbers from `step`.
    fn labels(
        &self,
        model: &Self::Model,
        batch: &[usize],
        input: &EncoderInput,
        step: &mut TrainingStep,
    ) -> Vec<Labels>;

    /// Computes the F1 of the network alone on the development set. Returns `None` if the development set has no usable triple.
    /// The model is on an autodiff device; `device` is not.
    ///
    /// # Errors
    /// Returns an error if a score is NaN.
    fn dev_score(&self, model: &Self::Model, device: &Device) -> Result<Option<f64>, RereError>;
}

/// Logits and targets of labels, both `[examples, positions, classes]`.
///
/// With `group = "sentence"`, a group of a collective loss is either the positions of one class or the classes of one position
/// within a sentence. With `group = "label"`, it is all labels of one class.
#[derive(Debug, Clone)]
pub struct Labels {
    pub(crate) logits: Tensor<3>,
    targets: Tensor<3>,
    mask: Option<Tensor<3, Bool>>,
    sentence_axis: usize,
    pub(crate) weight: f64,
}

impl Labels {
    /// Creates labels. `sentence_axis` is the axis of a group within a sentence: 1 for the positions of one class, 2 for the
    /// classes of one position.
    pub fn new(logits: Tensor<3>, targets: Tensor<3>, sentence_axis: usize) -> Self {
        Self { logits, targets, mask: None, sentence_axis, weight: 1.0 }
    }

    /// Restricts the labels that count to those for which `mask` is true.
    #[must_use]
    pub fn with_mask(self, mask: Tensor<3, Bool>) -> Self {
        Self { mask: Some(mask), ..self }
    }

    /// Sets the factor of the mean loss over these labels.
    #[must_use]
    pub fn with_weight(self, weight: f64) -> Self {
        Self { weight, ..self }
    }

    pub(crate) fn targets(&self) -> Tensor<3> {
        self.targets.clone()
    }

    /// Returns whether each label counts, in row-major order; `None` if all do.
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

/// Random numbers of one training step. They depend only on the seed of the run and the step, so that a resumed run draws the same
/// numbers.
#[derive(Debug, Clone)]
pub struct TrainingStep {
    seed: u64,
    drawn: usize,
}

impl TrainingStep {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    /// Draws a number below `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.drawn += 1;
        // The high half of the product with a random fraction. The bias is below 2^-32 if `end` is below 2^32.
        let fraction = u128::from(mixed(self.seed, self.drawn));
        ((fraction * end as u128) >> 64) as usize
    }
}

/// Mixes a seed and a position into a number with the output function of splitmix64.
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
    fn all_numbers_are_drawn_equally_often() {
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
