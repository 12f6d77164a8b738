//! The exact GELU, fast on the CPU.
//!
//! burn's flex backend computes it with a scalar `erf` on one thread, which takes as long as the matrix product before
//! it. Here, one parallel pass computes value and gradient.

// The backend_extension macro names LibTorch in a form that burn 0.22 deprecates.
#![cfg_attr(feature = "tch", allow(deprecated))]
// Without these backends the macro writes a function that uses none of its parameters.
#![cfg_attr(not(any(feature = "flex", feature = "tch")), allow(unused_variables))]

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, TensorMetadata,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind, unary},
        },
        backend_extension,
        tensor::FloatTensor,
    },
    tensor::{Tensor, TensorData, activation},
};
use rayon::prelude::*;

use super::{
    CHUNK,
    activation::Activation,
    simd::{exp, polynomial, vectorised},
    to_data,
};
use crate::device::on_flex;

/// Computes the Gaussian error linear unit `x Phi(x)` of each element (Hendrycks and Gimpel 2016).
///
/// ```
/// use rere_model::{burn::tensor::{Device, Tensor}, gelu};
///
/// let x = Tensor::<1>::from_floats([1.0], &Device::flex());
/// assert!((gelu(x).into_scalar::<f32>() - 0.8413).abs() < 1e-4);
/// ```
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if on_flex(&x) { gelu_on_cpu(x) } else { activation::gelu(x) }
}

fn gelu_on_cpu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let device = x.device();
    if device.is_autodiff() {
        return Tensor::from_dispatch(Dispatch::fused_gelu(x.into_dispatch()));
    }
    Tensor::from_data(values(x.into_data()), &device)
}

/// GELU of f32 tensors on flex. Other tensors never get here.
#[backend_extension(Flex: cfg(feature = "flex"), LibTorch: cfg(feature = "tch"), Autodiff)]
trait FusedGelu: Backend {
    fn fused_gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let device = x.device();
        Self::float_from_data(values(to_data::<Self>(x)), &device)
    }
}

#[cfg(feature = "flex")]
impl FusedGelu for burn::backend::Flex {}

#[cfg(feature = "tch")]
impl FusedGelu for burn::backend::LibTorch {}

impl<B: FusedGelu, C: CheckpointStrategy> FusedGelu for Autodiff<B, C> {
    fn fused_gelu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let (x, node) = x.into_parts();
        match GeluGradient.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let device = x.device();
                let (values, gradients) = values_and_gradients(to_data::<B>(x));
                prep.finish(gradients, B::float_from_data(values, &device))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::fused_gelu(x)),
        }
    }
}

#[derive(Debug)]
struct GeluGradient;

impl<B: Backend> Backward<B, 1> for GeluGradient {
    /// Gradients of the outputs to the inputs.
    type State = TensorData;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let factors = ops.state;
        unary::<B, _>(ops.parents, ops.node, gradients, |gradient| {
            let device = gradient.device();
            B::float_from_data(products(to_data::<B>(gradient), &factors), &device)
        });
    }
}

fn products(mut data: TensorData, factors: &TensorData) -> TensorData {
    let values = data.as_mut_slice::<f32>().expect("checked: f32");
    let factors = factors.as_slice::<f32>().expect("checked: f32");
    values.par_chunks_mut(CHUNK).zip(factors.par_chunks(CHUNK)).for_each(|(values, factors)| {
        vectorised(
            #[inline(always)]
            || values.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor),
        );
    });
    data
}

fn values(mut data: TensorData) -> TensorData {
    let values = data.as_mut_slice::<f32>().expect("checked: f32");
    values.par_chunks_mut(CHUNK).for_each(|chunk| {
        vectorised(
            #[inline(always)]
            || Activation::Gelu.apply(chunk),
        );
    });
    data
}

/// Computes GELU and its gradient at each element.
fn values_and_gradients(mut data: TensorData) -> (TensorData, TensorData) {
    let shape = data.shape().clone();
    let inputs = data.as_mut_slice::<f32>().expect("checked: f32");
    let mut gradients = vec![0.0f32; inputs.len()];
    gradients.par_chunks_mut(CHUNK).zip(inputs.par_chunks_mut(CHUNK)).for_each(|(gradients, inputs)| {
        vectorised(
            #[inline(always)]
            || {
                for (gradient, x) in gradients.iter_mut().zip(inputs) {
                    // gelu'(x) = Phi(x) + x phi(x).
                    let cdf = normal_cdf(*x);
                    *gradient = cdf + *x * normal_pdf(*x);
                    *x *= cdf;
                }
            },
        );
    });
    (data, TensorData::new(gradients, shape))
}

/// Computes the distribution function of the standard normal: `(1 + erf(x / sqrt 2)) / 2`.
///
/// `erf` is a ratio of polynomials in x^2 (the minimax fit of Eigen and XLA for f32), without branches or calls, so
/// that the compiler can vectorise it.
#[inline(always)]
pub(crate) fn normal_cdf(x: f32) -> f32 {
    let x = (x * std::f32::consts::FRAC_1_SQRT_2).clamp(-4.0, 4.0);
    let square = x * x;
    let top = polynomial(
        square,
        [
            -2.726_142_3e-10,
            2.770_681_4e-8,
            -2.101_024e-6,
            -5.692_506_4e-5,
            -7.349_906_3e-4,
            -2.954_6e-3,
            -1.609_603_3e-2,
        ],
    );
    let bottom =
        polynomial(square, [-1.456_607_2e-5, -2.133_740_6e-4, -1.682_827e-3, -7.373_329_3e-3, -1.426_473_9e-2]);
    0.5 + 0.5 * x * top / bottom
}

/// Computes the density of the standard normal: `exp(-x^2 / 2) / sqrt(2 pi)`.
#[inline(always)]
fn normal_pdf(x: f32) -> f32 {
    const ONE_OVER_SQRT_2_PI: f32 = 0.398_942_3;
    ONE_OVER_SQRT_2_PI * exp(-0.5 * x * x)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    /// The reference is burn's own gelu, with the `erf` of libm.
    #[test]
    fn equals_burn() {
        let points: Vec<f32> = (-4000..=4000).map(|i| i as f32 / 400.0).chain([-1e4, 1e4, -40.0, 40.0]).collect();
        let device = Device::flex().autodiff();
        let run = |f: fn(Tensor<1>) -> Tensor<1>| {
            let x = Tensor::<1>::from_floats(points.as_slice(), &device).require_grad();
            let y = f(x.clone());
            let gradient = x.grad(&y.clone().sum().backward()).expect("tracked");
            (y.into_data().try_to_vec::<f32>().expect("f32"), gradient.into_data().try_to_vec::<f32>().expect("f32"))
        };
        let (ours, our_gradients) = run(gelu);
        let (theirs, their_gradients) = run(activation::gelu);
        let plain = gelu(Tensor::<1>::from_floats(points.as_slice(), &Device::flex())).into_data();
        let plain = plain.try_to_vec::<f32>().expect("f32");
        for (i, x) in points.iter().enumerate() {
            let near = |a: f32, b: f32| (a - b).abs() <= 1e-6 * (1.0 + x.abs());
            assert!(near(ours[i], theirs[i]), "gelu({x}) is {}, not {}", ours[i], theirs[i]);
            assert!(near(plain[i], theirs[i]), "gelu({x}) is {}, not {}", plain[i], theirs[i]);
            assert!(
                near(our_gradients[i], their_gradients[i]),
                "gelu'({x}) is {}, not {}",
                our_gradients[i],
                their_gradients[i]
            );
        }
    }
}
