//! `rere tune`

use std::{collections::BTreeSet, path::PathBuf};

use rere::{Rere, Thresholds};

use super::{Outcome, Reading, log, read_gold, say};
use crate::progress::thresholds_line;

/// Options of `rere tune`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Model folder; its thresholds are replaced.
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Sentences whose triples are known, in any known format.
    dev: PathBuf,
    /// Where to compute: flex, or, in a build with their features, libtorch, libtorch:cuda:0, cuda:0 or wgpu.
    #[arg(long, default_value = "flex")]
    device: String,
    #[command(flatten)]
    reading: Reading,
}

/// Chooses thresholds and writes them into the model folder.
pub fn run(arguments: &Arguments) -> Outcome {
    let device = rere::parse_device(&arguments.device)?;
    let mut system = Rere::load(&arguments.model, &device)?;
    let dev = read_gold(&arguments.dev, &arguments.reading.options())?;
    let scored = system.score(&dev, Thresholds::LOWEST_RELATION)?;
    let Some((thresholds, f1)) = system.best_thresholds(&scored, &dev)? else {
        return Err(format!("{}: there is no triple to choose thresholds by", arguments.dev.display()).into());
    };
    let known = &system.config().relations;
    let unknown: BTreeSet<&str> =
        dev.iter().flat_map(|sentence| &sentence.triples).map(|triple| &*triple.relation).collect();
    let unknown: Vec<&str> = unknown.into_iter().filter(|relation| known.label(relation).is_none()).collect();
    if !unknown.is_empty() {
        log(format!("note: the model has no relation {}; triples with it are never found", unknown.join(", ")));
    }
    if f1 == 0.0 {
        return Err(format!(
            "{}: the model finds none of its triples, so that no threshold is better than another; the old ones stay",
            arguments.dev.display()
        )
        .into());
    }
    let old = system.thresholds();
    system.set_thresholds(thresholds);
    system.save_config(&arguments.model)?;
    say(format!("old {}\nnew {}", thresholds_line(old, None), thresholds_line(thresholds, Some(f1))))?;
    Ok(())
}
