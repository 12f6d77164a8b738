//! The exact GELU, fast on the CPU.
//!
//! burn's flex backend computes it with a scalar `erf` on one thread, which takes as long as the matrix product before
//! it. Here one parallel pass computes value and gradient together.

use burn::tensor::{Tensor, TensorData, activation};
use rayon::prelude::*;

use crate::device::on_flex;

/// The Gaussian error linear unit `x Phi(x)`, element by element (Hendrycks and Gimpel 2016).
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if on_flex(&x) { cpu(x) } else { activation::gelu(x) }
}

/// Elements a thread works on at a time.
const CHUNK: usize = 16 * 1024;

fn cpu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let device = x.device();
    if !device.is_autodiff() {
        return Tensor::from_data(values(x.into_data()), &device);
    }
    // The gradient of gelu at x is a number for each element. With `slope` and `rest` constants,
    // `x * slope + rest` has the value of gelu and its gradient, and costs backward one product.
    let inner = x.clone().inner();
    let plain = inner.device();
    let (slope, rest) = derivatives(inner.into_data());
    let constant = |data| Tensor::from_inner(Tensor::<D>::from_data(data, &plain));
    x.mul(constant(slope)).add(constant(rest))
}

fn values(mut data: TensorData) -> TensorData {
    let values = data.as_mut_slice::<f32>().expect("checked: f32");
    values.par_chunks_mut(CHUNK).for_each(|chunk| {
        for x in chunk {
            *x *= normal_cdf(*x);
        }
    });
    data
}

/// The derivative of gelu at each element, and what is left of its value beside `x * derivative`.
fn derivatives(mut data: TensorData) -> (TensorData, TensorData) {
    let shape = data.shape().clone();
    let rest = data.as_mut_slice::<f32>().expect("checked: f32");
    let mut slope = vec![0.0f32; rest.len()];
    slope.par_chunks_mut(CHUNK).zip(rest.par_chunks_mut(CHUNK)).for_each(|(slope, rest)| {
        for (slope, x) in slope.iter_mut().zip(rest) {
            // gelu'(x) = Phi(x) + x phi(x), and gelu(x) - x gelu'(x) = -x^2 phi(x).
            let x_phi = *x * normal_pdf(*x);
            *slope = normal_cdf(*x) + x_phi;
            *x *= -x_phi;
        }
    });
    (TensorData::new(slope, shape), data)
}

/// The distribution function of the standard normal: `(1 + erf(x / sqrt 2)) / 2`.
///
/// `erf` is a ratio of polynomials in x^2 (the minimax fit of Eigen and XLA for f32): no branch and no call, so that
/// the compiler can compute many at a time.
#[inline]
fn normal_cdf(x: f32) -> f32 {
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

/// The density of the standard normal: `exp(-x^2 / 2) / sqrt(2 pi)`.
#[inline]
fn normal_pdf(x: f32) -> f32 {
    const ONE_OVER_SQRT_2_PI: f32 = 0.398_942_3;
    // exp(y) = 2^(whole + part): the whole part goes into the exponent bits, the rest into a polynomial.
    let power = (-0.5 * x * x * std::f32::consts::LOG2_E).max(-125.0);
    // Adding 1.5 * 2^23 leaves no bits for a part: this rounds without the call that `floor` is on older processors.
    const ROUND: f32 = 12_582_912.0;
    let whole = (power + ROUND) - ROUND;
    let part = (power - whole) * std::f32::consts::LN_2;
    let fraction = polynomial(part, [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0]);
    let scale = f32::from_bits(((whole as i32 + 127) << 23) as u32);
    ONE_OVER_SQRT_2_PI * scale * fraction
}

/// Horner's rule, highest power first.
#[inline]
fn polynomial<const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    coefficients.into_iter().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    /// burn's own gelu, whose `erf` comes from libm, is the second source.
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
            assert!(near(ours[i], theirs[i]), "gelu({x}) is {}, not {}", theirs[i], ours[i]);
            assert!(near(plain[i], theirs[i]), "gelu({x}) is {}, not {}", theirs[i], plain[i]);
            assert!(
                near(our_gradients[i], their_gradients[i]),
                "gelu'({x}): {} not {}",
                our_gradients[i],
                their_gradients[i]
            );
        }
    }
}
