//! `rere run`

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io::{BufRead, Write},
    path::{Path, PathBuf},
};

use rere_core::Probability;
use rere_data::{
    DataError, Format, KnowledgeBase, ReadOptions, ReadReport, Reader, input_name, is_standard, open, replace_file,
};
use rere_facts::{CorpusFact, FactStatus};
use serde::Deserialize;

use super::{
    CommandResult, ConventionArguments, DeviceArguments,
    align::{MatchingArguments, knowledge_options},
    check_outputs, log_line, print_line, usage_error,
};
use crate::hub;

/// Options of `rere run`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Plain text, one document per line, or a corpus in any known format.
    #[arg(long, value_name = "FILE")]
    text: PathBuf,
    /// Facts that are known, as of `rere align`: a table of subject, relation and object, N-Triples or Turtle.
    #[arg(long, value_name = "FILE")]
    kb: PathBuf,
    /// Entities of the knowledge base, as of `rere align`.
    #[arg(long, value_name = "FILE")]
    entities: Option<PathBuf>,
    /// Relation names for those of the knowledge base, as of `rere align`.
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    #[command(flatten)]
    matching: MatchingArguments,
    /// Folder for all files of the run. A second run does only what is not done or has changed.
    #[arg(long, value_name = "DIR", default_value = "work")]
    out: PathBuf,
    /// Pretrained encoder, a folder or a name on the hub [default: the smallest one in the folder RERE_ENCODERS, or random
    /// weights].
    #[arg(long, value_name = "ENCODER")]
    encoder: Option<PathBuf>,
    /// Share of the sentences in the development set, which scores the model and calibrates scores.
    #[arg(long, value_name = "SHARE", default_value = "0.1")]
    dev: Probability,
    /// Lowest score of a triple that counts for a fact.
    #[arg(long, value_name = "P", default_value = "0.01")]
    min_score: Probability,
    /// Relation with at most one object for each subject, as of `rere facts`; may be repeated.
    #[arg(long, value_name = "NAME")]
    functional: Vec<String>,
    /// Random seed.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    device: DeviceArguments,
    #[arg(
        long,
        value_name = "FORMAT",
        help_heading = "Input",
        help = format!("Format of the text, if its content does not show it: {}", Format::names())
    )]
    format: Option<Format>,
    #[command(flatten)]
    conventions: ConventionArguments,
}

const EXAMPLES: &str = "\
Examples:
  Find facts in a text that are not in a table of known ones:
    rere run --text corpus.txt --kb facts.tsv --out work
  With a pretrained encoder:
    rere run --text corpus.txt --kb facts.tsv --encoder sentence-transformers/all-MiniLM-L6-v2 --out work
  Evaluate: hide a tenth of the facts, and see whether they are found:
    rere run --text corpus.txt --kb facts.tsv --hide 0.1 --out work";

