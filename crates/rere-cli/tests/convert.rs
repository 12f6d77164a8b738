//! The commands `rere convert` and `rere clean`.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

const CORPUS: &str = r#"{"text": "Ada Byron left paris for London .", "triple_list": [["Ada Byron", "left_for", "London"], ["ADA  BYRON", "left", "Paris"]], "page": 1.50}
{"text": "Nothing .", "triple_list": []}
{"text": "Ada Byron left paris for London .", "triple_list": [["Ada Byron", "left_for", "London"], ["ADA  BYRON", "left", "Paris"]]}
"#;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("corpus.jsonl"), CORPUS).expect("written");
    folder
}

fn rere(folder: &Path, arguments: &str) -> Output {
    let arguments = arguments.split_whitespace();
    Command::new(env!("CARGO_BIN_EXE_rere")).args(arguments).current_dir(folder).output().expect("runs")
}

/// Returns the standard error of a run that must succeed.
fn log(folder: &Path, arguments: &str) -> String {
    let output = rere(folder, arguments);
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{log}");
    log
}

fn assert_contains(log: &str, words: &[&str]) {
    for word in words {
        assert!(log.contains(word), "{word:?} is not in {log}");
    }
}

#[test]
fn a_corpus_is_converted_through_all_formats() {
    let folder = folder();
    let path = folder.path();
    let located = log(path, "convert --to spacy --locate nearest --fold corpus.jsonl a.jsonl");
    assert_contains(&located, &["3 sentences, 4 triples\n", "8 mentions", "8 located", "4 by folding"]);
    assert_eq!(log(path, "convert --to parquet a.jsonl b.parquet"), "3 sentences, 4 triples\n");
    assert_eq!(log(path, "convert --to tplinker b.parquet c.json.zst"), "3 sentences, 4 triples\n");
    let written = log(path, "convert --to brat c.json.zst d");
    assert_contains(&written, &["3 sentences, 4 triples\n", "1 other fields", "\"Ada Byron left paris for London .\""]);
    assert_eq!(
        fs::read_to_string(path.join("d/000001.ann")).expect("a file"),
        "T1\tEntity 0 9\tAda Byron\nT2\tEntity 25 31\tLondon\nT3\tEntity 15 20\tparis\nR1\tleft_for Arg1:T1 Arg2:T2\nR2\tleft Arg1:T1 Arg2:T3\n"
    );
    log(path, "convert --to spert d e.json");
    log(path, "convert --from spert --to docred e.json f.json");
    log(path, "convert --to hrl-tags f.json g.jsonl.gz");
    log(path, "convert --to duie g.jsonl.gz h.jsonl");
    log(path, "convert --to hrl h.jsonl i.jsonl");
    assert_eq!(log(path, "convert --to casrel i.jsonl j.json"), "3 sentences, 4 triples\n");
    let end: serde_json::Value = serde_json::from_slice(&fs::read(path.join("j.json")).expect("a file")).expect("JSON");
    assert_eq!(end[2]["text"], "Ada Byron left paris for London .");
    assert_eq!(end[0]["triple_list"][1], serde_json::json!(["Ada Byron", "left", "paris"]));

    // Other commands read what was written.
    let output = rere(path, "evaluate --gold d --pred d");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn triples_that_a_format_cannot_hold_are_reported() {
    let folder = folder();
    let converted = log(folder.path(), "convert --to spert corpus.jsonl out.json");
    assert_contains(
        &converted,
        &["3 sentences, 4 triples\n", "8 mentions", "4 located", "\"ADA  BYRON\"", "2 triples left out"],
    );
}

#[test]
fn standard_streams_are_converted() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rere"))
        .args(["convert", "--to", "rere", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    child.stdin.take().expect("piped").write_all(CORPUS.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("ends");
    let first = String::from_utf8_lossy(&output.stdout).lines().next().map(str::to_owned);
    // Unrecognised fields are kept verbatim.
    assert!(first.is_some_and(|line| line.ends_with(r#","page":1.50}"#)));
}

#[test]
fn unusable_input_is_an_error() {
    let folder = folder();
    let path = folder.path();
    fs::write(
        path.join("bad.jsonl"),
        "{\"tokens\": [\"a\"], \"entities\": [{\"type\": \"X\", \"start\": 0, \"end\": 2}]}",
    )
    .expect("written");
    for (arguments, words) in [
        ("convert --to conll corpus.jsonl out", "conll"),
        ("convert --from brat --to rere corpus.jsonl out", "corpus.jsonl"),
        (
            "convert --from duie --to rere corpus.jsonl out",
            "line 1: expected triples of the format duie, but `triple_list`",
        ),
        ("convert --to rere bad.jsonl out", "bad.jsonl, line 1"),
        ("convert --to rere no.parquet out", "no.parquet"),
        ("convert --from parquet --to rere corpus.jsonl out", "corpus.jsonl"),
        ("clean corpus.jsonl out", "required"),
    ] {
        let output = rere(path, arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && message.contains(words), "{arguments}: {message}");
    }
    assert!(!path.join("out").exists());
}

#[test]
fn a_corpus_is_cleaned() {
    let folder = folder();
    let cleaned = log(folder.path(), "clean --fold --missing --empty --duplicates corpus.jsonl out.jsonl");
    assert_contains(
        &cleaned,
        &["input: 3 sentences, 4 triples\n", "4 surfaces", "1 sentences removed", "output: 1 sentences, 2 triples\n"],
    );
    let restricted = log(folder.path(), "clean --relations left --relations other out.jsonl out.jsonl");
    assert_contains(&restricted, &["1 triples removed", "note: no triple has the relation \"other\""]);
    let written = rere_data::read(&folder.path().join("out.jsonl")).expect("a corpus");
    assert_eq!(written[0].triples, [rere_core::Triple::of("Ada Byron", "left", "paris")]);
}

/// A rocket is one code point and two UTF-16 code units.
#[test]
fn offsets_can_count_utf16_code_units() {
    let folder = folder();
    let path = folder.path();
    let line = |start: usize| {
        format!(
            r#"{{"text":"🚀 Ada left","triples":[{{"subject":{{"text":"Ada","start":{start},"end":{}}},"relation":"r","object":{{"text":"left"}}}}]}}"#,
            start + 3
        )
    };
    fs::write(path.join("javascript.jsonl"), line(3)).expect("written");
    let convert = "convert --to rere javascript.jsonl out.jsonl";
    let refused = rere(path, convert);
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        !refused.status.success() && message.contains("javascript.jsonl") && message.contains("UTF-16"),
        "{message}"
    );
    log(path, &format!("{convert} --offsets utf16"));
    assert_eq!(fs::read_to_string(path.join("out.jsonl")).expect("written").trim_end(), line(2));
    log(path, "convert --to rere --offsets-out utf16 out.jsonl back.jsonl");
    assert_eq!(fs::read_to_string(path.join("back.jsonl")).expect("written").trim_end(), line(3));
    assert_eq!(log(path, "evaluate --offsets utf16 --gold javascript.jsonl --pred back.jsonl"), "");
}

/// A line of text can look like the header of a table.
#[test]
fn the_format_can_be_given() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("lines"), "text,subject,relation,object\nAda left .\n").expect("written");
    log(path, "convert --from text --to rere lines out.jsonl");
    assert_eq!(rere_data::read(&path.join("out.jsonl")).expect("a corpus").len(), 2);
    for arguments in ["stats --format text lines", "drop --format text --rate 1 --seed 1 lines out.jsonl"] {
        log(path, arguments);
    }
    assert!(!rere(path, "stats lines").status.success());
}

#[test]
fn sentences_are_merged_before_empty_ones_are_removed() {
    let folder = folder();
    let corpus = r#"{"text": "Ilse runs Acme in Oslo .", "triple_list": []}
{"text": "Acme is old .", "triple_list": []}
{"text": "Ilse runs Acme in Oslo .", "triple_list": [["Ilse", "runs", "Acme"]]}
{"text": "Ilse runs Acme in Oslo .", "triple_list": [["Acme", "in", "Oslo"]]}
"#;
    fs::write(folder.path().join("corpus.jsonl"), corpus).expect("written");
    let merged = log(folder.path(), "clean --merge --empty corpus.jsonl out.jsonl");
    assert_contains(&merged, &["input: 4 sentences, 2 triples\n", "2 sentences merged", "1 sentences removed"]);
    assert!(merged.ends_with("output: 1 sentences, 2 triples\n"), "{merged}");
    let written = rere_data::read(&folder.path().join("out.jsonl")).expect("a corpus");
    let triples = [("Ilse", "runs", "Acme"), ("Acme", "in", "Oslo")];
    assert_eq!(
        written[0].triples,
        triples.map(|(subject, relation, object)| rere_core::Triple::of(subject, relation, object))
    );
}
