//! Events of training runs.

use std::{collections::BTreeMap, fmt};

use rere_data::LocatedReport;
use serde::{Serialize, Serializer};
use tracing::{debug, info, trace, warn};

use super::EarlyStop;
use crate::{StageConfig, Thresholds};

/// Event of a training run.
///
/// Written as JSON, `event` has the name of the variant in kebab case, and the other fields are those of the variant. A warning has
/// its own name in `warning`, and its text in `message`. `rere train --log` writes such objects, each with a field `time` before
/// them.
///
/// ```
/// let event = rere::Event::Epoch { stage: "relation".to_owned(), epoch: 1, step: 94, loss: 0.25, dev_f1: None };
/// let json = r#"{"event":"epoch","stage":"relation","epoch":1,"step":94,"loss":0.25,"dev_f1":null}"#;
/// assert_eq!(serde_json::to_string(&event)?, json);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Event {
    /// The run starts, or continues from its checkpoints. The first event of each run that has not already ended.
    Started {
        /// Whether it continues.
        resumed: bool,
    },
    /// A try of a [search](crate::Trainer::search) starts, or continues from its checkpoints.
    TryStarted {
        /// Number of the try, from 1; `try` in JSON.
        #[serde(rename = "try")]
        number: usize,
        /// Number of all tries.
        tries: usize,
        /// The stage whose settings were drawn; `None` in the first try, which has the given settings.
        stage: Option<String>,
        /// The settings of each stage.
        settings: BTreeMap<String, StageConfig>,
    },
    /// A try has ended.
    TryEnded {
        /// Number of the try, from 1; `try` in JSON.
        #[serde(rename = "try")]
        number: usize,
        /// F1 of the whole system on the development set; `None` if the try failed.
        dev_f1: Option<f64>,
        /// Why it failed.
        error: Option<String>,
        /// Number of the best try so far.
        best: usize,
    },
    /// The run in this folder has already ended, with the same settings and corpus: nothing is left to do.
    Finished,
    /// The training sentences were tokenised and their triples located. Holds the counts of used and unused triples.
    Located(LocatedReport),
    /// The development sentences were tokenised and their triples located.
    DevLocated(LocatedReport),
    /// A stage was taken from a trained model.
    StageTaken {
        /// Name of the stage.
        stage: String,
    },
    /// A stage starts, or continues from a checkpoint.
    Stage {
        /// Name of the stage.
        stage: String,
        /// Number of training examples.
        examples: usize,
        /// Number of examples that are left out because they are longer than `training.max_tokens`.
        too_long: usize,
        /// Number of finished steps.
        done: usize,
        /// Number of steps of all epochs.
        steps: usize,
    },
    /// The states of frozen layers are being computed and stored for the epochs of this stage.
    Frozen {
        /// Name of the stage.
        stage: String,
        /// Number of finished examples.
        done: usize,
        /// Number of all examples.
        examples: usize,
        /// Disk space of the states of all examples, in bytes.
        bytes: u64,
    },
    /// The states of frozen layers are too large to be stored: each step computes them.
    FrozenTooLarge {
        /// Name of the stage.
        stage: String,
        /// Their size in bytes.
        bytes: u64,
        /// The most bytes that `training.frozen_cache_mib` allows.
        most: u64,
    },
    /// A step has ended.
    Step {
        /// Name of the stage.
        stage: String,
        /// Number of the step in its stage, from 1.
        step: usize,
        /// The loss of the step.
        loss: f32,
        /// The learning rate of the step.
        learning_rate: f64,
        /// Number of tokens in the batch, without padding.
        tokens: usize,
    },
    /// An epoch has ended.
    Epoch {
        /// Name of the stage.
        stage: String,
        /// Number of the epoch, from 1.
        epoch: usize,
        /// Number of its last step in the stage, from 1.
        step: usize,
        /// Mean loss over the steps of the epoch.
        loss: f64,
        /// F1 of the stage alone on the development set.
        dev_f1: Option<f64>,
    },
    /// A stage has ended before its last epoch.
    EarlyStop {
        /// Name of the stage.
        stage: String,
        /// When and why.
        #[serde(flatten)]
        early_stop: EarlyStop,
    },
    /// A class prior was estimated.
    Prior {
        /// Name of the stage.
        stage: String,
        /// The estimate with its interval.
        prior: crate::PriorRecord,
    },
    /// The thresholds were chosen.
    Thresholds {
        /// The thresholds.
        thresholds: Thresholds,
        /// F1 of the whole system on the development set.
        dev_f1: Option<f64>,
    },
    /// The model is probably not usable, or its scores on the development set are not.
    #[serde(serialize_with = "with_message")]
    Warning(Warning),
}

