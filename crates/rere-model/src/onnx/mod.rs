//! Networks as ONNX, for runtimes of other languages: the graph is built from the weights, node by node.

mod graph;
mod proto;
#[cfg(all(test, feature = "flex"))]
mod tests;

use std::path::Path;

use prost::Message;

pub(crate) use self::graph::{Dimension, Element, Graph, Value};
use crate::{ModelError, error::OnnxProblem, load::replace_file};

/// Version of ONNX's operators: the first one with layer norm.
const OPERATORS: i64 = 17;
/// Version of the file format that belongs to these operators.
const FORMAT: i64 = 8;
/// The most bytes of a message of protobuf.
const MOST_BYTES: usize = i32::MAX as usize;

/// A network as an ONNX model, with f32 weights and inputs of any batch size and length.
///
/// ```
/// use rere_model::{BertConfig, Network, PointerHead, burn::tensor::Device};
///
/// let (encoder, device) = (BertConfig::tiny(100).into(), Device::flex());
/// let network = Network::new(&encoder, &device, |hidden| PointerHead::new(hidden, &device))?;
/// let model = network.to_onnx(256)?; // the longest input has 256 tokens
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("entity.onnx");
/// model.save(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct OnnxModel(proto::Model);

impl OnnxModel {
    pub(crate) fn new(name: &str, mut graph: Graph) -> Self {
        graph.0.name = name.into();
        Self(proto::Model {
            ir_version: FORMAT,
            operator_sets: vec![proto::OperatorSet { domain: String::new(), version: OPERATORS }],
            producer: "rere".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            graph: Some(graph.0),
        })
    }

    /// Writes the model to a file, under a temporary name that is renamed.
    ///
    /// # Errors
    /// Returns an error if the model has 2 GiB or more, which is too much for protobuf, or if the file cannot be
    /// written.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        self.save_within(MOST_BYTES, path)
    }

    fn save_within(&self, most: usize, path: &Path) -> Result<(), ModelError> {
        let bytes = self.0.encoded_len();
        if bytes > most {
            return Err(ModelError::Onnx(OnnxProblem::TooLarge { bytes }));
        }
        replace_file(path, &self.0.encode_to_vec())
    }
}

/// The tokens whose hidden states a graph computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    All,
    /// The first token of each input.
    First,
}

/// An encoder in a graph.
pub(crate) struct Encoded {
    /// Hidden states, `[batch, tokens, hidden]`, of one token with [`Rows::First`].
    pub hidden: Value,
    /// The input that is 1 for tokens and 0 for padding, `[batch, tokens]`.
    pub attention: Value,
}

impl Encoded {
    /// Adds the mean over each row's tokens, without padding, `[batch, hidden]`.
    pub fn mean(&self, graph: &mut Graph) -> Value {
        let mask = graph.unsqueeze(&self.attention, &[2]);
        let mask = graph.apply_with("Cast", &[&mask], &[("to", Element::F32 as i64)]);
        let masked = graph.apply("Mul", &[&self.hidden, &mask]);
        let [sum, count] = [&masked, &mask].map(|x| graph.sum(x, 1));
        graph.apply("Div", &[&sum, &count])
    }
}
