//! Tables with a header: a row per triple, with the columns `text`, `subject`, `relation` and `object`, and others if they are
//! known. Rows behind each other with the same id and text are one sentence; a sentence without triples is a row with a text alone.
//! Cells are quoted as RFC 4180 has it, with tabs too.

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
use crate::DataError;

/// What both kinds of tables hold. An empty cell is an absent value.
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

/// Those that a table of triples has.
const NEEDED: [&str; 4] = ["text", "subject", "relation", "object"];

/// Most bytes of a row: a quotation mark that is never closed must not fill the memory.
const MAX_ROW_BYTES: usize = 64 << 20;

/// Whether a file begins with the header of such a table. One that is close to it counts too: the error about its columns is of
/// more use than its rows as plain text.
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
        NEEDED.iter().all(is_cell)
    };
    has_all(separator) || (separator == b',' && has_all(b';'))
}

/// The rows of an input.
pub(super) struct Rows {
    reader: ::csv::Reader<Limited>,
    /// Bytes that the row that is being read may still take.
    left: Arc<AtomicUsize>,
    path: PathBuf,
    offsets: OffsetUnit,
    header: StringRecord,
    /// The column of each of [`COLUMNS`].
    columns: [Option<usize>; COLUMNS.len()],
    /// Other columns.
    others: Vec<usize>,
    /// Whether cells have white space around them that is none of theirs, as the names of the columns have.
    trims: bool,
    /// A row that was read already, and its line.
    next: Option<(usize, StringRecord)>,
    begun: bool,
}

/// An input that fails before a row fills the memory, and where a cell is not quoted as it should be: the parser would take what
/// follows for more of the cell.
struct Limited {
    input: Box<dyn BufRead + Send>,
    left: Arc<AtomicUsize>,
    separator: u8,
    state: Quoting,
    /// Line of the next byte, from 1, and that of the last opening mark.
    lines: (usize, usize),
}

/// Where in a cell a byte is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    /// At the beginning of a cell.
    Start,
    /// In a cell without quotation marks around it.
    Plain,
    /// Behind an opening mark.
    Quoted,
    /// Behind a mark that closes the cell, or is the first of two.
    Closed,
}

/// A cell that is not quoted as it should be: the line.
#[derive(Debug, thiserror::Error)]
#[error("a cell is not quoted as it should be")]
struct Misquoted(usize);

