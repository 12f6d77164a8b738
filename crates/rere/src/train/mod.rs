//! Training: the stages of a system one after the other, then the thresholds.

mod checkpoint;
mod event;
mod examples;
mod frozen;
pub(crate) mod optimizer;
mod record;
mod run;
mod task;

use std::{
    collections::BTreeSet,
    fs::{self, File, TryLockError},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use rere_core::{Mention, QueryStyle, RelationSet, RelationSetError, Sentence};
use rere_data::{LocatedCorpus, OnMissing, Tokenizer};
use rere_model::{EncoderConfig, read_config};
use sha2::{Digest, Sha256};

pub use event::{Event, Warning};
pub use examples::{SentenceExamples, Targets};
pub use record::{EpochRecord, LabelRecord, PriorRecord, StageRecord, TrainingRecord};
pub use run::{Earlier, Inputs, Run};
pub use task::{Labels, Task, TrainingStep};

pub(crate) use checkpoint::is_stopped;
#[cfg(test)]
pub(crate) use run::{WeighedLoss, total_loss};

use crate::{
    Config, EncoderSource, LoadOptions, RereError, Source, System, Thresholds, Trained, TrainedSystem,
    files::{hexadecimal, io, read_json, sha256, write_json},
    folder::{CONFIG, ModelConfig, TOKENIZER, TRAINING, load_tokenizer, weights},
    pipeline::Texts,
};
use run::OnEvent;

/// The sentences that a system is trained and adjusted on.
#[derive(Debug, Clone, Default)]
pub struct Corpus {
    /// Training sentences.
    pub train: Vec<Sentence>,
    /// Development sentences; may be empty.
    pub dev: Vec<Sentence>,
}

/// How a system is trained.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TrainOptions {
    /// Where to compute.
    pub device: Device,
    /// Whether a run that was stopped in the folder goes on from its last checkpoint. It ends with the weights it would have
    /// had; settings and corpus must be the same. A run that has ended succeeds at once.
    pub resume: bool,
    /// A model of the same system to start from, in place of the settings' encoder: its weights, tokenizer and relations are taken
    /// over, and relations of the training sentences that it does not have are added.
    pub from: Option<Source>,
    /// Whether a run that was stopped in the folder is discarded. Without it and without `resume`, such a run is an error.
    pub overwrite: bool,
}

impl TrainOptions {
    /// A new run on a device.
    pub fn new(device: Device) -> Self {
        Self { device, resume: false, from: None, overwrite: false }
    }

    /// Sets whether a stopped run goes on.
    #[must_use]
    pub fn with_resume(self, resume: bool) -> Self {
        Self { resume, ..self }
    }

    /// Sets the model to start from.
    #[must_use]
    pub fn with_from(self, model: impl Into<Source>) -> Self {
        Self { from: Some(model.into()), ..self }
    }

    /// Sets whether a stopped run is discarded.
    #[must_use]
    pub fn with_overwrite(self, overwrite: bool) -> Self {
        Self { overwrite, ..self }
    }
}

/// Trains a system and writes its model folder.
///
/// The relations are those of the training sentences, in the order of their names. A model that the folder holds already is
/// replaced at the end, and not before.
///
/// The same seed gives the same weights, to the last bit, on the same backend with the same number of threads. The
/// random state of burn's flex backend is one for the whole process: train one system at a time. Work runs in rayon's
/// global thread pool; `RAYON_NUM_THREADS` sets its size.
pub struct Trainer<'a, S: System> {
    config: Config<S>,
    options: TrainOptions,
    on_event: OnEvent<'a>,
}

impl<'a, S: System> Trainer<'a, S> {
    /// A trainer with these settings.
    pub fn new(config: Config<S>, options: TrainOptions) -> Self {
        Self { config, options, on_event: Box::new(|_| ControlFlow::Continue(())) }
    }

    /// Sets what is called with each event. If it returns `Break`, the run stops with [`RereError::Interrupted`], and can be
    /// resumed from the very step.
    #[must_use]
    pub fn on_event(self, on_event: impl FnMut(&Event) -> ControlFlow<()> + 'a) -> Self {
        Self { on_event: Box::new(on_event), ..self }
    }