/// Runs all steps from a text and a knowledge base to facts.
pub fn run(arguments: &Arguments) -> CommandResult {
    if [&arguments.text, &arguments.kb].iter().any(|path| is_standard(path)) {
        return Err(usage_error("expected files for --text and --kb, which are read more than once, found -"));
    }
    check(arguments)?;
    let folder = &arguments.out;
    fs::create_dir_all(folder).map_err(|source| DataError::Write { path: folder.clone(), source })?;
    let mut run = Run::open(folder)?;
    let at = |name: &str| folder.join(name);
    let [sentences, labelled, clean, sets, settings, model] =
        ["sentences.jsonl", "labelled.jsonl", "clean.jsonl", "sets", "rere.toml", "model"].map(at);
    let [predicted, triples, report] = ["dev-predicted.jsonl", "triples.jsonl", "report.html"].map(at);
    let (train, dev) = (sets.join("train.jsonl"), sets.join("dev.jsonl"));
    let (evaluation, tuned, table, lines) =
        (at("evaluation.html"), at("dev-tuned.jsonl"), at("facts.tsv"), at("facts.jsonl"));
    let written = [&sentences, &labelled, &clean, &train, &dev, &predicted, &tuned, &triples, &table, &lines];
    let given = [Some(&arguments.text), Some(&arguments.kb), arguments.entities.as_ref(), arguments.map.as_ref()];
    check_outputs(given.into_iter().flatten().map(PathBuf::as_path), written.into_iter().map(PathBuf::as_path))?;
    let knowledge = Words::default().path("--kb", &arguments.kb).paths("--entities", &arguments.entities);
    let knowledge = knowledge.paths("--map", &arguments.map).words(arguments.matching.words());
    let language = arguments.conventions.language_words();
    let mut knowledge_files = vec![arguments.kb.as_path()];
    knowledge_files.extend([&arguments.entities, &arguments.map].into_iter().flatten().map(PathBuf::as_path));

    let format = arguments.format.map(|format| ["--from".to_owned(), format.to_string()]).into_iter().flatten();
    let words = Words::of("convert").words(format).words(arguments.conventions.words()).word("--to").word("rere");
    run.step("Sentences", words.file(&arguments.text).file(&sentences), &[&arguments.text], &[&sentences])?;

    let words = Words::of("align").words(knowledge.0.clone()).words(language.clone());
    let inputs: Vec<&Path> = knowledge_files.iter().copied().chain([sentences.as_path()]).collect();
    run.step("Labels of the knowledge base", words.file(&sentences).file(&labelled), &inputs, &[&labelled])?;

    let words = Words::of("clean").word("--missing").word("--merge").file(&labelled).file(&clean);
    run.step("Repeated sentences", words, &[&labelled], &[&clean])?;

    let words = Words::of("split").file(&clean).path("--out", &sets).option("--dev", arguments.dev).option("--test", 0);
    run.step("Training and development sets", words.option("--seed", arguments.seed), &[&clean], &[&train, &dev])?;

    let reports = [("training", self::report(&train)?), ("development", self::report(&dev)?)];
    if let Some((set, ReadReport { sentences, .. })) = reports.iter().find(|(_, report)| report.triples == 0) {
        return Err(format!(
            "the {set} set has {sentences} sentences and not one triple, so nothing can be learnt from it: the text must state \
             facts of the knowledge base, with both names in one sentence, in at least two documents (lines of the text). Check the \
             names (--fold finds other spellings), the columns of {}, and the shares of the development set (--dev) and of hidden \
             facts (--hide)",
            arguments.kb.display()
        )
        .into());
    }
    let encoder = encoder(arguments)?;
    let is_kept = write_settings(&mut run, &settings, encoder.as_deref(), reports[0].1.sentences)?;
    if is_kept && arguments.encoder.is_some() {
        log_line(format!(
            "note: --encoder has no effect, because {} is kept: change it there, or remove the file",
            settings.display()
        ));
    }

    let words = Words::of("train").path("--config", &settings).path("--out", &model).option("--seed", arguments.seed);
    let words = words.words(arguments.device.words());
    run.train("Training", words, &[&settings, &train, &dev], &model)?;

    let config = model.join("config.json");
    let extract = |input: &Path, output: &Path| {
        let words = Words::of("extract").path("--model", &model).option("--min-score", arguments.min_score);
        words.words(arguments.device.words()).file(input).path("--output", output)
    };
    run.step("Triples of the development set", extract(&dev, &predicted), &[&config, &dev], &[&predicted])?;

    let words = Words::of("extract").path("--model", &model).words(arguments.device.words());
    let words = words.file(&dev).path("--output", &tuned);
    run.step("The same with the model's own thresholds", words, &[&config, &dev], &[&tuned])?;
    let words = Words::of("evaluate").path("--gold", &dev).path("--pred", &tuned).path("--html", &evaluation);
    run.step("Scores on the development set", words, &[&dev, &tuned], &[&evaluation])?;

    run.step("Triples of all sentences", extract(&sentences, &triples), &[&config, &sentences], &[&triples])?;

    let words =
        Words::of("facts").words(knowledge.0).words(language).path("--dev", &dev).path("--dev-pred", &predicted);
    let words = arguments.functional.iter().fold(words, |words, name| words.option("--functional", name));
    let words = words.path("--output", &table).path("--output", &lines).path("--html", &report).file(&triples);
    let inputs: Vec<&Path> = knowledge_files.into_iter().chain([&*triples, &*dev, &*predicted]).collect();
    run.step("Facts", words, &inputs, &[&table, &lines, &report])?;

    print_line("")?;
    print_best(&lines)?;
    for (path, what) in [
        (&table, "all facts, by decreasing score, with evidence (facts.jsonl: the same as JSON)"),
        (&report, "the best facts with their sentences, to look at and judge in a browser"),
        (&evaluation, "right, missing and wrong triples of the development set"),
        (&model, "the model, for `rere extract` on other texts"),
        (&settings, "its settings: change them and run again to train again"),
    ] {
        print_line(format!("{}: {what}", path.display()))?;
    }
    Ok(())
}

