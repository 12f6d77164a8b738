//! The binary as users see it: what it prints, what it writes, and how it fails.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

const SETTINGS: &str = r#"
[data]
train = "train.jsonl"
dev = "train.jsonl"
[encoder]
random = { model_type = "bert", hidden_size = 16, num_hidden_layers = 1, num_attention_heads = 2, intermediate_size = 16, max_position_embeddings = 48 }
[rere.relation]
epochs = 3
batch = 1
[rere.entity]
epochs = 3
batch = 1
[training]
checkpoint_steps = 1
max_tokens = 48
"#;

const TRAIN: &str = r#"{"text": "Ada was born in London .", "triple_list": [["Ada", "born in", "London"]]}
{"text": "Bob was born in 北京 .", "triple_list": [["Bob", "born in", "北京"]]}
{"text": "Nothing is said here .", "triple_list": []}
"#;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("rere.toml"), SETTINGS).expect("written");
    fs::write(folder.path().join("train.jsonl"), TRAIN).expect("written");
    folder
}

fn rere(folder: &Path, arguments: &[&str]) -> Output {
    rere_with(folder, arguments, "")
}

fn rere_with(folder: &Path, arguments: &[&str], input: &str) -> Output {
    rere_in_parts(folder, arguments, &[input.as_bytes()])
}

/// Runs the command with its input in these parts, with a pause between them.
fn rere_in_parts(folder: &Path, arguments: &[&str], parts: &[&[u8]]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rere"))
        .args(arguments)
        .current_dir(folder)
        .env("HF_HUB_OFFLINE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut input = child.stdin.take().expect("piped");
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            thread::sleep(Duration::from_millis(100));
        }
        // A command that fails early may not read its input.
        _ = input.write_all(part);
    }
    drop(input);
    child.wait_with_output().expect("ends")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a command that must fail with exit code 1 and a message with these words.
fn fails(folder: &Path, arguments: &[&str], words: &[&str]) {
    let output = rere(folder, arguments);
    let message = err(&output);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {message}");
    for word in words {
        assert!(message.contains(word), "{arguments:?}: {word:?} is not in {message}");
    }
    assert!(!message.contains("panicked"), "{message}");
}

fn trained() -> TempDir {
    let folder = folder();
    let output = rere(folder.path(), &["train", "--config", "rere.toml", "--out", "model"]);
    assert!(output.status.success(), "{}", err(&output));
    assert!(out(&output).contains("train: 3 sentences, 2 triples"), "{}", out(&output));
    folder
}

/// Sets thresholds at which an untrained model finds triples in each sentence.
fn lower_thresholds(folder: &Path) {
    let output = rere(folder, &["tune", "--model", "model", "--detect", "0", "--decode", "0.1", "--triple", "0"]);
    assert!(output.status.success(), "{}", err(&output));
    assert!(out(&output).contains("new thresholds: detect 0.00, decode 0.10, triple 0.0000"), "{}", out(&output));
}

/// Settings that train long enough to find all training triples.
fn long_settings() -> String {
    SETTINGS.replace("epochs = 3", "epochs = 40\nlearning_rate = 1e-2")
}

