//! The commands `rere evaluate` and `rere compare`.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// Writes gold triples, predictions of two systems, a fuller labelling and a training corpus. By hand, A has 1 true positive of 2
/// predictions, B has 2 of 3.
fn folder() -> TempDir {
    let mention =
        |text: &str, start: usize| json!({"text": text, "start": start, "end": start + text.len(), "type": "X"});
    let triple = |subject: Value, relation: &str, object: Value, score: f64| json!({"subject": subject, "relation": relation, "object": object, "score": score});
    let line = |text: &str, triples: Vec<Value>| json!({"text": text, "triples": triples}).to_string();
    let (first_text, second_text) = ("Ada left London", "Bob saw Ada");
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
        let content = [line(first_text, first), line(second_text, second)].join("\n");
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

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn all_options_work_in_one_run() {
    let folder = folder();
    let all = "evaluate --gold gold.jsonl --pred a.jsonl --match exact --match strict --per-relation --pieces --bootstrap 200 \
               --by triples,overlap,length,seen-entities,seen-pairs --train train.jsonl --full full.jsonl --json";
    let value: Value = serde_json::from_str(&printed(folder.path(), all)).expect("JSON");
    for (index, matcher) in ["exact", "strict"].into_iter().enumerate() {
        let score = &value["scores"][index];
        assert_eq!(score["match"], matcher);
        assert_eq!((&score["true_positives"], &score["predicted"], &score["gold"]), (&json!(1), &json!(2), &json!(2)));
        assert_eq!(score["relations"]["saw"]["gold"], 1);
        assert_eq!((&score["macro"]["f1"], &score["macro"]["gold"]), (&json!(0.5), &Value::Null));
        assert_eq!(score["pieces"]["entities"]["true_positives"], 4);
        assert_eq!(score["pieces"]["relations"]["true_positives"], 1);
        assert_eq!(score["triples"]["1"]["gold"], 2);
        assert_eq!(score["overlap"]["normal"]["predicted"], 2);
        assert_eq!(score["length"]["0-49"]["true_positives"], 1);
        assert_eq!(score["seen-entities"]["both-seen"]["true_positives"], 1);
        assert_eq!(score["seen-pairs"]["pair-unseen"]["gold"], 1);
        let interval = &score["intervals"]["f1"];
        assert!(interval["low"].as_f64() <= Some(0.5) && interval["high"].as_f64() >= Some(0.5), "{interval}");
        assert_eq!(
            (&value["missing"][index]["missing"], &value["missing"][index]["corrected_precision"]),
            (&json!(1), &json!(1.0))
        );
        assert_eq!(value["missing"][index]["relations"]["heard"]["false_negative_rate"], 1.0);
    }
}

#[test]
fn scores_are_printed_as_text_csv_and_markdown() {
    let folder = folder();
    let table = printed(folder.path(), "evaluate --gold gold.jsonl --pred a.jsonl --match boundaries --per-relation");
    assert_eq!(
        table,
        "match          TP predicted   gold precision   recall       F1\n\
         boundaries      1         2      2     50.00    50.00    50.00\n\n\
         boundaries, by relation\n\
         \u{20}               0         1      0      0.00     0.00     0.00  heard\n\
         \u{20}               1         1      1    100.00   100.00   100.00  left\n\
         \u{20}               0         0      1      0.00     0.00     0.00  saw\n\
         \u{20}                                      50.00    50.00    50.00  mean of 2 relations with gold triples\n"
    );
    let csv = printed(folder.path(), "evaluate --gold gold.jsonl --pred a.jsonl --per-relation --csv");
    assert!(
        csv.starts_with(
            "system,match,part,name,true_positives,predicted,gold,precision,recall,F1,F1 low,F1 high,F1 deviation\n"
        ),
        "{csv}"
    );
    assert!(csv.contains("\na.jsonl,exact,relation,left,1,1,1,100.00,100.00,100.00,,,\n"), "{csv}");
    let markdown = printed(folder.path(), "evaluate --gold gold.jsonl --pred a.jsonl --markdown");
    assert!(
        markdown.contains("\n| a.jsonl | exact | all |  | 1 | 2 | 2 | 50.00 | 50.00 | 50.00 |  |  |  |\n"),
        "{markdown}"
    );
}

#[test]
fn a_score_below_min_f1_is_an_error() {
    let folder = folder();
    printed(folder.path(), "evaluate --gold gold.jsonl --pred a.jsonl --min-f1 0.5");
    let output = rere(folder.path(), "evaluate --gold gold.jsonl --pred a.jsonl --min-f1 0.51");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("F1 is 0.5000, below --min-f1 0.51"), "{}", stderr(&output));
}

