//! Writing of corpora, sentence by sentence.

use std::{fmt, io::Write, path::Path};

use rere_core::Sentence;
use serde::Serialize;

#[cfg(feature = "parquet")]
use super::parquet::NewFile as ParquetFile;
use super::{Format, OffsetUnit, UnsupportedCounts, brat, spec::Content, table, text};
use crate::{DataError, Output, SentenceProblem, error::describe, file::bare_extension};

/// Writes a corpus, sentence by sentence, into a temporary file that [`Writer::finish`] renames.
///
/// ```
/// use rere_data::{Format, Sentence, Triple, Writer, read};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("corpus.jsonl.gz");
/// let mut writer = Writer::create(&path, Format::Rere)?;
/// writer.write(&Sentence::new("Ada was born in London").with_triples([Triple::of("Ada", "born in", "London")]))?;
/// assert!(writer.finish()?.is_empty(), "the format holds everything");
/// assert_eq!(read(&path)?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Writer {
    sink: Sink,
    format: Format,
    objects: Objects,
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("format", &self.format).finish_non_exhaustive()
    }
}

// There is one for each file.
#[allow(clippy::large_enum_variant)]
enum Sink {
    /// JSON objects, rows of a table, or lines of text.
    Stream(Output),
    Brat(brat::NewFolder),
    #[cfg(feature = "parquet")]
    Parquet(Box<ParquetFile>),
}

/// Output buffer and state of a writer.
pub(super) struct Objects {
    /// Unit of offsets in characters.
    pub offsets: OffsetUnit,
    /// Content that the format cannot hold.
    pub unsupported: UnsupportedCounts,
    /// Bytes that are not written yet.
    pub bytes: Vec<u8>,
    /// Whether the objects are elements of an array.
    array: bool,
    /// Whether an object was written.
    begun: bool,
    /// Number of numbered sentences.
    sentences: usize,
    /// Id and text of the previous sentence, if further rows of a table might be read as a part of it.
    pub last_key: Option<(String, String)>,
}

impl Objects {
    /// Adds a JSON object.
    pub fn push(&mut self, object: &impl Serialize) -> Result<(), DataError> {
        if self.array {
            self.bytes.extend_from_slice(if self.begun { b",\n" } else { b"[\n" });
        }
        self.begun = true;
        serde_json::to_writer(&mut self.bytes, object).map_err(|error| DataError::Output(error.into()))?;
        if !self.array {
            self.bytes.push(b'\n');
        }
        Ok(())
    }

    /// Returns the number of the sentence among those written so far, from 0.
    pub fn next_number(&mut self) -> usize {
        self.sentences += 1;
        self.sentences - 1
    }
}

impl Writer {
    /// Creates a writer for the corpus at `path`.
    ///
    /// Files named `.gz` or `.zst` are compressed, and `-` is standard output. The formats of CasRel, SpERT, TPLinker,
    /// DocRED, TACRED and Label Studio are written as one array unless the name ends in `.jsonl`; the other JSON
    /// formats have one object per line. Offsets count code points.
    ///
    /// # Errors
    /// Returns [`DataError::Write`] if the folder cannot be written, and [`DataError::NoStream`] for a stream of
    /// Parquet or brat.
    pub fn create(path: &Path, format: Format) -> Result<Self, DataError> {
        format.check_path(path)?;
        let mut array = false;
        let sink = match &format.spec().content {
            Content::Folder => Sink::Brat(brat::NewFolder::create(path)?),
            #[cfg(feature = "parquet")]
            Content::Parquet => Sink::Parquet(Box::new(ParquetFile::create(path)?)),
            #[cfg(not(feature = "parquet"))]
            Content::Parquet => return Err(DataError::NotBuilt { path: path.to_owned(), feature: "parquet" }),
            content => {
                if let Content::Json(json) = content {
                    array = json.array && !matches!(bare_extension(path).as_deref(), Some("jsonl" | "ndjson"));
                }
                Sink::Stream(Output::create(path)?)
            }
        };
        let (offsets, unsupported) = (OffsetUnit::default(), UnsupportedCounts::default());
        Ok(Self {
            sink,
            format,
            objects: Objects {
                offsets,
                unsupported,
                bytes: Vec::new(),
                array,
                begun: false,
                sentences: 0,
                last_key: None,
            },
        })
    }

    /// Sets the unit of offsets in characters.
    #[must_use]
    pub fn with_offsets(mut self, offsets: OffsetUnit) -> Self {
        self.objects.offsets = offsets;
        self
    }

    /// Writes a sentence, and counts content that the format cannot hold.
    ///
    /// # Errors
    /// Returns an error if the output cannot be written, or if a mention's span does not slice the text to its surface.
    pub fn write(&mut self, sentence: &Sentence) -> Result<(), DataError> {
        sentence.check().map_err(|error| DataError::Unwritable {
            sentence: describe(sentence),
            problem: SentenceProblem::Record(error),
        })?;
        let Self { sink, format, objects } = self;
        let spec = format.spec();
        objects.unsupported.compare(sentence, &spec.holds);
        match sink {
            Sink::Stream(output) => {
                objects.bytes.clear();
                match &spec.content {
                    Content::Json(json) => (json.write)(sentence, objects)?,
                    Content::Table { separator, .. } => table::write(sentence, *separator, objects)?,
                    _ => text::write(sentence, objects),
                }
                output.write_all(&objects.bytes).map_err(DataError::Output)
            }
            Sink::Brat(folder) => folder.write(sentence, objects.offsets, &mut objects.unsupported),
            #[cfg(feature = "parquet")]
            Sink::Parquet(file) => file.write(sentence, objects.offsets),
        }
    }

    /// Flushes the output, for example to show sentences on standard output at once.
    ///
    /// # Errors
    /// Returns an error if the output cannot be written.
    pub fn flush(&mut self) -> Result<(), DataError> {
        match &mut self.sink {
            Sink::Stream(output) => output.flush().map_err(DataError::Output),
            _ => Ok(()),
        }
    }

    /// Completes the corpus, renames the file to its path, and returns counts of content that the format cannot hold.
    ///
    /// # Errors
    /// Returns [`DataError::Write`] if the disk is full or the file cannot be renamed.
    pub fn finish(self) -> Result<UnsupportedCounts, DataError> {
        let Objects { array, begun, unsupported, .. } = self.objects;
        match self.sink {
            Sink::Stream(mut output) => {
                let end: &[u8] = match (array, begun) {
                    (true, true) => b"\n]\n",
                    (true, false) => b"[]\n",
                    (false, _) => b"",
                };
                output.write_all(end).map_err(DataError::Output)?;
                output.finish()?;
            }
            Sink::Brat(folder) => folder.finish()?,
            #[cfg(feature = "parquet")]
            Sink::Parquet(file) => file.finish()?,
        }
        Ok(unsupported)
    }
}

/// Writes a corpus, and returns counts of content that the format cannot hold.
///
/// # Errors
/// Returns an error if the file cannot be written, or if a mention's span does not slice its text to its surface.
pub fn write(path: &Path, sentences: &[Sentence], format: Format) -> Result<UnsupportedCounts, DataError> {
    let mut writer = Writer::create(path, format)?;
    sentences.iter().try_for_each(|sentence| writer.write(sentence))?;
    writer.finish()
}
