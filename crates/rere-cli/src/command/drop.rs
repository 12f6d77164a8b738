//! `rere drop`

use std::path::PathBuf;

use rere_core::Probability;
use rere_data::{DropBy, Format, Reader, TripleDropper, Writer};

use super::{Outcome, Reading, finish_reading, log, report};

/// Options of `rere drop`.
#[derive(clap::Args)]
pub struct Arguments {
    /// A corpus in any known format; - is standard input.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Where what is left goes, in the rere format; - is standard output.
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// Probability with which a triple goes.
    #[arg(long, value_name = "P")]
    rate: Probability,
    /// What goes together: triple (each on its own), relation (those of one sentence), pair (all of a subject and object).
    #[arg(long, value_name = "UNIT", default_value = "triple")]
    by: DropBy,
    /// Keep sentences that lose their last triple.
    #[arg(long)]
    keep_empty: bool,
    /// Seed of the draw.
    #[arg(long)]
    seed: u64,
    #[command(flatten)]
    reading: Reading,
}

/// Removes triples at random.
pub fn run(arguments: &Arguments) -> Outcome {
    let mut dropper = TripleDropper::new(arguments.rate, arguments.by, arguments.seed);
    let mut reader = Reader::open(&arguments.input, &arguments.reading.options())?;
    let mut writer = Writer::create(&arguments.output, Format::Rere)?;
    for sentence in reader.by_ref() {
        let mut sentence = sentence?;
        if dropper.drop_from(&mut sentence) || arguments.keep_empty {
            writer.write(&sentence)?;
        }
    }
    finish_reading(&reader, &arguments.input)?;
    let written = writer.finish()?;
    report(&written);
    log(dropper.report());
    Ok(())
}
