//! Layer norm as one operation, also in training.
//!
//! With autodiff, burn splits it into ten operations, each of which writes a tensor and is recorded; without, it takes
//! one pass. Here, on the CPU, value and gradient take one pass each.

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
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        tensor::FloatTensor,
    },
    nn::LayerNorm,
    tensor::{Tensor, TensorData},
};
use rayon::prelude::*;

use super::{chunk_size, flex::values, simd::vectorised, sum, to_data};
use crate::device::{on_cpu, on_flex};

/// Applies `layer` (Ba et al. 2016) over the last dimension. `epsilon` is the layer's own, which burn does not expose.
pub(crate) fn layer_norm(layer: &LayerNorm, epsilon: f64, x: Tensor<2>) -> Tensor<2> {
    if !x.device().is_autodiff() || !on_cpu(&x) {
        return layer.forward(x);
    }
    let gamma = layer.gamma.val();
    let beta = layer.beta.as_ref().map_or_else(|| gamma.zeros_like(), |beta| beta.val());
    let [x, gamma, beta] = [x.into_dispatch(), gamma.into_dispatch(), beta.into_dispatch()];
    Tensor::from_dispatch(Dispatch::fused_layer_norm(x, gamma, beta, epsilon))
}

/// Applies `layer` to the sum of two tensors.
pub(crate) fn add_norm(layer: &LayerNorm, epsilon: f64, x: Tensor<2>, y: Tensor<2>) -> Tensor<2> {
    if x.device().is_autodiff() || !on_flex(&x) {
        return layer_norm(layer, epsilon, x + y);
    }
    let (device, [_, size]) = (x.device(), x.dims());
    let mut sums = x.into_data();
    let (y, gamma) = (values(y), values(layer.gamma.val()));
    let beta = layer.beta.as_ref().map(|beta| values(beta.val()));
    let (rows, chunk) = (sums.as_mut_slice::<f32>().expect("checked: f32"), chunk_size(size));
    rows.par_chunks_mut(chunk).zip(y.par_chunks(chunk)).for_each(|(x, y)| {
        vectorised(
            #[inline(always)]
            || {
                for (x, y) in x.chunks_exact_mut(size).zip(y.chunks_exact(size)) {
                    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
                    normalise(x, epsilon as f32);
                    x.iter_mut().zip(gamma.iter()).for_each(|(x, gamma)| *x *= gamma);
                    if let Some(beta) = &beta {
                        x.iter_mut().zip(beta.iter()).for_each(|(x, beta)| *x += beta);
                    }
                }
            },
        );
    });
    Tensor::from_data(sums, &device)
}

/// Subtracts the mean of a row and divides it by its deviation, whose inverse is returned.
#[inline(always)]
fn normalise(row: &mut [f32], epsilon: f32) -> f32 {
    let count = row.len() as f32;
    let mean = sum(row.len(), |i| row[i]) / count;
    let variance = sum(row.len(), |i| (row[i] - mean) * (row[i] - mean)) / count;
    let inverse = (variance + epsilon).sqrt().recip();
    row.iter_mut().for_each(|x| *x = (*x - mean) * inverse);
    inverse
}

/// Layer norm for f32 tensors in the memory of the CPU. Other tensors never get here.
#[backend_extension(Flex: cfg(feature = "flex"), LibTorch: cfg(feature = "tch"), Autodiff)]
trait FusedLayerNorm: Backend {
    fn fused_layer_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        Self::layer_norm(x, gamma, Some(beta), epsilon)
    }
}

#[cfg(feature = "flex")]
impl FusedLayerNorm for burn::backend::Flex {}

#[cfg(feature = "tch")]
impl FusedLayerNorm for burn::backend::LibTorch {}

impl<B: FusedLayerNorm, C: CheckpointStrategy> FusedLayerNorm for Autodiff<B, C> {
    fn fused_layer_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let ((x, x_node), (gamma, gamma_node), (beta, beta_node)) =
            (x.into_parts(), gamma.into_parts(), beta.into_parts());
        match LayerNormGradients.prepare::<C>([x_node, gamma_node, beta_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let value = B::fused_layer_norm(x.clone(), gamma.clone(), beta, epsilon);
                prep.finish((x, gamma, epsilon), value)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::fused_layer_norm(x, gamma, beta, epsilon)),
        }
    }
}

#[derive(Debug)]
struct LayerNormGradients;

impl<B: Backend> Backward<B, 3> for LayerNormGradients {
    /// Input, scale and epsilon.
    type State = (B::FloatTensorPrimitive, B::FloatTensorPrimitive, f64);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let (x, gamma, epsilon) = ops.state;
        let device = x.device();
        let gradient = to_data::<B>(gradients.consume::<B>(&ops.node));
        let gradients_to_parents = layer_norm_gradients(to_data::<B>(x), &to_data::<B>(gamma), gradient, epsilon);
        for (node, gradient) in ops.parents.into_iter().zip(gradients_to_parents) {
            if let Some(node) = node {
                gradients.register::<B>(node.id, B::float_from_data(gradient, &device));
            }
        }
    }
}

