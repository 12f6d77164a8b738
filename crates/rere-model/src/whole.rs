//! Layer norm and softmax as whole operations in training too.
//!
//! Without autodiff burn computes each in one pass. With it, burn takes them apart into ten and five operations, each of
//! which writes a tensor and is recorded. Here, on the CPU, the value is that of the one pass, and so is the gradient's.

// Burn calls LibTorch so since 0.22, which is why burn is pinned; what the macro writes names it.
#![cfg_attr(feature = "tch", allow(deprecated))]

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, TensorMetadata,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind, unary},
        },
        backend_extension, read_sync,
        tensor::FloatTensor,
    },
    nn::LayerNorm,
    tensor::{Tensor, TensorData, activation},
};
use rayon::prelude::*;

use crate::device::on_cpu;

/// What `layer` does (Ba et al. 2016), over the last dimension. `epsilon` is the layer's own, which burn does not tell.
pub(crate) fn layer_norm(layer: &LayerNorm, epsilon: f64, x: Tensor<2>) -> Tensor<2> {
    match &layer.beta {
        Some(beta) if x.device().is_autodiff() && on_cpu(&x) => {
            let [x, gamma, beta] = [x.into_dispatch(), layer.gamma.val().into_dispatch(), beta.val().into_dispatch()];
            Tensor::from_dispatch(Dispatch::whole_norm(x, gamma, beta, epsilon))
        }
        _ => layer.forward(x),
    }
}

/// Softmax over the last dimension.
pub(crate) fn softmax(x: Tensor<4>) -> Tensor<4> {
    if x.device().is_autodiff() && on_cpu(&x) {
        Tensor::from_dispatch(Dispatch::whole_softmax(x.into_dispatch()))
    } else {
        activation::softmax(x, 3)
    }
}

/// Both operations for f32 in the memory of the CPU; other devices do not come here.
#[backend_extension(Flex: cfg(feature = "flex"), LibTorch: cfg(feature = "tch"), Autodiff)]
trait Whole: Backend {
    fn whole_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        Self::layer_norm(x, gamma, Some(beta), epsilon)
    }

    fn whole_softmax(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let last = x.shape().num_dims() - 1;
        Self::softmax(x, last)
    }
}

#[cfg(feature = "flex")]
impl Whole for burn::backend::Flex {}

#[cfg(feature = "tch")]
impl Whole for burn::backend::LibTorch {}

impl<B: Whole, C: CheckpointStrategy> Whole for Autodiff<B, C> {
    fn whole_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let ((x, x_node), (gamma, gamma_node), (beta, beta_node)) =
            (x.into_parts(), gamma.into_parts(), beta.into_parts());
        match Norm.prepare::<C>([x_node, gamma_node, beta_node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let value = B::whole_norm(x.clone(), gamma.clone(), beta, epsilon);
                prep.finish((x, gamma, epsilon), value)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::whole_norm(x, gamma, beta, epsilon)),
        }
    }

    fn whole_softmax(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let (x, node) = x.into_parts();
        match Softmax.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let value = B::whole_softmax(x);
                prep.finish(value.clone(), value)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::whole_softmax(x)),
        }
    }
}

#[derive(Debug)]
struct Norm;

impl<B: Backend> Backward<B, 3> for Norm {
    /// Input, scale and epsilon.
    type State = (B::FloatTensorPrimitive, B::FloatTensorPrimitive, f64);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let (x, gamma, epsilon) = ops.state;
        let device = x.device();
        let gradient = data::<B>(gradients.consume::<B>(&ops.node));
        let slopes = norm_slopes(data::<B>(x), &data::<B>(gamma), gradient, epsilon);
        for (node, slope) in ops.parents.into_iter().zip(slopes) {
            if let Some(node) = node {
                gradients.register::<B>(node.id, B::float_from_data(slope, &device));
            }
        }
    }
}

#[derive(Debug)]
struct Softmax;

impl<B: Backend> Backward<B, 1> for Softmax {
    /// The output.
    type State = B::FloatTensorPrimitive;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let value = ops.state;
        unary::<B, _>(ops.parents, ops.node, gradients, |gradient| {
            let device = value.device();
            B::float_from_data(softmax_slopes(&data::<B>(value), data::<B>(gradient)), &device)
        });
    }
}

fn data<B: Backend>(x: B::FloatTensorPrimitive) -> TensorData {
    read_sync(B::float_into_data(x)).expect("it lies in the memory of the CPU")
}

/// Elements a thread works on at a time: whole rows of `size`, about 16,384 elements, or one row where that has more.
fn chunk(size: usize) -> usize {
    (16 * 1024 / size).max(1) * size
}

