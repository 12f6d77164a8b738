//! Training: both stages one after the other, then the thresholds.

mod checkpoint;
mod frozen;
mod optimizer;
mod stage;
mod task;

use std::{
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use rere_core::{RelationSet, Sentence};
use rere_data::{EncodeReport, EntityExample, ExampleBuilder, Examples, Tokenizer};
use rere_model::{EncoderConfig, Pooling, read_config};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    Config, EncoderSource, Rere, RereError, Thresholds,
    files::{io, write_json},
    folder::{self, ModelConfig, TrainingRecord, load_tokenizer},
};

use task::{DevEntities, EntityTask, RelationTask};

/// The sentences that a system is trained and adjusted on.
#[derive(Debug, Clone, Default)]
pub struct Corpus {
    /// Training sentences.
    pub train: Vec<Sentence>,
    /// Development sentences; may be empty.
    pub dev: Vec<Sentence>,
}

/// One of the two stages of RERE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The sentence-level relation classifier.
    Relation,
    /// The relation-specific entity extractor.
    Entity,
}

impl Stage {
    /// `relation` or `entity`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Relation => "relation",
            Self::Entity => "entity",
        }
    }
}

/// What a training run tells while it runs.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// The training sentences were encoded; what of them is used, and what not.
    Encoded(EncodeReport),
    /// The development sentences were encoded: what of them the stages are scored on.
    DevEncoded(EncodeReport),
    /// A stage begins, or goes on from a checkpoint.
    Stage {
        /// Which stage.
        stage: Stage,
        /// Steps that are done.
        done: usize,
        /// Steps in all epochs.
        steps: usize,
    },
    /// What the frozen layers make of the training examples is computed, to be kept for this stage's epochs.
    Frozen {
        /// Examples that are done.
        done: usize,
        /// All examples.
        examples: usize,
        /// Bytes on the disk, for all of them.
        bytes: u64,
    },
    /// What the frozen layers make of the training examples is too much to be kept: each step computes it.
    FrozenTooLarge {
        /// Bytes that it would take.
        bytes: u64,
        /// Bytes that it may take, `training.frozen_cache_mib`.
        most: u64,
    },
    /// A step is done.
    Step {
        /// Number of steps that are done.
        done: usize,
        /// Its loss.
        loss: f32,
        /// Tokens in its batch, padding not counted.
        tokens: usize,
    },
    /// An epoch is done.
    Epoch {
        /// Which epoch, from 1.
        epoch: usize,
        /// Mean loss over its steps.
        loss: f64,
        /// F1 of the stage alone on the development set.
        dev_f1: Option<f64>,
    },
    /// The thresholds were chosen; the F1 of the whole system on the development set.
    Thresholds(Thresholds, Option<f64>),
}

/// Trains a system and writes its folder.
///
/// The relations are those of the training sentences, in the order of their names. With `resume`, a run that was
/// stopped goes on from its last checkpoint in `folder` and ends with the weights it would have had; settings and
/// corpus have to be the same. A model that `folder` holds already is replaced at the end, and not before.
///
/// The same seed gives the same weights, to the last bit, on the same backend with the same number of threads. The
/// random state of burn's flex backend is one for the whole process: train one system at a time.
///
/// # Errors
/// Where settings, corpus, encoder or folder cannot be used, or the loss is no longer a number.
pub fn train(
    config: &Config,
    corpus: &Corpus,
    folder: &Path,
    device: &Device,
    resume: bool,
    on_event: &mut dyn FnMut(Event),
) -> Result<(), RereError> {
    let relations = relations_of(&corpus.train, config)?;
    let (encoder, tokenizer) = encoder_and_tokenizer(&config.encoder, &corpus.train)?;
    let max_tokens = config.training.max_tokens;
    if let Some(most) = encoder.max_tokens().filter(|&most| most < max_tokens) {
        let message = format!("training.max_tokens is {max_tokens}, but the encoder reads at most {most}: lower it");
        return Err(RereError::Config { path: None, message });
    }
    let builder = ExampleBuilder::new(&tokenizer, &relations, max_tokens, config.data.missing)?;
    let train = match &config.data.cache {
        Some(folder) => builder.encode_cached(&corpus.train, folder)?,
        None => builder.encode(&corpus.train)?,
    };
    if train.entity.is_empty() {
        return Err(RereError::Corpus(format!("no training sentence can be used:\n{}", train.report)));
    }
    on_event(Event::Encoded(train.report));
    // A development sentence may well have a triple that cannot be located; it still counts as not found.
    let dev = ExampleBuilder::new(&tokenizer, &relations, max_tokens, rere_data::Missing::Skip)?.encode(&corpus.dev)?;
    if !corpus.dev.is_empty() {
        on_event(Event::DevEncoded(dev.report));
    }

    fs::create_dir_all(folder).map_err(io(folder))?;
    let pooling = config.relation.pooling.unwrap_or(match encoder {
        EncoderConfig::Bert(_) => Pooling::First,
        EncoderConfig::BiLstm(_) => Pooling::Mean,
    });
    let fingerprint = fingerprint(config, corpus)?;
    let new = checkpoint::open(folder, &fingerprint, resume)?;
    if checkpoint::is_whole(&new) {
        return checkpoint::finish(folder);
    }
    tokenizer.save(folder::tokenizer_path(&new))?;

    let Examples { relation, entity, report } = train;
    let relation = RelationTask {
        train: relation,
        dev: dev.relation,
        relations: relations.len(),
        pooling,
        encoder: encoder.clone(),
        pad: tokenizer.pad(),
    };
    let entity = EntityTask {
        train: entity,
        dev: dev_entities(&tokenizer, &relations, corpus, dev.entity)?,
        encoder: encoder.clone(),
        pad: tokenizer.pad(),
        decode: config.decode,
    };
    let stages = vec![
        stage::run(&relation, Stage::Relation, config, folder, &new, device, on_event)?,
        stage::run(&entity, Stage::Entity, config, folder, &new, device, on_event)?,
    ];

    let model = ModelConfig {
        rere_version: env!("CARGO_PKG_VERSION").to_owned(),
        encoder,
        pooling,
        relations,
        threshold_relation: Thresholds::default().relation,
        threshold_entity: Thresholds::default().entity,
        threshold_triple: Thresholds::default().triple,
        decode: config.decode,
        max_tokens,
    };
    let mut system = Rere::from_folder(model, &new, device)?;
    let scored = system.score(&corpus.dev, Thresholds::LOWEST_RELATION)?;
    let chosen = system.best_thresholds(&scored, &corpus.dev)?;
    if let Some((thresholds, _)) = chosen {
        system.set_thresholds(thresholds);
    }
    let dev_f1 = chosen.map(|(_, f1)| f1);
    on_event(Event::Thresholds(system.thresholds(), dev_f1));

    let record = TrainingRecord {
        config: config.clone(),
        train_sha256: checksum(&corpus.train),
        dev_sha256: checksum(&corpus.dev),
        report,
        stages,
        dev_f1,
    };
    write_json(&folder::training_path(&new), &record)?;
    system.save_config(&new)?;
    checkpoint::finish(folder)
}

