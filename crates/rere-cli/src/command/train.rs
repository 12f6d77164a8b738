//! `rere train`

use std::path::{Path, PathBuf};

use rere::{Config, Corpus, RereError};
use rere_core::Sentence;

use super::{Conventions, Outcome, check_standard_input, read_gold, say};
use crate::progress::TrainingProgress;

/// Options of `rere train`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Settings; see docs/guide.md.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Folder that data.train, data.dev and data.cache are relative to; without it, the folder of the settings.
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
    /// Go on with a run that was stopped.
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    conventions: Conventions,
}

/// Trains a system.
pub fn run(arguments: &Arguments) -> Outcome {
    let folder = arguments.config.parent().unwrap_or(Path::new(""));
    let data = arguments.data.as_deref().unwrap_or(folder);
    let encoders = arguments.encoders.as_deref().unwrap_or(folder);
    let mut config = Config::load(&arguments.config)?.with_folders(data, encoders);
    if let Some(seed) = arguments.seed {
        config.training.seed = seed;
    }
    let device = rere::parse_device(&arguments.device)?;
    let Some(train) = &config.data.train else {
        return Err(Box::new(RereError::Config {
            path: Some(arguments.config.clone()),
            message: "data.train is not set: name the training file".to_owned(),
        }));
    };
    check_standard_input([Some(train), config.data.dev.as_ref()].into_iter().flatten().map(PathBuf::as_path))?;
    let options = arguments.conventions.options(None);
    let dev = config.data.dev.as_deref().map(|dev| read_gold(dev, &options)).transpose()?;
    let corpus = Corpus { train: read_gold(train, &options)?, dev: dev.unwrap_or_default() };
    // Training goes on where nobody reads what it prints.
    _ = say(counts("train", &corpus.train));
    _ = say(counts("dev", &corpus.dev));

    let mut progress = TrainingProgress::new();
    rere::train(&config, &corpus, &arguments.out, &device, arguments.resume, &mut |event| progress.show(&event))?;
    _ = say(format!("model: {}", arguments.out.display()));
    Ok(())
}

fn counts(name: &str, sentences: &[Sentence]) -> String {
    let triples: usize = sentences.iter().map(|sentence| sentence.triples.len()).sum();
    format!("{name}: {} sentences, {triples} triples", sentences.len())
}
