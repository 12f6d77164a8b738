//! Operations that burn computes slowly on the CPU, each as one pass over the data.

pub(crate) mod activation;
pub(crate) mod attention;
pub(crate) mod dropout;
pub(crate) mod embedding;
pub(crate) mod flex;
pub(crate) mod gelu;
pub(crate) mod layer_norm;
pub(crate) mod optimizer;
pub(crate) mod packed;
pub(crate) mod simd;
pub(crate) mod softmax;

use burn::{
    backend::{Backend, read_sync},
    tensor::TensorData,
};

fn to_data<B: Backend>(x: B::FloatTensorPrimitive) -> TensorData {
    read_sync(B::float_into_data(x)).expect("the data are in the memory of the CPU")
}

/// Number of elements that a thread processes at a time.
const CHUNK: usize = 16 * 1024;

/// Returns the number of elements that a thread processes at a time in whole rows of `size`: about [`CHUNK`], or one row if
/// it has more.
fn chunk_size(size: usize) -> usize {
    (CHUNK / size).max(1) * size
}

/// Sums `term(0)` to `term(count - 1)` in lanes, so that the compiler can add several at a time.
#[inline(always)]
fn sum(count: usize, term: impl Fn(usize) -> f32) -> f32 {
    const LANES: usize = 16;
    let mut lanes = [0.0f32; LANES];
    let whole = count - count % LANES;
    for start in (0..whole).step_by(LANES) {
        for (lane, sum) in lanes.iter_mut().enumerate() {
            *sum += term(start + lane);
        }
    }
    lanes.iter().sum::<f32>() + (whole..count).map(term).sum::<f32>()
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::tensor::Tensor;

    pub fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
        x.into_data().try_to_vec().expect("f32")
    }

    /// Asserts equality up to 2e-6 of the largest value.
    pub fn assert_near(ours: &[f32], theirs: &[f32]) {
        assert_eq!(ours.len(), theirs.len());
        let largest = theirs.iter().fold(1.0f32, |largest, x| largest.max(x.abs()));
        for (i, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
            assert!((ours - theirs).abs() <= 2e-6 * largest, "{i}: {ours}, not {theirs}");
        }
    }
}
