//! Many files and many processes: `rere extract --shard` and `rere manifest`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
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
max_tokens = 48
"#;

const TRAIN: &str = r#"{"text": "Ada was born in London .", "triple_list": [["Ada", "born in", "London"]]}
{"text": "Bob was born in 北京 .", "triple_list": [["Bob", "born in", "北京"]]}
{"text": "Nothing is said here .", "triple_list": []}
"#;

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rere"));
    command.args(arguments).current_dir(folder).env("HF_HUB_OFFLINE", "1").stdin(Stdio::null());
    command
}

fn rere(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command(folder, arguments).output().expect("starts");
    let [out, err] = [stdout, stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(!err.contains("panicked"), "{arguments:?}: {err}");
    (status.code(), out, err)
}

/// Runs a command that must succeed, and returns its standard output and standard error together.
fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let (code, out, err) = rere(folder, arguments);
    assert_eq!(code, Some(0), "{arguments:?}: {out}{err}");
    out + &err
}

/// Runs a command that must fail with exit code 1, and returns its standard error, which has these words.
fn fails(folder: &Path, arguments: &[&str], words: &[&str]) -> String {
    let (code, _, err) = rere(folder, arguments);
    assert_eq!(code, Some(1), "{arguments:?}: {err}");
    for word in words {
        assert!(err.contains(word), "{arguments:?}: {word:?} is not in {err}");
    }
    err
}

/// A folder with a model that finds triples in each sentence.
fn trained() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "rere.toml", SETTINGS);
    write(folder.path(), "train.jsonl", TRAIN);
    succeeds(folder.path(), &["train", "--config", "rere.toml", "--out", "model"]);
    succeeds(folder.path(), &["tune", "--model", "model", "--detect", "0", "--decode", "0.1", "--triple", "0"]);
    folder
}

fn write(folder: &Path, name: &str, content: impl AsRef<[u8]>) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, content).expect("written");
}

/// Sentences with the ids `NAME-0` and so on.
fn sentences(name: &str, count: usize) -> String {
    let sentence = |at: usize| {
        let (person, city) = (["Ada", "Bob", "Cy 👩\u{200d}🚀", "Dora"][at % 4], ["London", "北京", "Łódź"][at % 3]);
        let more = " and nothing is said here".repeat(at % 5);
        format!("{{\"id\": \"{name}-{at}\", \"text\": \"{person} was born in {city}{more} .\", \"page\": {at}}}\n")
    };
    (0..count).map(sentence).collect()
}

/// Files of all kinds, in nested folders: 132 sentences in seven files, and what is not extracted from.
fn make_inputs(folder: &Path) {
    write(folder, "in/a.jsonl", sentences("a", 40));
    write(folder, "in/2026/01/b.ndjson", sentences("b", 30));
    write(folder, "in/2026/02/a.json", sentences("c", 9));
    write(folder, "in/2026/02/empty.jsonl", "");
    for (name, to, count) in
        [("d", "in/d.jsonl.gz", 25), ("e", "in/2026/e.jsonl.zst", 17), ("f", "in/2026/f.parquet", 11)]
    {
        write(folder, "plain.jsonl", sentences(name, count));
        let format = if to.ends_with(".parquet") { "parquet" } else { "rere" };
        succeeds(folder, &["convert", "plain.jsonl", to, "--to", format]);
    }
    for name in ["in/_SUCCESS", "in/.a.jsonl.crc", "in/_temporary/g.jsonl", "in/2026/notes.txt"] {
        write(folder, name, "{\"id\": 3}");
    }
}

fn shard(folder: &Path, shard: &str, more: &[&str]) -> String {
    succeeds(folder, &[&["extract", "--shard", shard, "--model", "model", "in", "--output", "out"], more].concat())
}

/// All files in a folder, without the folder's name, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        match path.is_dir() {
            true => names.extend(self::names(&path).iter().map(|inner| format!("{name}/{inner}"))),
            false => names.push(name),
        }
    }
    names.sort();
    names
}

