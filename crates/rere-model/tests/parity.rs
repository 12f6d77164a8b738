//! Comparison of hidden states with PyTorch. `tests/reference/*.py` wrote the expected numbers.

mod common;

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Int, Tensor, TensorData};
use rere_model::{Encoder, EncoderInput, load_pretrained, read_config};
use safetensors::SafeTensors;

use common::device;

fn reference(name: &str) -> PathBuf {
    Path::new("tests/reference").join(name)
}

fn ids(file: &SafeTensors<'_>, name: &str, device: &Device) -> Tensor<2, Int> {
    let view = file.tensor(name).expect("recorded");
    let values: Vec<i64> =
        view.data().chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().expect("8 bytes"))).collect();
    Tensor::from_data(TensorData::new(values, [view.shape()[0], view.shape()[1]]), device)
}

/// Computes the largest difference to the recorded hidden states, without padding, and the largest of these.
fn compare(encoder: &Path, recorded: &Path) -> [f32; 2] {
    let device = device();
    let config = read_config(encoder).expect("a configuration");
    let encoder = load_pretrained(config.init(&device).expect("an encoder"), encoder).expect("weights");
    let bytes = std::fs::read(recorded).expect("recorded values");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let mask = ids(&file, "attention_mask", &device);
    let hidden = encoder.forward(&EncoderInput::new(
        ids(&file, "input_ids", &device),
        ids(&file, "token_type_ids", &device),
        mask.clone().bool(),
    ));
    let size = hidden.dims()[2];
    let ours = hidden.into_data().try_to_vec::<f32>().expect("f32");
    let theirs = file.tensor("hidden").expect("recorded").data().to_vec();
    let theirs = theirs.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().expect("4 bytes")));
    let mask: Vec<bool> = mask.into_data().iter::<i64>().map(|m| m == 1).collect();
    assert!(mask.contains(&false), "the comparison must include padding");
    assert_eq!(ours.len(), mask.len() * size);
    let pairs = ours.into_iter().zip(theirs).enumerate().filter(|(i, _)| mask[i / size]);
    pairs.fold([0.0, 0.0], |[difference, largest], (_, (a, b))| [difference.max((a - b).abs()), largest.max(b.abs())])
}

fn largest_difference(encoder: &Path, recorded: &Path) -> f32 {
    compare(encoder, recorded)[0]
}

#[test]
fn a_tiny_bert_equals_pytorch() {
    let folder = reference("tiny-bert");
    let difference = largest_difference(&folder, &folder.join("expected.safetensors"));
    println!("largest difference {difference:e}");
    assert!(difference < 5e-5, "{difference}");
}

/// Each family in a folder that is laid out as the hub serves it: prefixes, older names, heads, PyTorch checkpoints, and weights
/// in two files.
#[test]
fn every_family_equals_pytorch() {
    let families =
        ["bert", "roberta", "xlm-roberta", "distilbert", "electra", "ernie", "mpnet", "deberta-v3", "modernbert"];
    for family in families {
        let folder = reference("families").join(family);
        let [difference, largest] = compare(&folder, &folder.join("expected.safetensors"));
        println!("{family}: largest difference {difference:e}, largest state {largest}");
        assert!(difference < 1e-5 * largest, "{family}: {difference}");
    }
}

/// transformers 5 writes two settings of ModernBERT in another form.
#[test]
fn a_modernbert_of_transformers_5_equals_pytorch() {
    let family = reference("families/modernbert");
    let folder = tempfile::tempdir().expect("a folder");
    for file in std::fs::read_dir(&family).expect("a family") {
        let file = file.expect("a file").path();
        std::fs::copy(&file, folder.path().join(file.file_name().expect("a name"))).expect("copied");
    }
    let config = std::fs::read(family.join("config.json")).expect("a configuration");
    let mut config: serde_json::Value = serde_json::from_slice(&config).expect("JSON");
    let keys = config.as_object_mut().expect("an object");
    // Other values in the older form, which would give other states.
    keys.insert("global_attn_every_n_layers".to_owned(), 1.into());
    keys.insert("global_rope_theta".to_owned(), 5.into());
    let (full, sliding) = ("full_attention", "sliding_attention");
    let rope = |base: f64| serde_json::json!({ "rope_type": "default", "rope_theta": base });
    keys.insert("layer_types".to_owned(), serde_json::json!([full, sliding, sliding, full]));
    keys.insert("rope_parameters".to_owned(), serde_json::json!({ full: rope(160_000.0), sliding: rope(10_000.0) }));
    std::fs::write(folder.path().join("config.json"), config.to_string()).expect("written");
    let [difference, largest] = compare(folder.path(), &family.join("expected.safetensors"));
    assert!(difference < 1e-5 * largest, "{difference}");
}

/// Older files have TensorFlow's names of layer norms, and files of models with a head have a prefix.
#[test]
fn older_tensor_names_are_supported() {
    let tiny = reference("tiny-bert");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::copy(tiny.join("config.json"), folder.path().join("config.json")).expect("copied");
    let bytes = std::fs::read(tiny.join("model.safetensors")).expect("weights");
    let file = SafeTensors::deserialize(&bytes).expect("safetensors");
    let older = |name: &str| {
        let name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
        format!("bert.{name}")
    };
    let tensors: Vec<_> = file.tensors().into_iter().map(|(name, view)| (older(&name), view)).collect();
    assert!(tensors.iter().any(|(name, _)| name == "bert.embeddings.LayerNorm.gamma"));
    let bytes = safetensors::serialize(tensors, None).expect("serialised");
    std::fs::write(folder.path().join("model.safetensors"), bytes).expect("written");
    let difference = largest_difference(folder.path(), &tiny.join("expected.safetensors"));
    assert!(difference < 5e-5, "{difference}");
}

#[test]
fn pretrained_encoders_equal_pytorch() {
    let Some(encoders) = std::env::var_os("RERE_ENCODERS") else {
        println!("skipped: RERE_ENCODERS is not set");
        return;
    };
    for (name, recorded) in [
        ("minilm", "minilm_hidden_states.safetensors"),
        ("mpnet", "mpnet_hidden_states.safetensors"),
        ("m3e-small", "m3e_small_hidden_states.safetensors"),
    ] {
        let folder = Path::new(&encoders).join(name);
        if !folder.exists() {
            println!("skipped: {name} is not in RERE_ENCODERS");
            continue;
        }
        let [difference, largest] = compare(&folder, &reference(recorded));
        println!("{name}: largest difference {difference:e}, largest state {largest}");
        assert!(difference < 1e-4, "{name}: {difference}");
    }
}
