//! The sentences of a corpus, one at a time.

use std::{
    collections::{BTreeSet, HashMap, VecDeque, hash_map::Entry},
    fmt,
    io::{self, BufRead, Cursor, Read},
    path::{Path, PathBuf},
};

use rere_core::{Sentence, Triple};
use serde::Serialize;

#[cfg(feature = "parquet")]
use super::parquet::Rows as ParquetRows;
use super::{
    Format, OffsetUnit, UnsupportedCounts, brat,
    json::{Object, Objects},
    spec::{Content, identify, triples_fields},
    table, text,
};
use crate::{
    DataError,
    file::{bare_extension, is_standard},
    input_name,
    mention::list_mentions,
    open,
};

/// How a corpus is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadOptions {
    /// The format; `None` if the content is to tell.
    pub format: Option<Format>,
    /// What offsets in characters count.
    pub offsets: OffsetUnit,
    /// Labels that say that a pair has no relation. A triple with one is read into [`Sentence::negatives`].
    pub negative_labels: Vec<String>,
}

impl ReadOptions {
    /// The labels for no relation in use: TACRED's, OpenNRE's, SemEval 2010 Task 8's and CopyR's.
    pub const NEGATIVE_LABELS: [&'static str; 4] = ["no_relation", "NA", "Other", "None"];

    /// The default options for files of one format.
    pub fn of(format: Format) -> Self {
        Self::default().with_format(format)
    }

    /// Sets the format; `None` if the content is to tell.
    #[must_use]
    pub fn with_format(self, format: impl Into<Option<Format>>) -> Self {
        Self { format: format.into(), ..self }
    }

    /// Sets what offsets in characters count.
    #[must_use]
    pub fn with_offsets(self, unit: OffsetUnit) -> Self {
        Self { offsets: unit, ..self }
    }

    /// Sets the labels that say that a pair has no relation.
    #[must_use]
    pub fn with_negative_labels<N: Into<String>>(self, labels: impl IntoIterator<Item = N>) -> Self {
        Self { negative_labels: labels.into_iter().map(Into::into).collect(), ..self }
    }
}

impl Default for ReadOptions {
    /// The content tells the format, offsets count code points, and [`ReadOptions::NEGATIVE_LABELS`].
    fn default() -> Self {
        let negative_labels = Self::NEGATIVE_LABELS.map(str::to_owned).to_vec();
        Self { format: None, offsets: OffsetUnit::default(), negative_labels }
    }
}

/// What was read of a corpus, and what was left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ReadReport {
    /// The format, once a sentence was read.
    pub format: Option<Format>,
    /// Sentences.
    pub sentences: usize,
    /// Their triples.
    pub triples: usize,
    /// Pairs that are labelled as without a relation.
    pub negatives: usize,
    /// Annotation tasks left out, because they were rejected, ignored or cancelled.
    pub rejected: usize,
    /// Texts without an annotation file, read as sentences without triples.
    pub unannotated: usize,
    /// Texts whose offsets count `\r\n` as one character.
    pub line_ends_as_one: usize,
    /// Fields that have no meaning here, if nothing but a field `text` told the format: they may hold labels of a format that is
    /// not known.
    pub unknown_fields: BTreeSet<String>,
    /// What has no counterpart here.
    pub lost: UnsupportedCounts,
}

impl ReadReport {
    /// Whether there is nothing to tell beyond the numbers of sentences and triples.
    pub fn is_empty(&self) -> bool {
        let counts = [self.negatives, self.rejected, self.unannotated, self.line_ends_as_one];
        counts == [0; 4] && self.unknown_fields.is_empty() && self.lost.is_empty()
    }
}

impl fmt::Display for ReadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        for (count, what) in [
            (self.negatives, "pairs are labelled as without a relation, and are no triples"),
            (self.rejected, "tasks left out: rejected, ignored or cancelled"),
            (self.unannotated, "texts have no annotation file, and are read without triples"),
            (self.line_ends_as_one, "texts have offsets that count \\r\\n as one character"),
        ] {
            if count > 0 {
                lines.push(format!("{count} {what}"));
            }
        }
        if !self.unknown_fields.is_empty() {
            const NAMED: usize = 8;
            let names: Vec<&str> = self.unknown_fields.iter().map(String::as_str).take(NAMED).collect();
            let more = match self.unknown_fields.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            lines.push(format!(
                "warning: read as text without triples, as only its texts are known; labels may have been missed in: {}{more}",
                names.join(", ")
            ));
        }
        if !self.lost.is_empty() {
            lines.push(self.lost.to_string());
        }
        f.write_str(&lines.join("\n"))
    }
}

