//! `rere clean`

use std::{collections::BTreeSet, path::PathBuf};

use rere_data::{CleanSettings, Cleaner, Folding, Format, Reader, Writer};

use super::{Outcome, Reading, comma_advice, finish_reading, report};

/// Options of `rere clean`.
#[derive(clap::Args)]
pub struct Arguments {
    /// A corpus in any known format; - is standard input.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Where what is left goes, in the rere format; - is standard output.
    #[arg(value_name = "OUT")]
    output: PathBuf,
    #[command(flatten)]
    steps: Steps,
    #[command(flatten)]
    reading: Reading,
}

#[derive(clap::Args)]
#[group(required = true, multiple = true)]
struct Steps {
    /// Keep only triples of this relation; can be repeated.
    #[arg(long, value_name = "NAME")]
    relations: Option<Vec<String>>,
    /// Give surfaces that stand in the text, or as a whole word there, only with other case or white space those of the text.
    #[arg(long)]
    fold: bool,
    /// Remove triples whose subject or object does not stand in the text.
    #[arg(long)]
    missing: bool,
    /// Remove sentences without triples.
    #[arg(long)]
    empty: bool,
    /// Remove triples that stand twice in a sentence, and sentences that stand twice with the same triples.
    #[arg(long)]
    duplicates: bool,
}

/// Cleans a corpus.
pub fn run(arguments: &Arguments) -> Outcome {
    let steps = &arguments.steps;
    let mut cleaner = Cleaner::new(CleanSettings {
        relations: steps.relations.as_ref().map(|names| names.iter().cloned().collect()),
        folding: Folding { case: steps.fold, space: steps.fold },
        missing: steps.missing,
        empty: steps.empty,
        duplicates: steps.duplicates,
    });
    let mut reader = Reader::open(&arguments.input, &arguments.reading.options())?;
    let mut writer = Writer::create(&arguments.output, Format::Rere)?;
    let mut unseen: BTreeSet<&str> = steps.relations.iter().flatten().map(String::as_str).collect();
    for sentence in reader.by_ref() {
        let mut sentence = sentence?;
        for triple in &sentence.triples {
            unseen.remove(triple.relation.as_str());
        }
        if cleaner.clean(&mut sentence) {
            writer.write(&sentence)?;
        }
    }
    finish_reading(&reader, &arguments.input)?;
    let written = writer.finish()?;
    eprintln!("{}", cleaner.report());
    for relation in unseen {
        let advice = comma_advice(relation);
        eprintln!("note: no triple has the relation {relation:?} that --relations names{advice}");
    }
    report(&written);
    Ok(())
}