/// Writes a warning with its text.
fn with_message<S: Serializer>(warning: &Warning, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct WithMessage<'a> {
        #[serde(flatten)]
        warning: &'a Warning,
        message: String,
    }
    WithMessage { warning, message: warning.to_string() }.serialize(serializer)
}

impl Event {
    /// Returns whether the event is about the corpus, and so the same in each run on it.
    pub(super) fn is_about_corpus(&self) -> bool {
        match self {
            Self::Located(_) | Self::DevLocated(_) => true,
            Self::Warning(warning) => {
                matches!(warning, Warning::SharedSentences { .. } | Warning::SharedDocuments { .. })
            }
            _ => false,
        }
    }

    /// Logs the event with `tracing`.
    pub(crate) fn log(&self) {
        match self {
            Self::Started { resumed } => info!(resumed, "run started"),
            Self::TryStarted { number, tries, stage, .. } => info!(number, tries, stage, "try started"),
            Self::TryEnded { number, dev_f1, error, best } => info!(number, dev_f1, error, best, "try ended"),
            Self::Finished => info!("the run has already ended"),
            Self::Located(report) => info!(%report, "training sentences located"),
            Self::DevLocated(report) => info!(%report, "development sentences located"),
            Self::StageTaken { stage } => info!(stage, "stage taken from a trained model"),
            Self::Stage { stage, examples, too_long, done, steps } => {
                info!(stage, examples, too_long, done, steps, "stage started");
            }
            Self::Frozen { done, examples, bytes, .. } => trace!(done, examples, bytes, "states of frozen layers"),
            Self::FrozenTooLarge { bytes, most, .. } => info!(bytes, most, "states of frozen layers are too large"),
            Self::Step { step, loss, learning_rate, tokens, .. } => {
                trace!(step, loss, learning_rate, tokens, "step ended");
            }
            Self::Epoch { epoch, loss, dev_f1, .. } => debug!(epoch, loss, dev_f1, "epoch ended"),
            Self::EarlyStop { stage, early_stop } => info!(stage, ?early_stop, "stage stopped early"),
            Self::Prior { stage, prior } => debug!(stage, ?prior, "class prior estimated"),
            Self::Thresholds { thresholds, dev_f1 } => info!(?thresholds, dev_f1, "thresholds chosen"),
            Self::Warning(warning) => warn!("{warning}"),
        }
    }
}

/// Why a model, or its scores on the development set, are probably not usable. The message says what to change.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "warning", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Warning {
    /// Sentences of the development set are also in the training set, with the same text.
    SharedSentences {
        /// Number of the development sentences that are also in the training set.
        shared: usize,
        /// Number of all development sentences.
        sentences: usize,
    },
    /// Documents have sentences in the training set and in the development set, by the field `document` of sentences.
    SharedDocuments {
        /// Number of the documents of the development set that are also in the training set.
        shared: usize,
        /// Number of all documents of the development set.
        documents: usize,
    },
    /// A stage has too few steps to learn from.
    FewSteps {
        /// Name of the stage.
        stage: String,
        /// Number of its steps.
        steps: usize,
    },
    /// The system finds almost nothing on the development set.
    FindsLittle {
        /// F1 on the development set.
        dev_f1: f64,
    },
    /// The best threshold of triples is almost 0: the scores hardly separate right from wrong.
    ThresholdAtFloor {
        /// The thresholds.
        thresholds: Thresholds,
    },
}

impl Warning {
    /// With fewer steps, a network learns almost nothing.
    pub(crate) const FEW_STEPS: usize = 50;
    /// A system with a lower F1 finds almost nothing.
    pub(crate) const LITTLE: f64 = 0.05;
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SharedSentences { shared, sentences } => write!(
                f,
                "{shared} of {sentences} development sentences are also in the training set: the F1 on the development \
                 set is too high, and the choice of epochs and thresholds is worse. Split the corpus again (rere split)"
            ),
            Self::SharedDocuments { shared, documents } => write!(
                f,
                "{shared} of {documents} documents of the development set also have sentences in the training set: the \
                 F1 on the development set is probably too high. Split the corpus by document (rere split)"
            ),
            Self::FewSteps { stage, steps } => write!(
                f,
                "the stage {stage} has {steps} steps, too few to learn from: raise epochs, lower batch, or train on more \
                 sentences"
            ),
            Self::FindsLittle { dev_f1 } => write!(
                f,
                "the F1 on the development set is {:.2}: the model finds next to nothing. Train longer (epochs, \
                 learning_rate), on more sentences, or from a pretrained encoder",
                100.0 * dev_f1
            ),
            Self::ThresholdAtFloor { thresholds } => write!(
                f,
                "the best threshold of triples is as low as {:.4}: the scores hardly separate right from wrong, and \
                 many extracted triples will be wrong. Train longer or on more sentences",
                thresholds.least_triple().get()
            ),
        }
    }
}
