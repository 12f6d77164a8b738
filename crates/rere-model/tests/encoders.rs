//! Properties of encoders, and weights in files.

mod common;

use std::{error::Error, fs, path::Path};

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Device, Distribution, FloatDType, Int, Tensor},
};
use rere_model::{
    AnyEncoder, BertConfig, BiLstmConfig, CasRelHead, Encoder, EncoderConfig, EncoderInput, ModelError, Network, Pack,
    PairHead, PointerHead, Pooling, Precision, PrecisionProblem, PrgcHead, RelationModel, TaggingHead, TpLinkerHead,
    WeightType, WeightsProblem, load_pretrained, load_weights, read_config, save_weights,
};

use common::device;

fn bert() -> EncoderConfig {
    BertConfig::tiny(50).into()
}

fn bilstm() -> EncoderConfig {
    let mut config = BiLstmConfig::new(50);
    (config.embedding_size, config.direction_size) = (12, 10);
    config.into()
}

/// The settings of a transformer from its `config.json`, with sizes that all have.
fn transformer(model_type: &str, more: serde_json::Value) -> EncoderConfig {
    let mut config = serde_json::json!({
        "model_type": model_type, "vocab_size": 50, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4,
        "intermediate_size": 48, "max_position_embeddings": 20, "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    });
    config.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    serde_json::from_value(config).expect("settings")
}

/// Every transformer, without dropout.
fn transformers() -> Vec<EncoderConfig> {
    use serde_json::json;
    let deberta = json!({ "relative_attention": true, "position_buckets": 4, "share_att_key": true,
        "pos_att_type": "p2c|c2p", "norm_rel_ebd": "layer_norm", "position_biased_input": false });
    vec![
        transformer("bert", json!({})),
        transformer("roberta", json!({ "type_vocab_size": 1 })),
        transformer("xlm-roberta", json!({ "type_vocab_size": 1 })),
        transformer("distilbert", json!({ "activation": "relu" })),
        transformer("electra", json!({ "embedding_size": 16, "hidden_act": "gelu_new" })),
        transformer("ernie", json!({ "use_task_id": true })),
        transformer("mpnet", json!({})),
        transformer("deberta-v2", deberta),
        transformer("modernbert", json!({ "local_attention": 4 })),
    ]
}

/// Every encoder.
fn configs() -> Vec<EncoderConfig> {
    [bert(), bilstm()].into_iter().chain(transformers()).collect()
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
    let cases =
        transformers().into_iter().flat_map(|config| [(config.clone(), Pooling::First), (config, Pooling::Mean)]);
    for (config, pooling) in cases {
        let model = RelationModel::new(&config, 9, pooling, &device).expect("a model");
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
                assert!((a - b).abs() <= tolerance * largest, "{config:?} {pooling:?} {precision:?}: {a} became {b}");
            }
        }
    }
    let error = "f8".parse::<Precision>().expect_err("no such precision");
    assert!(matches!(error, ModelError::Precision { problem: PrecisionProblem::Unknown, .. }), "{error}");
    assert_eq!(error.to_string(), "precision \"f8\": unknown; expected one of f32, bf16, f16, int8");
}

/// Names of the weights of a network that are matrices.
#[derive(Default)]
struct Matrices {
    path: Vec<String>,
    names: Vec<String>,
}

impl ModuleVisitor for Matrices {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, _: &Param<Tensor<D>>) {
        if D == 2 {
            self.names.push(self.path.join("."));
        }
    }
}

fn matrices(model: &impl Module) -> Vec<String> {
    let mut matrices = Matrices::default();
    model.visit(&mut matrices);
    matrices.names
}

/// Checks that all linear layers of a network are packed: what is left are embeddings.
fn check_packed<M: Module + Pack>(network: M, linear_layers: usize) {
    let before = matrices(&network);
    for weights in [WeightType::F32, WeightType::Int8] {
        let after = matrices(&network.clone().pack(weights));
        assert_eq!(before.len() - after.len(), linear_layers, "{before:?} became {after:?}");
        let is_embedding = |name: &String| {
            ["word", "position", "token_type", "task", "relative", "embedding"].iter().any(|part| name.contains(part))
        };
        assert!(after.iter().all(is_embedding), "{after:?}");
    }
}

