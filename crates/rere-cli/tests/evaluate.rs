//! `rere evaluate` with all it can count, and `rere compare`, as a user meets them.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Gold, two systems, a fuller labelling and a training corpus. Counted by hand: A has 1 right of 2, B has 2 of 3.
fn folder() -> TempDir {
    let mention =
        |text: &str, start: usize| json!({"text": text, "start": start, "end": start + text.len(), "type": "X"});
    let triple = |subject: Value, relation: &str, object: Value, score: f64| json!({"subject": subject, "relation": relation, "object": object, "score": score});
    let line = |text: &str, triples: Vec<Value>| json!({"text": text, "triples": triples}).to_string();
    let (one, two) = ("Ada left London", "Bob saw Ada");
    let left = || triple(mention("Ada", 0), "left", mention("London", 9), 0.9);
    let saw = || triple(mention("Bob", 0), "saw", mention("Ada", 8), 0.8);
    let heard = || triple(mention("Bob", 0), "heard", mention("Ada", 8), 0.3);
    let folder = tempfile::tempdir().expect("a folder");
    for (name, first, second) in [
        ("gold", vec![left()], vec![saw()]),
        ("a", vec![left()], vec![heard()]),
        ("b", vec![left()], vec![saw(), heard()]),
        ("full", vec![left()], vec![saw(), heard()]),
        ("train", vec![left()], vec![]),
    ] {
        let content = [line(one, first), line(two, second)].join("\n");
        fs::write(folder.path().join(format!("{name}.jsonl")), content).expect("written");
    }
    folder
}

fn rere(folder: &Path, arguments: &str) -> Output {
    let arguments = arguments.split_whitespace();
    Command::new(env!("CARGO_BIN_EXE_rere")).args(arguments).current_dir(folder).output().expect("runs")
}

