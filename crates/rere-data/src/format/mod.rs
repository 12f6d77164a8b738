//! Corpora in files: one module for each format, and the reader and writer over them.

mod casrel;
mod json;
mod rere;

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    io::{BufRead, Write},
    path::{Path, PathBuf},
    str::FromStr,
};

use rere_core::Sentence;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::{DataError, input_name, open, replace_file};

/// A corpus format. Each may be one object a line or one JSON array; that is told by the first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Our own: `text` and `triples`, whose subjects and objects may have offsets.
    Rere,
    /// CasRel's: `text` and `triple_list`, strings only.
    Casrel,
}

impl Format {
    /// The format that has the fields of this object.
    fn of(object: &json::Object) -> Result<Self, DataError> {
        let fields: HashMap<String, serde::de::IgnoredAny> = object.parse()?;
        if fields.contains_key("triple_list") {
            Ok(Self::Casrel)
        } else if fields.contains_key("text") {
            Ok(Self::Rere)
        } else {
            Err(object.error("the format is not known: an object with a field `text` is wanted"))
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rere => "rere",
            Self::Casrel => "casrel",
        })
    }
}

impl FromStr for Format {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Self, DataError> {
        match name {
            "rere" => Ok(Self::Rere),
            "casrel" => Ok(Self::Casrel),
            _ => Err(DataError::UnknownFormat(name.to_owned())),
        }
    }
}

/// The sentences of a corpus, one at a time: memory does not grow with the file.
///
/// Reading ends at the first error. Ids are not compared with each other here; [`read`] does that.
pub struct Reader {
    objects: json::Objects,
    format: Option<Format>,
    line: usize,
    ended: bool,
}

impl Reader {
    /// Reads the file at `path`, decompressed where its name ends in `.gz` or `.zst`; `-` is standard input. Where no
    /// format is given, the first object's fields tell it.
    ///
    /// # Errors
    /// Where the file cannot be opened. What its content is shows only at the first sentence.
    pub fn open(path: &Path, format: Option<Format>) -> Result<Self, DataError> {
        Self::new(open(path)?, input_name(path), format)
    }

    /// Reads any input; `name` stands for it in errors.
    ///
    /// # Errors
    /// None at present; a format that has to look at its input first will have some.
    pub fn new(
        input: impl BufRead + Send + 'static,
        name: impl Into<PathBuf>,
        format: Option<Format>,
    ) -> Result<Self, DataError> {
        Ok(Self { objects: json::Objects::new(input, &name.into()), format, line: 0, ended: false })
    }

    /// Line on which the last sentence began, from 1; 0 before the first sentence.
    pub fn line(&self) -> usize {
        self.line
    }

