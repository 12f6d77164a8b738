//! Training: the stages of a system one after the other, then the choice of thresholds.

mod checkpoint;
mod event;
mod examples;
mod frozen;
pub(crate) mod optimizer;
mod record;
mod run;
mod search;
mod task;

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fmt,
    fs::{self, File, TryLockError},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use rere_core::{Mention, QueryStyle, RelationSet, RelationSetError, Sentence};
use rere_data::{LocatedCorpus, OnMissing, Tokenizer, document};
use rere_model::{EncoderConfig, read_config, weight_files};
use sha2::{Digest, Sha256};
use tracing::info_span;

pub use event::{Event, Warning};
pub use examples::{SentenceExamples, Targets};
pub use record::{EarlyStop, EpochRecord, LabelRecord, PriorRecord, StageRecord, TrainingRecord};
pub use run::{Earlier, Inputs, Run};
pub use search::{SearchRecord, TryRecord};
pub use task::{Labels, Task, TrainingStep};

pub(crate) use checkpoint::is_stopped;
#[cfg(test)]
pub(crate) use run::{GroupedLoss, total_loss};

use crate::{
    Config, ConfigProblem, CorpusProblem, EncoderSource, FolderProblem, LoadOptions, RereError, Source, System,
    Thresholds, Trained, TrainedSystem,
    config::setters,
    files::{hexadecimal, io, read_json, sha256, write_json},
    folder::{CONFIG, ModelConfig, TOKENIZER, TRAINING, load_pretrained_tokenizer, load_tokenizer, weights},
    pipeline::Texts,
};
use run::OnEvent;

/// Sentences for training and for the choice of epochs and thresholds.
#[derive(Debug, Clone, Default)]
pub struct Corpus {
    /// Training sentences.
    pub train: Vec<Sentence>,
    /// Development sentences; may be empty. The best epoch of each stage and the thresholds are chosen on them.
    pub dev: Vec<Sentence>,
}

/// Options of a training run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TrainOptions {
    /// The device.
    pub device: Device,
    /// Whether a run that was stopped in the folder continues from its last checkpoint, with the same final weights as if it had
    /// not been stopped. Settings and corpus must be the same. A run that has already ended succeeds at once.
    pub resume: bool,
    /// A model of the same system to start from instead of the encoder in the settings. Its weights, tokenizer and relations are
    /// kept, and new relations of the training sentences are added.
    pub from: Option<Source>,
    /// Whether a run that was stopped in the folder is discarded. Without this and without `resume`, such a run is an error.
    pub overwrite: bool,
    /// Trained models whose networks are used for stages instead of training these stages, by the name of the stage.
    pub trained_stages: BTreeMap<String, Source>,
}

impl TrainOptions {
    /// Creates options for a new run on a device.
    pub fn new(device: Device) -> Self {
        Self { device, resume: false, from: None, overwrite: false, trained_stages: BTreeMap::new() }
    }

    setters! {
        /// Sets whether a stopped run continues.
        with_resume(resume: bool);
        /// Sets whether a stopped run is discarded.
        with_overwrite(overwrite: bool);
    }

    /// Sets the model to start from.
    #[must_use]
    pub fn with_from(self, model: impl Into<Source>) -> Self {
        Self { from: Some(model.into()), ..self }
    }

    /// Uses the network of a trained model for a stage instead of training this stage.
    ///
    /// Models that differ only in the settings of one stage can share the networks of the others. System, relations, encoder
    /// settings and tokenizer of the model must be the same.
    #[must_use]
    pub fn with_trained_stage(mut self, stage: impl Into<String>, model: impl Into<Source>) -> Self {
        self.trained_stages.insert(stage.into(), model.into());
        self
    }
}

