//! Files that appear whole or not at all.

use std::{fs, io::Write, path::Path};

use serde::{Serialize, de::DeserializeOwned};

use crate::RereError;

pub(crate) fn io(path: &Path) -> impl Fn(std::io::Error) -> RereError {
    move |source| RereError::Io { path: path.to_owned(), source }
}

/// Writes a file under a temporary name, to the disk, and renames it.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), RereError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        // A temporary file is its owner's alone; what it becomes has the rights of any new file.
        use std::{fs::Permissions, os::unix::fs::PermissionsExt};
        builder.permissions(Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder).map_err(io(path))?;
    file.write_all(bytes).map_err(io(path))?;
    file.as_file().sync_all().map_err(io(path))?;
    file.persist(path).map_err(|error| io(path)(error.error))?;
    Ok(())
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
