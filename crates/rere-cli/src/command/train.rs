//! `rere train`

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use rere::{AnyConfig, ConfigProblem, Corpus, RereError, TrainOptions};
use rere_core::Sentence;

use super::{Conventions, Outcome, check_standard_input, read_gold, say};
use crate::progress::TrainingProgress;

/// Options of `rere train`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Settings; see docs/guide.md.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Folder that data.train and data.dev are relative to; without it, the folder of the settings.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder of pretrained encoders that encoder.pretrained is relative to; without it, the folder of the settings.
    #[arg(long, value_name = "DIR")]
    encoders: Option<PathBuf>,
    /// Model folder to write.
    #[arg(long, value_name = "DIR", default_value = "model")]
    out: PathBuf,
    /// Where to compute: flex, or, in a build with their features, libtorch, libtorch:cuda:0, cuda:0 or wgpu.
    #[arg(long, default_value = "flex")]
    device: String,
    /// Seed, in place of training.seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Start from this model, of the same system, in place of the settings' encoder; new relations are added to its own.
    #[arg(long, value_name = "MODEL")]
    from: Option<PathBuf>,
    /// Go on with the run that was stopped in the model folder; a run that has ended succeeds at once.
    #[arg(long)]
    resume: bool,
    /// Discard the run that was stopped in the model folder.
    #[arg(long, conflicts_with = "resume")]
    overwrite: bool,
    #[command(flatten)]
    conventions: Conventions,
}

/// Trains a system.
pub fn run(arguments: &Arguments) -> Outcome {
    let folder = arguments.config.parent().unwrap_or(Path::new(""));
    let data = arguments.data.as_deref().unwrap_or(folder);
    let encoders = arguments.encoders.as_deref().unwrap_or(folder);
    let mut config = AnyConfig::load(&arguments.config)?.with_folders(data, encoders);
    if let Some(seed) = arguments.seed {
        config.training_mut().seed = seed;
    }
    let device = rere::parse_device(&arguments.device)?;
    let Some(train) = &config.data().train else {
        return Err(Box::new(RereError::Config {
            path: Some(arguments.config.clone()),
            problem: ConfigProblem::NoTrainingFile,
        }));
    };
    check_standard_input([Some(train), config.data().dev.as_ref()].into_iter().flatten().map(PathBuf::as_path))?;
    let options = arguments.conventions.options(None);
    let dev = config.data().dev.as_deref().map(|dev| read_gold(dev, &options)).transpose()?;
    let corpus = Corpus { train: read_gold(train, &options)?, dev: dev.unwrap_or_default() };
    // Training goes on where nobody reads what it prints.
    _ = say(counts("train", &corpus.train));
    _ = say(counts("dev", &corpus.dev));

    let mut progress = TrainingProgress::new();
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    // A second Ctrl-C ends the program at once: what the last checkpoint holds is left.
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
    options.from = arguments.from.clone().map(Into::into);
    config.train(options, &corpus, &arguments.out, on_event)?;
    _ = say(format!("model: {}", arguments.out.display()));
    Ok(())
}

fn counts(name: &str, sentences: &[Sentence]) -> String {
    let triples: usize = sentences.iter().map(|sentence| sentence.triples.len()).sum();
    format!("{name}: {} sentences, {triples} triples", sentences.len())
}
