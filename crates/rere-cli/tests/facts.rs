//! From a text and a knowledge base to facts: `rere run`, `rere facts`, `rere split`, and sentences in plain text.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

fn rere(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rere"));
    command.args(arguments).current_dir(folder).env("HF_HUB_OFFLINE", "1").env_remove("RERE_ENCODERS");
    command.output().expect("starts")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn succeeds(folder: &Path, arguments: &[&str]) -> Output {
    let output = rere(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}{}", out(&output), err(&output));
    output
}

/// Runs a command that fails, and checks the words of its message.
fn fails(folder: &Path, arguments: &[&str], words: &[&str]) {
    let output = rere(folder, arguments);
    let message = err(&output);
    assert!(!output.status.success(), "{arguments:?}: {message}");
    for word in words {
        assert!(message.contains(word), "{arguments:?}: expected {word:?} in {message}");
    }
    assert!(!message.contains("panicked"), "{message}");
}

fn lines(folder: &Path, name: &str) -> Vec<Value> {
    let content = fs::read_to_string(folder.join(name)).expect("a file");
    content.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Small networks that learn little.
const SETTINGS: &str = r#"
[data]
train = "sets/train.jsonl"
dev = "sets/dev.jsonl"
[encoder.random]
model_type = "bilstm"
embedding_size = 16
direction_size = 16
layers = 1
[rere.relation]
epochs = 12
batch = 4
learning_rate = 1e-2
[rere.entity]
epochs = 20
batch = 4
learning_rate = 1e-2
"#;

/// Documents of two sentences, and the facts of some of them.
fn project() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let names = ["Ada", "Bob", "Carl", "Dora", "Eve", "Finn", "Gita", "Hans", "Ines", "Jan"];
    let places = ["Rome", "Oslo", "Lima", "Kyiv", "Bonn", "Cork"];
    let (mut text, mut facts) = (String::new(), String::new());
    for number in 0..60 {
        let (name, place) = (names[number % 10], places[number * 7 % 6]);
        text += &format!("Then Dr. {name} {number} left. Dr. {name} {number} was born in {place}.\n");
        if number % 3 > 0 {
            facts += &format!("{name} {number}\tborn in\t{place}\n");
        }
    }
    fs::write(folder.path().join("corpus.txt"), text).expect("written");
    fs::write(folder.path().join("facts.tsv"), facts).expect("written");
    fs::create_dir(folder.path().join("work")).expect("a folder");
    fs::write(folder.path().join("work/rere.toml"), SETTINGS).expect("written");
    folder
}

#[test]
fn one_command_goes_from_text_to_facts_and_does_nothing_twice() {
    let folder = project();
    let folder = folder.path();
    let arguments = ["run", "--text", "corpus.txt", "--kb", "facts.tsv", "--functional", "born in", "--dev", "0.2"];
    let printed = out(&succeeds(folder, &arguments));
    assert!(printed.contains("work/rere.toml was changed by hand, and is kept"), "{printed}");
    assert!(printed.contains("[10/10] Facts\nrere facts --kb facts.tsv"), "{printed}");
    let sentences = lines(folder, "work/sentences.jsonl");
    assert_eq!(sentences.len(), 120);
    assert_eq!(
        (&sentences[3]["text"], &sentences[3]["document"]),
        (&"Dr. Bob 1 was born in Oslo.".into(), &"corpus.txt:2".into())
    );
    assert_eq!(sentences[3]["start"], 21);
    let documents = |name: &str| {
        let documents = lines(folder, name).into_iter().map(|line| line["document"].to_string());
        documents.collect::<std::collections::BTreeSet<_>>()
    };
    assert!(documents("work/sets/train.jsonl").is_disjoint(&documents("work/sets/dev.jsonl")));

    let facts = lines(folder, "work/facts.jsonl");
    assert!(!facts.is_empty());
    let scores: Vec<f64> = facts.iter().map(|fact| fact["score"].as_f64().expect("a score")).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b) && scores.iter().all(|score| (0.0..=1.0).contains(score)));
    for fact in &facts {
        let evidence = &fact["evidence"][0];
        let mention = &evidence["triples"][0]["subject"];
        let at = |name: &str| mention[name].as_u64().expect("an offset") as usize;
        let text = evidence["text"].as_str().expect("a text");
        assert_eq!(&text[at("start")..at("end")], mention["text"].as_str().expect("a surface"));
    }
    let known = |fact: &Value| fact["status"] == "known";
    assert!(facts.iter().any(known), "{facts:?}");
    for page in ["work/report.html", "work/evaluation.html"] {
        assert!(fs::read_to_string(folder.join(page)).expect("a page").contains("Content-Security-Policy"));
    }

    // A printed command does the step alone.
    let command = printed.lines().find(|line| line.starts_with("rere facts")).expect("the command");
    let command = command.replace("'born in'", "born_in");
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let words: Vec<&str> = words.into_iter().map(|word| if word == "born_in" { "born in" } else { word }).collect();
    fs::rename(folder.join("work/facts.tsv"), folder.join("before.tsv")).expect("renamed");
    succeeds(folder, &words);
    let read = |name: &str| fs::read(folder.join(name)).expect("a file");
    assert_eq!(read("work/facts.tsv"), read("before.tsv"));

    let again = out(&succeeds(folder, &arguments));
    assert_eq!(again.matches("done before").count(), 10, "{again}");
    // A damaged file is made again.
    let triples = read("work/triples.jsonl");
    fs::write(folder.join("work/triples.jsonl"), &triples[..triples.len() / 2]).expect("written");
    let again = out(&succeeds(folder, &arguments));
    assert_eq!(again.matches("done before").count(), 9, "{again}");
    assert_eq!((read("work/triples.jsonl"), read("work/facts.tsv")), (triples, read("before.tsv")));
    // A line of several sentences has one line of output, with the triples of all of them.
    let extract = ["extract", "--model", "work/model", "--min-score", "0"];
    succeeds(folder, &[&extract[..], &["corpus.txt", "--output", "lines.jsonl"]].concat());
    succeeds(folder, &[&extract[..], &["work/sentences.jsonl", "--output", "sentences.jsonl"]].concat());
    let (of_lines, of_sentences) = (lines(folder, "lines.jsonl"), lines(folder, "sentences.jsonl"));
    let triples = |line: &Value| line["triples"].as_array().cloned().unwrap_or_default();
    let count = |lines: &[Value]| lines.iter().map(|line| triples(line).len()).sum::<usize>();
    assert_eq!(of_lines.len(), 60);
    assert!(count(&of_lines) > 0 && count(&of_lines) == count(&of_sentences), "{} triples", count(&of_lines));
    let mut second = 0;
    for line in &of_lines {
        let text = line["text"].as_str().expect("a text");
        for mention in triples(line).iter().flat_map(|triple| [triple["subject"].clone(), triple["object"].clone()]) {
            let at = |name: &str| mention[name].as_u64().expect("an offset") as usize;
            assert_eq!(&text[at("start")..at("end")], mention["text"].as_str().expect("a surface"));
            second += usize::from(at("start") > 20);
        }
    }
    assert!(second > 0, "no triple in a second sentence");

    // Only between the entities of the input.
    let found = of_sentences.iter().find(|line| !triples(line).is_empty()).expect("triples");
    let triple = &triples(found)[0];
    for (entities, is_found) in [(vec![&triple["subject"], &triple["object"]], true), (vec![&triple["subject"]], false)]
    {
        let given = serde_json::json!({"text": found["text"], "triples": [], "entities": entities});
        fs::write(folder.join("given.jsonl"), given.to_string()).expect("written");
        let output = succeeds(folder, &[&extract[..], &["--mentions", "given.jsonl"]].concat());
        let kept = triples(&serde_json::from_str(&out(&output)).expect("JSON"));
        assert_eq!(kept.contains(triple), is_found, "{kept:?}");
        let is_given = |mention: &Value| entities.contains(&mention);
        assert!(kept.iter().all(|triple| is_given(&triple["subject"]) && is_given(&triple["object"])), "{kept:?}");
    }

    // Only what depends on the facts is done again: labels, and all that follows from other labels.
    let mut facts = fs::read_to_string(folder.join("facts.tsv")).expect("a file");
    facts += "Zoe\tborn in\tRome\n";
    fs::write(folder.join("facts.tsv"), facts).expect("written");
    let again = out(&succeeds(folder, &arguments));
    assert_eq!(again.matches("done before").count(), 8, "{again}");
}

