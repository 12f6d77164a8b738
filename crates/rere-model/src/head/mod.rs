//! Heads, which turn hidden states into logits, and networks of an encoder and a head.

mod casrel;
mod pair;
mod pointer;
mod prgc;
mod relation;
mod tagging;
mod tplinker;

use burn::{
    module::{Module, ModuleDisplay, Param},
    nn::{self, LinearConfig},
    tensor::{Device, Tensor},
};

pub use casrel::CasRelHead;
pub use pair::PairHead;
pub use pointer::{POINTERS, PointerHead};
pub use prgc::PrgcHead;
pub use relation::{Pooling, RelationHead, RelationModel};
pub use tagging::TaggingHead;
pub use tplinker::TpLinkerHead;

use crate::{AnyEncoder, Encoder, EncoderConfig, EncoderInput, Linear, ModelError, Pack, WeightType};

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

/// A network of an encoder and a head that reads the hidden states of all tokens.
///
/// ```
/// use rere_model::{
///     BertConfig, CasRelHead, EncoderInput, Network, PointerHead,
///     burn::tensor::{Device, Int, Tensor},
/// };
///
/// let device = Device::flex();
/// let encoder = BertConfig::tiny(100).into();
/// // A query of a relation, `[CLS] query [SEP]`, and a sentence of three tokens.
/// let input = EncoderInput::new(
///     Tensor::<2, Int>::from_ints([[2, 40, 3, 17, 18, 19, 3]], &device),
///     Tensor::<2, Int>::from_ints([[0, 0, 0, 1, 1, 1, 1]], &device),
///     Tensor::<2, Int>::ones([1, 7], &device).bool(),
/// );
/// let pointers = Network::new(&encoder, &device, |hidden| PointerHead::new(hidden, &device))?;
/// assert_eq!(pointers.head.forward(pointers.encode(&input)).dims(), [1, 7, 4]);
///
/// let casrel = Network::new(&encoder, &device, |hidden| CasRelHead::new(hidden, 12, &device))?; // 12 relations
/// assert_eq!(casrel.head.subjects(casrel.encode(&input)).dims(), [1, 7, 2]);
/// # Ok::<(), rere_model::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct Network<H: Module> {
    /// The encoder.
    pub encoder: AnyEncoder,
    /// The head.
    pub head: H,
}

impl<H: Module> Network<H> {
    /// Creates a network with random weights. `head` gets the size of the hidden states.
    ///
    /// # Errors
    /// Returns an error if a setting of the encoder is invalid or not supported.
    pub fn new(encoder: &EncoderConfig, device: &Device, head: impl FnOnce(usize) -> H) -> Result<Self, ModelError> {
        let encoder = encoder.init(device)?;
        let head = head(encoder.hidden_size());
        Ok(Self { encoder, head })
    }

    /// Computes hidden states, `[batch, tokens, hidden]`, the input of the head.
    pub fn encode(&self, input: &EncoderInput) -> Tensor<3> {
        self.encoder.forward(input)
    }
}

impl<H: Module + Pack> Pack for Network<H> {
    fn pack(self, weights: WeightType) -> Self {
        Self { encoder: self.encoder.pack(weights), head: self.head.pack(weights) }
    }
}

impl<H: Module + ModuleDisplay> HasEncoder for Network<H> {
    fn encoder(&self) -> &AnyEncoder {
        &self.encoder
    }

    fn map_encoder<E>(mut self, map: impl FnOnce(AnyEncoder) -> Result<AnyEncoder, E>) -> Result<Self, E> {
        self.encoder = map(self.encoder)?;
        Ok(self)
    }
}

/// Creates a linear layer for labels that are rarely 1, with random weights. Its biases begin at the logit of `share`, about the
/// share of labels that are 1 (Lin et al. 2017, Section 4.1): otherwise many steps would only learn that labels are rare.
fn rare_labels(inputs: usize, labels: usize, share: f64, device: &Device) -> Linear {
    let bias = Tensor::full([labels], (share / (1.0 - share)).ln(), device);
    let layer = nn::Linear { bias: Some(Param::from_tensor(bias)), ..LinearConfig::new(inputs, labels).init(device) };
    layer.into()
}

/// Applies a linear layer to each state, `[batch, tokens, size]`. Rows are tokens, because two-dimensional matrix products
/// are much faster than batched ones.
fn forward_rows(linear: &Linear, states: Tensor<3>) -> Tensor<3> {
    let [batch, tokens, size] = states.dims();
    let outputs = linear.forward(states.reshape([batch * tokens, size]));
    let [_, columns] = outputs.dims();
    outputs.reshape([batch, tokens, columns])
}

/// Replaces the first rows (`dim` 0) or columns (1) of a parameter by those of `first`. The result has no gradient yet, so
/// that a parameter made from it is a leaf of the autodiff graph.
///
/// # Panics
/// Panics if `first` has more rows or columns.
pub(crate) fn with_first(tensor: Tensor<2>, first: Tensor<2>, dim: usize) -> Tensor<2> {
    let (all, replaced) = (tensor.dims()[dim], first.dims()[dim]);
    let kept = all.checked_sub(replaced).expect("`first` has no more outputs than `layer`");
    let is_autodiff = tensor.device().is_autodiff();
    let detached = |tensor: Tensor<2>| if is_autodiff { tensor.inner() } else { tensor };
    let mut joined = detached(first);
    // A tensor without elements cannot be cut out.
    if kept > 0 {
        joined = Tensor::cat(vec![joined, detached(tensor).narrow(dim, replaced, kept)], dim);
    }
    if is_autodiff { Tensor::from_inner(joined) } else { joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_outputs_are_those_of_the_other_layer() {
        let device = Device::flex();
        let [small, large] = [2, 5].map(|outputs| Linear::new(3, outputs, &device));
        let input = Tensor::<2>::from_floats([[0.3, -1.0, 2.0], [1.0, 0.5, -0.2]], &device);
        let [of_small, of_large] = [&small, &large].map(|layer| layer.forward(input.clone()));
        let joined = large.with_first_of(small).forward(input.clone());
        let difference = |a: Tensor<2>, b: Tensor<2>| (a - b).abs().max().into_scalar::<f32>();
        assert_eq!(difference(joined.clone().narrow(1, 0, 2), of_small), 0.0);
        assert_eq!(difference(joined.narrow(1, 2, 3), of_large.narrow(1, 2, 3)), 0.0);
        // A model is trained further without new relations.
        let [trained, new] = [2, 2].map(|outputs| Linear::new(3, outputs, &device));
        let expected = trained.forward(input.clone());
        assert_eq!(difference(new.with_first_of(trained).forward(input), expected), 0.0);
    }
}
