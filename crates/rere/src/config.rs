//! Settings of training runs.

use std::{
    fmt, fs,
    marker::PhantomData,
    path::{Path, PathBuf},
};

use rere_core::Constraints;
use rere_data::OnMissing;
use rere_loss::LossSettings;
use rere_model::EncoderConfig;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error, MapAccess, Visitor},
    ser::SerializeStruct,
};

use crate::{AnyConfig, ConfigProblem, RereError, System, files::io};

/// Defines builder methods that set public fields.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident($field:ident: $type:ty);)*) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $name(self, $field: $type) -> Self {
            Self { $field, ..self }
        })*
    };
}
pub(crate) use setters;

/// Settings of a training run of one system. Every key but `encoder` has a default; unknown keys are errors.
///
/// In a settings file, `system` names the system, and a table of that name holds the system's own settings.
///
/// ```
/// use rere::{Config, Rere};
///
/// let config = Config::<Rere>::parse(r#"
///     encoder = { pretrained = "minilm" }
///     [rere.relation]
///     epochs = 5
///     loss = { name = "cpu" }
/// "#)?;
/// assert_eq!((config.system.relation.epochs, config.system.entity.epochs), (5, 3));
/// let longer = config.clone().with_training(config.training.with_max_tokens(256));
/// assert_eq!(longer.training.max_tokens, 256);
/// # Ok::<(), rere::RereError>(())
/// ```
#[non_exhaustive]
pub struct Config<S: System> {
    /// The files of the corpus, and the handling of labels that cannot be used.
    pub data: DataConfig,
    /// The encoder that all networks start from.
    pub encoder: EncoderSource,
    /// Settings of training that all networks share.
    pub training: TrainingConfig,
    /// Constraints on the extracted triples.
    pub decode: Constraints,
    /// The system's own settings.
    pub system: S::Config,
}

/// The files of a corpus, and the handling of labels that cannot be used.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, default)]
pub struct DataConfig {
    /// The training file in any supported format, relative to the data folder.
    pub train: Option<PathBuf>,
    /// The development file. Without one, the weights of the last epoch are kept and no thresholds are chosen.
    pub dev: Option<PathBuf>,
    /// The handling of a triple whose subject or object does not occur in its sentence: `error` or `skip`.
    pub missing: OnMissing,
}

impl DataConfig {
    setters! {
        /// Sets the training file.
        with_train(train: Option<PathBuf>);
        /// Sets the development file.
        with_dev(dev: Option<PathBuf>);
        /// Sets the handling of triples whose subject or object does not occur in their sentence.
        with_missing(missing: OnMissing);
    }
}

/// The encoder that all networks start from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum EncoderSource {
    /// A Hugging Face folder with `config.json`, weights ([`weight_files`](rere_model::weight_files)) and a
    /// tokenizer ([`Tokenizer::load`](rere_data::Tokenizer::load)).
    Pretrained(PathBuf),
    /// Random weights, and a word tokenizer that is made from the training texts and sets the vocabulary size.
    Random(EncoderConfig),
}

/// Settings of the training of one network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, default)]
pub struct StageConfig {
    /// Passes over the training examples. 0 keeps the network unchanged if training starts from an earlier model.
    pub epochs: usize,
    /// The batch size in examples.
    pub batch: usize,
    /// The highest learning rate. The rate rises to it over the first tenth of the steps, then falls to a tenth of it.
    pub learning_rate: f64,
    /// If set, the embeddings and this many of the lowest layers are not trained; 0 freezes only the embeddings.
    pub frozen_layers: Option<usize>,
    /// The [`patience`](TrainingConfig::patience) of this network, if it is not that of all networks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// The loss.
    pub loss: LossSettings,
}

impl Default for StageConfig {
    fn default() -> Self {
        let loss = LossSettings::default();
        Self { epochs: 3, batch: 32, learning_rate: 1e-4, frozen_layers: None, patience: None, loss }
    }
}

