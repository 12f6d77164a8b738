//! Dropout, fast on the CPU.
//!
//! On the CPU burn's flex backend and LibTorch draw each element of a mask alone, from one generator on one thread. Here it
//! gives one number, and the mask follows from that in a parallel pass.

use burn::{
    nn::Dropout,
    tensor::{Distribution, Int, Tensor, TensorData},
};
use rayon::prelude::*;

use crate::device::on_cpu;

/// Elements that are drawn from one generator. The mask depends on it, but not on the number of threads.
const CHUNK: usize = 4096;

/// What `layer` does (Srivastava et al. 2014): with its probability an element becomes 0, else it is scaled up so that
/// the mean stays. Nothing happens on a device without autodiff, or in a frozen layer.
pub(crate) fn dropout<const D: usize>(layer: &Dropout, x: Tensor<D>) -> Tensor<D> {
    let idle = layer.prob == 0.0 || !layer.training.is_enabled() || !x.device().is_autodiff();
    if idle || !on_cpu(&x) {
        return layer.forward(x);
    }
    let plain = x.device().inner();
    // The device's generator gives the seed, so that `Device::seed` seeds this too.
    let seed = Tensor::<1, Int>::random([4], Distribution::Uniform(0.0, 65536.0), &plain);
    let seed = seed.into_data().iter::<i64>().fold(0u64, |seed, bits| (seed << 16) ^ bits as u64);
    let mask =
        Tensor::<D>::from_data(TensorData::new(mask(seed, layer.prob, x.shape().num_elements()), x.shape()), &plain);
    x.mul(Tensor::from_inner(mask))
}

/// 0 with the given probability, else 1 / (1 - probability).
fn mask(seed: u64, probability: f64, elements: usize) -> Vec<f32> {
    let kept = (1.0 - probability).recip() as f32;
    let lost = (probability * f64::from(u32::MAX)) as u32;
    let mut mask = vec![0.0f32; elements];
    mask.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, mask)| {
        // splitmix64 (Steele et al. 2014): a counter and a hash of it, so that a chunk can begin anywhere.
        let mut state = hash(seed.wrapping_add(chunk as u64));
        for pair in mask.chunks_mut(2) {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let bits = hash(state);
            for (element, half) in pair.iter_mut().zip([bits as u32, (bits >> 32) as u32]) {
                *element = if half < lost { 0.0 } else { kept };
            }
        }
    });
    mask
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

    #[test]
    fn the_share_and_the_mean_are_right() {
        for probability in [0.1, 0.5, 0.9] {
            let elements = 1_000_001;
            let mask = mask(7, probability, elements);
            let lost = mask.iter().filter(|x| **x == 0.0).count() as f64 / elements as f64;
            // Five standard deviations.
            let spread = 5.0 * (probability * (1.0 - probability) / elements as f64).sqrt();
            assert!((lost - probability).abs() < spread, "{lost} for {probability}");
            // Neighbours, and elements at the same place of two chunks, fall out independently.
            for distance in [1, 2, CHUNK] {
                let both = mask.iter().zip(&mask[distance..]).filter(|(a, b)| **a == 0.0 && **b == 0.0).count();
                let both = both as f64 / (elements - distance) as f64;
                assert!((both - probability * probability).abs() < 2.0 * spread, "{both} for {probability}");
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
    fn nothing_is_lost_outside_training() {
        let layer = DropoutConfig::new(0.3).init();
        let sum = |layer: &Dropout, device: &Device| {
            dropout(layer, Tensor::<1>::ones([1000], device)).sum().into_scalar::<f32>()
        };
        assert_eq!(sum(&layer, &Device::flex()), 1000.0);
        assert_eq!(sum(&layer.clone().freeze(), &Device::flex().autodiff()), 1000.0);
        assert_ne!(sum(&layer, &Device::flex().autodiff()), 1000.0);
    }
}
