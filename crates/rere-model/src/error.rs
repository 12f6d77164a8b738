//! Errors of models.

use std::{error::Error, path::PathBuf};

/// A cause that comes from another library.
type Source = Box<dyn Error + Send + Sync>;

/// A model that cannot be built, read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A file cannot be read or written.
    #[error("{} {}", path.display(), if is_missing(source) { "is not found" } else { "cannot be read or written" })]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A `config.json` is not the configuration of a supported encoder.
    #[error("{}: not the configuration of a supported encoder", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: Source,
    },
    /// Settings of an encoder are invalid or not supported.
    #[error("encoder configuration: {0}")]
    Unsupported(ConfigProblem),
    /// A file of weights is not in the safetensors format or is truncated.
    #[error("{}: not a complete safetensors file; download or copy it again", path.display())]
    NotSafetensors {
        /// The file.
        path: PathBuf,
        /// The error of the parser.
        source: Source,
    },
    /// A file of weights is not a PyTorch checkpoint of tensors alone, or is truncated.
    #[error("{}: not a complete PyTorch checkpoint of tensors alone; download it again, or save it as safetensors", path.display())]
    NotPyTorch {
        /// The file.
        path: PathBuf,
        /// The error of the parser.
        source: Source,
    },
    /// A folder has no weights.
    #[error("{}: there are no weights; expected model.safetensors, model.safetensors.index.json with its parts, or pytorch_model.bin", path.display())]
    NoWeights {
        /// The folder.
        path: PathBuf,
    },
    /// An index of weights in several files cannot be used.
    #[error("{}: not an index of weights: expected \"weight_map\" with the names of files in the same folder", path.display())]
    Index {
        /// The index.
        path: PathBuf,
        /// What is wrong.
        source: Source,
    },
    /// A file of weights does not fit the model.
    #[error("{}: the weights do not fit the configuration beside them: {problem}", path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        problem: WeightsProblem,
    },
    /// Weights cannot be serialised.
    #[error("{}: the weights cannot be written", path.display())]
    Save {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Source,
    },
    /// A network cannot be written as ONNX.
    #[error("ONNX: {0}")]
    Onnx(OnnxProblem),
    /// A precision is unknown or not supported.
    #[error("precision {name:?}: {problem}")]
    Precision {
        /// The name of the precision.
        name: String,
        /// What is wrong with it.
        problem: PrecisionProblem,
    },
    /// A device is unknown or not available.
    #[error("device {name:?}: {problem}")]
    Device {
        /// The name of the device.
        name: String,
        /// What is wrong with it.
        problem: DeviceProblem,
    },
}

fn is_missing(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}

/// A setting of an encoder that is invalid or not supported.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigProblem {
    /// A setting whose value is not supported.
    #[error("{name}: expected {expected}, found {found}")]
    Value {
        /// Name of the setting.
        name: &'static str,
        /// What is supported.
        expected: &'static str,
        /// The given value.
        found: String,
    },
    /// Positions other than absolute ones.
    #[error("position_embedding_type: expected \"absolute\", found {found:?}")]
    PositionEmbedding {
        /// The given type.
        found: String,
    },
    /// A size of 0.
    #[error("{name}: expected at least 1, found 0")]
    Zero {
        /// Name of the setting.
        name: &'static str,
    },
    /// A hidden size that the attention heads cannot share equally.
    #[error("hidden_size: expected a multiple of num_attention_heads {heads}, found {hidden_size}")]
    Heads {
        /// The given hidden size.
        hidden_size: usize,
        /// The given number of heads.
        heads: usize,
    },
    /// A dropout outside \[0, 1).
    #[error("{name}: expected a number in [0, 1), found {found}")]
    Dropout {
        /// Name of the setting.
        name: &'static str,
        /// The given number.
        found: f64,
    },
    /// A standard deviation of random weights that is negative or not finite.
    #[error("initializer_range: expected a finite number, at least 0, found {found}")]
    InitializerRange {
        /// The given number.
        found: f64,
    },
    /// An epsilon of layer norms that is not positive or not finite.
    #[error("layer_norm_eps: expected a finite number over 0, found {found}")]
    LayerNormEps {
        /// The given number.
        found: f64,
    },
}

/// The difference between a file of weights and the model that they are for.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsProblem {
    /// Tensors of the model that the file does not have.
    #[error(
        "{} {} missing, such as {}",
        names.len(),
        if names.len() == 1 { "tensor is" } else { "tensors are" },
        names.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ")
    )]
    Missing {
        /// Names of the tensors.
        names: Vec<String>,
    },
    /// A tensor with another shape than that in the model.
    #[error("tensor {name}: expected the shape {expected:?}, found {found:?}")]
    Shape {
        /// Name of the tensor, the first one of this kind.
        name: String,
        /// Its shape in the model.
        expected: Vec<usize>,
        /// Its shape in the file.
        found: Vec<usize>,
    },
    /// Tensors of layers that the model does not have.
    #[error(
        "the model has no {}{}; is the number of layers in config.json right?",
        names.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", "),
        if names.len() > 3 { format!(" and {} more tensors", names.len() - 3) } else { String::new() }
    )]
    LeftOver {
        /// Names of the tensors.
        names: Vec<String>,
    },
    /// Tensors that cannot be converted, in the words of the tensor library.
    #[error("{message}")]
    Unreadable {
        /// The errors of the tensor library.
        message: String,
    },
}

/// The reason why a network cannot be written as ONNX.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxProblem {
    /// The encoder has no graph.
    #[error(
        "expected an encoder with the layers of BERT (bert, roberta, camembert, xlm-roberta, distilbert, electra, ernie, \
         mpnet or deberta-v2), found {encoder}"
    )]
    Encoder {
        /// The encoder.
        encoder: &'static str,
    },
    /// The layers are packed.
    #[error("the layers are packed: export the network before it is cast to a precision")]
    Packed,
    /// The file would be larger than the format allows.
    #[error("the network would have {bytes} bytes, but a file has less than 2 GiB: use a smaller encoder")]
    TooLarge {
        /// The size of the file.
        bytes: usize,
    },
}

/// The reason why a precision cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PrecisionProblem {
    /// There is no such precision.
    #[error("unknown; expected one of f32, bf16, f16, int8")]
    Unknown,
    /// The device does not support it.
    #[error("the device does not support it: use f32")]
    Device,
    /// 8 bits are supported on `flex` only.
    #[error("supported on the device flex only")]
    NotFlex,
    /// The encoder is an LSTM, which supports f32 only.
    #[error("an LSTM supports f32 only: use f32")]
    Lstm,
}

/// The reason why a device cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceProblem {
    /// There is no such name.
    #[error("unknown; expected one of flex, wgpu, libtorch, libtorch:cuda:0, cuda:0 (0 is the number of the GPU)")]
    Unknown,
    /// The backend is not part of this build.
    #[error("not in this build: build with the feature {feature}")]
    NotBuilt {
        /// The feature that adds the backend.
        feature: &'static str,
    },
    /// The machine does not have the device, or its driver.
    #[error("this machine has no such device, or its driver is not found")]
    Absent,
}
