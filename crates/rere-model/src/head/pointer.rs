//! The entity extractor of RERE: subjects and objects of a relation (Eq. 6).

use burn::{
    module::Module,
    nn::{Dropout, DropoutConfig, Linear, LinearConfig},
    tensor::{Device, Tensor},
};

use super::DROPOUT;
use crate::ops::dropout::dropout;

/// Number of pointers. Their order: subject start, subject end, object start, object end.
pub const POINTERS: usize = 4;

/// A head with four logits for each token: that it starts or ends a subject or an object (Eq. 6).
#[derive(Module, Debug)]
pub struct PointerHead {
    dropout: Dropout,
    linear: Linear,
}

impl PointerHead {
    /// Creates a head with random weights.
    pub fn new(hidden: usize, device: &Device) -> Self {
        Self { dropout: DropoutConfig::new(DROPOUT).init(), linear: LinearConfig::new(hidden, POINTERS).init(device) }
    }

    /// Computes logits, `[batch, tokens, 4]`, from hidden states, `[batch, tokens, hidden]`.
    pub fn forward(&self, hidden: Tensor<3>) -> Tensor<3> {
        let [batch, tokens, size] = hidden.dims();
        let rows = dropout(&self.dropout, hidden.reshape([batch * tokens, size]));
        self.linear.forward(rows).reshape([batch, tokens, POINTERS])
    }
}
