//! Files that appear only when they are complete.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use crate::DataError;

/// A file under a temporary name beside its place, which it takes with [`NewFile::finish`].
///
/// Dropped before that it disappears, and what stood in its place is left as it was.
#[derive(Debug)]
pub struct NewFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl NewFile {
    /// Begins a file that is to stand at `path`.
    ///
    /// # Errors
    /// Where the folder cannot be written ([`DataError::Write`]).
    pub fn create(path: &Path) -> Result<Self, DataError> {
        // The parent of a bare name is the empty path, which stands for the working folder.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            // A temporary file is its owner's alone; what it becomes has the rights of any new file.
            use std::{fs::Permissions, os::unix::fs::PermissionsExt};
            builder.permissions(Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(folder).map_err(|source| DataError::Write { path: path.to_owned(), source })?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Brings the file to the disk and gives it its name.
    ///
    /// # Errors
    /// Where the disk is full or the place cannot be taken ([`DataError::Write`]).
    pub fn finish(self) -> Result<(), DataError> {
        let Self { file, path } = self;
        let synced = file.as_file().sync_all();
        match synced.and_then(|()| file.persist(&path).map_err(|error| error.error)) {
            Ok(_) => Ok(()),
            Err(source) => Err(DataError::Write { path, source }),
        }
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        File::write(self.file.as_file_mut(), bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

/// Replaces the file at `path` by what `write` writes, once all of it is written.
///
/// # Errors
/// As [`NewFile`], and what `write` returns; its [`DataError::Output`] becomes [`DataError::Write`].
pub fn replace_file(path: &Path, write: impl FnOnce(&mut NewFile) -> Result<(), DataError>) -> Result<(), DataError> {
    let mut file = NewFile::create(path)?;
    write(&mut file).map_err(|error| match error {
        DataError::Output(source) => DataError::Write { path: path.to_owned(), source },
        other => other,
    })?;
    file.finish()
}
