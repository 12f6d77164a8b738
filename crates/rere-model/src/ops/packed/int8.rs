//! Weights in 8 bits, as LLM.int8() has them (Dettmers et al. 2022, Section 2.1): each row of the input and each column of the
//! weights has a scale, and their product is one of whole numbers.
//!
//! Before, inputs and weights are rotated by a Hadamard matrix, as in QuaRot (Ashkboos et al. 2024). This does not change
//! their product, but spreads a large input over many, so that the scale of a row does not depend on a few outliers.

use rten_gemm::{GemmExecutor, GemmInputA, GemmInputB, PackedAMatrix, PackedBMatrix};
use rten_tensor::NdTensorView;

use super::super::simd::{ROUND, vectorised};

/// The most neighbouring inputs that are rotated together.
const ROTATED: usize = 64;

type Executor = GemmExecutor<u8, i8, i32>;

/// Weights in 8 bits.
pub struct Int8 {
    inputs: usize,
    /// `[inputs, outputs]`, in the order in which the product reads them.
    values: PackedBMatrix<i8>,
    /// Size of a step of each output, divided by what the rotation multiplies products by.
    steps: Vec<f32>,
    /// What each output has too much, because inputs are not negative: see [`Levels`].
    shifts: Vec<i32>,
}

/// A block of input rows in 8 bits.
pub struct Block {
    values: PackedAMatrix<u8>,
    /// Size of a step of each row.
    steps: Vec<f32>,
}

/// Memory that is used again for each block.
#[derive(Default)]
pub struct Scratch {
    rotated: Vec<f32>,
    values: Vec<u8>,
    sums: Vec<i32>,
}

/// The numbers that an input can become, from `zero - largest` to `zero + largest`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Levels {
    zero: u8,
    largest: u8,
}

impl Levels {
    /// All of 8 bits, or 7 bits if the product adds pairs of products in 16 bits and would cut off larger ones.
    fn of(executor: &Executor) -> Self {
        if executor.may_saturate() { Self { zero: 64, largest: 63 } } else { Self { zero: 128, largest: 127 } }
    }
}

/// Returns the largest whole number that stays what it is as an input.
#[cfg(test)]
pub fn largest_input() -> f32 {
    Levels::of(&Executor::new()).largest.into()
}

impl Int8 {
    /// Converts weights, `[inputs, outputs]`, to 8 bits.
    pub fn new(weights: &[f32], outputs: usize) -> Self {
        let executor = Executor::new();
        let inputs = weights.len() / outputs;
        let mut values = vec![0i8; weights.len()];
        let (mut steps, mut shifts) = (Vec::with_capacity(outputs), Vec::with_capacity(outputs));
        let zero = i32::from(Levels::of(&executor).zero);
        let mut column = vec![0.0; inputs];
        for output in 0..outputs {
            let weights: Vec<f32> = weights.iter().skip(output).step_by(outputs).copied().collect();
            rotate(&weights, &mut column);
            let step = largest(&column) / 127.0;
            let inverse = if step > 0.0 { step.recip() } else { 0.0 };
            let mut sum = 0;
            for (input, weight) in column.iter().enumerate() {
                let value = (weight * inverse).round() as i8;
                values[input * outputs + output] = value;
                sum += i32::from(value);
            }
            steps.push(step / rotated(inputs) as f32);
            shifts.push(zero * sum);
        }
        let values = executor.prepack_b(NdTensorView::from_data([inputs, outputs], values.as_slice()));
        Self { inputs, values, steps, shifts }
    }

    /// Converts rows of inputs to 8 bits.
    pub fn block(&self, rows: &[f32], Scratch { rotated, values, .. }: &mut Scratch) -> Block {
        let (executor, inputs) = (Executor::new(), self.inputs);
        let levels = Levels::of(&executor);
        values.resize(rows.len(), 0);
        rotated.resize(inputs, 0.0);
        let mut steps = Vec::with_capacity(rows.len() / inputs);
        vectorised(
            #[inline(always)]
            || {
                for (row, values) in rows.chunks_exact(inputs).zip(values.chunks_exact_mut(inputs)) {
                    rotate(row, rotated);
                    steps.push(quantise(rotated, levels, values));
                }
            },
        );
        let matrix = NdTensorView::from_data([rows.len() / inputs, inputs], values.as_slice());
        Block { values: executor.prepack_a(matrix), steps }
    }

