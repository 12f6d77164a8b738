//! Scaled dot-product attention (Vaswani et al. 2017).

use burn::{
    nn::Dropout,
    tensor::{Bool, Tensor},
};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::{dropout::dropout, simd::exp, softmax::softmax};

/// Splits states, `[batch * tokens, hidden]`, into heads, `[batch, heads, tokens, size]`.
pub(crate) fn split_heads(states: Tensor<2>, batch: usize, heads: usize) -> Tensor<4> {
    let [rows, hidden] = states.dims();
    states.reshape([batch, rows / batch, heads, hidden / heads]).swap_dims(1, 2)
}

/// Computes the means of the values, `[batch * wanted, hidden]`, weighted by the softmax of the scores, `[batch, heads, wanted,
/// tokens]`. `masked`, which can be expanded to this shape, is true for tokens that are not attended to.
pub(crate) fn attend(scores: Tensor<4>, value: Tensor<4>, masked: Tensor<4, Bool>, layer: &Dropout) -> Tensor<2> {
    let shape @ [batch, heads, wanted, _] = scores.dims();
    let [.., size] = value.dims();
    // Finite, so that a row of padding does not become NaN, and in the range of f16.
    let scores = scores.mask_fill(masked.expand(shape), -3e4);
    let weights = dropout(layer, softmax(scores));
    weights.matmul(value).swap_dims(1, 2).reshape([batch * wanted, heads * size])
}

/// Attention in one pass over the states of each sentence, for f32 on the CPU without gradients. Padding is left out.
pub(crate) struct Attention<'a> {
    /// Number of tokens of each sentence, without padding.
    pub lengths: &'a [usize],
    /// Number of heads.
    pub heads: usize,
    /// Size of a hidden state.
    pub hidden: usize,
    /// What the products of queries and keys are multiplied by.
    pub scale: f32,
    /// Added to the scores, `[heads, tokens, tokens]`.
    pub bias: Option<&'a [f32]>,
}

/// Memory that is used again for each sentence. Rows are as long as whole vectors.
#[derive(Default)]
struct Scratch {
    /// The keys of a head, `[size, tokens]`.
    keys: Vec<f32>,
    /// The values of a head, `[tokens, size]`.
    values: Vec<f32>,
    /// The scores of a group of queries, `[queries, tokens]`.
    scores: Vec<f32>,
    /// The weighted sums of the values, `[queries, size]`.
    sums: Vec<f32>,
}

impl Attention<'_> {
    /// Computes the means of the values weighted by attention, `[batch * wanted, hidden]`, zeros for padding, from queries,
    /// `[batch * wanted, hidden]`, and keys and values, `[batch * tokens, hidden]`. The queries are the first tokens of each
    /// sentence.
    pub fn forward(&self, query: &[f32], key: &[f32], value: &[f32]) -> Vec<f32> {
        let mut means = vec![0.0; query.len()];
        let batch = self.lengths.len().max(1);
        let [wanted, all] = [query.len(), key.len()].map(|values| (values / batch).max(1));
        (means.par_chunks_mut(wanted))
            .zip(query.par_chunks(wanted))
            .zip(key.par_chunks(all).zip(value.par_chunks(all)))
            .zip(self.lengths)
            .for_each_init(Scratch::default, |scratch, (((means, query), (key, value)), &length)| {
                let tokens = all / self.hidden;
                let sentence = Sentence { attention: self, length, tokens, query, key, value, scratch, means };
                pulp::Arch::new().dispatch(sentence);
            });
        means
    }
}

/// The attention of one sentence. Loops name their vectors, because compilers do not find the ones that keep all sums in
/// registers.
struct Sentence<'a> {
    attention: &'a Attention<'a>,
    length: usize,
    tokens: usize,
    query: &'a [f32],
    key: &'a [f32],
    value: &'a [f32],
    scratch: &'a mut Scratch,
    means: &'a mut [f32],
}

/// Number of queries that are read at a time, so that each key and value is loaded once for all of them.
const GROUP: usize = 4;

