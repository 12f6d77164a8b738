//! The folder of trained systems. What is in it is not trained again.
//!
//! ```text
//! OUT/cells/KEY/           one system, trained with one seed on one data set; KEY is a digest of what decides it
//!         inputs.json      what decides it, and the stages that are taken from other cells
//!         seconds.json     seconds of each stage so far
//!         config.json, …   the model folder, or the checkpoint of a stopped run
//!         test.jsonl.gz    the triples of the test sentences, at the thresholds chosen on the development set
//!         curve.jsonl.gz   the triples of the test sentences with scores for a precision-recall curve
//!         cell.json        the rest of the result; it is written last
//!     stages/KEY           the key of the cell that has trained this stage
//! ```
//!
//! A stage is the same in two cells if they differ only in the settings of other stages of the system, as the entity stage of RERE
//! does for all losses of its relation stage.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Instant,
};

use rere::{
    AnyConfig, Device, Event, ExtractOptions, Input, LoadOptions, Probability, RereError, Sentence, Thresholds,
    TrainOptions, TrainedSystem, TrainingRecord, Triple, load, parse_device,
};
use rere_data::{DataError, Format, Tokenizer, replace_file};
use rere_eval::{Exact, TripleMatcher};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Data, ExperimentError,
    data::{digest, file_digest, hexadecimal},
    log_line,
};

/// Folder of trained systems, and the device to train on.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    device: Device,
    device_name: String,
}

/// Result of a system that was trained with one seed on one data set. The triples are in its folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cell {
    /// The folder.
    #[serde(skip)]
    pub folder: PathBuf,
    /// Micro F1 (exact) on the development set at the chosen thresholds.
    pub dev_f1: Option<f64>,
    /// Seconds of the training of each stage; of a stage that was taken from another cell, those that it took there.
    pub training_seconds: BTreeMap<String, f64>,
    /// Seconds of the extraction from the test sentences, without loading the model.
    pub extraction_seconds: f64,
    /// The device that the system was trained on.
    pub device: String,
}

/// What a cell is made of: `inputs.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Inputs {
    /// Everything that decides the result.
    decides: Value,
    /// The stages that are not trained, with the keys of the cells that they are taken from.
    taken: BTreeMap<String, String>,
}

const INPUTS: &str = "inputs.json";
const SECONDS: &str = "seconds.json";
const CELL: &str = "cell.json";
const TEST: &str = "test.jsonl.gz";
const CURVE: &str = "curve.jsonl.gz";

impl Store {
    /// Opens a folder, which need not exist.
    ///
    /// # Errors
    /// Returns an error if the device is not there or the folder cannot be created.
    pub fn open(folder: &Path, device: &str) -> Result<Self, ExperimentError> {
        for inner in ["cells", "stages"] {
            let path = folder.join(inner);
            fs::create_dir_all(&path).map_err(|source| ExperimentError::Io { path, source })?;
        }
        Ok(Self { folder: folder.to_owned(), device: parse_device(device)?, device_name: device.to_owned() })
    }

