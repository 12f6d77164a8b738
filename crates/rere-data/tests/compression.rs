//! Compressed files and special files: round trips and errors.

use std::{
    fs,
    io::{Read, Write},
    path::Path,
};

use rere_core::{Sentence, Triple};
use rere_data::{DataError, Format, ReadOptions, Reader, open, read, replace_file, write};

fn corpus() -> Vec<Sentence> {
    let sentence = |n: usize| {
        Sentence::new(format!("Zoë {n} lives in 北京 .")).with_id(n.to_string()).with_triples(vec![Triple::of(
            format!("Zoë {n}"),
            "lives in",
            "北京",
        )])
    };
    (0..2000).map(sentence).collect()
}

#[test]
fn the_extension_determines_the_compression() {
    let folder = tempfile::tempdir().expect("a folder");
    let starts: [(&str, &[u8]); 3] =
        [("a.jsonl", b"{"), ("a.jsonl.gz", &[0x1f, 0x8b]), ("a.jsonl.zst", &[0x28, 0xb5, 0x2f, 0xfd])];
    let mut sizes = Vec::new();
    for (name, start) in starts {
        let path = folder.path().join(name);
        write(&path, &corpus(), Format::Rere).expect("written");
        let bytes = fs::read(&path).expect("a file");
        assert!(bytes.starts_with(start), "{name}");
        assert_eq!(read(&path).expect("read"), corpus(), "{name}");
        sizes.push(bytes.len());
    }
    assert!(sizes[1] * 4 < sizes[0] && sizes[2] * 4 < sizes[0], "{sizes:?}");
}

/// Other programs (gzip, pigz) concatenate streams.
#[test]
fn concatenated_streams_are_one_file() {
    let folder = tempfile::tempdir().expect("a folder");
    for end in ["gz", "zst"] {
        let path = folder.path().join(format!("a.jsonl.{end}"));
        write(&path, &corpus(), Format::Rere).expect("written");
        let once = fs::read(&path).expect("a file");
        fs::write(&path, [&once[..], &once[..]].concat()).expect("written");
        let mut text = String::new();
        open(&path).expect("opened").read_to_string(&mut text).expect("read");
        assert_eq!(text.lines().count(), 4000, "{end}");
        assert_eq!(
            Reader::open(&path, &ReadOptions::default()).expect("opened").map_while(Result::ok).count(),
            4000,
            "{end}"
        );
    }
}

#[test]
fn truncated_and_other_files_are_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    for end in ["gz", "zst"] {
        let path = folder.path().join(format!("a.jsonl.{end}"));
        write(&path, &corpus(), Format::Rere).expect("written");
        let whole = fs::read(&path).expect("a file");
        for length in [1, 5, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..length]).expect("written");
            refused(&path, length);
        }
        let mut damaged = whole.clone();
        let middle = damaged.len() / 2;
        damaged[middle..middle + 8].fill(0x55);
        fs::write(&path, damaged).expect("written");
        refused(&path, whole.len());
        fs::write(&path, "{\"text\": \"a\"}\n").expect("written");
        refused(&path, 0);
    }
}

fn refused(path: &Path, length: usize) {
    let error = read(path).expect_err("broken");
    let named = error.to_string().contains(&path.display().to_string());
    // If a part is damaged, its content may be refused before the stream is.
    let told = matches!(error, DataError::Read { .. } | DataError::Parse { .. } | DataError::Encoding { .. });
    assert!(named && told, "{length}: {error:?}");
}

/// Pipes and devices must not be replaced by files.
#[cfg(unix)]
#[test]
fn special_files_are_written_in_place() {
    use std::os::unix::fs::FileTypeExt;

    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let reading = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read_to_string(pipe).expect("what was written")
    });
    replace_file(&pipe, |file| file.write_all(b"text").map_err(DataError::Output)).expect("written");
    assert_eq!(reading.join().expect("read"), "text");
    assert!(std::fs::metadata(&pipe).expect("still there").file_type().is_fifo());
}
