//! Activations of feed-forward layers.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

use super::gelu::gelu;

/// Activation of the feed-forward layers, with the names of Hugging Face's `hidden_act`.
///
/// ```
/// use rere_model::Activation;
///
/// assert_eq!(serde_json::from_str::<Activation>("\"gelu_pytorch_tanh\"")?, Activation::GeluTanh);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Activation {
    /// `x Phi(x)` (Hendrycks and Gimpel 2016).
    #[default]
    Gelu,
    /// The approximation of GELU by tanh.
    #[serde(rename = "gelu_new", alias = "gelu_pytorch_tanh", alias = "gelu_fast", alias = "gelu_python_tanh")]
    GeluTanh,
    /// `x sigmoid(1.702 x)`.
    QuickGelu,
    /// `max(x, 0)`.
    Relu,
    /// `x sigmoid(x)`.
    #[serde(alias = "swish")]
    Silu,
    /// Hyperbolic tangent.
    Tanh,
    /// `x tanh(ln(1 + e^x))`.
    Mish,
}

impl Activation {
    pub(crate) fn forward<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Gelu => gelu(x),
            Self::GeluTanh => activation::gelu_approximate(x),
            Self::QuickGelu => x.clone().mul(activation::sigmoid(x.mul_scalar(1.702))),
            Self::Relu => activation::relu(x),
            Self::Silu => activation::silu(x),
            Self::Tanh => activation::tanh(x),
            Self::Mish => activation::mish(x),
        }
    }
}
