//! Settings of BERT and of encoders with its layers.

use burn::{
    module::{Initializer, Param},
    nn::{DropoutConfig, EmbeddingConfig, LayerNormConfig, LinearConfig},
    tensor::Device,
};
use serde::{Deserialize, Serialize};

use super::{
    super::{check_dropout, check_sizes, check_transformer, initializer_range, tenth},
    Bert, Embeddings, Layer,
    relative::{Bias, Disentangled, Relative},
};
use crate::{Activation, Linear, ModelError, error::ConfigProblem};

/// Settings of BERT, RoBERTa, XLM-R, DistilBERT, ELECTRA, ERNIE and MPNet: the relevant fields of a Hugging Face `config.json`.
/// Unknown fields are ignored. [`EncoderConfig`](crate::EncoderConfig) says which one is meant.
///
/// ```
/// use rere_model::{BertConfig, Encoder, EncoderConfig, burn::tensor::Device};
///
/// let encoder = EncoderConfig::Bert(BertConfig::tiny(100)).init(&Device::flex())?; // 100 token ids
/// assert_eq!(encoder.hidden_size(), 128);
/// # Ok::<(), rere_model::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BertConfig {
    /// Number of token ids.
    #[serde(default)]
    pub vocab_size: usize,
    /// Size of a hidden state.
    #[serde(alias = "dim")]
    pub hidden_size: usize,
    /// Number of layers.
    #[serde(alias = "n_layers")]
    pub num_hidden_layers: usize,
    /// Number of attention heads. The hidden size must be a multiple of it.
    #[serde(alias = "n_heads")]
    pub num_attention_heads: usize,
    /// Size of the feed-forward layer.
    #[serde(alias = "hidden_dim")]
    pub intermediate_size: usize,
    /// Number of positions: the maximum length of an input in tokens, and in RoBERTa, XLM-R and MPNet two more.
    pub max_position_embeddings: usize,
    /// Number of segments. With fewer than 2, query and sentence are told apart by the separator alone.
    #[serde(default = "two")]
    pub type_vocab_size: usize,
    /// Activation of the feed-forward layer.
    #[serde(default, alias = "activation")]
    pub hidden_act: Activation,
    /// Dropout after embeddings, attention and feed-forward layers.
    #[serde(default = "tenth", alias = "dropout")]
    pub hidden_dropout_prob: f64,
    /// Dropout of attention weights.
    #[serde(default = "tenth", alias = "attention_dropout")]
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
    /// Size of an embedding in ELECTRA, if it is not that of a hidden state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding_size: Option<usize>,
    /// Id of padding: the positions of RoBERTa and XLM-R begin after it. Their default is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pad_token_id: Option<usize>,
    /// Whether ERNIE adds the embedding of the first task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_task_id: Option<bool>,
    /// Number of ERNIE's tasks; 3 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_type_vocab_size: Option<usize>,
    /// Number of MPNet's buckets of distances; 32 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative_attention_num_buckets: Option<usize>,
}

fn two() -> usize {
    2
}

fn norm_epsilon() -> f64 {
    1e-12
}

fn absolute() -> String {
    "absolute".into()
}

/// How encoders with the settings of BERT differ from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// BERT (Devlin et al. 2019).
    Bert,
    /// RoBERTa (Liu et al. 2019) and XLM-R (Conneau et al. 2020): positions begin after the id of padding.
    Roberta,
    /// DistilBERT (Sanh et al. 2019): no segments.
    DistilBert,
    /// ELECTRA (Clark et al. 2020): smaller embeddings.
    Electra,
    /// ERNIE (Sun et al. 2020): an embedding of the task.
    Ernie,
    /// MPNet (Song et al. 2020): positions as RoBERTa's, a bias for each distance, and no segments.
    Mpnet,
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
            hidden_act: Activation::Gelu,
            hidden_dropout_prob: tenth(),
            attention_probs_dropout_prob: tenth(),
            layer_norm_eps: norm_epsilon(),
            initializer_range: initializer_range(),
            position_embedding_type: absolute(),
            embedding_size: None,
            pad_token_id: None,
            use_task_id: None,
            task_type_vocab_size: None,
            relative_attention_num_buckets: None,
        }
    }

    /// Returns the position of the first token.
    pub(crate) fn first_position(&self, family: Family) -> usize {
        match family {
            Family::Roberta => self.pad_token_id.unwrap_or(1).saturating_add(1),
            // Whatever the id of padding is.
            Family::Mpnet => 2,
            _ => 0,
        }
    }

    pub(crate) fn init(&self, family: Family, device: &Device) -> Result<Bert, ModelError> {
        if self.position_embedding_type != "absolute" {
            let found = self.position_embedding_type.clone();
            return Err(ModelError::Unsupported(ConfigProblem::PositionEmbedding { found }));
        }
        check_sizes(&[("max_position_embeddings", self.max_position_embeddings)])?;
        let value = |name, expected, found: usize| {
            Err(ModelError::Unsupported(ConfigProblem::Value { name, expected, found: found.to_string() }))
        };
        if self.max_position_embeddings <= self.first_position(family) {
            let expected = if family == Family::Mpnet { "more than 2" } else { "more than pad_token_id + 1" };
            return value("max_position_embeddings", expected, self.max_position_embeddings);
        }
        let buckets = self.relative_attention_num_buckets.unwrap_or(32);
        if buckets < 4 {
            return value("relative_attention_num_buckets", "at least 4", buckets);
        }
        let tasks = self.task_type_vocab_size.unwrap_or(3);
        check_sizes(&[("task_type_vocab_size", tasks)])?;
        Shape {
            vocab_size: self.vocab_size,
            embedding_size: self.embedding_size.filter(|_| family == Family::Electra).unwrap_or(self.hidden_size),
            hidden_size: self.hidden_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            intermediate_size: self.intermediate_size,
            positions: self.max_position_embeddings,
            first_position: self.first_position(family),
            segments: if matches!(family, Family::DistilBert | Family::Mpnet) { 0 } else { self.type_vocab_size },
            tasks: if family == Family::Ernie && self.use_task_id == Some(true) { tasks } else { 0 },
            activation: self.hidden_act,
            dropout: self.hidden_dropout_prob,
            attention_dropout: self.attention_probs_dropout_prob,
            epsilon: self.layer_norm_eps,
            initializer_range: self.initializer_range,
            relative: (family == Family::Mpnet).then_some(RelativeShape::Bias { buckets }),
        }
        .init(device)
    }
}

