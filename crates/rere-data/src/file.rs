//! Files that are compressed according to their names and replaced only when they are complete.

use std::{
    collections::HashSet,
    error::Error,
    ffi::OsString,
    fmt,
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use flate2::{bufread::MultiGzDecoder, write::GzEncoder};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::{DataError, ParseErrorKind};

/// A file with a temporary name, which [`NewFile::finish`] renames.
///
/// If it is dropped before, it is deleted, and an existing file at its path is unchanged.
#[derive(Debug)]
struct NewFile {
    file: NamedTempFile,
    path: PathBuf,
}

impl NewFile {
    /// Creates the temporary file in the folder of `path`.
    ///
    /// # Errors
    /// Returns [`DataError::Write`] if the folder cannot be written.
    fn create(path: &Path) -> Result<Self, DataError> {
        // The parent of a bare name is the empty path, which means the working folder.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let prefix = temporary_prefix(path);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).rand_bytes(RANDOM_BYTES).suffix(TEMPORARY);
        #[cfg(unix)]
        {
            // Temporary files are private to their owner by default; the final file gets the usual permissions.
            use std::{fs::Permissions, os::unix::fs::PermissionsExt};
            builder.permissions(Permissions::from_mode(0o666));
        }
        let file = builder
            .tempfile_in(folder)
            .map_err(|error| DataError::Write { path: path.to_owned(), source: without_temporary_name(&error) })?;
        Ok(Self { file, path: path.to_owned() })
    }

    /// Syncs the file to the disk and renames it to its path.
    ///
    /// # Errors
    /// Returns [`DataError::Write`] if the disk is full or the file cannot be renamed.
    fn finish(self) -> Result<(), DataError> {
        let Self { file, path } = self;
        let synced = file.as_file().sync_all();
        match synced.and_then(|()| file.persist(&path).map_err(|error| error.error)) {
            Ok(_) => Ok(()),
            // Its folder was there when the temporary file was made.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let source =
                    io::Error::other("its temporary file was removed, by another process that writes it or by hand");
                Err(DataError::Write { path, source })
            }
            Err(source) => Err(DataError::Write { path, source }),
        }
    }
}

/// Number of random characters in a temporary name.
const RANDOM_BYTES: usize = 6;

/// End of a temporary name.
const TEMPORARY: &str = ".tmp";

/// Returns the beginning of the temporary names of a file. `.part-0.jsonl.x7Gh2k.tmp` is one of `part-0.jsonl`.
fn temporary_prefix(path: &Path) -> OsString {
    /// Most bytes of a name with room for the rest of a temporary name; file systems allow 255.
    const MAX_BYTES: usize = 240;
    let mut prefix = OsString::from(".");
    if let Some(name) = path.file_name().filter(|name| name.len() <= MAX_BYTES) {
        prefix.push(name);
        prefix.push(".");
    }
    prefix
}

