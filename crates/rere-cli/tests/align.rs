//! The command `rere align`.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in [
        ("a.tsv", "/m/1\t/person/born\t/m/2\n/m/1\t/person/likes\t/m/3\n"),
        ("b.tsv", "Q1\tP19\tQ2\nQ2\tP47\tQ3\n"),
        ("entities.tsv", "/m/1\tQ1\tAda\n/m/2\tQ2\tLondon\n/m/3\tQ3\t北京\tX\n"),
        ("map.json", r#"{"P19": "/person/born", "P20": "/person/died"}"#),
        (
            "corpus.json",
            r#"[{"text": "Ada left London for 北京", "triple_list": [["Ada", "/person/left", "London"]]}, {"text": "ADA", "triple_list": []}]"#,
        ),
    ] {
        fs::write(folder.path().join(name), content).expect("written");
    }
    folder
}

fn rere(folder: &Path, arguments: &str) -> Output {
    let arguments = arguments.split_whitespace();
    Command::new(env!("CARGO_BIN_EXE_rere")).args(arguments).current_dir(folder).output().expect("runs")
}

/// Runs the command with this standard input.
fn rere_with_input(folder: &Path, arguments: &str, input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rere"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    // With wrong options, the command ends before it reads.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    child.wait_with_output().expect("ends")
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", err(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_corpus_is_labelled() {
    let folder = folder();
    let output = rere(folder.path(), "align --kb a.tsv --entities entities.tsv corpus.json out.jsonl");
    out(&output);
    assert!(err(&output).contains("2 sentences, 1 of them with triples, 3 mentions, 2 triples"), "{}", err(&output));
    assert!(err(&output).contains("a.tsv: 3 entities"), "{}", err(&output));
    assert!(err(&output).contains("3 different names are searched for, 1 are too short"), "{}", err(&output));
    let written = rere_data::read(&folder.path().join("out.jsonl")).expect("a corpus");
    let triples: Vec<[&str; 3]> = written[0]
        .triples
        .iter()
        .map(|triple| [triple.subject.text.as_str(), &triple.relation, &triple.object.text])
        .collect();
    assert_eq!(triples, [["Ada", "/person/born", "London"], ["Ada", "/person/likes", "北京"]]);
    assert!(written[0].triples[1].object.span.is_some() && written[1].triples.is_empty());

    let folded = rere(folder.path(), "align --kb a.tsv --entities entities.tsv --fold corpus.json out.jsonl");
    out(&folded);
    assert!(err(&folded).contains("4 mentions"), "{}", err(&folded));
    fs::write(folder.path().join("york.tsv"), "/m/1\t\tada  lovelace\n/m/2\t\tNew York\n").expect("written");
    fs::write(folder.path().join("spaces.jsonl"), r#"{"text": "Ada\nLovelace left New  York", "triples": []}"#)
        .expect("written");
    let spaces = rere(folder.path(), "align --kb a.tsv --entities york.tsv --fold spaces.jsonl spaced.jsonl");
    out(&spaces);
    assert!(err(&spaces).contains("2 mentions, 1 triples"), "{}", err(&spaces));
    let mapped = rere(folder.path(), "align --kb b.tsv --entities entities.tsv --map map.json corpus.json out.jsonl");
    out(&mapped);
    assert!(err(&mapped).contains("3 mentions, 1 triples"), "{}", err(&mapped));
    assert!(err(&mapped).contains("1 triples"), "{}", err(&mapped));
    assert!(err(&mapped).contains("1 relations of the map"), "{}", err(&mapped));
}

#[test]
fn hidden_facts_are_no_labels() {
    let folder = folder();
    for (hide, words) in [
        ("--hide 1", "3 mentions, 0 triples"),
        ("--hide 0 --hide-seed 3", "3 mentions, 2 triples"),
        ("", "3 mentions, 2 triples"),
    ] {
        let output =
            rere(folder.path(), &format!("align --kb a.tsv --entities entities.tsv {hide} corpus.json out.jsonl"));
        out(&output);
        assert!(err(&output).contains(words), "{}", err(&output));
        assert_eq!(err(&output).contains("2 of 2 facts hidden"), hide == "--hide 1", "{}", err(&output));
    }
    let output = rere(folder.path(), "align --kb a.tsv --entities entities.tsv --hide 2 corpus.json out.jsonl");
    assert_eq!(output.status.code(), Some(2), "{}", err(&output));
    assert!(err(&output).contains("from 0 to 1, found 2"), "{}", err(&output));
}

#[test]
fn knowledge_bases_without_a_file_of_entities() {
    let folder = folder();
    let label = |id: &str, name: &str| format!("<{id}> <http://www.w3.org/2000/01/rdf-schema#label> \"{name}\"@de .\n");
    let rdf = [label("a", "Ada"), label("l", "London"), "<a> <born> <l> .\n<a> <r> .\n".to_owned()].concat();
    fs::write(folder.path().join("names.csv"), "tail,head,relation,score\nLondon,Ada,born,1\n").expect("written");
    fs::write(folder.path().join("kb.nt"), rdf).expect("written");
    for (kb, words) in [
        ("names.csv", ["2 mentions, 1 triples", "columns not used: score"]),
        (
            "kb.nt --language de",
            ["2 mentions, 1 triples", "warning: 1 lines left out: not N-Triples; first kb.nt, line 4"],
        ),
    ] {
        let output = rere(folder.path(), &format!("align --kb {kb} corpus.json out.jsonl"));
        out(&output);
        assert!(words.iter().all(|words| err(&output).contains(words)), "{}", err(&output));
        assert!(!err(&output).contains("no sentence got a triple"), "{}", err(&output));
    }
    // One knowledge base has names, the other one ids.
    let compared = Command::new(env!("CARGO_BIN_EXE_rere"))
        .args("align --overlap --kb names.csv --kb a.tsv --entities".split(' '))
        .args(["", "--entities", "entities.tsv", "corpus.json"])
        .current_dir(folder.path())
        .output()
        .expect("runs");
    assert!(out(&compared).contains("a.tsv"), "{}", out(&compared));
}

#[test]
fn no_triple_is_a_warning_that_says_why() {
    let folder = folder();
    fs::write(folder.path().join("names.tsv"), "ADAH\tr\tLONDON\n").expect("written");
    fs::write(folder.path().join("other.tsv"), "Ada\tr\tParis\n").expect("written");
    for (arguments, words) in [
        ("--kb names.tsv", "none of the 2 names is in the text; check that the names are not ids"),
        ("--kb other.tsv", "1 names are in the text, but no sentence has two"),
        (
            "--kb other.tsv --entities entities.tsv",
            "no fact between two entities with names; check that --entities fits",
        ),
        ("--kb a.tsv --entities entities.tsv --hide 1", "3 names are in the text, but"),
    ] {
        let output = rere(folder.path(), &format!("align {arguments} corpus.json out.jsonl"));
        // The output is complete.
        out(&output);
        assert!(err(&output).contains("warning: no sentence got a triple"), "{}", err(&output));
        assert!(err(&output).contains(words), "{}", err(&output));
    }
}

#[test]
fn names_of_several_entities() {
    let folder = folder();
    fs::write(folder.path().join("two.tsv"), "/m/1\tAda\n/m/2\tLondon\n/m/9\tLondon\n").expect("written");
    for (how, words, triples) in [
        ("keep", "1 names are shared by several entities: they mean each of them", "1 triples"),
        ("skip", "they are skipped", "0 triples"),
        ("frequent", "they mean the entity with the most facts", "1 triples"),
    ] {
        let output = rere(
            folder.path(),
            &format!("align --ambiguous {how} --kb a.tsv --entities two.tsv corpus.json out.jsonl"),
        );
        out(&output);
        assert!(err(&output).contains(words) && err(&output).contains(triples), "{}", err(&output));
    }
    let output = rere(folder.path(), "align --ambiguous x --kb a.tsv corpus.json out.jsonl");
    assert_eq!(output.status.code(), Some(2), "{}", err(&output));
}

#[test]
fn labelling_keeps_types_and_entities_of_the_corpus() {
    let folder = folder();
    let line = r#"{"text": "Ada left London", "triples": [{"subject": {"text": "London", "start": 9, "end": 15, "type": "LOC"}, "relation": "r", "object": {"text": "left", "start": 4, "end": 8}}], "entities": [{"text": "Ada", "start": 0, "end": 3, "type": "PER"}]}"#;
    fs::write(folder.path().join("typed.jsonl"), line).expect("written");
    out(&rere(folder.path(), "align --kb a.tsv --entities entities.tsv typed.jsonl out.jsonl"));
    let written = rere_data::read(&folder.path().join("out.jsonl")).expect("a corpus");
    let triple = &written[0].triples[0];
    let types = triple.mentions().map(|mention| mention.entity_type.as_deref());
    assert_eq!(types, [Some("PER"), Some("LOC")]);
    let entities: Vec<&str> = written[0].entities.iter().map(|mention| mention.text.as_str()).collect();
    assert_eq!(entities, ["left"]);
}

#[test]
fn fields_that_cannot_be_kept_are_reported() {
    let folder = folder();
    let line = r#"{"text": "Ada left London", "spo_list": [{"subject": "Ada", "predicate": "left", "object": "London", "since": 1}]}"#;
    fs::write(folder.path().join("duie.jsonl"), line).expect("written");
    for arguments in [
        "align --kb a.tsv --entities entities.tsv duie.jsonl out.jsonl",
        "align --overlap --kb a.tsv --entities entities.tsv duie.jsonl",
    ] {
        let output = rere(folder.path(), arguments);
        out(&output);
        assert!(err(&output).contains("1 other fields"), "{arguments}: {}", err(&output));
    }
}

#[test]
fn standard_input_is_read_once() {
    let folder = folder();
    let entities = "/m/1\tQ1\tAda\n/m/2\n";
    let output = rere_with_input(folder.path(), "align --kb a.tsv --entities - corpus.json out.jsonl", entities);
    assert!(!output.status.success() && err(&output).contains("standard input, line 2"), "{}", err(&output));
    let output = rere_with_input(folder.path(), "align --kb a.tsv --entities entities.tsv - out.jsonl", "");
    assert!(!output.status.success() && err(&output).contains("standard input"), "{}", err(&output));
    // `--map -` means no map, and does not read standard input.
    let table = "align --overlap --kb - --map - --entities entities.tsv corpus.json";
    let output = rere_with_input(folder.path(), table, "Q1\tr\tQ2\n");
    assert!(out(&output).contains("standard input\n"), "{}", out(&output));
    for arguments in [
        "align --kb - --entities - corpus.json out.jsonl",
        "align --kb - --entities entities.tsv - out.jsonl",
        "align --kb a.tsv --entities - - out.jsonl",
        "align --overlap --kb a.tsv --kb b.tsv --entities - corpus.json",
        "align --overlap --kb - --kb - --entities entities.tsv corpus.json",
    ] {
        let output = rere(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {}", err(&output));
        assert!(err(&output).contains("can be read only once"), "{arguments}: {}", err(&output));
    }
    assert!(!folder.path().join("out.jsonl").exists());
}

#[test]
fn labellings_are_compared() {
    let folder = folder();
    let kbs = "align --overlap --own --kb a.tsv --kb b.tsv --entities entities.tsv --map - --map map.json corpus.json";
    let table = out(&rere(folder.path(), kbs));
    let cells: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    // Counted by hand: own {left}, a {born, likes}, b {born}; no triple is in all three.
    assert_eq!(
        cells,
        [
            vec!["1", "1", "0.667", "0.667", "own"],
            vec!["2", "2", "0.333", "0.333", "a.tsv"],
            vec!["1", "1", "0.667", "0.667", "b.tsv"],
            vec!["0", "0", "all"],
            vec!["3", "3", "either"],
        ]
    );
}

#[test]
fn unusable_input_is_an_error() {
    let folder = folder();
    fs::write(folder.path().join("bad.tsv"), "/m/1\tr\t/m/2\n/m/1\tr\n").expect("written");
    fs::write(folder.path().join("twice.json"), "{\"P19\": \"born\",\n\"P19\": \"died\"}").expect("written");
    fs::write(folder.path().join("empty.jsonl"), "\n").expect("written");
    fs::write(folder.path().join("bad.jsonl"), "{\"text\": \"a\", \"triple_list\": []}\n{").expect("written");
    fs::write(folder.path().join("out.jsonl"), "old").expect("written");
    for (arguments, code, words) in [
        ("align --kb bad.tsv --entities entities.tsv corpus.json out.jsonl", 1, "bad.tsv, line 2"),
        ("align --kb a.tsv --entities none.tsv corpus.json out.jsonl", 1, "none.tsv"),
        ("align --kb a.tsv --entities entities.tsv a.tsv out.jsonl", 1, "a.tsv, line 1"),
        ("align --kb a.tsv --kb b.tsv --entities entities.tsv corpus.json out.jsonl", 2, "--overlap"),
        ("align --kb a.tsv --entities entities.tsv --map - --map - corpus.json out.jsonl", 2, "--map is given 2 times"),
        ("align --kb b.tsv --entities entities.tsv --map twice.json corpus.json out.jsonl", 1, "twice.json, line 2"),
        ("align --overlap --kb a.tsv --entities entities.tsv empty.jsonl", 1, "empty.jsonl"),
        ("align --kb a.tsv --entities entities.tsv empty.jsonl out.jsonl", 1, "empty.jsonl"),
        ("align --overlap --kb a.tsv --entities entities.tsv bad.jsonl", 1, "bad.jsonl, line 2"),
        ("align --kb a.tsv --entities entities.tsv corpus.json", 2, "OUT"),
        ("align --kb a.tsv --entities entities.tsv --own corpus.json out.jsonl", 2, "--own"),
    ] {
        let output = rere(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments}: {}", err(&output));
        assert!(err(&output).contains(words), "{arguments}: {}", err(&output));
        assert!(!err(&output).contains("panicked") && output.stdout.is_empty(), "{}", err(&output));
    }
    // An existing output file is not changed.
    assert_eq!(fs::read_to_string(folder.path().join("out.jsonl")).expect("text"), "old");
}
