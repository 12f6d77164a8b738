//! Graphs of ONNX operators, built node by node.

use burn::{
    module::Param,
    nn::{self, Embedding, LayerNorm},
    tensor::{FloatDType, Tensor},
};

use super::proto;
use crate::{Activation, Linear, linear::PairLinear};

/// A value of a graph: an input, a constant, or the output of a node.
#[derive(Debug, Clone)]
pub(crate) struct Value(String);

/// A dimension of an input or output.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Dimension {
    /// A fixed size.
    Size(usize),
    /// A size that differs from call to call.
    Any(&'static str),
}

/// The type of the elements of an input or output.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Element {
    F32 = proto::FLOAT as isize,
    I64 = proto::INT64 as isize,
}

/// Creates an attribute with a whole number.
fn int(name: &str, value: i64) -> proto::Attribute {
    proto::Attribute { name: name.into(), kind: proto::INT_ATTRIBUTE, int: Some(value), ..Default::default() }
}

/// Creates an attribute with a list of whole numbers.
fn ints(name: &str, values: &[i64]) -> proto::Attribute {
    proto::Attribute { name: name.into(), kind: proto::INTS_ATTRIBUTE, ints: values.into(), ..Default::default() }
}

/// Creates an attribute with a number.
fn float(name: &str, value: f64) -> proto::Attribute {
    proto::Attribute {
        name: name.into(),
        kind: proto::FLOAT_ATTRIBUTE,
        float: Some(value as f32),
        ..Default::default()
    }
}

/// A graph that grows. Nodes can only use values that exist, so they are in an order in which they can be computed.
#[derive(Debug, Default)]
pub(crate) struct Graph(pub(super) proto::Graph);

impl Graph {
    /// Adds an input.
    pub fn input(&mut self, name: &str, element: Element, shape: &[Dimension]) -> Value {
        self.0.inputs.push(port(name, element, shape));
        Value(name.into())
    }

    /// Makes a value an output.
    pub fn output(&mut self, name: &str, value: &Value, shape: &[Dimension]) {
        self.push("Identity", &[value], Vec::new(), name);
        self.0.outputs.push(port(name, Element::F32, shape));
    }

    /// Adds a node, and returns its output.
    pub fn apply(&mut self, operator: &str, inputs: &[&Value]) -> Value {
        self.apply_with(operator, inputs, &[])
    }

    /// Adds a node with attributes that are whole numbers, and returns its output.
    pub fn apply_with(&mut self, operator: &str, inputs: &[&Value], attributes: &[(&str, i64)]) -> Value {
        self.node(operator, inputs, attributes.iter().map(|&(name, value)| int(name, value)).collect())
    }

    fn node(&mut self, operator: &str, inputs: &[&Value], attributes: Vec<proto::Attribute>) -> Value {
        let output = format!("{operator}_{}", self.0.nodes.len());
        self.push(operator, inputs, attributes, &output);
        Value(output)
    }

    fn push(&mut self, operator: &str, inputs: &[&Value], attributes: Vec<proto::Attribute>, output: &str) {
        self.0.nodes.push(proto::Node {
            inputs: inputs.iter().map(|input| input.0.clone()).collect(),
            outputs: vec![output.into()],
            name: output.into(),
            operator: operator.into(),
            attributes,
        });
    }

    /// Adds weights.
    pub fn weights<const D: usize>(&mut self, name: &str, weights: Tensor<D>) -> Value {
        let shape = weights.dims();
        let values = weights.cast(FloatDType::F32).into_data();
        self.constant(name, Element::F32, &shape, values.iter::<f32>().flat_map(f32::to_le_bytes).collect())
    }

    /// Adds a number.
    pub fn number(&mut self, value: f64) -> Value {
        let value = value as f32;
        self.constant(&format!("{value:?}"), Element::F32, &[], value.to_le_bytes().into())
    }

    /// Adds a whole number.
    pub fn integer(&mut self, value: i64) -> Value {
        self.constant(&value.to_string(), Element::I64, &[], value.to_le_bytes().into())
    }

    /// Adds a list of whole numbers.
    pub fn integers(&mut self, values: &[i64]) -> Value {
        self.named_integers(&format!("{values:?}"), values)
    }