    /// Computes the outputs of a block of rows, and applies a function, which must be `#[inline(always)]`, to each of them.
    pub fn multiply(
        &self,
        block: &Block,
        bias: &[f32],
        Scratch { sums, .. }: &mut Scratch,
        outputs: &mut [f32],
        apply: impl Fn(&mut [f32]),
    ) {
        sums.resize(outputs.len(), 0);
        let (a, b) = (GemmInputA::Packed(&block.values), GemmInputB::Packed(&self.values));
        Executor::new().gemm(sums, a, b, Default::default()).expect("both were packed for this product");
        vectorised(
            #[inline(always)]
            || {
                let rows = sums.chunks_exact(bias.len()).zip(outputs.chunks_exact_mut(bias.len()));
                for ((sums, outputs), step) in rows.zip(&block.steps) {
                    let sums = sums.iter().zip(&self.shifts).map(|(sum, shift)| (sum - shift) as f32);
                    let terms = sums.zip(&self.steps).zip(bias);
                    for (output, ((sum, column_step), bias)) in outputs.iter_mut().zip(terms) {
                        *output = sum * (step * column_step) + bias;
                    }
                    apply(outputs);
                }
            },
        );
    }
}

/// Returns how many of `inputs` neighbours are rotated together: the largest power of two that divides their number, at most
/// [`ROTATED`].
fn rotated(inputs: usize) -> usize {
    (inputs & inputs.wrapping_neg()).clamp(1, ROTATED)
}

/// Multiplies each group of neighbours of `from` by a Hadamard matrix. Squares of lengths are multiplied by the size of a group.
#[inline(always)]
fn rotate(from: &[f32], to: &mut [f32]) {
    match rotated(from.len()) {
        64 => rotate_groups::<64>(from, to),
        32 => rotate_groups::<32>(from, to),
        16 => rotate_groups::<16>(from, to),
        8 => rotate_groups::<8>(from, to),
        4 => rotate_groups::<4>(from, to),
        2 => rotate_groups::<2>(from, to),
        _ => to.copy_from_slice(from),
    }
}

/// The fast Walsh-Hadamard transform, in an order that is the same for inputs and weights.
#[inline(always)]
fn rotate_groups<const N: usize>(from: &[f32], to: &mut [f32]) {
    for (from, to) in from.as_chunks::<N>().0.iter().zip(to.as_chunks_mut::<N>().0) {
        let mut group = add_neighbours(from);
        for _ in 1..N.ilog2() {
            group = add_neighbours(&group);
        }
        *to = group;
    }
}

/// Returns the sums of pairs of neighbours, then their differences.
#[inline(always)]
fn add_neighbours<const N: usize>(from: &[f32; N]) -> [f32; N] {
    let mut to = [0.0; N];
    let (sums, differences) = to.split_at_mut(N / 2);
    for i in 0..N / 2 {
        sums[i] = from[2 * i] + from[2 * i + 1];
        differences[i] = from[2 * i] - from[2 * i + 1];
    }
    to
}

/// Converts a row to 8 bits and returns the size of a step.
#[inline(always)]
fn quantise(row: &[f32], levels: Levels, values: &mut [u8]) -> f32 {
    let step = largest(row) / f32::from(levels.largest);
    let inverse = if step == 0.0 { 0.0 } else { step.recip() };
    // The lowest eight bits of the sum are the rounded value.
    let zero = ROUND + f32::from(levels.zero);
    for (value, x) in values.iter_mut().zip(row) {
        *value = (*x * inverse + zero).to_bits() as u8;
    }
    step
}

/// Returns the largest absolute value, or NaN if there is one: the bits of positive numbers have the order of the numbers, and
/// those of NaN come last.
#[inline(always)]
fn largest(row: &[f32]) -> f32 {
    f32::from_bits(row.iter().fold(0, |largest, x| largest.max(x.abs().to_bits())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_rotated_vectors_are_multiples() {
        for (inputs, size) in [(1, 1), (6, 2), (24, 8), (48, 16), (64, 64), (384, 64)] {
            assert_eq!(rotated(inputs), size);
            let [x, y] =
                [7, 11].map(|factor| (0..inputs).map(|i| (i * factor % 23) as f32 - 11.0).collect::<Vec<f32>>());
            let product = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f32>();
            let expected = product(&x, &y) * size as f32;
            let [mut a, mut b] = [(); 2].map(|()| vec![0.0; inputs]);
            rotate(&x, &mut a);
            rotate(&y, &mut b);
            let found = product(&a, &b);
            assert!((found - expected).abs() < 1e-3 * (size * inputs) as f32, "{inputs}: {found}, not {expected}");
        }
        // A single large input is spread over its group.
        let (mut row, mut rotated) = ([0.0; 64], [0.0; 64]);
        row[5] = 3.0;
        rotate(&row, &mut rotated);
        assert!(rotated.iter().all(|x| x.abs() == 3.0), "{rotated:?}");
    }
}
