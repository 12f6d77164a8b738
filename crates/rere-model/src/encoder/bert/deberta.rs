//! DeBERTa v2 and v3 (He et al. 2021): BERT whose scores also compare contents with distances.

use burn::tensor::Device;
use serde::{Deserialize, Deserializer, Serialize};

use super::{
    super::{check_sizes, initializer_range, tenth},
    Bert,
    config::{RelativeShape, Shape},
};
use crate::{Activation, ModelError, error::ConfigProblem};

/// Settings of DeBERTa v2 and v3: the relevant fields of a Hugging Face `config.json` with the `model_type` `deberta-v2`. Unknown
/// fields are ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DebertaConfig {
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
    /// Number of segments; 0 if there are none.
    #[serde(default)]
    pub type_vocab_size: usize,
    /// Activation of the feed-forward layer.
    #[serde(default)]
    pub hidden_act: Activation,
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
    /// Whether embeddings of absolute positions are added.
    #[serde(default = "yes")]
    pub position_biased_input: bool,
    /// Whether scores depend on distances.
    #[serde(default)]
    pub relative_attention: bool,
    /// Number of buckets of distances in each direction; each distance has its own if it is not positive.
    #[serde(default = "minus_one")]
    pub position_buckets: i64,
    /// The farthest distance; that of the longest input if it is not positive.
    #[serde(default = "minus_one")]
    pub max_relative_positions: i64,
    /// Which comparisons with distances are added to the scores: `c2p` and `p2c`.
    #[serde(default, deserialize_with = "names")]
    pub pos_att_type: Vec<String>,
    /// Whether distances have the projections of the tokens. Only true is supported.
    #[serde(default)]
    pub share_att_key: bool,
    /// Norm of the embeddings of distances: `layer_norm` or `none`.
    #[serde(default = "none")]
    pub norm_rel_ebd: String,
    /// Width of a convolution over the first layer; 0 if there is none. Only 0 is supported.
    #[serde(default)]
    pub conv_kernel_size: usize,
}

fn norm_epsilon() -> f64 {
    1e-7
}

fn yes() -> bool {
    true
}

fn minus_one() -> i64 {
    -1
}

fn none() -> String {
    "none".into()
}

/// Reads names from a list, or from a text in which `|` separates them.
fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Names {
        Text(String),
        List(Vec<String>),
    }
    let names = match Option::<Names>::deserialize(deserializer)? {
        Some(Names::Text(text)) => text.split('|').map(|name| name.trim().to_lowercase()).collect(),
        Some(Names::List(names)) => names,
        None => Vec::new(),
    };
    Ok(names)
}

impl DebertaConfig {
    fn check(&self) -> Result<(), ModelError> {
        check_sizes(&[("max_position_embeddings", self.max_position_embeddings)])?;
        let problem = |name, expected, found: String| {
            Err(ModelError::Unsupported(ConfigProblem::Value { name, expected, found }))
        };
        if self.conv_kernel_size > 0 {
            return problem("conv_kernel_size", "0", self.conv_kernel_size.to_string());
        }
        if !self.relative_attention {
            return Ok(());
        }
        if !self.share_att_key && !self.pos_att_type.is_empty() {
            return problem("share_att_key", "true", "false".into());
        }
        if !matches!(self.norm_rel_ebd.as_str(), "layer_norm" | "none") {
            return problem("norm_rel_ebd", "layer_norm or none", self.norm_rel_ebd.clone());
        }
        if self.position_buckets == 1 {
            return problem("position_buckets", "at least 2", "1".into());
        }
        match self.pos_att_type.iter().find(|name| !matches!(name.as_str(), "c2p" | "p2c")) {
            Some(name) => problem("pos_att_type", "c2p and p2c", name.clone()),
            None => Ok(()),
        }
    }

    pub(crate) fn init(&self, device: &Device) -> Result<Bert, ModelError> {
        self.check()?;
        let positive = |number: i64| usize::try_from(number).ok().filter(|&number| number > 0);
        let farthest = positive(self.max_relative_positions).unwrap_or(self.max_position_embeddings);
        let buckets = positive(self.position_buckets);
        let has = |name: &str| self.pos_att_type.iter().any(|other| other == name);
        Shape {
            vocab_size: self.vocab_size,
            embedding_size: self.hidden_size,
            hidden_size: self.hidden_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            intermediate_size: self.intermediate_size,
            positions: if self.position_biased_input { self.max_position_embeddings } else { 0 },
            first_position: 0,
            segments: self.type_vocab_size,
            tasks: 0,
            activation: self.hidden_act,
            dropout: self.hidden_dropout_prob,
            attention_dropout: self.attention_probs_dropout_prob,
            epsilon: self.layer_norm_eps,
            initializer_range: self.initializer_range,
            relative: self.relative_attention.then(|| RelativeShape::Disentangled {
                span: buckets.unwrap_or(farthest),
                farthest: buckets.map(|_| farthest),
                norm: self.norm_rel_ebd == "layer_norm",
                content_to_position: has("c2p"),
                position_to_content: has("p2c"),
            }),
        }
        .init(device)
    }
}