#[test]
fn a_run_that_cannot_work_says_what_to_do() {
    let folder = project();
    let folder = folder.path();
    let run = |text, kb| ["run", "--text", text, "--kb", kb];
    fs::write(folder.join("two.tsv"), "Ada\tborn in\nBob\tborn in\n").expect("written");
    fails(folder, &run("corpus.txt", "two.tsv"), &["two.tsv, line 1", "subject, relation, object"]);
    fs::write(folder.join("other.tsv"), "Xerxes\tborn in\tPersepolis\n").expect("written");
    fails(folder, &run("corpus.txt", "other.tsv"), &["not one triple", "--fold"]);
    fs::write(folder.join("text.pdf"), "%PDF-1.7\n").expect("written");
    fails(folder, &run("text.pdf", "facts.tsv"), &["text.pdf", "a PDF document; extract its text first"]);
    fails(folder, &run("nowhere.txt", "facts.tsv"), &["nowhere.txt is not found"]);
    fails(folder, &run("-", "facts.tsv"), &["expected files"]);
    // The knowledge base has the name of a file that the run writes.
    fails(folder, &[&run("corpus.txt", "facts.tsv")[..], &["--out", "."]].concat(), &["facts.tsv is an input too"]);
    fails(folder, &[&run("corpus.txt", "facts.tsv")[..], &["--dev", "0"]].concat(), &["above 0 and below 1"]);
    let unknown = [&run("corpus.txt", "facts.tsv")[..], &["--functional", "born"]].concat();
    fails(folder, &unknown, &["expected a relation of facts.tsv (born in) for --functional, found \"born\""]);
}

