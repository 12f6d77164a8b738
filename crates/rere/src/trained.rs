//! A trained system at work.

use std::{collections::BTreeMap, fmt, path::Path};

use burn::tensor::Device;
use rayon::{ThreadPool, ThreadPoolBuilder};
use rere_core::{Constraints, ExtractError, ExtractOptions, Extractor, Info, Input, Sentence, Triple};
use rere_data::Tokenizer;
use rere_decode::RelationThresholds;
use rere_model::Precision;
use serde::Deserialize;

use crate::{
    Floor, ModelParts, RereError, Source, System, Thresholds,
    batch::Runtime,
    files::{sha256, write_json},
    folder::{CONFIG, ModelConfig, TOKENIZER, load_tokenizer},
    pipeline::{Chosen, ScoredSentences, Texts, candidates_floor, choose_thresholds},
    system::load_any,
};

/// How a model is loaded. Device, precision and threads are fixed then; what differs from call to call is in
/// [`ExtractOptions`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LoadOptions {
    /// Where to compute.
    pub device: Device,
    /// Numbers to compute with.
    pub precision: Precision,
    /// Tokens, padding counted, that go through an encoder at once. Few stay in a processor's caches, a GPU wants many.
    pub batch_tokens: usize,
    /// Threads of the system's own pool; `None` to work in the caller's pool, which is rayon's global one unless the call is
    /// made inside another. The size of the global pool is set by `RAYON_NUM_THREADS` or `rayon::ThreadPoolBuilder`.
    pub threads: Option<usize>,
}

impl LoadOptions {
    /// Options for a device: f32, batches of 1,024 tokens, the caller's threads.
    pub fn new(device: Device) -> Self {
        Self { device, precision: Precision::F32, batch_tokens: 1024, threads: None }
    }

    /// Sets the numbers to compute with.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// Sets how many tokens go through an encoder at once, padding included.
    #[must_use]
    pub fn with_batch_tokens(self, tokens: usize) -> Self {
        Self { batch_tokens: tokens, ..self }
    }

    /// Sets the threads of the system's own pool; `None` for the caller's pool.
    #[must_use]
    pub fn with_threads(self, threads: impl Into<Option<usize>>) -> Self {
        Self { threads: threads.into(), ..self }
    }
}

/// Loads the system that a model folder names.
///
/// The result is an [`Extractor`]: `let extractor: Arc<dyn Extractor> = Arc::from(load(folder, options)? as Box<dyn Extractor>)`
/// shares it between threads.
///
/// # Errors
/// Returns an error if a file is missing or damaged, the folder is of another version, the system is unknown, or the device
/// does not support the precision.
pub fn load(from: impl Into<Source>, options: LoadOptions) -> Result<Box<dyn TrainedSystem>, RereError> {
    let source = from.into();
    let config = source.config()?;
    load_any(config, &source, &options)
}

/// A trained system of any kind: an [`Extractor`] whose thresholds can be chosen anew.
pub trait TrainedSystem: Extractor {
    /// The configuration in force, with the thresholds.
    fn config(&self) -> &ModelConfig;

    /// Sets the decision thresholds.
    fn set_thresholds(&mut self, thresholds: Thresholds);

    /// Sets the constraints on the triples of a text.
    fn set_constraints(&mut self, constraints: Constraints);

    /// Chooses the thresholds with the best micro F1 (exact) on sentences whose triples are known, sets them, and returns that
    /// F1; `None` if the sentences have no triples.
    ///
    /// A threshold for each relation takes the place of the one for all relations only if that is better in a five-fold
    /// cross-validation over the sentences.
    ///
    /// # Errors
    /// Returns an error if a text cannot be tokenised or a score is NaN.
    fn tune(&mut self, sentences: &[Sentence]) -> Result<Option<f64>, RereError>;

    /// Writes the configuration in force into a model folder.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written; the old one is then as it was.
    fn save_config(&self, folder: &Path) -> Result<(), RereError>;
}

/// A trained system of a known kind.
///
/// A text that is longer than the encoder can read is cut into windows that overlap by a quarter; what is found in
/// two of them is reported once.
pub struct Trained<S: System> {
    config: ModelConfig,
    system: S,
    tokenizer: Tokenizer,
    pool: Option<ThreadPool>,
    /// Digests of the files beside the configuration, by name.
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
    /// As [`load`], or if the model is of another system.
    pub fn load(from: impl Into<Source>, options: &LoadOptions) -> Result<Self, RereError> {
        let source = from.into();
        Self::with_config(source.config()?, &source, options)
    }

