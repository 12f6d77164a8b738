//! BERT (Devlin et al. 2019), post-norm, with absolute positions and an exact GELU.

use std::ops::Range;

use burn::{
    module::Module,
    nn::{
        Dropout, DropoutConfig, Embedding, EmbeddingConfig, Initializer, LayerNorm, LayerNormConfig, Linear,
        LinearConfig,
    },
    tensor::{Bool, Device, Int, Tensor},
};
use serde::{Deserialize, Serialize};

use super::{Encoder, EncoderInput, check_dropout, check_sizes};
use crate::{
    ModelError,
    error::ConfigProblem,
    ops::{dropout::dropout, gelu::gelu, layer_norm::layer_norm, softmax::softmax},
};

/// Settings of a [`Bert`]: the relevant fields of a Hugging Face `config.json`. Unknown fields are ignored.
///
/// ```
/// use rere_model::{BertConfig, Encoder, burn::tensor::Device};
///
/// let encoder = BertConfig::tiny(100).init(&Device::flex())?; // 100 token ids
/// assert_eq!(encoder.hidden_size(), 128);
/// # Ok::<(), rere_model::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BertConfig {
    /// Number of token ids.
    #[serde(default)]
    pub vocab_size: usize,
    /// Size of a hidden state.
    pub hidden_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Number of attention heads. The hidden size must be a multiple of it.
    pub num_attention_heads: usize,
    /// Size of the feed-forward layer.
    pub intermediate_size: usize,
    /// Maximum length of an input in tokens.
    pub max_position_embeddings: usize,
    /// Number of segments, at least 2.
    #[serde(default = "two")]
    pub type_vocab_size: usize,
    /// Activation of the feed-forward layer. Only `gelu` is supported.
    #[serde(default = "gelu_name")]
    pub hidden_act: String,
    /// Dropout after embeddings, attention and feed-forward layers.
    #[serde(default = "tenth")]
    pub hidden_dropout_prob: f64,
    /// Dropout of attention weights.
    #[serde(default = "tenth")]
    pub attention_probs_dropout_prob: f64,
    /// Number that is added to the variance in layer norms.
    #[serde(default = "norm_epsilon")]
    pub layer_norm_eps: f64,
    /// Standard deviation of random weights.
    #[serde(default = "initializer_range")]
    pub initializer_range: f64,
    /// Type of positions. Only `absolute` is supported.
    #[serde(default = "absolute")]
    pub position_embedding_type: String,
}

fn two() -> usize {
    2
}

fn gelu_name() -> String {
    "gelu".into()
}

fn tenth() -> f64 {
    0.1
}

fn norm_epsilon() -> f64 {
    1e-12
}

fn initializer_range() -> f64 {
    0.02
}

fn absolute() -> String {
    "absolute".into()
}

impl BertConfig {
    /// Creates the settings of a small encoder for random weights: 2 layers of 128, 4 heads, at most 256 tokens.
    pub fn tiny(vocab_size: usize) -> Self {
        Self {
            vocab_size,
            hidden_size: 128,
            num_hidden_layers: 2,
            num_attention_heads: 4,
            intermediate_size: 256,
            max_position_embeddings: 256,
            type_vocab_size: two(),
            hidden_act: gelu_name(),
            hidden_dropout_prob: tenth(),
            attention_probs_dropout_prob: tenth(),
            layer_norm_eps: norm_epsilon(),
            initializer_range: initializer_range(),
            position_embedding_type: absolute(),
        }
    }