impl StageConfig {
    setters! {
        /// Sets the number of passes over the training examples.
        with_epochs(epochs: usize);
        /// Sets the batch size in examples.
        with_batch(batch: usize);
        /// Sets the highest learning rate.
        with_learning_rate(learning_rate: f64);
        /// Sets how many of the lowest layers are not trained, besides the embeddings; `None` trains everything.
        with_frozen_layers(frozen_layers: Option<usize>);
        /// Sets the patience of this network; `None` uses that of all networks.
        with_patience(patience: Option<usize>);
        /// Sets the loss.
        with_loss(loss: LossSettings);
    }

    fn check(&self, name: &str, from_model: bool) -> Result<(), ConfigProblem> {
        at_least_one(&format!("{name}.batch"), self.batch)?;
        if self.epochs == 0 && !from_model {
            return Err(ConfigProblem::NoEpoch { key: format!("{name}.epochs") });
        }
        if !(self.learning_rate > 0.0 && self.learning_rate < 1.0) {
            return Err(out_of_range(&format!("{name}.learning_rate"), self.learning_rate, "lie in (0, 1)"));
        }
        self.loss.check().map_err(|problem| ConfigProblem::Loss { key: format!("{name}.loss"), problem })
    }
}

fn out_of_range(key: &str, found: impl fmt::Display, expected: &'static str) -> ConfigProblem {
    ConfigProblem::OutOfRange { key: key.to_owned(), found: found.to_string(), expected }
}

fn at_least_one(key: &str, found: usize) -> Result<(), ConfigProblem> {
    if found == 0 { Err(out_of_range(key, found, "be at least 1")) } else { Ok(()) }
}

/// Settings of training that all networks share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// The seed of initial weights, the order of examples, and dropout.
    pub seed: u64,
    /// The longest input in tokens, at most what the encoder can read. Longer training sentences are counted and left out;
    /// extraction reads longer texts in overlapping windows.
    pub max_tokens: usize,
    /// The weight decay; biases and layer norms do not decay.
    pub weight_decay: f64,
    /// The largest norm of all gradients together; larger ones are scaled down.
    pub clip: f64,
    /// Steps between two checkpoints within an epoch. Each epoch ends with a checkpoint.
    pub checkpoint_steps: usize,
    /// The most disk space for the states of frozen layers, in MiB. They are stored in the model folder while a network trains,
    /// so that only the first epoch computes them.
    pub frozen_cache_mib: u64,
    /// Early stopping: a network's training ends after this many epochs in a row without a better F1 on the development set.
    /// `None` and 0 train all epochs. The learning rate falls as if all epochs were trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            max_tokens: 128,
            weight_decay: 0.01,
            clip: 1.0,
            checkpoint_steps: 200,
            frozen_cache_mib: 8192,
            patience: None,
        }
    }
}

impl TrainingConfig {
    setters! {
        /// Sets the seed.
        with_seed(seed: u64);
        /// Sets the longest input in tokens.
        with_max_tokens(max_tokens: usize);
        /// Sets the weight decay.
        with_weight_decay(weight_decay: f64);
        /// Sets the largest norm of all gradients together.
        with_clip(clip: f64);
        /// Sets the steps between two checkpoints.
        with_checkpoint_steps(checkpoint_steps: usize);
        /// Sets the most disk space for the states of frozen layers, in MiB.
        with_frozen_cache_mib(frozen_cache_mib: u64);
        /// Sets the epochs without a better F1 after which a network's training ends; `None` trains all epochs.
        with_patience(patience: Option<usize>);
    }

