//! `rere clean`

use std::{collections::BTreeSet, path::PathBuf};

use rere_data::{CleanSettings, Cleaner, Format, Merger, Reader, Writer};

use super::{CommandResult, FOLDED, InputArguments, comma_advice, finish_reading, folding, log_line, log_unsupported};

/// Options of `rere clean`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Corpus to read, in any known format; - for standard input.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// File to write, in the rere format, as Parquet if its name ends in .parquet; - for standard output.
    #[arg(value_name = "OUT")]
    output: PathBuf,
    #[command(flatten)]
    steps: CleaningSteps,
    #[command(flatten)]
    input_options: InputArguments,
}

const EXAMPLES: &str = "\
Examples:
  Remove triples that are not in the text, sentences without triples, and duplicates:
    rere clean --missing --empty --duplicates corpus.jsonl clean.jsonl
  Keep only two relations:
    rere clean --relations founded --relations lives_in corpus.jsonl two.jsonl";

/// What to clean; at least one option is required.
#[derive(clap::Args)]
#[group(required = true, multiple = true)]
struct CleaningSteps {
    /// Keep only triples of this relation; may be repeated.
    #[arg(long, value_name = "NAME")]
    relations: Option<Vec<String>>,
    #[arg(long, help = format!("Replace surfaces by those of the text if they differ in {FOLDED}"))]
    fold: bool,
    /// Remove triples whose subject or object is not in the text.
    #[arg(long)]
    missing: bool,
    /// Merge sentences with the same text into the first of them, with the triples of all; keeps the corpus in memory.
    #[arg(long)]
    merge: bool,
    /// Remove sentences without triples.
    #[arg(long)]
    empty: bool,
    /// Remove repeated triples of a sentence, and repeated sentences with the same triples.
    #[arg(long)]
    duplicates: bool,
}

/// Cleans a corpus.
pub fn run(arguments: &Arguments) -> CommandResult {
    let steps = &arguments.steps;
    let mut settings = CleanSettings::default()
        .with_folding(folding(steps.fold))
        .with_missing(steps.missing)
        .with_empty(steps.empty)
        .with_duplicates(steps.duplicates);
    settings.relations = steps.relations.as_ref().map(|names| names.iter().cloned().collect());
    // Sentences are merged before empty and repeated ones are removed, as merging can change which ones those are.
    let (settings, after_merge) = if steps.merge {
        let after_merge = CleanSettings::default().with_empty(settings.empty).with_duplicates(settings.duplicates);
        (settings.with_empty(false).with_duplicates(false), after_merge)
    } else {
        (settings, CleanSettings::default())
    };
    let mut cleaner = Cleaner::new(settings);
    let mut merger = steps.merge.then(Merger::default);
    let mut reader = Reader::open(&arguments.input, &arguments.input_options.options())?;
    let mut writer = Writer::create(&arguments.output, Format::of_output(&arguments.output))?;
    let mut unseen: BTreeSet<&str> = steps.relations.iter().flatten().map(String::as_str).collect();
    for sentence in reader.by_ref() {
        let mut sentence = sentence?;
        for triple in &sentence.triples {
            unseen.remove(triple.relation.as_str());
        }
        if cleaner.clean(&mut sentence) {
            match &mut merger {
                Some(merger) => merger.add(sentence),
                None => writer.write(&sentence)?,
            }
        }
    }
    finish_reading(&reader, &arguments.input)?;
    let mut reports = vec![cleaner.report().to_string()];
    if let Some(merger) = merger {
        let (sentences, merged) = merger.finish();
        let mut cleaner = Cleaner::new(after_merge);
        for mut sentence in sentences {
            if cleaner.clean(&mut sentence) {
                writer.write(&sentence)?;
            }
        }
        reports.extend([merged.to_string(), cleaner.report().to_string()]);
    }
    let written = writer.finish()?;
    log_line(reports.join("\n"));
    for relation in unseen {
        let advice = comma_advice(relation);
        log_line(format!("note: no triple has the relation {relation:?} given by --relations{advice}"));
    }
    log_unsupported(&written);
    Ok(())
}
