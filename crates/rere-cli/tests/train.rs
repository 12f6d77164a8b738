//! `rere train`: its log, and the search over settings.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

const SETTINGS: &str = r#"
[data]
train = "train.jsonl"
dev = "dev.jsonl"
[encoder]
random = { model_type = "bert", hidden_size = 16, num_hidden_layers = 1, num_attention_heads = 2, intermediate_size = 16, max_position_embeddings = 48 }
[rere.relation]
epochs = 20
batch = 1
[rere.entity]
epochs = 20
batch = 1
[training]
checkpoint_steps = 2
max_tokens = 48
"#;

const TRAIN: &str = r#"{"text": "Ada was born in London .", "triple_list": [["Ada", "born in", "London"]]}
{"text": "Bob was born in 北京 .", "triple_list": [["Bob", "born in", "北京"]]}
{"text": "Cy lives in Łódź .", "triple_list": [["Cy", "lives in", "Łódź"]]}
{"text": "Dora lives in London .", "triple_list": [["Dora", "lives in", "London"]]}
{"text": "Nothing is said here .", "triple_list": []}
"#;

const DEV: &str = r#"{"text": "Bob was born in London .", "triple_list": [["Bob", "born in", "London"]]}
{"text": "Ada lives in Łódź .", "triple_list": [["Ada", "lives in", "Łódź"]]}
"#;

const TRAINED: [&str; 7] = ["train", "--config", "rere.toml", "--out", "model", "--log", "logs/log.jsonl"];

fn folder(settings: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [("rere.toml", settings), ("train.jsonl", TRAIN), ("dev.jsonl", DEV)] {
        fs::write(folder.path().join(name), text).expect("written");
    }
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rere"));
    command.args(arguments).current_dir(folder).env("HF_HUB_OFFLINE", "1").stdin(Stdio::null());
    command
}

fn rere(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().expect("starts")
}

/// Runs a command that must succeed, and returns its standard output and standard error.
fn succeeds(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = rere(folder, arguments);
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{arguments:?}: {err}");
    (out, err)
}

fn parse(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
}

fn log(folder: &Path) -> Vec<Value> {
    parse(&fs::read_to_string(folder.join("logs/log.jsonl")).expect("written"))
}

/// The steps and epochs of a log without the time.
fn course(lines: &[Value]) -> Vec<Value> {
    let of_course = lines.iter().filter(|line| ["step", "epoch"].contains(&line["event"].as_str().expect("a name")));
    let mut lines: Vec<Value> = of_course.cloned().collect();
    for line in &mut lines {
        let time = line.as_object_mut().and_then(|line| line.remove("time"));
        assert!(time.is_some_and(|time| time.is_f64()), "{line}");
    }
    lines
}

#[test]
fn the_log_of_a_killed_and_resumed_run_has_no_gap_and_no_repetition() {
    let whole = folder(SETTINGS);
    succeeds(whole.path(), &TRAINED);
    let expected = log(whole.path());
    assert_eq!(expected[0]["event"], "started");
    assert!(expected.iter().any(|line| line["event"] == "thresholds"));
    // 5 examples of the relation stage, 4 of the entity stage, 20 epochs.
    let count = |name: &str| expected.iter().filter(|line| line["event"] == name).count();
    assert_eq!((count("step"), count("epoch")), (9 * 20, 40));

    for lines in [20, 60, 150] {
        let folder = folder(SETTINGS);
        let path = folder.path().join("logs/log.jsonl");
        let mut child =
            command(folder.path(), &TRAINED).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
        let started = Instant::now();
        while fs::read_to_string(&path).map_or(0, |log| log.lines().count()) < lines {
            assert!(started.elapsed() < Duration::from_secs(120), "line {lines} never came");
            thread::yield_now();
        }
        child.kill().expect("killed");
        child.wait().expect("ended");
        // As if the run had been killed five lines later, without a checkpoint, while it wrote the sixth.
        let written = fs::read_to_string(&path).expect("read").lines().count();
        let whole = fs::read_to_string(whole.path().join("logs/log.jsonl")).expect("read");
        let mut held: String = whole.split_inclusive('\n').take(written + 5).collect();
        held.push_str("{\"time\":1,\"event\":\"st");
        fs::write(&path, held).expect("written");
        succeeds(folder.path(), &[&TRAINED[..], &["--resume"]].concat());
        assert_eq!(course(&log(folder.path())), course(&expected), "killed at line {lines}");
    }
    // A new run replaces the log.
    succeeds(whole.path(), &TRAINED);
    assert_eq!(log(whole.path()).len(), expected.len());
}