    fn sentence(&mut self) -> Result<Option<Sentence>, DataError> {
        let Some(object) = self.objects.next()? else { return Ok(None) };
        self.line = object.line;
        let format = match self.format {
            Some(format) => format,
            None => *self.format.insert(Format::of(&object)?),
        };
        match format {
            Format::Rere => rere::parse(&object),
            Format::Casrel => casrel::parse(&object),
        }
        .map(Some)
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
    if sentences.is_empty() { Err(DataError::Empty { path: path.to_owned() }) } else { Ok(sentences) }
}

/// Writes one sentence as a line of the rere format.
///
/// # Errors
/// Where the output fails, and where the sentence could not be read back: a mention's span that does not slice the text
/// to the mention's text, or a name in `extra` that is a field of the format.
pub fn write_sentence(output: &mut impl Write, sentence: &Sentence) -> Result<(), DataError> {
    let record = rere::Record::of(sentence)?;
    serde_json::to_writer(&mut *output, &record).map_err(|error| DataError::Output(error.into()))?;
    output.write_all(b"\n").map_err(DataError::Output)
}

/// Writes a whole corpus in the rere format. The file appears only when it is complete; it is compressed where its name
/// ends in `.gz` or `.zst`, and `-` is standard output.
///
/// # Errors
/// As [`write_sentence`].
pub fn write(path: &Path, sentences: &[Sentence]) -> Result<(), DataError> {
    replace_file(path, |output| sentences.iter().try_for_each(|sentence| write_sentence(output, sentence)))
}

/// An id that is a string or a whole number; the number's digits become the id.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(id) => Ok(Some(id)),
        Value::Number(id) if !id.is_f64() => Ok(Some(id.to_string())),
        other => Err(D::Error::custom(format!("an `id` must be a string or a whole number, and {other} is neither"))),
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        io::{self, BufReader, Read},
    };

    use proptest::prelude::*;
    use rere_core::{ByteSpan, Mention, Probability, Triple};
    use serde_json::json;

    use super::*;

    fn all(input: impl Into<Vec<u8>>) -> Result<Vec<Sentence>, DataError> {
        Reader::new(io::Cursor::new(input.into()), "test", None)?.collect()
    }

    #[test]
    fn rere_lines_are_read() {
        // Offsets counted by Python: "👩‍🚀 Zoë lives in 北京".find("北京") == 17, and the text has 19 characters.
        let line = r#"{"source":{"page":3},"text":"👩‍🚀 Zoë lives in 北京","id":"a-1","triples":[{"subject":{"text":"Zoë"},"relation":"lives in","object":{"text":"北京","start":17,"end":19},"score":0.25}]}"#;
        let sentence = all(format!("\n \r\n{line}\r\n\n")).expect("a sentence").remove(0);
        assert_eq!(sentence.id.as_deref(), Some("a-1"));
        assert_eq!(sentence.extra["source"], json!({"page": 3}));
        let triple = &sentence.triples[0];
        assert_eq!(triple.subject, Mention::of("Zoë"));
        assert_eq!(triple.object.span, Some(ByteSpan::new(26, 32)));
        assert_eq!(triple.score, Some(Probability::new(0.25).expect("in [0, 1]")));

        let mut written = Vec::new();
        write_sentence(&mut written, &sentence).expect("written");
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
        assert_eq!(sentences[0].extra["native"], json!(true));
        assert_eq!(sentences[1].triples, []);
    }

    #[test]
    fn lines_are_counted_in_both_layouts() {
        let text = "\n\n{\"text\":\"a\"}\n\n{\"text\":\"b\"}";
        let array = "[\n{\"text\":\n\"a\"}\n,\n{\"text\":\"b\"}\n]";
        for (input, expected) in [(text, [3, 5]), (array, [2, 5])] {
            let mut reader = Reader::new(input.as_bytes(), "test", None).expect("a reader");
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
            let mut reader = Reader::new(BufReader::new(input), "endless", None).expect("a reader");
            assert!(reader.by_ref().take(10_000).all(|sentence| sentence.is_ok_and(|s| s.text == "a")));
        }
    }

    #[test]
    fn an_object_without_end_is_an_error() {
        let mut reader = Reader::new(BufReader::new(Endless(b"{", 0)), "endless", None).expect("a reader");
        assert!(matches!(reader.next(), Some(Err(DataError::Parse { line: 1, .. }))));
        assert!(reader.next().is_none());
    }

    #[test]
    fn a_given_format_is_kept_to() {
        let read = |format| Reader::new(&br#"{"text":"a"}"#[..], "test", Some(format)).expect("a reader").next();
        assert!(matches!(read(Format::Rere), Some(Ok(_))));
        assert!(matches!(read(Format::Casrel), Some(Err(DataError::Parse { line: 1, .. }))));
        for format in [Format::Rere, Format::Casrel] {
            assert_eq!(format.to_string().parse::<Format>().expect("a format"), format);
        }
        assert!(matches!("brat".parse::<Format>(), Err(DataError::UnknownFormat(_))));
    }

    #[test]
    fn what_could_not_be_read_back_is_not_written() {
        let mut extra = Sentence::new("a");
        extra.extra.insert("text".into(), json!("b"));
        let mut span = Sentence::new("a b");
        let elsewhere = Mention { text: "a".into(), span: Some(ByteSpan::new(2, 3)) };
        span.triples.push(Triple { subject: elsewhere, ..Triple::of("a", "r", "b") });
        for sentence in [extra, span] {
            let mut output = Vec::new();
            assert!(matches!(write_sentence(&mut output, &sentence), Err(DataError::Unwritable { .. })));
            assert!(output.is_empty());
        }
    }

    #[test]
    fn a_corpus_is_written_whole_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("corpus.jsonl");
        let good = [Sentence::new("a"), Sentence::new("b")];
        write(&path, &good).expect("written");
        assert_eq!(read(&path).expect("read"), good);
        // Others may read it, as they may any file that is made here.
        let plain = folder.path().join("plain");
        File::create(&plain).expect("a file");
        let rights = |path: &Path| path.metadata().expect("a file").permissions();
        assert_eq!(rights(&path), rights(&plain));
        std::fs::remove_file(&plain).expect("removed");

        let mut bad = Sentence::new("c");
        bad.extra.insert("id".into(), json!(1));
        assert!(write(&path, &[Sentence::new("d"), bad]).is_err());
        assert_eq!(read(&path).expect("read"), good);
        assert_eq!(folder.path().read_dir().expect("a folder").count(), 1);
        assert!(matches!(write(&folder.path().join("no/corpus"), &good), Err(DataError::Write { .. })));
    }

    prop_compose! {
        fn sentence()(
            id in proptest::option::of(any::<String>()),
            characters in proptest::collection::vec(any::<char>(), 1..30),
            ends in proptest::collection::vec((any::<[proptest::sample::Index; 4]>(), any::<bool>()), 0..4),
            relation in any::<String>(),
            score in proptest::option::of(0f32..=1.0),
            note in any::<String>(),
        ) -> Sentence {
            let text: String = characters.iter().collect();
            let borders: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let triples = ends.into_iter().map(|(ends, located)| {
                let [a, b, c, d] = ends.map(|end| *end.get(&borders));
                let mention = |a: usize, b: usize| {
                    let mention = Mention::at(&text, ByteSpan::new(a.min(b), a.max(b))).expect("on borders");
                    if located { mention } else { Mention::of(mention.text) }
                };
                let score = score.map(Probability::saturating);
                Triple { subject: mention(a, b), relation: relation.clone(), object: mention(c, d), score }
            }).collect();
            let extra = [("note".to_owned(), json!({"deep": [note]}))].into_iter().collect();
            Sentence { id, text, triples, extra }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(sentences in proptest::collection::vec(sentence(), 1..5)) {
            let mut lines = Vec::new();
            for sentence in &sentences {
                write_sentence(&mut lines, sentence).expect("written");
            }
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
            let mut bytes = Vec::new();
            for sentence in &sentences {
                write_sentence(&mut bytes, sentence).expect("written");
            }
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