    pub(crate) fn with_config(config: ModelConfig, source: &Source, options: &LoadOptions) -> Result<Self, RereError> {
        let wrong = |message| RereError::Folder { path: CONFIG.into(), message };
        if config.system != S::NAME {
            return Err(wrong(format!("expected a model of the system {}, found {}", S::NAME, config.system)));
        }
        if let Some(most) = config.encoder.max_tokens().filter(|&most| most < config.max_tokens) {
            return Err(wrong(format!("max_tokens is {}, but the encoder reads at most {most}", config.max_tokens)));
        }
        let settings = S::Config::deserialize(&config.settings)
            .map_err(|error| wrong(format!("settings: {error}; train the model again")))?;
        let tokenizer = load_tokenizer(source, &config.encoder)?;
        let compute = Runtime::new(&options.device, options.batch_tokens, &tokenizer);
        let parts = ModelParts::new(source, &config, compute, options.precision)?;
        let system = S::load(&settings, &parts)?;
        let mut digests = parts.digests();
        digests.insert(TOKENIZER.to_owned(), sha256(tokenizer.to_json()?));
        let extra = system.extra_tokens();
        if extra >= config.max_tokens {
            return Err(wrong(format!("max_tokens is {}, but {extra} tokens are not the text's", config.max_tokens)));
        }
        let pool = options.threads.map(|threads| ThreadPoolBuilder::new().num_threads(threads).build()).transpose();
        let pool = pool.map_err(RereError::config)?;
        let info = Info::new(&config.system, &config.rere_version, config.relations.clone());
        let mut trained = Self { config, system, tokenizer, pool, digests, info };
        trained.set_digest();
        Ok(trained)
    }

    /// The system.
    pub fn system(&self) -> &S {
        &self.system
    }

    /// The decision thresholds in force.
    pub fn thresholds(&self) -> &Thresholds {
        &self.config.thresholds
    }

    pub(crate) fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The most tokens of a text that fit an input.
    pub(crate) fn window_tokens(&self) -> usize {
        self.config.max_tokens - self.system.extra_tokens()
    }

    /// The triples of scored texts at other thresholds than the model's.
    pub(crate) fn decode(
        &self,
        scored: &ScoredSentences<'_, S>,
        at: &Thresholds,
    ) -> Result<Vec<Vec<Triple>>, RereError> {
        scored.decode(&self.system, &self.config.relations, at, &self.config.decode, |_| None)
    }

    fn set_digest(&mut self) {
        // Fields in a fixed order, numbers in their shortest form: the same model gives the same text.
        let json = serde_json::to_vec(&(&self.config, &self.digests)).unwrap_or_default();
        self.info.digest = Some(sha256(json));
    }

    /// Runs `work` in the system's own threads, if it has some.
    pub(crate) fn in_pool<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }

    fn find(&self, inputs: &[Input<'_>], options: &ExtractOptions) -> Result<Vec<Vec<Triple>>, ExtractError> {
        let wanted = options.wanted(&self.config.relations)?;
        let own = &self.config.thresholds;
        let triple = options.min_score.map_or_else(|| own.triple.clone(), RelationThresholds::All);
        let thresholds = Thresholds { triple, ..own.clone() };
        let (detect, decode) = ([own.detect], own.decode);
        let floor = Floor { detect: &detect, decode, triple: &thresholds.triple, wanted: &wanted };
        let constraints = options.constraints.as_ref().unwrap_or(&self.config.decode);
        constraints.check(&self.config.relations)?;
        let texts = Texts::tokenize(inputs.iter().map(|input| input.text).collect(), &self.tokenizer)?;
        let scored = ScoredSentences::new(&self.system, &texts, self.window_tokens(), &floor)?;
        let mentions = |text: usize| inputs[text].mentions;
        Ok(scored.decode(&self.system, &self.config.relations, &thresholds, constraints, mentions)?)
    }

    /// The best thresholds on sentences that are tokenised already.
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

    /// Number of tokens of the text, and those that its input has besides.
    fn cost(&self, text: &str) -> usize {
        self.tokenizer.encode(text).map_or(0, |tokens| tokens.len()) + self.system.extra_tokens()
    }

    fn extract(&self, inputs: &[Input<'_>], options: &ExtractOptions) -> Result<Vec<Vec<Triple>>, ExtractError> {
        self.in_pool(|| self.find(inputs, options))
    }
}

impl<S: System> TrainedSystem for Trained<S> {
    fn config(&self) -> &ModelConfig {
        &self.config
    }

    fn set_thresholds(&mut self, thresholds: Thresholds) {
        self.config.thresholds = thresholds;
        self.set_digest();
    }

    fn set_constraints(&mut self, constraints: Constraints) {
        self.config.decode = constraints;
        self.set_digest();
    }

    fn tune(&mut self, sentences: &[Sentence]) -> Result<Option<f64>, RereError> {
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
