//! The settings of a training run, as a settings file has them.

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

use crate::{AnyConfig, RereError, System, files::io};

/// All settings of a training run of one system. Every key has a default but the encoder; an unknown key is an error.
///
/// In a file, `system` names the system, and a table of that name holds its own settings.
pub struct Config<S: System> {
    /// Where the corpus is, and what is done with labels that cannot be used.
    pub data: DataConfig,
    /// The encoder that all networks start from.
    pub encoder: EncoderSource,
    /// What all networks share in training.
    pub training: TrainingConfig,
    /// Constraints on the triples that the system finds.
    pub decode: Constraints,
    /// The system's own settings.
    pub system: S::Config,
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
    pub missing: OnMissing,
}

/// The encoder that all networks start from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EncoderSource {
    /// A Hugging Face folder: `config.json`, `model.safetensors`, `tokenizer.json`.
    Pretrained(PathBuf),
    /// Random weights, and a tokenizer of words made from the training texts; the vocabulary's size is filled in.
    Random(EncoderConfig),
}

/// The training of one network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StageConfig {
    /// Passes over the training examples; 0, to keep the network as it is, if training starts from an earlier model.
    pub epochs: usize,
    /// Examples in a batch.
    pub batch: usize,
    /// The highest learning rate; it rises to it over the first tenth of the steps, then falls to a tenth of it.
    pub learning_rate: f64,
    /// If set, the embeddings and that many of the lowest layers are not trained; 0 freezes the embeddings alone.
    pub frozen_layers: Option<usize>,
    /// The loss.
    pub loss: LossSettings,
}

impl Default for StageConfig {
    fn default() -> Self {
        Self { epochs: 3, batch: 32, learning_rate: 1e-4, frozen_layers: None, loss: LossSettings::default() }
    }
}

impl StageConfig {
    fn check(&self, name: &str, from_model: bool) -> Result<(), String> {
        if self.batch == 0 {
            return Err(format!("{name}.batch must be at least 1"));
        }
        if self.epochs == 0 && !from_model {
            return Err(format!(
                "{name}.epochs must be at least 1, unless training starts from an earlier model (--from)"
            ));
        }
        if !(self.learning_rate > 0.0 && self.learning_rate < 1.0) {
            return Err(format!("{name}.learning_rate is {}: it must lie in (0, 1)", self.learning_rate));
        }
        self.loss.check().map_err(|error| format!("{name}.loss: {error}"))
    }
}

/// What all networks share in training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Where all chance comes from: weights, order, dropout.
    pub seed: u64,
    /// The longest input, in tokens, at most what the encoder can read; a longer training sentence is counted and left out, a
    /// longer text to extract from is read in overlapping windows.
    pub max_tokens: usize,
    /// Decay of weights, not of biases and layer norms.
    pub weight_decay: f64,
    /// The largest norm of all gradients together.
    pub clip: f64,
    /// Steps between two checkpoints within an epoch; the end of an epoch always has one.
    pub checkpoint_steps: usize,
    /// The most that the states of frozen layers may take on the disk, in MiB; they are kept while a network trains, in
    /// the model's folder, so that only its first epoch computes them.
    pub frozen_cache_mib: u64,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self { seed: 1, max_tokens: 128, weight_decay: 0.01, clip: 1.0, checkpoint_steps: 200, frozen_cache_mib: 8192 }
    }
}

impl TrainingConfig {
    fn check(&self) -> Result<(), String> {
        if self.max_tokens < 8 {
            return Err(format!("training.max_tokens is {}: it must be at least 8", self.max_tokens));
        }
        if self.checkpoint_steps == 0 {
            return Err("training.checkpoint_steps must be at least 1".into());
        }
        if self.frozen_cache_mib > u64::MAX >> 20 {
            return Err(format!("training.frozen_cache_mib is {}: no disk has so much", self.frozen_cache_mib));
        }
        if !(0.0..1.0).contains(&self.weight_decay) {
            return Err(format!("training.weight_decay is {}: it must lie in [0, 1)", self.weight_decay));
        }
        if !(self.clip > 0.0 && self.clip.is_finite()) {
            return Err(format!("training.clip is {}: it must be a positive number", self.clip));
        }
        Ok(())
    }
}