    fn check(&self) -> Result<(), ConfigProblem> {
        let error = |key: &str, found: &dyn fmt::Display, expected| Err(out_of_range(key, found, expected));
        if self.max_tokens < 8 {
            return error("training.max_tokens", &self.max_tokens, "be at least 8");
        }
        at_least_one("training.checkpoint_steps", self.checkpoint_steps)?;
        if self.frozen_cache_mib > u64::MAX >> 20 {
            return error("training.frozen_cache_mib", &self.frozen_cache_mib, "be at most 2^44 - 1");
        }
        if !(0.0..1.0).contains(&self.weight_decay) {
            return error("training.weight_decay", &self.weight_decay, "lie in [0, 1)");
        }
        if !(self.clip > 0.0 && self.clip.is_finite()) {
            return error("training.clip", &self.clip, "be a positive number");
        }
        Ok(())
    }
}

impl<S: System> Config<S> {
    /// Creates default settings with an encoder.
    pub fn new(encoder: EncoderSource) -> Self {
        Self {
            data: DataConfig::default(),
            encoder,
            training: TrainingConfig::default(),
            decode: Constraints::default(),
            system: S::Config::default(),
        }
    }

    setters! {
        /// Sets the files of the corpus and the handling of labels that cannot be used.
        with_data(data: DataConfig);
        /// Sets the settings of training that all networks share.
        with_training(training: TrainingConfig);
        /// Sets the constraints on the extracted triples.
        with_decode(decode: Constraints);
        /// Sets the system's own settings.
        with_system(system: S::Config);
    }

    /// Parses settings from TOML.
    ///
    /// # Errors
    /// Returns an error if the text is not TOML or for another system, a key is unknown, or a value is out of its range.
    pub fn parse(text: &str) -> Result<Self, RereError> {
        let table: toml::Table = toml::from_str(text).map_err(ConfigProblem::from)?;
        check_old_keys(&table)?;
        let config: Self = toml::from_str(text).map_err(ConfigProblem::from)?;
        // The settings do not say whether training starts from an earlier model.
        config.check(true)?;
        config.check_random(&table)?;
        Ok(config)
    }

    /// Reads settings from a file and keeps the paths in it as they are.
    ///
    /// # Errors
    /// Returns an error as [`Config::parse`] does, and if the file cannot be read.
    pub fn load(path: &Path) -> Result<Self, RereError> {
        Self::parse(&fs::read_to_string(path).map_err(io(path))?).map_err(|error| error.in_file(path))
    }

    /// Makes relative paths relative to the given folders.
    #[must_use]
    pub fn with_folders(mut self, data: &Path, encoders: &Path) -> Self {
        if let EncoderSource::Pretrained(encoder) = &mut self.encoder {
            *encoder = encoders.join(&*encoder);
        }
        for file in [&mut self.data.train, &mut self.data.dev].into_iter().flatten() {
            *file = data.join(&*file);
        }
        self
    }

    /// Checks that all values lie in their ranges.
    pub(crate) fn check(&self, from_model: bool) -> Result<(), ConfigProblem> {
        self.training.check()?;
        let stages = S::stages(&self.system);
        stages.iter().try_for_each(|(name, stage)| stage.check(&format!("{}.{name}", S::NAME), from_model))?;
        S::check(&self.system).map_err(ConfigProblem::Invalid)
    }

    /// Returns the settings without the paths of files, which may move.
    pub(crate) fn without_paths(&self) -> Self {
        let mut config = self.clone();
        (config.data.train, config.data.dev) = (None, None);
        if let EncoderSource::Pretrained(folder) = &mut config.encoder {
            *folder = PathBuf::new();
        }
        config
    }

    /// Returns the key of the first setting that asks for early stopping, if there is one.
    pub(crate) fn early_stopping(&self) -> Option<String> {
        let is_set = |patience: Option<usize>| patience.is_some_and(|epochs| epochs > 0);
        let stages = S::stages(&self.system);
        let stage = stages.iter().find(|(_, stage)| is_set(stage.patience));
        let stage = stage.map(|(name, _)| format!("{}.{name}.patience", S::NAME));
        stage.or_else(|| is_set(self.training.patience).then(|| "training.patience".to_owned()))
    }

