//! ModernBERT (Warner et al. 2024): pre-norm layers, rotary positions, gated feed-forward layers, and local attention in most layers.

use burn::{
    module::{Initializer, Module},
    nn::{Dropout, DropoutConfig, Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, LinearConfig},
    tensor::{Bool, Device, FloatDType, Int, Tensor, TensorData},
};
use serde::{Deserialize, Serialize};

use super::{
    EncoderInput, check_dropout, check_sizes, check_transformer, initializer_range,
    transformer::{Transformer, freeze_lower, padding},
};
use crate::{
    Activation, Linear, ModelError, Pack, WeightType,
    error::ConfigProblem,
    ops::{
        attention::{attend, split_heads},
        dropout::dropout,
        embedding::embed,
        layer_norm::layer_norm,
    },
};

/// Settings of a [`ModernBert`]: the relevant fields of a Hugging Face `config.json`. Unknown fields are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModernBertConfig {
    /// Number of token ids.
    #[serde(default)]
    pub vocab_size: usize,
    /// Size of a hidden state.
    pub hidden_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Number of attention heads. The hidden size must be an even multiple of it.
    pub num_attention_heads: usize,
    /// Size of the feed-forward layer.
    pub intermediate_size: usize,
    /// Maximum length of an input in tokens.
    pub max_position_embeddings: usize,
    /// Activation of the feed-forward layer.
    #[serde(default)]
    pub hidden_activation: Activation,
    /// One layer in so many attends to all tokens, the first one included.
    #[serde(default = "three")]
    pub global_attn_every_n_layers: usize,
    /// Width of the window that the other layers attend to: half of it before a token and half after it.
    #[serde(default = "window")]
    pub local_attention: usize,
    /// Base of the rotary positions of layers that attend to all tokens.
    #[serde(default = "global_base")]
    pub global_rope_theta: f64,
    /// Base of the rotary positions of the other layers.
    #[serde(default = "local_base")]
    pub local_rope_theta: Option<f64>,
    /// Whether the projections of attention have biases.
    #[serde(default)]
    pub attention_bias: bool,
    /// Whether feed-forward layers have biases.
    #[serde(default)]
    pub mlp_bias: bool,
    /// Whether layer norms have biases.
    #[serde(default)]
    pub norm_bias: bool,
    /// Number that is added to the variance in layer norms.
    #[serde(default = "norm_epsilon")]
    pub norm_eps: f64,
    /// Standard deviation of random weights.
    #[serde(default = "initializer_range")]
    pub initializer_range: f64,
    /// Dropout after the embeddings.
    #[serde(default)]
    pub embedding_dropout: f64,
    /// Dropout of attention weights and after attention.
    #[serde(default)]
    pub attention_dropout: f64,
    /// Dropout in feed-forward layers.
    #[serde(default)]
    pub mlp_dropout: f64,
    /// The attention of each layer, which transformers 5 writes instead of `global_attn_every_n_layers`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    layer_types: Option<Vec<LayerType>>,
    /// The rotary positions, which transformers 5 writes instead of the two bases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rope_parameters: Option<Box<RopeParameters>>,
}

/// Which tokens a layer attends to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum LayerType {
    /// All tokens.
    FullAttention,
    /// The window.
    SlidingAttention,
}

/// The rotary positions of the layers of each type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct RopeParameters {
    #[serde(default)]
    full_attention: Rope,
    #[serde(default)]
    sliding_attention: Rope,
}

/// Rotary positions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Rope {
    /// `default` if they are not scaled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rope_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rope_theta: Option<f64>,
}

fn three() -> usize {
    3
}

fn window() -> usize {
    128
}

fn global_base() -> f64 {
    160_000.0
}

const LOCAL_BASE: f64 = 10_000.0;

fn local_base() -> Option<f64> {
    Some(LOCAL_BASE)
}

fn norm_epsilon() -> f64 {
    1e-5
}

