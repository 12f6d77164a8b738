//! Pair classification (paradigm P1): mentions, then the relations of each pair.

use burn::{
    module::Module,
    tensor::{Device, FloatDType, Tensor, activation::tanh},
};

use super::{forward_rows, rare_labels};
use crate::{Linear, Pack, WeightType};

/// A tagger of mentions and a classifier of pairs, without dropout. Mentions are found by their starts and ends, as CasRel
/// finds subjects. A pair is represented as in SpERT (Eberts and Ulges 2020): by subject, the tokens between, and object;
/// here each by its mean, and with a hidden layer.
///
/// ```
/// use rere_model::{
///     PairHead,
///     burn::tensor::{Device, Tensor},
/// };
///
/// let device = Device::flex();
/// let head = PairHead::new(32, 12, &device); // hidden size, relations
/// let hidden = Tensor::<3>::zeros([1, 5, 32], &device);
/// assert_eq!(head.mentions(hidden.clone()).dims(), [1, 5, 2]);
/// // One pair: tokens 0 and 1 are the subject, token 4 is the object.
/// let weights = |weights: [f32; 5]| Tensor::<3>::from_floats([[weights]], &device);
/// let pair = [[0.5, 0.5, 0.0, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0]].map(weights);
/// assert_eq!(head.pairs(hidden, pair).dims(), [1, 1, 12]);
/// ```
#[derive(Module, Debug)]
pub struct PairHead {
    mention: Linear,
    pair_hidden: Linear,
    pair: Linear,
}

impl Pack for PairHead {
    fn pack(self, weights: WeightType) -> Self {
        Self {
            mention: self.mention.pack(weights),
            pair_hidden: self.pair_hidden.pack(weights),
            pair: self.pair.pack(weights),
        }
    }
}

impl PairHead {
    /// Creates a head with random weights.
    pub fn new(hidden: usize, relations: usize, device: &Device) -> Self {
        Self {
            mention: rare_labels(hidden, 2, 1e-2, device),
            pair_hidden: Linear::new(3 * hidden, hidden, device),
            pair: rare_labels(hidden, relations, 1e-2, device),
        }
    }

    /// Replaces all weights by those of another head, which may have fewer relations.
    ///
    /// # Panics
    /// Panics if the other head has more relations or another hidden size.
    #[must_use]
    pub fn with_first_of(self, other: Self) -> Self {
        Self { pair: self.pair.with_first_of(other.pair), ..other }
    }

    /// Computes two logits for each token, `[batch, tokens, 2]`: that it starts or ends a mention.
    pub fn mentions(&self, hidden: Tensor<3>) -> Tensor<3> {
        forward_rows(&self.mention, hidden)
    }

    /// Computes a logit for each pair and relation, `[batch, pairs, relations]`.
    ///
    /// `[subjects, between, objects]`, each `[batch, pairs, tokens]`, have the weights of the tokens in the mean of each pair's
    /// subject, of the tokens between, and of its object: 1 / length for these tokens, 0 for others.
    pub fn pairs(&self, hidden: Tensor<3>, weights: [Tensor<3>; 3]) -> Tensor<3> {
        let dtype = FloatDType::from(hidden.dtype());
        let means = weights.map(|weights| weights.cast(dtype).matmul(hidden.clone()));
        let states = tanh(forward_rows(&self.pair_hidden, Tensor::cat(means.into(), 2)));
        forward_rows(&self.pair, states)
    }
}
