//! Linear layers whose weights are in the order in which the matrix product reads them, in f32 or 8 bits, for the CPU.

mod int8;

use std::sync::Arc;

use rayon::prelude::*;
use rten_gemm::{BiasVector, GemmExecutor, GemmInputA, GemmInputB, GemmOptions, PackedBMatrix};
use rten_tensor::NdTensorView;

use super::{activation::Activation, simd::vectorised};
use int8::Int8;

/// Number of rows that a thread processes at a time. Their values stay in its cache.
const BLOCK: usize = 64;

/// The type of packed weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightType {
    /// 32 bits, as in training.
    F32,
    /// 8 bits.
    Int8,
}

/// The weights and the bias of a linear layer.
#[derive(Clone)]
pub(crate) struct Weights {
    inputs: usize,
    values: Values,
    bias: Arc<[f32]>,
}

#[derive(Clone)]
enum Values {
    F32(Arc<PackedBMatrix<f32>>),
    Int8(Arc<Int8>),
}

impl std::fmt::Debug for Weights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [inputs, outputs] = self.dims();
        f.debug_struct("Weights").field("inputs", &inputs).field("outputs", &outputs).finish_non_exhaustive()
    }
}

/// A block of input rows, in the form that the product reads.
enum Block<'a> {
    F32(&'a [f32]),
    Int8(int8::Block),
}

impl Weights {
    /// Packs weights, `[inputs, outputs]`, of a layer with a bias for each output.
    pub fn new(weights: &[f32], bias: Vec<f32>, weight_type: WeightType) -> Self {
        let (inputs, outputs) = (weights.len() / bias.len(), bias.len());
        let values = match weight_type {
            WeightType::F32 => {
                let matrix = NdTensorView::from_data([inputs, outputs], weights);
                Values::F32(Arc::new(GemmExecutor::<f32>::new().prepack_b(matrix)))
            }
            WeightType::Int8 => Values::Int8(Arc::new(Int8::new(weights, outputs))),
        };
        Self { inputs, values, bias: bias.into() }
    }

    /// Returns the numbers of inputs and outputs.
    pub fn dims(&self) -> [usize; 2] {
        [self.inputs, self.bias.len()]
    }

    /// Returns the layer without its bias.
    pub fn without_bias(&self) -> Self {
        Self { bias: vec![0.0; self.bias.len()].into(), ..self.clone() }
    }

    fn block<'a>(&self, rows: &'a [f32], scratch: &mut int8::Scratch) -> Block<'a> {
        match &self.values {
            Values::F32(_) => Block::F32(rows),
            Values::Int8(values) => Block::Int8(values.block(rows, scratch)),
        }
    }

    /// Computes the outputs of a block of rows, and applies a function, which must be `#[inline(always)]`, to each of them.
    ///
    /// # Panics
    /// Panics if the block was made by weights of another type.
    fn multiply(&self, block: &Block, scratch: &mut int8::Scratch, outputs: &mut [f32], apply: impl Fn(&mut [f32])) {
        match (&self.values, block) {
            (Values::F32(values), Block::F32(rows)) => {
                let rows = NdTensorView::from_data([rows.len() / self.inputs, self.inputs], *rows);
                let options = GemmOptions { bias: Some(BiasVector::Row(&self.bias)), ..Default::default() };
                (GemmExecutor::<f32>::new())
                    .gemm(outputs, GemmInputA::Unpacked(rows), GemmInputB::Packed(values), options)
                    .expect("the weights were packed for this product");
                vectorised(
                    #[inline(always)]
                    || outputs.chunks_exact_mut(self.bias.len()).for_each(apply),
                );
            }
            (Values::Int8(values), Block::Int8(block)) => values.multiply(block, &self.bias, scratch, outputs, apply),
            _ => unreachable!("layers over the same rows have the same type"),
        }
    }
}

/// Computes the outputs of layers over the same rows of inputs.
///
/// # Panics
/// Panics if their weights have different types.
pub(crate) fn linear<const N: usize>(x: &[f32], layers: [&Weights; N]) -> [Vec<f32>; N] {
    let first = layers[0];
    let blocks: Vec<Block> = (x.par_chunks(BLOCK * first.inputs))
        .map_init(int8::Scratch::default, |scratch, rows| first.block(rows, scratch))
        .collect();
    layers.map(|layer| {
        let [inputs, outputs] = layer.dims();
        let mut result = vec![0.0; x.len() / inputs * outputs];
        blocks.par_iter().zip(result.par_chunks_mut(BLOCK * outputs)).for_each_init(
            int8::Scratch::default,
            |scratch, (block, result)| {
                layer.multiply(
                    block,
                    scratch,
                    result,
                    #[inline(always)]
                    |_| (),
                );
            },
        );
        result
    })
}

