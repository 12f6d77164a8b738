//! Weights from Hugging Face folders, and weights of whole models.

use std::{collections::HashMap, error::Error, fs, io::Write, path::Path};

use burn::{
    module::Module,
    store::{
        ApplyError, BurnToPyTorchAdapter, FloatCastAdapter, ModuleAdapter, ModuleSnapshot, PyTorchToBurnAdapter,
        SafetensorsStore,
    },
    tensor::DType,
};
use safetensors::SafeTensors;

use crate::{AnyEncoder, EncoderConfig, ModelError, error::WeightsProblem};

/// Patterns in the tensor names of a Hugging Face BERT, and what to replace them by.
const BERT_NAMES: [(&str, &str); 13] = [
    (r"^bert\.", ""),
    (r"LayerNorm\.", "norm."),
    (r"^embeddings\.word_embeddings\.", "embeddings.word."),
    (r"^embeddings\.position_embeddings\.", "embeddings.position."),
    (r"^embeddings\.token_type_embeddings\.", "embeddings.token_type."),
    (r"^encoder\.layer\.", "layers."),
    (r"\.attention\.self\.", "."),
    (r"\.attention\.output\.norm\.", ".attention_norm."),
    (r"\.attention\.output\.dense\.", ".attention_output."),
    (r"\.output\.norm\.", ".output_norm."),
    (r"\.intermediate\.dense\.", ".up."),
    (r"\.output\.dense\.", ".down."),
    (r"\.attention_output\.", ".output."),
];

/// Reads the `config.json` of a Hugging Face folder.
///
/// # Errors
/// Returns an error if the file is missing or not the configuration of a supported encoder.
pub fn read_config(folder: &Path) -> Result<EncoderConfig, ModelError> {
    let path = folder.join("config.json");
    let text = fs::read_to_string(&path).map_err(|source| ModelError::Io { path: path.clone(), source })?;
    serde_json::from_str(&text).map_err(|source| ModelError::Config { path, source: source.into() })
}

/// Loads the pretrained weights of a Hugging Face folder (`model.safetensors`) into an encoder.
///
/// Tensors that the encoder does not have, such as BERT's pooler, are ignored. f16 and bf16 weights become f32.
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
/// Returns an error if the file is missing or not a complete safetensors file, or if a tensor is missing or has another
/// shape.
pub fn load_pretrained(encoder: AnyEncoder, folder: &Path) -> Result<AnyEncoder, ModelError> {
    let path = folder.join("model.safetensors");
    let names: &[(&str, &str)] = match &encoder {
        AnyEncoder::Bert(_) => &BERT_NAMES,
        AnyEncoder::BiLstm(_) => &[],
    };
    load(encoder, read(&path)?, &path, names)
}

/// Loads a file of [`save_weights`] into a model with the same settings.
///
/// # Errors
/// As [`load_pretrained`].
pub fn load_weights<M: Module>(model: M, path: &Path) -> Result<M, ModelError> {
    load(model, read(path)?, path, &[])
}

/// As [`load_weights`], from the content of a file. Errors show `name` as its path.
///
/// # Errors
/// As [`load_weights`].
pub fn load_weights_from_bytes<M: Module>(model: M, bytes: Vec<u8>, name: &Path) -> Result<M, ModelError> {
    load(model, bytes, name, &[])
}

fn read(path: &Path) -> Result<Vec<u8>, ModelError> {
    fs::read(path).map_err(|source| ModelError::Io { path: path.to_owned(), source })
}

fn load<M: Module>(mut model: M, bytes: Vec<u8>, path: &Path, names: &[(&str, &str)]) -> Result<M, ModelError> {
    if let Err(source) = SafeTensors::deserialize(&bytes) {
        return Err(ModelError::NotSafetensors { path: path.to_owned(), source: source.into() });
    }
    let mut store = SafetensorsStore::from_bytes(Some(bytes))
        .with_from_adapter(PyTorchToBurnAdapter.chain(FloatCastAdapter::to(DType::F32)))
        .skip_enum_variants(true)
        .validate(false)
        .allow_partial(true);
    for (from, to) in names {
        store = store.with_key_remapping(from, *to);
    }
    let mismatch = |problem| ModelError::Mismatch { path: path.to_owned(), problem };
    let unreadable = |message| mismatch(WeightsProblem::Unreadable { message });
    let result = model.load_from(&mut store).map_err(|error| unreadable(error.to_string()))?;
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
        return Err(unreadable(errors.join("; ")));
    }
    if !result.missing.is_empty() {
        let names = result.missing.into_iter().map(|(name, _)| name).collect();
        return Err(mismatch(WeightsProblem::Missing { names }));
    }
    Ok(model)
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
/// Returns an error if the folder is not writable or the disk is full.
pub fn save_weights<M: Module>(model: &M, path: &Path) -> Result<(), ModelError> {
    fn save(path: &Path, source: impl Into<Box<dyn Error + Send + Sync>>) -> ModelError {
        ModelError::Save { path: path.to_owned(), source: source.into() }
    }
    let io = |source| ModelError::Io { path: path.to_owned(), source };
    let mut store = SafetensorsStore::from_bytes(None).with_to_adapter(BurnToPyTorchAdapter).skip_enum_variants(true);
    model.save_into(&mut store).map_err(|error| save(path, error))?;
    let bytes = store.get_bytes().map_err(|error| save(path, error))?;
    // burn's own metadata have a random order. The one entry that Hugging Face needs has one order, so that equal
    // weights give equal bytes.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| save(path, error))?;
    let bytes = safetensors::serialize(tensors.tensors(), Some(metadata)).map_err(|error| save(path, error))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        // Only its owner can read a temporary file. This one becomes a normal file, with the usual permissions.
        use std::{fs::Permissions, os::unix::fs::PermissionsExt};
        builder.permissions(Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder).map_err(io)?;
    file.write_all(&bytes).map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(path).map_err(|error| io(error.error))?;
    Ok(())
}