impl WithSimd for Sentence<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (hidden, size) = (self.attention.hidden, self.attention.hidden / self.attention.heads);
        let wanted = self.length.min(self.query.len() / hidden);
        let [size_of_row, length_of_row] = [size, self.length].map(|count| count.next_multiple_of(S::F32_LANES));
        let Scratch { keys, values, scores, sums } = &mut *self.scratch;
        for (buffer, length) in [
            (keys, size * length_of_row),
            (values, self.length * size_of_row),
            (scores, GROUP * length_of_row),
            (sums, GROUP * size_of_row),
        ] {
            buffer.clear();
            buffer.resize(length, 0.0);
        }
        for head in 0..self.attention.heads {
            for token in 0..self.length {
                let start = token * hidden + head * size;
                for (row, x) in self.scratch.keys.chunks_exact_mut(length_of_row).zip(&self.key[start..][..size]) {
                    row[token] = *x;
                }
                let row = &mut self.scratch.values[token * size_of_row..][..size];
                row.copy_from_slice(&self.value[start..][..size]);
            }
            let mut first = 0;
            while first < wanted {
                let is_group = first + GROUP <= wanted;
                if is_group {
                    self.queries::<S, GROUP>(simd, head, first);
                } else {
                    self.queries::<S, 1>(simd, head, first);
                }
                first += if is_group { GROUP } else { 1 };
            }
        }
    }
}

impl Sentence<'_> {
    /// Computes the means of one head for `N` queries from `first` on.
    #[inline(always)]
    fn queries<S: Simd, const N: usize>(&mut self, simd: S, head: usize, first: usize) {
        let Attention { hidden, heads, scale, bias, .. } = *self.attention;
        let (size, tokens, length) = (hidden / heads, self.tokens, self.length);
        let Scratch { keys, values, scores, sums } = &mut *self.scratch;
        let start = first * hidden + head * size;
        multiply::<S, N>(simd, &self.query[start..], [size, hidden], keys, scores);
        let mut inverse = [0.0f32; N];
        let length_of_row = scores.len() / GROUP;
        for (n, scores) in scores.chunks_exact_mut(length_of_row).take(N).enumerate() {
            for score in &mut *scores {
                *score *= scale;
            }
            if let Some(bias) = bias {
                let bias = &bias[(head * tokens + first + n) * tokens..];
                scores.iter_mut().zip(&bias[..length]).for_each(|(score, bias)| *score += bias);
            }
            scores[length..].fill(f32::NEG_INFINITY);
            inverse[n] = exponentials(simd, scores).recip();
        }
        multiply::<S, N>(simd, scores, [length, length_of_row], values, sums);
        let size_of_row = sums.len() / GROUP;
        for ((n, sums), inverse) in sums.chunks_exact(size_of_row).enumerate().zip(inverse) {
            let means = &mut self.means[start + n * hidden..][..size];
            means.iter_mut().zip(sums).for_each(|(mean, sum)| *mean = sum * inverse);
        }
    }
}

/// Multiplies `N` rows of `a`, `[N, depth]`, whose starts are `stride` apart, by `b`, `[depth, columns]`. The columns fill whole
/// vectors, and `product` has room for [`GROUP`] rows of them.
#[inline(always)]
fn multiply<S: Simd, const N: usize>(simd: S, a: &[f32], [depth, stride]: [usize; 2], b: &[f32], product: &mut [f32]) {
    let columns = product.len() / GROUP;
    let mut column = 0;
    while column + 2 * S::F32_LANES <= columns {
        tile::<S, N, 2>(simd, a, [depth, stride], b, [column, columns], product);
        column += 2 * S::F32_LANES;
    }
    if column < columns {
        tile::<S, N, 1>(simd, a, [depth, stride], b, [column, columns], product);
    }
}