const PREDICTED: &str = r#"{"text": "Ada was born in Rome .", "document": "a", "triples": [{"subject": {"text": "Ada", "start": 0, "end": 3}, "relation": "born in", "object": {"text": "Rome", "start": 16, "end": 20}, "score": 0.5}]}
{"text": "Ada , born in Rome , left .", "document": "a", "triples": [{"subject": {"text": "Ada", "start": 0, "end": 3}, "relation": "born in", "object": {"text": "Rome", "start": 14, "end": 18}, "score": 0.5}]}
{"text": "Ada was born in Rome .", "document": "b", "triples": [{"subject": {"text": "Ada", "start": 0, "end": 3}, "relation": "born in", "object": {"text": "Rome", "start": 16, "end": 20}, "score": 0.4}]}
{"text": "Ada met Oslo .", "document": "c", "triples": [{"subject": {"text": "Ada", "start": 0, "end": 3}, "relation": "born in", "object": {"text": "Oslo", "start": 8, "end": 12}, "score": 0.25}, {"subject": {"text": "Bob"}, "relation": "born in", "object": {"text": "Oslo"}, "score": 0.125}]}
"#;

#[test]
fn facts_have_combined_scores_counts_and_conflicts() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("predicted.jsonl"), PREDICTED).expect("written");
    fs::write(folder.join("kb.tsv"), "Bob\tborn in\tLima\nAda\tborn in\tRome\n").expect("written");
    let arguments =
        ["facts", "predicted.jsonl", "--kb", "kb.tsv", "--functional", "born in", "--output", "facts.jsonl"];
    let message = err(&succeeds(folder, &arguments));
    assert!(message.contains("4 sentences, 5 triples, 3 facts") && message.contains("1 known, 2 new"), "{message}");
    let facts = lines(folder, "facts.jsonl");
    let fields = |fact: &Value| {
        let names = ["subject", "object"].map(|end| fact[end]["name"].as_str().expect("a name").to_owned());
        // Rounded, because noisy-or computes with logarithms.
        let score = (1e6 * fact["score"].as_f64().expect("a score")).round() / 1e6;
        (names, score, fact["sentences"].clone(), fact["documents"].clone())
    };
    // 1 - (1 - 0.5) (1 - 0.5): the repeated sentence counts once, its document too.
    assert_eq!(fields(&facts[0]), (["Ada".into(), "Rome".into()], 0.75, 2.into(), 2.into()));
    assert_eq!(fields(&facts[1]), (["Ada".into(), "Oslo".into()], 0.25, 1.into(), 1.into()));
    assert_eq!(facts[0]["conflicts"], Value::Array(Vec::new()));
    assert_eq!(facts[1]["conflicts"], serde_json::json!(["Rome (knowledge base)", "Rome (found)"]));
    assert_eq!(facts[2]["conflicts"], serde_json::json!(["Lima (knowledge base)"]));
    assert_eq!(facts[0]["evidence"].as_array().map(Vec::len), Some(2));

    // The knowledge base has one fact in the text; hidden, it is found again.
    let message = err(&succeeds(folder, &[&arguments[..4], &["--hide", "1", "--output", "hidden.tsv"]].concat()));
    assert!(message.contains("recall of hidden facts that the corpus could state: 1 of 1"), "{message}");
    // Without a knowledge base, on standard output.
    let printed = out(&succeeds(folder, &["facts", "predicted.jsonl"]));
    assert_eq!(printed.matches("\"status\":null").count(), 3, "{printed}");
    let printed =
        out(&succeeds(folder, &["facts", "predicted.jsonl", "--kb", "kb.tsv", "--new", "--min-score", "0.2"]));
    assert_eq!(printed.lines().count(), 1, "{printed}");
}

