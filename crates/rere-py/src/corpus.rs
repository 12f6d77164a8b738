//! Reading and writing of corpora.

use std::path::PathBuf;

use pyo3::prelude::*;
use rere_core::{OffsetUnit, Sentence};
use rere_data::{Format, ReadOptions, SentenceSplitter, Split, input_name, read_reporting};

use crate::{
    error::{OrRaise, RereError},
    process,
};

/// Parses sentences in the rere format, as a JSON array.
pub fn sentences(json: &str) -> PyResult<Vec<Sentence>> {
    serde_json::from_str(json).or_raise()
}

/// Writes values as JSON.
pub fn to_json(value: &(impl serde::Serialize + ?Sized)) -> PyResult<String> {
    serde_json::to_string(value).or_raise()
}

/// Returns the unit of offsets with this name.
fn offset_unit(name: &str) -> PyResult<OffsetUnit> {
    let known = || OffsetUnit::ALL.map(OffsetUnit::name).join(", ");
    name.parse().map_err(|_| RereError::new_err(format!("expected offsets in one of {}, found {name:?}", known())))
}

/// Reads a corpus. Returns its sentences as JSON, and a text that says what was left out, if anything was.
#[pyfunction]
pub fn read(
    py: Python<'_>,
    path: PathBuf,
    format: Option<&str>,
    offsets: &str,
    negative_labels: Option<Vec<String>>,
    split: &str,
    language: &str,
) -> PyResult<(String, Option<String>)> {
    process::enter()?;
    let mut options = ReadOptions::default()
        .with_format(format.map(str::parse::<Format>).transpose().or_raise()?)
        .with_offsets(offset_unit(offsets)?)
        .with_split(split.parse::<Split>().or_raise()?)
        .with_splitter(SentenceSplitter::new(language));
    if let Some(labels) = negative_labels {
        options = options.with_negative_labels(labels);
    }
    py.detach(|| {
        let (sentences, report) = read_reporting(&path, &options).or_raise()?;
        let report = (!report.is_empty()).then(|| format!("{}:\n{report}", input_name(&path).display()));
        Ok((to_json(&sentences)?, report))
    })
}

/// Writes a corpus. Returns a text that says what the format cannot hold, if there is anything.
#[pyfunction]
pub fn write(py: Python<'_>, path: PathBuf, json: &str, format: Option<&str>) -> PyResult<Option<String>> {
    process::enter()?;
    let format = format.map(str::parse).transpose().or_raise()?.unwrap_or_else(|| Format::of_output(&path));
    py.detach(|| {
        let unsupported = rere_data::write(&path, &sentences(json)?, format).or_raise()?;
        Ok((!unsupported.is_empty()).then(|| unsupported.to_string()))
    })
}
