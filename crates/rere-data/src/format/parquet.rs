//! Parquet: rows become JSON objects with the fields of their columns, and are read as these; what is written has the columns of
//! the rere format, with other fields as JSON in the column `extra`.

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use ::parquet::{
    arrow::{
        ArrowWriter,
        arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
    },
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::properties::WriterProperties,
};
use arrow_json::{LineDelimitedWriter, ReaderBuilder, reader::Decoder};
use arrow_schema::{DataType, Field, Fields, Schema};
use rere_core::{Extra, Sentence};
use serde::Serialize;

use super::{Format, Lost, json::Object, parse, rere};
use crate::{DataError, Output};

/// Rows that are decoded at once.
const BATCH: usize = 1024;

/// Column of the fields that have no column of their own.
const EXTRA: &str = "extra";

/// The rows of a file.
pub(super) struct Rows {
    batches: ParquetRecordBatchReader,
    path: PathBuf,
    format: Option<Format>,
    /// Rows of the last batch as lines of JSON, and how many bytes of them were read.
    lines: Vec<u8>,
    read: usize,
    /// Number of the last row, from 1.
    row: usize,
}

impl Rows {
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|source| DataError::Read { path: path.to_owned(), source })?;
        let batches = ParquetRecordBatchReaderBuilder::try_new(file)
            .and_then(|builder| builder.with_batch_size(BATCH).build())
            .map_err(|error| unreadable(path, 1, &error))?;
        Ok(Self { batches, path: path.to_owned(), format: None, lines: Vec::new(), read: 0, row: 0 })
    }

    pub fn next(&mut self, lost: &mut Lost) -> Result<Option<Sentence>, DataError> {
        while self.read == self.lines.len() {
            let Some(batch) = self.batches.next() else { return Ok(None) };
            self.lines.clear();
            self.read = 0;
            let mut writer = LineDelimitedWriter::new(&mut self.lines);
            batch
                .and_then(|batch| writer.write(&batch))
                .and_then(|()| writer.finish())
                .map_err(|error| unreadable(&self.path, self.row + 1, &error))?;
        }
        self.row += 1;
        let rest = &self.lines[self.read..];
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.read = (self.read + end + 1).min(self.lines.len());
        let json = str::from_utf8(&rest[..end]);
        let json = json.map_err(|_| DataError::Encoding { path: self.path.clone(), line: self.row })?;
        let object = Object::new(&self.path, self.row, json);
        let format = match self.format {
            Some(format) => format,
            None => *self.format.insert(Format::of(&object)?),
        };
        let mut sentence = parse(&object, format, lost)?;
        if let Ok(Some(extra)) = sentence.extra.get::<String>(EXTRA)
            && let Ok(extra) = serde_json::from_str::<Extra>(&extra)
        {
            sentence.extra.remove(EXTRA);
            extra.iter().for_each(|(field, json)| sentence.extra.insert(field, json.to_owned()));
        }
        Ok(Some(sentence))
    }
}

fn unreadable(path: &Path, row: usize, error: &impl std::error::Error) -> DataError {
    DataError::Parse { path: path.to_owned(), line: row, message: format!("the Parquet file is damaged: {error}") }
}

/// A file that takes its place when it is complete.
pub(super) struct NewFile {
    writer: ArrowWriter<Output>,
    decoder: Decoder,
    rows: usize,
    path: PathBuf,
}

impl NewFile {
    pub fn create(path: &Path) -> Result<Self, DataError> {
        let schema = Arc::new(schema());
        let compression = Compression::ZSTD(ZstdLevel::default());
        let properties = WriterProperties::builder().set_compression(compression).build();
        let output = Output::create(path)?;
        let writer = ArrowWriter::try_new(output, Arc::clone(&schema), Some(properties));
        let writer = writer.map_err(|error| unwritable(path, error))?;
        let decoder = ReaderBuilder::new(schema).with_batch_size(BATCH).build_decoder();
        let decoder = decoder.map_err(|error| unwritable(path, error.into()))?;
        Ok(Self { writer, decoder, rows: 0, path: path.to_owned() })
    }

    pub fn write(&mut self, sentence: &Sentence) -> Result<(), DataError> {
        let extra = (!sentence.extra.is_empty()).then(|| serde_json::to_string(&sentence.extra)).transpose();
        let extra = extra.map_err(|error| DataError::Output(error.into()))?;
        let row = rere::line(sentence, Column { extra });
        self.decoder.serialize(&[row]).map_err(|error| unwritable(&self.path, error.into()))?;
        self.rows += 1;
        if self.rows.is_multiple_of(BATCH) { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), DataError> {
        let batch = self.decoder.flush().map_err(|error| unwritable(&self.path, error.into()))?;
        batch.map_or(Ok(()), |batch| self.writer.write(&batch)).map_err(|error| unwritable(&self.path, error))
    }

    pub fn finish(mut self) -> Result<(), DataError> {
        self.flush()?;
        let output = self.writer.into_inner().map_err(|error| unwritable(&self.path, error))?;
        output.finish()
    }
}

/// The column of fields that have none of their own.
#[derive(Serialize)]
struct Column {
    extra: Option<String>,
}

/// The columns of a file: those of the rere format, and [`EXTRA`].
fn schema() -> Schema {
    let string = |name: &str| Field::new(name, DataType::Utf8, true);
    let list = |name: &str, fields: Fields| Field::new(name, DataType::new_list(DataType::Struct(fields), true), true);
    let number = |name: &str| Field::new(name, DataType::Int64, true);
    let mention = Fields::from(vec![string("text"), number("start"), number("end"), string("type")]);
    let triple = Fields::from(vec![
        Field::new("subject", DataType::Struct(mention.clone()), true),
        string("relation"),
        Field::new("object", DataType::Struct(mention.clone()), true),
        Field::new("score", DataType::Float32, true),
    ]);
    Schema::new(vec![string("id"), string("text"), list("triples", triple), list("entities", mention), string(EXTRA)])
}

fn unwritable(path: &Path, error: ParquetError) -> DataError {
    DataError::Write { path: path.to_owned(), source: std::io::Error::other(error) }
}
