//! Linear layers that can be trained, or whose weights are packed for the CPU in f32 or 8 bits.

use std::{array, mem};

use burn::{
    module::{Module, ModuleVisitor, Param},
    nn::{self, LinearConfig},
    tensor::{Device, Tensor, module},
};

use crate::{
    Activation, ModelError,
    error::OnnxProblem,
    head::with_first,
    ops::{
        flex::{matrix, values},
        packed::{self, WeightType, Weights},
    },
};

/// A part of a network whose linear layers can be packed: [`Precision::cast`](crate::Precision::cast) does it on `flex`.
///
/// ```
/// use rere_model::{
///     Linear, Pack, WeightType,
///     burn::{module::Module, tensor::Device},
/// };
///
/// #[derive(Module, Debug)]
/// struct MyHead {
///     hidden: Linear,
///     output: Linear,
/// }
///
/// impl Pack for MyHead {
///     fn pack(self, weights: WeightType) -> Self {
///         Self { hidden: self.hidden.pack(weights), output: self.output.pack(weights) }
///     }
/// }
///
/// let device = Device::flex();
/// let head = MyHead { hidden: Linear::new(64, 32, &device), output: Linear::new(32, 4, &device) };
/// assert_eq!(head.pack(WeightType::Int8).num_params(), 0);
/// ```
pub trait Pack {
    /// Packs the linear layers, which must be in f32 on `flex`. The result cannot be trained or saved.
    #[must_use]
    fn pack(self, weights: WeightType) -> Self;
}

/// A linear layer, `x W + b`.
///
/// Packed weights are in the order in which the fastest matrix product for the CPU reads them. In 8 bits, weights and inputs
/// are whole numbers with a scale for each output and each row (LLM.int8(), Dettmers et al. 2022), after a rotation that
/// evens them out (QuaRot, Ashkboos et al. 2024). Sums and outputs have 32 bits.
///
/// ```
/// use rere_model::{
///     Linear, Pack, WeightType,
///     burn::tensor::{Device, Tensor},
/// };
///
/// let layer = Linear::new(64, 2, &Device::flex()); // inputs, outputs
/// let x = Tensor::<2>::ones([5, 64], &Device::flex());
/// let exact = layer.forward(x.clone());
/// let difference = (layer.pack(WeightType::Int8).forward(x) - exact).abs().max().into_scalar::<f32>();
/// assert!(difference < 0.01);
/// ```
#[derive(Module, Debug)]
pub enum Linear {
    /// Weights as they are trained, or in 16 bits.
    Float(nn::Linear),
    /// Packed weights.
    Packed(PackedLinear),
}

/// The packed weights of a [`Linear`], for f32 inputs on `flex`.
#[derive(Module, Debug)]
pub struct PackedLinear {
    #[module(skip)]
    weights: Weights,
}

impl From<nn::Linear> for Linear {
    fn from(layer: nn::Linear) -> Self {
        Self::Float(layer)
    }
}

impl Pack for Linear {
    fn pack(self, weights: WeightType) -> Self {
        match self {
            Self::Float(layer) => {
                let (weight, bias) = parameters(&layer);
                Self::Packed(PackedLinear { weights: Weights::new(&values(weight), bias, weights) })
            }
            Self::Packed(_) => self,
        }
    }
}

/// Returns whether a network has packed layers.
pub(crate) fn is_packed(network: &impl Module) -> bool {
    struct Visitor(bool);
    impl ModuleVisitor for Visitor {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.0 |= name == "Packed" && matches!(container, "Enum:Linear" | "Enum:PairLinear");
        }
    }
    let mut visitor = Visitor(false);
    network.visit(&mut visitor);
    visitor.0
}

/// Checks that a network can be written as ONNX: packed weights have an order of their own.
pub(crate) fn check_not_packed(network: &impl Module) -> Result<(), ModelError> {
    if is_packed(network) { Err(ModelError::Onnx(OnnxProblem::Packed)) } else { Ok(()) }
}

