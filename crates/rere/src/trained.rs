//! Trained systems.

use std::{collections::BTreeMap, fmt, path::Path};

use burn::tensor::Device;
use rayon::{ThreadPool, ThreadPoolBuilder};
use rere_core::{Constraints, ExtractError, ExtractOptions, Extractor, Info, Input, Sentence, Triple};
use rere_data::Tokenizer;
use rere_decode::RelationThresholds;
use rere_model::Precision;
use serde::Deserialize;
use tracing::{debug_span, info, info_span};

use crate::{
    ConfigProblem, Floor, FolderProblem, ModelParts, PrecisionCost, RereError, Source, System, Thresholds,
    TunedPrecision,
    batch::Runtime,
    config::setters,
    files::{sha256, write_json},
    folder::{CONFIG, ModelConfig, TOKENIZER, load_tokenizer},
    pipeline::{Chosen, ScoredSentences, Texts, candidates_floor, choose_thresholds},
    system::load_any,
};

/// How a model is loaded. Device, precision and threads are fixed for the loaded model; [`ExtractOptions`] holds the options
/// of a call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LoadOptions {
    /// The device.
    pub device: Device,
    /// The precision of weights and activations. `None` is the fastest on the device whose cost is known: see
    /// [`ModelConfig::fastest_precision`].
    pub precision: Option<Precision>,
    /// The most tokens of a batch, padding included. Small batches fit the caches of a CPU; a GPU needs large ones.
    pub batch_tokens: usize,
    /// Threads of the system's own pool. `None` uses the caller's pool: rayon's global pool unless the call is made inside
    /// another. `RAYON_NUM_THREADS` or `rayon::ThreadPoolBuilder` sets the size of the global pool.
    pub threads: Option<usize>,
    /// Whether the networks are cast to the precision. The export needs them as they are.
    is_cast: bool,
}

impl LoadOptions {
    /// Creates options for a device: f32, batches of 1,024 tokens, the caller's pool.
    pub fn new(device: Device) -> Self {
        Self { device, precision: Some(Precision::F32), batch_tokens: 1024, threads: None, is_cast: true }
    }

    setters! {
        /// Sets the most tokens of a batch, padding included.
        with_batch_tokens(batch_tokens: usize);
    }

    /// Keeps the networks as they were trained, in f32.
    pub(crate) fn without_cast(self) -> Self {
        Self { is_cast: false, ..self }
    }

    /// Sets the precision; `None` takes the fastest whose cost is known.
    #[must_use]
    pub fn with_precision(self, precision: impl Into<Option<Precision>>) -> Self {
        Self { precision: precision.into(), ..self }
    }

    /// Sets the number of threads of the system's own pool; `None` uses the caller's pool.
    #[must_use]
    pub fn with_threads(self, threads: impl Into<Option<usize>>) -> Self {
        Self { threads: threads.into(), ..self }
    }
}

/// Loads a model of any system.
///
/// The result is an [`Extractor`], which can be shared between threads.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use rere::{Device, Extractor, LoadOptions, load};
///
/// let model = load("models/nyt11", LoadOptions::new(Device::flex()))?;
/// let shared: Arc<dyn Extractor> = Arc::from(model as Box<dyn Extractor>);
/// # Ok::<(), rere::RereError>(())
/// ```
///
/// # Errors
/// Returns an error if a file is missing or damaged, the folder is of another version, the system is unknown, or the device
/// does not support the precision.
pub fn load(from: impl Into<Source>, options: LoadOptions) -> Result<Box<dyn TrainedSystem>, RereError> {
    let source = from.into();
    let config = source.config()?;
    load_any(config, &source, &options)
}

/// A trained model of any system: an [`Extractor`] whose thresholds and constraints can be changed.
pub trait TrainedSystem: Extractor {
    /// Returns the current configuration, which holds the thresholds of each precision.
    fn config(&self) -> &ModelConfig;

    /// Returns the precision that the model computes in.
    fn precision(&self) -> Precision;

    /// Returns the decision thresholds for this precision.
    fn thresholds(&self) -> &Thresholds;

    /// Sets the decision thresholds for this precision.
    fn set_thresholds(&mut self, thresholds: Thresholds);

    /// Records what this precision costs, if it is not f32.
    fn set_cost(&mut self, cost: PrecisionCost);

    /// Sets the constraints on the triples of a text.
    fn set_constraints(&mut self, constraints: Constraints);

