//! Tests of CasRel against a PyTorch implementation that was written only from the paper (`tests/reference/casrel.py`).

use burn::{
    optim::GradientsParams,
    tensor::{Bool, Int, Tensor, TensorData},
};
use rere_loss::{Bce, GroupBy};
use rere_model::{BertConfig, load_pretrained, load_weights};
use safetensors::SafeTensors;

use super::*;
use crate::train::{GroupedLoss, optimizer, total_loss};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/casrel.safetensors");
const RELATIONS: usize = 5;

/// The reference file.
struct Reference(Vec<u8>);

impl Reference {
    fn shape_and_bytes(&self, name: &str) -> (Vec<usize>, Vec<u8>) {
        let tensors = SafeTensors::deserialize(&self.0).expect("a safetensors file");
        let tensor = tensors.tensor(name).unwrap_or_else(|_| panic!("no tensor {name}"));
        (tensor.shape().to_vec(), tensor.data().to_vec())
    }

    fn floats(&self, name: &str) -> Vec<f32> {
        let (_, bytes) = self.shape_and_bytes(name);
        bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }

    fn integers(&self, name: &str) -> (Vec<usize>, Vec<i64>) {
        let (shape, bytes) = self.shape_and_bytes(name);
        (shape, bytes.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect())
    }
}

/// A batch of the file.
struct Batch {
    input: EncoderInput,
    /// Which tokens are not padding.
    attention: Vec<bool>,
    drawn: Vec<Vec<TokenSpan>>,
    subject: Targets,
    object: Targets,
}

fn batch(reference: &Reference, number: usize, device: &Device) -> Batch {
    let name = |part: &str| format!("b{number}.{part}");
    let (shape, ids) = reference.integers(&name("ids"));
    let shape = [shape[0], shape[1]];
    let [rows, width] = shape;
    let attention: Vec<bool> = reference.integers(&name("attention")).1.into_iter().map(|one| one == 1).collect();
    let counts = reference.integers(&name("counts")).1;
    let subjects = reference.integers(&name("subject")).1;
    // Spans here count from the token after [CLS] and exclude their end; those of the file count from [CLS] and include it.
    let drawn: Vec<Vec<TokenSpan>> = subjects
        .chunks_exact(2)
        .map(|ends| if ends[0] < 0 { vec![] } else { vec![TokenSpan::new(ends[0] as usize - 1, ends[1] as usize)] })
        .collect();
    let targets = |part: &str, classes: usize| {
        let mut targets = Targets::new(rows, width, classes).masked();
        for (at, target) in reference.floats(&name(part)).into_iter().enumerate() {
            if target == 1.0 {
                targets.mark(at / classes / width, at / classes % width, at % classes);
            }
        }
        for (row, drawn) in drawn.iter().enumerate() {
            let tokens = counts[row * width..(row + 1) * width].iter().filter(|&&counted| counted == 1).count();
            if classes == 2 || !drawn.is_empty() {
                targets.count(row, FIRST, tokens);
            }
        }
        targets
    };
    let (subject, object) = (targets("subject_targets", 2), targets("object_targets", 2 * RELATIONS));
    let input = EncoderInput::new(
        Tensor::<2, Int>::from_data(TensorData::new(ids, shape), device),
        Tensor::zeros(shape, device),
        Tensor::<2, Bool>::from_data(TensorData::new(attention.clone(), shape), device),
    );
    Batch { input, attention, drawn, subject, object }
}

fn model(device: &Device) -> Network<CasRelHead> {
    let config: BertConfig = serde_json::from_value(serde_json::json!({
        "vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
        "max_position_embeddings": 32, "hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0,
    }))
    .expect("a BERT");
    let mut model = network(&EncoderConfig::Bert(config), RELATIONS, device).expect("a network");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::copy(FILE, folder.path().join("model.safetensors")).expect("copied");
    model.encoder = load_pretrained(model.encoder, folder.path()).expect("the encoder's weights");
    model.head = load_weights(model.head, FILE.as_ref()).expect("the taggers' weights");
    model
}

/// The largest difference from PyTorch over tokens that are not padding.
fn difference(found: Vec<f32>, expected: &[f32], attention: &[bool]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let columns = found.len() / attention.len();
    let differences = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    differences.enumerate().filter(|(at, _)| attention[at / columns]).map(|(_, d)| d).fold(0.0, f32::max)
}

/// The logits of subjects, and of the objects of the drawn subject.
fn logits(model: &Network<CasRelHead>, batch: &Batch) -> [Vec<f32>; 2] {
    let hidden = model.encode(&batch.input);
    let [rows, width, _] = hidden.dims();
    let weights = mean_weights(&batch.drawn, 1, width, FIRST, &hidden.device()).reshape([rows, width]);
    [numbers(model.head.subjects(hidden.clone())), numbers(model.head.objects(hidden, weights))]
}

#[test]
fn logits_and_twenty_training_steps_match_pytorch() {
    let reference = Reference(std::fs::read(FILE).expect("the reference"));
    let device = Device::flex();
    for number in 0..3 {
        let batch = batch(&reference, number, &device);
        for (found, part) in logits(&model(&device), &batch).into_iter().zip(["subject", "object"]) {
            let expected = reference.floats(&format!("b{number}.{part}_logits"));
            let difference = difference(found, &expected, &batch.attention);
            assert!(difference < 1e-5, "batch {number}, {part}: {difference}");
        }
    }

    let training = device.clone().autodiff();
    let bce = || GroupedLoss { loss: Box::new(Bce::new()), group: GroupBy::Sentence };
    let losses = [bce(), bce()];
    let (mut trained, mut adamw) = (model(&training), optimizer::adamw(0.01));
    for (step, expected) in reference.floats("losses").into_iter().enumerate() {
        let Batch { input, drawn, subject, object, .. } = batch(&reference, step % 3, &training);
        let loss = total_loss(&losses, tagger_labels(&trained, &input, &drawn, subject, object));
        let gradients = GradientsParams::from_grads(loss.backward(), &trained);
        trained = adamw.step(2e-3, trained.clone(), optimizer::clip(gradients, &trained, 1.0));
        let loss = loss.into_scalar::<f32>();
        assert!((loss - expected).abs() < 2e-5, "step {step}: {loss}, expected {expected}");
    }
    let batch = batch(&reference, 0, &device);
    for (found, part) in logits(&trained.valid(), &batch).into_iter().zip(["subject", "object"]) {
        let difference = difference(found, &reference.floats(&format!("final.b0.{part}_logits")), &batch.attention);
        assert!(difference < 5e-5, "after training, {part}: {difference}");
    }
}
