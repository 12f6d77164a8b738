//! Events of training runs.

use std::fmt;

use rere_data::LocatedReport;

use tracing::{debug, info, trace, warn};

use crate::Thresholds;

/// Event of a training run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
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
        /// Number of finished examples.
        done: usize,
        /// Number of all examples.
        examples: usize,
        /// Disk space of the states of all examples, in bytes.
        bytes: u64,
    },
    /// The states of frozen layers are too large to be stored: each step computes them.
    FrozenTooLarge {
        /// Their size in bytes.
        bytes: u64,
        /// The most bytes that `training.frozen_cache_mib` allows.
        most: u64,
    },
    /// A step has ended.
    Step {
        /// Number of finished steps, including this one.
        done: usize,
        /// The loss of the step.
        loss: f32,
        /// Number of tokens in the batch, without padding.
        tokens: usize,
    },
    /// An epoch has ended.
    Epoch {
        /// Number of the epoch, from 1.
        epoch: usize,
        /// Mean loss over the steps of the epoch.
        loss: f64,
        /// F1 of the stage alone on the development set.
        dev_f1: Option<f64>,
    },
    /// A class prior was estimated.
    Prior {
        /// Name of the stage.
        stage: String,
        /// The estimate with its interval.
        prior: crate::PriorRecord,
    },
    /// The thresholds were chosen. Also holds the F1 of the whole system on the development set.
    Thresholds(Thresholds, Option<f64>),
    /// The model is probably not usable.
    Warning(Warning),
}

impl Event {
    /// Logs the event with `tracing`.
    pub(crate) fn log(&self) {
        match self {
            Self::Finished => info!("the run has already ended"),
            Self::Located(report) => info!(%report, "training sentences located"),
            Self::DevLocated(report) => info!(%report, "development sentences located"),
            Self::StageTaken { stage } => info!(stage, "stage taken from a trained model"),
            Self::Stage { stage, examples, too_long, done, steps } => {
                info!(stage, examples, too_long, done, steps, "stage started");
            }
            Self::Frozen { done, examples, bytes } => trace!(done, examples, bytes, "states of frozen layers"),
            Self::FrozenTooLarge { bytes, most } => info!(bytes, most, "states of frozen layers are too large"),
            Self::Step { done, loss, tokens } => trace!(done, loss, tokens, "step"),
            Self::Epoch { epoch, loss, dev_f1 } => debug!(epoch, loss, dev_f1, "epoch ended"),
            Self::Prior { stage, prior } => debug!(stage, ?prior, "class prior estimated"),
            Self::Thresholds(thresholds, dev_f1) => info!(?thresholds, dev_f1, "thresholds chosen"),
            Self::Warning(warning) => warn!("{warning}"),
        }
    }
}

/// Why a model is probably not usable. The message says what to change.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
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
