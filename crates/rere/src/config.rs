//! The settings of a training run, as a `rere.toml` has them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rere_core::{Probability, QueryStyle};
use rere_data::Missing;
use rere_decode::{Pairing, PairingStrategy};
use rere_model::{EncoderConfig, Pooling};
use serde::{Deserialize, Serialize};

use crate::RereError;

/// All settings of a training run. Every key has a default but the encoder; an unknown key is an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the corpus is, and what is done with labels that cannot be used.
    #[serde(default)]
    pub data: DataConfig,
    /// The encoder that both stages start from.
    pub encoder: EncoderSource,
    /// How a relation is put into words for the entity extractor.
    #[serde(default)]
    pub query: QueryConfig,
    /// The first stage: which relations does the sentence express?
    #[serde(default)]
    pub relation: StageConfig,
    /// The second stage: which subjects and objects has a relation?
    #[serde(default)]
    pub entity: StageConfig,
    /// What both stages share.
    #[serde(default)]
    pub training: TrainingConfig,
    /// From scores to triples.
    #[serde(default)]
    pub decode: DecodeConfig,
}

/// Where the corpus is, and what is done with labels that cannot be used.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// The training file, in any known format; relative to the data folder.
    pub train: Option<PathBuf>,
    /// The development file. Without one the last epoch is kept and no threshold is chosen.
    pub dev: Option<PathBuf>,
    /// What happens with a triple whose subject or object is not in its sentence: `error` or `skip`.
    pub missing: Missing,
    /// A folder that keeps the training examples for the next run on the same corpus; relative to the data folder. Without one they are
    /// made anew.
    pub cache: Option<PathBuf>,
}

/// The encoder that both stages start from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EncoderSource {
    /// A Hugging Face folder: `config.json`, `model.safetensors`, `tokenizer.json`.
    Pretrained(PathBuf),
    /// Random weights, and a tokenizer of words made from the training texts; the vocabulary's size is filled in.
    Random(EncoderConfig),
}

/// How a relation is put into words for the entity extractor.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueryConfig {
    /// `raw`: the relation's name as it stands; `words`: readable words.
    pub style: QueryStyle,
}

/// The training of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StageConfig {
    /// Passes over the training examples.
    pub epochs: usize,
    /// Examples in a batch.
    pub batch: usize,
    /// The highest learning rate; it rises to it over the first tenth of the steps, then falls to a tenth of it.
    pub learning_rate: f64,
    /// Where set, the embeddings and that many of the lowest layers are not trained; 0 freezes the embeddings alone.
    pub frozen_layers: Option<usize>,
    /// The loss.
    pub loss: LossConfig,
    /// How the states of a sentence become one; of the relation stage only. Without it, `first` for BERT and `mean`
    /// for a BiLSTM.
    pub pooling: Option<Pooling>,
}

impl Default for StageConfig {
    fn default() -> Self {
        Self { epochs: 3, batch: 32, learning_rate: 1e-4, frozen_layers: None, loss: LossConfig::Bce {}, pooling: None }
    }
}

/// The loss of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields, expecting = "a table such as { name = \"cpu\" }")]
pub enum LossConfig {
    /// Binary cross-entropy: what is not labelled is negative.
    Bce {},
    /// The collective positive-unlabelled loss.
    Cpu {
        /// Share of positives among what is not labelled; without it 1.05 times the class prior of the labels.
        mu: Option<f64>,
        /// Weight of the positive term.
        #[serde(default = "default_gamma")]
        gamma: f64,
    },
}

fn default_gamma() -> f64 {
    rere_loss::DEFAULT_GAMMA
}

/// What both stages share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Where all chance comes from: weights, order, dropout.
    pub seed: u64,
    /// The longest input, in tokens, at most what the encoder can read; a longer training sentence is counted and left out, one to extract from is read
    /// in overlapping windows.
    pub max_tokens: usize,
    /// Decay of weights, not of biases and layer norms.
    pub weight_decay: f64,
    /// The largest norm of all gradients together.
    pub clip: f64,
    /// Steps between two checkpoints within an epoch; the end of an epoch always has one.
    pub checkpoint_steps: usize,
    /// The most that the states of frozen layers may take on the disk, in MiB; they are kept while a stage trains, in
    /// the model's folder, so that only its first epoch computes them.
    pub frozen_cache_mib: u64,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self { seed: 1, max_tokens: 128, weight_decay: 0.01, clip: 1.0, checkpoint_steps: 200, frozen_cache_mib: 8192 }
    }
}

