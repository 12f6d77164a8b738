//! Text encoders and relation-extraction heads on [burn](https://docs.rs/burn), for any device that burn reaches.
//!
//! Use this crate to build a relation-extraction model, RERE's or your own: an [`Encoder`] turns token ids into hidden
//! states, a head turns hidden states into logits. Nothing here knows a tokenizer, a corpus or a loss.
//!
//! | part | type | source |
//! |---|---|---|
//! | BERT, pretrained or from random weights | [`Bert`] | Devlin et al. 2019 |
//! | bidirectional LSTM from random weights | [`BiLstm`] | the ablation "RERE - LSTM" |
//! | either of them, chosen by a `config.json` | [`AnyEncoder`], [`EncoderConfig`] | |
//! | one logit for each relation of a sentence | [`RelationModel`] | Eq. 5 |
//! | four pointer logits for each token | [`PointerModel`] | Eq. 6 |
//! | subjects, then the objects of each for each relation | [`CasRelModel`] | Wei et al. 2020 |
//! | weights from a Hugging Face folder, and to and from safetensors | [`load_pretrained`], [`load_weights`], [`save_weights`] | |
//! | weights of 16 bits | [`Precision`] | |
//! | the device that a name like `flex` stands for | [`parse_device`] | |
//!
//! # Example
//!
//! ```
//! use burn::tensor::{Device, Int, Tensor};
//! use rere_model::{BertConfig, EncoderConfig, EncoderInput, Pooling, RelationModel};
//!
//! let device = Device::flex();
//! let encoder = EncoderConfig::Bert(BertConfig::tiny(100));
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

mod device;
mod encoder;
mod error;
mod head;
mod load;
mod ops;
mod precision;

pub use device::parse_device;
pub use encoder::{AnyEncoder, Bert, BertConfig, BiLstm, BiLstmConfig, Encoder, EncoderConfig, EncoderInput};
pub use error::ModelError;
pub use head::{
    CasRelHead, CasRelModel, HasEncoder, POINTERS, PointerHead, PointerModel, Pooling, RelationHead, RelationModel,
    with_first_outputs,
};
pub use load::{load_pretrained, load_weights, load_weights_from_bytes, read_config, save_weights};
pub use ops::gelu::gelu;
pub use precision::Precision;