#[test]
fn scores_are_calibrated_on_a_development_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let line = |number: usize, score: Option<f64>| {
        let triples = match score {
            Some(score) => format!(
                r#"[{{"subject": {{"text": "Ada"}}, "relation": "r", "object": {{"text": "Rome"}}, "score": {score}}}]"#
            ),
            None if number.is_multiple_of(2) => {
                r#"[{"subject": {"text": "Ada"}, "relation": "r", "object": {"text": "Rome"}}]"#.to_owned()
            }
            None => "[]".to_owned(),
        };
        format!(r#"{{"text": "Ada saw Rome {number} .", "triples": {triples}}}"#) + "\n"
    };
    let gold: String = (0..40).map(|number| line(number, None)).collect();
    // All predictions have the same score, and half of them are correct.
    let predicted: String = (0..40).map(|number| line(number, Some(0.9))).collect();
    fs::write(folder.join("dev.jsonl"), gold).expect("written");
    fs::write(folder.join("dev-predicted.jsonl"), predicted).expect("written");
    fs::write(folder.join("one.jsonl"), line(0, Some(0.9))).expect("written");
    let dev = ["--dev", "dev.jsonl", "--dev-pred", "dev-predicted.jsonl"];
    let output = succeeds(folder, &[&["facts", "one.jsonl"][..], &dev].concat());
    assert!(
        err(&output).contains("scores calibrated on 40 triples of 40 sentences, 20 of them correct"),
        "{}",
        err(&output)
    );
    let fact: Value = serde_json::from_str(&out(&output)).expect("JSON");
    let score = fact["score"].as_f64().expect("a score");
    assert!((score - 0.5).abs() < 0.01, "{fact}");
    // A development set without errors cannot calibrate, and the command says so.
    fs::write(folder.join("dev.jsonl"), line(0, None)).expect("written");
    fs::write(folder.join("dev-predicted.jsonl"), line(0, Some(0.9))).expect("written");
    let output = succeeds(folder, &[&["facts", "one.jsonl"][..], &dev].concat());
    assert!(
        err(&output).contains(
            "warning: scores are not calibrated: of the triples predicted for the development set, 1 are correct and 0"
        ),
        "{}",
        err(&output)
    );
}

