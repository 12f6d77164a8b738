//! Corpora in files: one module for each format, and the reader and writer over them.

mod brat;
mod casrel;
mod docred;
mod duie;
mod fields;
mod hrl;
mod hrl_tags;
mod json;
mod lost;
#[cfg(feature = "parquet")]
mod parquet;
mod place;
mod rere;
mod spacy;
mod spert;
mod tplinker;
mod words;

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    io::{BufRead, Write},
    path::{Path, PathBuf},
    str::FromStr,
};

use lost::Room;
use rere_core::Sentence;
use serde::Serialize;

pub use self::lost::{Loss, Lost};
use crate::{
    DataError, Output,
    error::name,
    file::{is_compressed, is_standard},
    input_name, open,
};

/// A corpus format. Those of JSON may be one object a line or one array; that is told by the first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Our own: `text`, `triples` and `entities`, with offsets, types and scores where they are known.
    Rere,
    /// CasRel's: `text` and `triple_list`, strings only.
    Casrel,
    /// CopyR's, in which HRL's data are passed on too: `sentText`, `relationMentions` and `entityMentions`.
    Hrl,
    /// That of HRL's own code: `sentext` and `relations` with tags.
    HrlTags,
    /// Baidu's, of DuIE 1.0 (as it is written) and 2.0: `text` and `spo_list`.
    Duie,
    /// TPLinker's: `text`, `relation_list` and `entity_list` with offsets.
    Tplinker,
    /// DocRED's: `sents`, `vertexSet` and `labels`, in words.
    Docred,
    /// That of spaCy's users and of Prodigy: `text`, `spans` and `relations`, with offsets.
    Spacy,
    /// SpERT's: `tokens`, `entities` and `relations`, in words.
    Spert,
    /// brat's: a folder with a `.txt` and an `.ann` file for each text.
    Brat,
    /// Parquet, whose rows have the fields of any format of JSON; it is written with those of the rere format.
    Parquet,
}

/// Fields that tell a format, in the order in which they are looked for.
const TELLING: [(&str, Format); 9] = [
    ("triples", Format::Rere),
    ("triple_list", Format::Casrel),
    ("relationMentions", Format::Hrl),
    ("sentText", Format::Hrl),
    ("sentext", Format::HrlTags),
    ("spo_list", Format::Duie),
    ("relation_list", Format::Tplinker),
    ("vertexSet", Format::Docred),
    ("spans", Format::Spacy),
];

/// Those of them that hold triples, so that an object must not have two.
const LABELS: [(&str, Format); 5] = [TELLING[0], TELLING[1], TELLING[2], TELLING[5], TELLING[6]];

