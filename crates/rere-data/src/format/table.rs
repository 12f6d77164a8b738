//! Tables with a header and a row per triple. The columns `text`, `subject`, `relation` and `object` are required,
//! others optional. Consecutive rows with the same id and text are one sentence; a sentence without triples is a row
//! with a text only. Cells are quoted as in RFC 4180, in tab-separated tables too.

use std::{
    io::{self, BufRead, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use ::csv::{ErrorKind, ReaderBuilder, StringRecord, WriterBuilder};
use rere_core::{CharSpan, Extra, Mention, Probability, Sentence, TextOffsets, Triple};

use super::{
    OffsetUnit, Unsupported,
    json::Object,
    reader::Found,
    spec::{EntityIds, Holds, Offsets, Types},
    writer::Objects,
};
use crate::{DataError, ParseErrorKind};

/// Capabilities of both kinds of tables. An empty cell is an absent value.
pub(super) const HOLDS: Holds = Holds {
    offsets: Offsets::Characters,
    types: Types::Except(""),
    scores: true,
    entity_ids: EntityIds::All,
    extra: false,
    ..Holds::SURFACES
};

/// The columns, in the order in which they are written.
const COLUMNS: [&str; 14] = [
    "id",
    "text",
    "subject",
    "relation",
    "object",
    "score",
    "subject_start",
    "subject_end",
    "object_start",
    "object_end",
    "subject_type",
    "object_type",
    "subject_entity",
    "object_entity",
];

/// The columns that a table of triples must have.
const REQUIRED: [&str; 4] = ["text", "subject", "relation", "object"];

/// Maximum size of a row, so that an unclosed quotation mark cannot fill the memory.
const MAX_ROW_BYTES: usize = 64 << 20;

/// Returns whether a file begins with the header of a table. A similar header counts too, because an error about its
/// columns is more useful than reading its rows as plain text.
pub(super) fn is_header(start: &[u8], separator: u8) -> bool {
    let line = start.trim_ascii_start().split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let has_all = |separator: u8| {
        let cells = line.split(|&byte| byte == separator).map(|cell| cell.trim_ascii().to_ascii_lowercase());
        let cells: Vec<Vec<u8>> = cells.collect();
        let is_cell = |name: &&str| {
            cells.iter().any(|cell| {
                cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\"")).unwrap_or(cell) == name.as_bytes()
            })
        };
        REQUIRED.iter().all(is_cell)
    };
    has_all(separator) || (separator == b',' && has_all(b';'))
}

/// The rows of an input.
pub(super) struct Rows {
    reader: ::csv::Reader<Limited>,
    /// Number of bytes that may still be read for the current row.
    left: Arc<AtomicUsize>,
    path: PathBuf,
    offsets: OffsetUnit,
    header: StringRecord,
    /// The column of each of [`COLUMNS`].
    columns: [Option<usize>; COLUMNS.len()],
    /// The other columns.
    others: Vec<usize>,
    /// Whether to trim cells, because the names of the columns have white space around them.
    trims: bool,
    /// The next row, if it was read already, and its line.
    next: Option<(usize, StringRecord)>,
    begun: bool,
}

/// An input that returns an error if a row is too long or a cell is quoted incorrectly. The csv parser would read
/// further rows as a part of such a cell.
struct Limited {
    input: Box<dyn BufRead + Send>,
    left: Arc<AtomicUsize>,
    separator: u8,
    state: Quoting,
    /// Lines of the next byte and of the last opening quotation mark, from 1.
    lines: (usize, usize),
}

/// Position of a byte in a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    /// At the beginning of a cell.
    Start,
    /// In an unquoted cell.
    Plain,
    /// After an opening quotation mark.
    Quoted,
    /// After a quotation mark that closes the cell or is the first of two.
    Closed,
}

/// Error of an incorrectly quoted cell, with its line.
#[derive(Debug, thiserror::Error)]
#[error("incorrectly quoted cell")]
struct Misquoted(usize);

