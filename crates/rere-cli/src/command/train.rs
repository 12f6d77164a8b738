//! `rere train`

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rere::{AnyConfig, Corpus, EncoderSource, TrainOptions};
use rere_core::Sentence;

use super::{
    CommandResult, ConventionArguments, DeviceArguments, check_standard_input, log_line, print_line, read_gold,
};
use crate::{hub, model_card, training_progress::TrainingProgress};

/// Options of `rere train`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Settings file (TOML).
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Folder that data.train and data.dev are relative to [default: the folder of the settings file].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder that encoder.pretrained, unless it is a name on the hub, is relative to [default: the folder of the settings
    /// file].
    #[arg(long, value_name = "DIR")]
    encoders: Option<PathBuf>,
    /// Model folder to write.
    #[arg(long, value_name = "DIR", default_value = "model")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArguments,
    /// Random seed; overrides training.seed.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Model to start from (folder, or OWNER/NAME on the hub), instead of the encoder in the settings; its system must be
    /// the same, new relations are added.
    #[arg(long, value_name = "MODEL")]
    from: Option<PathBuf>,
    /// Continue the stopped run in the model folder; succeeds at once if that run has finished.
    #[arg(long)]
    resume: bool,
    /// Discard the stopped run in the model folder.
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    #[command(flatten)]
    conventions: ConventionArguments,
}

const EXAMPLES: &str = "\
Examples:
  Train with the settings in rere.toml:
    rere train --config rere.toml --out model
  Continue after Ctrl-C or a crash:
    rere train --config rere.toml --out model --resume
  Train a model further, on the data of other settings:
    rere train --config more.toml --from model --out model-2";

/// Trains a system.
pub fn run(arguments: &Arguments) -> CommandResult {
    let folder = arguments.config.parent().unwrap_or(Path::new(""));
    let data = arguments.data.as_deref().unwrap_or(folder);
    let encoders = arguments.encoders.as_deref().unwrap_or(folder);
    let mut config = AnyConfig::load(&arguments.config)?;
    let named = config.encoder_mut().clone();
    config = config.with_folders(data, encoders);
    // A model to start from brings its own encoder.
    if let (EncoderSource::Pretrained(name), EncoderSource::Pretrained(folder), None) =
        (named, config.encoder_mut(), &arguments.from)
    {
        *folder = hub::encoder(folder.clone(), &name)?;
    }
    if let Some(seed) = arguments.seed {
        config.training_mut().seed = seed;
    }
    let from = arguments.from.as_deref().map(hub::model).transpose()?;
    let device = arguments.device.parse()?;
    let Some(train) = &config.data().train else {
        return Err(format!("{}: data.train is not set: name the training file", arguments.config.display()).into());
    };
    check_standard_input([Some(train), config.data().dev.as_ref()].into_iter().flatten().map(PathBuf::as_path))?;
    let options = arguments.conventions.options(None);
    let dev = config.data().dev.as_deref().map(|dev| read_gold(dev, &options)).transpose()?;
    let corpus = Corpus { train: read_gold(train, &options)?, dev: dev.unwrap_or_default() };
    // Training goes on even if standard output is closed.
    _ = print_line(counts("train", &corpus.train));
    _ = print_line(counts("dev", &corpus.dev));

    let mut progress = TrainingProgress::new();
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    // A second Ctrl-C ends the program at once; the last checkpoint remains.
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })?;
    let on_event = |event: &rere::Event| {
        progress.show(event);
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut options = TrainOptions::new(device).with_resume(arguments.resume).with_overwrite(arguments.overwrite);
    options.from = from.map(Into::into);
    let card = model_card::may_write(&arguments.out);
    config.train(options, &corpus, &arguments.out, on_event)?;
    if !card {
        log_line("note: README.md was not written by this command, or somebody has edited it: it is kept");
    } else if let Err(error) = model_card::write(&arguments.out) {
        log_line(format!("warning: the model card is not written: {error}"));
    }
    _ = print_line(format!("model: {}", arguments.out.display()));
    Ok(())
}

/// Describes the size of a corpus.
fn counts(name: &str, sentences: &[Sentence]) -> String {
    let triples: usize = sentences.iter().map(|sentence| sentence.triples.len()).sum();
    format!("{name}: {} sentences, {triples} triples", sentences.len())
}
