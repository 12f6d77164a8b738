//! Model folders.
//!
//! ```text
//! model/ config.json                     everything but the weights and the tokenizer
//!        training.json                   how the model was trained
//!        tokenizer.json
//!        NETWORK/model.safetensors       the weights of each network, such as relation/ and entity/
//! ```

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use burn::{module::Module, tensor::Device};
use rere_core::{Constraints, RelationSet};
use rere_data::{Tokenizer, sha256_of_file};
use rere_model::{EncoderConfig, ModelError, Pack, Precision, load_weights_from_bytes};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    ConfigProblem, FolderProblem, RereError, System, Thresholds,
    batch::Runtime,
    files::{from_json, io, sha256},
};

/// Version of the model folder's layout. A folder of another version is refused.
const FORMAT: u32 = 1;

pub(crate) const CONFIG: &str = "config.json";
pub(crate) const TRAINING: &str = "training.json";
pub(crate) const TOKENIZER: &str = "tokenizer.json";

/// The file of a network's weights in a model folder.
pub(crate) fn weights(network: &str) -> String {
    format!("{network}/model.safetensors")
}

/// The `config.json` of a model folder: everything that a system needs besides its weights and tokenizer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelConfig {
    /// Version of the folder's layout.
    format: u32,
    /// Name of the system.
    pub system: String,
    /// Version of the crate that trained the model.
    pub rere_version: String,
    /// The encoder settings of all networks.
    pub encoder: EncoderConfig,
    /// Names of the networks, which are also the folders of their weights.
    pub networks: Vec<String>,
    /// The relations in the order of their labels, with their queries.
    pub relations: RelationSet,
    /// The longest input, in tokens.
    pub max_tokens: usize,
    /// The decision thresholds.
    pub thresholds: Thresholds,
    /// Thresholds for other precisions than f32.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub precisions: BTreeMap<Precision, TunedPrecision>,
    /// Constraints on the triples of a text.
    pub decode: Constraints,
    /// The system's own settings.
    pub settings: Value,
}

/// The thresholds of a model in another precision than f32, and what it costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TunedPrecision {
    /// The decision thresholds.
    pub thresholds: Thresholds,
    /// What the precision costs, if it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<PrecisionCost>,
}

/// Micro F1 (exact) on a development set, each at the best thresholds on it, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PrecisionCost {
    /// In this precision.
    pub f1: f64,
    /// In f32.
    pub f32_f1: f64,
}

impl ModelConfig {
    /// Returns the thresholds for a precision: those of f32 if it has none of its own.
    pub fn thresholds(&self, precision: Precision) -> &Thresholds {
        self.precisions.get(&precision).map_or(&self.thresholds, |tuned| &tuned.thresholds)
    }

    /// Returns the fastest precision on a device whose cost is known; f32 if there is none.
    pub fn fastest_precision(&self, device: &Device) -> Precision {
        let is_known = |precision: &Precision| self.precisions.get(precision).is_some_and(|tuned| tuned.cost.is_some());
        Precision::faster_on(device).iter().copied().find(is_known).unwrap_or_default()
    }

    pub(crate) fn new<S: System>(
        networks: Vec<String>,
        encoder: EncoderConfig,
        relations: RelationSet,
        max_tokens: usize,
        decode: Constraints,
        settings: &S::Config,
    ) -> Result<Self, RereError> {
        let settings = serde_json::to_value(settings).map_err(|error| ConfigProblem::Json(error.to_string()))?;
        Ok(Self {
            format: FORMAT,
            system: S::NAME.to_owned(),
            rere_version: env!("CARGO_PKG_VERSION").to_owned(),
            encoder,
            networks,
            relations,
            max_tokens,
            thresholds: Thresholds::default(),
            precisions: BTreeMap::new(),
            decode,
            settings,
        })
    }
}

/// Where a model is loaded from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Source {
    /// A model folder.
    Folder(PathBuf),
    /// The files of a model folder in memory, by name (such as `relation/model.safetensors`).
    Files(BTreeMap<String, Vec<u8>>),
}

impl From<&Path> for Source {
    fn from(folder: &Path) -> Self {
        Self::Folder(folder.to_owned())
    }
}

impl From<PathBuf> for Source {
    fn from(folder: PathBuf) -> Self {
        Self::Folder(folder)
    }
}

impl From<&PathBuf> for Source {
    fn from(folder: &PathBuf) -> Self {
        Self::Folder(folder.clone())
    }
}

impl From<&str> for Source {
    fn from(folder: &str) -> Self {
        Self::Folder(folder.into())
    }
}

impl From<BTreeMap<String, Vec<u8>>> for Source {
    fn from(files: BTreeMap<String, Vec<u8>>) -> Self {
        Self::Files(files)
    }
}