/// What the entity extractor's development examples are decoded and compared with.
fn dev_entities(
    tokenizer: &Tokenizer,
    relations: &RelationSet,
    corpus: &Corpus,
    examples: Vec<EntityExample>,
) -> Result<Vec<DevEntities>, RereError> {
    let texts: Vec<&str> = corpus.dev.iter().map(|sentence| sentence.text.as_str()).collect();
    let tokens = tokenizer.encode_batch(&texts)?;
    let dev = examples.into_iter().map(|example| {
        let sentence = &corpus.dev[example.sentence];
        let gold = sentence.triples.iter().filter(|triple| relations.label(&triple.relation) == Some(example.relation));
        let gold = gold.map(|triple| (triple.subject.text.clone(), triple.object.text.clone())).collect();
        let tokens = tokens[example.sentence].spans.clone();
        DevEntities { example, text: sentence.text.clone(), tokens, gold }
    });
    Ok(dev.collect())
}

fn relations_of(sentences: &[Sentence], config: &Config) -> Result<RelationSet, RereError> {
    let names: std::collections::BTreeSet<&str> =
        sentences.iter().flat_map(|sentence| &sentence.triples).map(|triple| triple.relation.as_str()).collect();
    if names.is_empty() {
        return Err(RereError::Corpus("no training sentence has a triple: nothing can be learnt".into()));
    }
    RelationSet::with_style(names, config.query.style).map_err(|error| RereError::Corpus(error.to_string()))
}

fn encoder_and_tokenizer(
    source: &EncoderSource,
    sentences: &[Sentence],
) -> Result<(EncoderConfig, Tokenizer), RereError> {
    match source {
        EncoderSource::Pretrained(folder) => {
            let encoder = read_config(folder)?;
            let tokenizer = load_tokenizer(folder, &encoder)?;
            Ok((encoder, tokenizer))
        }
        EncoderSource::Random(encoder) => {
            // A word that is seen once teaches nothing, and leaves the unknown word something to learn from.
            let tokenizer = Tokenizer::train_words(sentences.iter().map(|s| s.text.as_str()), 2, 30_000)?;
            Ok((encoder.clone().with_vocab_size(tokenizer.vocab_size()), tokenizer))
        }
    }
}

/// SHA-256 over texts and triples, in hexadecimal.
fn checksum(sentences: &[Sentence]) -> String {
    let mut hash = Sha256::new();
    // Each string with its length, so that no two corpora run together into the same bytes.
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    for sentence in sentences {
        add(&sentence.text);
        for triple in &sentence.triples {
            for text in [&triple.subject.text, &triple.relation, &triple.object.text] {
                add(text);
            }
            for span in [triple.subject.span, triple.object.span] {
                add(&format!("{span:?}"));
            }
        }
        add("");
    }
    hexadecimal(hash.finalize())
}

fn hexadecimal(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What has to be the same for a checkpoint to be of use: settings, corpus and encoder, wherever they lie.
fn fingerprint(config: &Config, corpus: &Corpus) -> Result<String, RereError> {
    let mut settings = config.clone();
    (settings.data.train, settings.data.dev, settings.data.cache) = (None, None, None);
    let mut weights = String::new();
    if let EncoderSource::Pretrained(folder) = &mut settings.encoder {
        for name in ["config.json", "model.safetensors", "tokenizer.json"] {
            let path = folder.join(name);
            let bytes = fs::read(&path).map_err(io(&path))?;
            weights += &format!("{name} {}\n", hexadecimal(Sha256::digest(bytes)));
        }
        *folder = PathBuf::new();
    }
    let [train, dev] = [&corpus.train, &corpus.dev].map(|sentences| checksum(sentences));
    Ok(format!("{settings:?}\ntrain {train}\ndev {dev}\n{weights}"))
}
