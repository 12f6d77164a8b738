//! Trains relation extraction systems on your own corpus and extracts triples with them.
//!
//! Use this crate to train and run models in a program or a service, or to build a system of your own on the same training loop.
//! The parts can be used alone and are re-exported as `core`, `data`, `decode`, `eval`, `loss` and `model`: [`rere_core`] (sentences,
//! triples), [`rere_data`] (corpora), [`rere_decode`] (decoding), [`rere_eval`] (scores), [`rere_loss`] (losses, class priors),
//! [`rere_model`] (encoders, heads).
//!
//! | system | finds | source |
//! |---|---|---|
//! | [`Rere`] | the relations of a sentence, then the subjects and objects of each | RERE (ACL 2021) |
//! | [`CasRel`] | the subjects of a sentence, then the objects of each for each relation | CasRel (ACL 2020) |
//! | [`TpLinker`] | entities and triples as links between tokens | TPLinker (COLING 2020) |
//! | [`Prgc`] | relations, subjects and objects of each, and which belong together, from one run of the encoder | PRGC (ACL 2021) |
//! | [`Pair`] | mentions, found or given, then the relations of each pair | paradigm P1 of the RERE paper |
//! | [`NovelTagging`] | one tag for each token | novel tagging (ACL 2017) |
//!
//! | task | items |
//! |---|---|
//! | read settings | [`AnyConfig`] from a file, [`Config`] of one system |
//! | train, with checkpoints and resuming | [`Trainer`], [`Event`], [`TrainingRecord`] |
//! | try several settings, keep the best | [`Trainer::search`], [`SearchRecord`] |
//! | load a model, extract, choose thresholds | [`load`], [`TrainedSystem`]; [`Trained`] of one system |
//! | extract from a stream | [`Extraction`] |
//! | extract from texts of several sentences | [`extract_split`] |
//! | use a model in onnxruntime | [`export_onnx`] |
//! | build a system of your own | [`System`], [`Task`], [`Run`] |
//! | compute upper bounds of each paradigm on a corpus | [`ceilings`] |
//!
//! Events and spans (`train`, `stage`, `load`, `tune`, `extract`) are logged with [`tracing`](https://docs.rs/tracing), if the program has a
//! subscriber.
//!
//! # Example
//!
//! Train on two sentences and extract. A real corpus has thousands of sentences and a development set.
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
//! let ada = Sentence::new("Ada was born in London .").with_triples([Triple::of("Ada", "born in", "London")]);
//! let corpus = Corpus { train: vec![ada, Sentence::new("Nothing is said here .")], dev: vec![] };
//!
//! let folder = tempfile::tempdir()?;
//! Trainer::new(config, TrainOptions::new(Device::flex())).run(&corpus, folder.path())?;
//! let extractor = load(folder.path(), LoadOptions::new(Device::flex()))?;
//! let triples = extractor.extract(&["Bob was born in Paris .".into()], &ExtractOptions::default())?;
//! assert_eq!(triples.len(), 1); // one list per text
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod batch;
mod ceiling;
mod config;
mod error;
mod extraction;
mod files;
mod folder;
mod onnx;
mod pipeline;
mod system;
mod thresholds;
mod train;
mod trained;

pub use rere_core as core;
pub use rere_data as data;
pub use rere_decode as decode;
pub use rere_eval as eval;
pub use rere_loss as loss;
pub use rere_model as model;

pub use batch::{Runtime, encoder_input, numbers, probabilities};
pub use burn::{self, tensor::Device};
pub use ceiling::{Ceiling, ceilings};
pub use config::{Config, DataConfig, EncoderSource, StageConfig, TrainingConfig};
pub use error::{ConfigProblem, CorpusProblem, FolderProblem, RereError, UnknownSystem};
pub use extraction::{Extraction, Progress, extract_split};
pub use folder::{ModelConfig, ModelParts, PrecisionCost, Source, TunedPrecision};
pub use onnx::export_onnx;
pub use rere_core::{
    ByteSpan, Constraints, ExtractError, ExtractOptions, Extractor, Info, Input, Mention, Probability, QueryStyle,
    RelationSet, Sentence, Triple,
};
pub use rere_data::{LocatedReport, OnMissing};
pub use rere_decode::{Pairing, RelationThresholds};
pub use rere_loss::{LossSettings, PerClass};
pub use rere_model::{EncoderConfig, Pooling, Precision, parse_device};
#[doc(no_inline)]
pub use serde_json::Value;
pub use system::{
    AnyConfig, CasRel, CasRelConfig, Decoding, Floor, NovelTagging, NovelTaggingConfig, Pair, PairConfig, Prgc,
    PrgcConfig, Rere, RereConfig, SpanTriple, System, TpLinker, TpLinkerConfig, Window,
};
pub use thresholds::Thresholds;
pub use train::{
    Corpus, Earlier, EarlyStop, EpochRecord, Event, Inputs, LabelRecord, Labels, PriorRecord, Run, SearchRecord,
    SentenceExamples, StageRecord, Targets, Task, TrainOptions, Trainer, TrainingRecord, TrainingStep, TryRecord,
    Warning,
};
pub use trained::{LoadOptions, Trained, TrainedSystem, load};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

/// Models and errors can be shared between threads.
const _: () = {
    const fn is_send_sync<T: Send + Sync + ?Sized>() {}
    is_send_sync::<Trained<Rere>>();
    is_send_sync::<Trained<CasRel>>();
    is_send_sync::<dyn TrainedSystem>();
    is_send_sync::<AnyConfig>();
    is_send_sync::<Source>();
    is_send_sync::<Event>();
    is_send_sync::<RereError>();
};
