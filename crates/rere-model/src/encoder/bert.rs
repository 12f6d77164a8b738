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

use super::{Encoder, EncoderInput};
use crate::{
    ModelError,
    ops::dropout::dropout,
    ops::{gelu::gelu, layer_norm::layer_norm, softmax::softmax},
};

/// The fields of a Hugging Face BERT `config.json` that matter. Unknown fields are ignored, as there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BertConfig {
    /// Number of token ids.
    #[serde(default)]
    pub vocab_size: usize,
    /// Size of a hidden state.
    pub hidden_size: usize,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Number of attention heads; divides the hidden size.
    pub num_attention_heads: usize,
    /// Size of the feed-forward layer.
    pub intermediate_size: usize,
    /// The longest input, in tokens.
    pub max_position_embeddings: usize,
    /// Number of segments.
    #[serde(default = "two")]
    pub type_vocab_size: usize,
    /// Activation of the feed-forward layer: only `gelu` is supported.
    #[serde(default = "gelu_name")]
    pub hidden_act: String,
    /// Dropout after embeddings, attention and feed-forward layers.
    #[serde(default = "tenth")]
    pub hidden_dropout_prob: f64,
    /// Dropout of attention weights.
    #[serde(default = "tenth")]
    pub attention_probs_dropout_prob: f64,
    /// Added to the variance in layer norms.
    #[serde(default = "norm_epsilon")]
    pub layer_norm_eps: f64,
    /// Standard deviation of random weights.
    #[serde(default = "initializer_range")]
    pub initializer_range: f64,
    /// Only `absolute` is supported.
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
    /// A small encoder for random weights: 2 layers of 128, 4 heads, 256 tokens at most.
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
        let unsupported = |message: String| Err(ModelError::Unsupported(message));
        if self.hidden_act != "gelu" {
            return unsupported(format!("hidden_act is {:?}; only \"gelu\" is supported", self.hidden_act));
        }
        if self.position_embedding_type != "absolute" {
            let given = &self.position_embedding_type;
            return unsupported(format!("position_embedding_type is {given:?}; only \"absolute\" is supported"));
        }
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("num_attention_heads", self.num_attention_heads),
            ("intermediate_size", self.intermediate_size),
            ("max_position_embeddings", self.max_position_embeddings),
        ];
        if let Some((name, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return unsupported(format!("{name} is 0"));
        }
        if self.type_vocab_size < 2 {
            let given = self.type_vocab_size;
            return unsupported(format!("type_vocab_size is {given}; query and sentence are two segments"));
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            let (hidden, heads) = (self.hidden_size, self.num_attention_heads);
            return unsupported(format!("hidden_size {hidden} is not a multiple of num_attention_heads {heads}"));
        }
        for (name, p) in [
            ("hidden_dropout_prob", self.hidden_dropout_prob),
            ("attention_probs_dropout_prob", self.attention_probs_dropout_prob),
        ] {
            if !(0.0..1.0).contains(&p) {
                return unsupported(format!("{name} is {p}; it must lie in [0, 1)"));
            }
        }
        if !(self.initializer_range >= 0.0 && self.initializer_range.is_finite()) {
            return unsupported(format!("initializer_range is {}; it must not be negative", self.initializer_range));
        }
        if !(self.layer_norm_eps > 0.0 && self.layer_norm_eps.is_finite()) {
            return unsupported(format!("layer_norm_eps is {}; it must be a positive number", self.layer_norm_eps));
        }
        Ok(())
    }

    /// A BERT with random weights.
    ///
    /// # Errors
    /// Where the settings contradict each other or are not supported.
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
    /// How many of the lowest layers are not trained, and the embeddings neither; `None` where all is trained.
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

    /// The hidden states `[batch * tokens, hidden]` under the last layer.
    fn below_last(&self, input: &EncoderInput, padding: &Tensor<4, Bool>) -> Tensor<2> {
        let below = 0..self.layers.len().saturating_sub(1);
        let Some(states) = input.frozen.clone().or_else(|| self.frozen(input)) else {
            return self.climb(self.embeddings.forward(input), below, padding);
        };
        let [batch, tokens, size] = states.dims();
        let states = states.reshape([batch * tokens, size]);
        let states = if input.ids.device().is_autodiff() { Tensor::from_inner(states) } else { states };
        self.climb(states, self.frozen_layers()..below.end, padding)
    }

    /// How many layers are frozen, of those under the last one: that is computed in its own way.
    fn frozen_layers(&self) -> usize {
        self.frozen.unwrap_or_default().min(self.layers.len().saturating_sub(1))
    }

    /// Hidden states through these layers. Rows are tokens throughout: matrix products in two dimensions are much faster
    /// than batched ones.
    fn climb(&self, hidden: Tensor<2>, layers: Range<usize>, padding: &Tensor<4, Bool>) -> Tensor<2> {
        let layers = &self.layers[layers];
        layers.iter().fold(hidden, |hidden, layer| layer.forward(hidden.clone(), hidden, padding))
    }
}