/// Returns the name of the file that a temporary name is of.
fn name_of_temporary(name: &str) -> Option<&str> {
    let (name, random) = name.strip_prefix('.')?.strip_suffix(TEMPORARY)?.rsplit_once('.')?;
    (random.len() == RANDOM_BYTES && random.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(name)
}

/// Removes the temporary files that killed processes have left in a folder, of files with these names. Do not call it
/// while another process writes one of them: that process would then fail.
///
/// # Errors
/// Returns [`DataError::Read`] if the folder cannot be read. A temporary file that cannot be removed is left.
///
/// ```
/// use std::{collections::HashSet, fs};
///
/// let folder = tempfile::tempdir()?;
/// for name in [".part-0.jsonl.x7Gh2k.tmp", ".part-1.jsonl.Qz81aB.tmp"] {
///     fs::write(folder.path().join(name), "half a li")?;
/// }
/// rere_data::remove_leftovers(folder.path(), &HashSet::from(["part-0.jsonl"]))?;
/// let left = fs::read_dir(folder.path())?.next().expect("one is left")?;
/// assert_eq!(left.file_name(), ".part-1.jsonl.Qz81aB.tmp");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn remove_leftovers(folder: &Path, names: &HashSet<&str>) -> Result<(), DataError> {
    let unreadable = |source| DataError::Read { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let is_left = |name: &str| name_of_temporary(name).is_some_and(|name| names.contains(name));
        if entry.file_name().to_str().is_some_and(is_left) {
            // It does no harm, and another process may have removed it.
            _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// Removes the temporary name from an error, because users do not know that file.
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

/// Writes a file with `write` and replaces the file at `path` with it when it is complete.
///
/// # Errors
/// Returns an error if the file cannot be written or `write` returns one; its [`DataError::Output`] becomes
/// [`DataError::Write`].
pub fn replace_file(path: &Path, write: impl FnOnce(&mut Output) -> Result<(), DataError>) -> Result<(), DataError> {
    let mut file = Output::create(path)?;
    write(&mut file).map_err(|error| match error {
        DataError::Output(source) => DataError::Write { path: path.to_owned(), source },
        other => other,
    })?;
    file.finish()
}

/// Passes the bytes of a file to `take`, in parts and without decompression, for example to compute a digest.
///
/// # Errors
/// Returns [`DataError::Read`] if the file cannot be read.
pub fn read_parts(path: &Path, mut take: impl FnMut(&[u8])) -> Result<(), DataError> {
    let unreadable = |source| DataError::Read { path: path.to_owned(), source };
    let mut file = BufReader::with_capacity(BUFFER, File::open(path).map_err(unreadable)?);
    loop {
        let part = match file.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            part => part.map_err(unreadable)?,
        };
        if part.is_empty() {
            return Ok(());
        }
        take(part);
        let count = part.len();
        file.consume(count);
    }
}

/// Returns the SHA-256 of a file, without decompression, in hexadecimal.
///
/// # Errors
/// Returns [`DataError::Read`] if the file cannot be read.
pub fn sha256_of_file(path: &Path) -> Result<String, DataError> {
    let mut hash = Sha256::new();
    read_parts(path, |part| hash.update(part))?;
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Buffer size in bytes.
const BUFFER: usize = 1 << 18;

/// Compression of a file, by the extension of its name.
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

/// Returns whether the extension of a name is that of a compressed file.
pub(crate) fn is_compressed(path: &Path) -> bool {
    Compression::of(path) != Compression::None
}

/// Returns the extension of a name in lower case, without that of a compression.
pub(crate) fn bare_extension(path: &Path) -> Option<String> {
    let path = if is_compressed(path) { path.with_extension("") } else { path.to_owned() };
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}

/// Returns the name of an input in errors: its path, or `standard input` for `-`.
pub fn input_name(path: &Path) -> &Path {
    if is_standard(path) { Path::new("standard input") } else { path }
}

/// Returns whether a path is `-`, which means standard input or output.
pub fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// Opens a file for reading. Files named `.gz` or `.zst` are decompressed, and `-` is standard input.
///
/// # Errors
/// Returns [`DataError::Read`] if the file cannot be opened. Problems of its content are reported when it is read.
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

/// The byte order mark of UTF-8.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Reads the first bytes of an input, until they are enough to tell its format, or very many. From a pipe it may read less than
/// a file has.
pub(crate) fn read_start(input: &mut dyn BufRead, is_enough: impl Fn(&[u8]) -> bool) -> io::Result<Vec<u8>> {
    const MAX_BYTES: usize = 1 << 16;
    let mut start = Vec::new();
    while start.len() < MAX_BYTES && !is_enough(&start) {
        let more = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            more => more?,
        };
        if more.is_empty() {
            break;
        }
        let count = more.len();
        start.extend_from_slice(more);
        input.consume(count);
    }
    Ok(start)
}

/// Maximum length of a line, so that a file without line ends cannot fill the memory.
const MAX_LINE_BYTES: u64 = 64 << 20;

/// Reads a line into `bytes`, and returns it without its end; `None` at the end of the input. `path` and `line`, from 1, are for
/// errors.
pub(crate) fn read_line<'b>(
    input: &mut dyn BufRead,
    path: &Path,
    line: usize,
    bytes: &'b mut Vec<u8>,
) -> Result<Option<&'b [u8]>, DataError> {
    bytes.clear();
    let read = input.take(MAX_LINE_BYTES + 1).read_until(b'\n', bytes);
    if read.map_err(|source| DataError::Read { path: path.to_owned(), source })? == 0 {
        return Ok(None);
    }
    if bytes.len() as u64 > MAX_LINE_BYTES {
        let message = format!("expected a line of at most {MAX_LINE_BYTES} bytes, found a longer one");
        return Err(DataError::Parse { path: path.to_owned(), line, kind: ParseErrorKind::TooLong, message });
    }
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    Ok(Some(text.strip_suffix(b"\r").unwrap_or(text)))
}

