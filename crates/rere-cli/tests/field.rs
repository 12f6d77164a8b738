//! Files in the wild, as commands read them. The files belong to the tests of `rere-data`.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn field(name: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rere-data/tests/field").join(name);
    path.display().to_string()
}

fn rere(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rere")).args(arguments).output().expect("runs")
}

/// Returns standard output and standard error of a run that must succeed.
fn run(arguments: &[&str]) -> (String, String) {
    let output = rere(arguments);
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    assert!(output.status.success(), "{arguments:?}: {err}");
    (out, err)
}

fn f1(gold: &str, predicted: &str, matcher: &str) -> f64 {
    let (out, _) = run(&["evaluate", "--gold", gold, "--pred", predicted, "--match", matcher, "--json"]);
    let scores: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    scores["scores"][0]["f1"].as_f64().expect("a number")
}

#[test]
fn any_mention_of_the_same_entity_counts() {
    let (gold, predicted) = (field("docred_multi.json"), field("docred_pred.jsonl"));
    assert!((f1(&gold, &predicted, "exact") - 1.0 / 3.0).abs() < 1e-9);
    assert_eq!(f1(&gold, &predicted, "entity"), 1.0);
    // A conversion to another format and back keeps the entities.
    let folder = tempfile::tempdir().expect("a folder");
    let [rere_file, docred] = ["a.jsonl", "b.json"].map(|name| folder.path().join(name).display().to_string());
    run(&["convert", "--to", "rere", &gold, &rere_file]);
    run(&["convert", "--to", "docred", &rere_file, &docred]);
    assert_eq!(f1(&docred, &predicted, "entity"), 1.0);
}

#[test]
fn fields_with_unread_labels_are_reported_once() {
    let (gold, predicted) = (field("casrel_out.json"), field("rebel.jsonl"));
    let (_, err) = run(&["evaluate", "--gold", &gold, "--pred", &predicted]);
    for words in ["triple_list_gold", "triple_list_pred", "not one triple"] {
        assert!(err.contains(words), "{words}: {err}");
    }
    assert_eq!(err.matches("triple_list_gold").count(), 1, "{err}");
    // If the labels are read, there is nothing to report.
    let (_, err) = run(&["evaluate", "--gold", &predicted, "--pred", &predicted]);
    assert_eq!(err, "");
}

#[test]
fn sentences_repeated_for_each_triple_are_merged() {
    let (out, _) = run(&["clean", "--merge", &field("split.jsonl"), "-"]);
    let sentence: serde_json::Value = serde_json::from_str(&out).expect("one sentence");
    assert_eq!(sentence["triples"].as_array().map(Vec::len), Some(2));
}

#[test]
fn offsets_of_javascript_are_read_and_written() {
    let failed = rere(&["convert", "--to", "rere", &field("utf16.jsonl"), "-"]);
    let err = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(!failed.status.success() && err.contains("utf16.jsonl") && err.contains("offsets utf16"), "{err}");
    let (code_points, _) = run(&["convert", "--to", "rere", "--offsets", "utf16", &field("utf16.jsonl"), "-"]);
    let (utf16, _) =
        run(&["convert", "--to", "rere", "--offsets", "utf16", "--offsets-out", "utf16", &field("utf16.jsonl"), "-"]);
    let start = |content: &str| {
        let sentence: serde_json::Value = serde_json::from_str(content).expect("a sentence");
        sentence["triples"][0]["subject"]["start"].as_u64()
    };
    assert_eq!((start(&code_points), start(&utf16)), (Some(5), Some(8)));
}

#[test]
fn pairs_without_a_relation_are_reported_and_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let [tacred, rere_file, again] =
        ["a.json", "b.jsonl", "c.json"].map(|name| folder.path().join(name).display().to_string());
    let pair = r#"{"id": "1", "relation": "LABEL", "token": ["Ada", "saw", "Bob"], "subj_start": 0, "subj_end": 0, "obj_start": 2, "obj_end": 2, "subj_type": "PER", "obj_type": "PER"}"#;
    let content = format!(
        "[{},{}]",
        pair.replace("LABEL", "no_relation"),
        pair.replace("LABEL", "saw").replace("\"1\"", "\"2\"")
    );
    std::fs::write(&tacred, content).expect("written");
    let (_, err) = run(&["convert", "--to", "rere", &tacred, &rere_file]);
    assert!(err.contains("1 pairs"), "{err}");
    run(&["convert", "--to", "tacred", &rere_file, &again]);
    let read = |path: &str| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON")
    };
    assert_eq!(read(&again), read(&tacred));
    // Pairs with the negative label are no triples: one triple remains on each side.
    let (out, _) = run(&["evaluate", "--gold", &tacred, "--pred", &again, "--json"]);
    let scores: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&scores["scores"][0]["gold"], &scores["scores"][0]["predicted"]), (&1.into(), &1.into()));
    // With another negative label, no_relation is a relation like any other.
    let (out, _) = run(&["evaluate", "--gold", &tacred, "--pred", &again, "--json", "--negative-label", "unrelated"]);
    let scores: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(scores["scores"][0]["gold"], 2);
}
