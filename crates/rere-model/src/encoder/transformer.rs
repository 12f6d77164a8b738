//! What all transformers share: lower layers that are frozen, and a last layer that computes only the first token.

use std::ops::Range;

use burn::{
    module::Module,
    tensor::{Bool, Tensor},
};

use super::{Encoder, EncoderInput};

/// An encoder of embeddings and layers. Rows of states are tokens, `[batch * tokens, hidden]`, because two-dimensional matrix
/// products are much faster than batched ones.
pub(super) trait Transformer: Module {
    /// A layer.
    type Layer;

    /// What all layers need besides the states, such as positions.
    type Shared;

    /// The layers.
    fn layers(&self) -> &[Self::Layer];

    /// Number of lowest layers that, like the embeddings, are not trained; `None` if everything is trained.
    fn frozen_layers(&self) -> Option<usize>;

    /// Size of a hidden state.
    fn size(&self) -> usize;

    /// Computes the input of the first layer.
    fn embed(&self, input: &EncoderInput) -> Tensor<2>;

    /// Prepares what all layers need.
    fn share(&self, input: &EncoderInput) -> Self::Shared;

    /// Computes a layer's output for the tokens `rows`, the first ones of each sentence. They attend to all tokens `hidden`.
    fn apply(layer: &Self::Layer, rows: Tensor<2>, hidden: Tensor<2>, shared: &Self::Shared) -> Tensor<2>;

    /// Computes the hidden states from the output of the last layer.
    fn finish(&self, hidden: Tensor<2>) -> Tensor<2> {
        hidden
    }

    /// Computes the input of the last layer.
    fn below_last(&self, input: &EncoderInput, shared: &Self::Shared) -> Tensor<2> {
        let below = 0..self.layers().len().saturating_sub(1);
        let Some(states) = input.frozen.clone().or_else(|| self.frozen(input)) else {
            return self.apply_layers(self.embed(input), below, shared);
        };
        let [batch, tokens, size] = states.dims();
        let states = states.reshape([batch * tokens, size]);
        let states = if input.ids.device().is_autodiff() { Tensor::from_inner(states) } else { states };
        self.apply_layers(states, self.frozen_below_last()..below.end, shared)
    }

    /// Returns the number of frozen layers below the last one, which [`Encoder::first`] computes differently.
    fn frozen_below_last(&self) -> usize {
        self.frozen_layers().unwrap_or_default().min(self.layers().len().saturating_sub(1))
    }

    fn apply_layers(&self, hidden: Tensor<2>, layers: Range<usize>, shared: &Self::Shared) -> Tensor<2> {
        let layers = &self.layers()[layers];
        layers.iter().fold(hidden, |hidden, layer| Self::apply(layer, hidden.clone(), hidden, shared))
    }
}

impl<T: Transformer> Encoder for T {
    fn forward(&self, input: &EncoderInput) -> Tensor<3> {
        let shared = self.share(input);
        let hidden = self.below_last(input, &shared);
        let last = self.layers().len().saturating_sub(1)..self.layers().len();
        split_rows(self.finish(self.apply_layers(hidden, last, &shared)), input)
    }

    /// The last layer computes only the first token, which attends to all tokens.
    fn first(&self, input: &EncoderInput) -> Tensor<2> {
        let shared = self.share(input);
        let hidden = self.below_last(input, &shared);
        let [batch, _] = input.ids.dims();
        let first = split_rows(hidden.clone(), input).narrow(1, 0, 1).reshape([batch, self.size()]);
        self.finish(match self.layers().last() {
            Some(last) => Self::apply(last, first, hidden, &shared),
            None => first,
        })
    }

    /// Frozen layers need no gradient. Without autodiff, burn does not split their operations into small ones.
    fn frozen(&self, input: &EncoderInput) -> Option<Tensor<3>> {
        self.frozen_layers()?;
        let (plain, input) = if input.ids.device().is_autodiff() {
            (self.valid(), input.inner())
        } else {
            (self.clone(), input.clone())
        };
        let hidden = plain.apply_layers(plain.embed(&input), 0..plain.frozen_below_last(), &plain.share(&input));
        Some(split_rows(hidden, &input))
    }

    fn keeps_frozen(&self) -> bool {
        self.frozen_layers().is_some()
    }

    fn hidden_size(&self) -> usize {
        self.size()
    }
}

/// Freezes the lowest `count` layers.
pub(super) fn freeze_lower<L: Module>(layers: Vec<L>, count: usize) -> Vec<L> {
    layers.into_iter().enumerate().map(|(i, layer)| if i < count { layer.freeze() } else { layer }).collect()
}

/// Returns true for padding, `[batch, 1, 1, tokens]`.
pub(super) fn padding(input: &EncoderInput) -> Tensor<4, Bool> {
    let [batch, tokens] = input.mask.dims();
    input.mask.clone().bool_not().reshape([batch, 1, 1, tokens])
}

/// Returns the number of tokens of each sentence, without padding.
pub(super) fn lengths(input: &EncoderInput) -> Vec<usize> {
    input.mask.clone().int().sum_dim(1).into_data().iter::<i64>().map(|length| length as usize).collect()
}

/// Reshapes `[batch * tokens, hidden]` to `[batch, tokens, hidden]`.
fn split_rows(hidden: Tensor<2>, input: &EncoderInput) -> Tensor<3> {
    let [batch, tokens] = input.ids.dims();
    let [_, size] = hidden.dims();
    hidden.reshape([batch, tokens, size])
}
