//! Records of training: the `training.json` of a model folder.

use std::path::PathBuf;

use rere_data::LocatedReport;
use rere_loss::PerClass;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Record of a training run: the `training.json` of a model folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrainingRecord {
    /// All settings.
    pub config: Value,
    /// The model that training started from, instead of the encoder in the settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<PathBuf>,
    /// SHA-256 of the training sentences.
    pub train_sha256: String,
    /// SHA-256 of the development sentences.
    pub dev_sha256: String,
    /// SHA-256 of everything that the weights depend on: settings, corpus and encoder.
    pub run_sha256: String,
    /// Counts of used and unused parts of the training corpus.
    pub report: LocatedReport,
    /// The stages, in order.
    pub stages: Vec<StageRecord>,
    /// Micro F1 (exact) of the whole system on the development set at the chosen thresholds.
    pub dev_f1: Option<f64>,
}

/// Record of a stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StageRecord {
    /// Name of the stage.
    pub stage: String,
    /// Number of training examples.
    pub examples: usize,
    /// Number of examples that were left out because they are longer than `training.max_tokens`.
    pub too_long: usize,
    /// The labels of each kind.
    pub labels: Vec<LabelRecord>,
    /// The epochs, in order.
    pub epochs: Vec<EpochRecord>,
    /// The epoch whose weights were kept, from 1; 0 if the stage was not trained.
    pub kept: usize,
    /// Why the stage ended before its last epoch, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_stop: Option<EarlyStop>,
}

/// The end of a stage before its last epoch: its F1 on the development set had not become better for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EarlyStop {
    /// The last epoch that was trained, from 1.
    pub after_epoch: usize,
    /// The epoch with the best F1, from 1, whose weights were kept.
    pub best_epoch: usize,
    /// The setting: the number of epochs in a row without a better F1 after which training ends.
    pub patience: usize,
}

/// Record of one kind of labels in a stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LabelRecord {
    /// Class prior pi of the training labels: the share of positive labels (Table 2 of the paper, counted on the targets).
    pub class_prior: f64,
    /// The prior that the loss uses, if it needs one; mu for cPU.
    pub loss_prior: Option<PerClass>,
    /// The estimate of the prior, if it was estimated.
    pub estimated: Option<PriorRecord>,
}

/// Record of a class prior that was estimated from scores on held-out examples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PriorRecord {
    /// Name of the estimator.
    pub estimator: String,
    /// The prior of each class, or one for all.
    pub value: Vec<f64>,
    /// Lower bounds of the 95 % intervals.
    pub low: Vec<f64>,
    /// Upper bounds of the 95 % intervals.
    pub high: Vec<f64>,
}

/// Record of an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EpochRecord {
    /// Mean loss over the steps.
    pub loss: f64,
    /// Micro F1 of the stage alone on the development set at the best threshold.
    pub dev_f1: Option<f64>,
}
