//! Reading and writing of Parquet files.

use std::{
    error::Error,
    fs::File,
    panic::{AssertUnwindSafe, catch_unwind},
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
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema};
use rere_core::{Extra, Sentence, json::SentenceRecord};
use serde::Serialize;

use crate::{
    DataError, Output, ParseErrorKind,
    format::{OffsetUnit, json::Object},
};

/// Number of rows that are decoded at once.
const BATCH: usize = 1024;

/// Column of fields without a separate column.
const EXTRA: &str = "extra";

/// The rows of a file.
pub(in crate::format) struct Rows {
    batches: ParquetRecordBatchReader,
    path: PathBuf,
    offsets: OffsetUnit,
    /// Rows of the last batch as lines of JSON, and the number of bytes that were read.
    lines: Vec<u8>,
    read: usize,
    /// Number of the last row, from 1.
    row: usize,
}

impl Rows {
    pub fn open(path: &Path, offsets: OffsetUnit) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|source| DataError::Read { path: path.to_owned(), source })?;
        let batches =
            catch_panics(path, 1, || ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(BATCH).build())?;
        Ok(Self { batches, path: path.to_owned(), offsets, lines: Vec::new(), read: 0, row: 0 })
    }

    /// Returns the next row; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Object<'_>>, DataError> {
        while self.read == self.lines.len() {
            self.lines.clear();
            self.read = 0;
            let (batches, lines) = (&mut self.batches, &mut self.lines);
            let more = catch_panics(&self.path, self.row + 1, || {
                let Some(batch) = batches.next().transpose()? else { return Ok(false) };
                let mut writer = LineDelimitedWriter::new(lines);
                writer.write(&batch)?;
                writer.finish()?;
                Ok::<_, ArrowError>(true)
            })?;
            if !more {
                return Ok(None);
            }
        }
        self.row += 1;
        let rest = &self.lines[self.read..];
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.read = (self.read + end + 1).min(self.lines.len());
        let json = str::from_utf8(&rest[..end]);
        let json = json.map_err(|_| DataError::Encoding { path: self.path.clone(), line: self.row })?;
        Ok(Some(Object::new(&self.path, self.row, json, self.offsets)))
    }
}

/// Unpacks the fields in the column [`EXTRA`].
pub(in crate::format) fn unpack_extra(sentence: &mut Sentence) {
    if let Ok(Some(extra)) = sentence.extra.get::<String>(EXTRA)
        && let Ok(extra) = serde_json::from_str::<Extra>(&extra)
    {
        sentence.extra.remove(EXTRA);
        extra.iter().for_each(|(field, json)| sentence.extra.insert(field, json.to_owned()));
    }
}

/// Converts panics of the decoder to errors, because it panics on some damaged files. The decoder is not used after a
/// panic, because reading ends at the first error.
fn catch_panics<T, E: Error>(path: &Path, row: usize, decode: impl FnOnce() -> Result<T, E>) -> Result<T, DataError> {
    let message = match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Ok(decoded)) => return Ok(decoded),
        Ok(Err(error)) => format!("expected a valid Parquet file: {error}"),
        Err(_) => "expected a valid Parquet file, found damaged data".to_owned(),
    };
    Err(DataError::Parse { path: path.to_owned(), line: row, kind: ParseErrorKind::Syntax, message })
}

/// A file with a temporary name, which is renamed when it is complete.
pub(in crate::format) struct NewFile {
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

    pub fn write(&mut self, sentence: &Sentence, offsets: OffsetUnit) -> Result<(), DataError> {
        let extra = (!sentence.extra.is_empty()).then(|| serde_json::to_string(&sentence.extra)).transpose();
        let extra = extra.map_err(|error| DataError::Output(error.into()))?;
        let row = SentenceRecord::of_checked(sentence, offsets, Column { extra });
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

/// The column of fields without a separate column.
#[derive(Serialize)]
struct Column {
    extra: Option<String>,
}

/// Returns the columns of a file: those of the rere format, and [`EXTRA`].
fn schema() -> Schema {
    let mentions = DataType::new_list(mention_type(), true);
    let [triples, negatives] =
        ["triples", "negatives"].map(|name| Field::new(name, DataType::new_list(triple_type(), true), true));
    Schema::new(vec![string("id"), string("text"), triples, Field::new("entities", mentions, true), negatives, string(EXTRA)])
}

/// Returns the Arrow type of a triple in a Parquet file: the structure that [`InText`](rere_core::InText) writes as JSON, with
/// `score` in f32 and offsets in i64, all nullable. Triples of other tables should have it too, so that they can be read.
pub fn triple_type() -> DataType {
    let mention = |name: &str| Field::new(name, mention_type(), true);
    let score = Field::new("score", DataType::Float32, true);
    DataType::Struct(Fields::from(vec![mention("subject"), string("relation"), mention("object"), score]))
}

fn mention_type() -> DataType {
    let number = |name: &str| Field::new(name, DataType::Int64, true);
    DataType::Struct(Fields::from(vec![string("text"), number("start"), number("end"), string("type"), string("entity")]))
}

fn string(name: &str) -> Field {
    Field::new(name, DataType::Utf8, true)
}

fn unwritable(path: &Path, error: ParquetError) -> DataError {
    DataError::Write { path: path.to_owned(), source: std::io::Error::other(error) }
}