/// Sentences of outputs by their id, which must be unique. Parquet and compressed files are converted.
fn outputs(folder: &Path) -> BTreeMap<String, Value> {
    let mut sentences = BTreeMap::new();
    for name in
        names(&folder.join("out")).iter().filter(|name| !name.rsplit('/').next().expect("a name").starts_with('_'))
    {
        if fs::metadata(folder.join("out").join(name)).expect("there").len() == 0 {
            continue;
        }
        succeeds(folder, &["convert", "--to", "rere", &format!("out/{name}"), "back.jsonl"]);
        for line in fs::read_to_string(folder.join("back.jsonl")).expect("written").lines() {
            let sentence: Value = serde_json::from_str(line).expect("JSON");
            let id = sentence["id"].as_str().expect("an id").to_owned();
            assert!(sentences.insert(id.clone(), sentence).is_none(), "{id} is there twice");
        }
    }
    sentences
}

/// Removes the scores of a sentence, and returns them.
fn take_scores(sentence: &mut Value) -> Vec<f64> {
    let triples = sentence["triples"].as_array_mut().expect("triples");
    let scores = triples.iter_mut().map(|triple| triple.as_object_mut()?.remove("score")?.as_f64());
    scores.collect::<Option<_>>().expect("scores")
}

fn read_json(folder: &Path, name: &str) -> Value {
    serde_json::from_slice(&fs::read(folder.join(name)).expect(name)).expect("JSON")
}

const MANIFEST: [&str; 4] = ["manifest", "in", "--output", "out"];

#[test]
fn shards_together_are_one_process() {
    let folder = trained();
    let folder = folder.path();
    make_inputs(folder);
    let logs = ["1/3", "2/3", "3/3"].map(|number| shard(folder, number, &[]));
    assert!(logs[0].contains("note: 1 files are neither Parquet nor JSON lines: 2026/notes.txt"), "{}", logs[0]);
    assert!(logs.iter().all(|log| log.contains(" of them done before, ")), "{logs:?}");
    let expected = [
        "2026/01/b.ndjson",
        "2026/02/a.json",
        "2026/02/empty.jsonl",
        "2026/e.jsonl.zst",
        "2026/f.parquet",
        "a.jsonl",
        "d.jsonl.gz",
    ];
    let record = |name: &&str| match name.rsplit_once('/') {
        Some((folder, name)) => format!("{folder}/_{name}.done.json"),
        None => format!("_{name}.done.json"),
    };
    let mut files: Vec<String> =
        expected.iter().map(|name| (*name).to_owned()).chain(expected.iter().map(record)).collect();
    files.sort();
    assert_eq!(names(&folder.join("out")), files);
    assert!(fs::read(folder.join("out/2026/f.parquet")).expect("there").starts_with(b"PAR1"));
    assert!(fs::read(folder.join("out/d.jsonl.gz")).expect("there").starts_with(b"\x1f\x8b"));
    assert!(fs::read(folder.join("out/2026/e.jsonl.zst")).expect("there").starts_with(b"\x28\xb5\x2f\xfd"));

    // One process that reads all sentences at once, in other batches.
    let all: String = [("a", 40), ("b", 30), ("c", 9), ("d", 25), ("e", 17), ("f", 11)]
        .map(|(name, count)| sentences(name, count))
        .concat();
    write(folder, "all.jsonl", all);
    succeeds(folder, &["extract", "--model", "model", "all.jsonl", "--output", "one.jsonl"]);
    let one = fs::read_to_string(folder.join("one.jsonl")).expect("written");
    let mut found = outputs(folder);
    let mut triples = 0;
    for line in one.lines() {
        let mut expected: Value = serde_json::from_str(line).expect("JSON");
        let mut sentence = found.remove(expected["id"].as_str().expect("an id")).expect("found by a shard");
        let (scores, expected_scores) = (take_scores(&mut sentence), take_scores(&mut expected));
        triples += scores.len();
        assert!(scores.iter().zip(&expected_scores).all(|(a, b)| (a - b).abs() < 1e-5), "{sentence}");
        assert_eq!(sentence, expected);
    }
    assert!(found.is_empty() && triples > 0, "{triples} triples, {found:?}");

    let log = succeeds(folder, &MANIFEST);
    assert!(log.contains(&format!("7 files, 132 rows, {triples} triples")), "{log}");
    let manifest = read_json(folder, "out/_manifest.json");
    assert_eq!((&manifest["rows"], &manifest["triples"]), (&132.into(), &triples.into()));
    let records = manifest["records"].as_array().expect("records");
    assert_eq!(records.iter().map(|record| record["name"].as_str().expect("a name")).collect::<Vec<_>>(), expected);
    assert!(records.iter().all(|record| record["model"] == manifest["model"]));
    assert_eq!(records[5], read_json(folder, "out/_a.jsonl.done.json"));
    // Our own outputs and records can be read as inputs of a next step: records and manifest are no data.
    succeeds(folder, &["extract", "--shard", "1/1", "--model", "model", "out", "--output", "again"]);
    assert_eq!(names(&folder.join("again")).len(), 14);
}

