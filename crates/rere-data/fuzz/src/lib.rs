//! Checks that the fuzz targets share: properties of all sentences that a reader returns, and of round trips through a
//! format.
//!
//! In this folder, `cargo run --features parquet --example seeds` writes the seeds. Then `cargo +nightly fuzz run
//! --fuzz-dir . stream -- -dict=json.dict` runs the target `stream`; set `FORMAT=duie` to restrict it to one format.
//! The target `parquet` needs `--features parquet`. Many small files are written, so set `TMPDIR` to a folder in
//! memory.

mod mutate;

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use rere_core::{Mention, Sentence, Triple};
use rere_data::{DataError, Format, ReadOptions, Reader, Unsupported, UnsupportedCounts, write};
use tempfile::TempDir;

pub use self::mutate::mutate;

/// Returns the format of a character: `0` and following in the order of [`Format::ALL`]; `None` for the character after
/// the last.
pub fn format(byte: u8) -> Option<Format> {
    let number = usize::from(byte.wrapping_sub(b'0')) % (Format::ALL.len() + 1);
    Format::ALL.get(number).copied()
}

/// Returns the character of a format.
pub fn character(format: Option<Format>) -> char {
    let number = Format::ALL.iter().position(|own| Some(*own) == format).unwrap_or(Format::ALL.len());
    char::from(b'0' + number as u8)
}

/// Returns a path in a temporary folder of this process.
pub fn scratch(name: &str) -> PathBuf {
    static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));
    FOLDER.path().join(name)
}

/// Reads the sentences up to the first error, which must name one of the `lines` of the input.
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
                    DataError::Read { .. } | DataError::NoText { .. } => {}
                    _ => panic!("{error:?}"),
                }
                assert!(reader.next().is_none(), "sentences follow an error");
            }
        }
    }
    found
}

/// Returns the number of lines of an input. An error may name the line after a final line end.
pub fn lines(content: &[u8]) -> usize {
    1 + content.iter().filter(|&&byte| byte == b'\n').count()
}

fn mentions(sentence: &Sentence) -> impl Iterator<Item = &Mention> {
    sentence.triples.iter().flat_map(Triple::mentions).chain(&sentence.entities)
}

/// Checks two round trips through a format: the first preserves everything except what is counted, the second
/// everything.
pub fn there_and_back(sentences: &[Sentence], format: Format) {
    if format == Format::Parquet && !cfg!(feature = "parquet") {
        return;
    }
    let ids: Vec<&String> = sentences.iter().filter_map(|sentence| sentence.id.as_ref()).collect();
    if format == Format::Brat && ids.iter().collect::<HashSet<_>>().len() < ids.len() {
        return; // Files need different names.
    }
    let (back, unsupported) = trip(sentences, format);
    let count = |of: fn(&Sentence) -> usize, sentences: &[Sentence]| sentences.iter().map(of).sum::<usize>();
    for (kind, of) in [
        (Unsupported::Triple, (|s| s.triples.len()) as fn(&Sentence) -> usize),
        (Unsupported::Negative, |s| s.negatives.len()),
    ] {
        assert_eq!(count(of, &back) + unsupported.count(kind), count(of, sentences), "{format}: {kind}");
    }
    if matches!(format, Format::Opennre | Format::Tacred) {
        assert_eq!(back.len(), count(|s| s.triples.len() + s.negatives.len(), &back), "{format}");
    } else {
        assert_eq!(back.len() + unsupported.count(Unsupported::Sentence), sentences.len(), "{format}");
        assert_eq!(
            count(|s| s.extra.len(), &back) + unsupported.count(Unsupported::Field),
            count(|s| s.extra.len(), sentences),
            "{format}"
        );
    }
    // brat's texts are read in the order of their names.
    let is_ordered = format != Format::Brat || sentences.len() == 1;
    if unsupported.is_empty() && is_ordered {
        for (back, sentence) in back.iter().zip(sentences) {
            let mut back = back.clone();
            if matches!(format, Format::Brat | Format::Scierc) && sentence.id.is_none() {
                back.id = None; // Files and documents always have a name.
            }
            assert_eq!(normal(&back, format), normal(sentence, format), "{format}");
        }
    }
    let (again, unsupported) = trip(&back, format);
    assert!(unsupported.is_empty(), "{format}: {unsupported}");
    assert_eq!(again, back, "{format}");
}

/// Sorts the entities, removes repetitions if there are pairs without a relation, and removes ids in formats that
/// generate them.
fn normal(sentence: &Sentence, format: Format) -> Sentence {
    let mut sentence = sentence.clone();
    if matches!(format, Format::Doccano | Format::LabelStudio) {
        let ends = sentence.triples.iter_mut().flat_map(|triple| [&mut triple.subject, &mut triple.object]);
        ends.chain(&mut sentence.entities).for_each(|mention| mention.entity = None);
    }
    sentence.entities.sort();
    if !sentence.negatives.is_empty() {
        sentence.entities.dedup();
    }
    sentence
}

fn trip(sentences: &[Sentence], format: Format) -> (Vec<Sentence>, UnsupportedCounts) {
    let path = scratch(if format == Format::Brat { "folder" } else { "file" });
    let mut unsupported = write(&path, sentences, format).expect("written");
    // The first line of a text, or a header, may look like another format.
    let named = matches!(format, Format::Text | Format::Csv | Format::Tsv);
    let options = if named { ReadOptions::of(format) } else { ReadOptions::default() };
    let mut reader = Reader::open(&path, &options).expect("a reader");
    let back = reader.by_ref().collect::<Result<_, _>>();
    let back = back.unwrap_or_else(|error| panic!("{format}: {error}\n{}", String::from_utf8_lossy(&content(&path))));
    unsupported.add(reader.report().unsupported.clone());
    if path.is_dir() {
        fs::remove_dir_all(&path).expect("removed");
    }
    (back, unsupported)
}

fn content(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_default()
}