/// What parsers have found so far.
#[derive(Default)]
pub(super) struct Found {
    /// Sentences that are still to be handed out.
    pub sentences: VecDeque<Sentence>,
    pub report: ReadReport,
}

/// The sentences of a corpus, one at a time: memory does not grow with the file.
///
/// Reading ends at the first error. Ids are not compared with each other here; [`read`] does that.
pub struct Reader {
    source: Source,
    options: ReadOptions,
    /// Whether the format was told by a field `text` alone.
    by_text_alone: bool,
    line: usize,
    ended: bool,
    found: Found,
}

enum Source {
    Json(Objects),
    Table(Box<table::Rows>),
    Text(text::Lines),
    Brat(brat::Folder),
    #[cfg(feature = "parquet")]
    Parquet(ParquetRows),
}

impl Reader {
    /// Reads the file at `path`, decompressed if its name ends in `.gz` or `.zst`; `-` is standard input. If no format is given, the
    /// content tells it; a folder is brat's.
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened, or cannot be of the format. What is wrong with its content shows only at
    /// the sentence concerned.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self, DataError> {
        if let Some(format) = options.format {
            format.check_place(path)?;
        }
        // `-` is standard input, even if the folder has a file of this name.
        let folder = path.is_dir() && !is_standard(path);
        if options.format.unwrap_or(Format::Brat) == Format::Brat && (folder || options.format.is_some()) {
            return Ok(Self::of(Source::Brat(brat::Folder::open(path, options.offsets)?), Some(Format::Brat), options));
        }
        let (input, name) = (open(path)?, input_name(path).to_owned());
        let (input, format) = begin(input, &name, options)?;
        if format == Some(Format::Parquet) {
            Format::Parquet.check_place(path)?;
            #[cfg(feature = "parquet")]
            {
                let rows = ParquetRows::open(path, options.offsets)?;
                // The columns tell the format of the rows.
                return Ok(Self::of(Source::Parquet(rows), None, options));
            }
            #[cfg(not(feature = "parquet"))]
            return Err(DataError::NotBuilt { path: path.to_owned(), feature: "parquet" });
        }
        Self::of_stream(input, name, format, options)
    }

    /// Reads any input but brat's and Parquet; `name` stands for it in errors.
    ///
    /// # Errors
    /// Returns an error if the beginning cannot be read, or if it is none of a format that can be a stream.
    pub fn new(
        input: impl BufRead + Send + 'static,
        name: impl Into<PathBuf>,
        options: &ReadOptions,
    ) -> Result<Self, DataError> {
        let name = name.into();
        let (input, format) = begin(Box::new(input), &name, options)?;
        Self::of_stream(input, name, format, options)
    }

    fn of_stream(
        input: Box<dyn BufRead + Send>,
        name: PathBuf,
        format: Option<Format>,
        options: &ReadOptions,
    ) -> Result<Self, DataError> {
        let source = match format.map(|format| (format, &format.spec().content)) {
            None | Some((_, Content::Json(_))) => Source::Json(Objects::new(input, name, options.offsets)),
            Some((_, Content::Table { separator, .. })) => {
                Source::Table(Box::new(table::Rows::new(input, name, *separator, options.offsets)?))
            }
            Some((_, Content::Text)) => Source::Text(text::Lines::new(input, name)),
            Some((format, Content::Folder | Content::Parquet)) => {
                return Err(DataError::NoStream { path: name, format, message: "is no stream: read it from its path" });
            }
        };
        Ok(Self::of(source, format, options))
    }

    fn of(source: Source, format: Option<Format>, options: &ReadOptions) -> Self {
        let options = ReadOptions { format, ..options.clone() };
        Self { source, options, by_text_alone: false, line: 0, ended: false, found: Found::default() }
    }

    /// Line on which the last sentence began, from 1; 0 before the first sentence. In a format without lines, its number.
    pub fn line(&self) -> usize {
        self.line
    }

    /// What was read so far, and what of it has no counterpart here.
    pub fn report(&self) -> &ReadReport {
        &self.found.report
    }

    /// Reads on, to further sentences as a rule; whether there was something to read.
    fn read_on(&mut self) -> Result<bool, DataError> {
        let object = match &mut self.source {
            Source::Json(objects) => objects.next()?,
            #[cfg(feature = "parquet")]
            Source::Parquet(rows) => rows.next()?,
            Source::Table(rows) => return rows.next(&mut self.line, &mut self.found),
            Source::Text(lines) => return lines.next(&mut self.line, &mut self.found),
            Source::Brat(folder) => {
                self.line += 1;
                return folder.next(&mut self.found);
            }
        };
        let Some(object) = object else { return Ok(false) };
        self.line = object.line;
        parse(&object, &mut self.options.format, &mut self.by_text_alone, &mut self.found)?;
        #[cfg(feature = "parquet")]
        if let Source::Parquet(_) = self.source {
            self.found.sentences.iter_mut().for_each(super::parquet::unpack_extra);
        }
        Ok(true)
    }

    /// Does with the sentences that were found what is the same for all formats.
    fn finish(&mut self) {
        let Found { sentences, report } = &mut self.found;
        report.format = self.options.format;
        for sentence in sentences {
            take_negatives(sentence, &self.options.negative_labels);
            report.sentences += 1;
            report.triples += sentence.triples.len();
            report.negatives += sentence.negatives.len();
            if self.by_text_alone {
                for (name, _) in sentence.extra.iter().filter(|(_, value)| value.get() != "null") {
                    if !report.unknown_fields.contains(name) {
                        report.unknown_fields.insert(name.to_owned());
                    }
                }
            }
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Sentence, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(sentence) = self.found.sentences.pop_front() {
                return Some(Ok(sentence));
            }
            if self.ended {
                return None;
            }
            match self.read_on() {
                Ok(true) => self.finish(),
                Ok(false) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    // An object with an error has no sentence, and not some.
                    self.found.sentences.clear();
                    return Some(Err(error));
                }
            }
        }
    }
}

