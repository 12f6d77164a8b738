//! `rere convert`

use std::path::PathBuf;

use rere_data::{Format, Locator, Occurrence, OffsetUnit, Reader, Writer};

use super::{
    CommandResult, ConventionArguments, FOLDED, finish_reading, folding, log_line, log_unsupported, offset_units,
};

/// Options of `rere convert`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Corpus to read: a file, a folder of brat files, or - for standard input.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// File or folder to write; - for standard output.
    #[arg(value_name = "OUT")]
    output: PathBuf,
    #[arg(
        long,
        alias = "format",
        value_name = "FORMAT",
        help = format!("Format of IN, if its content does not show it: {}", Format::names())
    )]
    from: Option<Format>,
    /// Format of OUT, one of the same list.
    #[arg(long, value_name = "FORMAT")]
    to: Format,
    #[arg(
        long,
        value_name = "UNIT",
        default_value = OffsetUnit::default().name(),
        help = format!("Unit of offsets in OUT: {}", offset_units())
    )]
    offsets_out: OffsetUnit,
    /// Find the offsets of mentions without them: all occurrences (one triple for each pair), the first, or those of
    /// subject and object that are nearest to each other [all, first, nearest; default: nearest if OUT needs offsets].
    #[arg(long, value_name = "OCCURRENCE")]
    locate: Option<Occurrence>,
    #[arg(long, help = format!("Also locate surfaces that differ from the text in {FOLDED}"))]
    fold: bool,
    #[command(flatten)]
    conventions: ConventionArguments,
}

const EXAMPLES: &str = "\
Examples:
  Convert a corpus to SpERT's format, which needs offsets:
    rere convert --to spert --locate nearest train.json train-spert.json
  Read CSV from standard input and write one JSON object per line:
    rere convert --from csv --to rere - corpus.jsonl";

/// Writes a corpus in another format.
pub fn run(arguments: &Arguments) -> CommandResult {
    let mut reader = Reader::open(&arguments.input, &arguments.conventions.options(arguments.from))?;
    let mut writer = Writer::create(&arguments.output, arguments.to)?.with_offsets(arguments.offsets_out);
    let occurrence = arguments.locate.or(arguments.to.needs_offsets().then(Occurrence::default));
    let mut locator = occurrence.map(|occurrence| Locator::new(occurrence, folding(arguments.fold)));
    let (mut sentences, mut triples) = (0, 0);
    for sentence in reader.by_ref() {
        let mut sentence = sentence?;
        if let Some(locator) = &mut locator {
            locator.locate(&mut sentence);
        }
        writer.write(&sentence)?;
        sentences += 1;
        triples += sentence.triples.len();
    }
    finish_reading(&reader, &arguments.input)?;
    let written = writer.finish()?;
    // To standard error: the corpus may go to standard output.
    log_line(format!("{sentences} sentences, {triples} triples"));
    if let Some(locator) = locator
        && locator.report().mentions > 0
    {
        log_line(locator.report());
    }
    log_unsupported(&written);
    Ok(())
}