#[test]
fn train_extract_evaluate() {
    let folder = folder();
    fs::write(folder.path().join("rere.toml"), long_settings()).expect("written");
    let output = rere(folder.path(), &["train", "--config", "rere.toml", "--out", "model"]);
    assert!(output.status.success(), "{}", err(&output));
    let run = |arguments: &[&str]| {
        let output = rere(folder.path(), arguments);
        assert!(output.status.success(), "{arguments:?}: {}", err(&output));
        out(&output)
    };
    run(&["extract", "--model", "model", "train.jsonl", "-o", "predicted.jsonl", "--html", "page.html"]);
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect(name);
    let (page, predicted) = (read("page.html"), read("predicted.jsonl"));
    assert!(page.contains("北京") && page.contains(r#"["Input","train.jsonl"],["Model","model"]"#), "{page}");
    assert_eq!(page.matches(r#""kind":"predicted""#).count(), predicted.matches("\"relation\"").count());
    let table = run(&["evaluate", "--gold", "train.jsonl", "--pred", "predicted.jsonl", "--per-relation"]);
    assert!(table.contains("precision") && table.contains("exact"), "{table}");
    let matches = ["--match", "exact", "--match", "partial", "--json"];
    let json = run(&[&["evaluate", "--gold", "train.jsonl", "--pred", "predicted.jsonl"][..], &matches].concat());
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["scores"][0]["match"], "exact");
    assert_eq!(json["scores"][1]["match"], "partial");
    assert_eq!(json["scores"][1]["gold"], 2);
    // The trained system finds all triples; a changed prediction is wrong.
    assert_eq!(json["scores"][0]["f1"], 1.0);
    let predicted = fs::read_to_string(folder.path().join("predicted.jsonl")).expect("written");
    let changed = predicted.replacen("\"relation\":\"born in\"", "\"relation\":\"died in\"", 1);
    assert_ne!(predicted, changed);
    fs::write(folder.path().join("changed.jsonl"), changed).expect("written");
    let changed = run(&["evaluate", "--gold", "train.jsonl", "--pred", "changed.jsonl", "--json"]);
    let changed: serde_json::Value = serde_json::from_str(&changed).expect("JSON");
    assert_eq!(changed["scores"][0]["f1"], 0.5);
    let each = ["evaluate", "--gold", "train.jsonl", "--pred", "train.jsonl", "--json", "--per-relation"];
    let each: serde_json::Value = serde_json::from_str(&run(&each)).expect("JSON");
    assert_eq!(each["scores"][0]["relations"]["born in"]["gold"], 2);
}

#[test]
fn unknown_relations_are_reported() {
    let folder = folder();
    fs::write(folder.path().join("other.jsonl"), TRAIN.replacen("born in\"", "born_in\"", 1)).expect("written");
    let evaluate = ["evaluate", "--gold", "train.jsonl", "--pred", "other.jsonl"];
    let output = rere(folder.path(), &evaluate);
    assert!(output.status.success());
    assert!(err(&output).contains("1 predicted triples") && err(&output).contains("born_in"), "{}", err(&output));
    let closed = [&evaluate[..], &["--relations", "born in"]].concat();
    fails(folder.path(), &closed, &["other.jsonl", "sentence 1", "born_in"]);
}

#[test]
fn thresholds_are_chosen_again() {
    let folder = folder();
    fs::write(folder.path().join("rere.toml"), long_settings()).expect("written");
    let output = rere(folder.path(), &["train", "--config", "rere.toml", "--out", "model"]);
    assert!(output.status.success(), "{}", err(&output));
    let config = folder.path().join("model/config.json");
    let before = fs::read_to_string(&config).expect("settings");
    fails(folder.path(), &["tune", "--model", "model", "none.jsonl"], &["none.jsonl"]);
    fs::write(folder.path().join("bare.jsonl"), "{\"text\": \"No triple .\"}\n").expect("written");
    fails(folder.path(), &["tune", "--model", "model", "bare.jsonl"], &["bare.jsonl", "no triple"]);
    assert_eq!(fs::read_to_string(&config).expect("settings"), before);
    // Training chose its thresholds on the same sentences, so `tune` finds them again.
    let output = rere(folder.path(), &["tune", "--model", "model", "--triple", "1"]);
    assert!(output.status.success() && out(&output).contains("triple 1.0000"), "{}", err(&output));
    assert_ne!(fs::read_to_string(&config).expect("settings"), before);
    let output = rere(folder.path(), &["tune", "--model", "model", "train.jsonl"]);
    assert!(output.status.success() && out(&output).contains("triple 1.0000"), "{}", err(&output));
    assert_eq!(fs::read_to_string(&config).expect("settings"), before);
    let output = rere(folder.path(), &["tune", "--model", "model"]);
    assert_eq!(output.status.code(), Some(2), "neither sentences nor a threshold");

    // Thresholds for 8 bits do not change those of f32.
    let extract = ["extract", "--model", "model", "train.jsonl", "--output", "out.jsonl", "--precision", "auto"];
    let output = rere(folder.path(), &extract);
    assert!(output.status.success() && err(&output).contains("f32: no faster number type"), "{}", err(&output));
    let output = rere(folder.path(), &["tune", "--model", "model", "train.jsonl", "--precision", "int8"]);
    assert!(output.status.success(), "{}", err(&output));
    assert!(out(&output).contains("int8: dev F1 ") && out(&output).contains(" to f32 ("), "{}", out(&output));
    let after = fs::read_to_string(&config).expect("settings");
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
    assert_eq!(json(&after)["thresholds"], json(&before)["thresholds"]);
    assert!(json(&after)["precisions"]["int8"]["cost"]["f32_f1"].is_number(), "{after}");
    let output = rere(folder.path(), &extract);
    assert!(output.status.success() && err(&output).contains("int8: dev F1 "), "{}", err(&output));
    let output = rere(folder.path(), &["extract", "--model", "model", "--precision", "int4", "train.jsonl"]);
    assert!(output.status.code() == Some(2) && err(&output).contains("int8"), "{}", err(&output));
}

#[test]
fn relations_and_constraints_restrict_the_triples() {
    let folder = trained();
    lower_thresholds(folder.path());
    let extract = |more: &[&str]| {
        let low = ["extract", "--model", "model"];
        let output = rere_with(folder.path(), &[&low[..], more].concat(), "Ada was born in London .");
        assert!(output.status.success(), "{}", err(&output));
        out(&output)
    };
    assert!(extract(&["--relations", "born in"]).contains("\"born in\""));
    let count = |more: &[&str]| extract(more).matches("\"subject\"").count();
    // Options of the call override the model's.
    let all = count(&["--overlap", "true"]);
    assert!(all > count(&["--overlap", "true", "--min-score", "0.5"]));
    assert!(all > count(&["--most", "1"]) && count(&["--most", "1"]) == 1);
    let words = extract(&["--longest", "1"]);
    let words: serde_json::Value = serde_json::from_str(&words).expect("JSON");
    let words = words["triples"].as_array().expect("triples");
    let is_word = |end: &serde_json::Value| end["text"].as_str().is_some_and(|text| !text.contains(' '));
    assert!(!words.is_empty() && words.iter().all(|triple| is_word(&triple["subject"]) && is_word(&triple["object"])));
    assert!(count(&["--one-to-one", "born in"]) <= count(&[]));
    // A line of text can begin like JSON.
    let text = "[ Ada was born in London .";
    let output = rere_with(folder.path(), &["extract", "--model", "model", "--format", "text"], text);
    assert!(out(&output).contains(text), "{}", err(&output));
    fails(folder.path(), &["extract", "--model", "model", "--format", "rere", "rere.toml"], &["rere.toml", "line"]);
}

#[test]
fn plain_text_is_read_line_by_line_and_offsets_slice_it() {
    let folder = trained();
    let text = "Ada was born in London .\n\n👩\u{200d}🚀 né\u{301}e Bob\twas born in 北京 .\r\nlast line";
    lower_thresholds(folder.path());
    let output = rere_with(folder.path(), &["extract", "--model", "model"], text);
    assert!(output.status.success(), "{}", err(&output));
    let lines: Vec<serde_json::Value> =
        out(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let texts: Vec<&str> = lines.iter().map(|line| line["text"].as_str().expect("a text")).collect();
    assert_eq!(texts, ["Ada was born in London .", "", "👩\u{200d}🚀 né\u{301}e Bob\twas born in 北京 .", "last line"]);
    let mut mentions = 0;
    for line in &lines {
        let characters: Vec<char> = line["text"].as_str().expect("a text").chars().collect();
        for triple in line["triples"].as_array().expect("triples") {
            for role in ["subject", "object"] {
                let mention = &triple[role];
                let offset = |key: &str| mention[key].as_u64().expect("an offset") as usize;
                let surface: String = characters[offset("start")..offset("end")].iter().collect();
                assert_eq!(mention["text"], surface.as_str());
                mentions += 1;
            }
        }
    }
    assert!(mentions > 0, "low thresholds find something");
}

#[test]
fn bad_input_is_an_error_with_its_position_and_keeps_older_output() {
    let folder = trained();
    let path = folder.path();
    let write = |name: &str, text: &str| fs::write(path.join(name), text).expect("written");
    write("old.jsonl", "older predictions");
    write("truncated.json", "[{\"text\": \"Ada\", \"triple_list\": []},\n {\"text\": \"Bo");
    write("empty.jsonl", "");
    write("three.jsonl", "{\"text\": \"Ada .\", \"triple_list\": []}\n{\"text\": 3, \"triple_list\": []}\n");
    let extract = |input: &str, words: &[&str]| {
        fails(path, &["extract", "--model", "model", input, "-o", "old.jsonl"], words);
        assert_eq!(fs::read_to_string(path.join("old.jsonl")).expect("still there"), "older predictions");
    };
    extract("none.jsonl", &["none.jsonl", "caused by: "]);
    extract("truncated.json", &["truncated.json", "2"]);
    extract("three.jsonl", &["three.jsonl", "2"]);
    fails(path, &["extract", "--model", "model", "train.jsonl", "-o", "no/such/folder/out.jsonl"], &["no/such/folder"]);
    fails(path, &["extract", "--model", "none", "train.jsonl"], &["none"]);
    fails(path, &["extract", "--model", "model", "train.jsonl", "--relations", "dies in"], &["dies in", "born in"]);
    fails(path, &["extract", "--model", "model", "train.jsonl", "--device", "gpu"], &["gpu", "flex"]);
    fails(path, &["evaluate", "--gold", "empty.jsonl", "--pred", "train.jsonl"], &["empty.jsonl"]);
    fails(path, &["evaluate", "--gold", "three.jsonl", "--pred", "three.jsonl"], &["three.jsonl", "line 2"]);
    write("two.jsonl", &TRAIN.lines().take(2).collect::<Vec<_>>().join("\n"));
    fails(path, &["evaluate", "--gold", "train.jsonl", "--pred", "two.jsonl"], &["3", "2"]);
}

#[test]
fn bad_settings_are_errors_with_their_position() {
    let folder = folder();
    let path = folder.path();
    let train = |settings: &str, words: &[&str]| {
        fs::write(path.join("bad.toml"), settings).expect("written");
        fails(path, &["train", "--config", "bad.toml", "--out", "bad"], words);
        assert!(!path.join("bad/config.json").exists());
    };
    fails(path, &["train", "--config", "none.toml"], &["none.toml"]);
    train(&SETTINGS.replace("epochs = 3", "epoch = 3"), &["bad.toml", "epoch"]);
    let with = |line: &str| SETTINGS.replace("[rere.relation]", &format!("[rere.relation]\n{line}"));
    train(&with("loss = { name = \"cpu\", prior = 1.5 }"), &["bad.toml", "rere.relation.loss", "prior"]);
    train(&with("loss = \"cpu\""), &["bad.toml", "line 8", "{ name = \"cpu\" }"]);
    train(&SETTINGS.replace("[rere.relation]", "[relation]"), &["bad.toml", "[rere.relation]"]);
    train(&format!("system = \"rare\"\n{SETTINGS}"), &["bad.toml", "casrel", "rare"]);
    train(&format!("system = \"casrel\"\n{SETTINGS}"), &["bad.toml", "`rere`"]);
    train(&SETTINGS.replace("train.jsonl", "none.jsonl"), &["none.jsonl"]);
    train("[encoder]\npretrained = \"none\"\n[data]\ntrain = \"train.jsonl\"", &["none"]);
    train(&SETTINGS.replace("train = \"train.jsonl\"", ""), &["data.train"]);
    train(&SETTINGS.replace("max_tokens = 48", "max_tokens = 49"), &["training.max_tokens", "48"]);
    fs::write(path.join("train.jsonl"), TRAIN.replace("\"London\"", "\"Paris\"")).expect("written");
    train(SETTINGS, &["Paris"]);
    let output = rere(path, &["train"]);
    assert_eq!(output.status.code(), Some(2), "wrong use: {}", err(&output));
}

const CASREL: &str = r#"
system = "casrel"
[data]
train = "train.jsonl"
dev = "train.jsonl"
[encoder]
random = { model_type = "bert", hidden_size = 16, num_hidden_layers = 1, num_attention_heads = 2, intermediate_size = 16, max_position_embeddings = 48 }
[casrel.tagger]
epochs = 6
batch = 1
[training]
checkpoint_steps = 1
max_tokens = 48
"#;

#[test]
fn a_killed_run_resumes_to_the_same_weights() {
    let arguments = ["train", "--config", "rere.toml", "--out", "model"];
    let of = |settings: &str| {
        let folder = folder();
        fs::write(folder.path().join("rere.toml"), settings).expect("written");
        folder
    };
    for (settings, moments, weights) in [
        (
            SETTINGS,
            &["checkpoint/run", "checkpoint/relation-00000002", "checkpoint/entity-00000003"][..],
            &["relation/model.safetensors", "entity/model.safetensors"][..],
        ),
        (CASREL, &["checkpoint/tagger-00000002", "checkpoint/tagger-00000011"], &["tagger/model.safetensors"]),
    ] {
        let whole = of(settings);
        let output = rere(whole.path(), &arguments);
        assert!(output.status.success(), "{}", err(&output));
        for moment in moments {
            let folder = of(settings);
            let mut child = Command::new(env!("CARGO_BIN_EXE_rere"))
                .args(arguments)
                .current_dir(folder.path())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("starts");
            let model = folder.path().join("model");
            let started = Instant::now();
            while !model.join(moment).exists() && !model.join("config.json").exists() {
                assert!(started.elapsed() < Duration::from_secs(120), "{moment} never came");
                thread::yield_now();
            }
            // SIGKILL on Unix, so the run cannot clean up.
            child.kill().expect("killed");
            child.wait().expect("ended");
            // Succeeds even if the run had finished, so that a scheduler can retry.
            let output = rere(folder.path(), &[&arguments[..], &["--resume"]].concat());
            assert!(output.status.success(), "{}", err(&output));
            for name in weights {
                let read = |folder: &Path| fs::read(folder.join("model").join(name)).expect("written");
                assert!(read(whole.path()) == read(folder.path()), "killed at {moment}: {name} differs");
            }
        }
    }
}

/// Ctrl-C ends a run after its step, and the message says how to continue.
#[cfg(unix)]
#[test]
fn an_interrupted_run_says_how_to_continue() {
    let folder = folder();
    fs::write(folder.path().join("rere.toml"), SETTINGS.replace("epochs = 3", "epochs = 500")).expect("written");
    let arguments = ["train", "--config", "rere.toml", "--out", "model"];
    let child = Command::new(env!("CARGO_BIN_EXE_rere"))
        .args(arguments)
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let started = Instant::now();
    while !folder.path().join("model/checkpoint/relation-00000002").exists() {
        assert!(started.elapsed() < Duration::from_secs(120), "no checkpoint ever came");
        thread::yield_now();
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill").success());
    let output = child.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    assert!(err(&output).contains("interrupted") && err(&output).contains("--resume"), "{}", err(&output));
    // The stopped run is kept unless the user discards it.
    fails(folder.path(), &arguments, &["model", "stopped", "--resume", "--overwrite"]);
    fails(folder.path(), &["extract", "--model", "model", "train.jsonl"], &["stopped", "--resume"]);
}

/// A limit on file sizes makes writing fail half-way, as on a full disk.
#[cfg(unix)]
#[test]
fn a_checkpoint_that_cannot_be_written_leaves_the_last_one() {
    let [whole, folder] = [folder(), folder()];
    for folder in [&whole, &folder] {
        // Long enough to be killed while it runs.
        fs::write(folder.path().join("rere.toml"), SETTINGS.replace("epochs = 3", "epochs = 20")).expect("written");
    }
    let arguments = "train --config rere.toml --out model";
    let output = rere(whole.path(), &arguments.split(' ').collect::<Vec<_>>());
    assert!(output.status.success(), "{}", err(&output));
    let limited = |kib: &str, arguments: &str| {
        // If the signal for a file that is too large is ignored, the write returns an error.
        let script = format!("trap '' XFSZ; ulimit -f {kib}; exec {:?} {arguments}", env!("CARGO_BIN_EXE_rere"));
        let output = Command::new("bash").args(["-c", &script]).current_dir(folder.path()).output().expect("starts");
        (output.status.code(), err(&output))
    };
    let model = folder.path().join("model");
    // The first checkpoint of the relation stage exceeds the limit.
    let (code, message) = limited("4", arguments);
    assert_eq!(code, Some(1), "{message}");
    assert!(message.contains("checkpoint") && message.contains("large"), "{message}");
    assert!(!model.join("config.json").exists() && !model.join("checkpoint/relation-00000001").exists());

    let checkpoints = || -> Vec<_> {
        let Ok(names) = fs::read_dir(model.join("checkpoint")) else { return vec![] };
        let mut names: Vec<_> = names.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        names.retain(|name| name.to_string_lossy().contains("-0"));
        names.sort();
        names
    };
    // A run that is killed, then resumed with the limit, then without.
    let mut child = Command::new(env!("CARGO_BIN_EXE_rere"))
        .args(arguments.split(' '))
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    let started = Instant::now();
    while checkpoints().is_empty() {
        assert!(started.elapsed() < Duration::from_secs(120), "no checkpoint ever came");
        thread::yield_now();
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    let before = checkpoints();
    assert!(!before.is_empty());
    let (code, message) = limited("4", &format!("{arguments} --resume"));
    assert_eq!(code, Some(1), "{message}");
    assert_eq!(checkpoints(), before, "the last good checkpoint is gone");
    let output = rere(folder.path(), &[&arguments.split(' ').collect::<Vec<_>>()[..], &["--resume"]].concat());
    assert!(output.status.success(), "{}", err(&output));
    for name in ["relation/model.safetensors", "entity/model.safetensors"] {
        let read = |folder: &Path| fs::read(folder.join("model").join(name)).expect("written");
        assert!(read(whole.path()) == read(folder.path()), "{name} differs");
    }
}

#[test]
fn plain_text_and_corpora_are_told_apart() {
    let folder = trained();
    let extract = ["extract", "--model", "model"];
    let line: &[u8] = br#"{"id": "a", "text": "Ada was born in London ."}"#;
    // A pipe can deliver the beginning in any parts.
    for parts in [&[line][..], &[b"\n  ", line], &[b"\xef\xbb", b"\xbf", &line[..1], &line[1..]], &[b"[", line, b"]"]] {
        let output = rere_in_parts(folder.path(), &extract, parts);
        assert!(output.status.success(), "{}", err(&output));
        let sentence: serde_json::Value = serde_json::from_str(&out(&output)).expect("a sentence");
        assert_eq!(sentence["id"], "a", "{parts:?}");
    }
    for text in ["[1] Ada was born in London .", "{ Ada }", "[", "", " \n\n", "PAR"] {
        let output = rere_in_parts(folder.path(), &extract, &[text.as_bytes()]);
        assert!(output.status.success(), "{text:?}: {}", err(&output));
        assert_eq!(out(&output).lines().count(), text.lines().count(), "{text:?}");
    }
    let output = rere_in_parts(folder.path(), &extract, &[b"PAR1\x15\x04"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("parquet"), "{}", err(&output));
}

#[test]
fn extract_reports_what_reading_leaves_out_as_convert_does() {
    let folder = trained();
    let document = r#"[{"title": "t", "sents": [["Ada", "was", "born", "in", "London", "."]],
        "vertexSet": [[{"name": "Ada", "pos": [0, 1], "sent_id": 0, "type": "PER"}, {"name": "Ada", "pos": [0, 1], "sent_id": 0, "type": "PER"}]],
        "labels": [{"h": 0, "t": 0, "r": "P1", "evidence": [0]}]}]"#;
    fs::write(folder.path().join("docred.json"), document).expect("written");
    let reports = |arguments: &[&str]| {
        let output = rere(folder.path(), arguments);
        assert!(output.status.success(), "{}", err(&output));
        err(&output).lines().filter(|line| !line.contains(" sentences, ")).map(str::to_owned).collect::<Vec<_>>()
    };
    let converted = reports(&["convert", "docred.json", "out.jsonl", "--to", "rere"]);
    assert!(!converted.is_empty());
    assert_eq!(reports(&["extract", "--model", "model", "docred.json"]), converted);
}

#[test]
fn formats_that_need_a_file_or_folder_refuse_streams() {
    let folder = folder();
    for (arguments, words) in [
        (&["convert", "train.jsonl", "-", "--to", "brat"][..], "brat"),
        (&["convert", "train.jsonl", "-", "--to", "parquet"], "parquet"),
        (&["convert", "train.jsonl", "out.parquet.gz", "--to", "parquet"], "out.parquet.gz"),
        (&["convert", "-", "out.jsonl", "--to", "rere", "--from", "parquet"], "parquet"),
    ] {
        fails(folder.path(), arguments, &[words]);
    }
    assert!(!folder.path().join("-").exists());
}

#[test]
fn an_empty_corpus_replaces_nothing() {
    let folder = folder();
    fs::write(folder.path().join("empty.jsonl"), "").expect("written");
    for arguments in [
        &["convert", "empty.jsonl", "train.jsonl", "--to", "rere"][..],
        &["clean", "empty.jsonl", "train.jsonl", "--empty"],
        &["drop", "empty.jsonl", "train.jsonl", "--rate", "0.5", "--seed", "1"],
    ] {
        fails(folder.path(), arguments, &["empty.jsonl"]);
    }
    assert_eq!(fs::read_to_string(folder.path().join("train.jsonl")).expect("there"), TRAIN);
}

#[test]
fn contradicting_options_exit_with_2() {
    let folder = folder();
    for (arguments, word) in [
        (&["evaluate", "--gold", "train.jsonl", "--pred", "train.jsonl", "--by", "seen-pairs"][..], "--train"),
        (&["align", "--kb", "a", "--kb", "b", "--entities", "c", "train.jsonl", "out.jsonl"], "--overlap"),
        (&["align", "--kb", "a", "--entities", "b", "--entities", "c", "train.jsonl", "out.jsonl"], "--entities"),
        (&["compare", "--gold", "-", "-", "train.jsonl"], "standard input"),
        (&["stats", "-", "-"], "standard input"),
    ] {
        let output = rere(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", err(&output));
        assert!(err(&output).contains(word), "{arguments:?}: {}", err(&output));
    }
}

#[test]
fn min_f1_includes_its_own_value_and_a_repeated_matcher_counts_once() {
    let folder = folder();
    // 4 true positives, 5 predicted, 5 gold: F1 is 0.8, which has no exact binary form.
    let line = |object: &str| {
        format!("{{\"text\": \"Ada saw Bob and {object} .\", \"triple_list\": [[\"Ada\", \"saw\", \"{object}\"]]}}\n")
    };
    let gold: String = ["Cy", "Dora", "Eve", "Flo", "Gus"].map(line).concat();
    let wrong = gold.replacen("\"saw\", \"Gus\"", "\"saw\", \"Bob\"", 1);
    fs::write(folder.path().join("gold.jsonl"), gold).expect("written");
    fs::write(folder.path().join("wrong.jsonl"), wrong).expect("written");
    let evaluate = ["evaluate", "--gold", "gold.jsonl", "--pred", "wrong.jsonl"];
    let output = rere(folder.path(), &[&evaluate[..], &["--min-f1", "0.8"]].concat());
    assert!(output.status.success(), "{}", err(&output));
    fails(folder.path(), &[&evaluate[..], &["--min-f1", "0.8001"]].concat(), &["below --min-f1 0.8001"]);
    let twice = ["--pred", "gold.jsonl", "--match", "exact", "--match", "exact", "--mean", "--json"];
    let scores: serde_json::Value =
        serde_json::from_str(&out(&rere(folder.path(), &[&evaluate[..], &twice].concat()))).expect("JSON");
    let systems: Vec<&str> =
        scores["scores"].as_array().expect("rows").iter().filter_map(|row| row["system"].as_str()).collect();
    assert_eq!(systems, ["wrong.jsonl", "gold.jsonl", "mean of 2"]);
}

#[test]
fn clean_reports_given_relations_that_no_triple_has() {
    let folder = folder();
    let clean = ["clean", "train.jsonl", "out.jsonl", "--relations"];
    let output = rere(folder.path(), &[&clean[..], &["born in", "--relations", "saw"]].concat());
    assert!(output.status.success(), "{}", err(&output));
    assert!(err(&output).contains("no triple has the relation \"saw\" given by --relations\n"), "{}", err(&output));
    assert!(!err(&output).contains("\"born in\""), "{}", err(&output));
    let output = rere(folder.path(), &[&clean[..], &["born in,saw"]].concat());
    assert!(output.status.success() && err(&output).contains("repeat it for each"), "{}", err(&output));
}

#[test]
fn relation_names_can_contain_commas() {
    let folder = folder();
    let path = folder.path();
    let sentence = r#"{"id":"1","text":"The burst was caused by water pressure .","triples":[{"subject":{"text":"burst"},"relation":"Cause-Effect(e2,e1)","object":{"text":"pressure"}}]}"#;
    fs::write(path.join("one.jsonl"), sentence).expect("written");
    let name = "Cause-Effect(e2,e1)";
    let output = rere(path, &["clean", "one.jsonl", "left.jsonl", "--relations", name]);
    assert!(output.status.success() && !err(&output).contains("note"), "{}", err(&output));
    assert_eq!(fs::read_to_string(path.join("left.jsonl")).expect("written").trim_end(), sentence);
    let evaluate = ["evaluate", "--gold", "one.jsonl", "--pred", "one.jsonl", "--relations"];
    let output = rere(path, &[&evaluate[..], &[name, "--relations", "Other"]].concat());
    assert!(output.status.success(), "{}", err(&output));
    let list = format!("{name},Product-Producer(e1,e2)");
    fails(path, &[&evaluate[..], &[&list]].concat(), &["one.jsonl: sentence 1", name, "repeat it for each"]);
    fails(path, &[&evaluate[..], &["Other"]].concat(), &["one.jsonl: sentence 1", name]);
    fs::write(path.join("train.jsonl"), TRAIN.replace("born in\"", "born(e1,e2)\"")).expect("written");
    assert!(rere(path, &["train", "--config", "rere.toml", "--out", "model"]).status.success());
    let extract = ["extract", "--model", "model", "train.jsonl", "--relations"];
    assert!(rere(path, &[&extract[..], &["born(e1,e2)"]].concat()).status.success());
    fails(path, &[&extract[..], &["born(e1,e2),saw"]].concat(), &["born(e1,e2)", "repeat it for each"]);
}

#[test]
fn tune_keeps_the_thresholds_if_the_model_finds_no_true_positives() {
    let folder = trained();
    let config = folder.path().join("model/config.json");
    let before = fs::read(&config).expect("settings");
    fs::write(folder.path().join("other.jsonl"), TRAIN.replace("born in\"", "x_born_in\"")).expect("written");
    let tune = ["tune", "--model", "model", "other.jsonl"];
    fails(folder.path(), &tune, &["finds none of its triples", "the model has no relation x_born_in"]);
    assert_eq!(fs::read(&config).expect("settings"), before);
}

#[cfg(unix)]
#[test]
fn an_output_that_is_a_symbolic_link_stays_one() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("target.jsonl"), "old").expect("written");
    std::os::unix::fs::symlink("target.jsonl", path("link.jsonl")).expect("linked");
    let convert = |to: &str| rere(folder.path(), &["convert", "train.jsonl", to, "--to", "rere"]);
    assert!(convert("link.jsonl").status.success());
    assert!(fs::symlink_metadata(path("link.jsonl")).expect("there").is_symlink());
    let written = fs::read_to_string(path("target.jsonl")).expect("there");
    assert!(written.starts_with('{'), "{written}");
    // /dev/stdout is such a link.
    std::os::unix::fs::symlink("/proc/self/fd/1", path("stdout")).expect("linked");
    let output = convert("stdout");
    assert!(output.status.success(), "{}", err(&output));
    assert_eq!(out(&output), written);
    assert!(fs::symlink_metadata(path("stdout")).expect("there").is_symlink());
    let shell = format!("{} convert train.jsonl stdout --to rere > file.jsonl", env!("CARGO_BIN_EXE_rere"));
    let status = Command::new("sh").args(["-c", &shell]).current_dir(folder.path()).status().expect("starts");
    assert!(status.success());
    assert_eq!(fs::read_to_string(path("file.jsonl")).expect("there"), written);
    assert!(fs::symlink_metadata(path("stdout")).expect("there").is_symlink());
}

#[cfg(unix)]
#[test]
fn closed_and_full_outputs_neither_stop_training_nor_panic() {
    let folder = folder();
    let shell = |command: &str| {
        let command = format!("{} {command}", env!("CARGO_BIN_EXE_rere"));
        let output = Command::new("bash").args(["-o", "pipefail", "-c", &command]).current_dir(folder.path()).output();
        output.expect("starts")
    };
    let output = shell("train --config rere.toml --out model | true");
    assert!(output.status.success(), "{}", err(&output));
    assert!(folder.path().join("model/config.json").exists());
    for command in ["stats train.jsonl > /dev/full", "evaluate --gold train.jsonl --pred train.jsonl > /dev/full"] {
        let output = shell(command);
        assert_eq!(output.status.code(), Some(1), "{command}: {}", err(&output));
        assert!(err(&output).starts_with("rere: "), "{command}: {}", err(&output));
    }
}

/// The writer of the pipe waits for the answer to each line before it writes the next one.
#[test]
fn each_line_of_a_pipe_is_answered_before_the_next() {
    let folder = trained();
    for lines in
        [["Ada was born in London .", "Bob left .", ""], ["{\"text\": \"a\"}", "{\"text\": \"b\"}", "{\"text\": \"\"}"]]
    {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rere"))
            .args(["extract", "--model", "model"])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let mut input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, answers) = mpsc::channel();
        let reader = thread::spawn(move || output.lines().try_for_each(|line| sender.send(line.expect("text"))));
        for line in lines {
            writeln!(input, "{line}").expect("written");
            let Ok(answer) = answers.recv_timeout(Duration::from_secs(60)) else {
                child.kill().expect("killed");
                panic!("{line:?} was held back");
            };
            assert!(serde_json::from_str::<serde_json::Value>(&answer).expect("JSON")["text"].is_string());
        }
        drop(input);
        assert!(child.wait().expect("ends").success());
        assert!(reader.join().expect("ends").is_ok() && answers.recv().is_err());
    }
}

#[test]
fn a_closed_output_is_not_an_error() {
    let folder = trained();
    for (name, content) in [("kb.tsv", "a\tborn in\tb\n"), ("entities.tsv", "a\t\tAda\nb\t\tLondon\n")] {
        fs::write(folder.path().join(name), content).expect("written");
    }
    let closed = |arguments: &[&str]| {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = Command::new(env!("CARGO_BIN_EXE_rere"));
        command.args(arguments).current_dir(folder.path()).stdin(Stdio::null()).stdout(writer).output().expect("runs")
    };
    let evaluate = ["evaluate", "--gold", "train.jsonl", "--pred", "train.jsonl"];
    for arguments in [
        &["convert", "train.jsonl", "-", "--to", "rere"][..],
        &["convert", "train.jsonl", "-", "--to", "csv"],
        &["clean", "train.jsonl", "-", "--empty"],
        &["drop", "train.jsonl", "-", "--rate", "0.5", "--seed", "1"],
        &["align", "--kb", "kb.tsv", "--entities", "entities.tsv", "train.jsonl", "-"],
        &["align", "--overlap", "--kb", "kb.tsv", "--entities", "entities.tsv", "train.jsonl"],
        &["extract", "--model", "model", "train.jsonl"],
        &["stats", "train.jsonl"],
        &["stats", "train.jsonl", "--json"],
        &["compare", "--gold", "train.jsonl", "train.jsonl", "train.jsonl"],
        &evaluate,
        &[&evaluate[..], &["--json"]].concat(),
        &[&evaluate[..], &["--csv"]].concat(),
        &[&evaluate[..], &["--markdown"]].concat(),
    ] {
        let output = closed(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", err(&output));
        assert!(!err(&output).contains("rere:") && !err(&output).contains("panicked"), "{}", err(&output));
    }
    // Nor is a closed standard error.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let status = Command::new(env!("CARGO_BIN_EXE_rere"))
        .args(["convert", "train.jsonl", "out.jsonl", "--to", "rere"])
        .current_dir(folder.path())
        .stderr(writer)
        .status();
    assert!(status.expect("runs").success() && folder.path().join("out.jsonl").exists());
    fs::write(folder.path().join("other.jsonl"), TRAIN.replace("born in\"", "saw\"")).expect("written");
    let output = closed(&["evaluate", "--gold", "train.jsonl", "--pred", "other.jsonl", "--min-f1", "0.5"]);
    assert_eq!(output.status.code(), Some(1), "--min-f1 is checked even if the output is closed: {}", err(&output));
}

/// The help of each command lists the values of its options.
#[test]
fn help_texts_name_all_formats_and_matchers() {
    let folder = folder();
    let has_words = |command: &str, option: &str, names: &str| {
        let output = rere(folder.path(), &[command, "--help"]);
        let help = out(&output);
        let line = help.lines().find(|line| line.trim_start().starts_with(option)).unwrap_or_default();
        assert!(line.contains(names), "{command} {option}: {names} is not in {line:?}");
    };
    for command in ["extract", "tune", "clean", "drop", "stats", "align"] {
        has_words(command, "--format", &rere_data::Format::names());
    }
    has_words("convert", "--from", &rere_data::Format::names());
    for command in ["evaluate", "compare"] {
        has_words(command, "--match", &rere_eval::Match::names());
    }
    for command in ["extract", "tune", "clean", "drop", "stats", "align", "convert", "evaluate", "compare", "train"] {
        let units = rere_data::OffsetUnit::ALL.map(|unit| format!("{} ({unit})", unit.name()));
        has_words(command, "--offsets", &units.join(" or "));
        has_words(command, "--negative-label", &rere_data::ReadOptions::NEGATIVE_LABELS.join(", "));
    }
}

#[test]
fn binary_input_is_refused() {
    let folder = trained();
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for (name, content, words) in [
        ("paper.pdf", b"%PDF-1.7\n1 0 obj\n".to_vec(), "PDF"),
        ("marked.txt", utf16("\u{feff}Ada was born in London .\n"), "UTF-16"),
        ("unmarked.txt", utf16("Ada was born in London .\n"), "UTF-16"),
    ] {
        fs::write(folder.path().join(name), content).expect("written");
        fails(folder.path(), &["extract", "--model", "model", name], &[name, words]);
        fails(folder.path(), &["stats", name], &[name, words]);
    }
    fs::create_dir(folder.path().join("folder")).expect("made");
    fails(folder.path(), &["tune", "--model", "model", "folder"], &["folder"]);
}

#[test]
fn a_gold_file_without_triples_gives_a_warning() {
    let folder = trained();
    let path = folder.path();
    let labelled = "{\"text\": \"Ada met Bob .\", \"facts\": [[\"Ada\", \"met\", \"Bob\"]]}\n";
    fs::write(path.join("facts.jsonl"), labelled).expect("written");
    let settings = SETTINGS.replace("dev = \"train.jsonl\"", "dev = \"facts.jsonl\"");
    fs::write(path.join("other.toml"), settings).expect("written");
    let warns = |arguments: &[&str]| {
        let errors = err(&rere(path, arguments));
        for words in ["warning: facts.jsonl, read as rere, has 1 sentences and not one triple", ": facts\n"] {
            assert_eq!(errors.matches(words).count(), 1, "{arguments:?}: {words:?} is not once in {errors}");
        }
    };
    let evaluate = ["evaluate", "--gold", "facts.jsonl", "--pred", "one.jsonl", "--pred", "one.jsonl"];
    fs::write(path.join("one.jsonl"), "{\"text\": \"Ada met Bob .\", \"triples\": []}\n").expect("written");
    warns(&evaluate);
    warns(&[&evaluate[..], &["--full", "one.jsonl"]].concat());
    warns(&["compare", "--gold", "facts.jsonl", "one.jsonl", "one.jsonl"]);
    warns(&["tune", "--model", "model", "facts.jsonl"]);
    warns(&["train", "--config", "other.toml", "--out", "other"]);
}

#[test]
fn negative_labels_are_no_triples() {
    let folder = folder();
    let path = folder.path();
    let line = |relation: &str| {
        format!("{{\"text\": \"Ada met Bob .\", \"triple_list\": [[\"Ada\", \"{relation}\", \"Bob\"]]}}\n")
    };
    fs::write(path.join("pairs.jsonl"), [line("no_relation"), line("keine"), line("met")].concat()).expect("written");
    for (options, triples, negatives) in [
        (&[][..], 2, 1),
        (&["--negative-label", "keine", "--negative-label", "no_relation"], 1, 2),
        (&["--negative-label", "keine"], 2, 1),
        (&["--negative-label", ""], 3, 0),
    ] {
        let output = rere(path, &[&["stats", "--json", "pairs.jsonl"][..], options].concat());
        let stats: serde_json::Value = serde_json::from_str(&out(&output)).expect("JSON");
        assert_eq!(stats["triples"], triples, "{options:?}");
        let words = format!("pairs.jsonl:\n{negatives} pairs");
        assert_eq!(err(&output).contains(&words), negatives > 0, "{options:?}: {}", err(&output));
    }
    let evaluate = ["evaluate", "--gold", "pairs.jsonl", "--pred", "pairs.jsonl", "--negative-label", "met", "--json"];
    let scores: serde_json::Value = serde_json::from_str(&out(&rere(path, &evaluate))).expect("JSON");
    assert_eq!(scores["scores"][0]["gold"], 2);
}

#[test]
fn completions_and_man_pages_name_all_commands() {
    let folder = folder();
    let commands = ["align", "clean", "compare", "convert", "drop", "evaluate", "extract", "stats", "train", "tune"];
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = rere(folder.path(), &["completions", shell]);
        assert!(output.status.success(), "{shell}: {}", err(&output));
        let script = out(&output);
        let missing: Vec<_> = commands.iter().filter(|command| !script.contains(*command)).collect();
        assert!(missing.is_empty() && script.contains("config"), "{shell}: {missing:?}");
    }
    let page = rere(folder.path(), &["man"]);
    assert!(page.status.success() && out(&page).contains(".TH rere 1"), "{}", out(&page));
    assert!(rere(folder.path(), &["man", "share/man1"]).status.success());
    let read = |name: &str| fs::read_to_string(folder.path().join("share/man1").join(name)).expect(name);
    assert_eq!(read("rere.1"), out(&page));
    for command in commands {
        let page = read(&format!("rere-{command}.1"));
        assert!(
            page.contains(".SH EXAMPLES\n") && page.contains(&format!(".TH rere-{command} 1")),
            "{command}: {page}"
        );
    }
    fails(folder.path(), &["man", "train.jsonl/man1"], &["train.jsonl/man1"]);
}