impl ModernBertConfig {
    fn check(&self) -> Result<(), ModelError> {
        check_sizes(&[
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("num_attention_heads", self.num_attention_heads),
            ("intermediate_size", self.intermediate_size),
            ("max_position_embeddings", self.max_position_embeddings),
            ("global_attn_every_n_layers", self.global_attn_every_n_layers),
        ])?;
        check_dropout("embedding_dropout", self.embedding_dropout)?;
        check_dropout("attention_dropout", self.attention_dropout)?;
        check_dropout("mlp_dropout", self.mlp_dropout)?;
        let heads = self.num_attention_heads;
        check_transformer(self.hidden_size, heads, heads.saturating_mul(2), self.initializer_range, self.norm_eps)?;
        let value = |name, expected, found: String| {
            Err(ModelError::Unsupported(ConfigProblem::Value { name, expected, found }))
        };
        let ropes = self.rope_parameters.iter().flat_map(|ropes| [&ropes.full_attention, &ropes.sliding_attention]);
        if let Some(other) = ropes.filter_map(|rope| rope.rope_type.clone()).find(|rope| rope != "default") {
            return value("rope_type", "default", other);
        }
        let bases = ["global_rope_theta", "local_rope_theta"].into_iter().zip(self.bases());
        let is_base = |base: f64| base > 0.0 && base.is_finite();
        if let Some((name, found)) = bases.into_iter().find(|(_, base)| !is_base(*base)) {
            return value(name, "a number over 0", found.to_string());
        }
        match &self.layer_types {
            Some(types) if types.len() != self.num_hidden_layers => {
                value("layer_types", "one for each of num_hidden_layers", types.len().to_string())
            }
            _ => Ok(()),
        }
    }

    /// Returns the bases of rotary positions, for all tokens and for the window.
    fn bases(&self) -> [f64; 2] {
        match &self.rope_parameters {
            Some(ropes) => [
                ropes.full_attention.rope_theta.unwrap_or(global_base()),
                ropes.sliding_attention.rope_theta.unwrap_or(LOCAL_BASE),
            ],
            None => [self.global_rope_theta, self.local_rope_theta.unwrap_or(self.global_rope_theta)],
        }
    }

    /// Returns whether a layer attends to the window only.
    fn is_local(&self, layer: usize) -> bool {
        match &self.layer_types {
            Some(types) => types[layer] == LayerType::SlidingAttention,
            None => !layer.is_multiple_of(self.global_attn_every_n_layers),
        }
    }

    pub(super) fn init(&self, device: &Device) -> Result<ModernBert, ModelError> {
        self.check()?;
        let random = Initializer::Normal { mean: 0.0, std: self.initializer_range };
        let linear = |from, to, bias| {
            Linear::from(LinearConfig::new(from, to).with_bias(bias).with_initializer(random.clone()).init(device))
        };
        let norm = || {
            LayerNormConfig::new(self.hidden_size).with_epsilon(self.norm_eps).with_bias(self.norm_bias).init(device)
        };
        let layer = |i: usize| Layer {
            // The embeddings end with a norm.
            attention_norm: (i > 0).then(norm),
            query_key_value: linear(self.hidden_size, 3 * self.hidden_size, self.attention_bias),
            output: linear(self.hidden_size, self.hidden_size, self.attention_bias),
            feed_norm: norm(),
            up: linear(self.hidden_size, 2 * self.intermediate_size, self.mlp_bias),
            down: linear(self.intermediate_size, self.hidden_size, self.mlp_bias),
            attention_dropout: DropoutConfig::new(self.attention_dropout).init(),
            feed_dropout: DropoutConfig::new(self.mlp_dropout).init(),
            heads: self.num_attention_heads,
            epsilon: self.norm_eps,
            is_local: self.is_local(i),
            activation: self.hidden_activation,
        };
        let embedding = EmbeddingConfig::new(self.vocab_size, self.hidden_size).with_initializer(random.clone());
        Ok(ModernBert {
            word: embedding.init(device),
            norm: norm(),
            dropout: DropoutConfig::new(self.embedding_dropout).init(),
            layers: (0..self.num_hidden_layers).map(layer).collect(),
            final_norm: norm(),
            frozen: None,
            size: self.hidden_size,
            epsilon: self.norm_eps,
            head_size: self.hidden_size / self.num_attention_heads,
            window: self.local_attention,
            bases: self.bases(),
        })
    }
}

