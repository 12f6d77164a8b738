//! `rere split`

use std::{fs, path::PathBuf};

use rere_core::Probability;
use rere_data::{DataError, Format, Partition, Writer};

use super::{CommandResult, InputArguments, check_outputs, log_unsupported, print_line, read_corpus, usage_error};

/// Options of `rere split`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Corpus to read, in any known format; - for standard input.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Folder to write train.jsonl, dev.jsonl and test.jsonl to, in the rere format.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Share of the sentences in the development set; 0 for none.
    #[arg(long, value_name = "SHARE", default_value = "0.1")]
    dev: Probability,
    /// Share of the sentences in the test set; 0 for none.
    #[arg(long, value_name = "SHARE", default_value = "0.1")]
    test: Probability,
    /// Random seed.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    input_options: InputArguments,
}

const EXAMPLES: &str = "\
Examples:
  Keep a tenth of the documents each for development and test:
    rere split labelled.jsonl --out sets
  Only training and development sets:
    rere split labelled.jsonl --out sets --dev 0.2 --test 0";

/// Writes the sets of a corpus. No document is in two of them.
pub fn run(arguments: &Arguments) -> CommandResult {
    if f64::from(arguments.dev.get()) + f64::from(arguments.test.get()) >= 1.0 {
        return Err(usage_error("--dev and --test leave no sentences to train on: expected a sum below 1"));
    }
    let outputs = ["train", "dev", "test"].map(|name| arguments.out.join(name).with_extension("jsonl"));
    check_outputs([&*arguments.input], outputs.iter().map(PathBuf::as_path))?;
    let sentences = read_corpus(&arguments.input, &arguments.input_options.options())?;
    let Partition { train, dev, test, report, .. } =
        Partition::new(sentences, arguments.dev, arguments.test, arguments.seed);
    let folder = &arguments.out;
    fs::create_dir_all(folder).map_err(|source| DataError::Write { path: folder.clone(), source })?;
    for (name, set, share) in
        [("train", train, Probability::ONE), ("dev", dev, arguments.dev), ("test", test, arguments.test)]
    {
        if share == Probability::ZERO {
            continue;
        }
        let path = folder.join(name).with_extension("jsonl");
        let mut writer = Writer::create(&path, Format::Rere)?;
        set.iter().try_for_each(|sentence| writer.write(sentence))?;
        log_unsupported(&writer.finish()?);
        let triples: usize = set.iter().map(|sentence| sentence.triples.len()).sum();
        print_line(format!("{}: {} sentences, {triples} triples", path.display(), set.len()))?;
    }
    print_line(report).map_err(Into::into)
}
