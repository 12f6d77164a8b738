//! `rere stats`

use std::path::{Path, PathBuf};

use rere_core::Sentence;
use rere_data::{ClassPriors, DataError, ReadOptions, Reader, Stats, Tokenizer};
use serde_json::{Value, json};

use super::{Outcome, Reading, check_standard_input, finish_reading, say};

/// Options of `rere stats`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Corpora, in any known format.
    #[arg(required = true)]
    data: Vec<PathBuf>,
    /// The class priors of the three paradigms too; the sentences are then kept in memory.
    #[arg(long)]
    paradigms: bool,
    /// Tokenizer for the class priors: a tokenizer.json; without it, whole words of each corpus.
    #[arg(long, value_name = "FILE", requires = "paradigms")]
    tokenizer: Option<PathBuf>,
    /// Print JSON: an object, or for several corpora an array of them.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Prints the figures of corpora.
pub fn run(arguments: &Arguments) -> Outcome {
    check_standard_input(arguments.data.iter().map(PathBuf::as_path))?;
    let tokenizer = arguments.tokenizer.as_ref().map(Tokenizer::load).transpose()?;
    let tokens = arguments.tokenizer.as_ref().map_or("words of this corpus".into(), |path| path.display().to_string());
    let options = arguments.reading.options();
    let mut objects: Vec<Value> = Vec::new();
    for path in &arguments.data {
        let (stats, sentences) = read(path, &options, arguments.paradigms)?;
        let priors = arguments.paradigms.then(|| priors(&sentences, tokenizer.as_ref())).transpose()?;
        if arguments.json {
            let mut object = json!(stats);
            object["file"] = json!(path.display().to_string());
            if let Some(priors) = priors {
                object["class_priors"] = json!(priors);
                object["class_priors"]["tokenizer"] = json!(tokens);
            }
            objects.push(object);
        } else {
            say(format!("{}\n{stats}\n", path.display()))?;
            if let Some(priors) = priors {
                say(format!("{priors}\ntokens: {tokens}\n"))?;
            }
        }
    }
    if arguments.json {
        let one = if objects.len() == 1 { objects.pop() } else { None };
        say(one.unwrap_or(Value::Array(objects)))?;
    }
    Ok(())
}

/// The figures of a file, and its sentences where they are to be kept.
fn read(path: &Path, options: &ReadOptions, keep: bool) -> Result<(Stats, Vec<Sentence>), DataError> {
    let mut stats = Stats::default();
    let mut sentences = Vec::new();
    let mut reader = Reader::open(path, options)?;
    for sentence in reader.by_ref() {
        let sentence = sentence?;
        stats.add(&sentence);
        if keep {
            sentences.push(sentence);
        }
    }
    finish_reading(&reader, path)?;
    Ok((stats, sentences))
}

fn priors(sentences: &[Sentence], tokenizer: Option<&Tokenizer>) -> Result<ClassPriors, DataError> {
    if let Some(tokenizer) = tokenizer {
        return ClassPriors::of(sentences, tokenizer);
    }
    // The vocabulary does not matter here, only where tokens begin and end.
    let words = Tokenizer::train_words(sentences.iter().map(|sentence| sentence.text.as_str()), 1, 0)?;
    ClassPriors::of(sentences, &words)
}