impl Limited {
    fn check_quoting(&mut self, byte: u8) -> Result<(), Misquoted> {
        let is_end = byte == self.separator || matches!(byte, b'\n' | b'\r');
        self.state = match (self.state, byte) {
            (Quoting::Start, b'"') => {
                self.lines.1 = self.lines.0;
                Quoting::Quoted
            }
            (Quoting::Quoted, b'"') => Quoting::Closed,
            (Quoting::Closed, b'"') | (Quoting::Quoted, _) => Quoting::Quoted,
            (Quoting::Start | Quoting::Plain | Quoting::Closed, _) if is_end => Quoting::Start,
            (Quoting::Closed, _) => return Err(Misquoted(self.lines.0)),
            (Quoting::Start | Quoting::Plain, _) => Quoting::Plain,
        };
        self.lines.0 += usize::from(byte == b'\n');
        Ok(())
    }
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        let left = self.left.load(Ordering::Relaxed).checked_sub(count);
        let left = left.ok_or_else(|| {
            io::Error::other(format!(
                "expected a row of at most {MAX_ROW_BYTES} bytes, found a longer one; a quotation mark may be unclosed"
            ))
        })?;
        self.left.store(left, Ordering::Relaxed);
        for &byte in &buffer[..count] {
            self.check_quoting(byte).map_err(io::Error::other)?;
        }
        if count == 0 && !buffer.is_empty() && self.state == Quoting::Quoted {
            return Err(io::Error::other(Misquoted(self.lines.1)));
        }
        Ok(count)
    }
}

impl Rows {
    pub fn new(
        input: Box<dyn BufRead + Send>,
        path: PathBuf,
        separator: u8,
        offsets: OffsetUnit,
    ) -> Result<Self, DataError> {
        let left = Arc::new(AtomicUsize::new(MAX_ROW_BYTES));
        let (state, lines) = (Quoting::Start, (1, 1));
        let input = Limited { input, left: Arc::clone(&left), separator, state, lines };
        let mut reader = ReaderBuilder::new().delimiter(separator).from_reader(input);
        let header = reader.headers().map_err(|error| table_error(&path, error))?.clone();
        let mut columns = [None; COLUMNS.len()];
        let mut others = Vec::new();
        for (column, name) in header.iter().enumerate() {
            let name = name.trim();
            match COLUMNS.iter().position(|known| *known == name) {
                None => others.push(column),
                Some(known) if columns[known].is_none() => columns[known] = Some(column),
                Some(_) => {
                    let message = format!("expected unique names of columns, found {name:?} twice");
                    return Err(DataError::Parse { path, line: 1, kind: ParseErrorKind::Duplicate, message });
                }
            }
        }
        let trims = header.iter().any(|name| name != name.trim());
        let rows = Self { reader, left, path, offsets, header, columns, others, trims, next: None, begun: false };
        let missing: Vec<&str> = REQUIRED.into_iter().filter(|name| rows.column(name).is_none()).collect();
        // A table of texts only has no triples.
        if !missing.is_empty() && !rows.header.is_empty() && missing != REQUIRED[1..] {
            let found: Vec<String> = rows.header.iter().map(|name| format!("{name:?}")).collect();
            let message = format!(
                "expected the columns {}, found {}; a table needs a header, and cells with separators or quotation marks must be \
                 quoted",
                REQUIRED.map(|name| format!("{name:?}")).join(", "),
                found.join(", ")
            );
            return Err(DataError::Parse { path: rows.path, line: 1, kind: ParseErrorKind::MissingField, message });
        }
        Ok(rows)
    }

    fn column(&self, name: &str) -> Option<usize> {
        COLUMNS.iter().position(|known| *known == name).and_then(|known| self.columns[known])
    }

    /// Reads the rows of the next sentence, sets `line` to that of the first, and returns whether there was one.
    pub fn next(&mut self, line: &mut usize, found: &mut Found) -> Result<bool, DataError> {
        if !self.begun {
            self.begun = true;
            self.next = self.row()?;
        }
        let Some((first, row)) = self.next.take() else { return Ok(false) };
        *line = first;
        if self.column("subject").is_none() {
            let names = self.others.iter().filter_map(|&column| self.header.get(column));
            found.report.unknown_fields.extend(names.map(str::to_owned));
        }
        let [id, text] = ["id", "text"].map(|name| self.cell(&row, name).unwrap_or_default().to_owned());
        let mut sentence = Sentence::new(text).with_extra(self.extra(&row)?);
        sentence.id = Some(id).filter(|id| !id.is_empty());
        let offsets = TextOffsets::new(&sentence.text, self.offsets);
        let mut triples = Vec::new();
        let mut row = (first, row);
        loop {
            triples.extend(self.triple(&row.1, &offsets, row.0)?);
            if row.0 != first && self.extra(&row.1)? != sentence.extra {
                found.report.unsupported.note_at(Unsupported::Field, self.others.len(), || format!("line {}", row.0));
            }
            let next = self.row()?;
            let is_same_sentence = |(_, next): &(usize, StringRecord)| {
                self.cell(next, "text").unwrap_or_default() == sentence.text
                    && self.cell(next, "id") == sentence.id.as_deref()
                    && self.has_triple(next)
            };
            match next {
                // A row without a triple is a separate sentence.
                Some(next) if !triples.is_empty() && is_same_sentence(&next) => row = next,
                next => {
                    self.next = next;
                    break;
                }
            }
        }
        sentence.triples = triples;
        found.sentences.push_back(sentence);
        Ok(true)
    }