#[test]
fn plots_are_written() {
    let folder = folder();
    printed(
        folder.path(),
        "evaluate --gold gold.jsonl --pred b.jsonl --match exact --match partial --per-relation --plot plots",
    );
    for (name, words) in [
        ("precision-recall.svg", "exact, average precision 1.000"),
        ("calibration.svg", "expected error"),
        ("relations.svg", "1/1/1"),
    ] {
        let path = folder.path().join("plots").join(name);
        let svg = fs::read_to_string(&path).expect(name);
        assert!(svg.starts_with("<svg") && svg.contains(words), "{name}");
        let png = fs::read(path.with_extension("png")).expect(name);
        // The width, at byte 16, is twice that of the SVG.
        assert_eq!((&png[..8], &png[16..20]), (&b"\x89PNG\r\n\x1a\n"[..], &1360u32.to_be_bytes()[..]), "{name}");
    }
}

#[test]
fn an_html_page_is_written() {
    let folder = folder();
    let table = printed(folder.path(), "evaluate --gold gold.jsonl --pred b.jsonl --match partial --match exact");
    let with_page = "evaluate --gold gold.jsonl --pred b.jsonl --match partial --match exact --html page.html";
    assert_eq!(printed(folder.path(), with_page), table);
    let html = fs::read_to_string(folder.path().join("page.html")).expect("a page");
    let (_, rest) = html.split_once(r#"id="data">"#).expect("data");
    let data: Value = serde_json::from_str(rest.split_once("</script>").expect("an end").0).expect("JSON");
    assert_eq!(data["details"], json!([["Gold", "gold.jsonl"], ["Predicted", "b.jsonl"], ["Matcher", "partial"]]));
    assert_eq!((&data["totals"]["sentences"], &data["totals"]["is_evaluated"]), (&json!(2), &json!(true)));
    let kinds = |sentence: &Value| -> Vec<Value> {
        sentence["triples"].as_array().expect("triples").iter().map(|triple| triple["kind"].clone()).collect()
    };
    let sentences = data["sentences"].as_array().expect("sentences");
    // The sentence with an error comes first.
    assert_eq!(sentences.iter().map(kinds).collect::<Vec<_>>(), [vec!["right", "wrong"], vec!["right"]]);
    assert_eq!(data["figures"], json!([]));
    printed(folder.path(), "evaluate --gold gold.jsonl --pred b.jsonl --html page.html --plot plots --per-relation");
    let html = fs::read_to_string(folder.path().join("page.html")).expect("a page");
    assert_eq!(html.matches(r#""svg":"\u003csvg"#).count(), 3);
}

#[test]
fn the_html_page_needs_one_file_of_predictions_and_a_file_to_write() {
    let folder = folder();
    for (arguments, code, words) in [
        ("--pred a.jsonl --pred b.jsonl --html page.html", 2, "--html takes one file of predictions"),
        ("--pred a.jsonl --html -", 2, "--html needs a file"),
        ("--pred a.jsonl --html none/page.html", 1, "none/page.html"),
    ] {
        let output = rere(folder.path(), &format!("evaluate --gold gold.jsonl {arguments}"));
        assert_eq!(output.status.code(), Some(code), "{arguments}");
        assert!(stderr(&output).contains(words) && output.stdout.is_empty(), "{arguments}: {}", stderr(&output));
    }
    // An older page stays if the predictions cannot be read.
    fs::write(folder.path().join("page.html"), "old").expect("written");
    assert!(!rere(folder.path(), "evaluate --gold gold.jsonl --pred none.jsonl --html page.html").status.success());
    assert_eq!(fs::read_to_string(folder.path().join("page.html")).expect("a page"), "old");
}

#[test]
fn several_systems_have_a_mean() {
    let folder = folder();
    let both = "evaluate --gold gold.jsonl --pred a.jsonl --pred b.jsonl --match exact --match partial";
    assert!(!printed(folder.path(), both).contains("mean"));
    let both = &format!("{both} --mean");
    let table = printed(folder.path(), both);
    assert!(table.contains("exact           1         2      2     50.00    50.00    50.00  a.jsonl\n"), "{table}");
    // F1 of the two systems is 50 and 80.
    assert!(
        table.contains("exact                                  58.33    75.00    65.00  ± 21.21  mean of 2\n"),
        "{table}"
    );
    let value: Value = serde_json::from_str(&printed(folder.path(), &format!("{both} --json"))).expect("JSON");
    let systems: Vec<_> = value["scores"].as_array().expect("scores").iter().map(|score| &score["system"]).collect();
    assert_eq!(systems, ["a.jsonl", "a.jsonl", "b.jsonl", "b.jsonl", "mean of 2", "mean of 2"]);
    assert_eq!(value["scores"][5]["match"], "partial");
    let low = rere(folder.path(), &format!("{both} --min-f1 0.6"));
    assert!(!low.status.success() && stderr(&low).contains("F1 is 0.5000"), "{}", stderr(&low));
    printed(folder.path(), &format!("{both} --plot plots --per-relation"));
    for name in ["precision-recall.svg", "relations-1.svg", "relations-2.png"] {
        assert!(folder.path().join("plots").join(name).exists(), "{name}");
    }
}

#[test]
fn lenient_counts_sentences_on_which_the_files_disagree() {
    let folder = folder();
    let line = |id: &str, text: &str| json!({"id": id, "text": text, "triples": []}).to_string();
    for (name, lines) in [
        ("ids", vec![line("1", "Ada left London"), line("2", "Bob saw Ada")]),
        ("others", vec![line("3", "Ada left London"), line("2", "Bob saw Eve"), line("2", "Bob saw Ada")]),
    ] {
        fs::write(folder.path().join(format!("{name}.jsonl")), lines.join("\n")).expect("written");
    }
    let arguments = "evaluate --gold ids.jsonl --pred others.jsonl --json";
    let refused = rere(folder.path(), arguments);
    assert!(
        !refused.status.success() && stderr(&refused).contains("others.jsonl: predicted sentence 3"),
        "{}",
        stderr(&refused)
    );
    let output = rere(folder.path(), &format!("{arguments} --lenient"));
    for words in [
        "others.jsonl: 1 gold sentences have no prediction",
        "1 predicted sentences are not in the gold file",
        "1 predicted sentences have the id of an earlier one",
        "1 sentences have another text",
    ] {
        assert!(stderr(&output).contains(words), "{words}: {}", stderr(&output));
    }
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let expected = json!([{"missing": 1, "unknown": 1, "repeated_gold": 0, "repeated_predicted": 1, "other_text": 1, "system": "others.jsonl"}]);
    assert_eq!(value["mismatches"], expected);
}

/// More sentences than two batches hold: none is lost between batches.
#[test]
fn long_files_are_counted_in_batches() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = |is_correct: fn(usize) -> bool| -> String {
        let line = |number: usize| {
            let relation = if is_correct(number) { "left" } else { "saw" };
            let triple = json!({"subject": {"text": "Ada"}, "relation": relation, "object": {"text": "London"}});
            json!({"id": number.to_string(), "text": "Ada left London", "triples": [triple]}).to_string() + "\n"
        };
        (0..9_000).map(line).collect()
    };
    fs::write(folder.path().join("gold.jsonl"), lines(|_| true)).expect("written");
    fs::write(folder.path().join("pred.jsonl"), lines(|number| number % 3 == 0)).expect("written");
    let all =
        "evaluate --gold gold.jsonl --pred pred.jsonl --per-relation --by overlap --pieces --full gold.jsonl --json";
    let value: Value = serde_json::from_str(&printed(folder.path(), all)).expect("JSON");
    let score = &value["scores"][0];
    assert_eq!(
        (&score["true_positives"], &score["predicted"], &score["gold"]),
        (&json!(3000), &json!(9000), &json!(9000))
    );
    assert_eq!(score["relations"]["left"]["gold"], 9000);
    assert_eq!(score["relations"]["saw"]["predicted"], 6000);
    assert_eq!(score["overlap"]["normal"]["true_positives"], 3000);
    assert_eq!(score["pieces"]["relations"]["true_positives"], 3000);
    assert_eq!(value["missing"][0]["either"], 9000);
}

#[test]
fn an_insignificant_difference_has_no_winner() {
    let folder = folder();
    let text = printed(folder.path(), "compare a.jsonl b.jsonl --gold gold.jsonl --plot both.svg");
    let a = "A  true positives 1  predicted 2  gold 2  precision 50.00  recall 50.00  F1 50.00  a.jsonl\n";
    let b = "B  true positives 2  predicted 3  gold 2  precision 66.67  recall 100.00  F1 80.00  b.jsonl\n";
    assert!(text.starts_with(&format!("{a}{b}")), "{text}");
    assert!(text.contains("no difference"), "{text}");
    assert!(fs::read_to_string(folder.path().join("both.svg")).expect("a picture").contains("b.jsonl"));
    let value: Value =
        serde_json::from_str(&printed(folder.path(), "compare a.jsonl b.jsonl --gold gold.jsonl --json"))
            .expect("JSON");
    assert_eq!(value["verdict"], "no-difference");
}

#[test]
fn unusable_input_is_an_error() {
    let folder = folder();
    fs::write(folder.path().join("bare.json"), r#"[{"text": "Ada left London", "triple_list": [["Ada", "left", "London"]]}, {"text": "Bob saw Ada", "triple_list": []}]"#)
        .expect("written");
    for (arguments, words) in [
        ("evaluate --gold gold.jsonl --pred bare.json --match begin", "bare.json: "),
        ("evaluate --gold gold.jsonl --pred bare.json --plot plots", "score"),
        ("evaluate --gold gold.jsonl --pred a.jsonl --by seen-pairs", "--by seen-pairs needs --train"),
        (
            "evaluate --gold gold.jsonl --pred a.jsonl --by colour",
            "expected one of triples, overlap, length, seen-entities, seen-pairs, found \"colour\"",
        ),
        ("evaluate --gold gold.jsonl --pred a.jsonl --json --csv", "cannot be used with"),
        ("evaluate --gold gold.jsonl --pred a.jsonl --bootstrap 0", "round"),
        ("evaluate --gold - --pred a.jsonl --pred b.jsonl", "read 2 times"),
        ("evaluate --gold - --pred -", "read 2 times"),
        ("evaluate --gold gold.jsonl --pred bare.json --match strict --pieces", "bare.json: predicted sentence 1"),
        ("compare a.jsonl b.jsonl --gold gold.jsonl --alpha 2", "level"),
        ("compare a.jsonl bare.json --gold gold.jsonl --match boundaries", "bare.json: "),
    ] {
        let output = rere(folder.path(), arguments);
        assert!(!output.status.success() && stderr(&output).contains(words), "{arguments}: {}", stderr(&output));
    }
}

/// A plot that cannot be drawn does not create its folder.
#[test]
fn a_failed_plot_creates_no_folder() {
    let folder = folder();
    let line = r#"{"text": "Ada left London", "triples": [{"subject": {"text": "Ada"}, "relation": "left", "object": {"text": "London"}}]}"#;
    fs::write(folder.path().join("one.jsonl"), line).expect("written");
    let output = rere(folder.path(), "evaluate --gold one.jsonl --pred one.jsonl --plot plots");
    assert!(
        !output.status.success() && stderr(&output).contains("one.jsonl: predicted sentence 1"),
        "{}",
        stderr(&output)
    );
    assert!(!folder.path().join("plots").exists());
}
