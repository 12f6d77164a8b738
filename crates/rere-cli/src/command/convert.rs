//! `rere convert`

use std::path::PathBuf;

use rere_data::{Folding, Format, Locator, Occurrence, OffsetUnit, Reader, Writer};

use super::{Conventions, Outcome, finish_reading, log, report, units};

/// Options of `rere convert`.
#[derive(clap::Args)]
pub struct Arguments {
    /// A corpus: a file, a folder of brat's, or - for standard input.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Where it goes in its new format; - is standard output.
    #[arg(value_name = "OUT")]
    output: PathBuf,
    #[arg(
        long,
        alias = "format",
        value_name = "FORMAT",
        help = format!("Format of IN, if its content does not tell: {}", Format::names())
    )]
    from: Option<Format>,
    /// Format of OUT, one of the same.
    #[arg(long, value_name = "FORMAT")]
    to: Format,
    #[arg(
        long,
        value_name = "UNIT",
        default_value = OffsetUnit::default().name(),
        help = format!("What offsets in OUT count: {}", units())
    )]
    offsets_out: OffsetUnit,
    /// Give mentions without a place one of those where they stand: all (a triple for each pair of places), first, or nearest
    /// (subject and object nearest to each other). A format that wants places gets nearest unasked.
    #[arg(long, value_name = "CHOICE")]
    locate: Option<Occurrence>,
    /// Also locate surfaces that differ from the text in case, white space, composed and decomposed characters, zero-width characters,
    /// kinds of quotes and dashes.
    #[arg(long)]
    fold: bool,
    #[command(flatten)]
    conventions: Conventions,
}

/// Writes a corpus in another format.
pub fn run(arguments: &Arguments) -> Outcome {
    let mut reader = Reader::open(&arguments.input, &arguments.conventions.options(arguments.from))?;
    let mut writer = Writer::create(&arguments.output, arguments.to)?.with_offsets(arguments.offsets_out);
    let choice = arguments.locate.or(arguments.to.needs_offsets().then(Occurrence::default));
    let folding = if arguments.fold { Folding::ALL } else { Folding::NONE };
    let mut locator = choice.map(|choice| Locator::new(choice, folding));
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
    // Standard output may be where the sentences go.
    log(format!("{sentences} sentences, {triples} triples"));
    if let Some(locator) = locator
        && locator.report().mentions > 0
    {
        log(locator.report());
    }
    report(&written);
    Ok(())
}
