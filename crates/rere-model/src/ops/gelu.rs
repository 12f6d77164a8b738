//! The exact GELU, fast on the CPU.
//!
//! burn's flex backend computes it with a scalar `erf` on one thread, which takes as long as the matrix product before
//! it. Here, one parallel pass computes value and gradient.

use burn::tensor::{Tensor, TensorData, activation};
use rayon::prelude::*;

use super::{
    activation::Activation,
    simd::{exp, polynomial, vectorised},
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

/// Number of elements that a thread processes at a time.
const CHUNK: usize = 16 * 1024;

fn gelu_on_cpu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let device = x.device();
    if !device.is_autodiff() {
        return Tensor::from_data(values(x.into_data()), &device);
    }
    // With constant `gradient` and `offset`, `x * gradient + offset` has the value and the gradient of gelu, and the
    // backward pass costs one product.
    let inner = x.clone().inner();
    let plain = inner.device();
    let (gradient, offset) = gradients(inner.into_data());
    let constant = |data| Tensor::from_inner(Tensor::<D>::from_data(data, &plain));
    x.mul(constant(gradient)).add(constant(offset))
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

/// Computes the gradient of gelu at each element x, and the offset `gelu(x) - x * gradient`.
fn gradients(mut data: TensorData) -> (TensorData, TensorData) {
    let shape = data.shape().clone();
    let inputs = data.as_mut_slice::<f32>().expect("checked: f32");
    let mut gradients = vec![0.0f32; inputs.len()];
    gradients.par_chunks_mut(CHUNK).zip(inputs.par_chunks_mut(CHUNK)).for_each(|(gradients, inputs)| {
        vectorised(
            #[inline(always)]
            || {
                for (gradient, x) in gradients.iter_mut().zip(inputs) {
                    // gelu'(x) = Phi(x) + x phi(x), and gelu(x) - x gelu'(x) = -x^2 phi(x).
                    let x_phi = *x * normal_pdf(*x);
                    *gradient = normal_cdf(*x) + x_phi;
                    *x *= -x_phi;
                }
            },
        );
    });
    (TensorData::new(gradients, shape), data)
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
