//! Checkpoints: all that a stage needs to go on as if it had not been stopped.
//!
//! ```text
//! model/checkpoint/ run                         settings and checksums of the run
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
    EpochRecord, RereError, Stage,
    files::{io, read_json, write, write_json},
    folder::{config_path, tokenizer_path, training_path, weights_path},
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

/// Settings and checksums of the run that is going on: where there is this file, it has not ended.
fn run_path(model: &Path) -> PathBuf {
    folder_of(model).join("run")
}

/// Begins a run, or goes on with the one that was stopped in this folder. Returns the model folder that is being made.
pub(super) fn open(folder: &Path, fingerprint: &str, resume: bool) -> Result<PathBuf, RereError> {
    let checkpoints = folder_of(folder);
    let path = run_path(folder);
    let error = |message: &str| Err(RereError::Folder { path: path.clone(), message: message.to_owned() });
    let new = checkpoints.join("model");
    const ENDED: &str = "the run in this folder has ended: train without resuming to begin a new one";
    if resume {
        match fs::read_to_string(&path) {
            // It was stopped after the last file of the model had taken its place.
            Ok(found) if found == fingerprint && was_moved(folder, &new)? => {
                remove(&checkpoints)?;
                return error(ENDED);
            }
            Ok(found) if found == fingerprint => return Ok(new),
            Ok(_) => return error("the stopped run had other settings or another corpus: train without resuming"),
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(io(&path)(e)),
            Err(_) if config_path(folder).exists() => return error(ENDED),
            Err(_) => {}
        }
    }
    remove(&checkpoints)?;
    for stage in [Stage::Relation, Stage::Entity] {
        let weights = new.join(stage.name());
        fs::create_dir_all(&weights).map_err(io(&weights))?;
    }
    write(&path, fingerprint.as_bytes())?;
    Ok(new)
}

/// Whether all files of the new model have taken their places, so that only what else was kept is left to remove.
///
/// A run that has just begun beside an older model has no tokenizer yet either, but no checkpoint.
fn was_moved(folder: &Path, new: &Path) -> Result<bool, RereError> {
    let moved = config_path(folder).exists() && !tokenizer_path(new).exists();
    Ok(moved && !list(&folder_of(folder), Stage::Entity)?.is_empty())
}

/// Whether the new model folder is whole, so that only [`finish`] is left to do.
pub(super) fn is_whole(new: &Path) -> bool {
    config_path(new).exists()
}

/// Ends a run: the new model folder takes its place, and what else was kept is of no more use.
///
/// An older `config.json` goes first and the new one comes last: where there is one, the rest belongs to it. A run that
/// is stopped in the midst of this goes on here.
pub(super) fn finish(folder: &Path) -> Result<(), RereError> {
    let new = folder_of(folder).join("model");
    for stage in [Stage::Relation, Stage::Entity] {
        let weights = folder.join(stage.name());
        fs::create_dir_all(&weights).map_err(io(&weights))?;
    }
    let of = |base: &Path| {
        let weights = [Stage::Relation, Stage::Entity].map(|stage| weights_path(base, stage));
        weights.into_iter().chain([tokenizer_path(base), training_path(base), config_path(base)])
    };
    match fs::remove_file(config_path(folder)) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(&config_path(folder))(error)),
        _ => {}
    }
    for (from, to) in of(&new).zip(of(folder)) {
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

fn remove(folder: &Path) -> Result<(), RereError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io(folder)(error)),
        _ => Ok(()),
    }
}

/// Writes a checkpoint and removes the older ones of its stage.
pub(super) fn save<M: Module>(
    folder: &Path,
    stage: Stage,
    state: &State,
    model: &M,
    optimizer: &ModuleOptimizer,
) -> Result<(), RereError> {
    let folder = folder_of(folder);
    let name = format!("{}-{:08}", stage.name(), state.done);
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
    let older: Vec<PathBuf> = list(&folder, stage)?.into_iter().filter(|other| *other != path).collect();
    // A resumed run may come by a step that it had saved before it was stopped.
    remove(&path)?;
    fs::rename(&temporary, &path).map_err(io(&path))?;
    older.iter().try_for_each(|older| remove(older))
}

/// The latest checkpoint of a stage, put into the model and the optimizer; `None` where there is none.
pub(super) fn load<M: Module>(
    folder: &Path,
    stage: Stage,
    model: M,
    optimizer: ModuleOptimizer,
) -> Result<(State, M, ModuleOptimizer), RereError> {
    let Some(path) = list(&folder_of(folder), stage)?.pop() else {
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

/// The checkpoints of a stage, oldest first.
fn list(folder: &Path, stage: Stage) -> Result<Vec<PathBuf>, RereError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(io(folder))? {
        let entry = entry.map_err(io(folder))?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(stage.name())?.strip_prefix('-'));
        if number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit())) {
            found.push(entry.path());
        }
    }
    // Numbers have leading zeros, so that names sort as numbers do.
    found.sort();
    Ok(found)
}