    /// Adds a list of whole numbers under a name.
    pub fn named_integers(&mut self, name: &str, values: &[i64]) -> Value {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, Element::I64, &[values.len()], bytes)
    }

    /// Adds a constant, unless there is one with this name.
    fn constant(&mut self, name: &str, element: Element, shape: &[usize], bytes: Vec<u8>) -> Value {
        if !self.0.constants.iter().any(|constant| constant.name == name) {
            self.0.constants.push(proto::Tensor {
                shape: shape.iter().map(|&size| size as i64).collect(),
                element: element as i32,
                name: name.into(),
                bytes,
            });
        }
        Value(name.into())
    }

    /// Adds a linear layer over the last dimension.
    ///
    /// # Panics
    /// Panics if the layer is packed, which `check_not_packed` finds before.
    pub fn linear(&mut self, name: &str, layer: &Linear, x: &Value) -> Value {
        let Linear::Float(layer) = layer else { unreachable!("checked: not packed") };
        let weight = self.weights(&format!("{name}.weight"), layer.weight.val());
        let product = self.apply("MatMul", &[x, &weight]);
        match &layer.bias {
            Some(bias) => {
                let bias = self.weights(&format!("{name}.bias"), bias.val());
                self.apply("Add", &[&product, &bias])
            }
            None => product,
        }
    }

    /// Adds the parts of a linear layer over `[a; b]` that depend on `a` and on `b`, with the bias in the second one.
    ///
    /// # Panics
    /// As [`linear`](Self::linear).
    pub fn linear_halves(&mut self, name: &str, layer: &PairLinear, a: &Value, b: &Value) -> [Value; 2] {
        let PairLinear::Float(layer) = layer else { unreachable!("checked: not packed") };
        let weight = layer.weight.val();
        let half = weight.dims()[0] / 2;
        let [first, second] = [0, half].map(|from| weight.clone().narrow(0, from, half));
        let first = self.weights(&format!("{name}.first"), first);
        let first = self.apply("MatMul", &[a, &first]);
        let second = nn::Linear { weight: Param::from_tensor(second), bias: layer.bias.clone() }.into();
        [first, self.linear(&format!("{name}.second"), &second, b)]
    }

    /// Adds a layer norm over the last dimension. `epsilon` is the layer's own, which burn does not expose.
    pub fn layer_norm(&mut self, name: &str, layer: &LayerNorm, epsilon: f64, x: &Value) -> Value {
        let gamma = self.weights(&format!("{name}.weight"), layer.gamma.val());
        let beta = layer.beta.as_ref().map_or_else(|| layer.gamma.val().zeros_like(), |beta| beta.val());
        let beta = self.weights(&format!("{name}.bias"), beta);
        self.node("LayerNormalization", &[x, &gamma, &beta], vec![int("axis", -1), float("epsilon", epsilon)])
    }

    /// Adds the rows of an embedding at the given indices.
    pub fn embedding(&mut self, name: &str, embedding: &Embedding, indices: &Value) -> Value {
        let weight = self.weights(&format!("{name}.weight"), embedding.weight.val());
        self.apply_with("Gather", &[&weight, indices], &[("axis", 0)])
    }

    /// Adds dimensions of size 1 to a value.
    pub fn unsqueeze(&mut self, x: &Value, axes: &[i64]) -> Value {
        let axes = self.integers(axes);
        self.apply("Unsqueeze", &[x, &axes])
    }

    /// Gives a value another shape. A size of 0 stays as it is, and one of -1 is what remains.
    pub fn reshape(&mut self, x: &Value, shape: &[i64]) -> Value {
        let shape = self.integers(shape);
        self.apply("Reshape", &[x, &shape])
    }

    /// Reorders dimensions.
    pub fn transpose(&mut self, x: &Value, order: &[i64]) -> Value {
        self.node("Transpose", &[x], vec![ints("perm", order)])
    }

    /// Adds the sum over a dimension, which disappears.
    pub fn sum(&mut self, x: &Value, axis: i64) -> Value {
        let axes = self.integers(&[axis]);
        self.apply_with("ReduceSum", &[x, &axes], &[("keepdims", 0)])
    }

    /// Adds the first item of a dimension, whose size becomes 1.
    pub fn first(&mut self, x: &Value, axis: i64) -> Value {
        let first = self.integers(&[0]);
        self.apply_with("Gather", &[x, &first], &[("axis", axis)])
    }

    /// Adds an activation.
    pub fn activation(&mut self, activation: Activation, x: &Value) -> Value {
        let binary = |graph: &mut Self, operator: &str, x: &Value, number: f64| {
            let number = graph.number(number);
            graph.apply(operator, &[x, &number])
        };
        match activation {
            Activation::Gelu => {
                let scaled = binary(self, "Div", x, std::f64::consts::SQRT_2);
                let erf = self.apply("Erf", &[&scaled]);
                let sum = binary(self, "Add", &erf, 1.0);
                let product = self.apply("Mul", &[x, &sum]);
                binary(self, "Mul", &product, 0.5)
            }
            Activation::GeluTanh => {
                let cube = binary(self, "Pow", x, 3.0);
                let cube = binary(self, "Mul", &cube, 0.044_715);
                let sum = self.apply("Add", &[x, &cube]);
                let scaled = binary(self, "Mul", &sum, (2.0 / std::f64::consts::PI).sqrt());
                let tanh = self.apply("Tanh", &[&scaled]);
                let sum = binary(self, "Add", &tanh, 1.0);
                let product = self.apply("Mul", &[x, &sum]);
                binary(self, "Mul", &product, 0.5)
            }
            Activation::QuickGelu => {
                let scaled = binary(self, "Mul", x, 1.702);
                let sigmoid = self.apply("Sigmoid", &[&scaled]);
                self.apply("Mul", &[x, &sigmoid])
            }
            Activation::Silu => {
                let sigmoid = self.apply("Sigmoid", &[x]);
                self.apply("Mul", &[x, &sigmoid])
            }
            Activation::Mish => {
                let softplus = self.apply("Softplus", &[x]);
                let tanh = self.apply("Tanh", &[&softplus]);
                self.apply("Mul", &[x, &tanh])
            }
            Activation::Relu => self.apply("Relu", &[x]),
            Activation::Tanh => self.apply("Tanh", &[x]),
        }
    }
}

fn port(name: &str, element: Element, shape: &[Dimension]) -> proto::Port {
    let dimension = |dimension: &Dimension| match *dimension {
        Dimension::Size(size) => proto::Dimension { size: Some(size as i64), name: None },
        Dimension::Any(name) => proto::Dimension { size: None, name: Some(name.into()) },
    };
    let shape = proto::Shape { dimensions: shape.iter().map(dimension).collect() };
    let tensor = proto::TensorType { element: element as i32, shape: Some(shape) };
    proto::Port { name: name.into(), kind: Some(proto::Type { tensor: Some(tensor) }) }
}