#[test]
fn every_linear_layer_is_packed() {
    let device = device();
    if device != Device::flex() {
        return;
    }
    for config in transformers() {
        let modernbert = matches!(config, EncoderConfig::ModernBert(_));
        // Query, key, value, output, up and down; ModernBERT has one layer for the first three.
        let encoder = 3 * if modernbert { 4 } else { 6 } + usize::from(matches!(config, EncoderConfig::Electra(_)));
        let relation = RelationModel::new(&config, 9, Pooling::First, &device).expect("a model");
        check_packed(relation, encoder + 1);
        check_packed(network(&config, &device).expect("a network"), encoder + 1);
    }
    check_packed(CasRelHead::new(32, 5, &device), 2);
    check_packed(PairHead::new(32, 5, &device), 3);
    check_packed(PrgcHead::new(32, 5, &device), 5);
    check_packed(TaggingHead::new(32, 24, 16, 5, &device), 6);
    check_packed(TpLinkerHead::new(32, 5, &device), 2);
}

/// The largest difference, relative to the largest value.
fn difference<const D: usize>(exact: Tensor<D>, packed: Tensor<D>) -> f32 {
    let largest = exact.clone().abs().max().into_scalar::<f32>();
    (exact - packed).abs().max().into_scalar::<f32>() / largest
}

#[test]
fn packed_layers_give_nearly_the_same() {
    let device = device();
    let packed: [(Precision, f32); 2] = [(Precision::F32, 1e-5), (Precision::Int8, 0.05)];
    if device != Device::flex() {
        let model = network(&bert(), &device).expect("a network");
        let error = Precision::Int8.cast(model, &device).expect_err("not on this device");
        assert!(matches!(error, ModelError::Precision { problem: PrecisionProblem::NotFlex, .. }), "{error}");
        return;
    }
    let input = input(&[&[2, 7, 8, 9, 10, 3], &[2, 20, 3]], 7, &device);
    let hidden = Tensor::<3>::random([2, 7, 32], Distribution::Normal(0.0, 1.0), &device);
    for (precision, tolerance) in packed {
        let near = |difference: f32, what: &str| assert!(difference <= tolerance, "{precision} {what}: {difference}");
        for config in transformers() {
            for pooling in [Pooling::First, Pooling::Mean] {
                let model = RelationModel::new(&config, 9, pooling, &device).expect("a model");
                let cast = precision.cast(model.clone(), &device).expect("supported");
                near(difference(model.forward(&input), cast.forward(&input)), &format!("{config:?} {pooling:?}"));
            }
            let model = network(&config, &device).expect("a network");
            let cast = precision.cast(model.clone(), &device).expect("supported");
            // States of padding have no meaning.
            let tokens = |model: &Network<PointerHead>| model.head.forward(model.encode(&input)).narrow(1, 0, 3);
            near(difference(tokens(&model), tokens(&cast)), &format!("{config:?}"));
        }
        let subjects = Tensor::<2>::ones([2, 7], &device).div_scalar(7.0);
        let head = CasRelHead::new(32, 5, &device);
        let cast = precision.cast(head.clone(), &device).expect("supported");
        near(difference(head.subjects(hidden.clone()), cast.subjects(hidden.clone())), "CasRel");
        let objects = |head: &CasRelHead| head.objects(hidden.clone(), subjects.clone());
        near(difference(objects(&head), objects(&cast)), "CasRel");
        let head = PairHead::new(32, 5, &device);
        let cast = precision.cast(head.clone(), &device).expect("supported");
        let means = subjects.clone().unsqueeze_dim::<3>(1);
        let pairs = |head: &PairHead| head.pairs(hidden.clone(), [means.clone(), means.clone(), means.clone()]);
        near(difference(pairs(&head), pairs(&cast)), "pair");
        let head = PrgcHead::new(32, 5, &device);
        let cast = precision.cast(head.clone(), &device).expect("supported");
        let pointers = |head: &PrgcHead| head.pointers(hidden.clone(), &[(0, 1), (1, 4)]);
        near(difference(pointers(&head), pointers(&cast)), "PRGC");
        near(difference(head.correspondences(hidden.clone()), cast.correspondences(hidden.clone())), "PRGC");
        let head = TaggingHead::new(32, 24, 16, 5, &device);
        let cast = precision.cast(head.clone(), &device).expect("supported");
        near(difference(head.forward(hidden.clone()), cast.forward(hidden.clone())), "novel tagging");
        let head = TpLinkerHead::new(32, 5, &device);
        let cast = precision.cast(head.clone(), &device).expect("supported");
        near(difference(head.forward(hidden.clone()), cast.forward(hidden.clone())), "TPLinker");
    }
}

