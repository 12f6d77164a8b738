//! Parquet: a row per fact, with nested columns.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ::parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};
use arrow_json::{ReaderBuilder, reader::Decoder};
use arrow_schema::{DataType, Field, Fields, Schema};
use rere_data::{DataError, Output};
use serde::Serialize;

use super::{Sink, evidence::Evidence, unwritable};
use crate::{CorpusFact, FactStatus};

/// Number of rows that are encoded at once.
const BATCH: usize = 1024;

/// Size of a group of rows, in bytes, which are in memory until the group is complete.
const GROUP_BYTES: usize = 32 << 20;

pub(super) struct Parquet {
    writer: ArrowWriter<Output>,
    decoder: Decoder,
    rows: usize,
    path: PathBuf,
}

impl Parquet {
    pub fn create(path: &Path) -> Result<Self, DataError> {
        let schema = Arc::new(schema());
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_bytes(Some(GROUP_BYTES))
            .build();
        let failed = |error| unwritable(path, error);
        let writer = ArrowWriter::try_new(Output::create(path)?, Arc::clone(&schema), Some(properties));
        let decoder = ReaderBuilder::new(schema).with_batch_size(BATCH).build_decoder();
        Ok(Self {
            writer: writer.map_err(io::Error::other).map_err(failed)?,
            decoder: decoder.map_err(io::Error::other).map_err(failed)?,
            rows: 0,
            path: path.to_owned(),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.decoder.flush().map_err(io::Error::other)? {
            Some(batch) => self.writer.write(&batch).map_err(io::Error::other),
            None => Ok(()),
        }
    }
}

impl Sink for Parquet {
    fn write(&mut self, fact: &CorpusFact) -> io::Result<()> {
        self.decoder.serialize(&[Row::of(fact)]).map_err(io::Error::other)?;
        self.rows += 1;
        if self.rows.is_multiple_of(BATCH) { self.flush() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> Result<(), DataError> {
        self.flush().map_err(|error| unwritable(&self.path, error))?;
        let output = self.writer.into_inner().map_err(|error| unwritable(&self.path, io::Error::other(error)))?;
        output.finish()
    }
}

#[derive(Serialize)]
struct Row<'a> {
    subject: &'a str,
    subject_ids: &'a [String],
    relation: &'a str,
    object: &'a str,
    object_ids: &'a [String],
    score: f64,
    best: f64,
    sentences: usize,
    documents: usize,
    status: Option<&'static str>,
    conflicts: &'a [String],
    evidence: Vec<Evidence<'a>>,
}

impl<'a> Row<'a> {
    fn of(fact: &'a CorpusFact) -> Self {
        Self {
            subject: &fact.subject.name,
            subject_ids: &fact.subject.ids,
            relation: &fact.relation,
            object: &fact.object.name,
            object_ids: &fact.object.ids,
            score: fact.score,
            best: fact.best,
            sentences: fact.sentences,
            documents: fact.documents,
            status: fact.status.map(FactStatus::name),
            conflicts: &fact.conflicts,
            evidence: fact.evidence.iter().map(Evidence::of).collect(),
        }
    }
}

/// Returns the columns: the fields of [`Row`].
fn schema() -> Schema {
    let string = |name: &str, optional: bool| Field::new(name, DataType::Utf8, optional);
    let integer = |name: &str, optional: bool| Field::new(name, DataType::Int64, optional);
    let double = |name: &str, optional: bool| Field::new(name, DataType::Float64, optional);
    let list = |name: &str, item: DataType| Field::new(name, DataType::new_list(item, false), false);
    let evidence = Fields::from(vec![
        string("text", false),
        string("subject_surface", true),
        integer("subject_start", true),
        integer("subject_end", true),
        string("object_surface", true),
        integer("object_start", true),
        integer("object_end", true),
        double("score", true),
        string("sentence_id", true),
        string("document", true),
        integer("start", true),
    ]);
    Schema::new(vec![
        string("subject", false),
        list("subject_ids", DataType::Utf8),
        string("relation", false),
        string("object", false),
        list("object_ids", DataType::Utf8),
        double("score", false),
        double("best", false),
        integer("sentences", false),
        integer("documents", false),
        string("status", true),
        list("conflicts", DataType::Utf8),
        list("evidence", DataType::Struct(evidence)),
    ])
}
