//! The inputs of a job: files and folders.

use std::{
    collections::{HashMap, HashSet},
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use rere_data::{DataError, Format, ReadOptions, Reader, remove_leftovers};

use super::record::record_path;
use crate::command::{log_line, usage_error};

/// A file to extract from.
pub struct InputFile {
    pub path: PathBuf,
    /// Path of the output in its folder, with `/` between the names: that of the input in the folder that was searched.
    pub name: String,
    pub bytes: u64,
    /// Format of the output: Parquet, or rere as JSON lines.
    pub format: Format,
}

impl InputFile {
    /// Opens the file with the options of the job, whose format is that of JSON lines.
    pub fn open(&self, options: &ReadOptions) -> Result<Reader, DataError> {
        match self.format {
            Format::Parquet => Reader::open(&self.path, &options.clone().with_format(Format::Parquet)),
            _ => Reader::open(&self.path, options),
        }
    }
}

/// The files of a job, sorted by name.
#[derive(Default)]
pub struct Inputs {
    pub files: Vec<InputFile>,
    /// Names of files that are neither Parquet nor JSON lines.
    others: Vec<String>,
}

impl Inputs {
    /// Lists files, and searches folders and the folders in them.
    ///
    /// # Errors
    /// Returns an error if there is no file, if two would have the same output, or if an input is in the folder of the
    /// outputs or the other way round.
    pub fn list(paths: &[PathBuf], output: &Path) -> Result<Self, Box<dyn Error>> {
        let canonical = |path: &Path| path.canonicalize().map_err(|source| unreadable(path, source));
        let output = canonical(output)?;
        let mut inputs = Self::default();
        for path in paths {
            let resolved = canonical(path)?;
            if resolved.starts_with(&output) || output.starts_with(&resolved) {
                return Err(usage_error(format!(
                    "expected an output folder (--output) apart from the inputs, but of {} and {} one is in the other",
                    path.display(),
                    output.display()
                )));
            }
            if resolved.is_dir() {
                inputs.search(path, "")?;
            } else {
                inputs.add(path.clone(), file_name(path)?.to_owned())?;
            }
        }
        if inputs.files.is_empty() {
            return Err("expected Parquet files or JSON lines (.parquet, .jsonl, .ndjson or .json), found none".into());
        }
        inputs.files.sort_by(|a, b| a.name.cmp(&b.name));
        if let Some([first, second]) = inputs.files.array_windows().find(|[first, second]| first.name == second.name) {
            return Err(format!(
                "{} and {} would have the same output, {}: rename one, or give a folder that holds both",
                first.path.display(),
                second.path.display(),
                first.name
            )
            .into());
        }
        Ok(inputs)
    }

    /// Lists the outputs in a folder.
    pub fn list_outputs(folder: &Path) -> Result<Vec<InputFile>, DataError> {
        let mut outputs = Self::default();
        outputs.search(folder, "")?;
        Ok(outputs.files)
    }

    /// Adds the files in a folder and those below it; `prefix` is the folder's name with `/` at its end.
    fn search(&mut self, folder: &Path, prefix: &str) -> Result<(), DataError> {
        for entry in fs::read_dir(folder).map_err(|source| unreadable(folder, source))? {
            let path = entry.map_err(|source| unreadable(folder, source))?.path();
            let name = format!("{prefix}{}", file_name(&path)?);
            self.add(path, name)?;
        }
        Ok(())
    }

    /// Adds a file, or the files in a folder.
    fn add(&mut self, path: PathBuf, name: String) -> Result<(), DataError> {
        if is_hidden(name.rsplit('/').next().unwrap_or_default()) {
            return Ok(());
        }
        let metadata = fs::metadata(&path).map_err(|source| unreadable(&path, source))?;
        if metadata.is_dir() {
            return self.search(&path, &format!("{name}/"));
        }
        match output_format(&name).filter(|_| metadata.is_file()) {
            Some(format) => self.files.push(InputFile { path, name, bytes: metadata.len(), format }),
            None => self.others.push(name),
        }
        Ok(())
    }

    /// Logs the names of files of other kinds, if there are any.
    pub fn log_others(&self) {
        const MAX_NAMES: usize = 8;
        if self.others.is_empty() {
            return;
        }
        let names = self.others.iter().take(MAX_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if self.others.len() > MAX_NAMES { ", …" } else { "" };
        log_line(format!("note: {} files are neither Parquet nor JSON lines: {names}{more}", self.others.len()));
    }
}

/// Removes temporary files of the outputs of these files and their records, which killed processes have left.
pub fn remove_temporary_files(files: &[InputFile], output: &Path) -> Result<(), DataError> {
    let mut names: HashMap<PathBuf, Vec<String>> = HashMap::new();
    for file in files {
        for path in [output.join(&file.name), record_path(output, &file.name)] {
            if let (Some(folder), Ok(name)) = (path.parent(), file_name(&path)) {
                names.entry(folder.to_owned()).or_default().push(name.to_owned());
            }
        }
    }
    for (folder, names) in names.into_iter().filter(|(folder, _)| folder.exists()) {
        remove_leftovers(&folder, &names.iter().map(String::as_str).collect::<HashSet<_>>())?;
    }
    Ok(())
}

fn unreadable(path: &Path, source: std::io::Error) -> DataError {
    DataError::Read { path: path.to_owned(), source }
}

/// Returns the last part of a path. Records are JSON, so it must be UTF-8.
fn file_name(path: &Path) -> Result<&str, DataError> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.ok_or_else(|| unreadable(path, std::io::Error::other("expected a name in UTF-8")))
}

/// Returns whether Spark leaves a file or folder out too: `_SUCCESS`, `.part-0.crc`, our records. A partition such as
/// `_year=2026` is none of them.
fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || (name.starts_with('_') && !name.contains('='))
}

/// Returns the format of the output, by the name of the input; `None` for files of other kinds.
fn output_format(name: &str) -> Option<Format> {
    let name = name.to_ascii_lowercase();
    let bare = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst"));
    match bare.unwrap_or(&name).rsplit_once('.')?.1 {
        "jsonl" | "ndjson" | "json" => Some(Format::Rere),
        "parquet" if bare.is_none() => Some(Format::Parquet),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_follow_from_names() {
        for (name, format) in [
            ("a.jsonl", Some(Format::Rere)),
            ("a/b.json.gz", Some(Format::Rere)),
            ("A.NDJSON.ZST", Some(Format::Rere)),
            ("part-0.snappy.parquet", Some(Format::Parquet)),
            ("part-0.parquet.gz", None),
            ("a.csv", None),
            ("jsonl", None),
            ("a.gz", None),
        ] {
            assert_eq!(output_format(name), format, "{name}");
        }
    }

    #[test]
    fn what_spark_leaves_out_is_left_out() {
        for name in ["_SUCCESS", ".part-0.parquet.crc", "_temporary", "_part-0.parquet.done.json", "_manifest.json"] {
            assert!(is_hidden(name), "{name}");
        }
        for name in ["part-0.parquet", "year=2026", "_year=2026"] {
            assert!(!is_hidden(name), "{name}");
        }
    }
}
