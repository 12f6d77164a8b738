//! Tests of JSON formats and of all formats.

use std::{
    fs::File,
    io::{self, BufReader, Read},
};

use proptest::prelude::*;
use rere_core::{ByteSpan, Extra, Mention, Probability, Sentence, Triple};
use serde_json::{Value, json};

use super::optional::{with_id, with_type};
use super::*;

fn all(input: impl Into<Vec<u8>>) -> Result<Vec<Sentence>, DataError> {
    Reader::new(io::Cursor::new(input.into()), "test.json", &ReadOptions::default())?.collect()
}

/// Returns the content of a file with these sentences, and the unsupported content.
fn written(sentences: &[Sentence], format: Format) -> (Vec<u8>, UnsupportedCounts) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("corpus.jsonl");
    let unsupported = write(&path, sentences, format).expect("written");
    (std::fs::read(path).expect("a file"), unsupported)
}

/// Returns the sentences as lines of the rere format.
fn lines(sentences: &[Sentence]) -> Vec<u8> {
    let (lines, unsupported) = written(sentences, Format::Rere);
    assert!(unsupported.is_empty());
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
    // The written line has the same content, including the unrecognised field.
    let value = |text: &[u8]| serde_json::from_slice::<Value>(text).expect("JSON");
    assert_eq!(value(&written), value(line.as_bytes()));
}

#[test]
fn only_the_text_is_required() {
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
        let mut reader = Reader::new(input.as_bytes(), "test", &ReadOptions::default()).expect("a reader");
        assert_eq!(reader.line(), 0);
        let lines = std::iter::from_fn(|| reader.next().map(|_| reader.line()));
        assert_eq!(lines.collect::<Vec<_>>(), expected);
    }
}

/// Repeats its bytes endlessly.
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
        let mut reader = Reader::new(BufReader::new(input), "endless", &ReadOptions::default()).expect("a reader");
        assert!(reader.by_ref().take(10_000).all(|sentence| sentence.is_ok_and(|s| s.text == "a")));
    }
}

#[test]
fn an_endless_object_is_an_error() {
    let options = ReadOptions::of(Format::Rere);
    let mut reader = Reader::new(BufReader::new(Endless(b"{", 0)), "endless", &options).expect("a reader");
    assert!(matches!(reader.next(), Some(Err(DataError::Parse { line: 1, .. }))));
    assert!(reader.next().is_none());
}

#[test]
fn endless_rows_and_lines_are_errors() {
    let header = &b"text,subject,relation,object\n\""[..];
    let inputs: [(Format, Box<dyn Read + Send>); 2] =
        [(Format::Csv, Box::new(header.chain(Endless(b"a", 0)))), (Format::Text, Box::new(Endless(b"a", 0)))];
    for (format, input) in inputs {
        let reader = Reader::new(BufReader::new(input), "endless", &ReadOptions::of(format));
        let error = reader.expect("a reader").next().expect("an error").expect_err("endless");
        let text = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        assert!(text.contains("at most 67108864 bytes"), "{format}: {text}");
    }
}

#[test]
fn names_of_units_are_known() {
    for unit in OffsetUnit::ALL {
        assert_eq!(unit.name().parse(), Ok(unit));
    }
    let error = "utf32".parse::<OffsetUnit>().expect_err("no unit");
    assert_eq!(error.to_string(), "expected one of code-points, utf16, found \"utf32\"");
}

