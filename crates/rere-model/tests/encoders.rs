//! Properties of encoders, and weights in files.

mod common;

use std::{fs, path::Path};

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Device, FloatDType, Int, Tensor},
};
use rere_model::{
    AnyEncoder, BertConfig, BiLstmConfig, Encoder, EncoderConfig, EncoderInput, ModelError, Network, PointerHead,
    Pooling, Precision, PrecisionProblem, RelationModel, WeightsProblem, load_pretrained, load_weights, read_config,
    save_weights,
};

use common::device;

fn configs() -> [EncoderConfig; 2] {
    let mut bilstm = BiLstmConfig::new(50);
    (bilstm.embedding_size, bilstm.direction_size) = (12, 10);
    [EncoderConfig::Bert(BertConfig::tiny(50)), EncoderConfig::BiLstm(bilstm)]
}

fn input(rows: &[&[i32]], width: usize, device: &Device) -> EncoderInput {
    let padded: Vec<i32> = rows.iter().flat_map(|row| row.iter().copied().chain(vec![0; width - row.len()])).collect();
    let mask: Vec<i32> = rows.iter().flat_map(|row| (0..width).map(|i| i32::from(i < row.len()))).collect();
    let shaped = |values: &[i32]| Tensor::<1, Int>::from_ints(values, device).reshape([rows.len(), width]);
    EncoderInput::new(shaped(&padded), Tensor::zeros([rows.len(), width], device), shaped(&mask).bool())
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("f32")
}

#[test]
fn padding_changes_nothing() {
    let device = device();
    for config in configs() {
        let encoder = config.init(&device).expect("an encoder");
        let (long, short): (&[i32], &[i32]) = (&[2, 7, 8, 9, 10, 11, 3], &[2, 20, 21, 3]);
        let together = encoder.forward(&input(&[long, short], 9, &device));
        let alone = encoder.forward(&input(&[short], 4, &device));
        let size = encoder.hidden_size();
        let together = values(together.slice([1..2, 0..4, 0..size]));
        for (a, b) in together.iter().zip(values(alone)) {
            assert!((a - b).abs() < 1e-5, "{config:?}: {a} alone, {b} padded");
        }
    }
}

#[test]
fn the_first_token_alone_has_the_same_state() {
    let device = device();
    let without_layers = EncoderConfig::Bert(BertConfig { num_hidden_layers: 0, ..BertConfig::tiny(50) });
    for config in configs().into_iter().chain([without_layers]) {
        let encoder = config.init(&device).expect("an encoder");
        let input = input(&[&[2, 7, 8, 9, 10, 3], &[2, 20, 3]], 7, &device);
        let size = encoder.hidden_size();
        let expected = values(encoder.forward(&input).slice([0..2, 0..1, 0..size]));
        let first = encoder.first(&input);
        assert_eq!(first.dims(), [2, size]);
        for (a, b) in expected.into_iter().zip(values(first)) {
            assert!((a - b).abs() < 1e-5, "{config:?}: {a} of all tokens, {b} alone");
        }
    }
}

#[test]
fn sixteen_bits_give_nearly_the_same() {
    let device = device();
    for pooling in [Pooling::First, Pooling::Mean] {
        let [bert, _] = configs();
        let model = RelationModel::new(&bert, 9, pooling, &device).expect("a model");
        let input = input(&[&[2, 7, 8, 9, 10, 3], &[2, 20, 3]], 7, &device);
        let exact = values(model.forward(&input));
        let largest = exact.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        for (precision, dtype, tolerance) in
            [("f32", FloatDType::F32, 1e-6), ("bf16", FloatDType::BF16, 0.05), ("f16", FloatDType::F16, 0.01)]
        {
            let precision: Precision = precision.parse().expect("a precision");
            let cast = precision.cast(model.clone(), &device);
            // Not every GPU has both f16 and bf16.
            if !device.supports_dtype(dtype) {
                let error = cast.expect_err("not supported");
                assert!(matches!(error, ModelError::Precision { problem: PrecisionProblem::Device, .. }), "{error}");
                continue;
            }
            let cast = cast.expect("supported").forward(&input);
            for (a, b) in exact.iter().zip(values(cast.cast(FloatDType::F32))) {
                assert!((a - b).abs() <= tolerance * largest, "{pooling:?} {precision:?}: {a} became {b}");
            }
        }
    }
    let error = "f8".parse::<Precision>().expect_err("no such precision");
    assert!(matches!(error, ModelError::Precision { problem: PrecisionProblem::Unknown, .. }), "{error}");
    assert_eq!(error.to_string(), "precision \"f8\": unknown; expected one of f32, bf16, f16");
}