/// Trains a system and writes its model folder.
///
/// The relations are those of the training sentences, sorted by name. A model that is already in the folder is replaced only at
/// the end of the run.
///
/// The same seed gives bitwise equal weights on the same backend with the same number of threads. Train one system at a time,
/// because burn's flex backend has one random state per process. Work runs in rayon's global thread pool; `RAYON_NUM_THREADS` sets
/// its size.
///
/// ```
/// use std::ops::ControlFlow;
///
/// use rere::{Config, Corpus, Device, Event, Rere, Sentence, TrainOptions, Trainer, Triple};
///
/// let settings = "[encoder.random]\nmodel_type = \"bilstm\"\nembedding_size = 4\ndirection_size = 4\n\
///                 [rere.relation]\nepochs = 2\n[rere.entity]\nepochs = 1";
/// let ada = Sentence::new("Ada was born in London .").with_triples([Triple::of("Ada", "born in", "London")]);
/// let corpus = Corpus { train: vec![ada.clone(), Sentence::new("Nothing is said here .")], dev: vec![ada] };
///
/// let mut epochs = 0;
/// let on_event = |event: &Event| {
///     epochs += usize::from(matches!(event, Event::Epoch { .. }));
///     ControlFlow::Continue(())
/// };
/// let folder = tempfile::tempdir()?;
/// let trainer = Trainer::new(Config::<Rere>::parse(settings)?, TrainOptions::new(Device::flex()));
/// let record = trainer.on_event(on_event).run(&corpus, folder.path())?;
/// assert_eq!((epochs, record.stages.len()), (3, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Trainer<'a, S: System> {
    config: Config<S>,
    options: TrainOptions,
    on_event: OnEvent<'a>,
}

impl<S: System> fmt::Debug for Trainer<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { config, options, .. } = self;
        f.debug_struct("Trainer").field("config", config).field("options", options).finish_non_exhaustive()
    }
}

impl<'a, S: System> Trainer<'a, S> {
    /// Creates a trainer.
    pub fn new(config: Config<S>, options: TrainOptions) -> Self {
        Self { config, options, on_event: Box::new(|_| ControlFlow::Continue(())) }
    }

    /// Sets the function that is called with each event. If it returns `Break`, the run stops with [`RereError::Interrupted`] and
    /// can be resumed from the same step.
    #[must_use]
    pub fn on_event(self, on_event: impl FnMut(&Event) -> ControlFlow<()> + 'a) -> Self {
        Self { on_event: Box::new(on_event), ..self }
    }

    /// Trains the system.
    ///
    /// # Errors
    /// Returns an error if the settings, the corpus, the encoder or the folder cannot be used, another run is writing the folder,
    /// the loss is infinite or NaN, or the event callback ends the run.
    pub fn run(self, corpus: &Corpus, folder: &Path) -> Result<TrainingRecord, RereError> {
        let _span = info_span!("train", system = S::NAME, folder = %folder.display()).entered();
        let Self { config, options, mut on_event } = self;
        let Setup { model, encoder, tokenizer, relations, digests } = Setup::new(&config, &options, corpus)?;

        fs::create_dir_all(folder).map_err(io(folder))?;
        let _lock = Lock::new(folder)?;
        if !options.overwrite && search::is_stopped(folder)? {
            return Err(RereError::Stopped { path: folder.to_owned() });
        }
        let (new, resumed) = match checkpoint::open(folder, &digests.run, options.resume, options.overwrite)? {
            checkpoint::Opened::Going { new, resumed } => (new, resumed),
            checkpoint::Opened::Finished => {
                Event::Finished.log();
                _ = on_event(&Event::Finished);
                return read_json(&folder.join(TRAINING));
            }
        };
        if !checkpoint::is_whole(&new) {
            let train = LocatedCorpus::new(&corpus.train, &tokenizer, &relations, config.data.missing)?;
            // A triple of a development sentence that cannot be located still counts as not found.
            let dev = LocatedCorpus::new(&corpus.dev, &tokenizer, &relations, OnMissing::Skip)?;
            if train.sentences.iter().all(|sentence| sentence.triples.is_empty()) {
                return Err(CorpusProblem::NothingLocated(train.report).into());
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
                    max_tokens: config.training.max_tokens,
                    constraints: &config.decode,
                },
                training: &config.training,
                source: &config.encoder,
                earlier: options.from.as_ref().zip(model.as_ref()),
                trained_stages: &options.trained_stages,
                folder,
                new: &new,
                device: &options.device,
                on_event,
                stages: Vec::new(),
            };
            run.emit(&Event::Started { resumed })?;
            run.emit(&Event::Located(train.report))?;
            if !corpus.dev.is_empty() {
                run.emit(&Event::DevLocated(dev.report))?;
            }
            for warning in overlaps(corpus) {
                run.emit(&Event::Warning(warning))?;
            }
            S::train(&config.system, &mut run)?;
            complete(&config, corpus, run, digests)?;
        }
        checkpoint::finish(folder)?;
        // An older search has not found this model.
        search::discard(folder)?;
        read_json(&folder.join(TRAINING))
    }
}