impl<S: System> Config<S> {
    /// Default settings with an encoder.
    pub fn new(encoder: EncoderSource) -> Self {
        Self {
            data: DataConfig::default(),
            encoder,
            training: TrainingConfig::default(),
            decode: Constraints::default(),
            system: S::Config::default(),
        }
    }

    /// Settings from TOML.
    ///
    /// # Errors
    /// Returns an error if the text is not TOML, it is for another system, a key is unknown, or a value is out of its range.
    pub fn parse(text: &str) -> Result<Self, RereError> {
        let table: toml::Table = toml::from_str(text).map_err(RereError::config)?;
        if let Some(message) = advice_for_old_keys(&table) {
            return Err(RereError::config(message));
        }
        let config: Self = toml::from_str(text).map_err(RereError::config)?;
        // Whether there is an earlier model, the settings do not say.
        config.check(true).map_err(RereError::config)?;
        config.check_random(&table).map_err(RereError::config)?;
        Ok(config)
    }

    /// Settings from a file, with the paths as they are there.
    ///
    /// # Errors
    /// As [`Config::parse`], or if the file cannot be read.
    pub fn load(path: &Path) -> Result<Self, RereError> {
        Self::parse(&fs::read_to_string(path).map_err(io(path))?).map_err(|error| error.in_file(path))
    }

    /// The same settings with relative paths made relative to the given folders.
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
    pub(crate) fn check(&self, from_model: bool) -> Result<(), String> {
        self.training.check()?;
        let stages = S::stages(&self.system);
        stages.iter().try_for_each(|(name, stage)| stage.check(&format!("{}.{name}", S::NAME), from_model))?;
        S::check(&self.system)
    }

    /// The `config.json` of a pretrained encoder has fields that do not matter here. The settings of a random encoder must not.
    fn check_random(&self, settings: &toml::Table) -> Result<(), String> {
        let EncoderSource::Random(encoder) = &self.encoder else { return Ok(()) };
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
}

/// What to write in place of a key that settings had before there was more than one system.
fn advice_for_old_keys(table: &toml::Table) -> Option<String> {
    let has = |outer: &str, key: &str| table.get(outer).and_then(|inner| inner.get(key)).is_some();
    let advice = |old: &str, new: &str| Some(format!("the settings have `{old}`: write {new}"));
    match () {
        () if has("relation", "pooling") => advice("relation.pooling", "`pooling` in the table `[rere]`"),
        () if table.contains_key("relation") => advice("[relation]", "`[rere.relation]`"),
        () if table.contains_key("entity") => advice("[entity]", "`[rere.entity]`"),
        () if table.contains_key("query") => advice("query.style", "`query` in the table `[rere]`"),
        () if has("decode", "pairing") => advice("decode.pairing", "`pairing` in the table `[rere]`"),
        () if has("decode", "at_least_one") => advice("decode.at_least_one", "`at_least_one` in the table `[rere]`"),
        () if has("data", "cache") => {
            Some("the settings have `data.cache`: remove it, nothing is kept any more".into())
        }
        () => None,
    }
}

// Not derived: derives would ask for the same of the system itself.
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

/// Keys of the settings besides that of the system's own table.
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

/// Not derived: the key of the system's table is the system's name, and errors keep their lines and columns.
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
    fn defaults_need_an_encoder_only() {
        let config = parse("[encoder]\npretrained = \"minilm\"").expect("valid");
        assert_eq!(config, Config::new(EncoderSource::Pretrained("minilm".into())));
        assert!(message("").contains("encoder"));
    }

    #[test]
    fn settings_come_back_from_json() {
        let text = "[encoder]\npretrained = \"minilm\"\n[rere]\npooling = \"mean\"\n[rere.relation]\nepochs = 5\n\
                    loss = { name = \"cpu\", gamma = 0.5 }\n[decode]\nlongest = 12";
        let config = parse(text).expect("valid");
        let json = serde_json::to_string(&config).expect("JSON");
        assert_eq!(serde_json::from_str::<Config<Rere>>(&json).expect("settings"), config);
        assert!(json.starts_with("{\"system\":\"rere\","), "{json}");
    }

    #[test]
    fn a_random_encoder_has_no_unknown_key() {
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
    }

    #[test]
    fn old_settings_are_told_what_to_write() {
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
