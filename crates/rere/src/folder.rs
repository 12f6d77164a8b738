//! The folder of a trained system.
//!
//! ```text
//! model/ config.json                     what is needed to run it
//!        training.json                   how it was made
//!        tokenizer.json
//!        relation/model.safetensors
//!        entity/model.safetensors
//! ```

use std::path::{Path, PathBuf};

use rere_core::{Probability, RelationSet};
use rere_data::{EncodeReport, Tokenizer};
use rere_model::{EncoderConfig, Pooling};
use serde::{Deserialize, Serialize};

use crate::{Config, DecodeConfig, RereError, Stage};

/// The `config.json` of a model folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelConfig {
    /// Version of this crate that trained the system.
    pub rere_version: String,
    /// The encoder of both stages.
    pub encoder: EncoderConfig,
    /// How the relation classifier pools.
    pub pooling: Pooling,
    /// The relations, by label, with their queries.
    pub relations: RelationSet,
    /// A relation is looked for where its probability is at least this.
    pub threshold_relation: Probability,
    /// Decoding threshold of the entity extractor.
    pub threshold_entity: Probability,
    /// A triple is reported where its score is at least this.
    pub threshold_triple: Probability,
    /// How subjects and objects are paired.
    pub decode: DecodeConfig,
    /// The longest input, in tokens.
    pub max_tokens: usize,
}

/// The `training.json` of a model folder: how the system was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// All settings.
    pub config: Config,
    /// SHA-256 over the training sentences as they were read.
    pub train_sha256: String,
    /// SHA-256 over the development sentences.
    pub dev_sha256: String,
    /// What the training corpus held, and what of it could not be used.
    pub report: EncodeReport,
    /// What happened in each stage.
    pub stages: Vec<StageRecord>,
    /// Micro F1 (exact) of the whole system on the development set at the chosen thresholds.
    pub dev_f1: Option<f64>,
}

/// What happened in one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// Which stage.
    pub stage: Stage,
    /// Class prior pi of the training labels: labels that are 1 among all labels (the paper's Table 2, counted on the
    /// targets as they stand).
    pub class_prior: f64,
    /// mu of the loss, where it has one.
    pub mu: Option<f64>,
    /// The epochs, in order.
    pub epochs: Vec<EpochRecord>,
    /// The epoch whose weights were kept, from 1.
    pub kept: usize,
}

/// What happened in one epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Mean loss over the steps.
    pub loss: f64,
    /// Micro F1 of the stage alone on the development set, at the threshold that is best there: of relations, or of
    /// pairs given the gold relations.
    pub dev_f1: Option<f64>,
}

pub(crate) fn config_path(folder: &Path) -> PathBuf {
    folder.join("config.json")
}

pub(crate) fn training_path(folder: &Path) -> PathBuf {
    folder.join("training.json")
}

pub(crate) fn tokenizer_path(folder: &Path) -> PathBuf {
    folder.join("tokenizer.json")
}

pub(crate) fn weights_path(folder: &Path, stage: Stage) -> PathBuf {
    folder.join(stage.name()).join("model.safetensors")
}

/// The `tokenizer.json` of a folder, which has no id that the encoder does not know.
pub(crate) fn load_tokenizer(folder: &Path, encoder: &EncoderConfig) -> Result<Tokenizer, RereError> {
    let tokenizer = Tokenizer::load(tokenizer_path(folder))?;
    let (ids, known) = (tokenizer.vocab_size(), encoder.vocab_size());
    if ids > known {
        return Err(RereError::Folder {
            path: folder.to_owned(),
            message: format!("tokenizer.json has {ids} ids, the encoder only {known}: they do not belong together"),
        });
    }
    Ok(tokenizer)
}