/// Reads the sentences of an object of JSON. The first object tells the format if it is not known.
fn parse(
    object: &Object,
    format: &mut Option<Format>,
    by_text_alone: &mut bool,
    found: &mut Found,
) -> Result<(), DataError> {
    let format = match *format {
        Some(format) => format,
        None => {
            let identified;
            (identified, *by_text_alone) = identify(object)?;
            *format.insert(identified)
        }
    };
    // Other formats are not read as objects.
    let Some(json) = format.spec().json() else { return Ok(()) };
    (json.parse)(object, found)?;
    let fields = found.sentences.iter().flat_map(|sentence| sentence.extra.iter());
    for (field, _) in fields.filter(|(_, value)| value.get() != "null") {
        if let Some((_, other)) = triples_fields().iter().find(|(name, _)| *name == field) {
            return Err(object.error(format!(
                "`{field}` is a field of the format {other}, but the file is read as {format}; name the format, or remove one of the \
                 two lists of triples"
            )));
        }
    }
    Ok(())
}

/// Moves triples that are labelled as none to the negatives, and their mentions to the entities.
fn take_negatives(sentence: &mut Sentence, labels: &[String]) {
    let is_negative = |triple: &Triple| labels.contains(&triple.relation);
    if !sentence.triples.iter().any(is_negative) {
        return;
    }
    let (negatives, triples): (Vec<_>, Vec<_>) = sentence.triples.drain(..).partition(is_negative);
    list_mentions(&mut sentence.entities, &negatives, &triples);
    sentence.triples = triples;
    sentence.negatives.extend(negatives);
}

/// An input from its beginning, without the byte order mark that some editors put in front of UTF-8, and the format that it was said
/// or seen to be of; `None` for JSON, whose fields tell it.
fn begin(
    mut input: Box<dyn BufRead + Send>,
    name: &Path,
    options: &ReadOptions,
) -> Result<(Box<dyn BufRead + Send>, Option<Format>), DataError> {
    let mut start = start(&mut input).map_err(|source| DataError::Read { path: name.to_owned(), source })?;
    if start.starts_with(MARK) {
        start.drain(..MARK.len());
    }
    let format = match options.format {
        Some(format) => Some(format),
        None => identify_content(&start, name)?,
    };
    Ok((Box::new(Cursor::new(start).chain(input)), format))
}