/// Checks what would otherwise be an error after a long training.
fn check(arguments: &Arguments) -> CommandResult {
    if arguments.dev == Probability::ZERO || arguments.dev == Probability::ONE {
        return Err(usage_error("expected a share of the development set above 0 and below 1 (--dev)"));
    }
    arguments.device.parse()?;
    let options = knowledge_options(arguments.conventions.language(), &arguments.entities, &arguments.map);
    let kb = KnowledgeBase::read(&arguments.kb, &options)?;
    let names = || kb.relations().iter().map(|relation| relation.name.as_str());
    match arguments.functional.iter().find(|name| !names().any(|known| known == *name)) {
        Some(unknown) => Err(format!(
            "expected a relation of {} ({}) for --functional, found {unknown:?}",
            arguments.kb.display(),
            names().collect::<Vec<_>>().join(", ")
        )
        .into()),
        None => Ok(()),
    }
}

/// The words of a command.
#[derive(Clone, Default)]
struct Words(Vec<String>);

impl Words {
    fn of(command: &str) -> Self {
        Self(vec!["rere".to_owned(), command.to_owned()])
    }

    fn word(self, word: &str) -> Self {
        self.words([word.to_owned()])
    }

    fn words(mut self, words: impl IntoIterator<Item = String>) -> Self {
        self.0.extend(words);
        self
    }

    fn option(self, name: &str, value: impl ToString) -> Self {
        self.words([name.to_owned(), value.to_string()])
    }

    fn path(self, name: &str, path: &Path) -> Self {
        self.option(name, path.display())
    }

    fn paths(self, name: &str, path: &Option<PathBuf>) -> Self {
        path.iter().fold(self, |words, path| words.path(name, path))
    }

    fn file(self, path: &Path) -> Self {
        self.word(&path.display().to_string())
    }
}

/// The command as one types it.
impl std::fmt::Display for Words {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_plain = |c: char| c.is_alphanumeric() || "-_./=:,@+".contains(c);
        for (at, word) in self.0.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            if !word.is_empty() && word.chars().all(is_plain) {
                write!(f, "{space}{word}")?;
            } else {
                write!(f, "{space}'{}'", word.replace('\'', r"'\''"))?;
            }
        }
        Ok(())
    }
}

/// A run in a folder, which remembers the steps that are done.
struct Run {
    path: PathBuf,
    /// Digests of the command with its inputs, and of its outputs, for each step that is done.
    done: BTreeMap<String, [u64; 2]>,
    number: usize,
}

/// Number of the steps.
const STEPS: usize = 10;

