//! Search: trains with several settings of the networks and keeps the best model.
//!
//! ```text
//! model/ config.json, ...               the best model so far
//!        tries.json                     the tries that have ended, with their results
//!        tries/002/                     the model folder of the try that runs
//! ```
//! A try is written into `tries.json` before its model is moved, and its folder is removed last: a search that is stopped between
//! these steps repeats them when it is resumed.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    iter::successors,
    num::NonZeroUsize,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use rere_loss::{CpuVariant, GroupBy, LossKind, LossSettings, PerClass, PriorSettings, Sampling, Surrogate};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::info_span;

use super::{
    Corpus, Event, Lock, Setup, TrainOptions, Trainer, TrainingRecord, TrainingStep, check_dev, checkpoint,
    json_problem, run::emit,
};
use crate::{
    Config, ConfigProblem, FolderProblem, RereError, Source, StageConfig, System,
    files::{io, read_json, write_json},
    folder::{CONFIG, TRAINING},
};

/// Record of a search: the `tries.json` of a model folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SearchRecord {
    /// SHA-256 of the given settings, the corpus and the encoder.
    pub search_sha256: String,
    /// Number of tries that the search makes.
    pub planned: usize,
    /// The tries that have ended, in order.
    pub tries: Vec<TryRecord>,
    /// Number of the try with the best F1, from 1; 0 before the first has ended. The first of equal ones.
    pub best: usize,
}

/// Record of a try.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TryRecord {
    /// The stage whose settings were drawn; the others are as in the best try before. `None` in the first try, which has the given
    /// settings.
    pub stage: Option<String>,
    /// The settings of each stage.
    pub settings: BTreeMap<String, StageConfig>,
    /// Micro F1 (exact) of the whole system on the development set; `None` if the try failed.
    pub dev_f1: Option<f64>,
    /// Why the try failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The `run_sha256` of the model's [`TrainingRecord`]; `None` if the try failed.
    pub run_sha256: Option<String>,
}

impl<S: System> Trainer<'_, S> {
    /// Trains with several settings and keeps the best model.
    ///
    /// The best model has the highest micro F1 (exact) on the development set. `folder` always holds the best one so far.
    ///
    /// The first try has the given settings. Each other try draws the settings of one stage and keeps those of the other stages
    /// from the best try so far, whose networks it reuses; the stages take turns. The seed decides what is drawn:
    ///
    /// | setting | drawn from |
    /// |---|---|
    /// | `learning_rate` | 1/4, 1/2, 1, 2 and 4 times the given one |
    /// | `batch` | 1/2, 1 and 2 times the given one |
    /// | `epochs` | 1 and 2 times the given ones |
    /// | `loss` | half of the tries: the given one. Others: `bce` with `positive_weight` 1 or 2; `asymmetric`; `cpu` with `gamma` 0.04, 0.5 or 0.9; and with groups of a label and `tau` 0.4, `cpu` with `gamma` 0.5, `nnpu` and `ssr-pu` |
    ///
    /// Settings that the system does not support, or that were tried before, are drawn again; if there are no others, there are
    /// fewer tries. A stage that is not trained keeps its settings. A later try whose loss cannot be set up or becomes infinite or
    /// NaN has failed, and the search goes on.
    ///
    /// With [`TrainOptions::resume`], tries that have ended are not repeated, and `tries` can be larger than before. The F1 of the
    /// best of many tries is higher than the model's F1 on new sentences: measure that on sentences that the search has not seen.
    ///
    /// # Errors
    /// Returns an error as [`Trainer::run`] does, and if the development set has no triple, no stage is trained, or a model to
    /// start from is in `folder`.
    pub fn search(self, tries: NonZeroUsize, corpus: &Corpus, folder: &Path) -> Result<SearchRecord, RereError> {
        let _span = info_span!("search", system = S::NAME, folder = %folder.display()).entered();
        let Self { config, options, mut on_event } = self;
        check_dev(corpus, "--try".to_owned())?;
        let setup = Setup::new(&config, &options, corpus)?;
        let drawn = draw(&config, &options, tries)?;
        let tries = 1 + drawn.len();

        fs::create_dir_all(folder).map_err(io(folder))?;
        check_sources(&options, folder)?;
        let _lock = Lock::new(folder)?;
        let (mut record, resumed) = open(folder, &setup.digests.run, tries, &options)?;
        if record.tries.len() >= tries {
            // Nothing is left to interrupt.
            _ = emit(&mut on_event, &Event::Finished);
            return Ok(record);
        }
        emit(&mut on_event, &Event::Started { resumed })?;
        for number in record.tries.len() + 1..=tries {
            let drawn = number.checked_sub(2).map(|at| &drawn[at]);
            let (stage, settings, options) = match drawn {
                None => (None, stages(&config), options.clone()),
                Some((stage, drawn)) => {
                    let mut settings = record.tries[record.best - 1].settings.clone();
                    let mut options = options.clone();
                    for other in settings.keys().filter(|other| *other != stage) {
                        options.trained_stages.entry(other.clone()).or_insert_with(|| Source::from(folder));
                    }
                    settings.insert(stage.clone(), drawn.clone());
                    (Some(stage.clone()), settings, options)
                }
            };
            let started = Event::TryStarted { number, tries, stage: stage.clone(), settings: settings.clone() };
            emit(&mut on_event, &started)?;
            let trainer =
                Trainer::new(with_stages(&config, &settings)?, options.with_resume(true).with_overwrite(false));
            // What the first try has said about the corpus is not repeated.
            let on_event_of_try = |event: &Event| match number > 1 && event.is_about_corpus() {
                true => ControlFlow::Continue(()),
                false => on_event(event),
            };
            let trained = trainer.on_event(on_event_of_try).run(corpus, &folder_of_try(folder, number));
            let (dev_f1, error, run_sha256) = match trained {
                Ok(trained) => (trained.dev_f1, None, Some(trained.run_sha256)),
                Err(error) if number > 1 && is_of_settings(&error) => (None, Some(with_causes(&error)), None),
                Err(error) => return Err(error),
            };
            let best_f1 = record.best.checked_sub(1).and_then(|best| record.tries[best].dev_f1);
            record.tries.push(TryRecord { stage, settings, dev_f1, error: error.clone(), run_sha256 });
            if number == 1 || dev_f1 > best_f1 {
                record.best = number;
            }
            let ended = Event::TryEnded { number, dev_f1, error, best: record.best };
            // Before the record, for the same reason as in a run's steps.
            let emitted = emit(&mut on_event, &ended);
            write_json(&folder.join(TRIES), &record)?;
            settle(folder, &record)?;
            emitted?;
        }
        Ok(record)
    }
}

