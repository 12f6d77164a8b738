//! The command `rere drop`.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

const CORPUS: &str = r#"{"id":"a","text":"Ada was born in London .","triple_list":[["Ada","born in","London"]]}
{"id":"b","text":"Nothing is said here .","triple_list":[]}
"#;

fn rere_drop(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rere"));
    command.arg("drop").args(["-", "-"]).args(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    // With wrong options, the command ends before it reads.
    let _ = child.stdin.take().expect("an input").write_all(CORPUS.as_bytes());
    child.wait_with_output().expect("ended")
}

fn count_lines(output: &Output) -> usize {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).count()
}

#[test]
fn sentences_that_lose_all_triples_are_removed_unless_kept() {
    assert_eq!(count_lines(&rere_drop(&["--rate", "0", "--seed", "1"])), 2);
    let output = rere_drop(&["--rate", "1", "--seed", "1"]);
    assert_eq!(count_lines(&output), 1);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("1 of 1 triples") && message.contains("1 of 2 sentences"), "{message}");
    assert_eq!(count_lines(&rere_drop(&["--rate", "1", "--seed", "1", "--keep-empty"])), 2);
}

#[test]
fn wrong_options_are_refused() {
    for (arguments, words) in [
        (&["--rate", "1.5", "--seed", "1"][..], "1.5"),
        (&["--rate", "0.5"], "--seed"),
        (&["--rate", "0.5", "--seed", "1", "--by", "chance"], "chance"),
    ] {
        let output = rere_drop(arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && message.contains(words), "{message}");
    }
}