impl Format {
    /// All formats.
    pub const ALL: [Self; 11] = [
        Self::Rere,
        Self::Casrel,
        Self::Hrl,
        Self::HrlTags,
        Self::Duie,
        Self::Tplinker,
        Self::Docred,
        Self::Spacy,
        Self::Spert,
        Self::Brat,
        Self::Parquet,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Rere => "rere",
            Self::Casrel => "casrel",
            Self::Hrl => "hrl",
            Self::HrlTags => "hrl-tags",
            Self::Duie => "duie",
            Self::Tplinker => "tplinker",
            Self::Docred => "docred",
            Self::Spacy => "spacy",
            Self::Spert => "spert",
            Self::Brat => "brat",
            Self::Parquet => "parquet",
        }
    }

    /// Whether the format can be read or written there: brat's is a folder, and Parquet is read from its end.
    fn check_place(self, path: &Path) -> Result<(), DataError> {
        let message = match self {
            Self::Brat if is_standard(path) => "is a folder, and no stream: name a folder",
            Self::Parquet if is_standard(path) => "is no stream: name a file",
            Self::Parquet if is_compressed(path) => "is compressed within: name a file without .gz or .zst",
            _ => return Ok(()),
        };
        Err(DataError::NoStream { path: path.to_owned(), format: self, message })
    }

    /// Whether the format holds no triple whose mentions have no place in the text.
    pub fn wants_places(self) -> bool {
        matches!(self, Self::HrlTags | Self::Docred | Self::Spacy | Self::Spert | Self::Brat)
    }

    /// The format that has the fields of this object.
    fn of(object: &json::Object) -> Result<Self, DataError> {
        let fields: HashMap<String, serde::de::IgnoredAny> = object.parse()?;
        if let Some((_, format)) = TELLING.iter().find(|(field, _)| fields.contains_key(*field)) {
            Ok(*format)
        } else if fields.contains_key("text") {
            Ok(Self::Rere)
        } else if fields.contains_key("tokens") {
            Ok(Self::Spert)
        } else {
            Err(object.error("the format is not known: an object with a field `text` is wanted, or with the fields of another format"))
        }
    }

    /// Whether an object of the format cannot have a field of this name beside its own: it would be taken for one of them,
    /// or for a sign of another format.
    fn takes(self, field: &str) -> bool {
        let own = match self {
            Self::Rere | Self::Parquet => rere::FIELDS,
            Self::Casrel => casrel::FIELDS,
            Self::Hrl => hrl::FIELDS,
            Self::HrlTags => hrl_tags::FIELDS,
            Self::Duie => duie::FIELDS,
            Self::Tplinker => tplinker::FIELDS,
            Self::Docred => docred::FIELDS,
            Self::Spacy => spacy::FIELDS,
            Self::Spert => spert::FIELDS,
            Self::Brat => &[],
        };
        let earlier = TELLING.iter().take_while(|(_, format)| *format != self);
        own.contains(&field) || LABELS.iter().chain(earlier).any(|(telling, _)| *telling == field)
    }

    /// Whether a file of this name holds an array, as the programs whose format it is read it, and not an object a line.
    fn is_array(self, path: &Path) -> bool {
        let compressed = path.extension().is_some_and(|extension| extension == "gz" || extension == "zst");
        let path = if compressed { path.with_extension("") } else { path.to_owned() };
        matches!(self, Self::Casrel | Self::Spert | Self::Tplinker | Self::Docred)
            && path.extension().is_none_or(|extension| extension != "jsonl")
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Self, DataError> {
        let known = Self::ALL.into_iter().find(|format| format.name() == name);
        known.ok_or_else(|| DataError::UnknownFormat(name.to_owned()))
    }
}

/// The sentence that a JSON object is.
fn parse(object: &json::Object, format: Format, lost: &mut Lost) -> Result<Sentence, DataError> {
    let sentence = match format {
        Format::Rere | Format::Brat | Format::Parquet => rere::parse(object)?,
        Format::Casrel => casrel::parse(object)?,
        Format::Hrl => hrl::parse(object, lost)?,
        Format::HrlTags => hrl_tags::parse(object, lost)?,
        Format::Duie => duie::parse(object, lost)?,
        Format::Tplinker => tplinker::parse(object, lost)?,
        Format::Docred => docred::parse(object, lost)?,
        Format::Spacy => spacy::parse(object, lost)?,
        Format::Spert => spert::parse(object, lost)?,
    };
    match LABELS.iter().find(|(field, _)| sentence.extra.contains(field)) {
        None => Ok(sentence),
        Some((field, other)) => Err(object.error(format!(
            "`{field}` is a field of the format {other}, but the file is read as {format}; which of them holds cannot be told"
        ))),
    }
}

/// The sentences of a corpus, one at a time: memory does not grow with the file.
///
/// Reading ends at the first error. Ids are not compared with each other here; [`read`] does that.
pub struct Reader {
    source: Source,
    format: Option<Format>,
    line: usize,
    ended: bool,
    lost: Lost,
}

enum Source {
    Json(json::Objects),
    Brat(brat::Folder),
    #[cfg(feature = "parquet")]
    Parquet(parquet::Rows),
}

