//! `rere stats`

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use rere::{Ceiling, ceilings};
use rere_core::{QueryStyle, RelationSet, Sentence};
use rere_data::{ClassPriors, DataError, LocatedCorpus, OnMissing, ReadOptions, Reader, Stats, Tokenizer};
use serde_json::{Value, json};

use super::{CommandResult, InputArguments, check_standard_input, finish_reading, print_line};

/// Options of `rere stats`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Corpora to read, in any known format; - for standard input.
    #[arg(value_name = "IN", required = true)]
    inputs: Vec<PathBuf>,
    /// Also print class priors and ceilings (what a perfect network finds) of five labelling paradigms; keeps the
    /// corpus in memory.
    #[arg(long)]
    paradigms: bool,
    /// Tokenizer (folder of an encoder, or tokenizer.json) that counts the tokens for the class priors; without it, a
    /// token is a word.
    #[arg(long, value_name = "PATH", requires = "paradigms")]
    tokenizer: Option<PathBuf>,
    /// Print JSON instead of text: an object, or an array for several corpora.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    input_options: InputArguments,
}

const EXAMPLES: &str = "\
Examples:
  Count the sentences, triples and relations of two corpora:
    rere stats train.jsonl dev.jsonl
  Class priors, with the tokens of an encoder, as JSON:
    rere stats --paradigms --tokenizer bert-base-uncased --json train.jsonl";

/// Prints statistics of corpora.
pub fn run(arguments: &Arguments) -> CommandResult {
    check_standard_input(arguments.inputs.iter().map(PathBuf::as_path))?;
    let tokenizer = arguments.tokenizer.as_ref().map(Tokenizer::load).transpose()?;
    let tokens = arguments.tokenizer.as_ref().map_or("words of this corpus".into(), |path| path.display().to_string());
    let options = arguments.input_options.options();
    let mut objects: Vec<Value> = Vec::new();
    for path in &arguments.inputs {
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
            print_line(format!("{}\n{stats}\n", path.display()))?;
            if let Some((priors, ceilings)) = paradigms {
                print_line(format!("{priors}\n\nceilings: what a perfect network of each paradigm finds"))?;
                ceilings.iter().try_for_each(print_line)?;
                print_line(format!("tokens: {tokens}\n"))?;
            }
        }
    }
    if arguments.json {
        let single = if objects.len() == 1 { objects.pop() } else { None };
        print_line(single.unwrap_or(Value::Array(objects)))?;
    }
    Ok(())
}

/// Returns the statistics of a file, and its sentences if `keep` is set.
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

/// Returns the class priors and ceilings of the paradigms.
fn paradigms(sentences: &[Sentence], tokenizer: Option<&Tokenizer>) -> Result<(ClassPriors, Vec<Ceiling>), DataError> {
    let words;
    let tokenizer = match tokenizer {
        Some(tokenizer) => tokenizer,
        // Only the token boundaries matter here, not the vocabulary.
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