/// Returns the weights of a layer, `[inputs, outputs]`, and its bias or zeros.
fn parameters(layer: &nn::Linear) -> (Tensor<2>, Vec<f32>) {
    let weight = layer.weight.val();
    let [_, outputs] = weight.dims();
    let bias = layer.bias.as_ref().map_or_else(|| vec![0.0; outputs], |bias| values(bias.val()).to_vec());
    (weight, bias)
}

impl Linear {
    /// Creates a layer with random weights and a bias.
    pub fn new(inputs: usize, outputs: usize, device: &Device) -> Self {
        LinearConfig::new(inputs, outputs).init(device).into()
    }

    /// Returns the numbers of inputs and outputs.
    pub fn dims(&self) -> [usize; 2] {
        match self {
            Self::Float(layer) => layer.weight.dims(),
            Self::Packed(layer) => layer.weights.dims(),
        }
    }

    /// Replaces the weights of the first outputs by those of another layer: adds outputs to a trained head.
    ///
    /// ```
    /// use rere_model::{Linear, burn::tensor::Device};
    ///
    /// let device = Device::flex();
    /// let trained = Linear::new(128, 12, &device);
    /// let larger = Linear::new(128, 14, &device).with_first_of(trained);
    /// assert_eq!(larger.dims(), [128, 14]);
    /// ```
    ///
    /// # Panics
    /// Panics if `first` has more outputs or another number of inputs, or if one of the layers is packed.
    #[must_use]
    pub fn with_first_of(self, first: Self) -> Self {
        let (Self::Float(layer), Self::Float(first)) = (self, first) else {
            panic!("packed layers are not trained further");
        };
        let weight = with_first(layer.weight.val(), first.weight.val(), 1);
        let bias = layer.bias.zip(first.bias).map(|(layer, first)| {
            let row = |bias: Param<Tensor<1>>| bias.val().unsqueeze::<2>();
            Param::from_tensor(with_first(row(layer), row(first), 1).squeeze_dim::<1>(0))
        });
        nn::Linear { weight: Param::from_tensor(weight), bias }.into()
    }

    /// Computes outputs, `[rows, outputs]`, from inputs, `[rows, inputs]`. Two-dimensional matrix products are much faster than
    /// batched ones.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Float(layer) => layer.forward(x),
            Self::Packed(layer) => {
                let [output] = forward_packed([&layer.weights], x);
                output
            }
        }
    }

    /// Computes `x W`, the outputs without the bias.
    pub(crate) fn forward_without_bias(&self, x: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Float(layer) => x.matmul(layer.weight.val()),
            Self::Packed(layer) => {
                let [output] = forward_packed([&layer.weights.without_bias()], x);
                output
            }
        }
    }

    /// Computes the outputs of layers over the same inputs.
    pub(crate) fn forward_all<const N: usize>(layers: [&Self; N], x: Tensor<2>) -> [Tensor<2>; N] {
        match all_packed(layers) {
            Some(weights) => forward_packed(weights, x),
            None => layers.map(|layer| layer.forward(x.clone())),
        }
    }

    /// Computes equal parts of the outputs. In floating point, the weights are cut, which is cheaper than to cut the outputs:
    /// their gradients would be as large as all parts together.
    pub(crate) fn forward_parts<const N: usize>(&self, x: Tensor<2>) -> [Tensor<2>; N] {
        let [_, outputs] = self.dims();
        let size = outputs / N;
        match self {
            Self::Float(layer) => array::from_fn(|i| {
                let weight = layer.weight.val().narrow(1, i * size, size);
                let bias = layer.bias.as_ref().map(|bias| bias.val().narrow(0, i * size, size));
                module::linear(x.clone(), weight, bias)
            }),
            Self::Packed(_) => {
                let all = self.forward(x);
                array::from_fn(|i| all.clone().narrow(1, i * size, size))
            }
        }
    }

    /// Computes `down(activation(up(x)))`.
    pub(crate) fn feed_forward(up: &Self, activation: Activation, down: &Self, x: Tensor<2>) -> Tensor<2> {
        match all_packed([up, down]) {
            Some([up, down]) => {
                let device = x.device();
                matrix(packed::feed_forward(&values(x), up, activation, down), down.dims()[1], &device)
            }
            None => down.forward(activation.forward(up.forward(x))),
        }
    }
}

