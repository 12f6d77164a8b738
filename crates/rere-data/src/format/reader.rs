//! Reading of corpora, sentence by sentence.

use std::{
    collections::{BTreeSet, HashMap, VecDeque, hash_map::Entry},
    fmt,
    io::{BufRead, Cursor, Read},
    mem,
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
    DataError, ParseErrorKind, SentenceSplitter, Split, StreamAlternative,
    file::{BYTE_ORDER_MARK, bare_extension, is_standard, read_start},
    input_name,
    mention::list_mentions,
    open,
};

/// Options of a [`Reader`].
///
/// ```
/// use rere_data::{Format, OffsetUnit, ReadOptions};
///
/// let options = ReadOptions::of(Format::Spacy).with_offsets(OffsetUnit::Utf16).with_negative_labels(["unrelated"]);
/// assert_eq!(options.format, Some(Format::Spacy));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadOptions {
    /// The format; `None` to detect it from the content.
    pub format: Option<Format>,
    /// Unit of offsets in characters.
    pub offsets: OffsetUnit,
    /// Labels of pairs without a relation. A triple with such a label is read into [`Sentence::negatives`].
    pub negative_labels: Vec<String>,
    /// Which texts are split into sentences.
    pub split: Split,
    /// Splits them.
    pub splitter: SentenceSplitter,
}

impl ReadOptions {
    /// The usual labels of pairs without a relation: those of TACRED, OpenNRE, SemEval 2010 Task 8 and CopyR.
    pub const NEGATIVE_LABELS: [&'static str; 4] = ["no_relation", "NA", "Other", "None"];

    /// Creates the default options for files of one format.
    pub fn of(format: Format) -> Self {
        Self::default().with_format(format)
    }

    /// Sets the format; `None` to detect it from the content.
    #[must_use]
    pub fn with_format(self, format: impl Into<Option<Format>>) -> Self {
        Self { format: format.into(), ..self }
    }

    /// Sets the unit of offsets in characters.
    #[must_use]
    pub fn with_offsets(self, unit: OffsetUnit) -> Self {
        Self { offsets: unit, ..self }
    }

    /// Sets the labels of pairs without a relation.
    #[must_use]
    pub fn with_negative_labels<N: Into<String>>(self, labels: impl IntoIterator<Item = N>) -> Self {
        Self { negative_labels: labels.into_iter().map(Into::into).collect(), ..self }
    }

    /// Sets which texts are split into sentences. The sentences get the fields `document`, unless the text has it (else the
    /// text's id, or file and line), and `start`, their position in the document in characters.
    #[must_use]
    pub fn with_split(self, split: Split) -> Self {
        Self { split, ..self }
    }

    /// Sets how texts are split, which depends on their language.
    #[must_use]
    pub fn with_splitter(self, splitter: SentenceSplitter) -> Self {
        Self { splitter, ..self }
    }
}

impl Default for ReadOptions {
    /// Detects the format from the content. Offsets count code points, the negative labels are
    /// [`ReadOptions::NEGATIVE_LABELS`], and lines of plain text are split into English sentences.
    fn default() -> Self {
        let negative_labels = Self::NEGATIVE_LABELS.map(str::to_owned).to_vec();
        Self {
            format: None,
            offsets: OffsetUnit::default(),
            negative_labels,
            split: Split::default(),
            splitter: SentenceSplitter::default(),
        }
    }
}

/// Report of a [`Reader`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct ReadReport {
    /// The format; `None` before the first sentence.
    pub format: Option<Format>,
    /// Sentences.
    pub sentences: usize,
    /// Triples.
    pub triples: usize,
    /// Pairs that are labelled as without a relation, which are not triples.
    pub negatives: usize,
    /// Annotation tasks that were rejected, ignored or cancelled, which are left out.
    pub rejected: usize,
    /// Texts without an annotation file, which are read as sentences without triples.
    pub unannotated: usize,
    /// Texts whose offsets count `\r\n` as one character.
    pub line_ends_as_one: usize,
    /// Texts that were split into several sentences.
    pub split: usize,
    /// Triples, pairs and entities left out because they are in no single sentence of a text that was split.
    pub crossing: usize,
    /// Texts without triples that seem to hold several sentences, and were not split.
    pub several: usize,
    /// Unrecognised fields of files whose format was detected only by a field `text`. They may hold labels of an
    /// unknown format.
    pub unknown_fields: BTreeSet<String>,
    /// Content that a [`Sentence`] cannot hold.
    pub unsupported: UnsupportedCounts,
}

impl ReadReport {
    /// Returns whether there is nothing to report except the numbers of sentences and triples.
    pub fn is_empty(&self) -> bool {
        let counts =
            [self.negatives, self.rejected, self.unannotated, self.line_ends_as_one, self.split, self.crossing];
        counts == [0; 6] && !self.holds_documents() && self.unknown_fields.is_empty() && self.unsupported.is_empty()
    }
}

