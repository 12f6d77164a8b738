//! Checkpoints: all that a stage needs to go on as if it had not been stopped.
//!
//! ```text
//! model/checkpoint/ run                         digest of settings, corpus and encoder
//!                   model/                      the model folder that is being made
//!                   relation-00000200/          where the stage stands:
//!                       state.json              steps, losses, best epoch
//!                       model                   weights
//!                       optimizer               moments
//! ```
//! A checkpoint is written under a temporary name and renamed when it is whole; only then is the one before removed. The
//! new model folder takes the place of an older one when the run ends, and not before.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use burn::{module::Module, optim::ModuleOptimizer, store::ModuleRecord, tensor::Bytes};
use serde::{Deserialize, Serialize};

use crate::{
    EpochRecord, ModelConfig, PriorRecord, RereError, TrainingRecord,
    files::{io, read_json, write, write_json},
    folder::{CONFIG, TOKENIZER, TRAINING, weights},
};

/// Where a stage stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Steps that are done, over all epochs.
    pub done: usize,
    /// Sum of the losses of the current epoch's steps.
    pub loss_sum: f64,
    /// The epochs that are done.
    pub epochs: Vec<EpochRecord>,
    /// The best epoch so far, from 1; 0 before the first.
    pub kept: usize,
}

fn folder_of(model: &Path) -> PathBuf {
    model.join("checkpoint")
}

/// Digest of all that the run depends on: as long as there is this file, the run has not ended.
fn run_path(model: &Path) -> PathBuf {
    folder_of(model).join("run")
}

/// How a run begins.
pub(super) enum Opened {
    /// It begins or goes on: the model folder that is being made.
    Going(PathBuf),
    /// The same run has ended before.
    Finished,
}

/// Begins a run, or goes on with the one that was stopped in this folder. A stopped run is discarded only with `overwrite`.
pub(super) fn open(folder: &Path, fingerprint: &str, resume: bool, overwrite: bool) -> Result<Opened, RereError> {
    let checkpoints = folder_of(folder);
    let path = run_path(folder);
    let error = |message: &str| Err(RereError::Folder { path: path.clone(), message: message.to_owned() });
    let new = checkpoints.join("model");
    let stopped = match fs::read_to_string(&path) {
        Ok(found) => Some(found),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(e) => return Err(io(&path)(e)),
    };
    match stopped {
        // It was stopped after the last file of the model had taken its place.
        Some(found) if resume && found == fingerprint && was_moved(folder, &new)? => {
            remove(&checkpoints)?;
            return Ok(Opened::Finished);
        }
        Some(found) if resume && found == fingerprint => return Ok(Opened::Going(new)),
        Some(_) if resume => {
            return error(
                "the stopped run has other settings, another corpus or another encoder: train with those, or discard the \
                 run (--overwrite)",
            );
        }
        // Without a checkpoint there is nothing to lose.
        Some(_) if !overwrite && !list(&checkpoints, |_| true)?.is_empty() => {
            return Err(RereError::Stopped { path: folder.to_owned() });
        }
        None if resume && folder.join(CONFIG).exists() => {
            let record: TrainingRecord = read_json(&folder.join(TRAINING))?;
            if record.run_sha256 == fingerprint {
                return Ok(Opened::Finished);
            }
            let path = folder.to_owned();
            let message = "the model in this folder was trained with other settings, on another corpus or from another \
                           encoder: train into another folder, or without --resume to replace it";
            return Err(RereError::Folder { path, message: message.to_owned() });
        }
        _ => {}
    }
    remove(&checkpoints)?;
    fs::create_dir_all(&new).map_err(io(&new))?;
    write(&path, fingerprint.as_bytes())?;
    Ok(Opened::Going(new))
}

/// Whether all files of the new model have taken their places, so that only what else was kept is left to remove.
///
/// A run that has just begun beside an older model has no tokenizer yet either, but no checkpoint.
fn was_moved(folder: &Path, new: &Path) -> Result<bool, RereError> {
    let moved = folder.join(CONFIG).exists() && !new.join(TOKENIZER).exists();
    Ok(moved && !list(&folder_of(folder), |_| true)?.is_empty())
}

/// Whether a run was stopped in this folder.
pub(crate) fn is_stopped(folder: &Path) -> bool {
    run_path(folder).exists()
}

/// Whether the new model folder is whole, so that only [`finish`] is left to do.
pub(super) fn is_whole(new: &Path) -> bool {
    new.join(CONFIG).exists()
}