impl Source {
    /// Returns the path of the model for errors.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Folder(folder) => folder,
            Self::Files(_) => Path::new("model in memory"),
        }
    }

    /// Returns the content of a file and its path for errors.
    pub(crate) fn read(&self, name: &str) -> Result<(Vec<u8>, PathBuf), RereError> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                Ok((fs::read(&path).map_err(io(&path))?, path))
            }
            Self::Files(files) => {
                let path = PathBuf::from(name);
                let content = files.get(name).cloned().ok_or_else(|| FolderProblem::MissingFile.at(&path))?;
                Ok((content, path))
            }
        }
    }

    /// Returns the name and the SHA-256 of each of these files.
    pub(crate) fn digests(&self, names: impl IntoIterator<Item = String>) -> Result<Vec<(String, String)>, RereError> {
        let digest = |name: String| {
            let digest = match self {
                Self::Folder(folder) => sha256_of_file(&folder.join(&name))?,
                Self::Files(_) => sha256(self.read(&name)?.0),
            };
            Ok((name, digest))
        };
        names.into_iter().map(digest).collect()
    }

    /// Reads the `config.json` and checks its version.
    pub(crate) fn config(&self) -> Result<ModelConfig, RereError> {
        if let Self::Folder(folder) = self
            && !folder.join(CONFIG).exists()
        {
            let problem = match (crate::train::is_stopped(folder), folder.is_dir()) {
                (true, _) if crate::train::is_in_use(folder) => FolderProblem::InTraining,
                (true, _) => FolderProblem::Stopped,
                (false, true) => FolderProblem::NoConfig,
                (false, false) => FolderProblem::NotFound,
            };
            return Err(problem.at(folder));
        }
        let (bytes, path) = self.read(CONFIG)?;
        let found: Value = from_json(&bytes, &path)?;
        let found = found.get("format").and_then(Value::as_u64);
        if found != Some(FORMAT.into()) {
            return Err(FolderProblem::Format { expected: FORMAT, found }.at(path));
        }
        from_json(&bytes, &path)
    }
}

/// The files of a model that is being loaded, for [`System::load`].
#[derive(Debug)]
pub struct ModelParts<'a> {
    source: &'a Source,
    /// The model's configuration.
    pub config: &'a ModelConfig,
    /// Device, batch size and tokenizer.
    pub runtime: Runtime,
    /// The precision that networks are cast to.
    precision: Option<Precision>,
    /// SHA-256 of the files that were read, by name.
    digests: RefCell<BTreeMap<String, String>>,
}

impl<'a> ModelParts<'a> {
    pub(crate) fn new(
        source: &'a Source,
        config: &'a ModelConfig,
        runtime: Runtime,
        precision: Option<Precision>,
    ) -> Result<Self, RereError> {
        precision.map_or(Ok(()), |precision| config.encoder.check_precision(precision))?;
        Ok(Self { source, config, runtime, precision, digests: RefCell::default() })
    }

    /// Loads the trained weights of a network; `init` creates one with random weights.
    ///
    /// # Errors
    /// Returns an error if the weights are missing or do not fit the network, or if the device does not support the precision.
    pub fn network<M: Module + Pack>(
        &self,
        name: &str,
        init: impl FnOnce(&Device) -> Result<M, ModelError>,
    ) -> Result<M, RereError> {
        let file = weights(name);
        let (bytes, path) = self.source.read(&file)?;
        let digest = sha256(&bytes);
        self.digests.borrow_mut().insert(file, digest);
        let model = load_weights_from_bytes(init(&self.runtime.device)?, bytes, &path)?;
        Ok(match self.precision {
            Some(precision) => precision.cast(model, &self.runtime.device)?,
            None => model,
        })
    }

    /// Returns the SHA-256 of the weights that were read, by name.
    pub(crate) fn digests(self) -> BTreeMap<String, String> {
        self.digests.into_inner()
    }
}

/// Loads the tokenizer of a model and checks that the encoder knows all of its ids.
pub(crate) fn load_tokenizer(source: &Source, encoder: &EncoderConfig) -> Result<Tokenizer, RereError> {
    let (bytes, path) = source.read(TOKENIZER)?;
    fitting(Tokenizer::from_bytes(&bytes, &path)?, encoder, &path)
}

/// Loads the tokenizer of a pretrained encoder and checks that the encoder knows all of its ids.
pub(crate) fn load_pretrained_tokenizer(folder: &Path, encoder: &EncoderConfig) -> Result<Tokenizer, RereError> {
    fitting(Tokenizer::load(folder)?, encoder, folder)
}

fn fitting(tokenizer: Tokenizer, encoder: &EncoderConfig, path: &Path) -> Result<Tokenizer, RereError> {
    let (ids, known) = (tokenizer.vocab_size(), encoder.vocab_size());
    if ids > known {
        return Err(FolderProblem::Tokenizer { ids, known }.at(path));
    }
    Ok(tokenizer)
}