/// A file that is written under a temporary name and renamed by [`Output::finish`].
///
/// Files named `.gz` or `.zst` are compressed, and `-` is standard output. Special files (`/dev/null`, pipes) are
/// written in place. If the path is a symbolic link, the file that it points to is replaced.
///
/// ```
/// use std::io::{Read, Write};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("texts.txt.gz");
/// let mut output = rere_data::Output::create(&path)?;
/// output.write_all("Ada was born in London.\n".as_bytes())?;
/// assert!(!path.exists());
/// output.finish()?;
/// let mut text = String::new();
/// rere_data::open(&path)?.read_to_string(&mut text)?;
/// assert_eq!(text, "Ada was born in London.\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Output {
    encoder: Encoder,
    path: PathBuf,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("path", &self.path).finish_non_exhaustive()
    }
}

enum Encoder {
    Plain(BufWriter<Sink>),
    Gzip(GzEncoder<BufWriter<Sink>>),
    Zstd(zstd::Encoder<'static, BufWriter<Sink>>),
}

enum Sink {
    File(NewFile),
    /// A device or a pipe, which must not be replaced by a file.
    Special(File),
    Standard(io::Stdout),
}

impl Sink {
    fn open(path: &Path) -> Result<Self, DataError> {
        if is_standard(path) {
            return Ok(Self::Standard(io::stdout()));
        }
        let existing = std::fs::metadata(path);
        // The target of a link is replaced. /dev/stdout is a link, to a file if the shell redirects it.
        let target = match std::fs::symlink_metadata(path) {
            Ok(link) if link.is_symlink() => std::fs::canonicalize(path).ok(),
            _ => Some(path.to_owned()),
        };
        match (target, existing) {
            (Some(target), Ok(existing)) if existing.is_file() || existing.is_dir() => {
                NewFile::create(&target).map(Self::File)
            }
            (_, Ok(_)) => {
                let opened = File::options().write(true).open(path);
                opened.map(Self::Special).map_err(|source| DataError::Write { path: path.to_owned(), source })
            }
            (_, Err(_)) => NewFile::create(path).map(Self::File),
        }
    }
}

impl Output {
    /// Creates the temporary file in the folder of `path`.
    ///
    /// # Errors
    /// Returns [`DataError::Write`] if the folder cannot be written.
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

    /// Ends the compressed stream, syncs the file to the disk and renames it to its path.
    ///
    /// # Errors
    /// Returns [`DataError::Write`] if the disk is full or the file cannot be renamed.
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
    fn temporary_names_tell_their_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let of = |name: &str| {
            let file = NewFile::create(&folder.path().join(name)).expect("a file");
            let temporary = file.file.path().file_name().expect("a name").to_str().expect("UTF-8").to_owned();
            (name_of_temporary(&temporary).map(str::to_owned), temporary)
        };
        for name in ["part-0.jsonl.gz", "a", "北京.parquet", &"n".repeat(240)] {
            assert_eq!(of(name).0.as_deref(), Some(name));
        }
        // The longest name that file systems allow can still be written, but its temporary name does not tell it.
        let (name, temporary) = of(&"n".repeat(255));
        assert!(name.is_none() && temporary.starts_with('.'), "{temporary}");
        for other in
            [".part-0.jsonl", ".part-0.jsonl.short.tmp", "part-0.jsonl.x7Gh2k.tmp", ".x7Gh2k.tmp", ".part-0.jsonl..tmp"]
        {
            assert_eq!(name_of_temporary(other), None, "{other}");
        }
    }

    /// `printf 'Ada\n' | sha256sum`, and the digest of no bytes in FIPS 180-4's examples.
    #[test]
    fn digests_are_those_of_sha256sum() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("text.txt.gz");
        for (content, digest) in [
            ("Ada\n", "c4b7d45359e10813d1787293eb7ffa9a074e837fcf99c0281610eab5fe907e79"),
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ] {
            fs::write(&path, content).expect("written");
            assert_eq!(sha256_of_file(&path).expect("read"), digest);
        }
    }

    #[test]
    fn a_removed_temporary_file_is_an_error_that_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        let output = Output::create(&folder.path().join("out.jsonl")).expect("a file");
        remove_leftovers(folder.path(), &HashSet::from(["out.jsonl"])).expect("removed");
        let error = output.finish().expect_err("no temporary file");
        let cause = error.source().expect("a cause").to_string();
        assert!(
            error.to_string().ends_with("out.jsonl cannot be written") && cause.contains("removed"),
            "{error}: {cause}"
        );
    }

    #[test]
    fn messages_do_not_have_temporary_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = Output::create(&folder.path().join("none/corpus.jsonl")).expect_err("no such folder");
        let cause = error.source().expect("a cause").to_string();
        assert!(
            error.to_string().ends_with("corpus.jsonl cannot be written: its folder is not found")
                && !cause.contains(".tmp"),
            "{cause}"
        );
        assert!(cause.contains("os error 2") || cause.contains("not found"), "{cause}");
    }
}
