//! Checkpoints: everything that a stopped stage needs to continue with the same result.
//!
//! ```text
//! model/checkpoint/ run                         digest of settings, corpus and encoder
//!                   model/                      the new model folder
//!                   relation-00000200/          state of the stage after 200 steps:
//!                       state.json              steps, losses, best epoch
//!                       model                   weights
//!                       optimizer               moments
//! ```
//! A checkpoint is written under a temporary name, renamed when it is complete, and only then replaces the previous one. The new
//! model folder replaces an older model only at the end of the run.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use burn::{module::Module, optim::ModuleOptimizer, store::ModuleRecord, tensor::Bytes};
use serde::{Deserialize, Serialize};

use crate::{
    EpochRecord, FolderProblem, ModelConfig, PriorRecord, RereError, TrainingRecord,
    files::{io, read_json, write, write_json},
    folder::{CONFIG, TOKENIZER, TRAINING, weights},
};

/// State of a stage.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// Number of finished steps over all epochs.
    pub done: usize,
    /// Sum of the losses of the current epoch's steps.
    pub loss_sum: f64,
    /// The finished epochs.
    pub epochs: Vec<EpochRecord>,
    /// The best epoch so far, from 1; 0 before the first.
    pub kept: usize,
}

fn folder_of(model: &Path) -> PathBuf {
    model.join("checkpoint")
}

/// File with the digest of everything that the run depends on. It exists until the run ends.
fn run_path(model: &Path) -> PathBuf {
    folder_of(model).join("run")
}

/// State of a run that was opened.
pub(super) enum Opened {
    /// The run starts or continues.
    Going {
        /// The new model folder.
        new: PathBuf,
        /// Whether the run continues.
        resumed: bool,
    },
    /// The same run has already ended.
    Finished,
}

/// Starts a run, or continues the one that was stopped in this folder. Only `overwrite` discards a stopped run.
pub(super) fn open(folder: &Path, fingerprint: &str, resume: bool, overwrite: bool) -> Result<Opened, RereError> {
    let checkpoints = folder_of(folder);
    let path = run_path(folder);
    let new = checkpoints.join("model");
    let stopped = match fs::read_to_string(&path) {
        Ok(found) => Some(found),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(e) => return Err(io(&path)(e)),
    };
    match stopped {
        // It was stopped after the last file of the model had been moved.
        Some(found) if resume && found == fingerprint && was_moved(folder, &new)? => {
            remove(&checkpoints)?;
            return Ok(Opened::Finished);
        }
        Some(found) if resume && found == fingerprint => return Ok(Opened::Going { new, resumed: true }),
        Some(_) if resume => return Err(FolderProblem::OtherRun.at(path)),
        // A run without a checkpoint can be discarded.
        Some(_) if !overwrite && !list(&checkpoints, |_| true)?.is_empty() => {
            return Err(RereError::Stopped { path: folder.to_owned() });
        }
        None if resume && folder.join(CONFIG).exists() => {
            let record: TrainingRecord = read_json(&folder.join(TRAINING))?;
            if record.run_sha256 == fingerprint {
                return Ok(Opened::Finished);
            }
            return Err(FolderProblem::OtherModel.at(folder));
        }
        _ => {}
    }
    remove(&checkpoints)?;
    fs::create_dir_all(&new).map_err(io(&new))?;
    write(&path, fingerprint.as_bytes())?;
    Ok(Opened::Going { new, resumed: false })
}

/// Returns whether all files of the new model have been moved, so that only the checkpoints are left to remove.
///
/// A run that has just started beside an older model has no tokenizer either, but also no checkpoint.
fn was_moved(folder: &Path, new: &Path) -> Result<bool, RereError> {
    let moved = folder.join(CONFIG).exists() && !new.join(TOKENIZER).exists();
    Ok(moved && !list(&folder_of(folder), |_| true)?.is_empty())
}