    /// Trains a system and extracts the triples of the test sentences, or returns the result of an earlier run. A run that was
    /// stopped continues.
    ///
    /// # Errors
    /// Returns an error if the system cannot be trained or run, or its folder cannot be used.
    pub fn cell(
        &self,
        config: AnyConfig,
        data: &Data,
        mut on_event: impl FnMut(&Event) -> ControlFlow<()>,
    ) -> Result<Cell, ExperimentError> {
        let decides = decides(&config, data)?;
        let key = key(&decides);
        let folder = self.cell_folder(&key);
        if folder.join(CELL).exists() {
            return Ok(Cell { folder: folder.clone(), ..read_json(&folder.join(CELL))? });
        }
        let stages: Vec<&str> = config.stages().into_iter().map(|(name, _)| name).collect();
        let stage_keys: BTreeMap<&str, String> =
            stages.iter().map(|stage| (*stage, stage_key(&decides, stage, &stages))).collect();
        fs::create_dir_all(&folder).map_err(|source| ExperimentError::Io { path: folder.clone(), source })?;
        // The choice is kept, because a stopped run can only continue with the same stages.
        let inputs = match folder.join(INPUTS) {
            path if path.exists() => read_json(&path)?,
            path => {
                let taken =
                    stage_keys.iter().filter_map(|(stage, key)| Some(((*stage).to_owned(), self.cell_of_stage(key)?)));
                let inputs = Inputs { decides, taken: taken.collect() };
                write_json(&path, &inputs)?;
                inputs
            }
        };

        let mut clock = Clock::new(&folder);
        let mut options = TrainOptions::new(self.device.clone()).with_resume(true);
        for (stage, from) in &inputs.taken {
            clock.copy(stage, &self.cell_folder(from));
            options = options.with_trained_stage(stage.as_str(), self.cell_folder(from));
        }
        let record: TrainingRecord = config.train(options, &data.corpus, &folder, |event| {
            clock.show(event);
            on_event(event)
        })?;
        for (_, key) in stage_keys.iter().filter(|(stage, _)| !inputs.taken.contains_key(**stage)) {
            write(&self.stage_file(key), folder.file_name().unwrap_or_default().as_encoded_bytes())?;
        }

        let system = self.load(&folder)?;
        let texts: Vec<Input> = data.test.iter().map(Input::from).collect();
        let started = Instant::now();
        let found = system.extract(&texts, &ExtractOptions::default())?;
        let extraction_seconds = started.elapsed().as_secs_f64();
        write_triples(&folder.join(TEST), &data.test, found)?;
        let (training_seconds, device) = (clock.seconds, self.device_name.clone());
        let cell = Cell { folder, dev_f1: record.dev_f1, training_seconds, extraction_seconds, device };
        write_json(&cell.folder.join(CELL), &cell)?;
        Ok(cell)
    }

    /// Returns the test sentences with the triples for a precision-recall curve, and keeps them for the next time.
    ///
    /// # Errors
    /// Returns an error if the model cannot be loaded or run, or the file cannot be read or written.
    pub fn curve(&self, cell: &Cell, data: &Data) -> Result<Vec<Sentence>, ExperimentError> {
        let path = cell.folder.join(CURVE);
        if !path.exists() {
            let found = ranked_triples(&mut *self.load(&cell.folder)?, &data.test)?;
            write_triples(&path, &data.test, found)?;
        }
        Ok(rere_data::read(&path)?)
    }

    fn load(&self, model: &Path) -> Result<Box<dyn TrainedSystem>, ExperimentError> {
        let options = LoadOptions::new(self.device.clone());
        // A GPU needs large batches.
        Ok(load(model, if self.device_name == "flex" { options } else { options.with_batch_tokens(16_384) })?)
    }

    fn cell_folder(&self, key: &str) -> PathBuf {
        self.folder.join("cells").join(key)
    }

    fn stage_file(&self, key: &str) -> PathBuf {
        self.folder.join("stages").join(key)
    }

    /// Returns the key of the cell that has trained a stage, if its model is complete.
    fn cell_of_stage(&self, key: &str) -> Option<String> {
        let cell = fs::read_to_string(self.stage_file(key)).ok()?;
        self.cell_folder(&cell).join("config.json").exists().then_some(cell)
    }
}

impl Cell {
    /// Returns the test sentences with the triples that the system found in them.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub fn predicted(&self) -> Result<Vec<Sentence>, ExperimentError> {
        Ok(rere_data::read(&self.folder.join(TEST))?)
    }
}

/// Returns the triples of each sentence with scores for a precision-recall curve.
///
/// First come the triples at the model's thresholds of both steps, by their scores, whatever those are. Some systems find no triple
/// with a score below these thresholds, which would cut off the curve. So the triples that lower thresholds find come after them,
/// step by step: a lower threshold can also change the spans of a triple, so that it must not replace one that was found before.
fn ranked_triples(system: &mut dyn TrainedSystem, sentences: &[Sentence]) -> Result<Vec<Vec<Triple>>, ExperimentError> {
    let chosen = system.thresholds().clone();
    let lower = |at: &Probability| *at < chosen.detect.max(chosen.decode);
    let lower = Thresholds::candidates().into_iter().rev().filter(lower);
    let lowered = |at| chosen.clone().with_detect(chosen.detect.min(at)).with_decode(chosen.decode.min(at));
    let levels: Vec<Thresholds> = std::iter::once(chosen.clone()).chain(lower.map(lowered)).collect();
    let texts: Vec<Input> = sentences.iter().map(Input::from).collect();
    let every_score = ExtractOptions::default().with_min_score(Probability::ZERO);
    let mut ranked: Vec<Vec<Triple>> = vec![Vec::new(); sentences.len()];
    for (level, thresholds) in levels.iter().enumerate() {
        system.set_thresholds(thresholds.clone());
        let rank =
            |score: f32| Probability::saturating(((levels.len() - 1 - level) as f32 + score) / levels.len() as f32);
        for (ranked, found) in ranked.iter_mut().zip(system.extract(&texts, &every_score)?) {
            let is_known = |triple: &Triple| ranked.iter().any(|known| Exact.key(known) == Exact.key(triple));
            let new: Vec<Triple> = found.into_iter().filter(|triple| !is_known(triple)).collect();
            ranked.extend(new.into_iter().map(|triple| {
                let score = rank(triple.score.unwrap_or_default().get());
                triple.with_score(score)
            }));
        }
    }
    Ok(ranked)
}

