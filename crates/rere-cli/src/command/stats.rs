//! `rere stats`

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use rere::{Ceiling, ceilings};
use rere_core::{QueryStyle, RelationSet, Sentence};
use rere_data::{ClassPriors, DataError, LocatedCorpus, OnMissing, ReadOptions, Reader, Stats, Tokenizer};
use serde_json::{Value, json};

use super::{Outcome, Reading, check_standard_input, finish_reading, say};

/// Options of `rere stats`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Corpora, in any known format.
    #[arg(required = true)]
    data: Vec<PathBuf>,
    /// The class priors of the paradigms too, and the most that each can find; the sentences are then kept in memory.
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
        let paradigms = arguments.paradigms.then(|| paradigms(&sentences, tokenizer.as_ref())).transpose()?;
        if arguments.json {
            let mut object = json!(stats);
            object["file"] = json!(path.display().to_string());
            if let Some((priors, ceilings)) = paradigms {
                object["class_priors"] = json!(priors);
                object["class_priors"]["tokenizer"] = json!(tokens);
                object["ceilings"] = json!(ceilings);
            }
            objects.push(object);
        } else {
            say(format!("{}\n{stats}\n", path.display()))?;
            if let Some((priors, ceilings)) = paradigms {
                say(format!("{priors}\n\nceilings: what a perfect network of each paradigm finds"))?;
                ceilings.iter().try_for_each(say)?;
                say(format!("tokens: {tokens}\n"))?;
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

/// Class priors and ceilings of the paradigms.
fn paradigms(sentences: &[Sentence], tokenizer: Option<&Tokenizer>) -> Result<(ClassPriors, Vec<Ceiling>), DataError> {
    let words;
    let tokenizer = match tokenizer {
        Some(tokenizer) => tokenizer,
        // The vocabulary does not matter here, only where tokens begin and end.
        None => {
            words = Tokenizer::train_words(sentences.iter().map(|sentence| sentence.text.as_str()), 1, 0)?;
            &words
        }
    };
    let names: BTreeSet<&str> =
        sentences.iter().flat_map(|sentence| &sentence.triples).map(|triple| triple.relation.as_str()).collect();
    let relations = RelationSet::with_style(names, QueryStyle::Raw)?;
    let located = LocatedCorpus::new(sentences, tokenizer, &relations, OnMissing::Skip)?;
    Ok((ClassPriors::of(sentences, tokenizer)?, ceilings(&located, sentences, &relations)))
}