impl Run {
    fn open(folder: &Path) -> Result<Self, Box<dyn Error>> {
        let path = folder.join("run.json");
        let done = match fs::read(&path) {
            // A file of another version: all steps are done again.
            Ok(json) => serde_json::from_slice(&json).unwrap_or_default(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(source) => return Err(DataError::Read { path, source }.into()),
        };
        Ok(Self { path, done, number: 0 })
    }

    /// Runs a command unless it is done, and prints it.
    fn step(&mut self, name: &str, words: Words, inputs: &[&Path], outputs: &[&Path]) -> CommandResult {
        let digest = self.digest(&words, inputs)?;
        self.print(name, &words)?;
        if let Some(&[inputs, written]) = self.done.get(name)
            && inputs == digest
            && outputs.iter().all(|path| path.exists())
            // A file that was damaged or changed is made again.
            && written == digest_of(outputs)?
        {
            return Ok(print_line("done before")?);
        }
        crate::execute(crate::parse(&words.0)?)?;
        self.set(name, [digest, digest_of(outputs)?])
    }

    /// Trains, or continues a training that was stopped.
    fn train(&mut self, name: &str, words: Words, inputs: &[&Path], model: &Path) -> CommandResult {
        let started = format!("{name} (started)");
        let digest = self.digest(&words, inputs)?;
        let words = match model.exists() {
            false => words,
            true if self.done.get(&started) == Some(&[digest, 0]) => words.word("--resume"),
            // Settings or labels have changed.
            true => words.word("--overwrite"),
        };
        self.print(name, &words)?;
        if self.done.get(name) == Some(&[digest, 0]) && model.join("config.json").exists() {
            return Ok(print_line("done before")?);
        }
        self.set(&started, [digest, 0])?;
        crate::execute(crate::parse(&words.0)?).map_err(|error| match error.downcast_ref() {
            Some(rere::RereError::Interrupted) => {
                "interrupted: the same `rere run` command goes on with the training".into()
            }
            _ => error,
        })?;
        self.set(name, [digest, 0])
    }

    fn print(&mut self, name: &str, words: &Words) -> Result<(), DataError> {
        self.number += 1;
        print_line(format!("\n[{}/{STEPS}] {name}\n{words}", self.number))
    }

    fn set(&mut self, name: &str, digests: [u64; 2]) -> CommandResult {
        self.done.insert(name.to_owned(), digests);
        let json = serde_json::to_vec_pretty(&self.done)?;
        Ok(replace_file(&self.path, |file| file.write_all(&json).map_err(DataError::Output))?)
    }

    /// Returns a digest of a command and the content of its files.
    fn digest(&self, words: &Words, inputs: &[&Path]) -> Result<u64, DataError> {
        let mut hasher = DefaultHasher::new();
        (env!("CARGO_PKG_VERSION"), &words.0).hash(&mut hasher);
        for path in inputs {
            hash_file(path, &mut hasher)?;
        }
        Ok(hasher.finish())
    }
}

/// Returns a digest of the content of files.
fn digest_of(files: &[&Path]) -> Result<u64, DataError> {
    let mut hasher = DefaultHasher::new();
    files.iter().try_for_each(|path| hash_file(path, &mut hasher))?;
    Ok(hasher.finish())
}

fn hash_file(path: &Path, hasher: &mut DefaultHasher) -> Result<(), DataError> {
    if path.is_dir() {
        // A brat folder.
        let unreadable = |source| DataError::Read { path: path.to_owned(), source };
        let entries = fs::read_dir(path).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
        let mut files: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).filter(|path| path.is_file()).collect();
        files.sort();
        return files.iter().try_for_each(|file| hash_file(file, hasher));
    }
    let mut input = open(path)?;
    loop {
        let bytes = input.fill_buf().map_err(|source| DataError::Read { path: input_name(path).to_owned(), source })?;
        if bytes.is_empty() {
            return Ok(());
        }
        hasher.write(bytes);
        let count = bytes.len();
        input.consume(count);
    }
}

/// Returns the report of a whole corpus.
fn report(path: &Path) -> Result<ReadReport, DataError> {
    let mut reader = Reader::open(path, &ReadOptions::of(Format::Rere))?;
    reader.by_ref().try_for_each(|sentence| sentence.map(drop))?;
    Ok(reader.report().clone())
}

/// Returns the encoder to train: the given one, or the smallest one at hand.
fn encoder(arguments: &Arguments) -> Result<Option<PathBuf>, Box<dyn Error>> {
    if let Some(encoder) = &arguments.encoder {
        // Downloads it, if it is a name on the hub.
        return Ok(Some(hub::encoder(encoder.clone(), encoder)?.canonicalize()?));
    }
    let folders = env::var_os("RERE_ENCODERS").and_then(|folder| fs::read_dir(folder).ok());
    let weights = |folder: &Path| {
        let size = |name: &str| folder.join(name).metadata().ok().map(|file| file.len());
        folder.join("config.json").exists().then(|| size("model.safetensors").or(size("pytorch_model.bin"))).flatten()
    };
    let found =
        folders.into_iter().flatten().flatten().filter_map(|entry| Some((weights(&entry.path())?, entry.path())));
    let smallest = found.min();
    print_line(match &smallest {
        Some((_, folder)) => format!("\nEncoder: {}, the smallest one in RERE_ENCODERS; --encoder names another", folder.display()),
        None => "\nEncoder: random weights, as there is no pretrained one; `--encoder sentence-transformers/all-MiniLM-L6-v2`, for \
                 example, downloads one (90 MB, English). On NYT11-HRL it raises exact F1 from 37 to about 50"
            .to_owned(),
    })?;
    Ok(smallest.map(|(_, folder)| folder))
}