impl ReadReport {
    /// Returns whether so many texts seem to hold several sentences that they are probably documents.
    fn holds_documents(&self) -> bool {
        // A splitter is wrong now and then, most often in tokenised text.
        self.several * 4 > self.sentences
    }
}

impl fmt::Display for ReadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        for (count, what) in [
            (self.negatives, "pairs are labelled as without a relation and are not triples"),
            (self.rejected, "tasks left out: rejected, ignored or cancelled"),
            (self.unannotated, "texts have no annotation file and are read without triples"),
            (self.line_ends_as_one, "texts have offsets that count \\r\\n as one character"),
            (self.split, "texts were split into sentences"),
            (self.crossing, "triples or entities left out: they are in no single sentence"),
        ] {
            if count > 0 {
                lines.push(format!("{count} {what}"));
            }
        }
        if self.holds_documents() {
            lines.push(format!(
                "warning: {} of {} texts seem to hold several sentences, but each is read as one; split them (--split all), or \
                 say that they are not to be split (--split none)",
                self.several, self.sentences
            ));
        }
        if !self.unknown_fields.is_empty() {
            const MAX_NAMES: usize = 8;
            let names: Vec<&str> = self.unknown_fields.iter().map(String::as_str).take(MAX_NAMES).collect();
            let more = match self.unknown_fields.len().saturating_sub(MAX_NAMES) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            lines.push(format!(
                "warning: read as texts without triples; unrecognised fields, which may hold labels: {}{more}",
                names.join(", ")
            ));
        }
        if !self.unsupported.is_empty() {
            lines.push(self.unsupported.to_string());
        }
        f.write_str(&lines.join("\n"))
    }
}

/// Sentences and report so far.
#[derive(Default)]
pub(super) struct Found {
    /// Sentences that are not returned yet.
    pub sentences: VecDeque<Sentence>,
    pub report: ReadReport,
}