/// From scores to triples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DecodeConfig {
    /// `nearest`, the paper's, or `cross-product`, that of the authors' code.
    pub pairing: Pairing,
    /// Whether a relation that was detected gets the best pair there is where none is at or over the entity threshold:
    /// the sentence has the relation, so it has a pair. Neither the paper nor the authors' code does so.
    pub at_least_one: bool,
}

impl Default for DecodeConfig {
    fn default() -> Self {
        Self { pairing: Pairing::Nearest, at_least_one: true }
    }
}

impl DecodeConfig {
    pub(crate) fn strategy(self, threshold: Probability) -> Box<dyn PairingStrategy + Send + Sync> {
        self.pairing.strategy(threshold, self.at_least_one)
    }
}

impl Config {
    /// Settings from the text of a `rere.toml`.
    ///
    /// # Errors
    /// Where the text is not TOML, a key is unknown, or a value out of its range.
    pub fn parse(text: &str) -> Result<Self, RereError> {
        let error = |message: String| RereError::Config { path: None, message };
        let config: Self = toml::from_str(text).map_err(|e| error(e.to_string()))?;
        config.check().map_err(error)?;
        config.check_random(text).map_err(error)?;
        Ok(config)
    }

    /// Settings from a file, with the paths as they stand there.
    ///
    /// # Errors
    /// As [`Config::parse`], or where the file cannot be read.
    pub fn load(path: &Path) -> Result<Self, RereError> {
        let text = fs::read_to_string(path).map_err(|source| RereError::Io { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|error| match error {
            RereError::Config { message, .. } => RereError::Config { path: Some(path.to_owned()), message },
            other => other,
        })
    }

    /// The same settings with relative paths made relative to the given folders.
    #[must_use]
    pub fn with_folders(mut self, data: &Path, encoders: &Path) -> Self {
        if let EncoderSource::Pretrained(encoder) = &mut self.encoder {
            *encoder = encoders.join(&*encoder);
        }
        for file in [&mut self.data.train, &mut self.data.dev, &mut self.data.cache].into_iter().flatten() {
            *file = data.join(&*file);
        }
        self
    }

    /// A Hugging Face `config.json` has fields that do not matter here. What somebody wrote for a random encoder ought to.
    fn check_random(&self, text: &str) -> Result<(), String> {
        let EncoderSource::Random(encoder) = &self.encoder else { return Ok(()) };
        let settings: toml::Table = toml::from_str(text).map_err(|e| e.to_string())?;
        let given = settings.get("encoder").and_then(|encoder| encoder.get("random")?.as_table());
        let known = toml::Table::try_from(encoder).map_err(|e| e.to_string())?;
        match given.into_iter().flatten().find(|(key, _)| !known.contains_key(*key)) {
            Some((key, _)) => {
                let known = known.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
                Err(format!("encoder.random: unknown field `{key}`, expected one of {known}"))
            }
            None => Ok(()),
        }
    }

    fn check(&self) -> Result<(), String> {
        for (name, stage) in [("relation", &self.relation), ("entity", &self.entity)] {
            if stage.epochs == 0 || stage.batch == 0 {
                return Err(format!("{name}: epochs and batch must be at least 1"));
            }
            if !(stage.learning_rate > 0.0 && stage.learning_rate < 1.0) {
                return Err(format!("{name}.learning_rate is {}: it must lie in (0, 1)", stage.learning_rate));
            }
            if let LossConfig::Cpu { mu, gamma } = stage.loss {
                for (key, value) in [("mu", mu), ("gamma", Some(gamma))] {
                    if let Some(value) = value
                        && !(value > 0.0 && value < 1.0)
                    {
                        return Err(format!("{name}.loss.{key} is {value}: it must lie in (0, 1)"));
                    }
                }
            }
        }
        if self.entity.pooling.is_some() {
            return Err("entity.pooling: only the relation stage pools".into());
        }
        let training = &self.training;
        if training.max_tokens < 8 {
            return Err(format!("training.max_tokens is {}: it must be at least 8", training.max_tokens));
        }
        if training.checkpoint_steps == 0 {
            return Err("training.checkpoint_steps must be at least 1".into());
        }
        if training.frozen_cache_mib > u64::MAX >> 20 {
            return Err(format!("training.frozen_cache_mib is {}: no disk has so much", training.frozen_cache_mib));
        }
        if !(0.0..1.0).contains(&training.weight_decay) {
            return Err(format!("training.weight_decay is {}: it must lie in [0, 1)", training.weight_decay));
        }
        if !(training.clip > 0.0 && training.clip.is_finite()) {
            return Err(format!("training.clip is {}: it must be a positive number", training.clip));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        Config::parse(text).expect_err("bad settings").to_string()
    }

    #[test]
    fn defaults_need_an_encoder_only() {
        let config = Config::parse("[encoder]\npretrained = \"minilm\"").expect("valid");
        assert_eq!(config.training.seed, 1);
        assert_eq!(config.relation.loss, LossConfig::Bce {});
        assert!(message("").contains("encoder"));
    }

    #[test]
    fn a_random_encoder_has_no_unknown_key() {
        let bert = "model_type = \"bert\"\nhidden_size = 8\nnum_hidden_layers = 1\nnum_attention_heads = 2\n\
                    intermediate_size = 16\nmax_position_embeddings = 64\n";
        let bilstm = "model_type = \"bilstm\"\n";
        for encoder in [bert, bilstm] {
            let text = format!("[encoder.random]\n{encoder}");
            Config::parse(&text).expect("valid");
            let error = message(&format!("{text}hidden_droput_prob = 0.5\n"));
            assert!(error.contains("unknown field `hidden_droput_prob`"), "{error}");
        }
    }

    #[test]
    fn bad_settings_are_errors_that_name_the_key() {
        let encoder = "encoder = { pretrained = \"x\" }\n";
        for (text, word) in [
            ("[relation]\nepoch = 3", "epoch"),
            ("[relation]\nepochs = 0", "relation"),
            ("[relation]\nlearning_rate = 2.0", "relation.learning_rate"),
            ("[entity]\nloss = { name = \"cpu\", gamma = 1.5 }", "entity.loss.gamma"),
            ("[entity]\nloss = { name = \"cpu\", mu = 0.0 }", "entity.loss.mu"),
            ("[entity]\nloss = { name = \"hinge\" }", "hinge"),
            ("[entity]\nloss = \"cpu\"", "line 3, column 8"),
            ("[entity]\nloss = \"cpu\"", "string \"cpu\", expected a table such as { name = \"cpu\" }"),
            ("[entity]\nloss = { name = \"bce\", gamma = 0.5 }", "gamma"),
            ("[entity]\npooling = \"mean\"", "entity.pooling"),
            ("[training]\nclip = nan", "training.clip"),
            ("[training]\nmax_tokens = 2", "training.max_tokens"),
            ("[training]\nfrozen_cache_mib = -1", "frozen_cache_mib"),
            ("[training]\nfrozen_cache_mib = 9223372036854775807", "training.frozen_cache_mib"),
            ("[decode]\npairing = \"farthest\"", "farthest"),
            ("[data]\nmissing = \"ignore\"", "ignore"),
        ] {
            let message = message(&format!("{encoder}{text}"));
            assert!(message.contains(word), "{text}: {message}");
        }
    }

    #[test]
    fn paths_are_relative_to_the_folders() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rere.toml");
        let text = "[encoder]\npretrained = \"enc\"\n[data]\ntrain = \"/a/t.json\"\ndev = \"d.json\"";
        fs::write(&path, text).expect("written");
        let config = Config::load(&path).expect("valid").with_folders(Path::new("data"), Path::new("encoders"));
        assert_eq!(config.encoder, EncoderSource::Pretrained("encoders/enc".into()));
        assert_eq!(config.data.train.as_deref(), Some(Path::new("/a/t.json")));
        assert_eq!(config.data.dev.as_deref(), Some(Path::new("data/d.json")));
        let error = Config::load(&folder.path().join("none.toml")).expect_err("missing");
        assert!(error.to_string().ends_with("none.toml is not found"), "{error}");
    }
}