#[test]
fn a_second_run_does_nothing_and_finishes_what_is_missing() {
    let folder = trained();
    let folder = folder.path();
    make_inputs(folder);
    shard(folder, "1/1", &[]);
    let out = folder.join("out");
    let content = |name: &str| fs::read(out.join(name)).expect(name);
    let state = || -> Vec<_> {
        let modified = |name: &String| fs::metadata(out.join(name)).expect("there").modified().expect("a time");
        names(&out).iter().map(|name| (name.clone(), modified(name))).collect()
    };
    let before = state();
    let log = shard(folder, "1/1", &[]);
    assert!(log.contains("shard 1/1: 7 files, 7 of them done before, 0 sentences, 0 triples"), "{log}");
    assert_eq!(state(), before);

    // Another number of shards finds the same files done.
    let log = ["1/2", "2/2"].map(|number| shard(folder, number, &[])).concat();
    assert_eq!(log.matches(", 0 sentences, 0 triples").count(), 2, "{log}");

    // No record: not done. An output of another size: not whole.
    let (whole, parquet) = (content("a.jsonl"), content("2026/f.parquet"));
    write(&out, "a.jsonl", &whole[..whole.len() / 2]);
    fs::remove_file(out.join("_a.jsonl.done.json")).expect("removed");
    write(&out, "2026/f.parquet", &parquet[..parquet.len() / 2]);
    fs::remove_file(out.join("d.jsonl.gz")).expect("removed");
    // What killed processes leave. The second is that of another job, which may still run.
    write(&out, "2026/.f.parquet.Ab12Cd.tmp", "PAR1");
    write(&out, "2026/.g.parquet.Ab12Cd.tmp", "PAR1");
    write(&out, "._a.jsonl.done.json.Ab12Cd.tmp", "{");
    let log = shard(folder, "1/1", &[]);
    assert!(log.contains("7 files, 4 of them done before, 76 sentences"), "{log}");
    assert!(content("a.jsonl") == whole && content("2026/f.parquet") == parquet);
    let left: Vec<_> = names(&out).into_iter().filter(|name| name.ends_with(".tmp")).collect();
    assert_eq!(left, ["2026/.g.parquet.Ab12Cd.tmp"]);
    succeeds(folder, &MANIFEST);
}

#[test]
fn a_killed_process_loses_and_repeats_nothing() {
    let folder = trained();
    let folder = folder.path();
    for at in 0..8 {
        write(folder, &format!("in/part-{at}.jsonl"), sentences(&format!("p{at}"), 1500));
    }
    let out = folder.join("out");
    let records = || -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&out) else { return Vec::new() };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        paths.filter(|path| path.to_string_lossy().ends_with(".done.json")).collect()
    };
    for _ in 0..3 {
        let before = records().len();
        let mut child = command(folder, &["extract", "--shard", "1/1", "--model", "model", "in", "--output", "out"])
            .stderr(Stdio::null())
            .spawn()
            .expect("starts");
        let started = Instant::now();
        while records().len() == before && before < 8 {
            assert!(started.elapsed() < Duration::from_secs(120), "no record ever came");
            thread::yield_now();
        }
        child.kill().expect("killed");
        child.wait().expect("ended");
    }
    let done = records().len();
    assert!(done >= 3, "{done} records after three runs");
    let log = shard(folder, "1/1", &[]);
    assert!(log.contains(&format!("8 files, {done} of them done before")), "{log}");
    assert_eq!(names(&out).len(), 16, "{:?}", names(&out));
    let log = succeeds(folder, &MANIFEST);
    assert!(log.contains("8 files, 12000 rows"), "{log}");
    assert_eq!(outputs(folder).len(), 12_000);
}