/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// The first bytes of an input: enough to tell JSON, or the whole first line that is not blank, unless it is very long. A pipe
/// gives what its writer has written so far, which may be less than that.
fn start(input: &mut dyn BufRead) -> io::Result<Vec<u8>> {
    const MOST: usize = 1 << 16;
    let mut start = Vec::new();
    while start.len() < MOST && !is_enough(&start) {
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

fn is_enough(start: &[u8]) -> bool {
    let start = start.strip_prefix(MARK).unwrap_or(start).trim_ascii_start();
    match start {
        [b'{' | b'[', rest @ ..] => !rest.trim_ascii_start().is_empty(),
        // No signature of a file that is no text begins with a whole line.
        _ => start.contains(&b'\n'),
    }
}

/// What is said of UTF-16.
const UTF16: &str = "UTF-16; convert the file to UTF-8";

/// Beginnings of files that are no text, and what to say of them.
const NO_TEXT: [(&[u8], &str); 8] = [
    (b"%PDF-", "a PDF document; extract its text first"),
    (b"PK\x03\x04", "a ZIP archive, which .docx and .xlsx files are; extract its text first"),
    (b"\xd0\xcf\x11\xe0", "an old Office document; extract its text first"),
    (b"{\\rtf", "an RTF document; extract its text first"),
    (b"\x1f\x8b", "gzip; its name must end in .gz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard; its name must end in .zst"),
    (b"\xff\xfe", UTF16),
    (b"\xfe\xff", UTF16),
];

/// The format that a file has by its first bytes and its name; `None` for JSON, whose fields tell it.
fn identify_content(start: &[u8], path: &Path) -> Result<Option<Format>, DataError> {
    let no_text = |found| Err(DataError::NoText { path: path.to_owned(), found });
    if start.starts_with(b"PAR1") {
        return Ok(Some(Format::Parquet));
    }
    if let Some((_, found)) = NO_TEXT.iter().find(|(magic, _)| start.starts_with(magic)) {
        return no_text(*found);
    }
    // The characters of ASCII have every other byte zero, before or behind.
    let is_utf16 = |start: &[u8]| {
        start.len() >= 4
            && matches!([0, 1, 2, 3].map(|at| start[at] == 0), [false, true, false, true] | [true, false, true, false])
    };
    if is_utf16(start) {
        return no_text(UTF16);
    }
    let extension = bare_extension(path);
    if is_json(start) || matches!(extension.as_deref(), Some("json" | "jsonl" | "ndjson")) {
        return Ok(None);
    }
    if start.contains(&0) {
        return no_text("binary data");
    }
    let is_table = |format: &Format| match format.spec().content {
        Content::Table { separator, extension: own } => {
            extension.as_deref() == Some(own) || table::is_header(start, separator)
        }
        _ => false,
    };
    Ok(Some(Format::ALL.into_iter().find(is_table).unwrap_or(Format::Text)))
}

/// Whether an object or an array of objects begins here, and no text such as `[1] Ada was born in London.`
fn is_json(start: &[u8]) -> bool {
    let mut marks = start.iter().filter(|byte| !byte.is_ascii_whitespace());
    match marks.next() {
        Some(b'{') => matches!(marks.next(), Some(b'"' | b'}' | b'\'')),
        Some(b'[') => matches!(marks.next(), Some(b'{' | b']')),
        _ => false,
    }
}

/// All sentences of the file at `path`, in any known format.
///
/// # Errors
/// Returns an error if the file cannot be read or parsed, has no sentence, or has an id twice.
pub fn read(path: &Path) -> Result<Vec<Sentence>, DataError> {
    Ok(read_reporting(path, &ReadOptions::default())?.0)
}

/// As [`read`], with options and with what of the file has no counterpart here.
///
/// # Errors
/// As [`read`].
pub fn read_reporting(path: &Path, options: &ReadOptions) -> Result<(Vec<Sentence>, ReadReport), DataError> {
    let mut reader = Reader::open(path, options)?;
    let mut sentences = Vec::new();
    let mut lines: HashMap<String, usize> = HashMap::new();
    while let Some(sentence) = reader.next() {
        let sentence = sentence?;
        if let Some(id) = &sentence.id {
            match lines.entry(id.clone()) {
                Entry::Vacant(free) => _ = free.insert(reader.line()),
                Entry::Occupied(taken) => {
                    return Err(DataError::DuplicateId {
                        path: path.to_owned(),
                        line: reader.line(),
                        first: *taken.get(),
                        id: id.clone(),
                    });
                }
            }
        }
        sentences.push(sentence);
    }
    if sentences.is_empty() {
        return Err(DataError::Empty { path: path.to_owned() });
    }
    Ok((sentences, reader.found.report))
}