#[test]
fn a_log_on_standard_output_is_alone_there() {
    let folder = folder(SETTINGS);
    let arguments = ["train", "--config", "rere.toml", "--out", "model", "--log", "-"];
    let (out, err) = succeeds(folder.path(), &arguments);
    assert_eq!(course(&parse(&out)).len(), 9 * 20 + 40);
    assert!(err.contains("train: 5 sentences, 4 triples") && err.contains("model: model"), "{err}");
}

#[cfg(unix)]
#[test]
fn a_log_that_cannot_be_written_stops_no_training() {
    let folder = folder(SETTINGS);
    let arguments = ["train", "--config", "rere.toml", "--out", "model", "--log"];
    let (_, err) = succeeds(folder.path(), &[&arguments[..], &["/dev/full"]].concat());
    assert_eq!(err.matches("/dev/full").count(), 1, "{err}");
    assert!(err.contains("no more events are logged"), "{err}");
    let output = rere(folder.path(), &[&arguments[..], &["train.jsonl/log.jsonl"]].concat());
    assert_eq!(output.status.code(), Some(1), "a log that cannot be opened");
}

#[test]
fn a_search_prints_its_tries_and_keeps_the_best_model() {
    let folder = folder(&SETTINGS.replace("epochs = 20", "epochs = 20\nlearning_rate = 4e-3"));
    let arguments = [&TRAINED[..], &["--try", "3"]].concat();
    let (out, _) = succeeds(folder.path(), &arguments);
    assert!(out.contains("try 2 of 3: relation: ") && out.contains("try  dev F1  settings\n  1  "), "{out}");
    let tries: Value =
        serde_json::from_slice(&fs::read(folder.path().join("model/tries.json")).expect("read")).expect("JSON");
    let best = tries["best"].as_u64().expect("a number");
    assert!(out.contains(&format!("best: try {best}\nmodel: model")), "{out}");
    assert!(folder.path().join("model/README.md").exists());
    succeeds(folder.path(), &["extract", "--model", "model", "dev.jsonl"]);
    // The lines between the start and the end of a try have its number.
    let lines = log(folder.path());
    let tries: Vec<u64> = course(&lines).iter().filter_map(|line| line["try"].as_u64()).collect();
    assert!(tries.is_sorted() && tries.len() == course(&lines).len() && tries.last() == Some(&3), "{tries:?}");
    let (out, _) = succeeds(folder.path(), &[&arguments[..], &["--resume"]].concat());
    assert!(out.contains("nothing to do") && out.contains(&format!("best: try {best}")), "{out}");
    assert_eq!(course(&log(folder.path())), course(&lines));
}

#[test]
fn what_needs_a_development_set_says_so() {
    let without = |settings: String| folder(&settings.replace("dev = \"dev.jsonl\"", ""));
    for (settings, option, key) in [
        (SETTINGS.to_owned(), &["--try", "2"][..], "--try"),
        (format!("{SETTINGS}patience = 2\n"), &[], "training.patience"),
    ] {
        let folder = without(settings);
        let output = rere(folder.path(), &[&TRAINED[..5], option].concat());
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains(&format!("rere: {key} needs a development set with triples")), "{message}");
        assert!(message.contains("data.dev"), "{message}");
    }
}

#[test]
fn early_stopping_is_printed_and_recorded() {
    let folder =
        folder(&format!("{}patience = 2\n", SETTINGS.replace("epochs = 20", "epochs = 9\nlearning_rate = 1e-12")));
    let (out, _) = succeeds(folder.path(), &TRAINED);
    assert!(out.contains("  stopped after epoch 3: "), "{out}");
    let record: Value =
        serde_json::from_slice(&fs::read(folder.path().join("model/training.json")).expect("read")).expect("JSON");
    let early_stop = &record["stages"][0]["early_stop"];
    assert_eq!(*early_stop, serde_json::json!({"after_epoch": 3, "best_epoch": 1, "patience": 2}));
    let line = log(folder.path()).into_iter().find(|line| line["event"] == "early-stop").expect("logged");
    assert_eq!((&line["stage"], &line["after_epoch"]), (&"relation".into(), &3.into()));
}
