//! Novel tagging (Zheng et al. 2017): an LSTM that reads its own tags.

use burn::{
    module::Module,
    nn::LinearConfig,
    tensor::{
        Device, FloatDType, Tensor,
        activation::{sigmoid, tanh},
    },
};

use crate::{Linear, Pack, WeightType};

/// The tag decoder of novel tagging: an LSTM over the tokens that also reads the vector of the tag before.
///
/// ```
/// use rere_model::{
///     TaggingHead,
///     burn::tensor::{Device, Tensor},
/// };
///
/// let device = Device::flex();
/// let head = TaggingHead::new(32, 24, 16, 12, &device); // hidden, state and tag size, relations
/// assert_eq!(head.forward(Tensor::zeros([1, 5, 32], &device)).dims(), [1, 5, 97]); // O, and 8 tags for each relation
/// ```
#[derive(Module, Debug)]
pub struct TaggingHead {
    /// From a hidden state to the gates i, f, z, o.
    input: Linear,
    /// From the state before to the gates i, f, z, o.
    state: Linear,
    /// From the vector of the tag before to the gates i, f, z.
    tag: Linear,
    /// From the cell to the gate o.
    cell: Linear,
    /// From a state to the vector of a tag.
    embed: Linear,
    output: Linear,
}

impl Pack for TaggingHead {
    fn pack(self, weights: WeightType) -> Self {
        Self {
            input: self.input.pack(weights),
            state: self.state.pack(weights),
            tag: self.tag.pack(weights),
            cell: self.cell.pack(weights),
            embed: self.embed.pack(weights),
            output: self.output.pack(weights),
        }
    }
}

impl TaggingHead {
    /// Creates a head with random weights. `state` is the size of the LSTM, `tag` that of a tag's vector.
    pub fn new(hidden: usize, state: usize, tag: usize, relations: usize, device: &Device) -> Self {
        let layer =
            |inputs, outputs, bias| Linear::from(LinearConfig::new(inputs, outputs).with_bias(bias).init(device));
        Self {
            input: layer(hidden, 4 * state, true),
            state: layer(state, 4 * state, false),
            tag: layer(tag, 3 * state, false),
            cell: layer(state, state, false),
            embed: layer(state, tag, true),
            output: layer(tag, 1 + 8 * relations, true),
        }
    }

    /// Replaces all weights by those of another head, which may have fewer relations.
    ///
    /// # Panics
    /// Panics if the other head has more relations or another size.
    #[must_use]
    pub fn with_first_of(self, other: Self) -> Self {
        Self { output: self.output.with_first_of(other.output), ..other }
    }

    /// Computes the logits of a softmax over the tags, `[batch, tokens, 1 + 8 * relations]`, from hidden states, `[batch,
    /// tokens, hidden]` (Section 3.2 of the paper, the decoder LSTM).
    pub fn forward(&self, hidden: Tensor<3>) -> Tensor<3> {
        let ([batch, tokens, size], device) = (hidden.dims(), hidden.device());
        let dtype = FloatDType::from(hidden.dtype());
        let [width, gates] = self.state.dims();
        let [_, tag_size] = self.embed.dims();
        let inputs = self.input.forward(hidden.reshape([batch * tokens, size])).reshape([batch, tokens, gates]);
        let zeros = |size| Tensor::<2>::zeros([batch, size], &device).cast(dtype);
        let (mut state, mut cell, mut tag) = (zeros(width), zeros(width), zeros(tag_size));
        let mut tags = Vec::with_capacity(tokens);
        for token in 0..tokens {
            let input = inputs.clone().narrow(1, token, 1).reshape([batch, gates]);
            let sum = input.add(self.state.forward(state));
            let with_tag = sum.clone().narrow(1, 0, 3 * width).add(self.tag.forward(tag));
            let gate = |number| with_tag.clone().narrow(1, number * width, width);
            cell = sigmoid(gate(1)).mul(cell).add(sigmoid(gate(0)).mul(tanh(gate(2))));
            let open = sigmoid(sum.narrow(1, 3 * width, width).add(self.cell.forward(cell.clone())));
            state = open.mul(tanh(cell.clone()));
            tag = self.embed.forward(state.clone());
            tags.push(tag.clone());
        }
        let tags = Tensor::stack::<3>(tags, 1).reshape([batch * tokens, tag_size]);
        let logits = self.output.forward(tags);
        let [_, count] = logits.dims();
        logits.reshape([batch, tokens, count])
    }
}