    /// Returns the next row and its line.
    fn row(&mut self) -> Result<Option<(usize, StringRecord)>, DataError> {
        self.left.store(MAX_ROW_BYTES, Ordering::Relaxed);
        let mut row = StringRecord::new();
        let more = self.reader.read_record(&mut row).map_err(|error| table_error(&self.path, error))?;
        let line = row.position().map_or(1, |position| line(position.line()));
        Ok(more.then_some((line, row)))
    }

    /// Returns the value of a column; `None` if the cell is empty or the column does not exist.
    fn cell<'r>(&self, row: &'r StringRecord, name: &str) -> Option<&'r str> {
        let cell = row.get(self.column(name)?)?;
        Some(if self.trims { cell.trim() } else { cell }).filter(|cell| !cell.is_empty())
    }

    fn has_triple(&self, row: &StringRecord) -> bool {
        REQUIRED[1..].iter().any(|name| self.cell(row, name).is_some())
    }

    fn triple(&self, row: &StringRecord, offsets: &TextOffsets, line: usize) -> Result<Option<Triple>, DataError> {
        if !self.has_triple(row) {
            return Ok(None);
        }
        let at = Object::new(&self.path, line, "", self.offsets);
        for name in &REQUIRED[1..] {
            require_cell(&at, self.cell(row, name), name)?;
        }
        let wrong_value = |name: &str, cell: &str, wanted: &str| {
            at.error(ParseErrorKind::WrongValue, format!("column {name:?}: expected {wanted}, found {cell:?}"))
        };
        let number = |name: &str| -> Result<Option<usize>, DataError> {
            let Some(cell) = self.cell(row, name) else { return Ok(None) };
            // Some programs write `3.0` if a column also has empty cells.
            let whole = cell.strip_suffix(".0").unwrap_or(cell);
            whole.parse().map(Some).map_err(|_| wrong_value(name, cell, "a whole number"))
        };
        let mention = |role: &str| {
            let surface = self.cell(row, role).unwrap_or_default().to_owned();
            let property = |name: &str| self.cell(row, &format!("{role}_{name}")).map(str::to_owned);
            let mut mention = match (number(&format!("{role}_start"))?, number(&format!("{role}_end"))?) {
                (None, None) => Mention::of(surface),
                (Some(start), Some(end)) => at.mention(offsets, CharSpan::new(start, end), Some(surface))?,
                _ => {
                    let message = format!(
                        "expected both `{role}_start` and `{role}_end` for the {role} {surface:?}, found only one"
                    );
                    return Err(at.error(ParseErrorKind::MissingField, message));
                }
            };
            mention.entity_type = property("type");
            mention.entity = property("entity");
            Ok::<_, DataError>(mention)
        };
        let score = self
            .cell(row, "score")
            .map(|cell| cell.parse::<Probability>().map_err(|_| wrong_value("score", cell, "a number from 0 to 1")));
        Ok(Some(
            Triple::new(mention("subject")?, self.cell(row, "relation").unwrap_or_default(), mention("object")?)
                .with_score(score.transpose()?),
        ))
    }

    /// Returns the cells of the other columns, as strings.
    fn extra(&self, row: &StringRecord) -> Result<Extra, DataError> {
        let mut extra = Extra::default();
        for &column in &self.others {
            if let (Some(name), Some(cell)) = (self.header.get(column), row.get(column))
                && !cell.is_empty()
            {
                extra.set(name.trim(), cell).map_err(|error| DataError::Output(error.into()))?;
            }
        }
        Ok(extra)
    }
}

/// Checks that a row with a triple has a subject, a relation and an object.
fn require_cell(at: &Object, cell: Option<&str>, name: &str) -> Result<(), DataError> {
    match cell {
        Some(_) => Ok(()),
        None => {
            let message = format!(
                "column {name:?}: expected a value, found an empty cell; a triple needs a subject, a relation and an object"
            );
            Err(at.error(ParseErrorKind::MissingField, message))
        }
    }
}