#[test]
fn a_given_format_is_not_detected() {
    let read =
        |format| Reader::new(&br#"{"text":"a"}"#[..], "test", &ReadOptions::of(format)).expect("a reader").next();
    assert!(matches!(read(Format::Rere), Some(Ok(_))));
    assert!(matches!(read(Format::Casrel), Some(Err(DataError::Parse { line: 1, .. }))));
    for format in Format::ALL {
        assert_eq!(format.to_string().parse::<Format>().expect("a format"), format);
    }
    assert!(matches!("conll".parse::<Format>(), Err(DataError::UnknownFormat(_))));
}

#[test]
fn mentions_of_another_text_are_not_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("corpus");
    let mut sentence = Sentence::new("a b");
    let elsewhere = Mention::of("a").with_span(ByteSpan::new(2, 3));
    sentence.triples.push({
        let mut triple = Triple::of("a", "r", "b");
        triple.subject = elsewhere.clone();
        triple
    });
    let entity = Sentence::new("a b").with_entities(vec![elsewhere]);
    for sentence in [sentence, entity] {
        for format in Format::ALL {
            let error = write(&path, std::slice::from_ref(&sentence), format).expect_err("wrong");
            assert!(matches!(error, DataError::Unwritable { .. }), "{error}");
        }
    }
    assert_eq!(folder.path().read_dir().expect("a folder").count(), 0);
}

#[test]
fn reserved_fields_are_counted() {
    let mut sentence = Sentence::new("a");
    for field in ["id", "text", "triple_list", "sentText", "spans", "note"] {
        sentence.extra.set(field, "b").expect("JSON");
    }
    // A rere object is identified by `triples`, so it may have CopyR's `sentText`, but not a second list of triples.
    for (format, kept) in [
        (Format::Rere, vec!["sentText", "spans", "note"]),
        (Format::Casrel, vec!["sentText", "spans", "note"]),
        (Format::Duie, vec!["spans", "note"]),
        (Format::Spert, vec!["id", "note"]),
    ] {
        let (line, unsupported) = written(std::slice::from_ref(&sentence), format);
        assert_eq!(unsupported.count(Unsupported::Field), sentence.extra.len() - kept.len(), "{format}");
        let read = all(line).expect("read");
        assert_eq!(read[0].extra.iter().map(|(field, _)| field).collect::<Vec<_>>(), kept, "{format}");
    }
}

#[test]
fn a_corpus_is_written_completely_or_not_at_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("corpus.jsonl");
    let good = [Sentence::new("a"), Sentence::new("b")];
    assert!(write(&path, &good, Format::Rere).expect("written").is_empty());
    assert_eq!(read(&path).expect("read"), good);
    // It has the permissions of any new file.
    let plain = folder.path().join("plain");
    File::create(&plain).expect("a file");
    let rights = |path: &Path| path.metadata().expect("a file").permissions();
    assert_eq!(rights(&path), rights(&plain));
    std::fs::remove_file(&plain).expect("removed");

    let mut bad = Sentence::new("c");
    bad.entities.push(Mention::of("c").with_span(ByteSpan::new(1, 2)));
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
                with_type(mention, entity_type.clone())
            };
            let score = score.map(Probability::saturating);
            Triple::new(mention(a, b), relation.clone(), mention(c, d)).with_score(score)
        });
        let triples: Vec<Triple> = triples.collect();
        let mut extra = Extra::default();
        extra.set("note", &json!({"deep": [note]})).expect("JSON");
        with_id(Sentence::new(text).with_triples(triples).with_entities(entities.into_iter().map(Mention::of)).with_extra(extra), id)
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(sentences in proptest::collection::vec(sentence(), 1..5)) {
        let lines = lines(&sentences);
        prop_assert_eq!(&all(lines.clone()).expect("lines"), &sentences);
        // Arrays in other layouts: on several lines and on one line.
        let values = serde_json::Deserializer::from_slice(&lines).into_iter::<Value>();
        let values = values.collect::<Result<Vec<_>, _>>().expect("JSON");
        prop_assert_eq!(&all(serde_json::to_string_pretty(&values).expect("JSON")).expect("array"), &sentences);
        prop_assert_eq!(&all(serde_json::to_string(&values).expect("JSON")).expect("array"), &sentences);
    }

    #[test]
    fn a_truncated_corpus_yields_complete_sentences_or_an_error(
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
            // Lines may end after any object; an array must be complete.
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
