//! `rere clean`

use std::{collections::BTreeSet, path::PathBuf};

use rere_data::{CleanSettings, Cleaner, Folding, Format, Merger, Reader, Writer};

use super::{Outcome, Reading, comma_advice, finish_reading, log, report};

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
    /// Replace surfaces by those of the text if they differ from it in case, white space, composed and decomposed characters,
    /// zero-width characters, kinds of quotes and dashes.
    #[arg(long)]
    fold: bool,
    /// Remove triples whose subject or object does not stand in the text.
    #[arg(long)]
    missing: bool,
    /// Merge sentences that have the same text: one sentence with the triples of all, in the place and with the id of the first. Needs
    /// the corpus in memory.
    #[arg(long)]
    merge: bool,
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
    let mut settings = CleanSettings::default()
        .with_folding(if steps.fold { Folding::ALL } else { Folding::NONE })
        .with_missing(steps.missing)
        .with_empty(steps.empty)
        .with_duplicates(steps.duplicates);
    settings.relations = steps.relations.as_ref().map(|names| names.iter().cloned().collect());
    // Of sentences that will be merged, only the triples are cleaned: what they are together tells whether they are empty.
    let (settings, after_merge) = if steps.merge {
        let after_merge = CleanSettings::default().with_empty(settings.empty).with_duplicates(settings.duplicates);
        (settings.with_empty(false).with_duplicates(false), after_merge)
    } else {
        (settings, CleanSettings::default())
    };
    let mut cleaner = Cleaner::new(settings);
    let mut merger = steps.merge.then(Merger::default);
    let mut reader = Reader::open(&arguments.input, &arguments.reading.options())?;
    let mut writer = Writer::create(&arguments.output, Format::Rere)?;
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
    log(reports.join("\n"));
    for relation in unseen {
        let advice = comma_advice(relation);
        log(format!("note: no triple has the relation {relation:?} that --relations names{advice}"));
    }
    report(&written);
    Ok(())
}
