//! A corpus that is written sentence by sentence.

use std::{io::Write, path::Path};

use rere_core::Sentence;
use serde::Serialize;

#[cfg(feature = "parquet")]
use super::parquet::NewFile as ParquetFile;
use super::{Format, OffsetUnit, UnsupportedCounts, brat, spec::Content, table, text};
use crate::{DataError, Output, error::name, file::bare_extension};

/// Writes a corpus, sentence by sentence, into a file that takes its place with [`Writer::finish`] and not before.
pub struct Writer {
    sink: Sink,
    format: Format,
    objects: Objects,
}

enum Sink {
    /// Objects of JSON, rows of a table, or lines of text.
    Stream(Output),
    Brat(brat::NewFolder),
    #[cfg(feature = "parquet")]
    Parquet(Box<ParquetFile>),
}

/// What the sentence that is being written has become.
pub(super) struct Objects {
    /// What offsets in characters count.
    pub offsets: OffsetUnit,
    /// What could not be written.
    pub lost: UnsupportedCounts,
    /// Bytes that are still to be written.
    pub bytes: Vec<u8>,
    /// Whether they make an array.
    array: bool,
    /// Whether there was an object before.
    begun: bool,
    /// How many sentences were numbered.
    sentences: usize,
    /// Id and text of the sentence before, if rows of a table may be taken for more of it.
    pub last_key: Option<(String, String)>,
}

impl Objects {
    /// Adds an object of JSON.
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

    /// The number of the sentence among those written so far, from 0.
    pub fn next_number(&mut self) -> usize {
        self.sentences += 1;
        self.sentences - 1
    }
}

impl Writer {
    /// Begins a corpus at `path`: compressed if the name ends in `.gz` or `.zst`, and standard output for `-`. CasRel's, SpERT's,
    /// TPLinker's, DocRED's, TACRED's and Label Studio's formats are arrays, if the name does not end in `.jsonl`; the other
    /// formats of JSON are one object per line. Offsets count code points.
    ///
    /// # Errors
    /// Returns [`DataError::Write`] if the folder cannot be written, and [`DataError::NoStream`] if Parquet or brat is to be a
    /// stream.
    pub fn create(path: &Path, format: Format) -> Result<Self, DataError> {
        format.check_place(path)?;
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
        let (offsets, lost) = (OffsetUnit::default(), UnsupportedCounts::default());
        Ok(Self {
            sink,
            format,
            objects: Objects { offsets, lost, bytes: Vec::new(), array, begun: false, sentences: 0, last_key: None },
        })
    }

    /// Lets offsets in characters count another unit.
    #[must_use]
    pub fn with_offsets(mut self, offsets: OffsetUnit) -> Self {
        self.objects.offsets = offsets;
        self
    }

    /// Writes a sentence; what the format cannot hold is counted.
    ///
    /// # Errors
    /// Returns an error if the output fails, or if a mention's span does not slice the text to the mention's text.
    pub fn write(&mut self, sentence: &Sentence) -> Result<(), DataError> {
        let check = sentence.check();
        check.map_err(|error| DataError::Unwritable { sentence: name(sentence), message: error.to_string() })?;
        let Self { sink, format, objects } = self;
        let spec = format.spec();
        objects.lost.compare(sentence, &spec.holds);
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
            Sink::Brat(folder) => folder.write(sentence, objects.offsets, &mut objects.lost),
            #[cfg(feature = "parquet")]
            Sink::Parquet(file) => file.write(sentence, objects.offsets),
        }
    }

    /// Brings what was written so far to a standard output.
    ///
    /// # Errors
    /// Returns an error if the output fails.
    pub fn flush(&mut self) -> Result<(), DataError> {
        match &mut self.sink {
            Sink::Stream(output) => output.flush().map_err(DataError::Output),
            _ => Ok(()),
        }
    }

    /// Ends the corpus and gives it its name. Returns what could not be written.
    ///
    /// # Errors
    /// Returns [`DataError::Write`] if the disk is full or the place cannot be taken.
    pub fn finish(self) -> Result<UnsupportedCounts, DataError> {
        let Objects { array, begun, lost, .. } = self.objects;
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
        Ok(lost)
    }
}

/// Writes a whole corpus; returns what the format could not hold.
///
/// # Errors
/// As [`Writer`].
pub fn write(path: &Path, sentences: &[Sentence], format: Format) -> Result<UnsupportedCounts, DataError> {
    let mut writer = Writer::create(path, format)?;
    sentences.iter().try_for_each(|sentence| writer.write(sentence))?;
    writer.finish()
}
