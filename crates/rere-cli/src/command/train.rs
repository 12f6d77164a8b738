//! `rere train`

use std::path::{Path, PathBuf};

use rere::{Config, Corpus, RereError};
use rere_core::Sentence;

use super::{Outcome, read};
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
    /// Where to compute: flex, or, in a build with LibTorch, libtorch or libtorch:cuda:0.
    #[arg(long, default_value = "flex")]
    device: String,
    /// Seed, in place of training.seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Go on with a run that was stopped.
    #[arg(long)]
    resume: bool,
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
    let dev = config.data.dev.as_deref().map(read).transpose()?;
    let corpus = Corpus { train: read(train)?, dev: dev.unwrap_or_default() };
    println!("{}", counts("train", &corpus.train));
    println!("{}", counts("dev", &corpus.dev));

    let mut progress = TrainingProgress::new();
    rere::train(&config, &corpus, &arguments.out, &device, arguments.resume, &mut |event| progress.show(&event))?;
    println!("model: {}", arguments.out.display());
    Ok(())
}

fn counts(name: &str, sentences: &[Sentence]) -> String {
    let triples: usize = sentences.iter().map(|sentence| sentence.triples.len()).sum();
    format!("{name}: {} sentences, {triples} triples", sentences.len())
}