/// Iterator over the sentences of a corpus, in constant memory.
///
/// Iteration ends at the first error. The reader does not check that ids are unique; [`read`] does.
///
/// ```
/// use rere_data::{ReadOptions, Reader};
///
/// let corpus = r#"{"text": "Ada was born in London", "triple_list": [["Ada", "born in", "London"]]}"#;
/// // From a file, compressed or not, or a brat folder: Reader::open(path, &options)?
/// let mut reader = Reader::new(corpus.as_bytes(), "corpus.jsonl", &ReadOptions::default())?;
/// for sentence in reader.by_ref() {
///     println!("{}", sentence?.text);
/// }
/// assert_eq!((reader.report().sentences, reader.report().triples), (1, 1));
/// # Ok::<(), rere_data::DataError>(())
/// ```
pub struct Reader {
    source: Source,
    /// Name of the file, without its folder, for the names of documents.
    name: String,
    options: ReadOptions,
    /// Whether the format was detected only by a field `text`.
    has_text_only: bool,
    line: usize,
    ended: bool,
    found: Found,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("options", &self.options).field("line", &self.line).finish_non_exhaustive()
    }
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
    /// Opens a file, or a brat folder. Files named `.gz` or `.zst` are decompressed, and `-` is standard input.
    ///
    /// # Errors
    /// Returns an error if the file cannot be opened or cannot have the format. Problems of its content are reported at
    /// the sentence concerned.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Self, DataError> {
        if let Some(format) = options.format {
            format.check_path(path)?;
        }
        // `-` is standard input, even if the folder has a file of this name.
        let folder = path.is_dir() && !is_standard(path);
        if options.format.unwrap_or(Format::Brat) == Format::Brat && (folder || options.format.is_some()) {
            let source = Source::Brat(brat::Folder::open(path, options.offsets)?);
            return Ok(Self::of(source, path, Some(Format::Brat), options));
        }
        let (input, name) = (open(path)?, input_name(path).to_owned());
        let (input, format) = detect_format(input, &name, options)?;
        if format == Some(Format::Parquet) {
            Format::Parquet.check_path(path)?;
            #[cfg(feature = "parquet")]
            {
                let rows = ParquetRows::open(path, options.offsets)?;
                // The format of the rows is detected from the columns.
                return Ok(Self::of(Source::Parquet(rows), path, None, options));
            }
            #[cfg(not(feature = "parquet"))]
            return Err(DataError::NotBuilt { path: path.to_owned(), feature: "parquet" });
        }
        Self::of_stream(input, name, format, options)
    }

    /// Reads from any input, in any format except brat and Parquet. Errors use `name` as the path.
    ///
    /// # Errors
    /// Returns an error if the beginning cannot be read or is not of a format that can be a stream.
    pub fn new(
        input: impl BufRead + Send + 'static,
        name: impl Into<PathBuf>,
        options: &ReadOptions,
    ) -> Result<Self, DataError> {
        let name = name.into();
        let (input, format) = detect_format(Box::new(input), &name, options)?;
        Self::of_stream(input, name, format, options)
    }

    fn of_stream(
        input: Box<dyn BufRead + Send>,
        name: PathBuf,
        format: Option<Format>,
        options: &ReadOptions,
    ) -> Result<Self, DataError> {
        let path = name.clone();
        let source = match format.map(|format| (format, &format.spec().content)) {
            None | Some((_, Content::Json(_))) => Source::Json(Objects::new(input, name, options.offsets)),
            Some((_, Content::Table { separator, .. })) => {
                Source::Table(Box::new(table::Rows::new(input, name, *separator, options.offsets)?))
            }
            Some((_, Content::Text)) => Source::Text(text::Lines::new(input, name)),
            Some((format, Content::Folder | Content::Parquet)) => {
                let is_folder = matches!(format.spec().content, Content::Folder);
                let needs = if is_folder { StreamAlternative::Folder } else { StreamAlternative::File };
                return Err(DataError::NoStream { path: name, format, needs });
            }
        };
        Ok(Self::of(source, &path, format, options))
    }

    fn of(source: Source, path: &Path, format: Option<Format>, options: &ReadOptions) -> Self {
        let options = ReadOptions { format, ..options.clone() };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self { source, name, options, has_text_only: false, line: 0, ended: false, found: Found::default() }
    }

    /// Returns the line on which the last sentence begins, from 1; 0 before the first sentence. In a format without
    /// lines, it is the sentence's number.
    pub fn line(&self) -> usize {
        self.line
    }

    /// Returns the report on the sentences so far.
    pub fn report(&self) -> &ReadReport {
        &self.found.report
    }

    /// Stops the reader from splitting texts into sentences, and returns what would have split them, if anything. Call it before
    /// the first sentence to split texts later, as an extraction does that returns the triples of whole texts.
    pub fn take_splitter(&mut self) -> Option<SentenceSplitter> {
        let is_split = self.is_split();
        is_split.then(|| {
            self.options.split = Split::None;
            self.options.splitter.clone()
        })
    }

    fn is_split(&self) -> bool {
        match self.options.split {
            Split::Text => self.options.format == Some(Format::Text),
            Split::All => true,
            Split::None => false,
        }
    }

    /// Reads the next part of the input, and returns whether there was one.
    fn read_more(&mut self) -> Result<bool, DataError> {
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
        parse(&object, &mut self.options.format, &mut self.has_text_only, &mut self.found)?;
        #[cfg(feature = "parquet")]
        if let Source::Parquet(_) = self.source {
            self.found.sentences.iter_mut().for_each(super::parquet::unpack_extra);
        }
        Ok(true)
    }

    /// Processes new sentences in the same way for all formats.
    fn process_found(&mut self) {
        let is_split = self.is_split();
        let (Found { sentences, report }, options) = (&mut self.found, &self.options);
        report.format = options.format;
        if is_split {
            let document = format!("{}:{}", self.name, self.line);
            for sentence in mem::take(sentences) {
                let parts = options.splitter.split(sentence, &document);
                report.split += usize::from(parts.sentences.len() > 1);
                report.crossing += parts.crossing;
                sentences.extend(parts.sentences);
            }
        }
        for sentence in sentences {
            if options.split == Split::Text && !is_split && sentence.triples.is_empty() {
                report.several += usize::from(options.splitter.spans(&sentence.text).len() > 1);
            }
            take_negatives(sentence, &options.negative_labels);
            report.sentences += 1;
            report.triples += sentence.triples.len();
            report.negatives += sentence.negatives.len();
            if self.has_text_only {
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
            match self.read_more() {
                Ok(true) => self.process_found(),
                Ok(false) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    // An object with an error yields no sentences, not some.
                    self.found.sentences.clear();
                    return Some(Err(error));
                }
            }
        }
    }
}

/// Parses the sentences of a JSON object. If the format is unknown, it is detected from the first object.
fn parse(
    object: &Object,
    format: &mut Option<Format>,
    has_text_only: &mut bool,
    found: &mut Found,
) -> Result<(), DataError> {
    let format = match *format {
        Some(format) => format,
        None => {
            let identified;
            (identified, *has_text_only) = identify(object)?;
            *format.insert(identified)
        }
    };
    // Other formats are not read as objects.
    let Some(json) = format.spec().json() else { return Ok(()) };
    (json.parse)(object, found)?;
    let fields = found.sentences.iter().flat_map(|sentence| sentence.extra.iter());
    for (field, _) in fields.filter(|(_, value)| value.get() != "null") {
        if let Some((_, other)) = triples_fields().iter().find(|(name, _)| *name == field) {
            let message = format!(
                "expected triples of the format {format}, but `{field}` holds triples of the format {other}; specify the format, or \
                 remove one of the two lists of triples"
            );
            return Err(object.error(ParseErrorKind::MixedFormats, message));
        }
    }
    Ok(())
}

