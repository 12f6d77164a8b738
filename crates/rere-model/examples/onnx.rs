//! Writes networks with the given pretrained encoders, and with random ones of each activation, as ONNX. Beside each
//! NAME.onnx is a NAME.json with inputs, and with the outputs that this crate computes from them; `tests/run_onnx.py`
//! compares these with onnxruntime's.
//!
//! ```sh
//! cargo run --release -p rere-model --example onnx -- OUT ENCODER...
//! ```

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use rere_model::{
    Activation, AnyEncoder, BertConfig, EncoderConfig, EncoderInput, HasEncoder, ModelError, Network, OnnxModel,
    PointerHead, Pooling, PrgcHead, RelationModel,
    burn::tensor::{Device, Int, Tensor, TensorData},
    load_pretrained, read_config,
};
use serde_json::{Value, json};

/// The most tokens of an input: distances of more than 128 tokens are equal to MPNet.
const MOST_TOKENS: usize = 150;
const RELATIONS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let device = Device::flex();
    device.seed(1);
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let out = arguments.next().ok_or("expected a folder to write to, and folders of encoders")?;
    fs::create_dir_all(&out)?;
    for folder in arguments {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let config = read_config(&folder)?;
        let encoder = load_pretrained(config.init(&device)?, &folder)?;
        write(&out, &name, &config, encoder, &device)?;
    }
    use Activation::{Gelu, GeluTanh, Mish, QuickGelu, Relu, Silu, Tanh};
    for activation in [Gelu, GeluTanh, QuickGelu, Relu, Silu, Tanh, Mish] {
        let config = BertConfig { hidden_act: activation, initializer_range: 0.2, ..BertConfig::tiny(500) }.into();
        let encoder = EncoderConfig::init(&config, &device)?;
        write(&out, &format!("{activation:?}").to_lowercase(), &config, encoder, &device)?;
    }
    Ok(())
}

/// Writes all networks with an encoder.
fn write(
    out: &Path,
    name: &str,
    config: &EncoderConfig,
    encoder: AnyEncoder,
    device: &Device,
) -> Result<(), Box<dyn Error>> {
    let longest = config.max_tokens().unwrap_or(MOST_TOKENS).min(MOST_TOKENS);
    let input = Input::new([longest / 2, longest], config.vocab_size());
    let tensors = input.tensors(device);
    let encoder = |_: AnyEncoder| Ok::<_, ModelError>(encoder.clone());

    for (pooling, suffix) in [(Pooling::First, "first"), (Pooling::Mean, "mean")] {
        let network = RelationModel::new(config, RELATIONS, pooling, device)?.map_encoder(encoder)?;
        let outputs = json!({"relations": numbers(network.forward(&tensors))});
        save(out, &format!("{name}-{suffix}"), &network.to_onnx(longest)?, input.json(), outputs)?;
    }
    let network = Network::new(config, device, |hidden| PointerHead::new(hidden, device))?.map_encoder(encoder)?;
    let outputs = json!({"pointers": numbers(network.head.forward(network.encode(&tensors)))});
    save(out, &format!("{name}-pointers"), &network.to_onnx(longest)?, input.json(), outputs)?;

    let network =
        Network::new(config, device, |hidden| PrgcHead::new(hidden, RELATIONS, device))?.map_encoder(encoder)?;
    let [relations, pointers] = network.to_onnx(longest)?;
    let states = network.encode(&tensors);
    let outputs = json!({
        "relations": numbers(network.head.relations(states.clone(), &tensors)),
        "states": numbers(states.clone()),
    });
    save(out, &format!("{name}-prgc"), &relations, input.json(), outputs)?;
    let (rows, labels) = ([1, 0, 1], [4, 0, 2]);
    let inputs = json!({
        "states": numbers(states.clone()),
        "rows": {"shape": [rows.len()], "values": rows},
        "labels": {"shape": [labels.len()], "values": labels},
    });
    let examples: Vec<(usize, usize)> = rows.into_iter().zip(labels).collect();
    let outputs = json!({
        "pointers": numbers(network.head.pointers(states.clone(), &examples)),
        "correspondences": numbers(network.head.correspondences(states)),
    });
    save(out, &format!("{name}-prgc-pointers"), &pointers, inputs, outputs)
}

/// A batch, the first row of which is padded.
struct Input {
    ids: Vec<i64>,
    segments: Vec<i64>,
    mask: Vec<i64>,
    shape: [usize; 2],
}

impl Input {
    fn new(lengths: [usize; 2], vocabulary: usize) -> Self {
        let width = lengths[1];
        let each = |value: &dyn Fn(usize, usize) -> usize| {
            let rows = lengths.into_iter().flat_map(|length| (0..width).map(move |at| (length, at)));
            rows.map(|(length, at)| value(length, at) as i64).collect::<Vec<i64>>()
        };
        Self {
            ids: each(&|length, at| if at < length { (7 + length * 31 + at * 17) % vocabulary } else { 0 }),
            segments: each(&|length, at| usize::from(at < length && at > length / 3)),
            mask: each(&|length, at| usize::from(at < length)),
            shape: [lengths.len(), width],
        }
    }

    fn tensors(&self, device: &Device) -> EncoderInput {
        let tensor = |values: &[i64]| Tensor::<2, Int>::from_data(TensorData::new(values.to_vec(), self.shape), device);
        EncoderInput::new(tensor(&self.ids), tensor(&self.segments), tensor(&self.mask).bool())
    }

    fn json(&self) -> Value {
        let array = |values: &[i64]| json!({"shape": self.shape, "values": values});
        json!({
            "input_ids": array(&self.ids),
            "attention_mask": array(&self.mask),
            "token_type_ids": array(&self.segments),
        })
    }
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Value {
    let shape = tensor.dims().to_vec();
    json!({"shape": shape, "values": tensor.into_data().iter::<f32>().collect::<Vec<f32>>()})
}

fn save(out: &Path, name: &str, model: &OnnxModel, inputs: Value, outputs: Value) -> Result<(), Box<dyn Error>> {
    model.save(&out.join(format!("{name}.onnx")))?;
    Ok(fs::write(out.join(format!("{name}.json")), json!({"inputs": inputs, "outputs": outputs}).to_string())?)
}
