//! `rere tune`

use std::path::PathBuf;

use rere::{Rere, Thresholds};

use super::{Outcome, read};
use crate::progress::thresholds_line;

/// Options of `rere tune`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Model folder; its thresholds are replaced.
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Sentences whose triples are known, in any known format.
    dev: PathBuf,
    /// Where to compute: flex, or, in a build with LibTorch, libtorch or libtorch:cuda:0.
    #[arg(long, default_value = "flex")]
    device: String,
}

/// Chooses thresholds and writes them into the model folder.
pub fn run(arguments: &Arguments) -> Outcome {
    let device = rere::parse_device(&arguments.device)?;
    let mut system = Rere::load(&arguments.model, &device)?;
    let dev = read(&arguments.dev)?;
    let scored = system.score(&dev, Thresholds::LOWEST_RELATION)?;
    let Some((thresholds, f1)) = system.best_thresholds(&scored, &dev)? else {
        return Err(format!("{}: there is no triple to choose thresholds by", arguments.dev.display()).into());
    };
    println!("old {}", thresholds_line(system.thresholds(), None));
    system.set_thresholds(thresholds);
    system.save_config(&arguments.model)?;
    println!("new {}", thresholds_line(thresholds, Some(f1)));
    Ok(())
}