/// What decides the parts of a [`Bert`] and their sizes.
pub(super) struct Shape {
    pub vocab_size: usize,
    pub embedding_size: usize,
    pub hidden_size: usize,
    pub layers: usize,
    pub heads: usize,
    pub intermediate_size: usize,
    /// Number of absolute positions; 0 if there are none.
    pub positions: usize,
    pub first_position: usize,
    pub segments: usize,
    pub tasks: usize,
    pub activation: Activation,
    pub dropout: f64,
    pub attention_dropout: f64,
    pub epsilon: f64,
    pub initializer_range: f64,
    pub relative: Option<RelativeShape>,
}

/// Sizes of relative positions.
pub(super) enum RelativeShape {
    Bias {
        buckets: usize,
    },
    Disentangled {
        span: usize,
        farthest: Option<usize>,
        norm: bool,
        content_to_position: bool,
        position_to_content: bool,
    },
}

impl Shape {
    fn check(&self) -> Result<(), ModelError> {
        check_sizes(&[
            ("vocab_size", self.vocab_size),
            ("embedding_size", self.embedding_size),
            ("hidden_size", self.hidden_size),
            ("num_attention_heads", self.heads),
            ("intermediate_size", self.intermediate_size),
        ])?;
        check_dropout("hidden_dropout_prob", self.dropout)?;
        check_dropout("attention_probs_dropout_prob", self.attention_dropout)?;
        check_transformer(self.hidden_size, self.heads, self.heads, self.initializer_range, self.epsilon)
    }

    /// Creates an encoder with random weights.
    pub fn init(&self, device: &Device) -> Result<Bert, ModelError> {
        self.check()?;
        let random = Initializer::Normal { mean: 0.0, std: self.initializer_range };
        let embedding = |count, size| EmbeddingConfig::new(count, size).with_initializer(random.clone()).init(device);
        let of_tokens = |count: usize| (count > 0).then(|| embedding(count, self.embedding_size));
        let linear = |from, to| Linear::from(LinearConfig::new(from, to).with_initializer(random.clone()).init(device));
        let norm = |size| LayerNormConfig::new(size).with_epsilon(self.epsilon).init(device);
        let dropout = DropoutConfig::new(self.dropout).init();
        let layer = |_| Layer {
            query: linear(self.hidden_size, self.hidden_size),
            key: linear(self.hidden_size, self.hidden_size),
            value: linear(self.hidden_size, self.hidden_size),
            output: linear(self.hidden_size, self.hidden_size),
            attention_norm: norm(self.hidden_size),
            up: linear(self.hidden_size, self.intermediate_size),
            down: linear(self.intermediate_size, self.hidden_size),
            output_norm: norm(self.hidden_size),
            attention_dropout: DropoutConfig::new(self.attention_dropout).init(),
            dropout: dropout.clone(),
            heads: self.heads,
            epsilon: self.epsilon,
            activation: self.activation,
        };
        let relative = self.relative.as_ref().map(|relative| match *relative {
            RelativeShape::Bias { buckets } => Relative::Bias(Bias { bias: embedding(buckets, self.heads) }),
            RelativeShape::Disentangled {
                span,
                farthest,
                norm: has_norm,
                content_to_position,
                position_to_content,
            } => {
                let embeddings: Param<_> = random.init([2 * span, self.hidden_size], device);
                Relative::Disentangled(Disentangled {
                    embeddings,
                    norm: has_norm.then(|| norm(self.hidden_size)),
                    dropout: dropout.clone(),
                    epsilon: self.epsilon,
                    farthest,
                    content_to_position,
                    position_to_content,
                })
            }
        });
        Ok(Bert {
            embeddings: Embeddings {
                word: embedding(self.vocab_size, self.embedding_size),
                position: of_tokens(self.positions),
                token_type: of_tokens(self.segments),
                task: of_tokens(self.tasks),
                norm: norm(self.embedding_size),
                dropout: dropout.clone(),
                projection: (self.embedding_size != self.hidden_size)
                    .then(|| linear(self.embedding_size, self.hidden_size)),
                epsilon: self.epsilon,
                first_position: self.first_position,
            },
            relative,
            layers: (0..self.layers).map(layer).collect(),
            frozen: None,
            size: self.hidden_size,
        })
    }
}
