//! Files that appear whole or not at all.

use std::{fs, io::Write, path::Path};

use rere_data::{DataError, replace_file};
use serde::{Serialize, de::DeserializeOwned};

use crate::RereError;

pub(crate) fn io(path: &Path) -> impl Fn(std::io::Error) -> RereError {
    move |source| RereError::Io { path: path.to_owned(), source }
}

pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), RereError> {
    Ok(replace_file(path, |file| file.write_all(bytes).map_err(DataError::Output))?)
}

pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), RereError> {
    let folder = |error: serde_json::Error| RereError::Folder { path: path.to_owned(), message: error.to_string() };
    let mut text = serde_json::to_vec_pretty(value).map_err(folder)?;
    text.push(b'\n');
    write(path, &text)
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, RereError> {
    let bytes = fs::read(path).map_err(io(path))?;
    serde_json::from_slice(&bytes).map_err(|error| RereError::Folder {
        path: path.to_owned(),
        message: format!("{error}; the file is damaged or of another version: train or copy the model again"),
    })
}