/// Returns everything that decides the result of a cell: version, settings with the seed, files of the encoder, data.
fn decides(config: &AnyConfig, data: &Data) -> Result<Value, ExperimentError> {
    let mut settings = serde_json::to_value(config).map_err(|error| ExperimentError::Output(error.to_string()))?;
    if let Some(folder) = settings["encoder"]["pretrained"].as_str().map(PathBuf::from) {
        let weights = rere_model::weight_files(&folder).map_err(RereError::from)?;
        let files = [folder.join("config.json")].into_iter().chain(weights);
        let mut digests = files.map(|file| file_digest(&file)).collect::<Result<Vec<_>, _>>()?;
        digests.push(digest(Tokenizer::load(&folder)?.to_json()?.as_bytes()));
        settings["encoder"]["pretrained"] = json!(digests);
    }
    Ok(json!({ "version": env!("CARGO_PKG_VERSION"), "settings": settings, "data": data.origin }))
}

/// Returns the key of a stage: that of the cell without the settings of its other stages and without the test set.
fn stage_key(decides: &Value, stage: &str, stages: &[&str]) -> String {
    let mut decides = decides.clone();
    let system = decides["settings"]["system"].as_str().unwrap_or_default().to_owned();
    if let Some(settings) = decides["settings"][system].as_object_mut() {
        settings.retain(|key, _| key == stage || !stages.contains(&key.as_str()));
    }
    decides["data"]["test"].take();
    decides["stage"] = json!(stage);
    key(&decides)
}

/// Returns the first half of the SHA-256 of a JSON value, whatever the order of its keys.
fn key(value: &Value) -> String {
    let mut value = value.clone();
    value.sort_all_objects();
    hexadecimal(&Sha256::digest(value.to_string())[..16])
}

/// Measures how long each stage is trained, over all runs of a cell.
struct Clock {
    path: PathBuf,
    seconds: BTreeMap<String, f64>,
    stage: String,
    since: Instant,
}

impl Clock {
    fn new(folder: &Path) -> Self {
        let path = folder.join(SECONDS);
        let seconds = read_json(&path).unwrap_or_default();
        Self { path, seconds, stage: String::new(), since: Instant::now() }
    }

    /// Copies the seconds of a stage, and those of the estimate of its prior, from another cell.
    fn copy(&mut self, stage: &str, cell: &Path) {
        let others: BTreeMap<String, f64> = read_json(&cell.join(SECONDS)).unwrap_or_default();
        let is_of_stage = |name: &str| name == stage || name.strip_suffix("-prior") == Some(stage);
        self.seconds.extend(others.into_iter().filter(|(name, _)| is_of_stage(name)));
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::Stage { stage, .. } => (self.stage, self.since) = (stage.clone(), Instant::now()),
            Event::Epoch { .. } => {
                *self.seconds.entry(self.stage.clone()).or_default() += self.since.elapsed().as_secs_f64();
                self.since = Instant::now();
                // Without the file, only the seconds of a resumed run are wrong.
                _ = write_json(&self.path, &self.seconds);
            }
            _ => {}
        }
    }
}

