//! Files of weights: safetensors, in one file or several, and PyTorch checkpoints.

use std::{
    collections::BTreeMap,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use burn::store::{
    ModuleStore, PytorchStore, SafetensorsStore,
    burn_pack::{Error as PackError, Tensor},
};
use serde::Deserialize;

use crate::ModelError;

const WHOLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
const CHECKPOINT: &str = "pytorch_model.bin";

/// The index of weights in several files.
#[derive(Deserialize)]
struct Index {
    /// The file of each tensor.
    weight_map: BTreeMap<String, String>,
}

/// Returns the files of the weights in a Hugging Face folder: `model.safetensors`, else the files that
/// `model.safetensors.index.json` names, else `pytorch_model.bin`.
///
/// ```
/// let folder = std::path::Path::new("tests/reference/tiny-bert");
/// assert_eq!(rere_model::weight_files(folder)?, [folder.join("model.safetensors")]);
/// # Ok::<(), rere_model::ModelError>(())
/// ```
///
/// # Errors
/// Returns an error if the folder has no weights, or an index that is damaged or names a file that is not there.
pub fn weight_files(folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let [whole, index, checkpoint] = [WHOLE, INDEX, CHECKPOINT].map(|name| folder.join(name));
    if whole.exists() {
        return Ok(vec![whole]);
    }
    if index.exists() {
        return parts(&index, folder);
    }
    if checkpoint.exists() {
        return Ok(vec![checkpoint]);
    }
    Err(ModelError::NoWeights { path: folder.to_owned() })
}

fn parts(index: &Path, folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let text = fs::read(index).map_err(|source| ModelError::Io { path: index.to_owned(), source })?;
    let broken = |source: Box<dyn Error + Send + Sync>| ModelError::Index { path: index.to_owned(), source };
    let Index { weight_map } = serde_json::from_slice(&text).map_err(|error| broken(error.into()))?;
    let mut names: Vec<String> = weight_map.into_values().collect();
    names.sort_unstable();
    names.dedup();
    for name in &names {
        // An index from elsewhere must not lead out of the folder.
        if Path::new(name).file_name().is_none_or(|file| file != name.as_str()) {
            return Err(broken(format!("{name:?} is not the name of a file").into()));
        }
        if !folder.join(name).exists() {
            return Err(broken(format!("{name} is not found").into()));
        }
    }
    Ok(names.into_iter().map(|name| folder.join(name)).collect())
}

/// Returns the tensors of a file, which are read when they are needed.
pub(super) fn tensors(path: &Path) -> Result<Vec<Tensor>, ModelError> {
    // Both parsers report a missing file as a damaged one.
    fs::metadata(path).map_err(|source| ModelError::Io { path: path.to_owned(), source })?;
    if path.file_name().is_some_and(|name| name == CHECKPOINT) {
        let mut store = PytorchStore::from_file(path).map_indices_contiguous(false);
        let tensors = store.get_all_tensors();
        return match tensors {
            Ok(tensors) => Ok(tensors.values().cloned().collect()),
            Err(error) => Err(ModelError::NotPyTorch { path: path.to_owned(), source: error.to_string().into() }),
        };
    }
    let tensors = all_of(&mut SafetensorsStore::from_file(path), path)?;
    Ok(tensors.into_iter().map(|tensor| alone(tensor, path)).collect())
}

/// Returns a tensor that maps its file into memory only while it is read. Otherwise the pages of the whole file stay there,
/// beside the weights that are made from them.
fn alone(tensor: Tensor, path: &Path) -> Tensor {
    let (bytes, path, name) = (tensor.byte_len(), path.to_owned(), tensor.name.clone());
    Tensor::deferred(tensor.name, tensor.dtype, tensor.shape, None, bytes, move || {
        let mut store = SafetensorsStore::from_file(&path);
        let changed = || PackError::ValidationError(format!("{} has changed: it has no {name}", path.display()));
        let tensor = store.get_tensor(&name).map_err(|error| PackError::ValidationError(error.to_string()))?;
        tensor.ok_or_else(changed)?.to_bytes()
    })
}

/// Returns the tensors of the content of a safetensors file. Errors show `name` as its path.
pub(super) fn tensors_in(bytes: Vec<u8>, name: &Path) -> Result<Vec<Tensor>, ModelError> {
    all_of(&mut SafetensorsStore::from_bytes(Some(bytes)), name)
}

fn all_of(store: &mut SafetensorsStore, path: &Path) -> Result<Vec<Tensor>, ModelError> {
    match store.get_all_tensors() {
        Ok(tensors) => Ok(tensors.values().cloned().collect()),
        Err(error) => Err(ModelError::NotSafetensors { path: path.to_owned(), source: error.to_string().into() }),
    }
}
