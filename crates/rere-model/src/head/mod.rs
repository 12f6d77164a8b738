//! Heads: from hidden states to logits; and the networks of an encoder and its heads.

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

/// Dropout in front of a head, as in the authors' code of RERE.
const DROPOUT: f64 = 0.1;

/// A network with one encoder, so that its pretrained weights can be put in and its lower layers frozen.
pub trait HasEncoder: Module {
    /// The encoder.
    fn encoder(&self) -> &AnyEncoder;

    /// Replaces the encoder.
    ///
    /// # Errors
    /// Returns the error of `map`.
    fn map_encoder<E>(self, map: impl FnOnce(AnyEncoder) -> Result<AnyEncoder, E>) -> Result<Self, E>;
}

/// A layer with the weights of another one for its first outputs: a head to which outputs are added.
///
/// The parameters are in no graph, as those of a layer that is to be trained must be.
///
/// # Panics
/// Panics if the other layer has more outputs, or another number of inputs.
#[must_use]
pub fn with_first_outputs(layer: Linear, first: Linear) -> Linear {
    let [_, taken] = first.weight.dims();
    let [_, all] = layer.weight.dims();
    let rest = all.checked_sub(taken).expect("the other layer has no more outputs");
    let is_autodiff = layer.weight.val().device().is_autodiff();
    // Outside of any graph, as a parameter must be.
    let plain = |tensor: Tensor<2>| if is_autodiff { tensor.inner() } else { tensor };
    let joined = |first: Tensor<2>, layer: Tensor<2>| {
        let tensor = Tensor::cat(vec![plain(first), plain(layer).narrow(1, taken, rest)], 1);
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