    /// Chooses the thresholds with the best micro F1 (exact) on gold sentences, sets them and returns that F1. Returns `None`
    /// and changes nothing if the sentences have no triples.
    ///
    /// One threshold per relation replaces the one for all relations only if it is better in a five-fold cross-validation over
    /// the sentences.
    ///
    /// # Errors
    /// Returns an error if a text cannot be tokenised or a score is NaN.
    fn tune(&mut self, sentences: &[Sentence]) -> Result<Option<f64>, RereError>;

    /// Writes the current configuration into a model folder.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written; the old file is then unchanged.
    fn save_config(&self, folder: &Path) -> Result<(), RereError>;
}

/// A trained model of the system `S`.
///
/// A text that is longer than the encoder can read is cut into windows that overlap by a quarter. A triple that is found in
/// two windows is reported once.
pub struct Trained<S: System> {
    config: ModelConfig,
    precision: Precision,
    system: S,
    tokenizer: Tokenizer,
    pool: Option<ThreadPool>,
    /// SHA-256 of the weights and the tokenizer, by file.
    digests: BTreeMap<String, String>,
    info: Info,
}

impl<S: System> fmt::Debug for Trained<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trained").field("config", &self.config).finish_non_exhaustive()
    }
}

impl<S: System> Trained<S> {
    /// Loads a model of this system.
    ///
    /// # Errors
    /// Returns an error as [`load`] does, and if the model is of another system.
    pub fn load(from: impl Into<Source>, options: &LoadOptions) -> Result<Self, RereError> {
        let source = from.into();
        Self::with_config(source.config()?, &source, options)
    }

    pub(crate) fn with_config(config: ModelConfig, source: &Source, options: &LoadOptions) -> Result<Self, RereError> {
        let _span = info_span!("load", system = S::NAME, model = %source.path().display()).entered();
        let max_tokens = config.max_tokens;
        if config.system != S::NAME {
            return Err(FolderProblem::OtherSystem { expected: S::NAME, found: config.system }.at(CONFIG));
        }
        if let Some(most) = config.encoder.max_tokens().filter(|&most| most < max_tokens) {
            return Err(FolderProblem::MaxTokens { max_tokens, most }.at(CONFIG));
        }
        let settings = S::Config::deserialize(&config.settings)
            .map_err(|error| FolderProblem::Settings(error.to_string()).at(CONFIG))?;
        let tokenizer = load_tokenizer(source, &config.encoder)?;
        let runtime = Runtime::new(&options.device, options.batch_tokens, &tokenizer);
        let precision = options.precision.unwrap_or_else(|| config.fastest_precision(&options.device));
        let parts = ModelParts::new(source, &config, runtime, options.is_cast.then_some(precision))?;
        let system = S::load(&settings, &parts)?;
        let mut digests = parts.digests();
        digests.insert(TOKENIZER.to_owned(), sha256(tokenizer.to_json()?));
        let extra = system.extra_tokens();
        if extra >= max_tokens {
            return Err(FolderProblem::NoRoomForText { max_tokens, extra }.at(CONFIG));
        }
        let pool = options.threads.map(|threads| ThreadPoolBuilder::new().num_threads(threads).build()).transpose();
        let pool = pool.map_err(|error| ConfigProblem::Threads(error.to_string()))?;
        let info = Info::new(&config.system, &config.rere_version, config.relations.clone());
        let mut trained = Self { config, precision, system, tokenizer, pool, digests, info };
        trained.set_digest();
        info!(relations = trained.info.relations.len(), %precision, digest = trained.info.digest.as_deref(), "model loaded");
        Ok(trained)
    }

    /// Returns the system.
    pub fn system(&self) -> &S {
        &self.system
    }

    /// Returns the current decision thresholds.
    pub fn thresholds(&self) -> &Thresholds {
        self.config.thresholds(self.precision)
    }

    pub(crate) fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Returns the most tokens of a text that fit into an input.
    pub(crate) fn window_tokens(&self) -> usize {
        self.config.max_tokens - self.system.extra_tokens()
    }

    /// Decodes scored texts at the given thresholds.
    pub(crate) fn decode(
        &self,
        scored: &ScoredSentences<'_, S>,
        at: &Thresholds,
    ) -> Result<Vec<Vec<Triple>>, RereError> {
        scored.decode(&self.system, &self.config.relations, at, &self.config.decode, |_| None)
    }