fn network(config: &EncoderConfig, device: &Device) -> Result<Network<PointerHead>, ModelError> {
    Network::new(config, device, |hidden| PointerHead::new(hidden, device))
}

#[test]
fn weights_survive_saving() {
    let device = device();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.safetensors");
    for config in configs() {
        let saved = network(&config, &device).expect("a model");
        save_weights(&saved, &path).expect("written");
        let loaded = network(&config, &device).expect("a model");
        let loaded = load_weights(loaded, &path).expect("read");
        let input = input(&[&[2, 7, 8, 3]], 5, &device);
        assert_eq!(
            values(saved.head.forward(saved.encode(&input))),
            values(loaded.head.forward(loaded.encode(&input)))
        );
    }
}

#[test]
fn weights_of_another_shape_are_errors() {
    let device = device();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.safetensors");
    let [config, other] = configs();
    let model = |relations| RelationModel::new(&config, relations, Pooling::First, &device).expect("a model");
    save_weights(&model(3), &path).expect("written");
    let error = load_weights(model(4), &path).map(|_| ()).expect_err("another number of relations");
    let ModelError::Mismatch { problem: WeightsProblem::Shape { name, expected, found }, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(name, "head.linear.weight");
    assert_ne!(expected, found);

    let encoder = |config: &EncoderConfig| config.init(&device).expect("an encoder");
    save_weights(&encoder(&other), &path).expect("written");
    let error = load_pretrained(encoder(&config), folder.path()).map(|_| ()).expect_err("tensors are missing");
    let ModelError::Mismatch { problem: WeightsProblem::Missing { names }, .. } = &error else { panic!("{error}") };
    assert_eq!(names.len(), 37);
    assert!(error.to_string().contains("37 tensors are missing, such as embeddings.norm.beta"), "{error}");
}

#[test]
fn invalid_files_of_weights_are_errors() {
    let device = device();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.safetensors");
    let [config, _] = configs();
    let load = || load_pretrained(config.init(&device).expect("an encoder"), folder.path()).map(|_| ());

    assert!(matches!(load().expect_err("no file"), ModelError::Io { .. }));
    fs::write(&path, b"PK\x03\x04 not weights").expect("written");
    assert!(matches!(load().expect_err("another format"), ModelError::NotSafetensors { .. }));
    save_weights(&config.init(&device).expect("an encoder"), &path).expect("written");
    let whole = fs::read(&path).expect("read");
    for length in [0, 4, 100, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).expect("written");
        let error = load().expect_err("truncated");
        assert!(matches!(error, ModelError::NotSafetensors { .. }), "{length} bytes: {error}");
    }
}