/// Prints the progress of training to standard error.
pub fn show_progress(name: &str, event: &Event) -> ControlFlow<()> {
    let line = match event {
        Event::Located(report) if !report.is_complete() => report.to_string(),
        Event::DevLocated(report) if !report.is_complete() => format!("of the development set: {report}"),
        Event::Stage { stage, examples, too_long, done, steps } => {
            format!("{stage}, {examples} examples, {too_long} left out as too long, step {done} of {steps}")
        }
        Event::StageTaken { stage } => format!("{stage} is taken from another row"),
        Event::Epoch { epoch, loss, dev_f1, .. } => {
            format!("epoch {epoch}, loss {loss:.4}, dev F1 {:.2}", 100.0 * dev_f1.unwrap_or_default())
        }
        Event::Warning(warning) => format!("warning: {warning}"),
        _ => return ControlFlow::Continue(()),
    };
    log_line(format!("{name}: {line}"));
    ControlFlow::Continue(())
}

fn write_triples(path: &Path, sentences: &[Sentence], triples: Vec<Vec<Triple>>) -> Result<(), ExperimentError> {
    let sentences = sentences.iter().zip(triples);
    let found: Vec<Sentence> = sentences.map(|(sentence, triples)| sentence.clone().with_triples(triples)).collect();
    rere_data::write(path, &found, Format::Rere)?;
    Ok(())
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, ExperimentError> {
    let bytes = fs::read(path).map_err(|source| ExperimentError::Io { path: path.to_owned(), source })?;
    serde_json::from_slice(&bytes).map_err(|source| ExperimentError::Damaged { path: path.to_owned(), source })
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), ExperimentError> {
    let text = serde_json::to_vec_pretty(value).map_err(|error| ExperimentError::Output(error.to_string()))?;
    write(path, &text)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ExperimentError> {
    Ok(replace_file(path, |file| file.write_all(bytes).map_err(DataError::Output))?)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rere::Corpus;

    use super::*;

    const SETTINGS: &str = "[encoder.random]\nmodel_type = \"bilstm\"\nembedding_size = 4\ndirection_size = 4\n\
        [training]\ncheckpoint_steps = 1\n[rere.relation]\nepochs = 2\nbatch = 2\n[rere.entity]\nepochs = 2\nbatch = 2\n";

    fn config(more: &str) -> AnyConfig {
        AnyConfig::parse(&format!("{SETTINGS}{more}")).expect("valid")
    }

    fn data() -> Data {
        let names = ["Ada", "Bob", "Cy", "Dora", "Eve", "Finn"];
        let born = |name: &str| Triple::of(name, "born in", "London");
        let sentence = |name: &&str| Sentence::new(format!("{name} was born in London .")).with_triples([born(name)]);
        let train: Vec<Sentence> = names.iter().map(sentence).collect();
        let dev = train[..2].to_vec();
        Data { test: dev.clone(), corpus: Corpus { train, dev }, origin: json!({ "train": "1", "test": "2" }) }
    }

    #[test]
    fn a_key_changes_with_everything_that_decides_the_result() {
        let of = |config: &AnyConfig, data: &Data| key(&decides(config, data).expect("JSON"));
        let plain = of(&config(""), &data());
        // Defaults that are written down, and the order of keys, decide nothing.
        assert_eq!(plain, of(&config("learning_rate = 1e-4"), &data()));
        assert_eq!(key(&json!({ "a": 1, "b": { "c": 2, "d": 3 } })), key(&json!({ "b": { "d": 3, "c": 2 }, "a": 1 })));
        let mut other_seed = config("");
        other_seed.training_mut().seed = 2;
        let removed = data().without(rere::Probability::saturating(0.1), 1);
        let other_file = Data { origin: json!({ "train": "3", "test": "2" }), ..data() };
        for other in [
            of(&config("learning_rate = 1e-3"), &data()),
            of(&other_seed, &data()),
            of(&config(""), &removed),
            of(&config(""), &other_file),
        ] {
            assert_ne!(other, plain);
        }

        let stages = ["relation", "entity"];
        let stage =
            |config: &AnyConfig, data: &Data, stage| stage_key(&decides(config, data).expect("JSON"), stage, &stages);
        let (bce, cpu) = (config(""), config("[rere.relation.loss]\nname = \"cpu\""));
        assert_eq!(stage(&bce, &data(), "entity"), stage(&cpu, &data(), "entity"));
        assert_ne!(stage(&bce, &data(), "relation"), stage(&cpu, &data(), "relation"));
        assert_ne!(stage(&bce, &data(), "relation"), stage(&bce, &data(), "entity"));
        // The query is a setting of the whole system.
        let raw = config("[rere]\nquery = \"raw\"");
        assert_ne!(stage(&bce, &data(), "entity"), stage(&raw, &data(), "entity"));
        let other_test = Data { origin: json!({ "train": "1", "test": "3" }), ..data() };
        assert_eq!(stage(&bce, &data(), "entity"), stage(&bce, &other_test, "entity"));
    }

    /// Trains a cell and returns it with the names of the stages that were trained and of those that were taken.
    fn train(
        store: &Store,
        config: AnyConfig,
        most_steps: usize,
    ) -> (Result<Cell, ExperimentError>, Vec<String>, usize) {
        let (mut taken, mut steps) = (Vec::new(), 0);
        let cell = store.cell(config, &data(), |event| {
            match event {
                Event::StageTaken { stage } => taken.push(stage.clone()),
                Event::Step { .. } => steps += 1,
                _ => {}
            }
            if steps == most_steps { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        (cell, taken, steps)
    }

    /// One test for all that trains, because the flex backend has one random state per process.
    #[test]
    fn stages_are_taken_from_other_cells_and_stopped_cells_continue() {
        let [folder, other] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let store = Store::open(folder.path(), "flex").expect("opened");
        let cpu = || config("[rere.relation.loss]\nname = \"cpu\"\nprior = 0.1");
        let weights =
            |cell: &Cell, stage: &str| fs::read(cell.folder.join(stage).join("model.safetensors")).expect("read");

        // 6 sentences in batches of 2, twice, in each of two stages.
        let (first, taken, steps) = train(&store, config(""), usize::MAX);
        let first = first.expect("trains");
        assert_eq!((taken.len(), steps, first.training_seconds.len()), (0, 12, 2));
        assert_eq!(first.predicted().expect("read").len(), 2);
        assert_eq!(train(&store, config(""), usize::MAX).2, 0, "a finished cell is trained again");
        // The curve begins with the triples at the model's thresholds, in their order; the others come after them.
        let curve = store.curve(&first, &data()).expect("extracted");
        assert_eq!(curve, store.curve(&first, &data()).expect("read"));
        for (all, found) in curve.iter().zip(first.predicted().expect("read")) {
            let keys = |sentence: &Sentence| {
                sentence.triples.iter().map(|triple| format!("{:?}", Exact.key(triple))).collect()
            };
            let (all, found): (Vec<String>, Vec<String>) = (keys(all), keys(&found));
            assert!(
                all.starts_with(&found) && all.len() == HashSet::<&String>::from_iter(&all).len(),
                "{all:?} {found:?}"
            );
        }

        let (second, taken, steps) = train(&store, cpu(), usize::MAX);
        let second = second.expect("trains");
        assert_eq!((taken, steps), (vec!["entity".to_owned()], 6));
        assert!(weights(&first, "entity") == weights(&second, "entity"));
        assert!(weights(&first, "relation") != weights(&second, "relation"));
        assert_eq!(first.training_seconds["entity"], second.training_seconds["entity"]);

        // In another store the second cell comes first and is stopped in its entity stage. It goes on with its own stage,
        // although the first cell has trained an equal one in the meantime.
        let store = Store::open(other.path(), "flex").expect("opened");
        let (stopped, ..) = train(&store, cpu(), 8);
        assert!(matches!(stopped, Err(ExperimentError::Rere(RereError::Interrupted))), "{stopped:?}");
        train(&store, config(""), usize::MAX).0.expect("trains");
        let (resumed, taken, steps) = train(&store, cpu(), usize::MAX);
        let resumed = resumed.expect("continues");
        assert_eq!((taken.len(), steps), (0, 4));
        for stage in ["relation", "entity"] {
            assert!(weights(&resumed, stage) == weights(&second, stage), "{stage} differs after a stop");
        }
        assert_eq!(resumed.predicted().expect("read"), second.predicted().expect("read"));

        // A cell whose result is lost is not trained again, only scored.
        fs::remove_file(resumed.folder.join(CELL)).expect("removed");
        let (again, _, steps) = train(&store, cpu(), usize::MAX);
        assert_eq!((again.expect("scored").dev_f1, steps), (resumed.dev_f1, 0));
    }
}