/// The gradients to input, scale and shift of a layer norm, from the gradient to its output.
///
/// With `n = (x - mean) / deviation` and `g = gradient * gamma`: `(g - mean(g) - n mean(g n)) / deviation` to the input,
/// the sum of `gradient * n` over rows to the scale, that of `gradient` to the shift.
fn norm_slopes(mut x: TensorData, gamma: &TensorData, gradient: TensorData, epsilon: f64) -> [TensorData; 3] {
    let shape = gamma.shape().clone();
    let gamma = gamma.as_slice::<f32>().expect("checked: f32");
    let upper = gradient.as_slice::<f32>().expect("checked: f32");
    let size = gamma.len();
    let chunk = chunk(size);
    let rows = x.as_mut_slice::<f32>().expect("checked: f32");
    // Sums over rows are taken chunk by chunk and put together in their order: the same for any number of threads.
    let sums: Vec<(Vec<f32>, Vec<f32>)> = (rows.par_chunks_mut(chunk).zip(upper.par_chunks(chunk)))
        .map(|(rows, upper)| {
            let (mut scale, mut shift) = (vec![0.0; size], vec![0.0; size]);
            for (row, upper) in rows.chunks_exact_mut(size).zip(upper.chunks_exact(size)) {
                norm_row(row, gamma, upper, epsilon as f32, &mut scale, &mut shift);
            }
            (scale, shift)
        })
        .collect();
    let (mut scale, mut shift) = (vec![0.0f32; size], vec![0.0f32; size]);
    for (own_scale, own_shift) in sums {
        scale.iter_mut().zip(own_scale).for_each(|(sum, own)| *sum += own);
        shift.iter_mut().zip(own_shift).for_each(|(sum, own)| *sum += own);
    }
    [x, TensorData::new(scale, shape.clone()), TensorData::new(shift, shape)]
}

/// One row: the input becomes the gradient to it, and its shares of the other two are added.
fn norm_row(row: &mut [f32], gamma: &[f32], upper: &[f32], epsilon: f32, scale: &mut [f32], shift: &mut [f32]) {
    let count = row.len() as f32;
    let mean = sum(row.len(), |i| row[i]) / count;
    let variance = sum(row.len(), |i| (row[i] - mean) * (row[i] - mean)) / count;
    let inverse = (variance + epsilon).sqrt().recip();
    for (i, x) in row.iter_mut().enumerate() {
        *x = (*x - mean) * inverse;
        scale[i] += upper[i] * *x;
        shift[i] += upper[i];
    }
    let mean = sum(row.len(), |i| upper[i] * gamma[i]) / count;
    let along = sum(row.len(), |i| upper[i] * gamma[i] * row[i]) / count;
    for (i, x) in row.iter_mut().enumerate() {
        *x = (upper[i] * gamma[i] - mean - *x * along) * inverse;
    }
}

/// The gradient to the input of a softmax over the last dimension, from its output and the gradient to that:
/// `value (gradient - sum(value gradient))`.
fn softmax_slopes(value: &TensorData, mut gradient: TensorData) -> TensorData {
    let size = value.shape().last().copied().unwrap_or(1).max(1);
    let values = value.as_slice::<f32>().expect("checked: f32");
    let slopes = gradient.as_mut_slice::<f32>().expect("checked: f32");
    let chunk = chunk(size);
    slopes.par_chunks_mut(chunk).zip(values.par_chunks(chunk)).for_each(|(slopes, values)| {
        for (slopes, values) in slopes.chunks_exact_mut(size).zip(values.chunks_exact(size)) {
            let along = sum(size, |i| slopes[i] * values[i]);
            slopes.iter_mut().zip(values).for_each(|(slope, value)| *slope = value * (*slope - along));
        }
    });
    gradient
}

/// The sum of `of(0..count)`, in lanes, so that the compiler can add many at a time.
#[inline(always)]
fn sum(count: usize, of: impl Fn(usize) -> f32) -> f32 {
    const LANES: usize = 16;
    let mut lanes = [0.0f32; LANES];
    let whole = count - count % LANES;
    for start in (0..whole).step_by(LANES) {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += of(start + lane);
        }
    }
    lanes.iter().sum::<f32>() + (whole..count).map(of).sum::<f32>()
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::{
        nn::LayerNormConfig,
        tensor::{Device, Distribution},
    };

    use super::*;

    fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
        x.into_data().try_to_vec().expect("f32")
    }

    fn near(ours: &[f32], theirs: &[f32]) {
        assert_eq!(ours.len(), theirs.len());
        let largest = theirs.iter().fold(1.0f32, |largest, x| largest.max(x.abs()));
        for (i, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
            assert!((ours - theirs).abs() <= 2e-6 * largest, "{i}: {ours}, not {theirs}");
        }
    }

    /// burn's own layer norm, taken apart by its autodiff, is the second source.
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
            ours.iter().zip(&theirs).for_each(|(ours, theirs)| near(ours, theirs));
        }
    }

    #[test]
    fn softmax_equals_burn() {
        let device = Device::flex().autodiff();
        device.seed(4);
        for shape in [[1, 1, 1, 1], [2, 3, 4, 5], [3, 4, 33, 40]] {
            let random = || Tensor::<4>::random(shape, Distribution::Normal(0.0, 3.0), &device);
            let (input, weight) = (random(), random());
            let run = |f: &dyn Fn(Tensor<4>) -> Tensor<4>| {
                let x = input.clone().detach().require_grad();
                let y = f(x.clone());
                let gradients = (y.clone() * weight.clone()).sum().backward();
                (values(y), values(x.grad(&gradients).expect("tracked")))
            };
            let (ours, theirs) = (run(&softmax), run(&|x| activation::softmax(x, 3)));
            near(&ours.0, &theirs.0);
            near(&ours.1, &theirs.1);
        }
    }
}