/// Computes the outputs of a feed-forward layer: `down(activation(up(x)))`. What is between the two layers never leaves the
/// cache.
pub(crate) fn feed_forward(x: &[f32], up: &Weights, activation: Activation, down: &Weights) -> Vec<f32> {
    let ([inputs, between], [_, outputs]) = (up.dims(), down.dims());
    let mut result = vec![0.0; x.len() / inputs * outputs];
    (x.par_chunks(BLOCK * inputs)).zip(result.par_chunks_mut(BLOCK * outputs)).for_each_init(
        || (int8::Scratch::default(), Vec::new()),
        |(scratch, states), (rows, result)| {
            let block = up.block(rows, scratch);
            states.resize(rows.len() / inputs * between, 0.0);
            up.multiply(
                &block,
                scratch,
                states,
                #[inline(always)]
                |row| activation.apply(row),
            );
            let block = down.block(states, scratch);
            down.multiply(
                &block,
                scratch,
                result,
                #[inline(always)]
                |_| (),
            );
        },
    );
    result
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::tensor::{Device, Distribution, Tensor};

    use super::{super::tests::values, *};

    fn random(rows: usize, columns: usize) -> Vec<f32> {
        values(Tensor::<2>::random([rows, columns], Distribution::Normal(0.0, 1.0), &Device::flex()))
    }

    /// The outputs of a layer in f64, from the definition.
    fn exact(x: &[f32], weights: &[f32], bias: &[f32]) -> Vec<f64> {
        let inputs = weights.len() / bias.len();
        let output = |row: &[f32], output: usize| {
            let weights = weights.iter().skip(output).step_by(bias.len());
            row.iter().zip(weights).map(|(x, weight)| f64::from(*x) * f64::from(*weight)).sum::<f64>()
        };
        let rows = x.chunks_exact(inputs);
        rows.flat_map(|row| bias.iter().enumerate().map(move |(i, bias)| output(row, i) + f64::from(*bias))).collect()
    }

    /// Root mean square of the differences, relative to that of the values.
    fn error(ours: &[f32], theirs: &[f64]) -> f64 {
        assert_eq!(ours.len(), theirs.len());
        let difference: f64 = ours.iter().zip(theirs).map(|(ours, theirs)| (f64::from(*ours) - theirs).powi(2)).sum();
        (difference / theirs.iter().map(|x| x * x).sum::<f64>()).sqrt()
    }

    #[test]
    fn outputs_are_near_the_exact_ones() {
        Device::flex().seed(7);
        for (rows, inputs, outputs) in
            [(1, 1, 1), (3, 7, 2), (64, 33, 5), (65, 64, 17), (130, 384, 24), (20, 1536, 3), (9, 2048, 1)]
        {
            let (x, weights, bias) = (random(rows, inputs), random(inputs, outputs), random(1, outputs));
            for (weight_type, tolerance) in [(WeightType::F32, 1e-6), (WeightType::Int8, 0.02)] {
                let layer = Weights::new(&weights, bias.clone(), weight_type);
                let [ours, without_bias] = linear(&x, [&layer, &layer.without_bias()]);
                for (ours, bias) in [(ours, bias.clone()), (without_bias, vec![0.0; outputs])] {
                    let found = error(&ours, &exact(&x, &weights, &bias));
                    assert!(
                        found < tolerance,
                        "{found} for {weight_type:?}, {rows} rows, {inputs} inputs, {outputs} outputs"
                    );
                }
            }
        }
    }

    /// All products are as large as they can be, so that a kernel which adds them in 16 bits would cut them off. With an odd number
    /// of inputs there is no rotation, and whole numbers stay what they are.
    #[test]
    fn the_largest_sums_are_exact() {
        let largest = int8::largest_input();
        let (rows, inputs, outputs) = (5, 1025, 40);
        for (x, weight) in [(largest, 127.0), (-largest, 127.0), (largest, -127.0), (-largest, -127.0)] {
            let layer = Weights::new(&vec![weight; inputs * outputs], vec![1.0; outputs], WeightType::Int8);
            let [ours] = linear(&vec![x; rows * inputs], [&layer]);
            let expected = x * weight * inputs as f32 + 1.0;
            assert!(ours.iter().all(|y| (y - expected).abs() <= 1e-6 * expected.abs()), "{} for {expected}", ours[0]);
        }
    }

    #[test]
    fn outliers_cost_little() {
        Device::flex().seed(8);
        let (rows, inputs, outputs) = (50, 384, 24);
        let (mut x, weights, bias) = (random(rows, inputs), random(inputs, outputs), vec![0.0; outputs]);
        for row in x.chunks_exact_mut(inputs) {
            row[17] = 60.0;
        }
        let [ours] = linear(&x, [&Weights::new(&weights, bias.clone(), WeightType::Int8)]);
        let found = error(&ours, &exact(&x, &weights, &bias));
        // Without the rotation it would be 0.046, and 0.094 with 7 bits for inputs (computed with NumPy).
        assert!(found < 0.025, "{found}");
    }

    #[test]
    fn a_feed_forward_layer_is_its_two_layers() {
        Device::flex().seed(9);
        let (rows, inputs, between) = (70, 48, 192);
        for weight_type in [WeightType::F32, WeightType::Int8] {
            let up = Weights::new(&random(inputs, between), random(1, between), weight_type);
            let down = Weights::new(&random(between, inputs), random(1, inputs), weight_type);
            let x = random(rows, inputs);
            let [mut fed] = linear(&x, [&up]);
            fed.chunks_exact_mut(between).for_each(|row| Activation::Relu.apply(row));
            let [expected] = linear(&fed, [&down]);
            assert_eq!(feed_forward(&x, &up, Activation::Relu, &down), expected);
        }
    }

    #[test]
    fn a_number_that_is_not_finite_spoils_its_row_only() {
        let (inputs, outputs) = (64, 3);
        let layer = Weights::new(&vec![0.5; inputs * outputs], vec![0.0; outputs], WeightType::Int8);
        for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut x = vec![1.0; 3 * inputs];
            x[inputs + 5] = number;
            let [ours] = linear(&x, [&layer]);
            let spoilt: Vec<bool> = ours.chunks_exact(outputs).map(|row| row.iter().all(|y| !y.is_finite())).collect();
            assert_eq!(spoilt, [false, true, false], "{ours:?}");
            assert!((ours[0] - 32.0).abs() < 0.1, "{ours:?}");
        }
    }
}
