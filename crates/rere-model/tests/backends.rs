//! Equal weights give equal hidden states and gradients on the device of the tests and on the pure Rust backend.
#![cfg(feature = "flex")]

mod common;

use std::path::Path;

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::{Device, Int, Tensor},
};
use rere_model::{BertConfig, BiLstmConfig, Encoder, EncoderConfig, EncoderInput, load_weights, save_weights};

use common::device;

fn input(device: &Device) -> EncoderInput {
    let ids = [[2, 7, 8, 9, 3, 0, 0], [2, 20, 21, 22, 23, 24, 3]];
    let mask = ids.map(|row| row.map(|id| i32::from(id != 0)));
    let shaped = |rows: [[i32; 7]; 2]| Tensor::<2, Int>::from_ints(rows, device);
    let segments = Tensor::zeros([2, 7], device);
    EncoderInput::new(shaped(ids), segments, shaped(mask).bool())
}

/// The gradient of each parameter, in order.
struct Gradients<'a> {
    params: &'a GradientsParams,
    values: Vec<Vec<f32>>,
}

impl ModuleVisitor for Gradients<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.params.get::<D>(param.id);
        self.values.push(gradient.map_or_else(Vec::new, |gradient| gradient.into_data().iter().collect()));
    }
}

/// Computes hidden states of tokens that are not padding, and the gradient of the mean of their cubes to each
/// parameter.
fn step(config: &EncoderConfig, weights: &Path, device: &Device) -> Vec<Vec<f32>> {
    let device = device.clone().autodiff();
    let encoder = load_weights(config.init(&device).expect("an encoder"), weights).expect("read");
    let hidden = encoder.forward(&input(&device));
    let size = encoder.hidden_size();
    let kept = hidden.slice([0..2, 0..5, 0..size]);
    // Not the mean of squares, which is constant after a layer norm.
    let gradients = kept.clone().powi_scalar(3).mean().backward();
    let gradients = GradientsParams::from_grads(gradients, &encoder);
    let mut all = Gradients { params: &gradients, values: vec![kept.into_data().iter().collect()] };
    encoder.visit(&mut all);
    all.values
}

#[test]
fn one_step_is_equal_on_all_backends() {
    // Relative to the largest element. burn's kernels for GPUs compute functions like erf less exactly.
    let tolerance = if cfg!(any(feature = "cuda", feature = "wgpu")) { 5e-4 } else { 1e-4 };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.safetensors");
    // Each backend draws other random numbers for dropout.
    let bert = BertConfig { hidden_dropout_prob: 0.0, attention_probs_dropout_prob: 0.0, ..BertConfig::tiny(50) };
    let mut bilstm = BiLstmConfig::new(50);
    (bilstm.embedding_size, bilstm.direction_size, bilstm.dropout) = (12, 10, 0.0);
    for config in [EncoderConfig::Bert(bert), EncoderConfig::BiLstm(bilstm)] {
        save_weights(&config.init(&Device::flex()).expect("an encoder"), &path).expect("written");
        let [here, there] = [Device::flex(), device()].map(|device| step(&config, &path, &device));
        assert_eq!(here.len(), there.len());
        let with_gradient = here.iter().filter(|values| !values.is_empty()).count();
        assert!(2 * with_gradient > here.len(), "{with_gradient} of {}", here.len());
        for (number, (here, there)) in here.iter().zip(&there).enumerate() {
            assert_eq!(here.len(), there.len(), "{config:?}: {number}");
            let largest = here.iter().fold(1e-3f32, |largest, value| largest.max(value.abs()));
            for (here, there) in here.iter().zip(there) {
                assert!((here - there).abs() <= tolerance * largest, "{config:?}: {number}: {here} {there}");
            }
        }
    }
}
