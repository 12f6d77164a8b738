//! Files that are compressed where their names say so, and that appear only when they are complete.

use std::{
    error::Error,
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use flate2::{bufread::MultiGzDecoder, write::GzEncoder};
use tempfile::NamedTempFile;

use crate::DataError;

/// A file under a temporary name beside its place, which it takes with [`NewFile::finish`].
///
/// Dropped before that it disappears, and what stood in its place is left as it was.
#[derive(Debug)]
struct NewFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl NewFile {
    /// Begins a file that is to stand at `path`.
    ///
    /// # Errors
    /// Where the folder cannot be written ([`DataError::Write`]).
    fn create(path: &Path) -> Result<Self, DataError> {
        // The parent of a bare name is the empty path, which stands for the working folder.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            // A temporary file is its owner's alone; what it becomes has the rights of any new file.
            use std::{fs::Permissions, os::unix::fs::PermissionsExt};
            builder.permissions(Permissions::from_mode(0o666));
        }
        let file = builder
            .tempfile_in(folder)
            .map_err(|error| DataError::Write { path: path.to_owned(), source: without_temporary_name(&error) })?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Brings the file to the disk and gives it its name.
    ///
    /// # Errors
    /// Where the disk is full or the place cannot be taken ([`DataError::Write`]).
    fn finish(self) -> Result<(), DataError> {
        let Self { file, path } = self;
        let synced = file.as_file().sync_all();
        match synced.and_then(|()| file.persist(&path).map_err(|error| error.error)) {
            Ok(_) => Ok(()),
            Err(source) => Err(DataError::Write { path, source }),
        }
    }
}

/// What the system says, without the temporary name that is added to it: nobody has heard of that file.
pub(crate) fn without_temporary_name(error: &io::Error) -> io::Error {
    let inner = error.get_ref().and_then(Error::source).and_then(|inner| inner.downcast_ref::<io::Error>());
    match inner.unwrap_or(error).raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => error.kind().into(),
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
/// As [`Output`], and what `write` returns; its [`DataError::Output`] becomes [`DataError::Write`].
pub fn replace_file(path: &Path, write: impl FnOnce(&mut Output) -> Result<(), DataError>) -> Result<(), DataError> {
    let mut file = Output::create(path)?;
    write(&mut file).map_err(|error| match error {
        DataError::Output(source) => DataError::Write { path: path.to_owned(), source },
        other => other,
    })?;
    file.finish()
}

/// Bytes that are read or written at once.
const BUFFER: usize = 1 << 18;

/// How the content of a file is compressed, by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    fn of(path: &Path) -> Self {
        match path.extension() {
            Some(extension) if extension.eq_ignore_ascii_case("gz") => Self::Gzip,
            Some(extension) if extension.eq_ignore_ascii_case("zst") => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// Whether the end of a name says that the file is compressed.
pub(crate) fn is_compressed(path: &Path) -> bool {
    Compression::of(path) != Compression::None
}

/// The end of a name in lower case, without that of a compression.
pub(crate) fn bare_extension(path: &Path) -> Option<String> {
    let path = if is_compressed(path) { path.with_extension("") } else { path.to_owned() };
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}

/// The name of an input in errors: its path, or `standard input` for `-`.
pub fn input_name(path: &Path) -> &Path {
    if is_standard(path) { Path::new("standard input") } else { path }
}

/// Whether a path stands for standard input or output.
pub fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// Opens a file to be read; `.gz` and `.zst` at the end of its name are decompressed on the way, and `-` is standard
/// input.
///
/// # Errors
/// Where the file cannot be opened ([`DataError::Read`]). What is wrong with its content shows when it is read.
pub fn open(path: &Path) -> Result<Box<dyn BufRead + Send>, DataError> {
    if is_standard(path) {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let unreadable = |source| DataError::Read { path: path.to_owned(), source };
    let file = BufReader::with_capacity(BUFFER, File::open(path).map_err(unreadable)?);
    Ok(match Compression::of(path) {
        Compression::None => Box::new(file),
        Compression::Gzip => Box::new(BufReader::new(MultiGzDecoder::new(file))),
        Compression::Zstd => Box::new(BufReader::new(zstd::Decoder::with_buffer(file).map_err(unreadable)?)),
    })
}

/// A file to be written, which takes its place with [`Output::finish`] and not before; `.gz` and `.zst` at the end of
/// its name are compressed on the way, and `-` is standard output. What is no file, such as `/dev/null` or a named pipe, is
/// written to as it stands; of a link, the file that it points to is replaced.
pub struct Output {
    encoder: Encoder,
    path: PathBuf,
}

enum Encoder {
    Plain(BufWriter<Sink>),
    Gzip(GzEncoder<BufWriter<Sink>>),
    Zstd(zstd::Encoder<'static, BufWriter<Sink>>),
}

enum Sink {
    File(NewFile),
    /// A device or a pipe: a file in its place would take it away from everyone.
    Special(File),
    Standard(io::Stdout),
}

impl Sink {
    fn open(path: &Path) -> Result<Self, DataError> {
        if is_standard(path) {
            return Ok(Self::Standard(io::stdout()));
        }
        let there = std::fs::metadata(path);
        // A link stays, and what it points to is replaced. /dev/stdout is one, to a file where the shell made it so.
        let target = match std::fs::symlink_metadata(path) {
            Ok(link) if link.is_symlink() => std::fs::canonicalize(path).ok(),
            _ => Some(path.to_owned()),
        };
        match (target, there) {
            (Some(target), Ok(there)) if there.is_file() || there.is_dir() => NewFile::create(&target).map(Self::File),
            (_, Ok(_)) => {
                let opened = File::options().write(true).open(path);
                opened.map(Self::Special).map_err(|source| DataError::Write { path: path.to_owned(), source })
            }
            (_, Err(_)) => NewFile::create(path).map(Self::File),
        }
    }
}

impl Output {
    /// Begins a file that is to stand at `path`.
    ///
    /// # Errors
    /// Where the folder cannot be written ([`DataError::Write`]).
    pub fn create(path: &Path) -> Result<Self, DataError> {
        let sink = BufWriter::with_capacity(BUFFER, Sink::open(path)?);
        let encoder = match Compression::of(path) {
            Compression::None => Encoder::Plain(sink),
            Compression::Gzip => Encoder::Gzip(GzEncoder::new(sink, flate2::Compression::default())),
            Compression::Zstd => {
                let encoder = zstd::Encoder::new(sink, zstd::DEFAULT_COMPRESSION_LEVEL);
                Encoder::Zstd(encoder.map_err(|source| DataError::Write { path: path.to_owned(), source })?)
            }
        };
        Ok(Self { encoder, path: path.to_owned() })
    }

    /// Ends the compressed stream, brings the file to the disk and gives it its name.
    ///
    /// # Errors
    /// Where the disk is full or the place cannot be taken ([`DataError::Write`]).
    pub fn finish(self) -> Result<(), DataError> {
        let Self { encoder, path } = self;
        let ended = match encoder {
            Encoder::Plain(sink) => Ok(sink),
            Encoder::Gzip(encoder) => encoder.finish(),
            Encoder::Zstd(encoder) => encoder.finish(),
        };
        let flushed = ended.and_then(|sink| sink.into_inner().map_err(io::IntoInnerError::into_error));
        match flushed {
            Ok(Sink::File(file)) => file.finish(),
            Ok(Sink::Special(mut special)) => special.flush().map_err(|source| DataError::Write { path, source }),
            Ok(Sink::Standard(mut standard)) => standard.flush().map_err(DataError::Output),
            Err(source) => Err(DataError::Write { path, source }),
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match &mut self.encoder {
            Encoder::Plain(writer) => writer,
            Encoder::Gzip(writer) => writer,
            Encoder::Zstd(writer) => writer,
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer().flush()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Special(special) => special.write(bytes),
            Self::Standard(standard) => standard.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Special(special) => special.flush(),
            Self::Standard(standard) => standard.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_has_a_temporary_name() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = Output::create(&folder.path().join("none/corpus.jsonl")).err().expect("no such folder");
        let cause = error.source().expect("a cause").to_string();
        assert!(
            error.to_string().ends_with("corpus.jsonl cannot be written: its folder is not found")
                && !cause.contains(".tmp"),
            "{cause}"
        );
        assert!(cause.contains("os error 2") || cause.contains("not found"), "{cause}");
    }
}