/// Returns the weights of layers if all are packed.
fn all_packed<'a, const N: usize>(layers: [&'a Linear; N]) -> Option<[&'a Weights; N]> {
    let weights = layers.iter().filter_map(|layer| match layer {
        Linear::Packed(layer) => Some(&layer.weights),
        Linear::Float(_) => None,
    });
    weights.collect::<Vec<&'a Weights>>().try_into().ok()
}

fn forward_packed<const N: usize>(layers: [&Weights; N], x: Tensor<2>) -> [Tensor<2>; N] {
    let device = x.device();
    let mut outputs = packed::linear(&values(x), layers);
    array::from_fn(|i| matrix(mem::take(&mut outputs[i]), layers[i].dims()[1], &device))
}

/// A linear layer over pairs `[a; b]`. The parts of the outputs that depend on `a` and on `b` are computed separately, so that all
/// pairs of tokens cost one product for each token.
#[derive(Module, Debug)]
pub(crate) enum PairLinear {
    Float(nn::Linear),
    Packed(PackedPair),
}

/// The packed weights of a [`PairLinear`]: those of `a`, and those of `b` with the bias.
#[derive(Module, Debug)]
pub(crate) struct PackedPair {
    #[module(skip)]
    halves: [Weights; 2],
}

impl Pack for PairLinear {
    fn pack(self, weights: WeightType) -> Self {
        match self {
            Self::Float(layer) => {
                let (weight, bias) = parameters(&layer);
                let weight = values(weight);
                let (a, b) = weight.split_at(weight.len() / 2);
                let halves = [Weights::new(a, vec![0.0; bias.len()], weights), Weights::new(b, bias, weights)];
                Self::Packed(PackedPair { halves })
            }
            Self::Packed(_) => self,
        }
    }
}

impl PairLinear {
    /// Creates a layer over pairs of states with random weights and a bias.
    pub fn new(size: usize, outputs: usize, device: &Device) -> Self {
        Self::Float(LinearConfig::new(2 * size, outputs).init(device))
    }

    /// Computes the parts of the outputs, `[batch, tokens, outputs]`, from states of one size, `[batch, tokens, size]`. The
    /// layer's output for a token of `a` and one of `b` is the sum of their parts.
    pub fn forward(&self, a: Tensor<3>, b: Tensor<3>) -> [Tensor<3>; 2] {
        let dims = [a.dims(), b.dims()];
        let [a, b] = [a, b].map(|states| {
            let [batch, tokens, size] = states.dims();
            states.reshape([batch * tokens, size])
        });
        let parts = match self {
            Self::Float(layer) => {
                let weight = layer.weight.val();
                let [_, _, size] = dims[0];
                let [first, second] = [0, size].map(|from| weight.clone().narrow(0, from, size));
                [a.matmul(first), module::linear(b, second, layer.bias.as_ref().map(|bias| bias.val()))]
            }
            Self::Packed(PackedPair { halves: [first, second] }) => {
                let ([a], [b]) = (forward_packed([first], a), forward_packed([second], b));
                [a, b]
            }
        };
        let split = |part: Tensor<2>, [batch, tokens, _]: [usize; 3]| {
            let [_, outputs] = part.dims();
            part.reshape([batch, tokens, outputs])
        };
        let [a, b] = parts;
        [split(a, dims[0]), split(b, dims[1])]
    }
}
