//! Tests of CasRel against a PyTorch implementation that was written only from the paper (`tests/reference/casrel.py`).

use super::*;
use crate::system::reference::{BATCHES, RELATIONS, Reference};

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
    let (shape, counts) = reference.integers(&name("counts"));
    let (rows, width) = (shape[0], shape[1]);
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
    Batch { input: reference.input(number, device), attention: reference.attention(number), drawn, subject, object }
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
    let reference = Reference::open("casrel.safetensors");
    let device = Device::flex();
    let network = |device: &Device| reference.network(device, |hidden| CasRelHead::new(hidden, RELATIONS, device));
    for number in 0..BATCHES {
        let batch = batch(&reference, number, &device);
        for (found, part) in logits(&network(&device), &batch).into_iter().zip(["subject", "object"]) {
            let expected = reference.floats(&format!("b{number}.{part}_logits"));
            let difference = difference(found, &expected, &batch.attention);
            assert!(difference < 1e-5, "batch {number}, {part}: {difference}");
        }
    }

    let training = device.clone().autodiff();
    let trained = reference.train(network(&training), |network, number| {
        let Batch { input, drawn, subject, object, .. } = batch(&reference, number, &training);
        tagger_labels(network, &input, &drawn, subject, object)
    });
    let batch = batch(&reference, 0, &training);
    for (found, part) in logits(&trained, &batch).into_iter().zip(["subject", "object"]) {
        let difference = difference(found, &reference.floats(&format!("final.b0.{part}_logits")), &batch.attention);
        assert!(difference < 5e-5, "after training, {part}: {difference}");
    }
}