#[test]
fn packed_weights_are_not_saved() {
    let (device, folder) = (Device::flex(), tempfile::tempdir().expect("a folder"));
    let model = network(&bert(), &device).expect("a network").pack(WeightType::Int8);
    let path = folder.path().join("model.safetensors");
    let error = save_weights(&model, &path).expect_err("weights would be missing");
    let source = error.source().expect("a cause").to_string();
    assert!(source.contains("packed"), "{source}");
    assert!(!path.exists());
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
    let (config, other) = (bert(), bilstm());
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
    let config = bert();
    let load = || load_pretrained(config.init(&device).expect("an encoder"), folder.path()).map(|_| ());

    assert!(matches!(load().expect_err("no file"), ModelError::NoWeights { .. }));
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

/// Copies a family's folder, changes a key of its `config.json`, and loads it.
fn load_family(family: &str, change: impl FnOnce(&Path)) -> Result<AnyEncoder, ModelError> {
    let (from, to) =
        (Path::new("tests/reference/families").join(family), tempfile::tempdir().expect("a temporary folder"));
    for entry in fs::read_dir(from).expect("the folder") {
        let path = entry.expect("an entry").path();
        fs::copy(&path, to.path().join(path.file_name().expect("a name"))).expect("copied");
    }
    change(to.path());
    load_pretrained(read_config(to.path())?.init(&device())?, to.path())
}

fn set(folder: &Path, key: &str, value: impl Into<serde_json::Value>) {
    let path = folder.join("config.json");
    let mut config: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("settings")).expect("JSON");
    config[key] = value.into();
    fs::write(path, config.to_string()).expect("written");
}

#[test]
fn folders_whose_files_do_not_fit_together_are_errors() {
    for family in ["bert", "roberta", "modernbert"] {
        load_family(family, |_| {}).expect("loads");
    }
    let problem = |result: Result<AnyEncoder, ModelError>| match result.map(|_| ()).expect_err("an error") {
        ModelError::Mismatch { problem, .. } => problem,
        error => panic!("{error}"),
    };
    // A configuration with more layers than the weights, and one with fewer.
    let more = problem(load_family("bert", |folder| set(folder, "num_hidden_layers", 3)));
    assert!(matches!(&more, WeightsProblem::Missing { names } if names.len() == 16), "{more}");
    let fewer = problem(load_family("bert", |folder| set(folder, "num_hidden_layers", 1)));
    assert!(fewer.to_string().starts_with("the model has no layers.1."), "{fewer}");
    let shape = problem(load_family("mpnet", |folder| set(folder, "relative_attention_num_buckets", 16)));
    assert!(matches!(&shape, WeightsProblem::Shape { name, .. } if name == "relative.bias.weight"), "{shape}");

    let error = load_family("modernbert", |folder| {
        fs::remove_file(folder.join("model-00002-of-00002.safetensors")).expect("removed");
    });
    let error = error.map(|_| ()).expect_err("a missing part");
    let source = error.source().map(ToString::to_string);
    assert!(matches!(error, ModelError::Index { .. }), "{error}");
    assert_eq!(source.as_deref(), Some("model-00002-of-00002.safetensors is not found"));
    let outside = load_family("modernbert", |folder| {
        let index = r#"{"weight_map": {"a": "../secret.safetensors"}}"#;
        fs::write(folder.join("model.safetensors.index.json"), index).expect("written");
    });
    assert!(matches!(outside, Err(ModelError::Index { .. })));
    let truncated = load_family("modernbert", |folder| {
        let path = folder.join("model-00001-of-00002.safetensors");
        let whole = fs::read(&path).expect("read");
        fs::write(path, &whole[..whole.len() - 8]).expect("written");
    });
    assert!(matches!(truncated, Err(ModelError::NotSafetensors { .. })));
}

