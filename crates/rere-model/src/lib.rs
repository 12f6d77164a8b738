//! Text encoders and relation-extraction heads on [burn](https://docs.rs/burn), for every device that burn supports.
//!
//! Use this crate to build a relation-extraction model, RERE's or your own. An [`Encoder`] turns token ids into hidden
//! states, and a head turns hidden states into logits. Tokenizers, corpora and losses are in other crates.
//!
//! ```
//! use rere_model::{
//!     BertConfig, EncoderConfig, EncoderInput, Pooling, RelationModel,
//!     burn::tensor::{Device, Int, Tensor},
//! };
//!
//! let device = Device::flex();
//! let encoder = EncoderConfig::from(BertConfig::tiny(100));
//! let model = RelationModel::new(&encoder, 12, Pooling::First, &device)?;
//!
//! // Two sentences of five tokens, the second one padded.
//! let logits = model.forward(&EncoderInput::new(
//!     Tensor::<2, Int>::from_ints([[2, 17, 18, 19, 3], [2, 20, 3, 0, 0]], &device),
//!     Tensor::<2, Int>::zeros([2, 5], &device),
//!     Tensor::<2, Int>::from_ints([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]], &device).bool(),
//! ));
//! assert_eq!(logits.dims(), [2, 12]);
//! # Ok::<(), rere_model::ModelError>(())
//! ```
//!
//! | part | type | source |
//! |---|---|---|
//! | BERT and encoders with its layers, pretrained or with random weights | [`Bert`] | see [`EncoderConfig`] |
//! | ModernBERT | [`ModernBert`] | Warner et al. 2024 |
//! | bidirectional LSTM with random weights | [`BiLstm`] | the ablation "RERE - LSTM" |
//! | any of them, chosen by a `config.json` | [`AnyEncoder`], [`EncoderConfig`] | |
//! | one logit for each relation of a sentence | [`RelationModel`] | Eq. 5 of the RERE paper |
//! | an encoder and one of the following heads | [`Network`] | |
//! | four pointer logits for each token | [`PointerHead`] | Eq. 6 of the RERE paper |
//! | subjects, then the objects of each subject for each relation | [`CasRelHead`] | Wei et al. 2020 |
//! | links between all pairs of tokens | [`TpLinkerHead`] | Wang et al. 2020 |
//! | relations, pointers for each relation, correspondence of subjects and objects | [`PrgcHead`] | Zheng et al. 2021 |
//! | mentions, then the relations of each pair | [`PairHead`] | paradigm P1 of the RERE paper |
//! | one tag for each token | [`TaggingHead`] | Zheng et al. 2017 |
//! | loading and saving of weights | [`load_pretrained`], [`load_weights`], [`save_weights`] | |
//! | networks as ONNX files | [`OnnxModel`] | |
//! | 16-bit weights | [`Precision`] | |
//! | linear layers with packed weights, in f32 or 8 bits | [`Linear`], [`Pack`] | Dettmers et al. 2022, Ashkboos et al. 2024 |
//! | AdamW and gradient clipping, in one pass on the CPU | [`AdamW`], [`clip_gradients`] | Loshchilov and Hutter 2019 |
//! | devices by name, such as `flex` | [`parse_device`] | |

#![cfg_attr(docsrs, feature(doc_cfg))]

mod device;
mod encoder;
mod error;
mod head;
mod linear;
mod load;
mod onnx;
mod ops;
mod precision;

/// The tensor library, in the version that the models use.
pub use burn;

pub use device::parse_device;
pub use encoder::{
    AnyEncoder, Bert, BertConfig, BiLstm, BiLstmConfig, DebertaConfig, Encoder, EncoderConfig, EncoderInput,
    ModernBert, ModernBertConfig,
};
pub use error::{ConfigProblem, DeviceProblem, ModelError, OnnxProblem, PrecisionProblem, WeightsProblem};
pub use head::{
    CasRelHead, HasEncoder, Network, POINTERS, PairHead, PointerHead, Pooling, PrgcHead, RelationHead, RelationModel,
    TaggingHead, TpLinkerHead,
};
pub use linear::{Linear, Pack, PackedLinear};
pub use load::{load_pretrained, load_weights, load_weights_from_bytes, read_config, save_weights, weight_files};
pub use onnx::OnnxModel;
pub use ops::{
    activation::Activation,
    gelu::gelu,
    optimizer::{AdamW, clip_gradients},
    packed::WeightType,
};
pub use precision::Precision;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_types_are_send_and_sync() {
        fn check<T: Send + Sync>() {}
        check::<(EncoderConfig, EncoderInput, AnyEncoder, ModelError)>();
        check::<(RelationModel, Network<PointerHead>, Network<PrgcHead>, Precision)>();
    }
}