    /// Checks that a random encoder has no unknown key. The `config.json` of a pretrained encoder may have other fields.
    fn check_random(&self, settings: &toml::Table) -> Result<(), ConfigProblem> {
        let EncoderSource::Random(encoder) = &self.encoder else { return Ok(()) };
        let given = settings.get("encoder").and_then(|encoder| encoder.get("random")?.as_table());
        let known = toml::Table::try_from(encoder).map_err(|error| ConfigProblem::Invalid(error.to_string()))?;
        match given.into_iter().flatten().find(|(key, _)| !known.contains_key(*key)) {
            Some((key, _)) => {
                let known = known.keys().cloned().collect();
                Err(ConfigProblem::UnknownEncoderKey { found: key.clone(), known })
            }
            None => Ok(()),
        }
    }
}

/// Checks that no key is one that settings had before there was more than one system.
fn check_old_keys(table: &toml::Table) -> Result<(), ConfigProblem> {
    let has = |outer: &str, key: &str| table.get(outer).and_then(|inner| inner.get(key)).is_some();
    let advice = |old, advice| Err(ConfigProblem::OldKey { old, advice });
    match () {
        () if has("relation", "pooling") => advice("relation.pooling", "write `pooling` in the table `[rere]`"),
        () if table.contains_key("relation") => advice("[relation]", "write `[rere.relation]`"),
        () if table.contains_key("entity") => advice("[entity]", "write `[rere.entity]`"),
        () if table.contains_key("query") => advice("query.style", "write `query` in the table `[rere]`"),
        () if has("decode", "pairing") => advice("decode.pairing", "write `pairing` in the table `[rere]`"),
        () if has("decode", "at_least_one") => {
            advice("decode.at_least_one", "write `at_least_one` in the table `[rere]`")
        }
        () if has("data", "cache") => advice("data.cache", "remove it, there is no cache any more"),
        () => Ok(()),
    }
}

// Not derived: derives would require the same traits of the system itself.
impl<S: System> Clone for Config<S> {
    fn clone(&self) -> Self {
        let Self { data, encoder, training, decode, system } = self;
        Self {
            data: data.clone(),
            encoder: encoder.clone(),
            training: training.clone(),
            decode: decode.clone(),
            system: system.clone(),
        }
    }
}

impl<S: System> PartialEq for Config<S> {
    fn eq(&self, other: &Self) -> bool {
        let fields = |config: &Self| (config.data.clone(), config.encoder.clone(), config.training.clone());
        fields(self) == fields(other) && self.decode == other.decode && self.system == other.system
    }
}

impl<S: System> fmt::Debug for Config<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { data, encoder, training, decode, system } = self;
        let mut fields = f.debug_struct("Config");
        fields.field("data", data).field("encoder", encoder).field("training", training);
        fields.field("decode", decode).field(S::NAME, system).finish()
    }
}

/// Keys of the settings besides the system's own table.
const KEYS: [&str; 5] = ["system", "data", "encoder", "training", "decode"];

impl<S: System> Serialize for Config<S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let mut fields = serializer.serialize_struct("Config", KEYS.len() + 1)?;
        fields.serialize_field("system", S::NAME)?;
        fields.serialize_field("data", &self.data)?;
        fields.serialize_field("encoder", &self.encoder)?;
        fields.serialize_field("training", &self.training)?;
        fields.serialize_field("decode", &self.decode)?;
        fields.serialize_field(S::NAME, &self.system)?;
        fields.end()
    }
}