/// Computes the gradients to input, scale and shift of a layer norm, from the gradient to its output.
///
/// With `n = (x - mean) / deviation` and `g = gradient * gamma`, the gradient to the input is `(g - mean(g) - n mean(g
/// n)) / deviation`. The gradient to the scale is the sum of `gradient * n` over rows, and that to the shift the sum of
/// `gradient`.
fn layer_norm_gradients(mut x: TensorData, gamma: &TensorData, gradient: TensorData, epsilon: f64) -> [TensorData; 3] {
    let shape = gamma.shape().clone();
    let gamma = gamma.as_slice::<f32>().expect("checked: f32");
    let output_gradient = gradient.as_slice::<f32>().expect("checked: f32");
    let size = gamma.len();
    let chunk = chunk_size(size);
    let rows = x.as_mut_slice::<f32>().expect("checked: f32");
    // The sums of chunks are added in their order, so the result is the same for any number of threads.
    let sums: Vec<(Vec<f32>, Vec<f32>)> = (rows.par_chunks_mut(chunk).zip(output_gradient.par_chunks(chunk)))
        .map(|(rows, output_gradient)| {
            let (mut scale, mut shift) = (vec![0.0; size], vec![0.0; size]);
            for (row, output_gradient) in rows.chunks_exact_mut(size).zip(output_gradient.chunks_exact(size)) {
                row_gradients(row, gamma, output_gradient, epsilon as f32, &mut scale, &mut shift);
            }
            (scale, shift)
        })
        .collect();
    let (mut scale, mut shift) = (vec![0.0f32; size], vec![0.0f32; size]);
    for (chunk_scale, chunk_shift) in sums {
        scale.iter_mut().zip(chunk_scale).for_each(|(sum, part)| *sum += part);
        shift.iter_mut().zip(chunk_shift).for_each(|(sum, part)| *sum += part);
    }
    [x, TensorData::new(scale, shape.clone()), TensorData::new(shift, shape)]
}

/// Replaces the input of one row by the gradient to it, and adds the row's gradients to scale and shift.
fn row_gradients(
    row: &mut [f32],
    gamma: &[f32],
    output_gradient: &[f32],
    epsilon: f32,
    scale: &mut [f32],
    shift: &mut [f32],
) {
    let count = row.len() as f32;
    let inverse = normalise(row, epsilon);
    for (i, x) in row.iter().enumerate() {
        scale[i] += output_gradient[i] * *x;
        shift[i] += output_gradient[i];
    }
    let mean = sum(row.len(), |i| output_gradient[i] * gamma[i]) / count;
    let dot = sum(row.len(), |i| output_gradient[i] * gamma[i] * row[i]) / count;
    for (i, x) in row.iter_mut().enumerate() {
        *x = (output_gradient[i] * gamma[i] - mean - *x * dot) * inverse;
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::{
        nn::LayerNormConfig,
        tensor::{Device, Distribution},
    };

    use super::{
        super::tests::{assert_near, values},
        *,
    };

    #[test]
    fn the_norm_of_a_sum_equals_burn() {
        let device = Device::flex();
        device.seed(6);
        for (rows, size) in [(1, 1), (3, 7), (64, 33), (200, 384)] {
            for with_bias in [true, false] {
                let mut layer = LayerNormConfig::new(size).with_epsilon(1e-5).with_bias(with_bias).init(&device);
                layer.gamma = layer.gamma.map(|gamma| gamma.random_like(Distribution::Normal(1.0, 0.5)));
                layer.beta = layer.beta.map(|beta| beta.map(|beta| beta.random_like(Distribution::Normal(0.0, 0.5))));
                let [x, y] =
                    [1.0, 3.0].map(|std| Tensor::<2>::random([rows, size], Distribution::Normal(0.3, std), &device));
                let theirs = layer.forward(x.clone() + y.clone());
                assert_near(&values(add_norm(&layer, 1e-5, x, y)), &values(theirs));
            }
        }
    }

    /// The reference is burn's own layer norm, split into operations by its autodiff.
    #[test]
    fn layer_norm_equals_burn() {
        let device = Device::flex().autodiff();
        device.seed(3);
        for (rows, size) in [(1, 1), (3, 7), (64, 33), (200, 384)] {
            let layer = LayerNormConfig::new(size).with_epsilon(1e-5).init(&device);
            let random = |shape| Tensor::<2>::random(shape, Distribution::Normal(0.3, 2.0), &device);
            let (input, weight) = (random([rows, size]), random([rows, size]));
            let run = |norm: &dyn Fn(Tensor<2>) -> Tensor<2>| {
                let x = input.clone().detach().require_grad();
                let y = norm(x.clone());
                let mut gradients = (y.clone() * weight.clone()).sum().backward();
                let gamma = layer.gamma.val().grad_remove(&mut gradients).expect("tracked");
                let beta = layer.beta.as_ref().expect("a shift").val().grad_remove(&mut gradients).expect("tracked");
                [values(y), values(x.grad(&gradients).expect("tracked")), values(gamma), values(beta)]
            };
            let (ours, theirs) = (run(&|x| layer_norm(&layer, 1e-5, x)), run(&|x| layer.forward(x)));
            ours.iter().zip(&theirs).for_each(|(ours, theirs)| assert_near(ours, theirs));
        }
    }
}
