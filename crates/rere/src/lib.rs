//! Systems of relation extraction, put together: trained on your own corpus, and extracting triples with it.
//!
//! Use this crate to train a system and to extract triples with it, in a program or a service, or to build a system of your
//! own on the same training loop. The parts it joins can be used alone: `rere-data` for corpora, `rere-loss` for losses,
//! `rere-prior` for class priors, `rere-model` for encoders and heads, `rere-decode` for decoding, `rere-eval` for scores.
//!
//! | system | finds | source |
//! |---|---|---|
//! | [`Rere`] | the relations of a sentence, then the subjects and objects of each | RERE (ACL 2021) |
//! | [`CasRel`] | the subjects of a sentence, then the objects of each for each relation | CasRel (ACL 2020) |
//!
//! | job | items |
//! |---|---|
//! | settings | [`AnyConfig`] from a file, [`Config`] of one system |
//! | training, with checkpoints and resuming | [`Trainer`], [`Event`], [`TrainingRecord`] |
//! | a trained system: extract, choose thresholds | [`load`], [`TrainedSystem`]; [`Trained`] of one system |
//! | extraction from a stream | [`Extraction`] |
//! | a system of one's own | [`System`], [`Task`], [`Run`] |
//! | the most that each paradigm can find in a corpus | [`ceilings`] |
//!
//! # Example
//!
//! Train on a handful of sentences, for as long as a doc test may take, and extract.
//!
//! ```
//! use rere::{Config, Corpus, Device, ExtractOptions, LoadOptions, Rere, Sentence, TrainOptions, Trainer, Triple, load};
//!
//! let config = Config::<Rere>::parse(r#"
//!     [encoder]
//!     random = { model_type = "bert", vocab_size = 0, hidden_size = 16, num_hidden_layers = 1, num_attention_heads = 2,
//!                intermediate_size = 16, max_position_embeddings = 32 }
//!     [rere.relation]
//!     epochs = 1
//!     loss = { name = "cpu" }
//!     [rere.entity]
//!     epochs = 1
//!     [training]
//!     max_tokens = 32
//! "#)?;
//! let mut ada = Sentence::new("Ada was born in London .");
//! ada.triples.push(Triple::of("Ada", "born in", "London"));
//! let corpus = Corpus { train: vec![ada, Sentence::new("Nothing is said here .")], dev: vec![] };
//!
//! let folder = tempfile::tempdir()?;
//! Trainer::new(config, TrainOptions::new(Device::flex())).run(&corpus, folder.path())?;
//! let extractor = load(folder.path(), LoadOptions::new(Device::flex()))?;
//! let triples = extractor.extract(&["Bob was born in Paris .".into()], &ExtractOptions::default())?;
//! assert_eq!(triples.len(), 1); // one list for each text
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batch;
mod ceiling;
mod config;
mod error;
mod extraction;
mod files;
mod folder;
mod pipeline;
mod system;
mod thresholds;
mod train;
mod trained;

pub use batch::{Runtime, encoder_input, numbers, probabilities};
pub use burn::tensor::Device;
pub use ceiling::{Ceiling, ceilings};
pub use config::{Config, DataConfig, EncoderSource, StageConfig, TrainingConfig};
pub use error::RereError;
pub use extraction::{Extraction, Progress};
pub use folder::{ModelConfig, ModelParts, Source};
pub use rere_core::{
    Constraints, ExtractError, ExtractOptions, Extractor, Info, Input, Mention, Probability, RelationSet, Sentence,
    Triple,
};
pub use rere_decode::RelationThresholds;
pub use rere_model::{Precision, parse_device};
pub use system::{AnyConfig, CasRel, CasRelConfig, Decoding, Floor, Rere, RereConfig, SpanTriple, System, Window};
pub use thresholds::Thresholds;
pub use train::{
    Corpus, Earlier, EpochRecord, Event, Inputs, LabelRecord, Labels, PriorRecord, Run, SentenceExamples, StageRecord,
    Targets, Task, TrainOptions, Trainer, TrainingRecord, TrainingStep, Warning,
};
pub use trained::{LoadOptions, Trained, TrainedSystem, load};
