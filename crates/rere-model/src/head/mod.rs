//! Heads: from hidden states to logits; and the networks of an encoder and its heads.

mod casrel;
mod pointer;
mod relation;

use burn::module::Module;

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
