//! TSV and CSV. Cells with the separator, a quotation mark or a line end are quoted as in RFC 4180, in TSV too.

use std::{
    borrow::Cow,
    io,
    path::{Path, PathBuf},
};

use ::csv::{Writer, WriterBuilder};
use rere_data::{DataError, Output};

use super::{Sink, evidence::Evidence, unwritable};
use crate::{CorpusFact, FactStatus};

/// The columns after subject, relation and object, with their types in Neo4j.
pub(super) const COLUMNS: [(&str, &str); 16] = [
    ("score", "double"),
    ("best", "double"),
    ("sentences", "int"),
    ("documents", "int"),
    ("status", "string"),
    ("conflicts", "string[]"),
    ("text", "string"),
    ("subject_surface", "string"),
    ("subject_start", "int"),
    ("subject_end", "int"),
    ("object_surface", "string"),
    ("object_start", "int"),
    ("object_end", "int"),
    ("sentence_id", "string"),
    ("document", "string"),
    ("start", "long"),
];

pub(super) struct Table {
    writer: Writer<Output>,
    path: PathBuf,
}

impl Table {
    pub fn create(path: &Path, separator: u8) -> Result<Self, DataError> {
        let mut writer = WriterBuilder::new().delimiter(separator).from_writer(Output::create(path)?);
        let names = ["subject", "subject_ids", "relation", "object", "object_ids"];
        let header = writer.write_record(names.into_iter().chain(COLUMNS.map(|(name, _)| name)));
        header.map_err(|error| unwritable(path, error.into()))?;
        Ok(Self { writer, path: path.to_owned() })
    }
}

impl Sink for Table {
    fn write(&mut self, fact: &CorpusFact) -> io::Result<()> {
        let CorpusFact { subject, relation, object, .. } = fact;
        let [subject_ids, object_ids] = [&subject.ids, &object.ids].map(|ids| list(ids));
        let triple = [&subject.name, &subject_ids, relation, &object.name, &object_ids];
        let columns = columns(fact, list(&fact.conflicts));
        Ok(self.writer.write_record(triple.into_iter().map(String::as_str).chain(columns.iter().map(AsRef::as_ref)))?)
    }

    fn finish(self: Box<Self>) -> Result<(), DataError> {
        complete(self.writer, &self.path)
    }
}

/// Joins items by `|`. In items it becomes `\|`, and `\` becomes `\\`.
fn list(items: &[String]) -> String {
    items.iter().map(|item| item.replace('\\', r"\\").replace('|', r"\|")).collect::<Vec<_>>().join("|")
}

/// Returns the cells of [`COLUMNS`]. What a fact does not have is empty.
pub(super) fn columns(fact: &CorpusFact, conflicts: String) -> [Cow<'_, str>; COLUMNS.len()] {
    let evidence = fact.evidence.first().map(Evidence::of).unwrap_or_default();
    let number = |number: Option<usize>| optional(number.map(|number| number.to_string()));
    [
        fact.score.to_string().into(),
        fact.best.to_string().into(),
        fact.sentences.to_string().into(),
        fact.documents.to_string().into(),
        fact.status.map_or("", FactStatus::name).into(),
        conflicts.into(),
        evidence.text.into(),
        evidence.subject_surface.unwrap_or_default().into(),
        number(evidence.subject_start),
        number(evidence.subject_end),
        evidence.object_surface.unwrap_or_default().into(),
        number(evidence.object_start),
        number(evidence.object_end),
        evidence.sentence_id.unwrap_or_default().into(),
        optional(evidence.document),
        optional(evidence.start.map(|start| start.to_string())),
    ]
}

fn optional(cell: Option<String>) -> Cow<'static, str> {
    cell.unwrap_or_default().into()
}

/// Completes the file of a table.
pub(super) fn complete(writer: Writer<Output>, path: &Path) -> Result<(), DataError> {
    writer.into_inner().map_err(|error| unwritable(path, error.into_error()))?.finish()
}
