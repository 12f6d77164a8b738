//! `rere train`

use std::{
    fmt::Display,
    num::NonZeroUsize,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rere::{AnyConfig, Corpus, EncoderSource, TrainOptions};
use rere_core::Sentence;
use rere_data::is_standard;

use super::{
    CommandResult, ConventionArguments, DeviceArguments, check_standard_input, log_line, print_line, read_gold,
};
use crate::{error_chain, event_log::EventLog, hub, model_card, training_progress::TrainingProgress};

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
    /// Write each event (step, epoch, warning and so on) as a JSON line, as it happens; --resume appends. With -, they go to
    /// standard output, and all other lines to standard error.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Train N times, first with the given settings, then with settings that are drawn around them, and keep the model with
    /// the best F1 on the development set. tries.json in the model folder has the results.
    #[arg(long = "try", value_name = "N")]
    tries: Option<NonZeroUsize>,
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
    rere train --config more.toml --from model --out model-2
  Record every step and epoch as JSON lines:
    rere train --config rere.toml --out model --log model/log.jsonl
  Try ten settings and keep the best model; continue if it is stopped:
    rere train --config rere.toml --out model --try 10
    rere train --config rere.toml --out model --try 10 --resume";

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
    let mut log = arguments.log.as_deref().map(EventLog::open).transpose()?;
    // Training goes on even if standard output or standard error is closed.
    let print: fn(&dyn Display) = match arguments.log.as_deref().is_some_and(is_standard) {
        true => |line| log_line(line),
        false => |line| _ = print_line(line),
    };
    print(&counts("train", &corpus.train));
    print(&counts("dev", &corpus.dev));

    let given = config.stages().into_iter().map(|(name, stage)| (name.to_owned(), stage.clone())).collect();
    let mut progress = TrainingProgress::new(print, given);
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    // A second Ctrl-C ends the program at once; the last checkpoint remains.
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })?;
    let on_event = |event: &rere::Event| {
        // First, so that the log is complete if the run is killed.
        if let Some(Err(error)) = log.as_mut().map(|log| log.write(event)) {
            let causes: Vec<String> = error_chain(&error).map(ToString::to_string).collect();
            log_line(format!("warning: {}; no more events are logged", causes.join(": ")));
            log = None;
        }
        progress.show(event);
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut options = TrainOptions::new(device).with_resume(arguments.resume).with_overwrite(arguments.overwrite);
    options.from = from.map(Into::into);
    let card = model_card::may_write(&arguments.out);
    match arguments.tries {
        Some(tries) => {
            let search = config.search(tries, options, &corpus, &arguments.out, on_event)?;
            progress.show_search(&search);
        }
        None => _ = config.train(options, &corpus, &arguments.out, on_event)?,
    }
    if !card {
        log_line("note: README.md was not written by this command, or somebody has edited it: it is kept");
    } else if let Err(error) = model_card::write(&arguments.out) {
        log_line(format!("warning: the model card is not written: {error}"));
    }
    print(&format!("model: {}", arguments.out.display()));
    Ok(())
}

/// Describes the size of a corpus.
fn counts(name: &str, sentences: &[Sentence]) -> String {
    let triples: usize = sentences.iter().map(|sentence| sentence.triples.len()).sum();
    format!("{name}: {} sentences, {triples} triples", sentences.len())
}
