//! Reading and atomic writing of files.

use std::{fs, io::Write, path::Path};

use rere_data::{DataError, replace_file};
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::{FolderProblem, RereError};

pub(crate) fn io(path: &Path) -> impl Fn(std::io::Error) -> RereError {
    move |source| RereError::Io { path: path.to_owned(), source }
}

pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), RereError> {
    Ok(replace_file(path, |file| file.write_all(bytes).map_err(DataError::Output))?)
}

pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), RereError> {
    let failed = |error: serde_json::Error| FolderProblem::Json(error.to_string()).at(path);
    let mut text = serde_json::to_vec_pretty(value).map_err(failed)?;
    text.push(b'\n');
    write(path, &text)
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, RereError> {
    from_json(&fs::read(path).map_err(io(path))?, path)
}

/// Parses a JSON file of a model; errors name `path`.
pub(crate) fn from_json<T: DeserializeOwned>(bytes: &[u8], path: &Path) -> Result<T, RereError> {
    serde_json::from_slice(bytes).map_err(|error| FolderProblem::Damaged(error.to_string()).at(path))
}

/// SHA-256 of bytes, in hexadecimal.
pub(crate) fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hexadecimal(Sha256::digest(bytes))
}

/// Bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A resumed run compares the F1 scores that it reads with those that it computes.
    #[test]
    fn numbers_survive_writing_and_reading_bit_by_bit() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("numbers.json");
        let shares = (1..200u32).flat_map(|n| (1..n).map(move |k| 2.0 * f64::from(k) / f64::from(n + k)));
        let numbers: Vec<f64> = shares.chain([0.9859154929577465, 1e-300, f64::MAX, f64::MIN_POSITIVE]).collect();
        write_json(&path, &numbers).expect("written");
        assert!(read_json::<Vec<f64>>(&path).expect("read") == numbers);
    }
}
