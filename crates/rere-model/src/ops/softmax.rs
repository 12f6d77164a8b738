//! Softmax as one operation, also in training, like [`super::layer_norm`].

// The backend_extension macro names LibTorch in a form that burn 0.22 deprecates.
#![cfg_attr(feature = "tch", allow(deprecated))]

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

use super::{chunk_size, sum, to_data};
use crate::device::on_cpu;

/// Computes the softmax over the last dimension.
pub(crate) fn softmax(x: Tensor<4>) -> Tensor<4> {
    if x.device().is_autodiff() && on_cpu(&x) {
        Tensor::from_dispatch(Dispatch::fused_softmax(x.into_dispatch()))
    } else {
        activation::softmax(x, 3)
    }
}

/// Softmax for f32 tensors in the memory of the CPU. Other tensors never get here.
#[backend_extension(Flex: cfg(feature = "flex"), LibTorch: cfg(feature = "tch"), Autodiff)]
trait FusedSoftmax: Backend {
    fn fused_softmax(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let last = x.shape().num_dims() - 1;
        Self::softmax(x, last)
    }
}

#[cfg(feature = "flex")]
impl FusedSoftmax for burn::backend::Flex {}

#[cfg(feature = "tch")]
impl FusedSoftmax for burn::backend::LibTorch {}

impl<B: FusedSoftmax, C: CheckpointStrategy> FusedSoftmax for Autodiff<B, C> {
    fn fused_softmax(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let (x, node) = x.into_parts();
        match SoftmaxGradient.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let value = B::fused_softmax(x);
                prep.finish(value.clone(), value)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::fused_softmax(x)),
        }
    }
}

#[derive(Debug)]
struct SoftmaxGradient;

impl<B: Backend> Backward<B, 1> for SoftmaxGradient {
    /// The output.
    type State = B::FloatTensorPrimitive;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let value = ops.state;
        unary::<B, _>(ops.parents, ops.node, gradients, |gradient| {
            let device = value.device();
            B::float_from_data(softmax_gradient(&to_data::<B>(value), to_data::<B>(gradient)), &device)
        });
    }
}

/// Computes the gradient to the input of a softmax over the last dimension, from its output and the gradient to that:
/// `value (gradient - sum(value gradient))`.
fn softmax_gradient(value: &TensorData, mut gradient: TensorData) -> TensorData {
    let size = value.shape().last().copied().unwrap_or(1).max(1);
    let values = value.as_slice::<f32>().expect("checked: f32");
    let gradients = gradient.as_mut_slice::<f32>().expect("checked: f32");
    let chunk = chunk_size(size);
    gradients.par_chunks_mut(chunk).zip(values.par_chunks(chunk)).for_each(|(gradients, values)| {
        for (gradients, values) in gradients.chunks_exact_mut(size).zip(values.chunks_exact(size)) {
            let dot = sum(size, |i| gradients[i] * values[i]);
            gradients.iter_mut().zip(values).for_each(|(gradient, value)| *gradient = value * (*gradient - dot));
        }
    });
    gradient
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::tensor::{Device, Distribution};

    use super::{
        super::tests::{assert_near, values},
        *,
    };

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
            assert_near(&ours.0, &theirs.0);
            assert_near(&ours.1, &theirs.1);
        }
    }
}