/// What a run needs besides its settings and its corpus, checked.
struct Setup {
    /// The model that training starts from.
    model: Option<ModelConfig>,
    encoder: EncoderConfig,
    tokenizer: Tokenizer,
    relations: RelationSet,
    digests: Digests,
}

impl Setup {
    fn new<S: System>(config: &Config<S>, options: &TrainOptions, corpus: &Corpus) -> Result<Self, RereError> {
        let TrainOptions { from, trained_stages, .. } = options;
        config.check(from.is_some())?;
        if let Some(needed_by) = config.early_stopping() {
            check_dev(corpus, needed_by)?;
        }
        let model = from.as_ref().map(Source::config).transpose()?;
        let earlier = from.as_ref().zip(model.as_ref());
        let (encoder, tokenizer) = match earlier {
            Some((source, model)) => {
                if model.system != S::NAME {
                    let found = model.system.clone();
                    return Err(ConfigProblem::OtherSystem { expected: S::NAME, found }.into());
                }
                (model.encoder.clone(), load_tokenizer(source, &model.encoder)?)
            }
            None => encoder_and_tokenizer(&config.encoder, &corpus.train)?,
        };
        let known = model.as_ref().map(|model| &model.relations);
        let relations = relations_of(&corpus.train, known, S::query_style(&config.system))?;
        config.decode.check(&relations).map_err(ConfigProblem::Constraints)?;
        let max_tokens = config.training.max_tokens;
        if let Some(most) = encoder.max_tokens().filter(|&most| most < max_tokens) {
            return Err(ConfigProblem::MaxTokens { max_tokens, most }.into());
        }
        check_trained_stages::<S>(trained_stages, &config.system, &relations, &encoder, &tokenizer)?;
        let digests = Digests::new(config, corpus, &tokenizer, earlier, trained_stages)?;
        Ok(Self { model, encoder, tokenizer, relations, digests })
    }
}

/// Checks that there is a development set with triples. `needed_by` names what needs it.
fn check_dev(corpus: &Corpus, needed_by: String) -> Result<(), CorpusProblem> {
    match corpus.dev.iter().any(|sentence| !sentence.triples.is_empty()) {
        true => Ok(()),
        false => Err(CorpusProblem::NoDev { needed_by }),
    }
}

/// Warns of sentences and documents that are in the training set and in the development set.
fn overlaps(corpus: &Corpus) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let trained: HashSet<&str> = corpus.train.iter().map(|sentence| sentence.text.as_str()).collect();
    let shared = corpus.dev.iter().filter(|sentence| trained.contains(sentence.text.as_str())).count();
    if shared > 0 {
        warnings.push(Warning::SharedSentences { shared, sentences: corpus.dev.len() });
    }
    let [trained, documents] =
        [&corpus.train, &corpus.dev].map(|sentences| sentences.iter().filter_map(document).collect::<HashSet<_>>());
    let shared = documents.intersection(&trained).count();
    if shared > 0 {
        warnings.push(Warning::SharedDocuments { shared, documents: documents.len() });
    }
    warnings
}

/// Chooses the thresholds and writes configuration and record, after the networks are trained.
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
    run.emit(&Event::Thresholds { thresholds: trained.thresholds().clone(), dev_f1 })?;
    if let Some(dev_f1) = dev_f1 {
        let thresholds = trained.thresholds().clone();
        if dev_f1 < Warning::LITTLE {
            run.emit(&Event::Warning(Warning::FindsLittle { dev_f1 }))?;
        } else if thresholds.least_triple() < Thresholds::lowest() {
            run.emit(&Event::Warning(Warning::ThresholdAtFloor { thresholds }))?;
        }
    }
    let record = TrainingRecord {
        config: serde_json::to_value(config).map_err(json_problem)?,
        from: run.earlier.map(|(source, _)| source.path().to_owned()),
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

/// Name of the file that a run locks.
const LOCK: &str = "training.lock";

/// Lock that keeps two runs from writing the same folder.
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

/// Returns whether a run is writing the folder.
pub(crate) fn is_in_use(folder: &Path) -> bool {
    let lock = File::open(folder.join(LOCK));
    lock.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A leftover lock file does no harm.
        _ = fs::remove_file(&self.path);
        _ = self.file.unlock();
    }
}

