//! What a training run tells while it runs.

use std::fmt;

use rere_data::LocatedReport;

use crate::Thresholds;

/// What a training run tells while it runs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// The run in this folder has ended already, with the same settings and the same corpus: nothing is left to do.
    Finished,
    /// The training sentences were tokenised and their triples located; what of them is used, and what not.
    Located(LocatedReport),
    /// The same of the development sentences.
    DevLocated(LocatedReport),
    /// A stage begins, or goes on from a checkpoint.
    Stage {
        /// Name of the stage.
        stage: String,
        /// Training examples.
        examples: usize,
        /// Examples that are left out, as they are longer than `training.max_tokens`.
        too_long: usize,
        /// Steps that are done.
        done: usize,
        /// Steps in all epochs.
        steps: usize,
    },
    /// The states of frozen layers are computed, to be kept for this stage's epochs.
    Frozen {
        /// Examples that are done.
        done: usize,
        /// All examples.
        examples: usize,
        /// Bytes on the disk, for all of them.
        bytes: u64,
    },
    /// The states of frozen layers are too large to be kept: each step computes them.
    FrozenTooLarge {
        /// Bytes that they would take.
        bytes: u64,
        /// Bytes that they may take, `training.frozen_cache_mib`.
        most: u64,
    },
    /// A step is done.
    Step {
        /// Number of steps that are done.
        done: usize,
        /// Its loss.
        loss: f32,
        /// Tokens in its batch, padding not counted.
        tokens: usize,
    },
    /// An epoch is done.
    Epoch {
        /// Which epoch, from 1.
        epoch: usize,
        /// Mean loss over its steps.
        loss: f64,
        /// F1 of the stage alone on the development set.
        dev_f1: Option<f64>,
    },
    /// A class prior was estimated.
    Prior {
        /// Name of the stage.
        stage: String,
        /// The estimate, with its interval.
        prior: crate::PriorRecord,
    },
    /// The thresholds were chosen; the F1 of the whole system on the development set.
    Thresholds(Thresholds, Option<f64>),
    /// The model will not be good.
    Warning(Warning),
}

/// Why a model cannot be good, and what to change.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// A stage has too few steps to learn anything.
    FewSteps {
        /// Name of the stage.
        stage: String,
        /// Its steps.
        steps: usize,
    },
    /// The system finds next to nothing of the development set.
    FindsLittle {
        /// F1 on the development set.
        dev_f1: f64,
    },
    /// The best threshold of triples is next to 0: the scores do not tell right from wrong.
    ThresholdAtFloor {
        /// The thresholds.
        thresholds: Thresholds,
    },
}

impl Warning {
    /// Fewer steps than this teach a network next to nothing.
    pub(crate) const FEW_STEPS: usize = 50;
    /// A system with a lower F1 finds next to nothing.
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
                "the best threshold of triples is as low as {:.4}: the scores hardly tell right from wrong, and much of what \
                 the model finds will be wrong. Train longer or on more sentences",
                thresholds.least_triple().get()
            ),
        }
    }
}
