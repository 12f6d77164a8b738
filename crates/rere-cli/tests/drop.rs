//! `rere drop` as a user meets it.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

const CORPUS: &str = r#"{"id":"a","text":"Ada was born in London .","triple_list":[["Ada","born in","London"]]}
{"id":"b","text":"Nothing is said here .","triple_list":[]}
"#;

fn drop(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rere"));
    command.arg("drop").args(["-", "-"]).args(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    // A command that refuses its options ends before it reads.
    let _ = child.stdin.take().expect("an input").write_all(CORPUS.as_bytes());
    child.wait_with_output().expect("ended")
}

fn lines(output: &Output) -> usize {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).count()
}

#[test]
fn sentences_that_lose_all_go_unless_kept() {
    assert_eq!(lines(&drop(&["--rate", "0", "--seed", "1"])), 2);
    let output = drop(&["--rate", "1", "--seed", "1"]);
    assert_eq!(lines(&output), 1);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(told, "1 of 1 triples removed; 1 of 2 sentences lost their last one\n");
    assert_eq!(lines(&drop(&["--rate", "1", "--seed", "1", "--keep-empty"])), 2);
}

#[test]
fn wrong_use_is_told() {
    for (arguments, part) in [
        (&["--rate", "1.5", "--seed", "1"][..], "1.5"),
        (&["--rate", "0.5"], "--seed"),
        (&["--rate", "0.5", "--seed", "1", "--by", "chance"], "none of triple, relation and pair"),
    ] {
        let output = drop(arguments);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && told.contains(part), "{told}");
    }
}