    fn set_digest(&mut self) {
        // The order of fields and the form of numbers are fixed, so that equal models have equal digests.
        let json = serde_json::to_vec(&(&self.config, &self.digests)).unwrap_or_default();
        self.info.digest = Some(sha256(json));
    }

    /// Runs `work` in the system's own pool, if it has one.
    pub(crate) fn in_pool<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    fn find(&self, inputs: &[Input<'_>], options: &ExtractOptions) -> Result<Vec<Vec<Triple>>, ExtractError> {
        let wanted = options.wanted(&self.config.relations)?;
        let own = self.thresholds();
        let triple = options.min_score.map_or_else(|| own.triple.clone(), RelationThresholds::All);
        let thresholds = Thresholds { triple, ..own.clone() };
        let (detect, decode) = ([own.detect], own.decode);
        let floor = Floor { detect: &detect, decode, triple: &thresholds.triple, wanted: &wanted };
        let constraints = options.constraints.as_ref().unwrap_or(&self.config.decode);
        constraints.check(&self.config.relations)?;
        let texts = Texts::tokenize(inputs.iter().map(|input| input.text).collect(), &self.tokenizer)?
            .with_mentions(inputs.iter().map(|input| input.mentions));
        let scored = ScoredSentences::new(&self.system, &texts, self.window_tokens(), &floor)?;
        let mentions = |text: usize| inputs[text].mentions;
        Ok(scored.decode(&self.system, &self.config.relations, &thresholds, constraints, mentions)?)
    }

    /// Chooses the best thresholds on sentences that are already tokenised.
    pub(crate) fn choose(&self, texts: &Texts<'_>, gold: &[Sentence]) -> Result<Option<Chosen>, RereError> {
        let config = &self.config;
        let score = |floor: &Floor<'_>| ScoredSentences::new(&self.system, texts, self.window_tokens(), floor);
        let scored = candidates_floor(config.relations.len(), score)?;
        choose_thresholds(&self.system, &scored, gold, &config.relations, &config.decode)
    }
}

impl<S: System> Extractor for Trained<S> {
    fn info(&self) -> &Info {
        &self.info
    }

    /// Returns the number of tokens of the text plus the special tokens and query of its input.
    fn cost(&self, text: &str) -> usize {
        self.tokenizer.encode(text).map_or(0, |tokens| tokens.len()) + self.system.extra_tokens()
    }

    fn extract(&self, inputs: &[Input<'_>], options: &ExtractOptions) -> Result<Vec<Vec<Triple>>, ExtractError> {
        let _span = debug_span!("extract", system = S::NAME, texts = inputs.len()).entered();
        self.in_pool(|| self.find(inputs, options))
    }
}

impl<S: System> TrainedSystem for Trained<S> {
    fn config(&self) -> &ModelConfig {
        &self.config
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn thresholds(&self) -> &Thresholds {
        self.config.thresholds(self.precision)
    }

    fn set_thresholds(&mut self, thresholds: Thresholds) {
        if self.precision == Precision::F32 {
            self.config.thresholds = thresholds;
        } else {
            self.config.precisions.insert(self.precision, TunedPrecision { thresholds, cost: None });
        }
        self.set_digest();
    }

    fn set_cost(&mut self, cost: PrecisionCost) {
        if self.precision != Precision::F32 {
            let thresholds = self.thresholds().clone();
            self.config.precisions.insert(self.precision, TunedPrecision { thresholds, cost: Some(cost) });
            self.set_digest();
        }
    }

    fn set_constraints(&mut self, constraints: Constraints) {
        self.config.decode = constraints;
        self.set_digest();
    }

    fn tune(&mut self, sentences: &[Sentence]) -> Result<Option<f64>, RereError> {
        let _span = info_span!("tune", system = S::NAME, sentences = sentences.len()).entered();
        let chosen = self.in_pool(|| {
            let texts = sentences.iter().map(|sentence| sentence.text.as_str()).collect();
            self.choose(&Texts::tokenize(texts, &self.tokenizer)?, sentences)
        })?;
        Ok(chosen.map(|Chosen { thresholds, f1 }| {
            self.set_thresholds(thresholds);
            f1
        }))
    }

    fn save_config(&self, folder: &Path) -> Result<(), RereError> {
        write_json(&folder.join(CONFIG), &self.config)
    }
}