    /// Trains the system.
    ///
    /// # Errors
    /// Returns an error if settings, corpus, encoder or folder cannot be used, another run is writing the folder, the
    /// loss is no longer a number, or the event callback ends the run.
    pub fn run(self, corpus: &Corpus, folder: &Path) -> Result<TrainingRecord, RereError> {
        let Self { config, options: TrainOptions { device, resume, from, overwrite }, mut on_event } = self;
        config.check(from.is_some()).map_err(RereError::config)?;
        let model = from.as_ref().map(Source::config).transpose()?;
        let earlier = from.as_ref().zip(model.as_ref());
        let (encoder, tokenizer) = match earlier {
            Some((source, model)) => {
                if model.system != S::NAME {
                    let message = format!("--from: expected a model of the system {}, found {}", S::NAME, model.system);
                    return Err(RereError::config(message));
                }
                (model.encoder.clone(), load_tokenizer(source, &model.encoder)?)
            }
            None => encoder_and_tokenizer(&config.encoder, &corpus.train)?,
        };
        let known = model.as_ref().map(|model| &model.relations);
        let relations = relations_of(&corpus.train, known, S::query_style(&config.system))?;
        config.decode.check(&relations).map_err(|error| RereError::config(format!("decode: {error}")))?;
        let max_tokens = config.training.max_tokens;
        if let Some(most) = encoder.max_tokens().filter(|&most| most < max_tokens) {
            let message =
                format!("training.max_tokens is {max_tokens}, but the encoder reads at most {most}: lower it");
            return Err(RereError::config(message));
        }

        fs::create_dir_all(folder).map_err(io(folder))?;
        let _lock = Lock::new(folder)?;
        let digests = Digests::new(&config, corpus, earlier)?;
        let new = match checkpoint::open(folder, &digests.run, resume, overwrite)? {
            checkpoint::Opened::Going(new) => new,
            checkpoint::Opened::Finished => {
                _ = on_event(&Event::Finished);
                return read_json(&folder.join(TRAINING));
            }
        };
        if !checkpoint::is_whole(&new) {
            let train = LocatedCorpus::new(&corpus.train, &tokenizer, &relations, config.data.missing)?;
            // A development sentence may well have a triple that cannot be located; it still counts as not found.
            let dev = LocatedCorpus::new(&corpus.dev, &tokenizer, &relations, OnMissing::Skip)?;
            if train.sentences.iter().all(|sentence| sentence.triples.is_empty()) {
                return Err(RereError::Corpus(format!("no training sentence can be used:\n{}", train.report)));
            }
            tokenizer.save(new.join(TOKENIZER))?;
            let mut run = Run {
                inputs: Inputs {
                    train: &train,
                    dev: &dev,
                    dev_sentences: &corpus.dev,
                    relations: &relations,
                    tokenizer: &tokenizer,
                    encoder: &encoder,
                    max_tokens,
                    constraints: &config.decode,
                },
                training: &config.training,
                source: &config.encoder,
                earlier,
                folder,
                new: &new,
                device: &device,
                on_event,
                stages: Vec::new(),
            };
            run.emit(&Event::Located(train.report))?;
            if !corpus.dev.is_empty() {
                run.emit(&Event::DevLocated(dev.report))?;
            }
            S::train(&config.system, &mut run)?;
            complete(&config, corpus, run, digests)?;
        }
        checkpoint::finish(folder)?;
        read_json(&folder.join(TRAINING))
    }
}

/// What is left to do when the networks are trained: thresholds, configuration, record.
fn complete<S: System>(
    config: &Config<S>,
    corpus: &Corpus,
    mut run: Run<'_>,
    digests: Digests,
) -> Result<(), RereError> {
    let (new, Inputs { relations, dev, encoder, max_tokens, .. }) = (run.new, run.inputs);
    let networks = run.stages.iter().map(|stage| stage.stage.clone()).collect();
    let (relations, decode) = (relations.clone(), config.decode.clone());
    let model = ModelConfig::new::<S>(networks, encoder.clone(), relations, max_tokens, decode, &config.system)?;
    let mut trained = Trained::<S>::with_config(model, &Source::from(new), &LoadOptions::new(run.device.clone()))?;
    let chosen = trained.choose(&Texts::located(dev, &corpus.dev), &corpus.dev)?;
    let dev_f1 = chosen.as_ref().map(|chosen| chosen.f1);
    if let Some(chosen) = chosen {
        trained.set_thresholds(chosen.thresholds);
    }
    run.emit(&Event::Thresholds(trained.thresholds().clone(), dev_f1))?;
    if let Some(dev_f1) = dev_f1 {
        let thresholds = trained.thresholds().clone();
        if dev_f1 < Warning::LITTLE {
            run.emit(&Event::Warning(Warning::FindsLittle { dev_f1 }))?;
        } else if thresholds.least_triple() < Thresholds::lowest() {
            run.emit(&Event::Warning(Warning::ThresholdAtFloor { thresholds }))?;
        }
    }
    let record = TrainingRecord {
        config: serde_json::to_value(config).map_err(RereError::config)?,
        train_sha256: digests.train,
        dev_sha256: digests.dev,
        run_sha256: digests.run,
        report: run.inputs.train.report,
        stages: run.stages,
        dev_f1,
    };
    write_json(&new.join(TRAINING), &record)?;
    trained.save_config(new)
}

/// Name of the file that a run has locked.
const LOCK: &str = "training.lock";