/// Writes the settings file, unless somebody has changed it. Returns whether it was kept.
fn write_settings(
    run: &mut Run,
    path: &Path,
    encoder: Option<&Path>,
    sentences: usize,
) -> Result<bool, Box<dyn Error>> {
    const NAME: &str = "Settings";
    if path.exists() && run.done.get(NAME) != Some(&[digest_of(&[path])?, 0]) {
        print_line(format!("\nSettings: {} was changed by hand, and is kept", path.display()))?;
        return Ok(true);
    }
    let text = settings(encoder, sentences);
    replace_file(path, |file| file.write_all(text.as_bytes()).map_err(DataError::Output))?;
    run.set(NAME, [digest_of(&[path])?, 0])?;
    Ok(false)
}

/// Returns settings for a number of training sentences. Few sentences need more epochs.
fn settings(encoder: Option<&Path>, sentences: usize) -> String {
    let epochs = |steps: usize, batch: usize, least: usize, most: usize| {
        (steps * batch).div_ceil(sentences.max(1)).clamp(least, most)
    };
    let head = "# Written by `rere run`. If you change it, `rere run` keeps it and trains again; docs/settings.md has all settings.\n";
    let data = "[data]\ntrain = \"sets/train.jsonl\"\ndev = \"sets/dev.jsonl\"\n";
    let Some(encoder) = encoder else {
        // The labels are incomplete, so a missing one is not taken as false: docs/reproduction.md, Quickstart.
        return format!(
            "{head}system = \"rere\"\n\n{data}\n[encoder.random]\nmodel_type = \"bilstm\"\nembedding_size = 64\ndirection_size = 64\n\
             layers = 1\n\n[rere.relation]\nepochs = {}\nbatch = 8\nlearning_rate = 1e-2\nloss = {{ name = \"cpu\", gamma = 0.9, \
             prior = 0.03 }}\n\n[rere.entity]\nepochs = {}\nbatch = 8\nlearning_rate = 1e-2\n",
            epochs(2000, 8, 6, 40),
            epochs(2500, 8, 8, 40),
        );
    };
    /// What the settings depend on.
    #[derive(Deserialize)]
    struct Encoder {
        #[serde(alias = "dim")]
        hidden_size: usize,
    }
    let config = fs::read(encoder.join("config.json")).ok();
    let config = config.and_then(|json| serde_json::from_slice::<Encoder>(&json).ok());
    // Large encoders need smaller steps.
    let learning_rate = if config.is_some_and(|config| config.hidden_size <= 384) { "1e-4" } else { "3e-5" };
    let batch = if sentences < 1000 { 8 } else { 32 };
    format!(
        "{head}system = \"prgc\"\n\n{data}\n[encoder]\npretrained = {}\n\n[prgc.network]\nepochs = {}\nbatch = {batch}\n\
         learning_rate = {learning_rate}\nfrozen_layers = 1\n",
        serde_json::Value::from(encoder.display().to_string()),
        epochs(1000, batch, 5, 60),
    )
}

/// Prints the best new facts.
fn print_best(path: &Path) -> CommandResult {
    const SHOWN: usize = 5;
    let mut found = Vec::new();
    for line in open(path)?.lines() {
        let line = line.map_err(|source| DataError::Read { path: path.to_owned(), source })?;
        let fact: CorpusFact = serde_json::from_str(&line)?;
        if fact.status != Some(FactStatus::Known) {
            found.push(fact);
            if found.len() == SHOWN {
                break;
            }
        }
    }
    if found.is_empty() {
        return Ok(print_line("No new facts were found.\n")?);
    }
    print_line("Best new facts, with scores and numbers of sentences:")?;
    for CorpusFact { subject, relation, object, score, sentences, .. } in found {
        print_line(format!("  {score:.2} {sentences:>4}  {} | {relation} | {}", subject.name, object.name))?;
    }
    Ok(print_line("")?)
}

#[cfg(test)]
mod tests {
    use rere::AnyConfig;

    use super::*;

    #[test]
    fn settings_are_valid() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rere.toml");
        for encoder in [None, Some(Path::new("owner/\"name\""))] {
            for sentences in [0, 100, 1_000_000] {
                fs::write(&path, settings(encoder, sentences)).expect("written");
                AnyConfig::load(&path).expect("valid settings");
            }
        }
        assert!(settings(None, 100).contains("epochs = 40") && settings(None, 100_000).contains("epochs = 6"));
    }

    #[test]
    fn words_are_quoted() {
        let words = Words::of("extract").option("--relations", "it's a").file(Path::new("a.txt"));
        assert_eq!(words.to_string(), r"rere extract --relations 'it'\''s a' a.txt");
    }
}
