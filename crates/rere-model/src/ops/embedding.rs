//! Embeddings whose gradient is written once, in training.
//!
//! burn's flex backend writes the gradient, as large as the vocabulary, three times for each batch.

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
        backend_extension, read_sync,
        tensor::{FloatTensor, IntTensor},
    },
    nn::Embedding,
    tensor::{Int, Tensor, TensorData},
};

use super::to_data;
use crate::device::on_flex;

/// Returns the embeddings of tokens, `[batch, tokens, size]`.
pub(crate) fn embed(layer: &Embedding, tokens: Tensor<2, Int>) -> Tensor<3> {
    let weight = layer.weight.val();
    if !weight.device().is_autodiff() || !on_flex(&weight) {
        return layer.forward(tokens);
    }
    Tensor::from_dispatch(Dispatch::fused_embedding(weight.into_dispatch(), tokens.into_dispatch()))
}

/// Embeddings for f32 tensors on flex. Other tensors never get here.
#[backend_extension(Flex: cfg(feature = "flex"), LibTorch: cfg(feature = "tch"), Autodiff)]
trait FusedEmbedding: Backend {
    fn fused_embedding(weight: FloatTensor<Self>, tokens: IntTensor<Self>) -> FloatTensor<Self> {
        Self::embedding(weight, tokens)
    }
}

#[cfg(feature = "flex")]
impl FusedEmbedding for burn::backend::Flex {}

#[cfg(feature = "tch")]
impl FusedEmbedding for burn::backend::LibTorch {}

impl<B: FusedEmbedding, C: CheckpointStrategy> FusedEmbedding for Autodiff<B, C> {
    fn fused_embedding(weight: FloatTensor<Self>, tokens: IntTensor<Self>) -> FloatTensor<Self> {
        let (weight, node) = weight.into_parts();
        match EmbeddingGradient.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let [count, size] = weight.shape().dims();
                let value = B::fused_embedding(weight, tokens.clone());
                prep.finish((tokens, [count, size]), value)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::fused_embedding(weight, tokens)),
        }
    }
}

#[derive(Debug)]
struct EmbeddingGradient;

impl<B: Backend> Backward<B, 1> for EmbeddingGradient {
    /// Tokens, and the number and the size of embeddings.
    type State = (B::IntTensorPrimitive, [usize; 2]);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let (tokens, [count, size]) = ops.state;
        unary::<B, _>(ops.parents, ops.node, gradients, |gradient| {
            let device = gradient.device();
            let gradient = to_data::<B>(gradient);
            let rows = gradient.as_slice::<f32>().expect("checked: f32").chunks_exact(size);
            let tokens = read_sync(B::int_into_data(tokens)).expect("the data are in the memory of the CPU");
            // The system gives zeros without writing them, so that rows of words that are not in the batch cost nothing here.
            let mut sums = vec![0.0f32; count * size];
            for (token, row) in tokens.iter::<i64>().zip(rows) {
                let start = token as usize * size;
                sums[start..start + size].iter_mut().zip(row).for_each(|(sum, part)| *sum += part);
            }
            B::float_from_data(TensorData::new(sums, [count, size]), &device)
        });
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::{
        module::Module,
        nn::EmbeddingConfig,
        tensor::{Device, Distribution},
    };

    use super::{
        super::tests::{assert_near, values},
        *,
    };

    #[test]
    fn value_and_gradient_equal_burn() {
        let device = Device::flex().autodiff();
        device.seed(4);
        let layer = EmbeddingConfig::new(20, 7).init(&device);
        // Some tokens are repeated, in a sentence and in the batch.
        let tokens = Tensor::<2, Int>::from_ints([[3, 0, 3, 19, 5], [3, 6, 7, 7, 0]], &device);
        let weight = Tensor::<3>::random([2, 5, 7], Distribution::Normal(0.0, 1.0), &device);
        let run = |embed: &dyn Fn() -> Tensor<3>| {
            let y = embed();
            let mut gradients = (y.clone() * weight.clone()).sum().backward();
            [values(y), values(layer.weight.val().grad_remove(&mut gradients).expect("tracked"))]
        };
        let ours = run(&|| embed(&layer, tokens.clone()));
        let theirs = run(&|| layer.forward(tokens.clone()));
        ours.iter().zip(&theirs).for_each(|(ours, theirs)| assert_near(ours, theirs));
    }

    #[test]
    fn frozen_embeddings_have_no_gradient() {
        let device = Device::flex().autodiff();
        let layer = EmbeddingConfig::new(4, 2).init(&device).no_grad();
        let tokens = Tensor::<2, Int>::from_ints([[1, 2]], &device);
        assert!(!embed(&layer, tokens).is_require_grad());
    }
}