#[test]
fn another_model_option_or_input_is_an_error() {
    let folder = trained();
    let folder = folder.path();
    make_inputs(folder);
    shard(folder, "1/1", &["--min-score", "0.3"]);
    let before = names(&folder.join("out"));
    let extract = ["extract", "--shard", "1/1", "--model", "model", "in", "--output", "out"];
    let refused = |more: &[&str], words: &[&str]| {
        let arguments = [&extract[..], more].concat();
        fails(folder, &arguments, &[&["extracted differently", "--output", ".done.json"], words].concat());
        assert_eq!(names(&folder.join("out")), before);
    };
    refused(&[], &["min_score is 0.3, not null"]);
    let same = ["--min-score", "0.3"];
    for (more, words) in [
        (&["--relations", "born in"][..], "relations is null, not [\"born in\"]"),
        (&["--most", "1"], "constraints is {\"overlap\":false}, not {\"overlap\":false,\"most\":1}"),
        (&["--mentions"], "mentions is false, not true"),
        (&["--split", "all"], "split is \"text\", not \"all\""),
        (&["--precision", "bf16"], "precision is \"f32\", not \"bf16\""),
    ] {
        refused(&[&same[..], more].concat(), &[words]);
    }
    // Batches do not change the result.
    succeeds(folder, &[&extract[..], &same, &["--batch-tokens", "64"]].concat());
    let input = fs::read_to_string(folder.join("in/a.jsonl")).expect("there");
    write(folder, "in/a.jsonl", input.replace("Dora", "Cleo"));
    refused(&same, &["a.jsonl", "has changed since"]);
    write(folder, "in/a.jsonl", input);
    succeeds(folder, &[&extract[..], &same].concat());
    succeeds(folder, &["tune", "--model", "model", "--triple", "0.2"]);
    refused(&same, &["the model is "]);
    // A record of another kind.
    let record = "out/2026/01/_b.ndjson.done.json";
    write(folder, record, "{}");
    fails(folder, &extract, &[record, "remove it"]);
}

#[test]
fn the_manifest_finds_all_that_is_wrong() {
    let folder = trained();
    let folder = folder.path();
    make_inputs(folder);
    fails(folder, &MANIFEST, &["out"]);
    shard(folder, "1/1", &[]);
    succeeds(folder, &MANIFEST);
    let out = folder.join("out");
    let read = |name: &str| fs::read(out.join(name)).expect(name);
    let finds = |words: &[&str]| {
        let err = fails(folder, &MANIFEST, words);
        assert_eq!(err.lines().filter(|line| !line.starts_with("note: ")).count(), words.len() + 1, "{err}");
        assert!(!out.join("_manifest.json").exists(), "an older manifest is not true any more");
    };
    // Rows swapped: also if the record were that of the swapped file.
    let rows = String::from_utf8(read("a.jsonl")).expect("UTF-8");
    let mut lines: Vec<&str> = rows.lines().collect();
    lines.swap(3, 8);
    write(&out, "a.jsonl", lines.join("\n") + "\n");
    finds(&["a.jsonl: damaged"]);
    let record = read("_a.jsonl.done.json");
    let forge = || {
        let mut record: Value = serde_json::from_slice(&record).expect("JSON");
        let path = out.join("a.jsonl");
        record["output"]["bytes"] = fs::metadata(&path).expect("there").len().into();
        record["output"]["sha256"] = rere_data::sha256_of_file(&path).expect("read").into();
        write(&out, "_a.jsonl.done.json", record.to_string());
    };
    forge();
    finds(&["a.jsonl: row 4 has another id or text"]);
    for (lines, problem) in [
        (rows.lines().take(39).collect::<Vec<_>>(), "a.jsonl: only 39 rows, the input has more"),
        (rows.lines().chain(rows.lines().take(1)).collect(), "a.jsonl: more rows than the 40 of the input"),
    ] {
        write(&out, "a.jsonl", lines.join("\n") + "\n");
        forge();
        finds(&[problem]);
    }
    write(&out, "a.jsonl", &rows);
    write(&out, "_a.jsonl.done.json", &record);
    succeeds(folder, &MANIFEST);

    // Everything at once: missing, truncated, changed, of another option, of no input.
    fs::remove_file(out.join("d.jsonl.gz")).expect("removed");
    fs::remove_file(out.join("2026/01/_b.ndjson.done.json")).expect("removed");
    let parquet = read("2026/f.parquet");
    write(&out, "2026/f.parquet", &parquet[..parquet.len() - 9]);
    write(folder, "in/2026/02/a.json", sentences("c", 10));
    let other = String::from_utf8(record).expect("UTF-8").replace("\"min_score\": null", "\"min_score\": 0.5");
    write(&out, "_a.jsonl.done.json", other);
    write(&out, "2026/left.parquet", "PAR1");
    finds(&[
        "d.jsonl.gz is not found",
        "2026/01/b.ndjson: missing",
        "2026/f.parquet: damaged",
        "2026/02/a.json: the input has changed since",
        "a.jsonl: not as most others: min_score is 0.5, not null",
        "2026/left.parquet: not the output of one of the inputs",
    ]);
}

