//! Weights from Hugging Face folders, and to and from a model's own files.

use std::{collections::HashMap, fs, io::Write, path::Path};

use burn::{
    module::Module,
    store::{
        BurnToPyTorchAdapter, FloatCastAdapter, ModuleAdapter, ModuleSnapshot, PyTorchToBurnAdapter, SafetensorsStore,
    },
    tensor::DType,
};
use safetensors::SafeTensors;

use crate::{AnyEncoder, EncoderConfig, ModelError};

/// Names of a Hugging Face BERT, and what they are called here.
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
/// Where the file is missing or not the configuration of a supported encoder.
pub fn read_config(folder: &Path) -> Result<EncoderConfig, ModelError> {
    let path = folder.join("config.json");
    let text = fs::read_to_string(&path).map_err(|source| ModelError::Io { path: path.clone(), source })?;
    serde_json::from_str(&text).map_err(|source| ModelError::Config { path, source })
}

/// Puts the pretrained weights of a Hugging Face folder (`model.safetensors`) into an encoder.
///
/// Tensors that the encoder has no use for, as BERT's pooler, are left out; f16 and bf16 weights become f32.
///
/// # Errors
/// Where the file is missing, not a whole safetensors file, or lacks a tensor or has one of another shape.
pub fn load_pretrained(encoder: AnyEncoder, folder: &Path) -> Result<AnyEncoder, ModelError> {
    let path = folder.join("model.safetensors");
    let names: &[(&str, &str)] = match &encoder {
        AnyEncoder::Bert(_) => &BERT_NAMES,
        AnyEncoder::BiLstm(_) => &[],
    };
    load(encoder, read(&path)?, &path, names)
}

/// Puts the weights of a file that [`save_weights`] wrote into a model of the same settings.
///
/// # Errors
/// As [`load_pretrained`].
pub fn load_weights<M: Module>(model: M, path: &Path) -> Result<M, ModelError> {
    load(model, read(path)?, path, &[])
}

/// As [`load_weights`], for the content of a file. `name` is what errors call it.
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
        return Err(ModelError::NotSafetensors { path: path.to_owned(), source });
    }
    let mut store = SafetensorsStore::from_bytes(Some(bytes))
        .with_from_adapter(PyTorchToBurnAdapter.chain(FloatCastAdapter::to(DType::F32)))
        .skip_enum_variants(true)
        .validate(false)
        .allow_partial(true);
    for (from, to) in names {
        store = store.with_key_remapping(from, *to);
    }
    let mismatch = |message: String| ModelError::Mismatch { path: path.to_owned(), message };
    let result = model.load_from(&mut store).map_err(|error| mismatch(error.to_string()))?;
    if !result.errors.is_empty() {
        let errors: Vec<String> = result.errors.iter().map(ToString::to_string).collect();
        return Err(mismatch(errors.join("; ")));
    }
    if !result.missing.is_empty() {
        let names: Vec<&str> = result.missing.iter().take(5).map(|(name, _)| name.as_str()).collect();
        return Err(mismatch(format!("{} tensors are missing, such as {}", result.missing.len(), names.join(", "))));
    }
    Ok(model)
}

/// Writes the weights of a model as safetensors, in PyTorch's layout and names (`weight` is `[out, in]`).
///
/// The file is written under a temporary name and renamed, so that an older one survives a failure.
///
/// # Errors
/// Where the folder cannot be written, or the disk is full.
pub fn save_weights<M: Module>(model: &M, path: &Path) -> Result<(), ModelError> {
    let save = |message: String| ModelError::Save { path: path.to_owned(), message };
    let io = |source| ModelError::Io { path: path.to_owned(), source };
    let mut store = SafetensorsStore::from_bytes(None).with_to_adapter(BurnToPyTorchAdapter).skip_enum_variants(true);
    model.save_into(&mut store).map_err(|error| save(error.to_string()))?;
    let bytes = store.get_bytes().map_err(|error| save(error.to_string()))?;
    // burn's own metadata stand in another order in each file. Hugging Face wants this entry; one entry has one order,
    // so that the same weights are the same bytes.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    let tensors = SafeTensors::deserialize(&bytes).map_err(|error| save(error.to_string()))?;
    let bytes = safetensors::serialize(tensors.tensors(), Some(metadata)).map_err(|error| save(error.to_string()))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        // A temporary file is its owner's alone; what it becomes has the rights of any new file.
        use std::{fs::Permissions, os::unix::fs::PermissionsExt};
        builder.permissions(Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder).map_err(io)?;
    file.write_all(&bytes).map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(path).map_err(|error| io(error.error))?;
    Ok(())
}