/// Nothing in a checkpoint is executed. What is no tensor is an error.
#[test]
fn checkpoints_with_code_are_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    let mark = folder.path().join("executed");
    let command = format!("touch {}", mark.display());
    // In the protocol that PyTorch writes: a call alone, and a call as the value of a tensor's name.
    let text = |text: &str| [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
    let call = |function: &[u8]| [function, &text(&command)[..], b"\x85R"].concat();
    let entry = [b"}", &text("roberta.embeddings.word_embeddings.weight")[..], &call(b"cos\nsystem\n"), b"s"].concat();
    let pickles = [call(b"cos\nsystem\n"), call(b"cbuiltins\nexec\n"), entry];
    let pickles = pickles.map(|pickle| [b"\x80\x02", &pickle[..], b"."].concat());
    for pickle in pickles.into_iter().chain([b"no pickle".to_vec(), Vec::new()]) {
        let loaded = load_family("roberta", |folder| {
            fs::write(folder.join("pytorch_model.bin"), &pickle).expect("written");
        });
        let error = loaded.map(|_| ()).expect_err("not tensors alone");
        println!("{error}: {:?}", error.source().map(ToString::to_string));
        assert!(!mark.exists(), "{pickle:?} was executed");
    }
    let truncated = load_family("roberta", |folder| {
        let path = folder.join("pytorch_model.bin");
        let whole = fs::read(&path).expect("read");
        fs::write(path, &whole[..whole.len() / 2]).expect("written");
    });
    assert!(matches!(truncated, Err(ModelError::NotPyTorch { .. })));
}

