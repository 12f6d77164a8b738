//! `rere convert`

use std::path::PathBuf;

use rere_data::{Choice, Folding, Format, Locator, Reader, Writer};

use super::{Outcome, check_not_empty, report};

/// Options of `rere convert`.
#[derive(clap::Args)]
pub struct Arguments {
    /// A corpus: a file, a folder of brat's, or - for standard input.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Where it goes in its new format; - is standard output.
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// Format of IN; without it, the content tells.
    #[arg(long, value_name = "FORMAT")]
    from: Option<Format>,
    /// Format of OUT: rere, casrel, hrl, hrl-tags, duie, tplinker, docred, spacy, spert, brat or parquet.
    #[arg(long, value_name = "FORMAT")]
    to: Format,
    /// Give mentions without a place one of those where they stand: all (a triple for each pair of places), first, or nearest
    /// (subject and object nearest to each other). A format that wants places gets nearest unasked.
    #[arg(long, value_name = "CHOICE")]
    locate: Option<Choice>,
    /// Also locate surfaces that differ from the text in case, white space, composed and decomposed characters, zero-width characters,
    /// kinds of quotes and dashes.
    #[arg(long)]
    fold: bool,
}

/// Writes a corpus in another format.
pub fn run(arguments: &Arguments) -> Outcome {
    let mut reader = Reader::open(&arguments.input, arguments.from)?;
    let mut writer = Writer::create(&arguments.output, arguments.to)?;
    let choice = arguments.locate.or(arguments.to.wants_places().then(Choice::default));
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
    check_not_empty(&reader, &arguments.input)?;
    let written = writer.finish()?;
    // Standard output may be where the sentences go.
    eprintln!("{sentences} sentences, {triples} triples");
    if let Some(locator) = locator
        && locator.report().mentions > 0
    {
        eprintln!("{}", locator.report());
    }
    report(reader.lost());
    report(&written);
    Ok(())
}
