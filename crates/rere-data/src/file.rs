//! Files that appear only when they are complete.

use std::{fs::File, path::Path};

use crate::DataError;

/// Replaces the file at `path` by what `write` writes: into a temporary file beside it, which is then renamed.
pub(crate) fn replace(path: &Path, write: impl FnOnce(&mut File) -> Result<(), DataError>) -> Result<(), DataError> {
    let unwritable = |source| DataError::Write { path: path.to_owned(), source };
    // The parent of a bare name is the empty path, which stands for the working folder.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        // A temporary file is its owner's alone; what it becomes has the rights of any new file.
        use std::{fs::Permissions, os::unix::fs::PermissionsExt};
        builder.permissions(Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder).map_err(unwritable)?;
    write(file.as_file_mut()).map_err(|error| match error {
        DataError::Output(source) => unwritable(source),
        other => other,
    })?;
    file.persist(path).map_err(|error| unwritable(error.error))?;
    Ok(())
}