/// Ends a run: the new model folder takes its place, and what else was kept is of no more use.
///
/// An older `config.json` goes first and the new one comes last: if there is one, the rest belongs to it. A run that
/// is stopped in the midst of this goes on here.
pub(super) fn finish(folder: &Path) -> Result<(), RereError> {
    let new = folder_of(folder).join("model");
    let config: ModelConfig = read_json(&new.join(CONFIG))?;
    let old = folder.join(CONFIG);
    if let Ok(older) = read_json::<ModelConfig>(&old) {
        // The networks of an older model that the new one does not have.
        let others = older.networks.iter().filter(|network| !config.networks.contains(network));
        others.map(|network| folder.join(weights(network))).try_for_each(|file| remove_file(&file))?;
    }
    remove_file(&old)?;
    let names = config.networks.iter().map(|network| weights(network));
    for name in names.chain([TOKENIZER, TRAINING, CONFIG].map(str::to_owned)) {
        let (from, to) = (new.join(&name), folder.join(&name));
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(io(parent))?;
        }
        match fs::rename(&from, &to) {
            // It was moved before the run was stopped.
            Err(error) if error.kind() == ErrorKind::NotFound && to.exists() => {}
            moved => moved.map_err(io(&to))?,
        }
    }
    // First what a resumed run looks for, as the rest does not go at once.
    let run = run_path(folder);
    fs::remove_file(&run).map_err(io(&run))?;
    remove(&folder_of(folder))
}

fn remove_file(file: &Path) -> Result<(), RereError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io(file)(error)),
        _ => Ok(()),
    }
}

fn remove(folder: &Path) -> Result<(), RereError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io(folder)(error)),
        _ => Ok(()),
    }
}

/// Writes a checkpoint and removes the older ones of its stage.
pub(super) fn save<M: Module>(
    folder: &Path,
    stage: &str,
    state: &State,
    model: &M,
    optimizer: &ModuleOptimizer,
) -> Result<(), RereError> {
    let folder = folder_of(folder);
    let name = format!("{}-{:08}", stage, state.done);
    let (path, temporary) = (folder.join(&name), folder.join("unfinished"));
    let failed = |error: burn::store::RecordError| RereError::Folder {
        path: path.clone(),
        message: format!("the checkpoint cannot be made: {error}"),
    };
    remove(&temporary)?;
    fs::create_dir(&temporary).map_err(io(&temporary))?;
    write(&temporary.join("model"), &model.clone().into_record().into_bytes().map_err(failed)?)?;
    write(&temporary.join("optimizer"), &optimizer.into_bytes().map_err(failed)?)?;
    write_json(&temporary.join("state.json"), state)?;
    let older: Vec<PathBuf> = list(&folder, |name| name == stage)?.into_iter().filter(|other| *other != path).collect();
    // A resumed run may come by a step that it had saved before it was stopped.
    remove(&path)?;
    fs::rename(&temporary, &path).map_err(io(&path))?;
    older.iter().try_for_each(|older| remove(older))
}

/// The latest checkpoint of a stage, put into the model and the optimizer; from the beginning if there is none.
pub(super) fn load<M: Module>(
    folder: &Path,
    stage: &str,
    model: M,
    optimizer: ModuleOptimizer,
) -> Result<(State, M, ModuleOptimizer), RereError> {
    let Some(path) = list(&folder_of(folder), |name| name == stage)?.pop() else {
        return Ok((State::default(), model, optimizer));
    };
    let damaged = |error: burn::store::RecordError| RereError::Folder {
        path: path.clone(),
        message: format!("the checkpoint is damaged ({error}): train without resuming"),
    };
    let bytes = |name: &str| {
        let path = path.join(name);
        fs::read(&path).map(Bytes::from_bytes_vec).map_err(io(&path))
    };
    let state = read_json(&path.join("state.json"))?;
    let record = ModuleRecord::from_bytes(bytes("model")?).map_err(damaged)?;
    let model = model.try_load_record(record).map_err(damaged)?;
    let optimizer = optimizer.from_bytes(bytes("optimizer")?).map_err(damaged)?;
    Ok((state, model, optimizer))
}

/// The checkpoints of some stages, of each stage the oldest first.
fn list(folder: &Path, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, RereError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(io(folder))? {
        let entry = entry.map_err(io(folder))?;
        let name = entry.file_name();
        let parts = name.to_str().and_then(|name| name.rsplit_once('-'));
        if parts.is_some_and(|(stage, number)| number.bytes().all(|b| b.is_ascii_digit()) && is_wanted(stage)) {
            found.push(entry.path());
        }
    }
    // Numbers have leading zeros, so that names sort as numbers do.
    found.sort();
    Ok(found)
}

/// The class priors that were estimated for a stage, if they were.
pub(super) fn load_priors(folder: &Path, name: &str) -> Result<Option<Vec<Option<PriorRecord>>>, RereError> {
    let path = folder_of(folder).join(format!("{name}.json"));
    if path.exists() { Ok(Some(read_json(&path)?)) } else { Ok(None) }
}

/// Keeps the class priors that were estimated for a stage.
pub(super) fn save_priors(folder: &Path, name: &str, priors: &[Option<PriorRecord>]) -> Result<(), RereError> {
    write_json(&folder_of(folder).join(format!("{name}.json")), &priors)
}