/// Not derived, because the key of the system's table is the name of the system. Errors keep their lines and columns.
impl<'de, S: System> Deserialize<'de> for Config<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys<S>(PhantomData<S>);

        impl<'de, S: System> Visitor<'de> for Keys<S> {
            type Value = Config<S>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "the settings of the system {}", S::NAME)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Config<S>, A::Error> {
                let (mut data, mut encoder, mut training, mut decode, mut system) = (None, None, None, None, None);
                let mut name: Option<String> = None;
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "system" => name = Some(map.next_value()?),
                        "data" => data = Some(map.next_value()?),
                        "encoder" => encoder = Some(map.next_value()?),
                        "training" => training = Some(map.next_value()?),
                        "decode" => decode = Some(map.next_value()?),
                        key if key == S::NAME => system = Some(map.next_value()?),
                        key => {
                            let known = KEYS.into_iter().chain([S::NAME]).map(|key| format!("`{key}`"));
                            let known = known.collect::<Vec<_>>().join(", ");
                            let is_system = AnyConfig::SYSTEMS.contains(&key);
                            let advice =
                                if is_system { format!("; for it, write system = \"{key}\"") } else { String::new() };
                            let message = format!("unknown field `{key}`, expected one of {known}{advice}");
                            return Err(A::Error::custom(message));
                        }
                    }
                }
                if let Some(name) = name.filter(|name| name != S::NAME) {
                    return Err(A::Error::custom(format!("expected the system {}, found {name}", S::NAME)));
                }
                Ok(Config {
                    data: data.unwrap_or_default(),
                    encoder: encoder.ok_or_else(|| A::Error::missing_field("encoder"))?,
                    training: training.unwrap_or_default(),
                    decode: decode.unwrap_or_default(),
                    system: system.unwrap_or_default(),
                })
            }
        }

        deserializer.deserialize_map(Keys(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rere;

    fn parse(text: &str) -> Result<Config<Rere>, RereError> {
        Config::parse(text)
    }

    fn message(text: &str) -> String {
        parse(text).expect_err("bad settings").to_string()
    }

    #[test]
    fn only_the_encoder_has_no_default() {
        let config = parse("[encoder]\npretrained = \"minilm\"").expect("valid");
        assert_eq!(config, Config::new(EncoderSource::Pretrained("minilm".into())));
        assert!(message("").contains("encoder"));
    }

    #[test]
    fn settings_survive_json() {
        let text = "[encoder]\npretrained = \"minilm\"\n[rere]\npooling = \"mean\"\n[rere.relation]\nepochs = 5\n\
                    loss = { name = \"cpu\", gamma = 0.5 }\n[decode]\nlongest = 12";
        let config = parse(text).expect("valid");
        let json = serde_json::to_string(&config).expect("JSON");
        assert_eq!(serde_json::from_str::<Config<Rere>>(&json).expect("settings"), config);
        assert!(json.starts_with("{\"system\":\"rere\","), "{json}");
    }

    #[test]
    fn an_unknown_key_of_a_random_encoder_is_an_error() {
        let bert = "model_type = \"bert\"\nhidden_size = 8\nnum_hidden_layers = 1\nnum_attention_heads = 2\n\
                    intermediate_size = 16\nmax_position_embeddings = 64\n";
        let bilstm = "model_type = \"bilstm\"\n";
        for encoder in [bert, bilstm] {
            let text = format!("[encoder.random]\n{encoder}");
            parse(&text).expect("valid");
            let error = message(&format!("{text}hidden_droput_prob = 0.5\n"));
            assert!(error.contains("unknown field `hidden_droput_prob`"), "{error}");
        }
    }

    #[test]
    fn bad_settings_are_errors_that_name_the_key() {
        let encoder = "encoder = { pretrained = \"x\" }\n";
        for (text, word) in [
            ("[rere.relation]\nepoch = 3", "epoch"),
            ("[rere.relation]\nbatch = 0", "rere.relation.batch"),
            ("[rere.relation]\nlearning_rate = 2.0", "rere.relation.learning_rate"),
            ("[rere.entity]\nloss = { name = \"cpu\", gamma = 1.5 }", "rere.entity.loss: gamma"),
            ("[rere.entity]\nloss = { name = \"cpu\", prior = 0.0 }", "rere.entity.loss"),
            ("[rere.entity]\nloss = { name = \"hinge\" }", "hinge"),
            ("[rere.entity]\nloss = \"cpu\"", "line 3, column 8"),
            ("[rere.entity]\nloss = { name = \"bce\", gamma = 0.5 }", "gamma"),
            ("[rere.entity]\npooling = \"mean\"", "pooling"),
            ("[rere]\npairing = \"farthest\"", "farthest"),
            ("[training]\nclip = nan", "training.clip"),
            ("[training]\nmax_tokens = 2", "training.max_tokens"),
            ("[training]\nfrozen_cache_mib = -1", "frozen_cache_mib"),
            ("[training]\nfrozen_cache_mib = 9223372036854775807", "training.frozen_cache_mib"),
            ("[data]\nmissing = \"ignore\"", "ignore"),
            ("[decode]\nshortest = 1", "shortest"),
            ("[casrel]\n", "unknown field `casrel`, expected one of `system`, `data`"),
            ("[casrel]\n", "write system = \"casrel\""),
            ("[tranining]\n", "unknown field `tranining`"),
        ] {
            let message = message(&format!("{encoder}{text}"));
            assert!(message.contains(word), "{text}: {message}");
        }
        assert!(message(&format!("system = \"casrel\"\n{encoder}")).contains("expected the system rere, found casrel"));

        for (text, word) in [
            ("[novel-tagging]\nsize = 0", "novel-tagging.size: expected at least 1, found 0"),
            ("[novel-tagging]\nbias = 0.0", "novel-tagging.bias: expected a number over 0, found 0"),
            ("[novel-tagging]\nbias = inf", "novel-tagging.bias: expected a number over 0, found inf"),
            ("[novel-tagging.tagger]\nloss = { name = \"cpu\" }", "novel-tagging.tagger.loss: expected bce or focal"),
        ] {
            let settings = format!("system = \"novel-tagging\"\n{encoder}{text}");
            let error = crate::AnyConfig::parse(&settings).expect_err("bad settings").to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn errors_about_old_keys_say_what_to_write() {
        for (text, new) in [
            ("[relation]\nepochs = 3", "write `[rere.relation]`"),
            ("[relation]\npooling = \"mean\"", "write `pooling` in the table `[rere]`"),
            ("[entity]\nepochs = 3", "write `[rere.entity]`"),
            ("[query]\nstyle = \"raw\"", "write `query` in the table `[rere]`"),
            ("[decode]\npairing = \"nearest\"", "write `pairing` in the table `[rere]`"),
            ("[decode]\nat_least_one = false", "write `at_least_one` in the table `[rere]`"),
            ("[data]\ncache = \"x\"", "remove it"),
            ("[rere.entity]\nloss = { name = \"cpu\", mu = 0.1 }", "prior"),
        ] {
            let message = message(&format!("encoder = {{ pretrained = \"x\" }}\n{text}"));
            assert!(message.contains(new), "{text}: {message}");
        }
    }

    #[test]
    fn paths_are_relative_to_the_folders() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rere.toml");
        let text = "[encoder]\npretrained = \"enc\"\n[data]\ntrain = \"/a/t.json\"\ndev = \"d.json\"";
        fs::write(&path, text).expect("written");
        let config: Config<Rere> = Config::load(&path).expect("valid");
        let config = config.with_folders(Path::new("data"), Path::new("encoders"));
        assert_eq!(config.encoder, EncoderSource::Pretrained("encoders/enc".into()));
        assert_eq!(config.data.train.as_deref(), Some(Path::new("/a/t.json")));
        assert_eq!(config.data.dev.as_deref(), Some(Path::new("data/d.json")));
        let error = Config::<Rere>::load(&folder.path().join("none.toml")).expect_err("missing");
        assert!(error.to_string().ends_with("none.toml is not found"), "{error}");
        fs::write(&path, "[relation]").expect("written");
        let error = Config::<Rere>::load(&path).expect_err("old").to_string();
        assert!(error.contains("rere.toml: the settings have `[relation]`"), "{error}");
    }
}