#[test]
fn wrong_input_of_facts_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::write(folder.join("gold.jsonl"), r#"{"text": "a b", "triple_list": [["a", "r", "b"]]}"#).expect("written");
    fails(folder, &["facts", "gold.jsonl"], &["gold.jsonl, sentence 1", "expected a score", "(a, r, b)"]);
    fs::write(folder.join("predicted.jsonl"), PREDICTED).expect("written");
    fails(folder, &["facts", "predicted.jsonl", "--output", "facts.xlsx"], &["facts.xlsx", ".parquet"]);
    assert!(!folder.join("facts.xlsx").exists());
    fs::write(folder.join("kb.tsv"), "Ada\tborn in\tRome\n").expect("written");
    let unknown = ["facts", "predicted.jsonl", "--kb", "kb.tsv", "--functional", "born_in"];
    fails(folder, &unknown, &["expected a relation of the knowledge base (born in)", "found \"born_in\""]);
    fails(folder, &["facts"], &["PRED"]);
    fails(folder, &["facts", "predicted.jsonl", "--hide", "0.5"], &["--hide", "--kb"]);
    for outputs in [&["--output", "kb.tsv"][..], &["-o", "./predicted.jsonl"], &["-o", "a.tsv", "-o", "a.tsv"]] {
        fails(folder, &[&["facts", "predicted.jsonl", "--kb", "kb.tsv"], outputs].concat(), &["choose another name"]);
    }
    assert_eq!(fs::read_to_string(folder.join("kb.tsv")).expect("a file"), "Ada\tborn in\tRome\n");
    // A piece of a word is no entity.
    let cut = PREDICTED.replace("\"end\": 3}", "\"end\": 2}").replace("\"Ada\", \"start\"", "\"Ad\", \"start\"");
    fs::write(folder.join("cut.jsonl"), cut).expect("written");
    let message = err(&succeeds(folder, &["facts", "cut.jsonl"]));
    assert!(message.contains("4 triples left out: subject or object begins or ends inside a word"), "{message}");
    fs::write(folder.join("text.txt"), "Ada was born in Rome.\n").expect("written");
    let message = err(&succeeds(folder, &["facts", "text.txt"]));
    assert!(message.contains("warning: text.txt: not one triple"), "{message}");
    fs::write(folder.join("judged.tsv"), "subject\trelation\tobject\tverdict\na\tr\tb\tright\na\tr\tb\t?\n")
        .expect("written");
    fails(folder, &["facts", "--judged", "judged.tsv"], &["judged.tsv, line 3", "right, wrong or unsure"]);
    fs::write(folder.join("judged.tsv"), "subject\trelation\tobject\tverdict\na\tr\tb\tright\na\tr\tb\twrong\n")
        .expect("written");
    let printed = out(&succeeds(folder, &["facts", "--judged", "judged.tsv"]));
    // statsmodels 0.14: proportion_confint(1, 2, method="wilson")
    assert_eq!(printed, "1 right, 1 wrong, 0 unsure: precision 50.0 %, 95 % interval 9.5 to 90.5\n");
}

#[test]
fn split_keeps_documents_together() {
    let folder = project();
    let folder = folder.path();
    let printed = out(&succeeds(folder, &["split", "corpus.txt", "--out", "sets", "--dev", "0.2", "--test", "0.1"]));
    assert!(
        printed.contains("sets/dev.jsonl: 24 sentences") && printed.contains("divided by 60 documents"),
        "{printed}"
    );
    let documents = |name: &str| {
        let documents = lines(folder, name).into_iter().map(|line| line["document"].to_string());
        documents.collect::<std::collections::BTreeSet<_>>()
    };
    let sets = ["sets/train.jsonl", "sets/dev.jsonl", "sets/test.jsonl"].map(documents);
    assert_eq!(sets.each_ref().map(|set| set.len()), [42, 12, 6]);
    assert_eq!(sets.iter().flatten().collect::<std::collections::BTreeSet<_>>().len(), 60);
    fails(
        folder,
        &["split", "corpus.txt", "--out", "sets", "--dev", "0.5", "--test", "0.5"],
        &["expected a sum below 1"],
    );
}
