//! Dropout, fast on the CPU.
//!
//! On the CPU, burn's flex backend and LibTorch draw each element of a mask separately, on one thread. Here they draw
//! only a seed, and a parallel pass computes the mask from it. On flex, the backward pass computes it again, which is as
//! fast as reading it.

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
    nn::Dropout,
    tensor::{Distribution, Int, Tensor, TensorData},
};
use rayon::prelude::*;

use super::to_data;
use crate::device::{on_cpu, on_flex};

/// Number of elements for each random generator. The mask depends on it, but not on the number of threads.
const CHUNK: usize = 4096;

/// Applies `layer` (Srivastava et al. 2014): sets elements to 0 with its probability, and scales up the others so that
/// the mean stays the same. Does nothing on a device without autodiff or in a frozen layer.
pub(crate) fn dropout<const D: usize>(layer: &Dropout, x: Tensor<D>) -> Tensor<D> {
    let is_off = layer.prob == 0.0 || !layer.training.is_enabled() || !x.device().is_autodiff();
    if is_off || !on_cpu(&x) {
        return layer.forward(x);
    }
    let plain = x.device().inner();
    // The seed comes from the device's generator, so that `Device::seed` has an effect.
    let seed = Tensor::<1, Int>::random([4], Distribution::Uniform(0.0, 65536.0), &plain);
    let seed = seed.into_data().iter::<i64>().fold(0u64, |seed, bits| (seed << 16) ^ bits as u64);
    if on_flex(&x) {
        return Tensor::from_dispatch(Dispatch::fused_dropout(x.into_dispatch(), seed, layer.prob));
    }
    let mut mask = vec![1.0; x.shape().num_elements()];
    drop_elements(&mut mask, seed, layer.prob);
    let mask = Tensor::<D>::from_data(TensorData::new(mask, x.shape()), &plain);
    x.mul(Tensor::from_inner(mask))
}

/// Sets elements to 0 with a probability, and multiplies the others by `1 / (1 - probability)`.
fn drop_elements(elements: &mut [f32], seed: u64, probability: f64) {
    let scale = (1.0 - probability).recip() as f32;
    let threshold = (probability * f64::from(u32::MAX)) as u32;
    elements.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, elements)| {
        // splitmix64 (Steele et al. 2014) hashes a counter, so each chunk can start at any number.
        let mut state = hash(seed.wrapping_add(chunk as u64));
        for pair in elements.chunks_mut(2) {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let bits = hash(state);
            for (element, half) in pair.iter_mut().zip([bits as u32, (bits >> 32) as u32]) {
                *element *= if half < threshold { 0.0 } else { scale };
            }
        }
    });
}

/// Dropout of f32 tensors on flex. Other tensors never get here.
#[backend_extension(Flex: cfg(feature = "flex"), LibTorch: cfg(feature = "tch"), Autodiff)]
trait FusedDropout: Backend {
    fn fused_dropout(x: FloatTensor<Self>, seed: u64, probability: f64) -> FloatTensor<Self> {
        let device = x.device();
        let mut x = to_data::<Self>(x);
        drop_elements(x.as_mut_slice().expect("checked: f32"), seed, probability);
        Self::float_from_data(x, &device)
    }
}

#[cfg(feature = "flex")]
impl FusedDropout for burn::backend::Flex {}

#[cfg(feature = "tch")]
impl FusedDropout for burn::backend::LibTorch {}

impl<B: FusedDropout, C: CheckpointStrategy> FusedDropout for Autodiff<B, C> {
    fn fused_dropout(x: FloatTensor<Self>, seed: u64, probability: f64) -> FloatTensor<Self> {
        let (x, node) = x.into_parts();
        let value = B::fused_dropout(x, seed, probability);
        match DropoutGradient.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((seed, probability), value),
            OpsKind::UnTracked(prep) => prep.finish(value),
        }
    }
}

#[derive(Debug)]
struct DropoutGradient;

impl<B: FusedDropout> Backward<B, 1> for DropoutGradient {
    /// The seed of the mask, and the probability.
    type State = (u64, f64);

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let (seed, probability) = ops.state;
        unary::<B, _>(ops.parents, ops.node, gradients, |gradient| B::fused_dropout(gradient, seed, probability));
    }
}

fn hash(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use burn::{module::Module, nn::DropoutConfig, tensor::Device};

    use super::*;

    fn mask(seed: u64, probability: f64, elements: usize) -> Vec<f32> {
        let mut mask = vec![1.0; elements];
        drop_elements(&mut mask, seed, probability);
        mask
    }

    #[test]
    fn elements_are_dropped_independently_with_the_probability() {
        for probability in [0.1, 0.5, 0.9] {
            let elements = 1_000_001;
            let mask = mask(7, probability, elements);
            let dropped = mask.iter().filter(|x| **x == 0.0).count() as f64 / elements as f64;
            // Five standard deviations.
            let tolerance = 5.0 * (probability * (1.0 - probability) / elements as f64).sqrt();
            assert!((dropped - probability).abs() < tolerance, "{dropped} for {probability}");
            // Neighbours, and elements at the same position in two chunks, are independent.
            for distance in [1, 2, CHUNK] {
                let both = mask.iter().zip(&mask[distance..]).filter(|(a, b)| **a == 0.0 && **b == 0.0).count();
                let both = both as f64 / (elements - distance) as f64;
                assert!((both - probability * probability).abs() < 2.0 * tolerance, "{both} for {probability}");
            }
        }
        assert_ne!(mask(1, 0.5, 64), mask(2, 0.5, 64));
    }

    #[test]
    fn value_and_gradient_have_one_mask() {
        let device = Device::flex().autodiff();
        let layer = DropoutConfig::new(0.3).init();
        let x = Tensor::<2>::ones([40, 50], &device).require_grad();
        let y = dropout(&layer, x.clone());
        let gradient = x.grad(&y.clone().sum().backward()).expect("tracked");
        let values: Vec<f32> = y.into_data().iter().collect();
        assert!(values.contains(&0.0) && values.iter().any(|y| (y - 1.0 / 0.7).abs() < 1e-6));
        assert_eq!(values, gradient.into_data().iter::<f32>().collect::<Vec<f32>>());
    }

    #[test]
    fn nothing_is_dropped_outside_training() {
        let layer = DropoutConfig::new(0.3).init();
        let drops = |layer: &Dropout, device: &Device| {
            let y = dropout(layer, Tensor::<1>::ones([1000], device)).into_data();
            y.iter::<f32>().any(|y| y != 1.0)
        };
        assert!(!drops(&layer, &Device::flex()));
        assert!(!drops(&layer.clone().freeze(), &Device::flex().autodiff()));
        assert!(drops(&layer, &Device::flex().autodiff()));
    }
}
