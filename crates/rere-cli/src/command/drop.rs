//! `rere drop`

use std::path::PathBuf;

use rere_core::Probability;
use rere_data::{DropBy, Format, Reader, TripleDropper, Writer};

use super::{CommandResult, InputArguments, finish_reading, log_line, log_unsupported};

/// Options of `rere drop`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Corpus to read, in any known format; - for standard input.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// File to write, in the rere format, as Parquet if its name ends in .parquet; - for standard output.
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// Probability of removing a triple, from 0 to 1.
    #[arg(long, value_name = "P")]
    rate: Probability,
    /// What is removed together: triple (each alone), relation (all of it in a sentence), pair (all of a subject and
    /// object).
    #[arg(long, value_name = "UNIT", default_value = "triple")]
    by: DropBy,
    /// Keep sentences that lose all their triples.
    #[arg(long)]
    keep_empty: bool,
    /// Seed of the random choice.
    #[arg(long, value_name = "N")]
    seed: u64,
    #[command(flatten)]
    input_options: InputArguments,
}

const EXAMPLES: &str = "\
Examples:
  Remove about 30 % of the triples:
    rere drop --rate 0.3 --seed 1 train.jsonl train-70.jsonl
  Remove whole subject-object pairs, and keep sentences that lose all their triples:
    rere drop --rate 0.3 --seed 1 --by pair --keep-empty train.jsonl train-70.jsonl";

/// Removes triples at random.
pub fn run(arguments: &Arguments) -> CommandResult {
    let mut dropper = TripleDropper::new(arguments.rate, arguments.by, arguments.seed);
    let mut reader = Reader::open(&arguments.input, &arguments.input_options.options())?;
    let mut writer = Writer::create(&arguments.output, Format::of_output(&arguments.output))?;
    for sentence in reader.by_ref() {
        let mut sentence = sentence?;
        if dropper.drop_from(&mut sentence) || arguments.keep_empty {
            writer.write(&sentence)?;
        }
    }
    finish_reading(&reader, &arguments.input)?;
    let written = writer.finish()?;
    log_unsupported(&written);
    log_line(dropper.report());
    Ok(())
}