fn line(line: u64) -> usize {
    usize::try_from(line).unwrap_or(usize::MAX)
}

fn table_error(path: &Path, error: ::csv::Error) -> DataError {
    let path = path.to_owned();
    let at = error.position().map_or(1, |position| line(position.line()));
    match error.into_kind() {
        ErrorKind::Io(source) => match source.get_ref().and_then(|inner| inner.downcast_ref::<Misquoted>()) {
            Some(Misquoted(line)) => {
                let message =
                    "expected a quoted cell that ends with a quotation mark and doubles those inside, as in RFC 4180";
                DataError::Parse { path, line: *line, kind: ParseErrorKind::Syntax, message: message.to_owned() }
            }
            None => DataError::Read { path, source },
        },
        ErrorKind::Utf8 { .. } => DataError::Encoding { path, line: at },
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let message = format!(
                "expected {expected_len} cells, as in the header, found {len}; cells with separators or quotation marks must be \
                 quoted"
            );
            DataError::Parse { path, line: at, kind: ParseErrorKind::Syntax, message }
        }
        other => {
            let message = format!("the table cannot be read: {other:?}");
            DataError::Parse { path, line: at, kind: ParseErrorKind::Syntax, message }
        }
    }
}

/// Writes the rows of a sentence, and the header before the first sentence.
pub(super) fn write(sentence: &Sentence, separator: u8, objects: &mut Objects) -> Result<(), DataError> {
    let failed = |error: ::csv::Error| DataError::Output(error.into());
    let mut rows = WriterBuilder::new().delimiter(separator).from_writer(Vec::new());
    if objects.next_number() == 0 {
        rows.write_record(COLUMNS).map_err(failed)?;
    }
    let offsets = TextOffsets::new(&sentence.text, objects.offsets);
    let id = sentence.id.as_deref().unwrap_or_default();
    // An empty cell is an absent value.
    let is_written = |triple: &&Triple| {
        [&triple.subject.text, &triple.relation, &triple.object.text].iter().all(|cell| !cell.is_empty())
    };
    let unsupported = &mut objects.unsupported;
    unsupported.note(Unsupported::Id, usize::from(sentence.id.as_deref() == Some("")), sentence);
    unsupported.note(
        Unsupported::Triple,
        sentence.triples.iter().filter(|triple| !is_written(triple)).count(),
        sentence,
    );
    let mentions = sentence.triples.iter().flat_map(Triple::mentions);
    unsupported.note(
        Unsupported::EntityId,
        mentions.filter(|mention| mention.entity.as_deref() == Some("")).count(),
        sentence,
    );
    let mut written = 0;
    for Triple { subject, relation, object, score, .. } in sentence.triples.iter().filter(is_written) {
        let score = score.map(|score| score.to_string()).unwrap_or_default();
        let offsets = [subject, object].map(|mention| {
            let span = mention.span.map(|span| offsets.to_chars(span));
            span.map_or_else(Default::default, |CharSpan { start, end }| [start.to_string(), end.to_string()])
        });
        let [types, entities] = [
            [&subject.entity_type, &object.entity_type].map(|name| name.as_deref().unwrap_or_default()),
            [&subject.entity, &object.entity].map(|id| id.as_deref().unwrap_or_default()),
        ];
        let [[subject_start, subject_end], [object_start, object_end]] = &offsets;
        rows.write_record([
            id,
            &sentence.text,
            &subject.text,
            relation,
            &object.text,
            &score,
            subject_start,
            subject_end,
            object_start,
            object_end,
            types[0],
            types[1],
            entities[0],
            entities[1],
        ])
        .map_err(failed)?;
        written += 1;
    }
    let key = (written > 0).then(|| (id.to_owned(), sentence.text.clone()));
    // Rows of two sentences with the same id and text are read as one.
    unsupported.note(Unsupported::Sentence, usize::from(key.is_some() && key == objects.last_key), sentence);
    objects.last_key = key;
    if written == 0 {
        let mut row = [""; COLUMNS.len()];
        (row[0], row[1]) = (id, &sentence.text);
        rows.write_record(row).map_err(failed)?;
    }
    let bytes = rows.into_inner().map_err(|error| DataError::Output(error.into_error()))?;
    objects.bytes.extend_from_slice(&bytes);
    Ok(())
}
