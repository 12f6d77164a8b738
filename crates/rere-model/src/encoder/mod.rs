//! Encoders: from token ids to hidden states.

mod bert;
mod bilstm;
mod modernbert;
mod transformer;

use burn::{
    module::Module,
    tensor::{Bool, Device, Int, Tensor},
};
use serde::{Deserialize, Serialize};

use bert::Family;
pub use bert::{Bert, BertConfig, DebertaConfig};
pub use bilstm::{BiLstm, BiLstmConfig};
pub use modernbert::{ModernBert, ModernBertConfig};

use crate::{
    ModelError, Pack, Pooling, Precision, WeightType,
    error::{ConfigProblem, OnnxProblem, PrecisionProblem},
    onnx::{Encoded, Graph, Rows},
};

/// A padded batch of token ids.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EncoderInput {
    /// Token ids, `[batch, tokens]`.
    pub ids: Tensor<2, Int>,
    /// Segment of each token, `[batch, tokens]`. In the entity extractor, the query is 0 and the sentence 1.
    pub segments: Tensor<2, Int>,
    /// True for a token, false for padding, `[batch, tokens]`. Padding must be at the end of a row.
    pub mask: Tensor<2, Bool>,
    /// The result of [`Encoder::frozen`] for these tokens, if it is known, so that it is not computed again.
    pub frozen: Option<Tensor<3>>,
}

impl EncoderInput {
    /// Creates a batch from token ids, segments and mask, each `[batch, tokens]`.
    pub fn new(ids: Tensor<2, Int>, segments: Tensor<2, Int>, mask: Tensor<2, Bool>) -> Self {
        Self { ids, segments, mask, frozen: None }
    }

    /// Returns the batch on the device without autodiff.
    fn inner(&self) -> Self {
        Self {
            ids: self.ids.clone().inner(),
            segments: self.segments.clone().inner(),
            mask: self.mask.clone().inner(),
            frozen: self.frozen.clone(),
        }
    }
}