#[test]
fn a_file_that_cannot_be_read_does_not_stop_the_others() {
    let folder = trained();
    let folder = folder.path();
    write(folder, "in/a.jsonl", "{\"text\": \"Ada .\"}\n{\"text\": 3}\n");
    write(folder, "in/b.jsonl", sentences("b", 3));
    write(folder, "in/c.parquet", "not Parquet");
    let extract = ["extract", "--shard", "1/1", "--model", "model", "in", "--output", "out"];
    fails(
        folder,
        &extract,
        &["a.jsonl, line 2", "c.parquet", "2 of 3 files", "3 files, 0 of them done before, 3 sentences"],
    );
    assert_eq!(names(&folder.join("out")), ["_b.jsonl.done.json", "b.jsonl"]);
}

#[test]
fn lists_of_inputs_are_checked() {
    let folder = trained();
    let folder = folder.path();
    write(folder, "in/a.jsonl", sentences("a", 2));
    write(folder, "more/a.jsonl", sentences("b", 2));
    write(folder, "texts/a.txt", "Ada .");
    let with = |shard: &str, more: &[&str]| {
        let arguments = [&["extract", "--model", "model", "--shard", shard], more].concat();
        let (code, _, err) = rere(folder, &arguments);
        (code, err)
    };
    for wrong in ["0/3", "4/3", "x"] {
        let (code, err) = with(wrong, &["in", "--output", "out"]);
        assert!(code == Some(2) && err.contains("expected I/N"), "{err}");
    }
    for (more, words, expected) in [
        (&["in", "more", "--output", "out"][..], "in/a.jsonl and more/a.jsonl would have the same output", 1),
        (&["texts", "--output", "out"], "expected Parquet files or JSON lines", 1),
        (&["none", "--output", "out"], "none is not found", 1),
        (&["in"], "--output", 2),
        (&["--output", "out"], "--shard needs files or folders", 2),
        (&["in", "--output", "in/out"], "apart from the inputs", 2),
        (&["in", "--output", "in"], "apart from the inputs", 2),
        (&["in", "--output", "."], "apart from the inputs", 2),
        (&["in", "--output", "out", "--html", "page.html"], "--html", 2),
    ] {
        let (code, err) = with("1/1", more);
        assert!(code == Some(expected) && err.contains(words), "{more:?}: {err}");
    }
    let (code, _, err) = rere(folder, &["extract", "--model", "model", "in/a.jsonl", "more/a.jsonl"]);
    assert!(code == Some(2) && err.contains("--shard 1/1"), "{err}");
    // Files and folders together; more shards than files.
    write(folder, "more/b.jsonl", sentences("c", 2));
    let log = (1..=3).map(|number| with(&format!("{number}/3"), &["in/a.jsonl", "more/b.jsonl", "--output", "out"]).1);
    let log: String = log.collect();
    assert!(log.contains("shard 3/3: 0 files, 0 of them done before"), "{log}");
    assert_eq!(names(&folder.join("out")), ["_a.jsonl.done.json", "_b.jsonl.done.json", "a.jsonl", "b.jsonl"]);
    succeeds(folder, &["manifest", "in/a.jsonl", "more/b.jsonl", "--output", "out"]);
}