/// Keeps two runs from writing the same folder.
struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    fn new(folder: &Path) -> Result<Self, RereError> {
        let path = folder.join(LOCK);
        let file = File::create(&path).map_err(io(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, path }),
            Err(TryLockError::WouldBlock) => Err(RereError::InUse { path: folder.to_owned() }),
            Err(TryLockError::Error(source)) => Err(RereError::Io { path, source }),
        }
    }
}

/// Whether a run is writing the folder.
pub(crate) fn is_in_use(folder: &Path) -> bool {
    let lock = File::open(folder.join(LOCK));
    lock.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

impl Drop for Lock {
    fn drop(&mut self) {
        // What is left of a lock harms nobody.
        _ = fs::remove_file(&self.path);
        _ = self.file.unlock();
    }
}

/// The relations of an earlier model, then others of the training sentences, in the order of their names.
fn relations_of(
    sentences: &[Sentence],
    earlier: Option<&RelationSet>,
    style: QueryStyle,
) -> Result<RelationSet, RereError> {
    let names: BTreeSet<&str> =
        sentences.iter().flat_map(|sentence| &sentence.triples).map(|triple| triple.relation.as_str()).collect();
    if names.is_empty() {
        return Err(RereError::Corpus("no training sentence has a triple: nothing can be learnt".into()));
    }
    let failed = |error: RelationSetError| RereError::Corpus(error.to_string());
    let Some(earlier) = earlier else { return RelationSet::with_style(names, style).map_err(failed) };
    let new = names.into_iter().filter(|name| earlier.label(name).is_none());
    let new = RelationSet::with_style(new, style).map_err(failed)?;
    RelationSet::new(earlier.iter().chain(&new).cloned().collect()).map_err(failed)
}

fn encoder_and_tokenizer(
    source: &EncoderSource,
    sentences: &[Sentence],
) -> Result<(EncoderConfig, Tokenizer), RereError> {
    match source {
        EncoderSource::Pretrained(folder) => {
            let encoder = read_config(folder)?;
            let tokenizer = load_tokenizer(&Source::from(folder), &encoder)?;
            Ok((encoder, tokenizer))
        }
        EncoderSource::Random(encoder) => {
            // A word that is seen once teaches nothing, and leaves the unknown word something to learn from.
            let tokenizer = Tokenizer::train_words(sentences.iter().map(|s| s.text.as_str()), 2, 30_000)?;
            Ok((encoder.clone().with_vocab_size(tokenizer.vocab_size()), tokenizer))
        }
    }
}

/// SHA-256 of texts and triples, in hexadecimal.
fn checksum(sentences: &[Sentence]) -> String {
    let mut hash = Sha256::new();
    // Each string with its length, so that no two corpora run together into the same bytes.
    let mut add = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    let span = |mention: &Mention| mention.span.map_or(String::new(), |span| format!("{} {}", span.start, span.end));
    for Sentence { text, triples, .. } in sentences {
        add(text);
        for triple in triples {
            let surfaces = [&triple.subject.text, &triple.relation, &triple.object.text].map(String::as_str);
            surfaces.into_iter().for_each(&mut add);
            [span(&triple.subject), span(&triple.object)].iter().for_each(|span| add(span));
        }
        add("");
    }
    hexadecimal(hash.finalize())
}

/// SHA-256 of what a run depends on.
struct Digests {
    /// The training sentences.
    train: String,
    /// The development sentences.
    dev: String,
    /// All that must be the same for a checkpoint to be of use: settings, corpus and encoder, wherever they are.
    run: String,
}

impl Digests {
    fn new<S: System>(
        config: &Config<S>,
        corpus: &Corpus,
        earlier: Option<(&Source, &ModelConfig)>,
    ) -> Result<Self, RereError> {
        let mut settings = config.clone();
        (settings.data.train, settings.data.dev) = (None, None);
        let files = match (earlier, &mut settings.encoder) {
            (Some((source, model)), _) => {
                let networks = model.networks.iter().map(|network| weights(network));
                source.digests(networks.chain([CONFIG, TOKENIZER].map(str::to_owned)))?
            }
            (None, EncoderSource::Pretrained(folder)) => {
                Source::from(&*folder).digests([CONFIG, "model.safetensors", TOKENIZER].map(str::to_owned))?
            }
            (None, EncoderSource::Random(_)) => Vec::new(),
        };
        if let EncoderSource::Pretrained(folder) = &mut settings.encoder {
            *folder = PathBuf::new();
        }
        let (train, dev) = (checksum(&corpus.train), checksum(&corpus.dev));
        // Fields in the order of the types, numbers in their shortest form: equal settings give equal text.
        let json = serde_json::to_vec(&(settings, &train, &dev, files)).map_err(RereError::config)?;
        Ok(Self { run: sha256(json), train, dev })
    }
}