    fn check(&self) -> Result<(), ModelError> {
        check_sizes(&[
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("num_attention_heads", self.num_attention_heads),
            ("intermediate_size", self.intermediate_size),
            ("max_position_embeddings", self.max_position_embeddings),
        ])?;
        check_dropout("hidden_dropout_prob", self.hidden_dropout_prob)?;
        check_dropout("attention_probs_dropout_prob", self.attention_probs_dropout_prob)?;
        let problem = if self.hidden_act != "gelu" {
            ConfigProblem::Activation { found: self.hidden_act.clone() }
        } else if self.position_embedding_type != "absolute" {
            ConfigProblem::PositionEmbedding { found: self.position_embedding_type.clone() }
        } else if self.type_vocab_size < 2 {
            ConfigProblem::Segments { found: self.type_vocab_size }
        } else if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            ConfigProblem::Heads { hidden_size: self.hidden_size, heads: self.num_attention_heads }
        } else if !(self.initializer_range >= 0.0 && self.initializer_range.is_finite()) {
            ConfigProblem::InitializerRange { found: self.initializer_range }
        } else if !(self.layer_norm_eps > 0.0 && self.layer_norm_eps.is_finite()) {
            ConfigProblem::LayerNormEps { found: self.layer_norm_eps }
        } else {
            return Ok(());
        };
        Err(ModelError::Unsupported(problem))
    }

    /// Creates a BERT with random weights.
    ///
    /// # Errors
    /// Returns an error if a setting is invalid or not supported.
    pub fn init(&self, device: &Device) -> Result<Bert, ModelError> {
        self.check()?;
        let random = Initializer::Normal { mean: 0.0, std: self.initializer_range };
        let embedding =
            |size| EmbeddingConfig::new(size, self.hidden_size).with_initializer(random.clone()).init(device);
        let linear = |from, to| LinearConfig::new(from, to).with_initializer(random.clone()).init(device);
        let norm = || LayerNormConfig::new(self.hidden_size).with_epsilon(self.layer_norm_eps).init(device);
        let dropout = DropoutConfig::new(self.hidden_dropout_prob).init();
        let layer = |_| Layer {
            query: linear(self.hidden_size, self.hidden_size),
            key: linear(self.hidden_size, self.hidden_size),
            value: linear(self.hidden_size, self.hidden_size),
            output: linear(self.hidden_size, self.hidden_size),
            attention_norm: norm(),
            up: linear(self.hidden_size, self.intermediate_size),
            down: linear(self.intermediate_size, self.hidden_size),
            output_norm: norm(),
            attention_dropout: DropoutConfig::new(self.attention_probs_dropout_prob).init(),
            dropout: dropout.clone(),
            heads: self.num_attention_heads,
            epsilon: self.layer_norm_eps,
        };
        Ok(Bert {
            embeddings: Embeddings {
                word: embedding(self.vocab_size),
                position: embedding(self.max_position_embeddings),
                token_type: embedding(self.type_vocab_size),
                norm: norm(),
                dropout: dropout.clone(),
                epsilon: self.layer_norm_eps,
            },
            layers: (0..self.num_hidden_layers).map(layer).collect(),
            frozen: None,
        })
    }
}

/// A BERT without its pooler: embeddings and layers.
#[derive(Module, Debug)]
pub struct Bert {
    embeddings: Embeddings,
    layers: Vec<Layer>,
    /// Number of lowest layers that, like the embeddings, are not trained; `None` if everything is trained.
    #[module(skip)]
    frozen: Option<usize>,
}

impl Bert {
    pub(super) fn freeze_lower(mut self, layers: usize) -> Self {
        self.embeddings = self.embeddings.freeze();
        self.layers = (self.layers.into_iter().enumerate())
            .map(|(i, layer)| if i < layers { layer.freeze() } else { layer })
            .collect();
        self.frozen = Some(layers);
        self
    }

    /// Computes the input of the last layer, `[batch * tokens, hidden]`.
    fn below_last(&self, input: &EncoderInput, padding: &Tensor<4, Bool>) -> Tensor<2> {
        let below = 0..self.layers.len().saturating_sub(1);
        let Some(states) = input.frozen.clone().or_else(|| self.frozen(input)) else {
            return self.apply_layers(self.embeddings.forward(input), below, padding);
        };
        let [batch, tokens, size] = states.dims();
        let states = states.reshape([batch * tokens, size]);
        let states = if input.ids.device().is_autodiff() { Tensor::from_inner(states) } else { states };
        self.apply_layers(states, self.frozen_layers_below_last()..below.end, padding)
    }

    /// Returns the number of frozen layers below the last one, which [`Encoder::first`] computes differently.
    fn frozen_layers_below_last(&self) -> usize {
        self.frozen.unwrap_or_default().min(self.layers.len().saturating_sub(1))
    }

    /// Applies these layers. Rows are tokens, because two-dimensional matrix products are much faster than batched
    /// ones.
    fn apply_layers(&self, hidden: Tensor<2>, layers: Range<usize>, padding: &Tensor<4, Bool>) -> Tensor<2> {
        let layers = &self.layers[layers];
        layers.iter().fold(hidden, |hidden, layer| layer.forward(hidden.clone(), hidden, padding))
    }
}

impl Encoder for Bert {
    fn forward(&self, input: &EncoderInput) -> Tensor<3> {
        let padding = padding(input);
        let hidden = self.below_last(input, &padding);
        split_rows(
            match self.layers.last() {
                Some(last) => last.forward(hidden.clone(), hidden, &padding),
                None => hidden,
            },
            input,
        )
    }

