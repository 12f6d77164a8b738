//! The entity extractor of RERE: subjects and objects of a relation (Eq. 6).

use burn::{
    module::Module,
    nn::{Dropout, DropoutConfig},
    tensor::{Device, Tensor},
};

use super::{DROPOUT, Network};
use crate::{
    Linear, ModelError, OnnxModel, Pack, WeightType,
    linear::check_not_packed,
    onnx::{
        Dimension::{Any, Size},
        Graph, Rows,
    },
    ops::dropout::dropout,
};

/// Number of pointers. Their order: subject start, subject end, object start, object end.
pub const POINTERS: usize = 4;

/// A head with four logits for each token: that it starts or ends a subject or an object (Eq. 6).
#[derive(Module, Debug)]
pub struct PointerHead {
    dropout: Dropout,
    linear: Linear,
}

impl Pack for PointerHead {
    fn pack(self, weights: WeightType) -> Self {
        Self { linear: self.linear.pack(weights), ..self }
    }
}

impl PointerHead {
    /// Creates a head with random weights.
    pub fn new(hidden: usize, device: &Device) -> Self {
        Self { dropout: DropoutConfig::new(DROPOUT).init(), linear: Linear::new(hidden, POINTERS, device) }
    }

    /// Computes logits, `[batch, tokens, 4]`, from hidden states, `[batch, tokens, hidden]`.
    pub fn forward(&self, hidden: Tensor<3>) -> Tensor<3> {
        let [batch, tokens, size] = hidden.dims();
        let rows = dropout(&self.dropout, hidden.reshape([batch * tokens, size]));
        self.linear.forward(rows).reshape([batch, tokens, POINTERS])
    }
}

impl Network<PointerHead> {
    /// Converts the network to ONNX, for inputs of at most `max_tokens` tokens.
    ///
    /// Inputs are `input_ids`, `attention_mask` and, if the encoder has segments, `token_type_ids`, each `[batch, tokens]`.
    /// The output is `pointers`, logits `[batch, tokens, 4]`.
    ///
    /// # Errors
    /// Returns an error if the encoder is not a [`Bert`](crate::Bert) or the layers are packed.
    pub fn to_onnx(&self, max_tokens: usize) -> Result<OnnxModel, ModelError> {
        check_not_packed(self)?;
        let mut graph = Graph::default();
        let encoded = self.encoder.add_to(&mut graph, Rows::All, max_tokens)?;
        let logits = graph.linear("head.linear", &self.head.linear, &encoded.hidden);
        graph.output("pointers", &logits, &[Any("batch"), Any("tokens"), Size(POINTERS)]);
        Ok(OnnxModel::new("pointers", graph))
    }
}
