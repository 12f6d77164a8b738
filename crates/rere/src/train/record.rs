//! How a system was made: the `training.json` of a model folder.

use rere_data::LocatedReport;
use rere_loss::PerClass;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a system was made: the `training.json` of a model folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// All settings.
    pub config: Value,
    /// SHA-256 of the training sentences as they were read.
    pub train_sha256: String,
    /// SHA-256 of the development sentences.
    pub dev_sha256: String,
    /// SHA-256 of all that the weights depend on: settings, corpus, encoder.
    pub run_sha256: String,
    /// What the training corpus held, and what of it could not be used.
    pub report: LocatedReport,
    /// What happened in each stage.
    pub stages: Vec<StageRecord>,
    /// Micro F1 (exact) of the whole system on the development set at the chosen thresholds.
    pub dev_f1: Option<f64>,
}

/// What happened in one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageRecord {
    /// Name of the stage.
    pub stage: String,
    /// Training examples.
    pub examples: usize,
    /// Examples that were left out, as they are longer than `training.max_tokens`.
    pub too_long: usize,
    /// The labels of each kind.
    pub labels: Vec<LabelRecord>,
    /// The epochs, in order.
    pub epochs: Vec<EpochRecord>,
    /// The epoch whose weights were kept, from 1.
    pub kept: usize,
}

/// The labels of one kind in a stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelRecord {
    /// Class prior pi of the training labels: labels that are 1 among all labels (the paper's Table 2, counted on the
    /// targets).
    pub class_prior: f64,
    /// The prior that the loss was given, if it wants one; of cPU it is mu.
    pub loss_prior: Option<PerClass>,
    /// How the prior was estimated, if it was.
    pub estimated: Option<PriorRecord>,
}

/// A class prior that was estimated from the scores of a model that had not seen the labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PriorRecord {
    /// The estimator.
    pub estimator: String,
    /// The class prior of each class, or one for all.
    pub value: Vec<f64>,
    /// Lower ends of the 95 % intervals.
    pub low: Vec<f64>,
    /// Upper ends.
    pub high: Vec<f64>,
}

/// What happened in one epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Mean loss over the steps.
    pub loss: f64,
    /// Micro F1 of the stage alone on the development set, at the threshold that is best there.
    pub dev_f1: Option<f64>,
}