fn printed(folder: &Path, arguments: &str) -> String {
    let output = rere(folder, arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn everything_is_counted_in_one_run() {
    let folder = folder();
    let all = "evaluate --gold gold.jsonl --pred a.jsonl --match exact --match strict --per-relation --pieces --bootstrap 200 \
               --by triples,overlap,length,seen-entities,seen-pairs --train train.jsonl --full full.jsonl --json";
    let value: Value = serde_json::from_str(&printed(folder.path(), all)).expect("JSON");
    for (at, matcher) in ["exact", "strict"].into_iter().enumerate() {
        let score = &value["scores"][at];
        assert_eq!(score["match"], matcher);
        assert_eq!((&score["right"], &score["predicted"], &score["gold"]), (&json!(1), &json!(2), &json!(2)));
        assert_eq!(score["relations"]["saw"]["gold"], 1);
        assert_eq!(score["pieces"]["entities"]["right"], 4);
        assert_eq!(score["pieces"]["relations"]["right"], 1);
        assert_eq!(score["triples"]["1"]["gold"], 2);
        assert_eq!(score["overlap"]["normal"]["predicted"], 2);
        assert_eq!(score["length"]["0-49"]["right"], 1);
        assert_eq!(score["seen-entities"]["both-seen"]["right"], 1);
        assert_eq!(score["seen-pairs"]["pair-unseen"]["gold"], 1);
        let interval = &score["intervals"]["f1"];
        assert!(interval["low"].as_f64() <= Some(0.5) && interval["high"].as_f64() >= Some(0.5), "{interval}");
        assert_eq!(
            (&value["missing"][at]["missing"], &value["missing"][at]["corrected_precision"]),
            (&json!(1), &json!(1.0))
        );
        assert_eq!(value["missing"][at]["relations"]["heard"]["false_negative_rate"], 1.0);
    }
}

#[test]
fn tables_are_printed_in_three_layouts() {
    let folder = folder();
    let table = printed(folder.path(), "evaluate --gold gold.jsonl --pred a.jsonl --match boundaries --per-relation");
    assert_eq!(
        table,
        "match       right predicted   gold precision   recall       F1\n\
         boundaries      1         2      2     50.00    50.00    50.00\n\n\
         boundaries, by relation\n\
         \u{20}               0         1      0      0.00     0.00     0.00  heard\n\
         \u{20}               1         1      1    100.00   100.00   100.00  left\n\
         \u{20}               0         0      1      0.00     0.00     0.00  saw\n"
    );
    let csv = printed(folder.path(), "evaluate --gold gold.jsonl --pred a.jsonl --per-relation --csv");
    assert!(csv.starts_with("match,part,name,right,predicted,gold,precision,recall,F1,F1 low,F1 high\n"), "{csv}");
    assert!(csv.contains("\nexact,relation,left,1,1,1,100.00,100.00,100.00,,\n"), "{csv}");
    let markdown = printed(folder.path(), "evaluate --gold gold.jsonl --pred a.jsonl --markdown");
    assert!(markdown.contains("\n| exact | all |  | 1 | 2 | 2 | 50.00 | 50.00 | 50.00 |  |  |\n"), "{markdown}");
}

#[test]
fn a_score_that_is_too_low_fails() {
    let folder = folder();
    printed(folder.path(), "evaluate --gold gold.jsonl --pred a.jsonl --min-f1 0.5");
    let output = rere(folder.path(), "evaluate --gold gold.jsonl --pred a.jsonl --min-f1 0.51");
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("F1 is 0.5000, below the 0.51"), "{}", said(&output));
}

#[test]
fn pictures_are_drawn() {
    let folder = folder();
    printed(
        folder.path(),
        "evaluate --gold gold.jsonl --pred b.jsonl --match exact --match partial --per-relation --plot plots",
    );
    for (name, part) in [
        ("precision-recall.svg", "exact, average precision 1.000"),
        ("calibration.svg", "expected error"),
        ("relations.svg", "1/1/1"),
    ] {
        let svg = fs::read_to_string(folder.path().join("plots").join(name)).expect(name);
        assert!(svg.starts_with("<svg") && svg.contains(part), "{name}");
    }
}

#[test]
fn no_winner_is_named_inside_the_noise() {
    let folder = folder();
    let text = printed(folder.path(), "compare a.jsonl b.jsonl --gold gold.jsonl --plot both.svg");
    assert!(text.contains("A  1/2/2  precision 50.00  recall 50.00  F1 50.00  a.jsonl\nB  2/3/2"), "{text}");
    assert!(text.contains("no difference at level 0.05\n"), "{text}");
    assert!(fs::read_to_string(folder.path().join("both.svg")).expect("a picture").contains("b.jsonl"));
    let value: Value =
        serde_json::from_str(&printed(folder.path(), "compare a.jsonl b.jsonl --gold gold.jsonl --json"))
            .expect("JSON");
    assert_eq!(value["verdict"], "no-difference");
}

#[test]
fn bad_input_is_told() {
    let folder = folder();
    fs::write(folder.path().join("bare.json"), r#"[{"text": "Ada left London", "triple_list": [["Ada", "left", "London"]]}, {"text": "Bob saw Ada", "triple_list": []}]"#)
        .expect("written");
    for (arguments, part) in [
        ("evaluate --gold gold.jsonl --pred bare.json --match begin", "rere convert --locate"),
        ("evaluate --gold gold.jsonl --pred bare.json --plot plots", "score"),
        ("evaluate --gold gold.jsonl --pred a.jsonl --by seen-pairs", "--by seen-pairs needs --train"),
        ("evaluate --gold gold.jsonl --pred a.jsonl --by colour", "none of triples, overlap"),
        ("evaluate --gold gold.jsonl --pred a.jsonl --json --csv", "cannot be used with"),
        ("evaluate --gold gold.jsonl --pred a.jsonl --bootstrap 0", "round"),
        ("compare a.jsonl b.jsonl --gold gold.jsonl --alpha 2", "level"),
        ("compare a.jsonl bare.json --gold gold.jsonl --match boundaries", "bare.json: "),
    ] {
        let output = rere(folder.path(), arguments);
        assert!(!output.status.success() && said(&output).contains(part), "{arguments}: {}", said(&output));
    }
}