#[test]
fn unsupported_configurations_are_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |text: &str| fs::write(folder.path().join("config.json"), text).expect("written");
    assert!(matches!(read_config(Path::new("/no/such/folder")), Err(ModelError::Io { .. })));
    for bad in ["", "{", r#"{"model_type":"t5"}"#, r#"{"model_type":"bert"}"#] {
        write(bad);
        assert!(matches!(read_config(folder.path()), Err(ModelError::Config { .. })), "{bad}");
    }
    let device = device();
    let tiny = || BertConfig::tiny(50);
    let bad = [
        BertConfig { hidden_act: "relu".into(), ..tiny() },
        BertConfig { position_embedding_type: "relative_key".into(), ..tiny() },
        BertConfig { num_attention_heads: 5, ..tiny() },
        BertConfig { num_attention_heads: 0, ..tiny() },
        BertConfig { vocab_size: 0, ..tiny() },
        BertConfig { hidden_dropout_prob: 1.0, ..tiny() },
        BertConfig { type_vocab_size: 1, ..tiny() },
        BertConfig { initializer_range: f64::NAN, ..tiny() },
        BertConfig { initializer_range: -0.02, ..tiny() },
        BertConfig { layer_norm_eps: f64::INFINITY, ..tiny() },
        BertConfig { layer_norm_eps: 0.0, ..tiny() },
    ];
    for config in bad {
        assert!(matches!(config.init(&device), Err(ModelError::Unsupported(_))), "{config:?}");
    }
}

#[test]
fn frozen_layers_get_no_gradient() {
    let device = device().autodiff();
    for config in configs() {
        let mut model = network(&config, &device).expect("a model");
        let all = model.num_params();
        model.encoder = model.encoder.freeze_lower(1);
        let gradients = model.head.forward(model.encode(&input(&[&[2, 7, 8, 3]], 4, &device))).sum().backward();
        let gradients = burn::optim::GradientsParams::from_grads(gradients, &model);
        let whole = network(&config, &device).expect("a model");
        assert_eq!(whole.num_params(), all);
        let every = whole.head.forward(whole.encode(&input(&[&[2, 7, 8, 3]], 4, &device))).sum().backward();
        let every = burn::optim::GradientsParams::from_grads(every, &whole);
        assert!(!gradients.is_empty());
        assert!(gradients.len() < every.len(), "{config:?}: {} of {}", gradients.len(), every.len());
    }
}

/// Frozen layers run without autodiff. That must change neither the hidden states nor the gradients of the layers
/// above.
#[test]
fn freezing_changes_neither_states_nor_gradients() {
    let device = device().autodiff();
    // Frozen layers have no dropout, so the others must have none, too.
    let config = BertConfig { hidden_dropout_prob: 0.0, attention_probs_dropout_prob: 0.0, ..BertConfig::tiny(50) };
    let whole = EncoderConfig::Bert(BertConfig { num_hidden_layers: 3, ..config }).init(&device).expect("an encoder");
    let input = input(&[&[2, 7, 8, 9, 10, 3], &[2, 20, 3]], 7, &device);
    let run = |encoder: &AnyEncoder, input: &EncoderInput| {
        let first = encoder.first(input);
        let gradients = first.clone().powi_scalar(3).sum().backward();
        let mut last =
            LastGradient { params: &burn::optim::GradientsParams::from_grads(gradients, encoder), values: Vec::new() };
        encoder.visit(&mut last);
        (values(first), last.values)
    };
    let (states, gradient) = run(&whole, &input);
    assert!(whole.frozen(&input).is_none());
    assert!(gradient.iter().any(|value| *value != 0.0));
    for layers in 0..3 {
        let frozen = whole.clone().freeze_lower(layers);
        let (frozen_states, frozen_gradient) = run(&frozen, &input);
        let mut kept = input.clone();
        kept.frozen = frozen.frozen(&input);
        assert!(kept.frozen.is_some());
        assert_eq!(run(&frozen, &kept), (frozen_states.clone(), frozen_gradient.clone()), "{layers} layers kept");
        for (a, b) in states.iter().chain(&gradient).zip(frozen_states.iter().chain(&frozen_gradient)) {
            assert!((a - b).abs() < 1e-4 * (1.0 + a.abs()), "{layers} layers frozen: {a} became {b}");
        }
    }
}

/// The gradient of the last parameter, which belongs to the last layer.
struct LastGradient<'a> {
    params: &'a burn::optim::GradientsParams,
    values: Vec<f32>,
}

impl ModuleVisitor for LastGradient<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.values = self.params.get::<D>(param.id).map(values).unwrap_or_default();
    }
}