#[test]
fn unsupported_configurations_are_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |text: &str| fs::write(folder.path().join("config.json"), text).expect("written");
    assert!(matches!(read_config(Path::new("/no/such/folder")), Err(ModelError::Io { .. })));
    let activation = r#"{"model_type":"bert","hidden_size":8,"num_hidden_layers":1,"num_attention_heads":2,
        "intermediate_size":8,"max_position_embeddings":8,"hidden_act":"softplus"}"#;
    for bad in ["", "{", r#"{"model_type":"t5"}"#, r#"{"model_type":"bert"}"#, activation] {
        write(bad);
        assert!(matches!(read_config(folder.path()), Err(ModelError::Config { .. })), "{bad}");
    }
    let device = device();
    let tiny = || BertConfig::tiny(50);
    let bad = [
        BertConfig { position_embedding_type: "relative_key".into(), ..tiny() },
        BertConfig { max_position_embeddings: 0, ..tiny() },
        BertConfig { num_attention_heads: 5, ..tiny() },
        BertConfig { num_attention_heads: 0, ..tiny() },
        BertConfig { vocab_size: 0, ..tiny() },
        BertConfig { hidden_dropout_prob: 1.0, ..tiny() },
        BertConfig { initializer_range: f64::NAN, ..tiny() },
        BertConfig { initializer_range: -0.02, ..tiny() },
        BertConfig { layer_norm_eps: f64::INFINITY, ..tiny() },
        BertConfig { layer_norm_eps: 0.0, ..tiny() },
    ];
    let deberta = |more: serde_json::Value| {
        let mut all = serde_json::json!({ "relative_attention": true, "share_att_key": true, "pos_att_type": ["c2p"] });
        all.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        transformer("deberta-v2", all)
    };
    deberta(serde_json::json!({})).init(&device).expect("supported");
    for (config, message) in [
        (deberta(serde_json::json!({ "conv_kernel_size": 3 })), "conv_kernel_size: expected 0, found 3"),
        (deberta(serde_json::json!({ "share_att_key": false })), "share_att_key: expected true, found false"),
        (deberta(serde_json::json!({ "pos_att_type": "c2p|p2p" })), "pos_att_type: expected c2p and p2c, found p2p"),
        (
            deberta(serde_json::json!({ "max_position_embeddings": 0 })),
            "max_position_embeddings: expected at least 1, found 0",
        ),
        (
            transformer("roberta", serde_json::json!({ "max_position_embeddings": 2 })),
            "max_position_embeddings: expected more than pad_token_id + 1, found 2",
        ),
        (
            transformer("mpnet", serde_json::json!({ "relative_attention_num_buckets": 1 })),
            "relative_attention_num_buckets: expected at least 4, found 1",
        ),
        (
            transformer("ernie", serde_json::json!({ "use_task_id": true, "task_type_vocab_size": 0 })),
            "task_type_vocab_size: expected at least 1, found 0",
        ),
        (
            transformer(
                "modernbert",
                serde_json::json!({ "rope_parameters": { "full_attention": { "rope_type": "yarn" } } }),
            ),
            "rope_type: expected default, found yarn",
        ),
        (
            transformer("modernbert", serde_json::json!({ "layer_types": ["full_attention"] })),
            "layer_types: expected one for each of num_hidden_layers, found 1",
        ),
        (
            transformer("modernbert", serde_json::json!({ "num_attention_heads": 32 })),
            "hidden_size: expected a multiple of num_attention_heads 32, found 32",
        ),
    ] {
        let error = config.init(&device).map(|_| ()).expect_err(message);
        assert_eq!(error.to_string(), format!("encoder configuration: {message}"));
    }
    for config in bad {
        assert!(
            matches!(EncoderConfig::from(config.clone()).init(&device), Err(ModelError::Unsupported(_))),
            "{config:?}"
        );
    }
}

/// transformers has 1 in the code of MPNet's positions, whatever `pad_token_id` is.
#[test]
fn positions_of_mpnet_do_not_depend_on_the_id_of_padding() {
    let with = |id: usize| {
        let encoder = load_family("mpnet", |folder| set(folder, "pad_token_id", id)).expect("loaded");
        let device = device();
        values(encoder.forward(&input(&[&[0, 7, 8, 2], &[0, 9, 2]], 4, &device)))
    };
    assert_eq!(with(0), with(1));
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
    let input = input(&[&[2, 7, 8, 9, 10, 3], &[2, 20, 3]], 7, &device);
    let run = |encoder: &AnyEncoder, input: &EncoderInput| {
        let first = encoder.first(input);
        let gradients = first.clone().powi_scalar(3).sum().backward();
        let mut last =
            LastGradient { params: &burn::optim::GradientsParams::from_grads(gradients, encoder), values: Vec::new() };
        encoder.visit(&mut last);
        (values(first), last.values)
    };
    // Frozen layers have no dropout, so the others must have none, too.
    for config in transformers() {
        let whole = config.init(&device).expect("an encoder");
        let (states, gradient) = run(&whole, &input);
        assert!(whole.frozen(&input).is_none());
        assert!(gradient.iter().any(|value| *value != 0.0));
        for layers in 0..3 {
            let frozen = whole.clone().freeze_lower(layers);
            let (frozen_states, frozen_gradient) = run(&frozen, &input);
            let mut kept = input.clone();
            kept.frozen = frozen.frozen(&input);
            assert!(kept.frozen.is_some());
            assert_eq!(
                run(&frozen, &kept),
                (frozen_states.clone(), frozen_gradient.clone()),
                "{config:?}: {layers} layers kept"
            );
            for (a, b) in states.iter().chain(&gradient).zip(frozen_states.iter().chain(&frozen_gradient)) {
                assert!((a - b).abs() < 1e-4 * (1.0 + a.abs()), "{config:?}: {layers} layers frozen: {a} became {b}");
            }
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
