//! TPLinker (Wang et al. 2020): a state for each pair of tokens, and its links.

use burn::{
    module::Module,
    tensor::{Device, Int, Tensor, TensorData, activation::tanh},
};

use super::{forward_rows, rare_labels};
use crate::{Linear, Pack, WeightType, linear::PairLinear};

/// The handshaking kernel and the taggers of TPLinker, with one logit for each label, as in the authors' later multi-label
/// form. A label layout and a decoder with the same rows and columns are `handshake_cells` and `TpLinker`.
///
/// ```
/// use rere_model::{
///     TpLinkerHead,
///     burn::tensor::{Device, Tensor},
/// };
///
/// let device = Device::flex();
/// let head = TpLinkerHead::new(32, 12, &device); // hidden size, relations
/// let logits = head.forward(Tensor::zeros([2, 5, 32], &device));
/// assert_eq!(logits.dims(), [2, 15, 49]); // 5 * 6 / 2 pairs of tokens, 1 + 4 * 12 columns
/// ```
#[derive(Module, Debug)]
pub struct TpLinkerHead {
    cell: PairLinear,
    output: Linear,
}

impl Pack for TpLinkerHead {
    fn pack(self, weights: WeightType) -> Self {
        Self { cell: self.cell.pack(weights), output: self.output.pack(weights) }
    }
}

impl TpLinkerHead {
    /// Creates a head with random weights.
    pub fn new(hidden: usize, relations: usize, device: &Device) -> Self {
        Self {
            cell: PairLinear::new(hidden, hidden, device),
            output: rare_labels(hidden, 1 + 4 * relations, 1e-4, device),
        }
    }

    /// Replaces the weights of the kernel, the entities and the first relations by those of another head, which may have
    /// fewer relations.
    ///
    /// # Panics
    /// Panics if the other head has more relations or another hidden size.
    #[must_use]
    pub fn with_first_of(self, other: Self) -> Self {
        Self { cell: other.cell, output: self.output.with_first_of(other.output) }
    }

    /// Computes logits, `[batch, tokens * (tokens + 1) / 2, 1 + 4 * relations]`, from hidden states, `[batch, tokens,
    /// hidden]`: Eq. 1, and the taggers. The rows are the pairs (0, 0), (0, 1), …, (0, tokens - 1), (1, 1), ….
    pub fn forward(&self, hidden: Tensor<3>) -> Tensor<3> {
        let ([_, tokens, _], device) = (hidden.dims(), hidden.device());
        let pairs = (0..tokens as i64).flat_map(|i| (i..tokens as i64).map(move |j| (i, j)));
        let (first, second): (Vec<i64>, Vec<i64>) = pairs.unzip();
        let [first, second] = [first, second].map(|tokens| {
            let count = tokens.len();
            Tensor::<1, Int>::from_data(TensorData::new(tokens, [count]), &device)
        });
        let [a, b] = self.cell.forward(hidden.clone(), hidden);
        forward_rows(&self.output, tanh(a.select(1, first).add(b.select(1, second))))
    }
}