    /// The last layer computes only the first token, which attends to all tokens.
    fn first(&self, input: &EncoderInput) -> Tensor<2> {
        let padding = padding(input);
        let hidden = self.below_last(input, &padding);
        let [batch, _] = input.ids.dims();
        let first = split_rows(hidden.clone(), input).narrow(1, 0, 1).reshape([batch, self.hidden_size()]);
        match self.layers.last() {
            Some(last) => last.forward(first, hidden, &padding),
            None => first,
        }
    }

    /// Frozen layers need no gradient. Without autodiff, burn does not split their operations into small ones.
    fn frozen(&self, input: &EncoderInput) -> Option<Tensor<3>> {
        self.frozen?;
        let (plain, input) = if input.ids.device().is_autodiff() {
            (self.valid(), input.inner())
        } else {
            (self.clone(), input.clone())
        };
        let hidden = plain.embeddings.forward(&input);
        Some(split_rows(plain.apply_layers(hidden, 0..self.frozen_layers_below_last(), &padding(&input)), &input))
    }

    fn keeps_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    fn hidden_size(&self) -> usize {
        self.embeddings.word.weight.dims()[1]
    }
}

/// Returns true for padding, `[batch, 1, 1, tokens]`.
fn padding(input: &EncoderInput) -> Tensor<4, Bool> {
    let [batch, tokens] = input.mask.dims();
    input.mask.clone().bool_not().reshape([batch, 1, 1, tokens])
}

/// Reshapes `[batch * tokens, hidden]` to `[batch, tokens, hidden]`.
fn split_rows(hidden: Tensor<2>, input: &EncoderInput) -> Tensor<3> {
    let [batch, tokens] = input.ids.dims();
    let [_, size] = hidden.dims();
    hidden.reshape([batch, tokens, size])
}

#[derive(Module, Debug)]
struct Embeddings {
    word: Embedding,
    position: Embedding,
    token_type: Embedding,
    norm: LayerNorm,
    dropout: Dropout,
    epsilon: f64,
}

impl Embeddings {
    /// Computes `[batch * tokens, hidden]`.
    fn forward(&self, input: &EncoderInput) -> Tensor<2> {
        let [batch, tokens] = input.ids.dims();
        let device = input.ids.device();
        let positions = Tensor::<1, Int>::arange(0..tokens as i64, &device).reshape([1, tokens]);
        let sum = self.word.forward(input.ids.clone())
            + self.token_type.forward(input.segments.clone())
            + self.position.forward(positions);
        let [.., size] = sum.dims();
        dropout(&self.dropout, layer_norm(&self.norm, self.epsilon, sum.reshape([batch * tokens, size])))
    }
}

#[derive(Module, Debug)]
struct Layer {
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
}

impl Layer {
    /// Computes the layer's output for the tokens `rows`, `[batch * wanted, hidden]`. They attend to all tokens
    /// `hidden`, `[batch * tokens, hidden]`, except for `padding`, `[batch, 1, 1, tokens]`.
    fn forward(&self, rows: Tensor<2>, hidden: Tensor<2>, padding: &Tensor<4, Bool>) -> Tensor<2> {
        let [batch, _, _, tokens] = padding.dims();
        let [outputs, size] = rows.dims();
        let wanted = outputs / batch;
        let split = |x: Tensor<2>, tokens| x.reshape([batch, tokens, self.heads, size / self.heads]).swap_dims(1, 2);
        let query = split(self.query.forward(rows.clone()), wanted);
        let key = split(self.key.forward(hidden.clone()), tokens);
        let value = split(self.value.forward(hidden), tokens);

        let scale = ((size / self.heads) as f64).sqrt().recip();
        let scores = query.mul_scalar(scale).matmul(key.swap_dims(2, 3));
        // Finite, so that a row of padding does not become NaN, and in the range of f16.
        let scores = scores.mask_fill(padding.clone().expand([batch, self.heads, wanted, tokens]), -3e4);
        let weights = dropout(&self.attention_dropout, softmax(scores));
        let context = weights.matmul(value).swap_dims(1, 2).reshape([outputs, size]);

        let attended = dropout(&self.dropout, self.output.forward(context));
        let rows = layer_norm(&self.attention_norm, self.epsilon, attended + rows);
        let fed = dropout(&self.dropout, self.down.forward(gelu(self.up.forward(rows.clone()))));
        layer_norm(&self.output_norm, self.epsilon, fed + rows)
    }
}