/// Moves triples with a negative label to the negatives, and their mentions to the entities.
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

/// Skips a byte order mark, and returns the input and its format, given or detected; `None` for JSON, whose fields
/// identify it.
fn detect_format(
    mut input: Box<dyn BufRead + Send>,
    name: &Path,
    options: &ReadOptions,
) -> Result<(Box<dyn BufRead + Send>, Option<Format>), DataError> {
    let mut start =
        read_start(&mut input, is_enough).map_err(|source| DataError::Read { path: name.to_owned(), source })?;
    if start.starts_with(BYTE_ORDER_MARK) {
        start.drain(..BYTE_ORDER_MARK.len());
    }
    let format = match options.format {
        Some(format) => Some(format),
        None => identify_content(&start, name)?,
    };
    Ok((Box::new(Cursor::new(start).chain(input)), format))
}

/// Returns whether the first bytes of an input identify JSON, or hold the first line that is not blank.
fn is_enough(start: &[u8]) -> bool {
    let start = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start).trim_ascii_start();
    match start {
        [b'{' | b'[', rest @ ..] => !rest.trim_ascii_start().is_empty(),
        // No signature of a binary file contains a complete line.
        _ => start.contains(&b'\n'),
    }
}

/// Description of UTF-16 in errors.
const UTF16: &str = "UTF-16; convert the file to UTF-8";

/// Signatures of files that are not text, with their descriptions in errors.
const BINARY_SIGNATURES: [(&[u8], &str); 9] = [
    (b"%PDF-", "a PDF document; extract its text first"),
    (b"PK\x03\x04", "a ZIP archive, such as a .docx or .xlsx file; extract its text or export its table as CSV first"),
    (b"\xd0\xcf\x11\xe0", "an old Office document; extract its text first"),
    (b"{\\rtf", "an RTF document; extract its text first"),
    (b"\x1f\x8b", "gzip data; rename the file to end in .gz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard data; rename the file to end in .zst"),
    (b"BZh91AY&SY", "bzip2 data; decompress it, or recompress it with gzip or Zstandard"),
    (b"\xff\xfe", UTF16),
    (b"\xfe\xff", UTF16),
];

/// Returns what a file is that is not text, by its first bytes.
fn binary_signature(start: &[u8]) -> Option<&'static str> {
    if let Some((_, found)) = BINARY_SIGNATURES.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Some(found);
    }
    // In UTF-16, every other byte of ASCII characters is zero.
    let is_utf16 = start.len() >= 4
        && matches!([0, 1, 2, 3].map(|at| start[at] == 0), [false, true, false, true] | [true, false, true, false]);
    is_utf16.then_some(UTF16)
}

/// Returns what a file is that is not text, for readers to which JSON and Parquet are unknown too.
pub(crate) fn binary_content(start: &[u8]) -> Option<&'static str> {
    let parquet = start.starts_with(b"PAR1").then_some("a Parquet file; export its table as CSV");
    parquet.or_else(|| binary_signature(start)).or_else(|| start.contains(&0).then_some("binary data"))
}

/// Identifies the format of a file by its first bytes and its name; `None` for JSON, whose fields identify it.
fn identify_content(start: &[u8], path: &Path) -> Result<Option<Format>, DataError> {
    let no_text = |found| Err(DataError::NoText { path: path.to_owned(), found });
    if start.starts_with(b"PAR1") {
        return Ok(Some(Format::Parquet));
    }
    if let Some(found) = binary_signature(start) {
        return no_text(found);
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

/// Returns whether this is the beginning of an object or of an array of objects, not of a text such as `[1] Ada was
/// born in London.`
fn is_json(start: &[u8]) -> bool {
    let mut bytes = start.iter().filter(|byte| !byte.is_ascii_whitespace());
    match bytes.next() {
        Some(b'{') => matches!(bytes.next(), Some(b'"' | b'}' | b'\'')),
        Some(b'[') => matches!(bytes.next(), Some(b'{' | b']')),
        _ => false,
    }
}

/// Reads all sentences of the file at `path`, in any known format.
///
/// # Errors
/// Returns an error if the file cannot be read or parsed, has no sentences, or has the same id twice.
pub fn read(path: &Path) -> Result<Vec<Sentence>, DataError> {
    Ok(read_reporting(path, &ReadOptions::default())?.0)
}

/// Reads all sentences of the file at `path` with options, and returns the report too.
///
/// # Errors
/// Returns an error if the file cannot be read or parsed, has no sentences, or has the same id twice.
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