impl Reader {
    /// Reads the file at `path`, decompressed where its name ends in `.gz` or `.zst`; `-` is standard input. Where no
    /// format is given, the first object's fields tell it; a folder is brat's.
    ///
    /// # Errors
    /// Where the file cannot be opened, or is none of the format. What its content is shows only at the first sentence.
    pub fn open(path: &Path, format: Option<Format>) -> Result<Self, DataError> {
        if let Some(format) = format {
            format.check_place(path)?;
        }
        // `-` is standard input, whatever stands in the folder.
        let folder = path.is_dir() && !is_standard(path);
        if format.unwrap_or(Format::Brat) == Format::Brat && (folder || format.is_some()) {
            return Ok(Self::of(Source::Brat(brat::Folder::open(path)?), Some(Format::Brat)));
        }
        let mut input = open(path)?;
        let start = input.fill_buf().map_err(|source| DataError::Read { path: input_name(path).to_owned(), source })?;
        if format.map_or(start.starts_with(b"PAR1"), |format| format == Format::Parquet) {
            Format::Parquet.check_place(path)?;
            #[cfg(feature = "parquet")]
            return Ok(Self::of(Source::Parquet(parquet::Rows::open(path)?), format));
            #[cfg(not(feature = "parquet"))]
            return Err(DataError::NotBuilt { path: path.to_owned(), feature: "parquet" });
        }
        Ok(Self::of(Source::Json(json::Objects::new(input, input_name(path).to_owned())), format))
    }

    /// Reads any input of JSON; `name` stands for it in errors.
    pub fn new(input: impl BufRead + Send + 'static, name: impl Into<PathBuf>, format: Option<Format>) -> Self {
        Self::of(Source::Json(json::Objects::new(Box::new(input), name.into())), format)
    }

    fn of(source: Source, format: Option<Format>) -> Self {
        Self { source, format, line: 0, ended: false, lost: Lost::default() }
    }

    /// Line on which the last sentence began, from 1; 0 before the first sentence. In a format without lines, its number.
    pub fn line(&self) -> usize {
        self.line
    }

    /// What of the sentences read so far has no counterpart here.
    pub fn lost(&self) -> &Lost {
        &self.lost
    }

    fn sentence(&mut self) -> Result<Option<Sentence>, DataError> {
        match &mut self.source {
            Source::Json(objects) => {
                let Some(object) = objects.next()? else { return Ok(None) };
                self.line = object.line;
                let format = match self.format {
                    Some(format) => format,
                    None => *self.format.insert(Format::of(&object)?),
                };
                parse(&object, format, &mut self.lost).map(Some)
            }
            Source::Brat(folder) => {
                self.line += 1;
                folder.next(&mut self.lost)
            }
            #[cfg(feature = "parquet")]
            Source::Parquet(rows) => {
                self.line += 1;
                rows.next(&mut self.lost)
            }
        }
    }
}

impl Iterator for Reader {
    type Item = Result<Sentence, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.sentence().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

/// All sentences of the file at `path`, in any known format.
///
/// # Errors
/// Where the file cannot be read or parsed, has no sentence, or has an id twice.
pub fn read(path: &Path) -> Result<Vec<Sentence>, DataError> {
    Ok(read_reporting(path)?.0)
}

/// As [`read`], with what of the file has no counterpart here.
///
/// # Errors
/// As [`read`].
pub fn read_reporting(path: &Path) -> Result<(Vec<Sentence>, Lost), DataError> {
    let mut reader = Reader::open(path, None)?;
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
    Ok((sentences, reader.lost))
}

/// Writes a corpus, sentence after sentence, into a file that takes its place with [`Writer::finish`] and not before.
pub struct Writer {
    sink: Sink,
    format: Format,
    lost: Lost,
}

enum Sink {
    Json(Box<JsonFile>),
    Brat(brat::NewFolder),
    #[cfg(feature = "parquet")]
    Parquet(Box<parquet::NewFile>),
}

struct JsonFile {
    output: Output,
    /// Whether the file is an array.
    array: bool,
    /// Whether a sentence was written.
    begun: bool,
    line: Vec<u8>,
}

impl Writer {
    /// Begins a corpus that is to stand at `path`: compressed where the name ends in `.gz` or `.zst`, and standard output for
    /// `-`. CasRel's, SpERT's, TPLinker's and DocRED's formats are arrays, where the name does not end in `.jsonl`; the
    /// other formats of JSON are an object a line.
    ///
    /// # Errors
    /// Where the folder cannot be written ([`DataError::Write`]), and where Parquet or brat is to be a stream
    /// ([`DataError::NoStream`]).
    pub fn create(path: &Path, format: Format) -> Result<Self, DataError> {
        format.check_place(path)?;
        let sink = match format {
            Format::Brat => Sink::Brat(brat::NewFolder::create(path)?),
            #[cfg(feature = "parquet")]
            Format::Parquet => Sink::Parquet(Box::new(parquet::NewFile::create(path)?)),
            #[cfg(not(feature = "parquet"))]
            Format::Parquet => return Err(DataError::NotBuilt { path: path.to_owned(), feature: "parquet" }),
            _ => {
                let (output, array) = (Output::create(path)?, format.is_array(path));
                Sink::Json(Box::new(JsonFile { output, array, begun: false, line: Vec::new() }))
            }
        };
        Ok(Self { sink, format, lost: Lost::default() })
    }