/// Returns the relations of an earlier model, then new ones of the training sentences, sorted by name.
fn relations_of(
    sentences: &[Sentence],
    earlier: Option<&RelationSet>,
    style: QueryStyle,
) -> Result<RelationSet, RereError> {
    let names: BTreeSet<&str> =
        sentences.iter().flat_map(|sentence| &sentence.triples).map(|triple| triple.relation.as_str()).collect();
    if names.is_empty() {
        return Err(CorpusProblem::NoTriple.into());
    }
    let failed = |error: RelationSetError| CorpusProblem::Relations(error).into();
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
            let tokenizer = load_pretrained_tokenizer(folder, &encoder)?;
            Ok((encoder, tokenizer))
        }
        EncoderSource::Random(encoder) => {
            // Words that occur once become the unknown word, whose embedding could not be learnt otherwise.
            let tokenizer = Tokenizer::train_words(sentences.iter().map(|s| s.text.as_str()), 2, 30_000)?;
            Ok((encoder.clone().with_vocab_size(tokenizer.vocab_size()), tokenizer))
        }
    }
}

/// Computes the SHA-256 of texts and triples in hexadecimal.
fn checksum(sentences: &[Sentence]) -> String {
    let mut hash = Sha256::new();
    // Each string follows its length, so that different corpora give different bytes.
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

fn json_problem(error: serde_json::Error) -> ConfigProblem {
    ConfigProblem::Json(error.to_string())
}

/// Checks that the models that stages are taken from fit the run.
fn check_trained_stages<S: System>(
    models: &BTreeMap<String, Source>,
    settings: &S::Config,
    relations: &RelationSet,
    encoder: &EncoderConfig,
    tokenizer: &Tokenizer,
) -> Result<(), RereError> {
    let known: Vec<&'static str> = S::stages(settings).into_iter().map(|(name, _)| name).collect();
    for (stage, model) in models {
        if !known.contains(&stage.as_str()) {
            return Err(ConfigProblem::UnknownStage { found: stage.clone(), known }.into());
        }
        let config = model.config()?;
        let same_tokenizer = load_tokenizer(model, &config.encoder)?.to_json()? == tokenizer.to_json()?;
        if config.system != S::NAME || config.relations != *relations || config.encoder != *encoder || !same_tokenizer {
            return Err(FolderProblem::StageDiffers { stage: stage.clone() }.at(model.path()));
        }
    }
    Ok(())
}

/// SHA-256 of everything that a run depends on.
struct Digests {
    /// The training sentences.
    train: String,
    /// The development sentences.
    dev: String,
    /// Everything that must be equal for a checkpoint to be usable: settings, corpus and encoder, independent of their paths.
    run: String,
}

impl Digests {
    fn new<S: System>(
        config: &Config<S>,
        corpus: &Corpus,
        tokenizer: &Tokenizer,
        earlier: Option<(&Source, &ModelConfig)>,
        trained_stages: &BTreeMap<String, Source>,
    ) -> Result<Self, RereError> {
        let mut files = match (earlier, &config.encoder) {
            (Some((source, model)), _) => {
                let networks = model.networks.iter().map(|network| weights(network));
                source.digests(networks.chain([CONFIG.to_owned()]))?
            }
            (None, EncoderSource::Pretrained(folder)) => {
                let name = |path: PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
                let weights = weight_files(folder)?.into_iter().filter_map(name);
                Source::from(folder).digests([CONFIG.to_owned()].into_iter().chain(weights))?
            }
            (None, EncoderSource::Random(_)) => Vec::new(),
        };
        files.push((TOKENIZER.to_owned(), sha256(tokenizer.to_json()?)));
        for (stage, model) in trained_stages {
            files.extend(model.digests([weights(stage)])?);
        }
        let settings = config.without_paths();
        let (train, dev) = (checksum(&corpus.train), checksum(&corpus.dev));
        // The order of fields and the form of numbers are fixed, so that equal settings have equal digests.
        let json = serde_json::to_vec(&(settings, &train, &dev, files)).map_err(json_problem)?;
        Ok(Self { run: sha256(json), train, dev })
    }
}