/// Computes some columns of [`multiply`], as many as `V` vectors have, with all sums in registers.
#[inline(always)]
fn tile<S: Simd, const N: usize, const V: usize>(
    simd: S,
    a: &[f32],
    [depth, stride]: [usize; 2],
    b: &[f32],
    [column, columns]: [usize; 2],
    product: &mut [f32],
) {
    let width = V * S::F32_LANES;
    let mut sums = [[simd.splat_f32s(0.0); V]; N];
    for (k, row) in b.chunks_exact(columns).take(depth).enumerate() {
        let row = S::as_simd_f32s(&row[column..][..width]).0;
        for n in 0..N {
            let x = simd.splat_f32s(a[n * stride + k]);
            for v in 0..V {
                sums[n][v] = simd.mul_add_e_f32s(x, row[v], sums[n][v]);
            }
        }
    }
    for (sums, row) in sums.iter().zip(product.chunks_exact_mut(columns)) {
        S::as_mut_simd_f32s(&mut row[column..][..width]).0.copy_from_slice(sums);
    }
}

/// Replaces scores, which fill whole vectors, by `e^(score - largest)` and returns the sum.
#[inline(always)]
fn exponentials<S: Simd>(simd: S, scores: &mut [f32]) -> f32 {
    let largest = S::as_simd_f32s(scores).0.iter().copied();
    let largest = largest.reduce(|a, b| simd.max_f32s(a, b)).map_or(0.0, |largest| simd.reduce_max_f32s(largest));
    for score in &mut *scores {
        *score = exp(*score - largest);
    }
    let sum = S::as_simd_f32s(scores).0.iter().fold(simd.splat_f32s(0.0), |a, b| simd.add_f32s(a, *b));
    simd.reduce_sum_f32s(sum)
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::{
        nn::DropoutConfig,
        tensor::{Device, Distribution, TensorData},
    };

    use super::{
        super::tests::{assert_near, values},
        *,
    };

    /// The reference is attention by burn's own operations.
    #[test]
    fn one_pass_equals_burn() {
        let device = Device::flex();
        device.seed(5);
        let shapes: [(usize, usize, usize, usize); 5] =
            [(1, 1, 1, 1), (2, 3, 5, 5), (3, 16, 17, 17), (2, 32, 40, 40), (2, 24, 33, 1)];
        for (heads, size, tokens, wanted) in shapes {
            let hidden = heads * size;
            let lengths = [tokens, 1, tokens.div_ceil(2)];
            let batch = lengths.len();
            let random = |rows| Tensor::<2>::random([rows, hidden], Distribution::Normal(0.0, 2.0), &device);
            let [query, key, value] = [wanted, tokens, tokens].map(|tokens| random(batch * tokens));
            let bias = Tensor::<3>::random([heads, tokens, tokens], Distribution::Normal(0.0, 1.0), &device);
            let padding: Vec<bool> = lengths.iter().flat_map(|&length| (0..tokens).map(move |i| i >= length)).collect();
            let padding = Tensor::<4, Bool>::from_data(TensorData::new(padding, [batch, 1, 1, tokens]), &device);
            for bias in [None, Some(bias)] {
                let split = |states: &Tensor<2>| split_heads(states.clone(), batch, heads);
                let mut scores = split(&query).matmul(split(&key).swap_dims(2, 3)).mul_scalar(0.3);
                if let Some(bias) = &bias {
                    scores = scores + bias.clone().narrow(1, 0, wanted).unsqueeze::<4>();
                }
                let theirs = attend(scores, split(&value), padding.clone(), &DropoutConfig::new(0.1).init());
                let bias = bias.map(values);
                let attention = Attention { lengths: &lengths, heads, hidden, scale: 0.3, bias: bias.as_deref() };
                let ours = attention.forward(&values(query.clone()), &values(key.clone()), &values(value.clone()));
                let theirs = values(theirs);
                for (row, (ours, theirs)) in ours.chunks(hidden).zip(theirs.chunks(hidden)).enumerate() {
                    if row % wanted < lengths[row / wanted] {
                        assert_near(ours, theirs);
                    } else {
                        assert!(ours.iter().all(|x| *x == 0.0));
                    }
                }
            }
        }
    }
}