    /// Writes a sentence; what the format cannot hold is counted.
    ///
    /// # Errors
    /// Where the output fails, and where a mention's span does not slice the text to the mention's text.
    pub fn write(&mut self, sentence: &Sentence) -> Result<(), DataError> {
        check(sentence)?;
        match &mut self.sink {
            Sink::Json(file) => {
                let JsonFile { output, array, begun, line } = &mut **file;
                line.clear();
                if *array {
                    line.extend_from_slice(if *begun { b",\n" } else { b"[\n" });
                }
                *begun = true;
                write_object(line, sentence, self.format, &mut self.lost)?;
                if !*array {
                    line.push(b'\n');
                }
                output.write_all(line).map_err(DataError::Output)
            }
            Sink::Brat(folder) => folder.write(sentence, &mut self.lost),
            #[cfg(feature = "parquet")]
            Sink::Parquet(file) => file.write(sentence),
        }
    }

    /// Brings to a standard output what was written so far.
    ///
    /// # Errors
    /// Where the output fails.
    pub fn flush(&mut self) -> Result<(), DataError> {
        match &mut self.sink {
            Sink::Json(file) => file.output.flush().map_err(DataError::Output),
            _ => Ok(()),
        }
    }

    /// Ends the corpus and gives it its name. Returns what could not be written.
    ///
    /// # Errors
    /// Where the disk is full or the place cannot be taken ([`DataError::Write`]).
    pub fn finish(self) -> Result<Lost, DataError> {
        match self.sink {
            Sink::Json(file) => {
                let JsonFile { mut output, array, begun, .. } = *file;
                if array {
                    let end: &[u8] = if begun { b"\n]\n" } else { b"[]\n" };
                    output.write_all(end).map_err(DataError::Output)?;
                }
                output.finish()?;
            }
            Sink::Brat(folder) => folder.finish()?,
            #[cfg(feature = "parquet")]
            Sink::Parquet(file) => file.finish()?,
        }
        Ok(self.lost)
    }
}

/// Writes a whole corpus; returns what the format could not hold.
///
/// # Errors
/// As [`Writer`].
pub fn write(path: &Path, sentences: &[Sentence], format: Format) -> Result<Lost, DataError> {
    let mut writer = Writer::create(path, format)?;
    sentences.iter().try_for_each(|sentence| writer.write(sentence))?;
    writer.finish()
}

/// A sentence as an object of a format of JSON.
fn write_object(line: &mut Vec<u8>, sentence: &Sentence, format: Format, lost: &mut Lost) -> Result<(), DataError> {
    fn json(line: &mut Vec<u8>, object: impl Serialize) -> Result<(), DataError> {
        serde_json::to_writer(line, &object).map_err(|error| DataError::Output(error.into()))
    }
    match format {
        Format::Rere | Format::Brat | Format::Parquet => json(line, rere::write(sentence, lost)),
        Format::Casrel => json(line, casrel::write(sentence, lost)),
        Format::Hrl => json(line, hrl::write(sentence, lost)),
        Format::HrlTags => json(line, hrl_tags::write(sentence, lost)),
        Format::Duie => json(line, duie::write(sentence, lost)),
        Format::Tplinker => json(line, tplinker::write(sentence, lost)),
        Format::Docred => json(line, docred::write(sentence, lost)),
        Format::Spacy => json(line, spacy::write(sentence, lost)),
        Format::Spert => json(line, spert::write(sentence, lost)),
    }
}

/// Whether each mention stands where it says.
fn check(sentence: &Sentence) -> Result<(), DataError> {
    let of_triples = sentence.triples.iter().flat_map(|triple| [&triple.subject, &triple.object]);
    for mention in of_triples.chain(&sentence.entities) {
        if let Some(span) = mention.span
            && span.slice(&sentence.text) != Ok(&mention.text)
        {
            return Err(DataError::Unwritable {
                sentence: name(sentence),
                message: format!("bytes {}..{} are not the mention {:?}", span.start, span.end, mention.text),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        io::{self, BufReader, Read},
    };

    use proptest::prelude::*;
    use rere_core::{ByteSpan, Extra, Mention, Probability, Triple};
    use serde_json::{Value, json};

    use super::*;

    fn all(input: impl Into<Vec<u8>>) -> Result<Vec<Sentence>, DataError> {
        Reader::new(io::Cursor::new(input.into()), "test", None).collect()
    }

    /// The sentences as lines of the rere format.
    fn lines(sentences: &[Sentence]) -> Vec<u8> {
        let mut lines = Vec::new();
        for sentence in sentences {
            let mut lost = Lost::default();
            write_object(&mut lines, sentence, Format::Rere, &mut lost).expect("written");
            lines.push(b'\n');
            assert!(lost.is_empty());
        }
        lines
    }

    #[test]
    fn rere_lines_are_read() {
        // Offsets counted by Python: "👩‍🚀 Zoë lives in 北京".find("北京") == 17, and the text has 19 characters.
        let line = r#"{"source":{"page":3},"text":"👩‍🚀 Zoë lives in 北京","id":"a-1","triples":[{"subject":{"text":"Zoë"},"relation":"lives in","object":{"text":"北京","start":17,"end":19},"score":0.25}]}"#;
        let sentence = all(format!("\n \r\n{line}\r\n\n")).expect("a sentence").remove(0);
        assert_eq!(sentence.id.as_deref(), Some("a-1"));
        assert_eq!(sentence.extra.get("source").expect("JSON"), Some(json!({"page": 3})));
        let triple = &sentence.triples[0];
        assert_eq!(triple.subject, Mention::of("Zoë"));
        assert_eq!(triple.object.span, Some(ByteSpan::new(26, 32)));
        assert_eq!(triple.score, Some(Probability::new(0.25).expect("in [0, 1]")));

        let written = lines(std::slice::from_ref(&sentence));
        // What is written has the same content, the unknown field included.
        let value = |text: &[u8]| serde_json::from_slice::<Value>(text).expect("JSON");
        assert_eq!(value(&written), value(line.as_bytes()));
    }

    #[test]
    fn only_the_text_is_needed() {
        assert_eq!(all(r#"{"text":""}"#).expect("a sentence"), [Sentence::new("")]);
        assert_eq!(all(r#"[{"text":"a","id":17},{"text":"b","id":null}]"#).expect("two")[0].id.as_deref(), Some("17"));
    }

    #[test]
    fn casrel_is_read_as_lines_and_as_array() {
        let lines = "\u{feff}{\"text\":\"a ] \\\" [ b\",\"triple_list\":[[\"a\",\"r\",\"b\"]],\"native\":true}\n{\"text\":\"c\",\"triple_list\":[]}";
        let array = format!("\u{feff}[\n{}\n]\n", lines.trim_start_matches('\u{feff}').replace('\n', " ,\r\n "));
        let sentences = all(lines).expect("lines");
        assert_eq!(sentences, all(array).expect("array"));
        assert_eq!(sentences[0].text, "a ] \" [ b");
        assert_eq!(sentences[0].triples, [Triple::of("a", "r", "b")]);
        assert_eq!(sentences[0].extra.get("native").expect("JSON"), Some(true));
        assert_eq!(sentences[1].triples, []);
    }

    #[test]
    fn lines_are_counted_in_both_layouts() {
        let text = "\n\n{\"text\":\"a\"}\n\n{\"text\":\"b\"}";
        let array = "[\n{\"text\":\n\"a\"}\n,\n{\"text\":\"b\"}\n]";
        for (input, expected) in [(text, [3, 5]), (array, [2, 5])] {
            let mut reader = Reader::new(input.as_bytes(), "test", None);
            assert_eq!(reader.line(), 0);
            let lines = std::iter::from_fn(|| reader.next().map(|_| reader.line()));
            assert_eq!(lines.collect::<Vec<_>>(), expected);
        }
    }

    /// Repeats its bytes for ever.
    struct Endless(&'static [u8], usize);

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            for byte in buffer.iter_mut() {
                *byte = self.0[self.1];
                self.1 = (self.1 + 1) % self.0.len();
            }
            Ok(buffer.len())
        }
    }

    #[test]
    fn an_endless_input_is_streamed() {
        let lines = Endless(b"{\"text\":\"a\"}\n", 0);
        let array = b"[".chain(Endless(b"{\"text\":\"a\"},", 0));
        let inputs: [Box<dyn Read + Send>; 2] = [Box::new(lines), Box::new(array)];
        for input in inputs {
            let mut reader = Reader::new(BufReader::new(input), "endless", None);
            assert!(reader.by_ref().take(10_000).all(|sentence| sentence.is_ok_and(|s| s.text == "a")));
        }
    }

    #[test]
    fn an_object_without_end_is_an_error() {
        let mut reader = Reader::new(BufReader::new(Endless(b"{", 0)), "endless", None);
        assert!(matches!(reader.next(), Some(Err(DataError::Parse { line: 1, .. }))));
        assert!(reader.next().is_none());
    }

    #[test]
    fn a_given_format_is_kept_to() {
        let read = |format| Reader::new(&br#"{"text":"a"}"#[..], "test", Some(format)).next();
        assert!(matches!(read(Format::Rere), Some(Ok(_))));
        assert!(matches!(read(Format::Casrel), Some(Err(DataError::Parse { line: 1, .. }))));
        for format in Format::ALL {
            assert_eq!(format.to_string().parse::<Format>().expect("a format"), format);
        }
        assert!(matches!("conll".parse::<Format>(), Err(DataError::UnknownFormat(_))));
    }

    #[test]
    fn what_does_not_stand_where_it_says_is_not_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("corpus");
        let mut sentence = Sentence::new("a b");
        let elsewhere = Mention { span: Some(ByteSpan::new(2, 3)), ..Mention::of("a") };
        sentence.triples.push(Triple { subject: elsewhere.clone(), ..Triple::of("a", "r", "b") });
        let entity = Sentence { entities: vec![elsewhere], ..Sentence::new("a b") };
        for sentence in [sentence, entity] {
            for format in Format::ALL {
                let error = write(&path, std::slice::from_ref(&sentence), format).expect_err("wrong");
                assert!(matches!(error, DataError::Unwritable { .. }), "{error}");
            }
        }
        assert_eq!(folder.path().read_dir().expect("a folder").count(), 0);
    }

    #[test]
    fn fields_that_would_be_read_as_something_else_are_counted() {
        let mut sentence = Sentence::new("a");
        for field in ["id", "text", "triple_list", "sentText", "spans", "note"] {
            sentence.extra.set(field, "b").expect("JSON");
        }
        // A rere object is known by `triples`, so that it may have CopyR's `sentText`, but not a second list of triples.
        for (format, kept) in [
            (Format::Rere, vec!["sentText", "spans", "note"]),
            (Format::Casrel, vec!["sentText", "spans", "note"]),
            (Format::Duie, vec!["spans", "note"]),
            (Format::Spert, vec!["id", "note"]),
        ] {
            let (mut line, mut lost) = (Vec::new(), Lost::default());
            write_object(&mut line, &sentence, format, &mut lost).expect("written");
            assert_eq!(lost.count(Loss::Field), sentence.extra.len() - kept.len(), "{format}");
            let read = all(line).expect("read");
            assert_eq!(read[0].extra.iter().map(|(field, _)| field).collect::<Vec<_>>(), kept, "{format}");
        }
    }

    #[test]
    fn a_corpus_is_written_whole_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("corpus.jsonl");
        let good = [Sentence::new("a"), Sentence::new("b")];
        assert!(write(&path, &good, Format::Rere).expect("written").is_empty());
        assert_eq!(read(&path).expect("read"), good);
        // Others may read it, as they may any file that is made here.
        let plain = folder.path().join("plain");
        File::create(&plain).expect("a file");
        let rights = |path: &Path| path.metadata().expect("a file").permissions();
        assert_eq!(rights(&path), rights(&plain));
        std::fs::remove_file(&plain).expect("removed");

        let mut bad = Sentence::new("c");
        bad.entities.push(Mention { span: Some(ByteSpan::new(1, 2)), ..Mention::of("c") });
        assert!(write(&path, &[Sentence::new("d"), bad], Format::Rere).is_err());
        assert_eq!(read(&path).expect("read"), good);
        assert_eq!(folder.path().read_dir().expect("a folder").count(), 1);
        let nowhere = folder.path().join("no/corpus");
        for format in Format::ALL {
            assert!(matches!(write(&nowhere, &good, format), Err(DataError::Write { .. })));
        }
    }

    prop_compose! {
        fn sentence()(
            id in proptest::option::of(any::<String>()),
            characters in proptest::collection::vec(any::<char>(), 1..30),
            ends in proptest::collection::vec((any::<[proptest::sample::Index; 4]>(), any::<bool>(), proptest::option::of(any::<String>())), 0..4),
            relation in any::<String>(),
            score in proptest::option::of(0f32..=1.0),
            entities in proptest::collection::vec(any::<String>(), 0..3),
            note in any::<String>(),
        ) -> Sentence {
            let text: String = characters.iter().collect();
            let borders: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let triples = ends.into_iter().map(|(ends, located, entity_type)| {
                let [a, b, c, d] = ends.map(|end| *end.get(&borders));
                let mention = |a: usize, b: usize| {
                    let mention = Mention::at(&text, ByteSpan::new(a.min(b), a.max(b))).expect("on borders");
                    let mention = if located { mention } else { Mention::of(mention.text) };
                    Mention { entity_type: entity_type.clone(), ..mention }
                };
                let score = score.map(Probability::saturating);
                Triple { subject: mention(a, b), relation: relation.clone(), object: mention(c, d), score }
            });
            let triples = triples.collect();
            let mut extra = Extra::default();
            extra.set("note", &json!({"deep": [note]})).expect("JSON");
            Sentence { id, text, triples, entities: entities.into_iter().map(Mention::of).collect(), extra, ..Sentence::default() }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(sentences in proptest::collection::vec(sentence(), 1..5)) {
            let lines = lines(&sentences);
            prop_assert_eq!(&all(lines.clone()).expect("lines"), &sentences);
            // serde_json lays the array out its own way: spread over lines, and on one.
            let values = serde_json::Deserializer::from_slice(&lines).into_iter::<Value>();
            let values = values.collect::<Result<Vec<_>, _>>().expect("JSON");
            prop_assert_eq!(&all(serde_json::to_string_pretty(&values).expect("JSON")).expect("array"), &sentences);
            prop_assert_eq!(&all(serde_json::to_string(&values).expect("JSON")).expect("array"), &sentences);
        }

        #[test]
        fn a_cut_corpus_is_an_error_or_whole_sentences(
            sentences in proptest::collection::vec(sentence(), 1..4),
            cut in any::<proptest::sample::Index>(),
            array in any::<bool>(),
        ) {
            let mut bytes = lines(&sentences);
            if array {
                bytes.pop();
                let joined = String::from_utf8(bytes).expect("UTF-8").replace('\n', ",\n");
                bytes = format!("[{joined}]").into_bytes();
            }
            bytes.truncate(cut.index(bytes.len()));
            match all(bytes) {
                // Lines may be cut between two objects; an array may not.
                Ok(read) => prop_assert!(sentences.starts_with(&read) && (!array || read.is_empty())),
                Err(error) => {
                    let named = matches!(error, DataError::Parse { line: 1.., .. } | DataError::Encoding { line: 1.., .. });
                    prop_assert!(named, "{}", error);
                }
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), proptest::sample::select(&b"{}[],:\"\\\n tex0"[..])],
                0..60,
            ),
        ) {
            for first in ["", "{", "[", "[{\"text\":"] {
                let read = all([first.as_bytes(), &bytes].concat());
                let io_failed = matches!(read, Err(DataError::Read { .. }));
                prop_assert!(!io_failed);
            }
        }
    }
}