const TRIES: &str = "tries.json";

/// The folder of the try that runs.
fn folder_of_tries(folder: &Path) -> PathBuf {
    folder.join("tries")
}

fn folder_of_try(folder: &Path, number: usize) -> PathBuf {
    folder_of_tries(folder).join(format!("{number:03}"))
}

/// Checks that no model that the tries start from is in the model folder, which the first try replaces.
fn check_sources(options: &TrainOptions, folder: &Path) -> Result<(), RereError> {
    let real = |path: &Path| fs::canonicalize(path).ok();
    let mut sources = options.from.iter().chain(options.trained_stages.values());
    if sources.any(|source| matches!(source, Source::Folder(path) if real(path) == real(folder))) {
        let message = format!(
            "--try would replace the model that it starts from, {}: choose another model folder",
            folder.display()
        );
        return Err(ConfigProblem::Invalid(message).into());
    }
    Ok(())
}

/// Starts a search, or continues the one in this folder. Returns its record and whether it continues.
fn open(
    folder: &Path,
    fingerprint: &str,
    planned: usize,
    options: &TrainOptions,
) -> Result<(SearchRecord, bool), RereError> {
    let path = folder.join(TRIES);
    let is_stopped = checkpoint::is_stopped(folder);
    if options.resume && path.exists() {
        let mut record: SearchRecord = read_json(&path)?;
        if record.search_sha256 != fingerprint {
            return Err(FolderProblem::OtherRun.at(path));
        }
        settle(folder, &record)?;
        if record.best > 0 {
            let is_best = folder.join(CONFIG).exists() && {
                let model: TrainingRecord = read_json(&folder.join(TRAINING))?;
                record.tries[record.best - 1].run_sha256.as_deref() == Some(&model.run_sha256)
            };
            if !is_best {
                return Err(FolderProblem::OtherModel.at(folder));
            }
        }
        record.planned = planned.max(record.tries.len());
        write_json(&path, &record)?;
        return Ok((record, true));
    }
    if !options.overwrite && (is_stopped || self::is_stopped(folder)?) {
        return Err(RereError::Stopped { path: folder.to_owned() });
    }
    discard(folder)?;
    checkpoint::discard(folder)?;
    let record = SearchRecord { search_sha256: fingerprint.to_owned(), planned, tries: Vec::new(), best: 0 };
    write_json(&path, &record)?;
    Ok((record, false))
}

/// Returns whether a search was stopped in this folder.
pub(super) fn is_stopped(folder: &Path) -> Result<bool, RereError> {
    let path = folder.join(TRIES);
    if !path.exists() {
        return Ok(false);
    }
    let record: SearchRecord = read_json(&path)?;
    Ok(record.tries.len() < record.planned)
}

/// Removes the record and the running try of a search, if there is one.
pub(super) fn discard(folder: &Path) -> Result<(), RereError> {
    checkpoint::remove_file(&folder.join(TRIES))?;
    checkpoint::remove(&folder_of_tries(folder))
}

/// Moves the model of the last try into the model folder if it is the best one, and removes the folder of the try.
fn settle(folder: &Path, record: &SearchRecord) -> Result<(), RereError> {
    let last = folder_of_try(folder, record.tries.len());
    if record.best == record.tries.len() && last.join(CONFIG).exists() {
        checkpoint::install(&last, folder)?;
    }
    checkpoint::remove(&last)?;
    match record.tries.len() < record.planned {
        true => Ok(()),
        false => checkpoint::remove(&folder_of_tries(folder)),
    }
}

