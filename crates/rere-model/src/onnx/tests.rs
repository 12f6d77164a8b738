use std::collections::BTreeSet;

use burn::tensor::Device;
use prost::Message;

use super::*;
use crate::{
    BertConfig, BiLstmConfig, EncoderConfig, ModernBertConfig, Network, Pack, PointerHead, Pooling, PrgcHead,
    RelationModel, WeightType,
};

/// Settings of each encoder that has a graph.
fn encoders() -> Vec<EncoderConfig> {
    let bert = serde_json::json!({
        "vocab_size": 30, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 12,
        "max_position_embeddings": 24, "embedding_size": 6, "use_task_id": true, "relative_attention": true,
        "share_att_key": true, "norm_rel_ebd": "layer_norm", "pos_att_type": "p2c|c2p", "position_buckets": 6,
    });
    let families =
        ["bert", "roberta", "xlm-roberta", "camembert", "distilbert", "electra", "ernie", "mpnet", "deberta-v2"];
    let with_type = |family: &&str| {
        let mut config = bert.clone();
        config["model_type"] = (*family).into();
        serde_json::from_value(config).unwrap_or_else(|error| panic!("{family}: {error}"))
    };
    let mut encoders: Vec<EncoderConfig> = families.iter().map(with_type).collect();
    let tiny = BertConfig { hidden_size: 8, intermediate_size: 8, ..BertConfig::tiny(30) };
    encoders.push(BertConfig { num_hidden_layers: 0, ..tiny.clone() }.into());
    encoders.push(BertConfig { type_vocab_size: 1, ..tiny }.into());
    encoders
}

/// The models of all networks with an encoder.
fn models(encoder: &EncoderConfig) -> Result<Vec<OnnxModel>, ModelError> {
    let device = Device::flex();
    let mut models = Vec::new();
    for pooling in [Pooling::First, Pooling::Mean] {
        models.push(RelationModel::new(encoder, 3, pooling, &device)?.to_onnx(22)?);
    }
    models.push(Network::new(encoder, &device, |hidden| PointerHead::new(hidden, &device))?.to_onnx(22)?);
    models.extend(Network::new(encoder, &device, |hidden| PrgcHead::new(hidden, 3, &device))?.to_onnx(22)?);
    Ok(models)
}

#[test]
fn graphs_are_complete_and_in_order() {
    for encoder in encoders() {
        for OnnxModel(model) in models(&encoder).expect("models") {
            let bytes = model.encode_to_vec();
            assert_eq!(proto::Model::decode(bytes.as_slice()), Ok(model.clone()));
            let graph = model.graph.expect("a graph");
            let (mut known, mut used) = (BTreeSet::new(), BTreeSet::new());
            let mut add = |name: &str| assert!(known.insert(name.to_owned()), "{encoder:?}: {name} is there twice");
            graph.inputs.iter().for_each(|input| add(&input.name));
            for constant in &graph.constants {
                add(&constant.name);
                let size = if constant.element == proto::FLOAT { 4 } else { 8 };
                let elements: i64 = constant.shape.iter().product();
                assert_eq!(constant.bytes.len() as i64, elements * size, "{encoder:?}: {}", constant.name);
            }
            for node in &graph.nodes {
                for input in &node.inputs {
                    assert!(known.contains(input), "{encoder:?}: {} reads {input}, which is not there yet", node.name);
                    used.insert(input.clone());
                }
                node.outputs.iter().for_each(|output| assert!(known.insert(output.clone()), "{output} is there twice"));
            }
            used.extend(graph.outputs.iter().map(|output| output.name.clone()));
            assert!(used.is_subset(&known), "{encoder:?}: not all outputs are there");
            // Without layers nothing attends to the mask.
            if graph.nodes.iter().any(|node| node.operator == "Softmax") {
                assert_eq!(known.difference(&used).collect::<Vec<_>>(), [""; 0], "{encoder:?}: not used");
            }
        }
    }
}

/// Without the inputs that a family does not have, a reader would pass what the graph refuses.
#[test]
fn only_encoders_with_segments_read_them() {
    for encoder in encoders() {
        let has_segments = match &encoder {
            EncoderConfig::DistilBert(_) | EncoderConfig::Mpnet(_) | EncoderConfig::Deberta(_) => false,
            EncoderConfig::Bert(config) => config.type_vocab_size > 1,
            _ => true,
        };
        let OnnxModel(model) = models(&encoder).expect("models").swap_remove(2);
        let inputs = model.graph.expect("a graph").inputs;
        let names: Vec<&str> = inputs.iter().map(|input| input.name.as_str()).collect();
        let expected: &[&str] = &["input_ids", "attention_mask", "token_type_ids"];
        assert_eq!(names, &expected[..2 + usize::from(has_segments)], "{encoder:?}");
    }
}

#[test]
fn other_encoders_are_errors() {
    let modernbert: ModernBertConfig = serde_json::from_value(serde_json::json!({
        "vocab_size": 30, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8,
        "max_position_embeddings": 24,
    }))
    .expect("settings");
    for (config, name) in
        [(EncoderConfig::ModernBert(modernbert), "modernbert"), (BiLstmConfig::new(30).into(), "bilstm")]
    {
        let error = models(&config).expect_err("no graph");
        assert!(
            matches!(&error, ModelError::Onnx(OnnxProblem::Encoder { encoder }) if *encoder == name),
            "{name}: {error}"
        );
    }
}

#[test]
fn a_model_that_is_too_large_is_an_error_and_writes_no_file() {
    let model = models(&encoders()[0]).expect("models").swap_remove(0);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.onnx");
    let size = model.0.encoded_len();
    let error = model.save_within(size - 1, &path).expect_err("too large");
    assert!(matches!(error, ModelError::Onnx(OnnxProblem::TooLarge { bytes }) if bytes == size), "{error}");
    assert!(!path.exists());
    model.save_within(size, &path).expect("written");
    assert_eq!(std::fs::read(&path).expect("read").len(), size);
}

#[test]
fn packed_networks_are_errors() {
    let device = Device::flex();
    let packed = |error: ModelError| assert!(matches!(error, ModelError::Onnx(OnnxProblem::Packed)), "{error}");
    for config in encoders() {
        let relation = RelationModel::new(&config, 3, Pooling::First, &device).expect("a network");
        packed(relation.pack(WeightType::F32).to_onnx(20).expect_err("packed"));
        let pointers = Network::new(&config, &device, |hidden| PointerHead::new(hidden, &device)).expect("a network");
        packed(pointers.pack(WeightType::Int8).to_onnx(20).expect_err("packed"));
        let prgc = Network::new(&config, &device, |hidden| PrgcHead::new(hidden, 3, &device)).expect("a network");
        packed(prgc.pack(WeightType::Int8).to_onnx(20).expect_err("packed"));
    }
}