/// A ModernBERT: embeddings and layers. It ignores segments.
#[derive(Module, Debug)]
pub struct ModernBert {
    word: Embedding,
    norm: LayerNorm,
    dropout: Dropout,
    layers: Vec<Layer>,
    final_norm: LayerNorm,
    /// Number of lowest layers that, like the embeddings, are not trained; `None` if everything is trained.
    #[module(skip)]
    frozen: Option<usize>,
    size: usize,
    epsilon: f64,
    head_size: usize,
    window: usize,
    /// Bases of rotary positions, for all tokens and for the window.
    #[module(skip)]
    bases: [f64; 2],
}

impl ModernBert {
    pub(super) fn freeze_lower(self, layers: usize) -> Self {
        Self {
            word: self.word.freeze(),
            norm: self.norm.freeze(),
            layers: freeze_lower(self.layers, layers),
            frozen: Some(layers),
            ..self
        }
    }
}

/// What layers that attend to all tokens need, or those that attend to the window.
pub(super) struct Positions {
    /// True for tokens that are not attended to, `[batch, 1, 1 or tokens, tokens]`.
    masked: Tensor<4, Bool>,
    /// Cosines and sines of the angles of each token, `[1, 1, tokens, size of a head / 2]`.
    rotation: [Tensor<4>; 2],
}

impl Transformer for ModernBert {
    type Layer = Layer;
    /// For all tokens, and for the window.
    type Shared = [Positions; 2];

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
        let [batch, tokens] = input.ids.dims();
        let states = embed(&self.word, input.ids.clone()).reshape([batch * tokens, self.size]);
        dropout(&self.dropout, layer_norm(&self.norm, self.epsilon, states))
    }

    fn share(&self, input: &EncoderInput) -> [Positions; 2] {
        let ([_, tokens], device) = (input.ids.dims(), input.ids.device());
        let padding = padding(input);
        let position = Tensor::<1, Int>::arange(0..tokens as i64, &device);
        let distance = position.clone().reshape([1, tokens]).sub(position.reshape([tokens, 1])).abs();
        let is_far = distance.greater_elem(self.window as i64 / 2).reshape([1, 1, tokens, tokens]);
        let dtype = FloatDType::from(self.word.weight.val().dtype());
        let [global, local] = self.bases.map(|base| rotation(tokens, self.head_size, base, dtype, &device));
        let [batch, ..] = padding.dims();
        let shape = [batch, 1, tokens, tokens];
        let masked = padding.clone().expand(shape).bool_or(is_far.expand(shape));
        [Positions { masked: padding, rotation: global }, Positions { masked, rotation: local }]
    }

    fn apply(layer: &Layer, rows: Tensor<2>, hidden: Tensor<2>, shared: &[Positions; 2]) -> Tensor<2> {
        layer.forward(rows, hidden, &shared[usize::from(layer.is_local)])
    }

    fn finish(&self, hidden: Tensor<2>) -> Tensor<2> {
        layer_norm(&self.final_norm, self.epsilon, hidden)
    }
}

