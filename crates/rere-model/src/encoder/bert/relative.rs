//! Positions relative to the attending token: the bias of MPNet and the terms of DeBERTa.

use burn::{
    module::{Module, Param},
    nn::{Dropout, Embedding, LayerNorm},
    tensor::{Device, Int, Tensor, TensorData},
};

use crate::ops::{dropout::dropout, layer_norm::layer_norm};

/// Weights of relative positions.
// A model has one, and burn's modules cannot be boxed.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub(super) enum Relative {
    /// MPNet (Song et al. 2020).
    Bias(Bias),
    /// DeBERTa (He et al. 2021).
    Disentangled(Disentangled),
}

/// A bias of the scores for each head and bucket of distances, as in T5.
#[derive(Module, Debug)]
pub(super) struct Bias {
    /// `[buckets, heads]`.
    pub bias: Embedding,
}

/// Embeddings of distances, which queries and keys are also compared with.
#[derive(Module, Debug)]
pub(super) struct Disentangled {
    /// `[2 * span, hidden]`; row `span` is that of the distance 0.
    pub embeddings: Param<Tensor<2>>,
    pub norm: Option<LayerNorm>,
    pub dropout: Dropout,
    pub epsilon: f64,
    /// The most distant token that the logarithmic buckets tell apart; `None` if each distance up to the span has its own bucket.
    #[module(skip)]
    pub farthest: Option<usize>,
    /// Whether queries are compared with positions (content to position).
    pub content_to_position: bool,
    /// Whether keys are compared with positions (position to content).
    pub position_to_content: bool,
}

/// What the layers add to their scores, for one length of input.
// There is one for each batch.
#[allow(clippy::large_enum_variant)]
pub(super) enum Positions {
    /// Added to the scores, `[1, heads, tokens, tokens]`.
    Bias(Tensor<4>),
    Disentangled {
        /// Embeddings of distances, `[2 * span, hidden]`.
        embeddings: Tensor<2>,
        /// The row of `embeddings` for each attending and each attended token, `[tokens, tokens]`.
        rows: Tensor<2, Int>,
        content_to_position: bool,
        position_to_content: bool,
    },
}

impl Relative {
    pub fn positions(&self, tokens: usize) -> Positions {
        match self {
            Self::Bias(bias) => {
                let [_, heads] = bias.bias.weight.dims();
                let rows = table(tokens, &bias.bias.weight.val().device(), |distance| bias.row(distance));
                let bias = bias.bias.forward(rows).reshape([1, tokens, tokens, heads]);
                Positions::Bias(bias.swap_dims(2, 3).swap_dims(1, 2))
            }
            Self::Disentangled(disentangled) => {
                let embeddings = disentangled.embeddings.val();
                let rows = table(tokens, &embeddings.device(), |distance| disentangled.row(distance));
                let embeddings = match &disentangled.norm {
                    Some(norm) => layer_norm(norm, disentangled.epsilon, embeddings),
                    None => embeddings,
                };
                Positions::Disentangled {
                    embeddings: dropout(&disentangled.dropout, embeddings),
                    rows,
                    content_to_position: disentangled.content_to_position,
                    position_to_content: disentangled.position_to_content,
                }
            }
        }
    }
}

impl Bias {
    /// Returns the row of `bias` for a distance from an attending to an attended token.
    pub fn row(&self, distance: i64) -> i64 {
        mpnet_bucket(distance, self.bias.weight.dims()[0])
    }
}

impl Disentangled {
    /// Returns the row of `embeddings` for a distance from an attending to an attended token.
    pub fn row(&self, distance: i64) -> i64 {
        let span = self.embeddings.dims()[0] as i64 / 2;
        let bucket = match self.farthest {
            Some(farthest) => deberta_bucket(-distance, span, farthest as i64),
            None => -distance,
        };
        (bucket + span).clamp(0, 2 * span - 1)
    }

    /// Returns the number of terms of a score, by whose square root it is divided.
    pub fn terms(&self) -> usize {
        1 + usize::from(self.content_to_position) + usize::from(self.position_to_content)
    }
}

/// Returns `bucket` of the distance from each attending token to each attended one, `[tokens, tokens]`.
fn table(tokens: usize, device: &Device, bucket: impl Fn(i64) -> i64) -> Tensor<2, Int> {
    let tokens = tokens as i64;
    let buckets: Vec<i64> = (1 - tokens..tokens).map(bucket).collect();
    // Row i has the distances from -i to tokens - 1 - i.
    let rows = (0..tokens).flat_map(|i| &buckets[(tokens - 1 - i) as usize..(2 * tokens - 1 - i) as usize]);
    let rows: Vec<i64> = rows.copied().collect();
    Tensor::from_data(TensorData::new(rows, [tokens as usize, tokens as usize]), device)
}

/// Returns MPNet's bucket of a distance: half of the buckets for tokens before, half for tokens after. Each half has one bucket for
/// each small distance, and logarithmic ones up to 128.
fn mpnet_bucket(distance: i64, buckets: usize) -> i64 {
    const FARTHEST: f32 = 128.0;
    let half = buckets as i64 / 2;
    let exact = half / 2;
    let first = if distance > 0 { half } else { 0 };
    let distance = distance.abs();
    if distance < exact {
        return first + distance;
    }
    let share = (distance as f32 / exact as f32).ln() / (FARTHEST / exact as f32).ln();
    first + (exact + (share * (half - exact) as f32) as i64).min(half - 1)
}

/// Returns DeBERTa's bucket of a distance: the distance itself up to half of the span, logarithmic beyond.
fn deberta_bucket(distance: i64, span: i64, farthest: i64) -> i64 {
    let middle = span / 2;
    if distance.abs() <= middle {
        return distance;
    }
    let share = (distance.abs() as f32 / middle as f32).ln() / ((farthest - 1) as f32 / middle as f32).ln();
    ((share * (middle - 1) as f32).ceil() as i64 + middle) * distance.signum()
}
