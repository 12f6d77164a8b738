//! Invalid files: errors name the file and the line.

use std::{io::Write, path::Path};

use rere_data::{DataError, ParseErrorKind, read};

/// Returns the error of reading a file with these bytes.
fn refused(bytes: &[u8]) -> DataError {
    let mut file = tempfile::Builder::new().suffix(".json").tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    let error = read(file.path()).expect_err(&String::from_utf8_lossy(bytes));
    let file_name = file.path().display().to_string();
    assert!(error.to_string().contains(&file_name), "{error}");
    error
}

/// Returns the line and the message of a [`DataError::Parse`].
fn parse_error(text: &str) -> (usize, String) {
    match refused(text.as_bytes()) {
        DataError::Parse { line, message, .. } => (line, message),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn missing_files() {
    assert!(matches!(read(Path::new("no such file")), Err(DataError::Read { .. })));
    // A folder is read as a brat folder; this one has no texts.
    let folder = tempfile::tempdir().expect("a folder");
    assert!(matches!(read(folder.path()), Err(DataError::NoTexts { .. })));
}

#[test]
fn files_without_a_sentence() {
    for empty in ["", " \n\r\n", "[]", "\u{feff}[ \n ] "] {
        assert!(matches!(refused(empty.as_bytes()), DataError::Empty { .. }), "{empty:?}");
    }
}

#[test]
fn truncated_json() {
    let good = r#"{"text": "a", "triples": []}"#;
    for end in 1..good.len() {
        let (line, message) = parse_error(&format!("{good}\n{}\n{good}\n", &good[..end]));
        assert_eq!(line, 2, "{message}");
        // In an array, the truncated object includes the text after it; the line is that of the end or of the
        // unexpected byte.
        let (line, message) = parse_error(&format!("[{good},\n{}", &good[..end]));
        assert_eq!(line, 2, "{message}");
    }
    assert_eq!(parse_error("[").0, 1);
    assert_eq!(parse_error("[\n{\"text\": \"a\"},\n").0, 3);
}

#[test]
fn parse_errors_have_kinds() {
    for (text, expected) in [
        ("text {", ParseErrorKind::Syntax),
        ("[{\"text\": \"a\"}", ParseErrorKind::Truncated),
        ("{\"text\": \"a", ParseErrorKind::Truncated),
        ("{\"words\": []}", ParseErrorKind::MissingField),
        ("{\"text\": \"a\"}\n{\"triples\": []}", ParseErrorKind::MissingField),
        ("{\"text\": 1}", ParseErrorKind::WrongValue),
        ("{\"text\": \"a\", \"triple_list\": [], \"triples\": []}", ParseErrorKind::MixedFormats),
    ] {
        match refused(text.as_bytes()) {
            DataError::Parse { kind, .. } => assert_eq!(kind, expected, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn json_of_the_wrong_shape() {
    let table = [
        // text, line, part of the message
        ("text", 1, "found 't'"),
        ("\"text\"", 1, "found '\"'"),
        ("{\"text\": \"a\"} {\"text\": \"b\"}", 1, "trailing characters"),
        ("[{\"text\": \"a\"},]", 1, "between commas"),
        ("[,{\"text\": \"a\"}]", 1, "between commas"),
        ("[{\"text\": \"a\"}]\n\n[]", 3, "more content"),
        ("[]\n{}", 2, "more content"),
        ("[{\"text\": \"a\"}\n{\"text\": \"b\"}]", 2, "trailing characters"),
        ("[1]", 1, "expected an object"),
        ("[{\"text\": \"a\"}}]", 1, "trailing characters"),
        ("{\"words\": []}", 1, "`text`"),
        ("{\"text\": \"a\"}\n{\"triples\": []}", 2, "missing field `text`"),
        ("{\"text\": \"a\"}\n\n{\"text\": 1}", 3, "expected a string"),
        ("{\"text\": \"a\", \"text\": \"b\"}", 1, "duplicate field"),
        ("{\"text\": \"\\ud800\"}", 1, "hex escape"),
        ("{\"text\": \"a\u{1}\"}", 1, "control character"),
        ("{\"text\": \"a\", \"id\": 1.5}", 1, "whole number"),
        ("{\"text\": \"a\"}\n{\"text\": \"a\", \"triple_list\": []}", 2, "format casrel"),
        ("{\"text\": \"a\", \"triple_list\": [], \"triples\": []}", 1, "remove one of the two lists"),
        ("[{\"text\": \"a\",\n\"triple_list\": [[\"a\", \"r\"]]}]", 2, "length 2"),
        ("{\"text\": \"a\", \"triple_list\": [[\"a\", \"r\", 3]]}", 1, "expected a string"),
        ("{\"text\": \"a\", \"triple_list\": [[\"a\", \"r\", \"b\", \"c\"]]}", 1, "length 4"),
    ];
    for (text, line, part) in table {
        let (found, message) = parse_error(text);
        assert!(message.contains(part), "{text}: {message}");
        assert_eq!(found, line, "{text}: {message}");
    }
}

#[test]
fn deep_nesting_is_bounded() {
    for depth in [200, 100_000] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse_error(&deep).1.contains("expected an object"));
        let (line, message) =
            parse_error(&format!("{{\"text\": \"a\", \"triples\": [{{\"subject\": {{\"text\": {deep}}}}}]}}"));
        assert!(message.contains("expected a string"), "{message}");
        assert_eq!(line, 1);
        // The depth of unrecognised fields is not limited.
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        write!(file, "{{\"text\": \"a\", \"x\": {deep}}}").expect("written");
        let extra = &read(file.path()).expect("read")[0].extra;
        assert_eq!(extra.iter().map(|(_, json)| json.get().len()).sum::<usize>(), deep.len());
    }
}

#[test]
fn triples_of_the_wrong_shape() {
    let line = |subject: &str, rest: &str| {
        format!(
            "{{\"text\": \"a b\", \"triples\": [{{\"subject\": {subject}, \"relation\": \"r\", \"object\": {{\"text\": \"b\"}}{rest}}}]}}"
        )
    };
    let table = [
        (line(r#""a""#, ""), "expected an object"),
        (line(r#"{"text": "a", "start": 0}"#, ""), "only one of"),
        (line(r#"{"text": "a", "start": -1, "end": 0}"#, ""), "-1"),
        (line(r#"{"text": "a", "kind": "PER"}"#, ""), "unknown field `kind`"),
        (line(r#"{"text": "a"}"#, r#", "score": 1.5"#), "expected a number from 0 to 1, found 1.5"),
        (line(r#"{"text": "a"}"#, r#", "weight": 1"#), "unknown field `weight`"),
    ];
    for (text, part) in table {
        let (line, message) = parse_error(&format!("{{\"text\": \"a\"}}\n{text}"));
        assert!(message.contains(part), "{message}");
        assert_eq!(line, 2);
    }
}

#[test]
fn offsets_that_do_not_fit() {
    let line = |start: usize, end: usize| {
        format!(
            "{{\"text\": \"é 北京\"}}\n{{\"text\": \"é 北京\", \"triples\": [{{\"subject\": {{\"text\": \"北京\", \"start\": {start}, \"end\": {end}}}, \"relation\": \"r\", \"object\": {{\"text\": \"é\"}}}}]}}"
        )
    };
    // The mention has characters 2..4 and bytes 3..9.
    for (start, end, there) in
        [(0, 1, Some("é")), (2, 3, Some("北")), (3, 9, None), (4, 2, None), (0, usize::MAX, None)]
    {
        match refused(line(start, end).as_bytes()) {
            DataError::Offsets { line: 2, error, .. } => {
                assert_eq!(error.claimed, "北京");
                assert_eq!(error.found.as_deref(), there);
            }
            other => panic!("{other:?}"),
        }
    }
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(line(2, 4).as_bytes()).expect("written");
    assert_eq!(read(file.path()).expect("read").len(), 2);
}

#[test]
fn bytes_that_are_not_utf8() {
    for (bytes, expected) in [
        (&b"{\"text\": \"a\"}\n{\"text\": \"\xE9\"}"[..], 2),
        (b"[{\"text\": \"a\"},\n{\"id\": \"b\",\n\"text\": \"\xE9\"}]", 3),
        (b"\xEF\xBB", 1),
        (b"\n\x80", 2),
        (b"{\"text\": \"a\"}\n\x80", 2),
    ] {
        match refused(bytes) {
            DataError::Encoding { line, .. } => assert_eq!(line, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn repeated_ids() {
    let error = refused(b"{\"text\": \"a\", \"id\": \"7\"}\n{\"text\": \"b\"}\n\n{\"text\": \"c\", \"id\": 7}");
    assert!(matches!(error, DataError::DuplicateId { line: 4, first: 1, id, .. } if id == "7"));
}