fn check_sizes(sizes: &[(&'static str, usize)]) -> Result<(), ModelError> {
    match sizes.iter().find(|(_, size)| *size == 0) {
        Some((name, _)) => Err(ModelError::Unsupported(ConfigProblem::Zero { name })),
        None => Ok(()),
    }
}

fn check_dropout(name: &'static str, found: f64) -> Result<(), ModelError> {
    if (0.0..1.0).contains(&found) {
        Ok(())
    } else {
        Err(ModelError::Unsupported(ConfigProblem::Dropout { name, found }))
    }
}

/// Checks what all transformers have. The hidden size must be a multiple of `parts`, which the heads decide.
fn check_transformer(
    hidden_size: usize,
    heads: usize,
    parts: usize,
    initializer_range: f64,
    epsilon: f64,
) -> Result<(), ModelError> {
    let problem = if !hidden_size.is_multiple_of(parts) {
        ConfigProblem::Heads { hidden_size, heads }
    } else if !(initializer_range >= 0.0 && initializer_range.is_finite()) {
        ConfigProblem::InitializerRange { found: initializer_range }
    } else if !(epsilon > 0.0 && epsilon.is_finite()) {
        ConfigProblem::LayerNormEps { found: epsilon }
    } else {
        return Ok(());
    };
    Err(ModelError::Unsupported(problem))
}

/// The default dropout of BERT and its relatives.
fn tenth() -> f64 {
    0.1
}

/// The default deviation of random weights.
fn initializer_range() -> f64 {
    0.02
}

/// A network that turns token ids into one hidden state for each token.
///
/// ```
/// use rere_model::{
///     BiLstmConfig, Encoder, EncoderInput,
///     burn::tensor::{Device, Int, Tensor},
/// };
///
/// let device = Device::flex();
/// let encoder = BiLstmConfig::new(100).init(&device)?; // 100 token ids
/// let input = EncoderInput::new(
///     Tensor::<2, Int>::from_ints([[5, 6, 7], [8, 9, 0]], &device),
///     Tensor::<2, Int>::zeros([2, 3], &device),
///     Tensor::<2, Int>::from_ints([[1, 1, 1], [1, 1, 0]], &device).bool(),
/// );
/// assert_eq!(encoder.forward(&input).dims(), [2, 3, 512]);
/// # Ok::<(), rere_model::ModelError>(())
/// ```
pub trait Encoder {
    /// Computes hidden states, `[batch, tokens, hidden]`. Those of padding have no meaning and do not influence others.
    fn forward(&self, input: &EncoderInput) -> Tensor<3>;

    /// Computes only the hidden state of each row's first token, `[batch, hidden]`. The numbers are those of
    /// [`forward`](Self::forward); some encoders compute them faster.
    fn first(&self, input: &EncoderInput) -> Tensor<2> {
        let hidden = self.forward(input);
        let [batch, _, size] = hidden.dims();
        hidden.narrow(1, 0, 1).reshape([batch, size])
    }

    /// Computes the output of the frozen layers, `[batch, tokens, hidden]`, on the device without autodiff.
    ///
    /// It is the same in every epoch and, except for rounding, in every batch. `None` if everything is trained or the
    /// encoder cannot compute it separately.
    fn frozen(&self, _input: &EncoderInput) -> Option<Tensor<3>> {
        None
    }

    /// Returns whether [`frozen`](Self::frozen) gives states, which can then be kept for later epochs.
    fn keeps_frozen(&self) -> bool {
        false
    }

    /// Returns the size of a hidden state.
    fn hidden_size(&self) -> usize;
}

/// Settings of an encoder. In JSON, `model_type` says which one, as in a Hugging Face `config.json`.
///
/// ```
/// use rere_model::{BiLstmConfig, EncoderConfig};
///
/// let config: EncoderConfig = serde_json::from_str(r#"{"model_type": "bilstm", "layers": 1}"#)?;
/// assert_eq!(config.with_vocab_size(100).vocab_size(), 100);
/// let config = EncoderConfig::from(BiLstmConfig::new(100));
/// assert_eq!(config.max_tokens(), None);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "model_type", rename_all = "lowercase")]
#[non_exhaustive]
pub enum EncoderConfig {
    /// BERT (Devlin et al. 2019), and models with its layers under this name, such as MiniLM and Chinese RoBERTa-wwm.
    Bert(BertConfig),
    /// RoBERTa (Liu et al. 2019).
    #[serde(alias = "camembert")]
    Roberta(BertConfig),
    /// XLM-R (Conneau et al. 2020).
    #[serde(rename = "xlm-roberta")]
    XlmRoberta(BertConfig),
    /// DistilBERT (Sanh et al. 2019).
    DistilBert(BertConfig),
    /// ELECTRA (Clark et al. 2020).
    Electra(BertConfig),
    /// ERNIE (Sun et al. 2020).
    Ernie(BertConfig),
    /// MPNet (Song et al. 2020).
    Mpnet(BertConfig),
    /// DeBERTa v2 and v3 (He et al. 2021).
    #[serde(rename = "deberta-v2")]
    Deberta(DebertaConfig),
    /// A [`ModernBert`].
    ModernBert(ModernBertConfig),
    /// A [`BiLstm`].
    BiLstm(BiLstmConfig),
}

impl From<BertConfig> for EncoderConfig {
    fn from(config: BertConfig) -> Self {
        Self::Bert(config)
    }
}

impl From<BiLstmConfig> for EncoderConfig {
    fn from(config: BiLstmConfig) -> Self {
        Self::BiLstm(config)
    }
}

/// Settings by the encoder that they create.
enum Kind<'a> {
    Bert(Family, &'a BertConfig),
    Deberta(&'a DebertaConfig),
    ModernBert(&'a ModernBertConfig),
    BiLstm(&'a BiLstmConfig),
}

impl EncoderConfig {
    fn kind(&self) -> Kind<'_> {
        match self {
            Self::Bert(config) => Kind::Bert(Family::Bert, config),
            Self::Roberta(config) | Self::XlmRoberta(config) => Kind::Bert(Family::Roberta, config),
            Self::DistilBert(config) => Kind::Bert(Family::DistilBert, config),
            Self::Electra(config) => Kind::Bert(Family::Electra, config),
            Self::Ernie(config) => Kind::Bert(Family::Ernie, config),
            Self::Mpnet(config) => Kind::Bert(Family::Mpnet, config),
            Self::Deberta(config) => Kind::Deberta(config),
            Self::ModernBert(config) => Kind::ModernBert(config),
            Self::BiLstm(config) => Kind::BiLstm(config),
        }
    }

    /// Creates an encoder with random weights.
    ///
    /// # Errors
    /// Returns an error if a setting is invalid or not supported.
    pub fn init(&self, device: &Device) -> Result<AnyEncoder, ModelError> {
        Ok(match self.kind() {
            Kind::Bert(family, config) => AnyEncoder::Bert(config.init(family, device)?),
            Kind::Deberta(config) => AnyEncoder::Bert(config.init(device)?),
            Kind::ModernBert(config) => AnyEncoder::ModernBert(config.init(device)?),
            Kind::BiLstm(config) => AnyEncoder::BiLstm(config.init(device)?),
        })
    }

    /// Returns the maximum length of an input in tokens; `None` if there is no limit.
    pub fn max_tokens(&self) -> Option<usize> {
        match self.kind() {
            Kind::Bert(family, config) => {
                Some(config.max_position_embeddings.saturating_sub(config.first_position(family)))
            }
            Kind::Deberta(config) => Some(config.max_position_embeddings),
            Kind::ModernBert(config) => Some(config.max_position_embeddings),
            Kind::BiLstm(_) => None,
        }
    }

    /// Returns the pooling that suits the encoder: `[CLS]` if it was pretrained with that token, else the mean.
    pub fn pooling(&self) -> Pooling {
        match self {
            Self::BiLstm(_) => Pooling::Mean,
            _ => Pooling::First,
        }
    }

    /// Checks that the encoder supports a precision.
    ///
    /// # Errors
    /// Returns [`ModelError::Precision`] for an LSTM with another precision than f32, which burn does not support.
    pub fn check_precision(&self, precision: Precision) -> Result<(), ModelError> {
        if precision != Precision::F32 && matches!(self, Self::BiLstm(_)) {
            return Err(ModelError::Precision { name: precision.to_string(), problem: PrecisionProblem::Lstm });
        }
        Ok(())
    }

    /// Returns the number of token ids.
    pub fn vocab_size(&self) -> usize {
        match self.kind() {
            Kind::Bert(_, config) => config.vocab_size,
            Kind::Deberta(config) => config.vocab_size,
            Kind::ModernBert(config) => config.vocab_size,
            Kind::BiLstm(config) => config.vocab_size,
        }
    }

    /// Sets the number of token ids.
    #[must_use]
    pub fn with_vocab_size(mut self, size: usize) -> Self {
        match &mut self {
            Self::Bert(config)
            | Self::Roberta(config)
            | Self::XlmRoberta(config)
            | Self::DistilBert(config)
            | Self::Electra(config)
            | Self::Ernie(config)
            | Self::Mpnet(config) => config.vocab_size = size,
            Self::Deberta(config) => config.vocab_size = size,
            Self::ModernBert(config) => config.vocab_size = size,
            Self::BiLstm(config) => config.vocab_size = size,
        }
        self
    }
}

/// An encoder of any kind.
// A model has one encoder, and burn's modules cannot be boxed.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
#[non_exhaustive]
pub enum AnyEncoder {
    /// A [`Bert`], or one of the encoders with its layers.
    Bert(Bert),
    /// A [`ModernBert`].
    ModernBert(ModernBert),
    /// A [`BiLstm`].
    BiLstm(BiLstm),
}

impl AnyEncoder {
    /// Freezes the embeddings and the lowest `layers` layers, so that they are not trained.
    ///
    /// In transformers this also turns off their dropout. A [`BiLstm`] keeps it, because it has one dropout for all
    /// layers.
    #[must_use]
    pub fn freeze_lower(self, layers: usize) -> Self {
        match self {
            Self::Bert(bert) => Self::Bert(bert.freeze_lower(layers)),
            Self::ModernBert(modernbert) => Self::ModernBert(modernbert.freeze_lower(layers)),
            Self::BiLstm(bilstm) => Self::BiLstm(bilstm.freeze_lower(layers)),
        }
    }
}

impl Pack for AnyEncoder {
    /// A [`BiLstm`] is returned as it is: [`EncoderConfig::check_precision`] refuses it.
    fn pack(self, weights: WeightType) -> Self {
        match self {
            Self::Bert(bert) => Self::Bert(bert.pack(weights)),
            Self::ModernBert(modernbert) => Self::ModernBert(modernbert.pack(weights)),
            Self::BiLstm(_) => self,
        }
    }
}

impl AnyEncoder {
    /// Adds the encoder with its inputs to a graph. `max_tokens` is the longest input.
    pub(crate) fn add_to(&self, graph: &mut Graph, rows: Rows, max_tokens: usize) -> Result<Encoded, ModelError> {
        let unsupported = |encoder| Err(ModelError::Onnx(OnnxProblem::Encoder { encoder }));
        match self {
            Self::Bert(bert) => Ok(bert.add_to(graph, rows, max_tokens)),
            Self::ModernBert(_) => unsupported("modernbert"),
            Self::BiLstm(_) => unsupported("bilstm"),
        }
    }
}

impl Encoder for AnyEncoder {
    fn forward(&self, input: &EncoderInput) -> Tensor<3> {
        match self {
            Self::Bert(bert) => bert.forward(input),
            Self::ModernBert(modernbert) => modernbert.forward(input),
            Self::BiLstm(bilstm) => bilstm.forward(input),
        }
    }

    fn first(&self, input: &EncoderInput) -> Tensor<2> {
        match self {
            Self::Bert(bert) => bert.first(input),
            Self::ModernBert(modernbert) => modernbert.first(input),
            Self::BiLstm(bilstm) => bilstm.first(input),
        }
    }

    fn frozen(&self, input: &EncoderInput) -> Option<Tensor<3>> {
        match self {
            Self::Bert(bert) => bert.frozen(input),
            Self::ModernBert(modernbert) => modernbert.frozen(input),
            Self::BiLstm(bilstm) => bilstm.frozen(input),
        }
    }

    fn keeps_frozen(&self) -> bool {
        match self {
            Self::Bert(bert) => bert.keeps_frozen(),
            Self::ModernBert(modernbert) => modernbert.keeps_frozen(),
            Self::BiLstm(bilstm) => bilstm.keeps_frozen(),
        }
    }

    fn hidden_size(&self) -> usize {
        match self {
            Self::Bert(bert) => bert.hidden_size(),
            Self::ModernBert(modernbert) => modernbert.hidden_size(),
            Self::BiLstm(bilstm) => bilstm.hidden_size(),
        }
    }
}