impl Limited {
    fn follow(&mut self, byte: u8) -> Result<(), Misquoted> {
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
            io::Error::other(format!("a row has more than {MAX_ROW_BYTES} bytes; is a quotation mark not closed?"))
        })?;
        self.left.store(left, Ordering::Relaxed);
        for &byte in &buffer[..count] {
            self.follow(byte).map_err(io::Error::other)?;
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
        let header = reader.headers().map_err(|error| wrong(&path, error))?.clone();
        let mut columns = [None; COLUMNS.len()];
        let mut others = Vec::new();
        for (column, name) in header.iter().enumerate() {
            let name = name.trim();
            match COLUMNS.iter().position(|known| *known == name) {
                None => others.push(column),
                Some(known) if columns[known].is_none() => columns[known] = Some(column),
                Some(_) => {
                    let message = format!("two columns have the name {name:?}");
                    return Err(DataError::Parse { path, line: 1, message });
                }
            }
        }
        let trims = header.iter().any(|name| name != name.trim());
        let rows = Self { reader, left, path, offsets, header, columns, others, trims, next: None, begun: false };
        let missing: Vec<&str> = NEEDED.into_iter().filter(|name| rows.column(name).is_none()).collect();
        // A table of texts alone has no triples.
        if !missing.is_empty() && !rows.header.is_empty() && missing != NEEDED[1..] {
            let found: Vec<String> = rows.header.iter().map(|name| format!("{name:?}")).collect();
            let message = format!(
                "expected the columns {}, found {}; a table has a header, and cells with the separator or with quotation marks \
                 are quoted",
                NEEDED.map(|name| format!("{name:?}")).join(", "),
                found.join(", ")
            );
            return Err(DataError::Parse { path: rows.path, line: 1, message });
        }
        Ok(rows)
    }

    fn column(&self, name: &str) -> Option<usize> {
        COLUMNS.iter().position(|known| *known == name).and_then(|known| self.columns[known])
    }

    /// Reads the rows of the next sentence, whose first has the number `line` then; whether there was one.
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
                found.report.lost.note_at(Unsupported::Field, self.others.len(), || format!("line {}", row.0));
            }
            let next = self.row()?;
            let goes_on = |(_, next): &(usize, StringRecord)| {
                self.cell(next, "text").unwrap_or_default() == sentence.text
                    && self.cell(next, "id") == sentence.id.as_deref()
                    && self.has_triple(next)
            };
            match next {
                // A row without a triple is a sentence of its own.
                Some(next) if !triples.is_empty() && goes_on(&next) => row = next,
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

    /// The next row and its line.
    fn row(&mut self) -> Result<Option<(usize, StringRecord)>, DataError> {
        self.left.store(MAX_ROW_BYTES, Ordering::Relaxed);
        let mut row = StringRecord::new();
        let more = self.reader.read_record(&mut row).map_err(|error| wrong(&self.path, error))?;
        let line = row.position().map_or(1, |position| line(position.line()));
        Ok(more.then_some((line, row)))
    }

    /// The value of a column; `None` if it is empty or there is no such column.
    fn cell<'r>(&self, row: &'r StringRecord, name: &str) -> Option<&'r str> {
        let cell = row.get(self.column(name)?)?;
        Some(if self.trims { cell.trim() } else { cell }).filter(|cell| !cell.is_empty())
    }

    fn has_triple(&self, row: &StringRecord) -> bool {
        NEEDED[1..].iter().any(|name| self.cell(row, name).is_some())
    }

    fn triple(&self, row: &StringRecord, offsets: &TextOffsets, line: usize) -> Result<Option<Triple>, DataError> {
        if !self.has_triple(row) {
            return Ok(None);
        }
        let at = Object::new(&self.path, line, "", self.offsets);
        for name in &NEEDED[1..] {
            object_cell(&at, self.cell(row, name), name)?;
        }
        let wrong = |name: &str, cell: &str, wanted: &str| {
            at.error(format!("column {name:?}: expected {wanted}, found {cell:?}"))
        };
        let number = |name: &str| -> Result<Option<usize>, DataError> {
            let Some(cell) = self.cell(row, name) else { return Ok(None) };
            // Programs that know no whole numbers beside empty cells write `3.0`.
            let whole = cell.strip_suffix(".0").unwrap_or(cell);
            whole.parse().map(Some).map_err(|_| wrong(name, cell, "a whole number"))
        };
        let mention = |role: &str| {
            let surface = self.cell(row, role).unwrap_or_default().to_owned();
            let text = |part: &str| self.cell(row, &format!("{role}_{part}")).map(str::to_owned);
            let mention = match (number(&format!("{role}_start"))?, number(&format!("{role}_end"))?) {
                (None, None) => Mention::of(surface),
                (Some(start), Some(end)) => at.mention(offsets, CharSpan::new(start, end), Some(surface))?,
                _ => {
                    return Err(
                        at.error(format!("the {role} {surface:?} has only one of `{role}_start` and `{role}_end`"))
                    );
                }
            };
            Ok::<_, DataError>({
                let mut made = mention;
                made.entity_type = text("type");
                made.entity = text("entity");
                made
            })
        };
        let score = self
            .cell(row, "score")
            .map(|cell| cell.parse::<Probability>().map_err(|_| wrong("score", cell, "a number from 0 to 1")));
        Ok(Some(
            Triple::new(mention("subject")?, self.cell(row, "relation").unwrap_or_default(), mention("object")?)
                .with_score(score.transpose()?),
        ))
    }

    /// The cells of other columns, as strings.
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
fn object_cell(at: &Object, cell: Option<&str>, name: &str) -> Result<(), DataError> {
    match cell {
        Some(_) => Ok(()),
        None => Err(at.error(format!("column {name:?} is empty; a triple has a subject, a relation and an object"))),
    }
}

fn line(line: u64) -> usize {
    usize::try_from(line).unwrap_or(usize::MAX)
}

fn wrong(path: &Path, error: ::csv::Error) -> DataError {
    let path = path.to_owned();
    let at = error.position().map_or(1, |position| line(position.line()));
    match error.into_kind() {
        ErrorKind::Io(source) => match source.get_ref().and_then(|inner| inner.downcast_ref::<Misquoted>()) {
            Some(Misquoted(line)) => {
                let message =
                    "a cell that begins with a quotation mark ends with one, and has each mark inside twice (RFC \
                               4180); quote the cells with such marks"
                        .to_owned();
                DataError::Parse { path, line: *line, message }
            }
            None => DataError::Read { path, source },
        },
        ErrorKind::Utf8 { .. } => DataError::Encoding { path, line: at },
        ErrorKind::UnequalLengths { expected_len, len, .. } => {
            let message = format!(
                "a row has {len} cells, but the header has {expected_len}; cells with the separator or with quotation marks are \
                 quoted"
            );
            DataError::Parse { path, line: at, message }
        }
        other => DataError::Parse { path, line: at, message: format!("the table cannot be read: {other:?}") },
    }
}

/// Writes the rows of a sentence, after the header before the first one.
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
    let lost = &mut objects.lost;
    lost.note(Unsupported::Id, usize::from(sentence.id.as_deref() == Some("")), sentence);
    lost.note(Unsupported::Triple, sentence.triples.iter().filter(|triple| !is_written(triple)).count(), sentence);
    let mentions = sentence.triples.iter().flat_map(|triple| [&triple.subject, &triple.object]);
    lost.note(
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
    lost.note(Unsupported::Sentence, usize::from(key.is_some() && key == objects.last_key), sentence);
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
