//! RERE, put together: relation extraction that finds the relations of a sentence first and then, for each, its
//! subjects and objects, trained with losses that allow for missing labels.
//!
//! Use this crate to train a system on your own corpus and to extract triples with it. The parts it joins can be used
//! alone: `rere-data` for corpora, `rere-loss` for losses, `rere-prior` for class priors, `rere-model` for encoders
//! and heads, `rere-decode` for decoding, `rere-eval` for scores.
//!
//! | job | items |
//! |---|---|
//! | settings, from a `rere.toml` | [`Config`] |
//! | training, with checkpoints and resuming | [`train()`], [`Event`] |
//! | a trained system: load, extract | [`Rere`] |
//! | its folder on disk | [`ModelConfig`], [`TrainingRecord`] |
//!
//! # Example
//!
//! Train on a handful of sentences, for as long as a doc test may take, and extract.
//!
//! ```
//! use burn::tensor::Device;
//! use rere::{Config, Corpus, Rere, train};
//! use rere_core::{Extractor, Sentence, Triple};
//!
//! let config = Config::parse(r#"
//!     [encoder]
//!     random = { model_type = "bert", vocab_size = 0, hidden_size = 16, num_hidden_layers = 1, num_attention_heads = 2,
//!                intermediate_size = 16, max_position_embeddings = 32 }
//!     [relation]
//!     epochs = 1
//!     loss = { name = "cpu" }
//!     [entity]
//!     epochs = 1
//!     [training]
//!     max_tokens = 32
//! "#)?;
//! let mut ada = Sentence::new("Ada was born in London .");
//! ada.triples.push(Triple::of("Ada", "born in", "London"));
//! let corpus = Corpus { train: vec![ada, Sentence::new("Nothing is said here .")], dev: vec![] };
//!
//! let folder = tempfile::tempdir()?;
//! train(&config, &corpus, folder.path(), &Device::flex(), false, &mut |_event| {})?;
//! let system = Rere::load(folder.path(), &Device::flex())?;
//! let triples = system.extract(&[Sentence::new("Bob was born in Paris .")])?;
//! assert_eq!(triples.len(), 1); // one list for each sentence
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batch;
mod config;
mod error;
mod extract;
mod files;
mod folder;
mod train;

pub use config::{
    Config, DataConfig, DecodeConfig, EncoderSource, LossConfig, QueryConfig, StageConfig, TrainingConfig,
};
pub use error::RereError;
pub use extract::{Rere, Scored, Thresholds};
pub use folder::{EpochRecord, ModelConfig, StageRecord, TrainingRecord};
pub use rere_model::{Precision, parse_device};
pub use train::{Corpus, Event, Stage, train};
