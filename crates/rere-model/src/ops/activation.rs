//! Activations of feed-forward layers.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

use super::{
    gelu::{gelu, normal_cdf},
    simd::exp,
};

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

    /// Replaces the elements of a row, in loops that the compiler can vectorise.
    #[inline(always)]
    pub(crate) fn apply(self, row: &mut [f32]) {
        match self {
            Self::Gelu => replace(row, |x| x * normal_cdf(x)),
            Self::GeluTanh => replace(row, |x| {
                const SQRT_8_OVER_PI: f32 = 1.595_769;
                // (1 + tanh(y)) / 2 is sigmoid(2 y).
                x * sigmoid(SQRT_8_OVER_PI * (x + 0.044_715 * x * x * x))
            }),
            Self::QuickGelu => replace(row, |x| x * sigmoid(1.702 * x)),
            Self::Relu => replace(row, |x| if x > 0.0 { x } else { 0.0 }),
            Self::Silu => replace(row, |x| x * sigmoid(x)),
            Self::Tanh => replace(row, |x| 2.0 * sigmoid(2.0 * x) - 1.0),
            Self::Mish => replace(row, |x| {
                // tanh(ln(1 + e)) is ((1 + e)^2 - 1) / ((1 + e)^2 + 1), with e = e^x.
                let e = exp(x.min(20.0));
                let square = e * (e + 2.0);
                x * square / (square + 2.0)
            }),
        }
    }
}

#[inline(always)]
fn replace(row: &mut [f32], function: impl Fn(f32) -> f32) {
    for x in row {
        *x = function(*x);
    }
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp((-x).min(88.0)))
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::tensor::Device;

    use super::{
        super::tests::{assert_near, values},
        *,
    };

    #[test]
    fn a_row_has_the_activations_of_burn() {
        let points: Vec<f32> = (-4000..=4000).map(|i| i as f32 / 40.0).collect();
        for activation in [
            Activation::Gelu,
            Activation::GeluTanh,
            Activation::QuickGelu,
            Activation::Relu,
            Activation::Silu,
            Activation::Tanh,
            Activation::Mish,
        ] {
            let mut row = points.clone();
            activation.apply(&mut row);
            let theirs = activation.forward(Tensor::<1>::from_floats(points.as_slice(), &Device::flex()));
            assert_near(&row, &values(theirs));
        }
    }
}
