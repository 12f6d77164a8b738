//! The command `rere stats`.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

const CORPUS: &str = r#"{"text": "Ada was born in London .", "triple_list": [["Ada", "born in", "London"]]}
{"text": "Bob was born in 北京 .", "triple_list": [["Bob", "born in", "北京"], ["Bob", "lives in", "北京"]]}
{"text": "Nothing is said here .", "triple_list": []}
"#;

fn stats(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rere")).arg("stats").args(arguments).current_dir(folder).output().expect("runs")
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn statistics_are_printed_as_text_and_json() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.jsonl"), CORPUS).expect("written");
    fs::write(folder.path().join("b.jsonl"), CORPUS.lines().next().expect("a line")).expect("written");

    let table = out(&stats(folder.path(), &["a.jsonl", "--paradigms"]));
    for line in ["3  sentences\n", "3  triples\n", "2  born in\n", "P3       marks", "tokens: words of this corpus"] {
        assert!(table.contains(line), "{line:?} is not in {table}");
    }

    let one: Value = serde_json::from_str(&out(&stats(folder.path(), &["a.jsonl", "--json"]))).expect("JSON");
    assert_eq!([&one["sentences"], &one["triples"], &one["relations"]], [3, 3, 2]);
    assert_eq!(one["by_relation"]["born in"], 2);
    assert_eq!(one["overlaps"]["entity_pair_overlap"], 1);
    assert!(one.get("class_priors").is_none());

    let two = out(&stats(folder.path(), &["a.jsonl", "b.jsonl", "--json", "--paradigms"]));
    let two: Value = serde_json::from_str(&two).expect("JSON");
    assert_eq!([&two[0]["file"], &two[1]["file"]], ["a.jsonl", "b.jsonl"]);
    assert_eq!(two[1]["class_priors"]["tokens"], 6.0);
    assert_eq!(two[1]["class_priors"]["triples"]["p3"][0], 1.0);
}

#[test]
fn unreadable_corpora_are_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("empty.jsonl"), "\n").expect("written");
    for file in ["empty.jsonl", "none.jsonl"] {
        let output = stats(folder.path(), &[file]);
        assert_eq!(output.status.code(), Some(1));
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(message.contains(file), "{message}");
    }
    assert_eq!(stats(folder.path(), &[]).status.code(), Some(2));
}
