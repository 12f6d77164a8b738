//! `rere convert` and `rere clean` as a user meets them.

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

/// What a run that succeeds says.
fn said(folder: &Path, arguments: &str) -> String {
    let output = rere(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

#[test]
fn a_corpus_goes_through_every_format() {
    let folder = folder();
    let path = folder.path();
    let report = said(path, "convert --to spacy --locate nearest --fold corpus.jsonl a.jsonl");
    assert_eq!(
        report,
        "3 sentences, 4 triples\n8 mentions without a place: 8 located (0 of them at one of several places, 4 of them by \
         folding), 0 found nowhere\n"
    );
    assert_eq!(said(path, "convert --to parquet a.jsonl b.parquet"), "3 sentences, 4 triples\n");
    assert_eq!(said(path, "convert --to tplinker b.parquet c.json.zst"), "3 sentences, 4 triples\n");
    let report = said(path, "convert --to brat c.json.zst d");
    assert_eq!(
        report,
        "3 sentences, 4 triples\n1 other fields left out, first in \"Ada Byron left paris for London .\"\n"
    );
    assert_eq!(
        fs::read_to_string(path.join("d/000001.ann")).expect("a file"),
        "T1\tEntity 0 9\tAda Byron\nT2\tEntity 25 31\tLondon\nT3\tEntity 15 20\tparis\nR1\tleft_for Arg1:T1 Arg2:T2\nR2\tleft Arg1:T1 Arg2:T3\n"
    );
    said(path, "convert --to spert d e.json");
    said(path, "convert --from spert --to docred e.json f.json");
    said(path, "convert --to hrl-tags f.json g.jsonl.gz");
    said(path, "convert --to duie g.jsonl.gz h.jsonl");
    said(path, "convert --to hrl h.jsonl i.jsonl");
    let report = said(path, "convert --to casrel i.jsonl j.json");
    assert_eq!(report, "3 sentences, 4 triples\n");
    let end: serde_json::Value = serde_json::from_slice(&fs::read(path.join("j.json")).expect("a file")).expect("JSON");
    assert_eq!(end[2]["text"], "Ada Byron left paris for London .");
    assert_eq!(end[0]["triple_list"][1], serde_json::json!(["Ada Byron", "left", "paris"]));

    // What is written last is read by each other command.
    let output = rere(path, "evaluate --gold d --pred d");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_a_format_cannot_hold_is_told() {
    let folder = folder();
    let report = said(folder.path(), "convert --to spert corpus.jsonl out.json");
    assert_eq!(
        report,
        "3 sentences, 4 triples\n8 mentions without a place: 4 located (0 of them at one of several places, 0 of them by folding), \
         4 found nowhere, first \"ADA  BYRON\" in \"Ada Byron left paris for London .\"\n2 triples left out, first in \"Ada Byron \
         left paris for London .\"\n"
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
    // Fields without a meaning keep their digits.
    assert!(first.is_some_and(|line| line.ends_with(r#","page":1.50}"#)));
}

#[test]
fn bad_input_is_told() {
    let folder = folder();
    let path = folder.path();
    fs::write(
        path.join("bad.jsonl"),
        "{\"tokens\": [\"a\"], \"entities\": [{\"type\": \"X\", \"start\": 0, \"end\": 2}]}",
    )
    .expect("written");
    for (arguments, part) in [
        ("convert --to conll corpus.jsonl out", "one of rere, casrel, hrl, hrl-tags"),
        ("convert --from brat --to rere corpus.jsonl out", "corpus.jsonl cannot be read"),
        ("convert --from duie --to rere corpus.jsonl out", "line 1: `triple_list` is a field of the format casrel"),
        ("convert --to rere bad.jsonl out", "bad.jsonl, line 1: the entity 0..2 does not lie in the 1 tokens"),
        ("convert --to rere no.parquet out", "no.parquet is not found"),
        ("convert --from parquet --to rere corpus.jsonl out", "line 1: the Parquet file is damaged"),
        ("clean corpus.jsonl out", "required"),
    ] {
        let output = rere(path, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(part), "{arguments}: {said}");
    }
    assert!(!path.join("out").exists());
}

#[test]
fn a_corpus_is_cleaned() {
    let folder = folder();
    let report = said(folder.path(), "clean --fold --missing --empty --duplicates corpus.jsonl out.jsonl");
    assert_eq!(
        report,
        "input: 3 sentences, 4 triples\n4 surfaces changed to those of their texts\n1 sentences removed: without triples\n\
         1 sentences removed: stand twice with the same triples (2)\noutput: 1 sentences, 2 triples\n"
    );
    let report = said(folder.path(), "clean --relations left --relations other out.jsonl out.jsonl");
    assert!(report.contains("1 triples removed: of 1 other relations"), "{report}");
    let written = rere_data::read(&folder.path().join("out.jsonl")).expect("a corpus");
    assert_eq!(written[0].triples, [rere_core::Triple::of("Ada Byron", "left", "paris")]);
}

/// A rocket is one code point and two units of UTF-16.
#[test]
fn offsets_may_count_utf16() {
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
    assert!(!refused.status.success() && message.contains("they fit if they count UTF-16 code units"), "{message}");
    said(path, &format!("{convert} --offsets utf16"));
    assert_eq!(fs::read_to_string(path.join("out.jsonl")).expect("written").trim_end(), line(2));
    said(path, "convert --to rere --offsets-out utf16 out.jsonl back.jsonl");
    assert_eq!(fs::read_to_string(path.join("back.jsonl")).expect("written").trim_end(), line(3));
    assert_eq!(said(path, "evaluate --offsets utf16 --gold javascript.jsonl --pred back.jsonl"), "");
}

/// A line of text may begin as a table or as JSON does.
#[test]
fn the_format_can_be_named() {
    let folder = folder();
    let path = folder.path();
    fs::write(path.join("lines"), "text,subject,relation,object\nAda left .\n").expect("written");
    said(path, "convert --from text --to rere lines out.jsonl");
    assert_eq!(rere_data::read(&path.join("out.jsonl")).expect("a corpus").len(), 2);
    for arguments in ["stats --format text lines", "drop --format text --rate 1 --seed 1 lines out.jsonl"] {
        said(path, arguments);
    }
    assert!(!rere(path, "stats lines").status.success());
}

#[test]
fn lines_of_one_text_are_merged_before_empty_ones_go() {
    let folder = folder();
    let corpus = r#"{"text": "Ilse runs Acme in Oslo .", "triple_list": []}
{"text": "Acme is old .", "triple_list": []}
{"text": "Ilse runs Acme in Oslo .", "triple_list": [["Ilse", "runs", "Acme"]]}
{"text": "Ilse runs Acme in Oslo .", "triple_list": [["Acme", "in", "Oslo"]]}
"#;
    fs::write(folder.path().join("corpus.jsonl"), corpus).expect("written");
    let report = said(folder.path(), "clean --merge --empty corpus.jsonl out.jsonl");
    assert_eq!(
        report,
        "input: 4 sentences, 2 triples\noutput: 4 sentences, 2 triples\n2 sentences merged with an earlier one of the same \
         text\noutput: 2 sentences\ninput: 2 sentences, 2 triples\n1 sentences removed: without triples\noutput: 1 sentences, 2 \
         triples\n"
    );
    let written = rere_data::read(&folder.path().join("out.jsonl")).expect("a corpus");
    let triples = [("Ilse", "runs", "Acme"), ("Acme", "in", "Oslo")];
    assert_eq!(
        written[0].triples,
        triples.map(|(subject, relation, object)| rere_core::Triple::of(subject, relation, object))
    );
}