/// Returns whether a run was stopped in this folder.
pub(crate) fn is_stopped(folder: &Path) -> bool {
    run_path(folder).exists()
}

/// Returns whether the new model folder is complete, so that only [`finish`] is left to do.
pub(super) fn is_whole(new: &Path) -> bool {
    new.join(CONFIG).exists()
}

/// Ends a run: moves the new model to its folder and removes the checkpoints. A run that is stopped during these steps repeats
/// them when it is resumed.
pub(super) fn finish(folder: &Path) -> Result<(), RereError> {
    install(&folder_of(folder).join("model"), folder)?;
    discard(folder)
}

/// Discards the checkpoints of a run, if there are any.
pub(super) fn discard(folder: &Path) -> Result<(), RereError> {
    // Removed first, because removing the folder is not atomic and a resumed run looks for this file.
    remove_file(&run_path(folder))?;
    remove(&folder_of(folder))
}

/// Moves a complete model into a folder, where it replaces an older one.
///
/// An older `config.json` is removed first and the new one is moved last, so that all files belong to the `config.json` if there
/// is one. If it was stopped, it can be repeated as long as the new `config.json` has not been moved.
pub(super) fn install(new: &Path, folder: &Path) -> Result<(), RereError> {
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
            // The file was moved before the run was stopped.
            Err(error) if error.kind() == ErrorKind::NotFound && to.exists() => {}
            moved => moved.map_err(io(&to))?,
        }
    }
    Ok(())
}

/// Removes a file, if it exists.
pub(super) fn remove_file(file: &Path) -> Result<(), RereError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io(file)(error)),
        _ => Ok(()),
    }
}

/// Removes a folder, if it exists.
pub(super) fn remove(folder: &Path) -> Result<(), RereError> {
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
    let failed = |error: burn::store::RecordError| FolderProblem::CheckpointNotMade(error.to_string()).at(&path);
    remove(&temporary)?;
    fs::create_dir(&temporary).map_err(io(&temporary))?;
    write(&temporary.join("model"), &model.clone().into_record().into_bytes().map_err(failed)?)?;
    write(&temporary.join("optimizer"), &optimizer.into_bytes().map_err(failed)?)?;
    write_json(&temporary.join("state.json"), state)?;
    let older: Vec<PathBuf> = list(&folder, |name| name == stage)?.into_iter().filter(|other| *other != path).collect();
    // A resumed run may reach a step that it had saved before it was stopped.
    remove(&path)?;
    fs::rename(&temporary, &path).map_err(io(&path))?;
    older.iter().try_for_each(|older| remove(older))
}

/// Loads the latest checkpoint of a stage into the model and the optimizer. Returns both unchanged if there is none.
pub(super) fn load<M: Module>(
    folder: &Path,
    stage: &str,
    model: M,
    optimizer: ModuleOptimizer,
) -> Result<(State, M, ModuleOptimizer), RereError> {
    let Some(path) = list(&folder_of(folder), |name| name == stage)?.pop() else {
        return Ok((State::default(), model, optimizer));
    };
    let damaged = |error: burn::store::RecordError| FolderProblem::CheckpointDamaged(error.to_string()).at(&path);
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

/// Lists the checkpoints of some stages, the oldest of each stage first.
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
    // Numbers have leading zeros, so names sort by number.
    found.sort();
    Ok(found)
}

/// Loads the class priors of a stage, if they have been estimated.
pub(super) fn load_priors(folder: &Path, name: &str) -> Result<Option<Vec<Option<PriorRecord>>>, RereError> {
    let path = folder_of(folder).join(format!("{name}.json"));
    if path.exists() { Ok(Some(read_json(&path)?)) } else { Ok(None) }
}

/// Saves the estimated class priors of a stage.
pub(super) fn save_priors(folder: &Path, name: &str, priors: &[Option<PriorRecord>]) -> Result<(), RereError> {
    write_json(&folder_of(folder).join(format!("{name}.json")), &priors)
}