impl Encoder for Bert {
    fn forward(&self, input: &EncoderInput) -> Tensor<3> {
        let padding = padding(input);
        let hidden = self.below_last(input, &padding);
        by_row(
            match self.layers.last() {
                Some(last) => last.forward(hidden.clone(), hidden, &padding),
                None => hidden,
            },
            input,
        )
    }

    /// The last layer computes the first token alone, which still attends to all.
    fn first(&self, input: &EncoderInput) -> Tensor<2> {
        let padding = padding(input);
        let hidden = self.below_last(input, &padding);
        let [batch, _] = input.ids.dims();
        let first = by_row(hidden.clone(), input).narrow(1, 0, 1).reshape([batch, self.hidden_size()]);
        match self.layers.last() {
            Some(last) => last.forward(first, hidden, &padding),
            None => first,
        }
    }

    /// What is not trained needs no gradient: without its record, whole operations stay whole.
    fn frozen(&self, input: &EncoderInput) -> Option<Tensor<3>> {
        self.frozen?;
        let (plain, input) = if input.ids.device().is_autodiff() {
            (self.valid(), input.inner())
        } else {
            (self.clone(), input.clone())
        };
        let hidden = plain.embeddings.forward(&input);
        Some(by_row(plain.climb(hidden, 0..self.frozen_layers(), &padding(&input)), &input))
    }

    fn keeps_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    fn hidden_size(&self) -> usize {
        self.embeddings.word.weight.dims()[1]
    }
}

/// Where there is padding, `[batch, 1, 1, tokens]`.
fn padding(input: &EncoderInput) -> Tensor<4, Bool> {
    let [batch, tokens] = input.mask.dims();
    input.mask.clone().bool_not().reshape([batch, 1, 1, tokens])
}

/// `[batch * tokens, hidden]` as `[batch, tokens, hidden]`.
fn by_row(hidden: Tensor<2>, input: &EncoderInput) -> Tensor<3> {
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
    /// `[batch * tokens, hidden]`
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
    /// The layer's output for the tokens `rows`, `[batch * wanted, hidden]`, which attend to all tokens `hidden`,
    /// `[batch * tokens, hidden]`, but those of the `padding`, `[batch, 1, 1, tokens]`.
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
        // Finite, so that a row with nothing but padding stays a number, and not beyond 16 bits.
        let scores = scores.mask_fill(padding.clone().expand([batch, self.heads, wanted, tokens]), -3e4);
        let weights = dropout(&self.attention_dropout, softmax(scores));
        let context = weights.matmul(value).swap_dims(1, 2).reshape([outputs, size]);

        let attended = dropout(&self.dropout, self.output.forward(context));
        let rows = layer_norm(&self.attention_norm, self.epsilon, attended + rows);
        let fed = dropout(&self.dropout, self.down.forward(gelu(self.up.forward(rows.clone()))));
        layer_norm(&self.output_norm, self.epsilon, fed + rows)
    }
}
