//! BERT (Devlin et al. 2019) and encoders with its post-norm layers, which differ in embeddings and positions.

mod config;
mod deberta;
mod onnx;
mod relative;

use burn::{
    module::Module,
    nn::{Dropout, Embedding, LayerNorm},
    tensor::{Bool, Int, Tensor},
};

pub use config::BertConfig;
pub(super) use config::Family;
pub use deberta::DebertaConfig;

use super::{
    EncoderInput,
    transformer::{Transformer, freeze_lower, lengths, padding},
};
use crate::{
    Activation, Linear, Pack, WeightType,
    device::on_flex,
    ops::{
        attention::{Attention, attend, split_heads},
        dropout::dropout,
        embedding::embed,
        flex::{matrix, values},
        layer_norm::{add_norm, layer_norm},
    },
};
use relative::{Positions, Relative};

/// BERT, RoBERTa, XLM-R, DistilBERT, ELECTRA, ERNIE, MPNet or DeBERTa without its pooler: embeddings and layers.
#[derive(Module, Debug)]
pub struct Bert {
    embeddings: Embeddings,
    /// Positions relative to the attending token.
    relative: Option<Relative>,
    layers: Vec<Layer>,
    /// Number of lowest layers that, like the embeddings, are not trained; `None` if everything is trained.
    #[module(skip)]
    frozen: Option<usize>,
    size: usize,
}

impl Bert {
    pub(super) fn freeze_lower(self, layers: usize) -> Self {
        Self {
            embeddings: self.embeddings.freeze(),
            relative: self.relative.map(Module::freeze),
            layers: freeze_lower(self.layers, layers),
            frozen: Some(layers),
            size: self.size,
        }
    }
}

impl Pack for Bert {
    fn pack(mut self, weights: WeightType) -> Self {
        self.embeddings.projection = self.embeddings.projection.map(|layer| layer.pack(weights));
        self.layers = self.layers.into_iter().map(|layer| layer.pack(weights)).collect();
        self
    }
}

/// What all layers need besides the states.
pub(super) struct Shared {
    /// True for padding, `[batch, 1, 1, tokens]`.
    padding: Tensor<4, Bool>,
    /// Number of tokens of each sentence, where attention is computed in one pass.
    lengths: Option<Vec<usize>>,
    relative: Option<Positions>,
    /// Number of terms of a score.
    terms: usize,
}

impl Transformer for Bert {
    type Layer = Layer;
    type Shared = Shared;

    fn layers(&self) -> &[Layer] {
        &self.layers
    }

    fn frozen_layers(&self) -> Option<usize> {
        self.frozen
    }

    fn size(&self) -> usize {
        self.size
    }

    fn embed(&self, input: &EncoderInput) -> Tensor<2> {
        self.embeddings.forward(input)
    }

    fn share(&self, input: &EncoderInput) -> Shared {
        let [_, tokens] = input.ids.dims();
        let weights = self.embeddings.word.weight.val();
        let in_one_pass = on_flex(&weights) && !weights.device().is_autodiff();
        Shared {
            padding: padding(input),
            lengths: in_one_pass.then(|| lengths(input)),
            relative: self.relative.as_ref().map(|relative| relative.positions(tokens)),
            terms: match &self.relative {
                Some(Relative::Disentangled(disentangled)) => disentangled.terms(),
                _ => 1,
            },
        }
    }

    fn apply(layer: &Layer, rows: Tensor<2>, hidden: Tensor<2>, shared: &Shared) -> Tensor<2> {
        layer.forward(rows, hidden, shared)
    }
}

#[derive(Module, Debug)]
struct Embeddings {
    word: Embedding,
    position: Option<Embedding>,
    token_type: Option<Embedding>,
    task: Option<Embedding>,
    norm: LayerNorm,
    dropout: Dropout,
    /// From the size of an embedding to that of a hidden state, if they differ.
    projection: Option<Linear>,
    epsilon: f64,
    /// The position of the first token.
    first_position: usize,
}

impl Embeddings {
    /// Computes `[batch * tokens, hidden]`.
    fn forward(&self, input: &EncoderInput) -> Tensor<2> {
        let [batch, tokens] = input.ids.dims();
        let mut sum = embed(&self.word, input.ids.clone());
        if let Some(segments) = &self.token_type {
            let [count, _] = segments.weight.dims();
            sum = sum + if count > 1 { segments.forward(input.segments.clone()) } else { first_of(segments) };
        }
        if let Some(position) = &self.position {
            let positions = self.first_position as i64..(self.first_position + tokens) as i64;
            let positions = Tensor::<1, Int>::arange(positions, &input.ids.device());
            sum = sum + position.forward(positions.reshape([1, tokens]));
        }
        if let Some(task) = &self.task {
            sum = sum + first_of(task);
        }
        let [.., size] = sum.dims();
        let states = layer_norm(&self.norm, self.epsilon, sum.reshape([batch * tokens, size]));
        let states = dropout(&self.dropout, states);
        match &self.projection {
            Some(projection) => projection.forward(states),
            None => states,
        }
    }
}