/// Returns whether other settings may avoid the error.
fn is_of_settings(error: &RereError) -> bool {
    matches!(
        error,
        RereError::Diverged { .. } | RereError::Loss { .. } | RereError::Prior { .. } | RereError::NotANumber { .. }
    )
}

/// Returns the message of an error and those of its causes.
fn with_causes(error: &RereError) -> String {
    let chain = successors(Some(error as &dyn Error), |&error| error.source());
    chain.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Returns the settings of each stage by name.
fn stages<S: System>(config: &Config<S>) -> BTreeMap<String, StageConfig> {
    S::stages(&config.system).into_iter().map(|(name, stage)| (name.to_owned(), stage.clone())).collect()
}

/// Replaces the settings of stages, which are in the system's table.
fn with_stages<S: System>(
    config: &Config<S>,
    stages: &BTreeMap<String, StageConfig>,
) -> Result<Config<S>, ConfigProblem> {
    let mut settings = serde_json::to_value(config).map_err(json_problem)?;
    if let Some(table) = settings.get_mut(S::NAME).and_then(Value::as_object_mut) {
        for (name, stage) in stages {
            table.insert(name.clone(), serde_json::to_value(stage).map_err(json_problem)?);
        }
    }
    serde_json::from_value(settings).map_err(json_problem)
}

/// The most settings that are drawn for a try.
const DRAWS: usize = 1000;

/// Draws the stage and its settings of each try after the first. The first draws do not depend on the number of tries.
fn draw<S: System>(
    config: &Config<S>,
    options: &TrainOptions,
    tries: NonZeroUsize,
) -> Result<Vec<(String, StageConfig)>, ConfigProblem> {
    let given = stages(config);
    let is_trained = |name: &&str| given[*name].epochs > 0 && !options.trained_stages.contains_key(*name);
    let names: Vec<&str> = S::stages(&config.system).into_iter().map(|(name, _)| name).filter(is_trained).collect();
    if names.is_empty() {
        return Err(ConfigProblem::Invalid("no stage is trained: --try has nothing to choose".to_owned()));
    }
    let mut random = TrainingStep::new(!config.training.seed);
    let mut drawn: Vec<(String, StageConfig)> = Vec::new();
    for name in names.iter().cycle().take(tries.get() - 1) {
        let new = |stage: &StageConfig| *stage != given[*name] && !drawn.iter().any(|(n, s)| n == name && s == stage);
        let mut found = None;
        for stage in (0..DRAWS).map(|_| draw_stage(&given[*name], &mut random)) {
            let one = BTreeMap::from([((*name).to_owned(), stage.clone())]);
            if new(&stage) && with_stages(config, &one)?.check(options.from.is_some()).is_ok() {
                found = Some(stage);
                break;
            }
        }
        let Some(stage) = found else { break };
        drawn.push(((*name).to_owned(), stage));
    }
    Ok(drawn)
}

/// Draws the settings of a stage around the given ones. [`Trainer::search`] documents what is drawn.
fn draw_stage(given: &StageConfig, random: &mut TrainingStep) -> StageConfig {
    let learning_rate = given.learning_rate * pick(&[0.25, 0.5, 1.0, 2.0, 4.0], random);
    let batch = pick(&[given.batch.div_ceil(2), given.batch, given.batch * 2], random);
    let epochs = pick(&[given.epochs, given.epochs * 2], random);
    let loss = match random.below(2) {
        0 => given.loss.clone(),
        _ => pick(&losses(), random),
    };
    StageConfig { epochs, batch, learning_rate, loss, ..given.clone() }
}

/// Returns the losses that are tried besides the given one.
fn losses() -> Vec<LossSettings> {
    let counted = |tau| PriorSettings::Counted { tau };
    let bce = |positive_weight| LossKind::Bce { positive_weight: PerClass::All(positive_weight) };
    let cpu =
        |gamma, tau| LossKind::Cpu { gamma: PerClass::All(gamma), variant: CpuVariant::default(), prior: counted(tau) };
    let by_sentence = [
        bce(1.0),
        bce(2.0),
        LossKind::Asymmetric { gamma_positive: 0.0, gamma_negative: 4.0, margin: 0.05 },
        cpu(0.04, 0.05),
        cpu(0.5, 0.05),
        cpu(0.9, 0.05),
    ];
    let (surrogate, sampling, prior) = (Surrogate::Logistic, Sampling::OneSample, counted(0.4));
    let by_label = [
        cpu(0.5, 0.4),
        LossKind::NnPu { surrogate, sampling, beta: 0.0, step_size: 1.0, prior: prior.clone() },
        LossKind::SsrPu { margin: 1.0, prior },
    ];
    let by_label = by_label.map(|kind| LossSettings::new(kind).with_group(GroupBy::Label));
    by_sentence.into_iter().map(LossSettings::new).chain(by_label).collect()
}

fn pick<T: Clone>(values: &[T], random: &mut TrainingStep) -> T {
    values[random.below(values.len())].clone()
}
