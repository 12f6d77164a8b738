//! `rere tune`

use std::{
    collections::BTreeSet,
    error::Error,
    path::{Path, PathBuf},
};

use rere::{LoadOptions, Probability, TrainedSystem, load};

use super::{Outcome, Reading, log, read_gold, say};
use crate::progress::thresholds_line;

/// Options of `rere tune`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Model folder; its thresholds are replaced.
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Sentences whose triples are known, in any known format.
    #[arg(required_unless_present_any = ["detect", "decode", "triple"])]
    dev: Option<PathBuf>,
    /// Set the threshold of the first step (relations, or subjects) in place of choosing.
    #[arg(long, value_name = "P", conflicts_with = "dev")]
    detect: Option<Probability>,
    /// Set the threshold of the second step (starts and ends of subjects and objects) in place of choosing.
    #[arg(long, value_name = "P", conflicts_with = "dev")]
    decode: Option<Probability>,
    /// Set the least score of a triple in place of choosing.
    #[arg(long, value_name = "P", conflicts_with = "dev")]
    triple: Option<Probability>,
    /// Where to compute: flex, or, in a build with their features, libtorch, libtorch:cuda:0, cuda:0 or wgpu.
    #[arg(long, default_value = "flex")]
    device: String,
    #[command(flatten)]
    reading: Reading,
}

/// Chooses thresholds, or takes those that are given, and writes them into the model folder.
pub fn run(arguments: &Arguments) -> Outcome {
    let device = rere::parse_device(&arguments.device)?;
    let mut system = load(&arguments.model, LoadOptions::new(device))?;
    let old = system.config().thresholds.clone();
    let f1 = match &arguments.dev {
        Some(dev) => Some(choose(&mut *system, dev, arguments)?),
        None => {
            let mut thresholds = old.clone();
            thresholds.detect = arguments.detect.unwrap_or(thresholds.detect);
            thresholds.decode = arguments.decode.unwrap_or(thresholds.decode);
            if let Some(triple) = arguments.triple {
                thresholds.triple = triple.into();
            }
            system.set_thresholds(thresholds);
            None
        }
    };
    system.save_config(&arguments.model)?;
    let new = thresholds_line(&system.config().thresholds, f1);
    say(format!("old {}\nnew {new}", thresholds_line(&old, None)))?;
    Ok(())
}

/// Chooses thresholds on development sentences, and returns their F1.
fn choose(system: &mut dyn TrainedSystem, path: &Path, arguments: &Arguments) -> Result<f64, Box<dyn Error>> {
    let dev = read_gold(path, &arguments.reading.options())?;
    let f1 = system.tune(&dev)?;
    let known = &system.config().relations;
    let unknown: BTreeSet<&str> =
        dev.iter().flat_map(|sentence| &sentence.triples).map(|triple| &*triple.relation).collect();
    let unknown: Vec<&str> = unknown.into_iter().filter(|relation| known.label(relation).is_none()).collect();
    if !unknown.is_empty() {
        log(format!("note: the model has no relation {}; triples with it are never found", unknown.join(", ")));
    }
    match f1 {
        None => Err(format!("{}: there is no triple to choose thresholds by", path.display()).into()),
        Some(0.0) => Err(format!(
            "{}: the model finds none of its triples, so that no threshold is better than another; the old ones stay",
            path.display()
        )
        .into()),
        Some(f1) => Ok(f1),
    }
}
