//! Heads, which turn hidden states into logits, and networks of an encoder and a head.

mod casrel;
mod pointer;
mod relation;

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::Tensor,
};

pub use casrel::{CasRelHead, CasRelModel};
pub use pointer::{POINTERS, PointerHead, PointerModel};
pub use relation::{Pooling, RelationHead, RelationModel};

use crate::AnyEncoder;

/// Dropout before a head, as in the RERE authors' code.
const DROPOUT: f64 = 0.1;

/// A network with one encoder, so that pretrained weights can be loaded and lower layers frozen.
pub trait HasEncoder: Module {
    /// Returns the encoder.
    fn encoder(&self) -> &AnyEncoder;

    /// Replaces the encoder.
    ///
    /// # Errors
    /// Returns the error of `map`.
    fn map_encoder<E>(self, map: impl FnOnce(AnyEncoder) -> Result<AnyEncoder, E>) -> Result<Self, E>;
}

/// Replaces the weights of the first outputs of `layer` by those of `first`: adds outputs to a trained head.
///
/// ```
/// use rere_model::{
///     burn::{nn::LinearConfig, tensor::Device},
///     with_first_outputs,
/// };
///
/// let device = Device::flex();
/// let trained = LinearConfig::new(128, 12).init(&device);
/// let larger = with_first_outputs(LinearConfig::new(128, 14).init(&device), trained);
/// assert_eq!(larger.weight.dims(), [128, 14]);
/// ```
///
/// # Panics
/// Panics if `first` has more outputs or another number of inputs.
#[must_use]
pub fn with_first_outputs(layer: Linear, first: Linear) -> Linear {
    let [_, replaced] = first.weight.dims();
    let [_, all] = layer.weight.dims();
    let kept = all.checked_sub(replaced).expect("`first` has no more outputs than `layer`");
    let is_autodiff = layer.weight.val().device().is_autodiff();
    // A trainable parameter must be a leaf of the autodiff graph.
    let detached = |tensor: Tensor<2>| if is_autodiff { tensor.inner() } else { tensor };
    let joined = |first: Tensor<2>, layer: Tensor<2>| {
        let tensor = Tensor::cat(vec![detached(first), detached(layer).narrow(1, replaced, kept)], 1);
        if is_autodiff { Tensor::from_inner(tensor) } else { tensor }
    };
    let weight = joined(first.weight.val(), layer.weight.val());
    let bias = layer.bias.zip(first.bias).map(|(layer, first)| {
        let row = |bias: Param<Tensor<1>>| bias.val().unsqueeze::<2>();
        Param::from_tensor(joined(row(first), row(layer)).squeeze_dim::<1>(0))
    });
    Linear { weight: Param::from_tensor(weight), bias }
}

#[cfg(test)]
mod tests {
    use burn::{nn::LinearConfig, tensor::Device};

    use super::*;

    #[test]
    fn the_first_outputs_are_those_of_the_other_layer() {
        let device = Device::flex();
        let [small, large] = [2, 5].map(|outputs| LinearConfig::new(3, outputs).init(&device));
        let input = Tensor::<2>::from_floats([[0.3, -1.0, 2.0], [1.0, 0.5, -0.2]], &device);
        let [of_small, of_large] = [&small, &large].map(|layer| layer.forward(input.clone()));
        let joined = with_first_outputs(large, small).forward(input);
        let difference = |a: Tensor<2>, b: Tensor<2>| (a - b).abs().max().into_scalar::<f32>();
        assert_eq!(difference(joined.clone().narrow(1, 0, 2), of_small), 0.0);
        assert_eq!(difference(joined.narrow(1, 2, 3), of_large.narrow(1, 2, 3)), 0.0);
    }
}
