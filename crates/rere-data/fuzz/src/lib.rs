//! What the fuzz targets share: what holds for whatever a reader finds, and on the way through a format and back.
//!
//! In this folder, `cargo run --features parquet --example seeds` writes the first inputs; then
//! `cargo +nightly fuzz run --fuzz-dir . json -- -dict=json.dict` runs the target `json`, and `FORMAT=duie` before it keeps it
//! to one format. The target `parquet` needs `--features parquet`. Many small files are written: let `TMPDIR` lie in memory.

mod mutate;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use rere_core::{Mention, Sentence};
use rere_data::{DataError, Format, Loss, Lost, Reader, write};
use tempfile::TempDir;

pub use self::mutate::mutate;

/// The formats of JSON; a byte picks one of them.
pub const JSON: [Format; 9] = [
    Format::Rere,
    Format::Casrel,
    Format::Hrl,
    Format::HrlTags,
    Format::Duie,
    Format::Tplinker,
    Format::Docred,
    Format::Spacy,
    Format::Spert,
];

/// The format that a digit stands for, so that seeds can be typed; for the one past the last, none.
pub fn format(byte: u8) -> Option<Format> {
    JSON.get(usize::from(byte.wrapping_sub(b'0')) % (JSON.len() + 1)).copied()
}

/// A path in a folder of this process.
pub fn scratch(name: &str) -> PathBuf {
    static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));
    FOLDER.path().join(name)
}

/// The sentences up to the first error, which must name one of the `lines` of the input.
pub fn sentences(reader: &mut Reader, lines: usize) -> Vec<Sentence> {
    let mut found = Vec::new();
    while let Some(next) = reader.next() {
        match next {
            Ok(sentence) => {
                assert!((1..=lines).contains(&reader.line()), "line {} of {lines}", reader.line());
                for mention in mentions(&sentence) {
                    let there = mention.span.map(|span| span.slice(&sentence.text).expect("inside the text"));
                    assert!(there.is_none_or(|there| there == mention.text), "{mention:?} in {:?}", sentence.text);
                }
                found.push(sentence);
            }
            Err(error) => {
                match error {
                    DataError::Parse { line, .. }
                    | DataError::Encoding { line, .. }
                    | DataError::Offsets { line, .. } => {
                        assert!((1..=lines).contains(&line), "of {lines} lines: {error}");
                    }
                    DataError::Read { .. } => {}
                    _ => panic!("{error:?}"),
                }
                assert!(reader.next().is_none(), "an error is not the end");
            }
        }
    }
    found
}

/// Lines of an input; a file that ends in a line's end may be said to be wrong on the line behind it.
pub fn lines(content: &[u8]) -> usize {
    1 + content.iter().filter(|&&byte| byte == b'\n').count()
}

fn mentions(sentence: &Sentence) -> impl Iterator<Item = &Mention> {
    sentence.triples.iter().flat_map(|triple| [&triple.subject, &triple.object]).chain(&sentence.entities)
}

/// Brings sentences through a format twice: what comes back is what went, less what was counted, and the second time nothing
/// is lost.
pub fn there_and_back(sentences: &[Sentence], format: Format) {
    let (back, lost) = trip(sentences, format);
    assert_eq!(back.len(), sentences.len(), "{format}");
    let count = |of: fn(&Sentence) -> usize, sentences: &[Sentence]| sentences.iter().map(of).sum::<usize>();
    for (loss, of) in
        [(Loss::Triple, (|s| s.triples.len()) as fn(&Sentence) -> usize), (Loss::Field, |s| s.extra.len())]
    {
        assert_eq!(count(of, &back) + lost.count(loss), count(of, sentences), "{format}: {loss}");
    }
    if lost.is_empty() {
        for (back, sentence) in back.iter().zip(sentences) {
            let mut back = back.clone();
            if format == Format::Brat && sentence.id.is_none() {
                back.id = None; // A file has a name.
            }
            assert_eq!(sorted(&back), sorted(sentence), "{format}");
        }
    }
    let (again, lost) = trip(&back, format);
    assert!(lost.is_empty(), "{format}: {lost}");
    assert_eq!(again, back, "{format}");
}

/// Entities in one order: some formats number mentions by their places.
fn sorted(sentence: &Sentence) -> Sentence {
    let mut sentence = sentence.clone();
    sentence.entities.sort();
    sentence
}

fn trip(sentences: &[Sentence], format: Format) -> (Vec<Sentence>, Lost) {
    let path = scratch(if format == Format::Brat { "folder" } else { "file" });
    let mut lost = write(&path, sentences, format).expect("written");
    let mut reader = Reader::open(&path, None).expect("a reader");
    let back = reader.by_ref().collect::<Result<_, _>>();
    let back = back.unwrap_or_else(|error| panic!("{format}: {error}\n{}", String::from_utf8_lossy(&content(&path))));
    lost.add(reader.lost().clone());
    if path.is_dir() {
        fs::remove_dir_all(&path).expect("removed");
    }
    (back, lost)
}

fn content(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_default()
}
