//! Weights from Hugging Face folders, and weights of whole models.

mod files;
mod names;

use std::{collections::HashMap, error::Error, fs, io::Write, path::Path};

use burn::{
    module::Module,
    store::{
        ApplyError, BurnToPyTorchAdapter, FloatCastAdapter, KeyRemapper, ModuleAdapter, ModuleSnapshot,
        PyTorchToBurnAdapter, SafetensorsStore, burn_pack::Tensor,
    },
    tensor::DType,
};
use safetensors::SafeTensors;

pub use files::weight_files;

use self::names::{BERT_NAMES, MODERNBERT_NAMES};
use crate::{AnyEncoder, EncoderConfig, ModelError, error::WeightsProblem, linear::is_packed};

/// Reads the `config.json` of a Hugging Face folder.
///
/// # Errors
/// Returns an error if the file is missing or not the configuration of a supported encoder.
pub fn read_config(folder: &Path) -> Result<EncoderConfig, ModelError> {
    let path = folder.join("config.json");
    let text = fs::read_to_string(&path).map_err(|source| ModelError::Io { path: path.clone(), source })?;
    serde_json::from_str(&text).map_err(|source| ModelError::Config { path, source: source.into() })
}

/// Loads the pretrained weights of a Hugging Face folder, the files of [`weight_files`], into an encoder.
///
/// Tensors of other parts, such as BERT's pooler and the heads of pretraining, are ignored. f16 and bf16 weights become f32.
///
/// ```
/// use std::path::Path;
///
/// use rere_model::{Encoder, burn::tensor::Device, load_pretrained, read_config};
///
/// let folder = Path::new("tests/reference/tiny-bert"); // a folder with config.json and model.safetensors
/// let encoder = read_config(folder)?.init(&Device::flex())?;
/// let encoder = load_pretrained(encoder, folder)?;
/// assert_eq!(encoder.hidden_size(), 16);
/// # Ok::<(), rere_model::ModelError>(())
/// ```
///
/// # Errors
/// Returns an error if a file is missing, truncated or in another format, or if a tensor is missing, has another shape, or is of
/// a layer that the encoder does not have.
pub fn load_pretrained(encoder: AnyEncoder, folder: &Path) -> Result<AnyEncoder, ModelError> {
    let mut tensors = Vec::new();
    for path in weight_files(folder)? {
        tensors.extend(files::tensors(&path)?);
    }
    let names: &[(&str, &str)] = match &encoder {
        AnyEncoder::Bert(_) => &BERT_NAMES,
        AnyEncoder::ModernBert(_) => &MODERNBERT_NAMES,
        AnyEncoder::BiLstm(_) => &[],
    };
    let patterns = names.iter().map(|(from, to)| (*from, *to)).collect();
    let mismatch = |problem| ModelError::Mismatch { path: folder.to_owned(), problem };
    let (tensors, _) = KeyRemapper::from_patterns(patterns)
        .map_err(|error| mismatch(WeightsProblem::Unreadable { message: error.to_string() }))?
        .remap(tensors);
    let (encoder, unused) = apply(encoder, tensors, folder)?;
    // Positions and masks are constants that older files have.
    let is_part = |name: &String| name.starts_with("layers.") || name.starts_with("relative.");
    let names: Vec<String> = unused.into_iter().filter(is_part).collect();
    if names.is_empty() { Ok(encoder) } else { Err(mismatch(WeightsProblem::LeftOver { names })) }
}

/// Loads a file of [`save_weights`] into a model with the same settings.
///
/// # Errors
/// As [`load_pretrained`].
pub fn load_weights<M: Module>(model: M, path: &Path) -> Result<M, ModelError> {
    Ok(apply(model, files::tensors(path)?, path)?.0)
}

/// As [`load_weights`], from the content of a file. Errors show `name` as its path.
///
/// # Errors
/// As [`load_weights`].
pub fn load_weights_from_bytes<M: Module>(model: M, bytes: Vec<u8>, name: &Path) -> Result<M, ModelError> {
    Ok(apply(model, files::tensors_in(bytes, name)?, name)?.0)
}

/// Replaces the weights of a model, and returns it with the names of the tensors that it does not have.
fn apply<M: Module>(mut model: M, tensors: Vec<Tensor>, path: &Path) -> Result<(M, Vec<String>), ModelError> {
    let mismatch = |problem| ModelError::Mismatch { path: path.to_owned(), problem };
    let adapter = PyTorchToBurnAdapter.chain(FloatCastAdapter::to(DType::F32));
    let result = model.apply(tensors, None, Some(Box::new(adapter)), true);
    let wrong_shape = result.errors.iter().find_map(|error| match error {
        ApplyError::ShapeMismatch { path, expected, found } => {
            Some(WeightsProblem::Shape { name: path.clone(), expected: expected.to_vec(), found: found.to_vec() })
        }
        _ => None,
    });
    if let Some(problem) = wrong_shape {
        return Err(mismatch(problem));
    }
    if !result.errors.is_empty() {
        let errors: Vec<String> = result.errors.iter().map(ToString::to_string).collect();
        return Err(mismatch(WeightsProblem::Unreadable { message: errors.join("; ") }));
    }
    if !result.missing.is_empty() {
        let names = result.missing.into_iter().map(|(name, _)| name).collect();
        return Err(mismatch(WeightsProblem::Missing { names }));
    }
    Ok((model, result.unused))
}

/// Writes the weights of a model as safetensors, in PyTorch's layout and names (`weight` is `[out, in]`).
///
/// The file is written under a temporary name and renamed, so a failure keeps an older file.
///
/// ```
/// use rere_model::{BertConfig, Network, PointerHead, burn::tensor::Device, load_weights, save_weights};
///
/// let (config, device) = (BertConfig::tiny(100).into(), Device::flex());
/// let network = || Network::new(&config, &device, |hidden| PointerHead::new(hidden, &device));
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("model.safetensors");
/// save_weights(&network()?, &path)?;
/// let model = load_weights(network()?, &path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Returns an error if the folder is not writable, the disk is full, or the layers are packed.
pub fn save_weights<M: Module>(model: &M, path: &Path) -> Result<(), ModelError> {
    fn save(path: &Path, source: impl Into<Box<dyn Error + Send + Sync>>) -> ModelError {
        ModelError::Save { path: path.to_owned(), source: source.into() }
    }
    if is_packed(model) {
        return Err(save(path, "the layers are packed: save the network before it is cast"));
    }
    let mut store = SafetensorsStore::from_bytes(None).with_to_adapter(BurnToPyTorchAdapter).skip_enum_variants(true);
    model.save_into(&mut store).map_err(|error| save(path, error))?;
    let bytes = store.get_bytes().map_err(|error| save(path, error))?;
    // burn's own metadata have a random order. The one entry that Hugging Face needs has one order, so that equal
    // weights give equal bytes.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| save(path, error))?;
    let bytes = safetensors::serialize(tensors.tensors(), Some(metadata)).map_err(|error| save(path, error))?;
    replace_file(path, &bytes)
}

/// Writes a file under a temporary name and renames it.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let io = |source| ModelError::Io { path: path.to_owned(), source };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        // Only its owner can read a temporary file. This one becomes a normal file, with the usual permissions.
        use std::{fs::Permissions, os::unix::fs::PermissionsExt};
        builder.permissions(Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder).map_err(io)?;
    file.write_all(bytes).map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(path).map_err(|error| io(error.error))?;
    Ok(())
}
