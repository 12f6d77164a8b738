//! Training.

use std::{ops::ControlFlow, path::PathBuf};

use pyo3::prelude::*;
use rere::{AnyConfig, Corpus, EncoderSource, TrainOptions, parse_device};

use crate::{
    corpus::{sentences, to_json},
    error::OrRaise,
    process,
};

/// Returns the files of training and development sentences that settings name. Relative paths are relative to `folder`.
#[pyfunction]
pub fn corpus_files(settings: &str, folder: PathBuf) -> PyResult<(Option<PathBuf>, Option<PathBuf>)> {
    let config = AnyConfig::parse(settings).or_raise()?.with_folders(&folder, &folder);
    Ok((config.data().train.clone(), config.data().dev.clone()))
}

/// Trains a system and writes its model folder. Returns the record of the run as JSON.
///
/// `settings` is the text of a settings file, whose paths are relative to `folder`; `train` and `dev` are sentences as JSON.
/// `on_event` is called with each event as JSON, and `find_encoder` with the name of the pretrained encoder if there is no such
/// folder.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "they are the arguments of the Python function")]
pub fn train(
    py: Python<'_>,
    settings: &str,
    folder: PathBuf,
    output: PathBuf,
    train: &str,
    dev: &str,
    device: &str,
    resume: bool,
    overwrite: bool,
    on_event: &Bound<'_, PyAny>,
    find_encoder: &Bound<'_, PyAny>,
) -> PyResult<String> {
    process::enter()?;
    let mut config = AnyConfig::parse(settings).or_raise()?;
    let named = config.encoder_mut().clone();
    config = config.with_folders(&folder, &folder);
    if let (EncoderSource::Pretrained(name), EncoderSource::Pretrained(path)) = (named, config.encoder_mut())
        && !path.exists()
    {
        *path = find_encoder.call1((name,))?.extract()?;
    }
    let corpus = Corpus { train: sentences(train)?, dev: sentences(dev)? };
    let options = TrainOptions::new(parse_device(device).or_raise()?).with_resume(resume).with_overwrite(overwrite);
    let on_event = on_event.clone().unbind();
    // The exception of the callback, or Ctrl-C.
    let mut raised = None;
    let record = py.detach(|| {
        let call = |event: &rere::Event| {
            Python::attach(|py| {
                on_event.call1(py, (to_json(event)?,))?;
                py.check_signals()
            })
        };
        let on_event = |event: &rere::Event| match call(event) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                raised = Some(error);
                ControlFlow::Break(())
            }
        };
        config.train(options, &corpus, &output, on_event)
    });
    match raised {
        Some(error) => Err(error),
        None => to_json(&record.or_raise()?),
    }
}
