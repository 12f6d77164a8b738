//! The record beside an output, which says what it was made from and how.

use std::{
    collections::BTreeSet,
    error::Error,
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use rere_core::{Constraints, Probability};
use rere_data::{DataError, Format, ReadOptions, SentenceSplitter, replace_file, sha256_of_file};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The record of an output, which is written after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Path of the input in its folder, and of the output in its own.
    pub name: String,
    pub input: FileDigest,
    pub output: FileDigest,
    pub rows: usize,
    pub triples: usize,
    /// Digest of the model.
    pub model: String,
    pub options: Options,
    /// Version that made the output.
    pub rere_version: String,
}

/// Size and digest of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDigest {
    pub bytes: u64,
    pub sha256: String,
}

/// The options that change the result. Devices and batches only change the last digits of scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    pub min_score: Option<Probability>,
    pub relations: Option<BTreeSet<String>>,
    pub constraints: Constraints,
    pub mentions: bool,
    pub precision: String,
    pub format: Option<String>,
    pub offsets: String,
    pub negative_labels: Vec<String>,
    pub split: String,
    pub language: String,
}

/// Returns the path of the record of an output. Its name begins with `_`, so that Spark, PyArrow and rere itself do not
/// take it for data.
pub fn record_path(folder: &Path, name: &str) -> PathBuf {
    let (parent, base) = name.rsplit_once('/').unwrap_or(("", name));
    folder.join(parent).join(format!("_{base}.done.json"))
}

impl Record {
    /// Reads the record of an output; `None` if there is none.
    pub fn read(folder: &Path, name: &str) -> Result<Option<Self>, Box<dyn Error>> {
        let path = record_path(folder, name);
        let json = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            json => json.map_err(|source| DataError::Read { path: path.clone(), source })?,
        };
        let record = serde_json::from_slice(&json).map_err(|error| {
            format!(
                "{}: expected a record of this version of rere, found another ({error}): remove it to extract again",
                path.display()
            )
        })?;
        Ok(Some(record))
    }

    /// Writes the record beside the output.
    pub fn write(&self, folder: &Path) -> Result<(), DataError> {
        write_json(&record_path(folder, &self.name), self)
    }

    /// Returns in words how model and options differ from those of another record or run.
    pub fn differences(&self, model: &str, options: &Options) -> Vec<String> {
        let is_other = (self.model != model).then(|| format!("the model is {}, not {model}", self.model));
        let (own, expected) = (self.options.fields(), options.fields());
        let changed = own.into_iter().filter_map(|(name, own)| {
            let expected = &expected[&name];
            (own != *expected).then(|| format!("{name} is {own}, not {expected}"))
        });
        is_other.into_iter().chain(changed).collect()
    }
}

impl FileDigest {
    /// Reads a file.
    pub fn of(path: &Path) -> Result<Self, DataError> {
        Ok(Self { bytes: size(path)?, sha256: sha256_of_file(path)? })
    }

    /// Returns whether a file has this size and digest. It is read only if it has the size.
    pub fn matches(&self, path: &Path) -> Result<bool, DataError> {
        Ok(size(path)? == self.bytes && sha256_of_file(path)? == self.sha256)
    }
}

fn size(path: &Path) -> Result<u64, DataError> {
    let metadata = fs::metadata(path).map_err(|source| DataError::Read { path: path.to_owned(), source })?;
    Ok(metadata.len())
}

impl Options {
    /// Returns the options to read inputs with.
    pub fn read_options(&self) -> Result<ReadOptions, Box<dyn Error>> {
        Ok(ReadOptions::default()
            .with_format(self.format.as_deref().map(str::parse::<Format>).transpose()?)
            .with_offsets(self.offsets.parse()?)
            .with_negative_labels(&self.negative_labels)
            .with_split(self.split.parse()?)
            .with_splitter(SentenceSplitter::new(&self.language)))
    }

    /// Returns the options as a record has them.
    fn fields(&self) -> Map<String, Value> {
        // By way of the text, in which 0.3 as f32 is not 0.30000001192092896. Neither step fails.
        serde_json::to_string(self).and_then(|json| serde_json::from_str(&json)).unwrap_or_default()
    }
}

/// Writes a JSON file.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), DataError> {
    replace_file(path, |file| {
        serde_json::to_writer_pretty(&mut *file, value).map_err(|error| DataError::Output(error.into()))?;
        file.write_all(b"\n").map_err(DataError::Output)
    })
}