/// Returns the cosines and sines of the angles of each token, `[1, 1, tokens, size / 2]` (Su et al. 2021).
fn rotation(tokens: usize, size: usize, base: f64, dtype: FloatDType, device: &Device) -> [Tensor<4>; 2] {
    let half = size / 2;
    let angle = |token: usize, i: usize| token as f64 * base.powf(-2.0 * i as f64 / size as f64);
    let angles: Vec<f64> = (0..tokens).flat_map(|token| (0..half).map(move |i| angle(token, i))).collect();
    [f64::cos, f64::sin].map(|function| {
        let values: Vec<f32> = angles.iter().map(|&angle| function(angle) as f32).collect();
        Tensor::<4>::from_data(TensorData::new(values, [1, 1, tokens, half]), device).cast(dtype)
    })
}

/// A layer: a norm and attention, then a norm and a gated feed-forward layer.
#[derive(Module, Debug)]
pub(super) struct Layer {
    attention_norm: Option<LayerNorm>,
    query_key_value: Linear,
    output: Linear,
    feed_norm: LayerNorm,
    up: Linear,
    down: Linear,
    attention_dropout: Dropout,
    feed_dropout: Dropout,
    heads: usize,
    epsilon: f64,
    is_local: bool,
    #[module(skip)]
    activation: Activation,
}

impl Pack for ModernBert {
    fn pack(self, weights: WeightType) -> Self {
        Self { layers: self.layers.into_iter().map(|layer| layer.pack(weights)).collect(), ..self }
    }
}

impl Pack for Layer {
    fn pack(self, weights: WeightType) -> Self {
        Self {
            query_key_value: self.query_key_value.pack(weights),
            output: self.output.pack(weights),
            up: self.up.pack(weights),
            down: self.down.pack(weights),
            ..self
        }
    }
}

impl Layer {
    /// Computes the layer's output for the tokens `rows`, `[batch * wanted, hidden]`, the first ones of each sentence. They
    /// attend to the tokens `hidden`, `[batch * tokens, hidden]`.
    fn forward(&self, rows: Tensor<2>, hidden: Tensor<2>, positions: &Positions) -> Tensor<2> {
        let [batch, ..] = positions.masked.dims();
        let ([outputs, _], [inputs, _]) = (rows.dims(), hidden.dims());
        let wanted = outputs / batch;
        let hidden = match &self.attention_norm {
            Some(norm) => layer_norm(norm, self.epsilon, hidden),
            None => hidden,
        };
        let [query, key, value] =
            self.query_key_value.forward_parts(hidden).map(|states| split_heads(states, batch, self.heads));
        // The rows are the first tokens of each sentence.
        let query = rotate(query.narrow(2, 0, wanted), positions);
        let key = rotate(key, positions);
        let [.., head_size] = query.dims();
        let scores = query.mul_scalar((head_size as f64).sqrt().recip()).matmul(key.swap_dims(2, 3));
        let [_, _, masks, _] = positions.masked.dims();
        let masked = positions.masked.clone().narrow(2, 0, masks.min(wanted));
        debug_assert_eq!(inputs % batch, 0);
        let context = attend(scores, value, masked, &self.attention_dropout);
        let rows = rows + dropout(&self.attention_dropout, self.output.forward(context));

        let normed = layer_norm(&self.feed_norm, self.epsilon, rows.clone());
        let [gate, fed] = self.up.forward_parts(normed);
        let gated = self.activation.forward(gate).mul(fed);
        rows + self.down.forward(dropout(&self.feed_dropout, gated))
    }
}

/// Rotates queries or keys, `[batch, heads, tokens, size]`, by the angles of their tokens.
fn rotate(states: Tensor<4>, positions: &Positions) -> Tensor<4> {
    let [_, _, tokens, size] = states.dims();
    let [cos, sin] = positions.rotation.clone().map(|angles| angles.narrow(2, 0, tokens));
    let half = |i: usize| states.clone().narrow(3, i * size / 2, size / 2);
    let (a, b) = (half(0), half(1));
    let first = a.clone().mul(cos.clone()).sub(b.clone().mul(sin.clone()));
    Tensor::cat(vec![first, b.mul(cos).add(a.mul(sin))], 3)
}
