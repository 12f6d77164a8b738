//! `rere tune`

use std::{
    collections::BTreeSet,
    error::Error,
    path::{Path, PathBuf},
};

use rere::{LoadOptions, Precision, PrecisionCost, Probability, TrainedSystem, load};

use super::{CommandResult, DeviceArguments, InputArguments, describe_cost, log_line, print_line, read_gold};
use crate::{model_card, training_progress::describe_thresholds};

/// Options of `rere tune`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Model folder; its thresholds are replaced.
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Development set, in any known format; - for standard input. The thresholds with the best F1 on it are chosen.
    #[arg(value_name = "DEV", required_unless_present_any = ["detect", "decode", "triple"])]
    dev: Option<PathBuf>,
    /// Set the threshold of the first step (relations, or subjects) instead.
    #[arg(long, value_name = "P", conflicts_with = "dev")]
    detect: Option<Probability>,
    /// Set the threshold of the second step (starts and ends of subjects and objects) instead.
    #[arg(long, value_name = "P", conflicts_with = "dev")]
    decode: Option<Probability>,
    /// Set the lowest score of a triple instead.
    #[arg(long, value_name = "P", conflicts_with = "dev")]
    triple: Option<Probability>,
    #[command(flatten)]
    device: DeviceArguments,
    /// Choose or set the thresholds for this number type: f32, bf16, f16 or int8. With DEV, also measure what it costs
    /// there; `rere extract --precision auto` then takes it where it is faster.
    #[arg(long, value_name = "TYPE", default_value = "f32")]
    precision: Precision,
    #[command(flatten)]
    input_options: InputArguments,
}

const EXAMPLES: &str = "\
Examples:
  Choose the thresholds on a development set:
    rere tune --model model dev.jsonl
  Set the lowest score of a triple:
    rere tune --model model --triple 0.4
  Choose thresholds for 8 bits, which are faster on CPUs, and see what they cost:
    rere tune --model model dev.jsonl --precision int8";

/// Chooses thresholds, or takes the given ones, and writes them to the model folder.
pub fn run(arguments: &Arguments) -> CommandResult {
    let options = LoadOptions::new(arguments.device.parse()?);
    let mut system = load(&arguments.model, options.clone().with_precision(arguments.precision))?;
    let old = system.thresholds().clone();
    let f1 = match &arguments.dev {
        Some(dev) => {
            let f1 = choose(&mut *system, dev, arguments)?;
            if arguments.precision != Precision::F32 {
                // The thresholds that it chooses are not kept.
                let f32_f1 = choose(&mut *load(&arguments.model, options)?, dev, arguments)?;
                let cost = PrecisionCost { f1, f32_f1 };
                system.set_cost(cost);
                print_line(describe_cost(arguments.precision, cost))?;
            }
            Some(f1)
        }
        None => {
            let mut thresholds = old.clone();
            thresholds.detect = arguments.detect.unwrap_or(old.detect);
            thresholds.decode = arguments.decode.unwrap_or(old.decode);
            if let Some(triple) = arguments.triple {
                thresholds.triple = triple.into();
            }
            system.set_thresholds(thresholds);
            None
        }
    };
    let card = model_card::may_write(&arguments.model);
    system.save_config(&arguments.model)?;
    if card {
        model_card::write(&arguments.model)?;
    }
    let new = describe_thresholds(system.thresholds(), f1);
    print_line(format!("old {}\nnew {new}", describe_thresholds(&old, None)))?;
    Ok(())
}

/// Chooses thresholds on the development set, and returns their F1.
fn choose(system: &mut dyn TrainedSystem, path: &Path, arguments: &Arguments) -> Result<f64, Box<dyn Error>> {
    let dev = read_gold(path, &arguments.input_options.options())?;
    let f1 = system.tune(&dev)?;
    let known = &system.config().relations;
    let unknown: BTreeSet<&str> =
        dev.iter().flat_map(|sentence| &sentence.triples).map(|triple| &*triple.relation).collect();
    let unknown: Vec<&str> = unknown.into_iter().filter(|relation| known.label(relation).is_none()).collect();
    if !unknown.is_empty() {
        log_line(format!("note: the model has no relation {}; it never finds triples of it", unknown.join(", ")));
    }
    match f1 {
        None => Err(format!("{}: no triples found, which are needed to choose thresholds", path.display()).into()),
        Some(0.0) => Err(format!(
            "{}: the model finds none of its triples, so no thresholds are better than others; the old ones are kept",
            path.display()
        )
        .into()),
        Some(f1) => Ok(f1),
    }
}