/// Returns the first row of an embedding, `[1, 1, size]`.
fn first_of(embedding: &Embedding) -> Tensor<3> {
    embedding.weight.val().narrow(0, 0, 1).unsqueeze()
}

/// A layer: attention and a feed-forward layer, each followed by a layer norm.
#[derive(Module, Debug)]
pub(super) struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    attention_norm: LayerNorm,
    up: Linear,
    down: Linear,
    output_norm: LayerNorm,
    attention_dropout: Dropout,
    dropout: Dropout,
    heads: usize,
    epsilon: f64,
    #[module(skip)]
    activation: Activation,
}

impl Pack for Layer {
    fn pack(self, weights: WeightType) -> Self {
        Self {
            query: self.query.pack(weights),
            key: self.key.pack(weights),
            value: self.value.pack(weights),
            output: self.output.pack(weights),
            up: self.up.pack(weights),
            down: self.down.pack(weights),
            ..self
        }
    }
}

impl Layer {
    /// Computes the layer's output for the tokens `rows`, `[batch * wanted, hidden]`, the first ones of each sentence. They
    /// attend to all tokens `hidden`, `[batch * tokens, hidden]`, except for padding.
    fn forward(&self, rows: Tensor<2>, hidden: Tensor<2>, shared: &Shared) -> Tensor<2> {
        let [query, key, value] = if rows.dims() == hidden.dims() {
            Linear::forward_all([&self.query, &self.key, &self.value], hidden)
        } else {
            let [key, value] = Linear::forward_all([&self.key, &self.value], hidden);
            [self.query.forward(rows.clone()), key, value]
        };
        let context = self.attend(query, key, value, shared);
        let attended = dropout(&self.dropout, self.output.forward(context));
        let rows = add_norm(&self.attention_norm, self.epsilon, attended, rows);
        let fed = Linear::feed_forward(&self.up, self.activation, &self.down, rows.clone());
        add_norm(&self.output_norm, self.epsilon, dropout(&self.dropout, fed), rows)
    }

    /// Computes the means of the values weighted by attention, `[batch * wanted, hidden]`.
    fn attend(&self, query: Tensor<2>, key: Tensor<2>, value: Tensor<2>, shared: &Shared) -> Tensor<2> {
        let [_, hidden] = query.dims();
        let scale = ((hidden / self.heads * shared.terms) as f64).sqrt().recip();
        let bias = match (&shared.lengths, &shared.relative) {
            (None, _) | (_, Some(Positions::Disentangled { .. })) => {
                let [batch, ..] = shared.padding.dims();
                let [query, key, value] = [query, key, value].map(|states| split_heads(states, batch, self.heads));
                let query = query.mul_scalar(scale);
                let scores = query.clone().matmul(key.clone().swap_dims(2, 3));
                let scores = self.add_positions(scores, [query, key], scale, shared);
                return attend(scores, value, shared.padding.clone(), &self.attention_dropout);
            }
            (_, None) => None,
            (_, Some(Positions::Bias(bias))) => Some(values(bias.clone())),
        };
        let (device, lengths) = (query.device(), shared.lengths.as_deref().unwrap_or_default());
        let attention = Attention { lengths, heads: self.heads, hidden, scale: scale as f32, bias: bias.as_deref() };
        matrix(attention.forward(&values(query), &values(key), &values(value)), hidden, &device)
    }

    /// Adds what relative positions contribute to the scores, `[batch, heads, wanted, tokens]`. The query is already multiplied by
    /// the scale.
    fn add_positions(&self, scores: Tensor<4>, [query, key]: [Tensor<4>; 2], scale: f64, shared: &Shared) -> Tensor<4> {
        let [batch, heads, wanted, tokens] = scores.dims();
        match &shared.relative {
            None => scores,
            Some(Positions::Bias(bias)) => scores + bias.clone().narrow(2, 0, wanted),
            Some(Positions::Disentangled { embeddings, rows, content_to_position, position_to_content }) => {
                let rows = rows.clone().narrow(0, 0, wanted);
                let of_all = |rows: Tensor<2, Int>| {
                    let [from, to] = rows.dims();
                    rows.reshape([1, 1, from, to]).expand([batch, heads, from, to])
                };
                let mut scores = scores;
                if *content_to_position {
                    let positions = split_heads(self.key.forward(embeddings.clone()), 1, self.heads);
                    let terms = query.matmul(positions.swap_dims(2, 3));
                    scores = scores + terms.gather(3, of_all(rows.clone()));
                }
                if *position_to_content {
                    let positions = split_heads(self.query.forward(embeddings.clone()), 1, self.heads);
                    let terms = key.matmul(positions.mul_scalar(scale).swap_dims(2, 3));
                    debug_assert_eq!(terms.dims()[2], tokens);
                    scores = scores + terms.gather(3, of_all(rows.swap_dims(0, 1))).swap_dims(2, 3);
                }
                scores
            }
        }
    }
}
