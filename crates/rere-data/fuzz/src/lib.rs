//! What the fuzz targets share: what holds for whatever a reader finds, and on the way through a format and back.
//!
//! In this folder, `cargo run --features parquet --example seeds` writes the first inputs; then
//! `cargo +nightly fuzz run --fuzz-dir . stream -- -dict=json.dict` runs the target `stream`, and `FORMAT=duie` before it keeps it
//! to one format. The target `parquet` needs `--features parquet`. Many small files are written: let `TMPDIR` lie in memory.

mod mutate;

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use rere_core::{Mention, Sentence};
use rere_data::{DataError, Format, Unsupported, UnsupportedCounts, ReadOptions, Reader, write};
use tempfile::TempDir;

pub use self::mutate::mutate;

/// The format that a character stands for, from `0` on in the order of [`Format::ALL`], so that seeds can be typed; for the one past
/// the last, none.
pub fn format(byte: u8) -> Option<Format> {
    let number = usize::from(byte.wrapping_sub(b'0')) % (Format::ALL.len() + 1);
    Format::ALL.get(number).copied()
}

/// The character that stands for a format.
pub fn character(format: Option<Format>) -> char {
    let number = Format::ALL.iter().position(|own| Some(*own) == format).unwrap_or(Format::ALL.len());
    char::from(b'0' + number as u8)
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
                    DataError::Read { .. } | DataError::NoText { .. } => {}
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
    if format == Format::Parquet && !cfg!(feature = "parquet") {
        return;
    }
    let ids: Vec<&String> = sentences.iter().filter_map(|sentence| sentence.id.as_ref()).collect();
    if format == Format::Brat && ids.iter().collect::<HashSet<_>>().len() < ids.len() {
        return; // Files have different names.
    }
    let (back, lost) = trip(sentences, format);
    let count = |of: fn(&Sentence) -> usize, sentences: &[Sentence]| sentences.iter().map(of).sum::<usize>();
    for (loss, of) in
        [(Unsupported::Triple, (|s| s.triples.len()) as fn(&Sentence) -> usize), (Unsupported::Negative, |s| s.negatives.len())]
    {
        assert_eq!(count(of, &back) + lost.count(loss), count(of, sentences), "{format}: {loss}");
    }
    if matches!(format, Format::Opennre | Format::Tacred) {
        assert_eq!(back.len(), count(|s| s.triples.len() + s.negatives.len(), &back), "{format}");
    } else {
        assert_eq!(back.len() + lost.count(Unsupported::Sentence), sentences.len(), "{format}");
        assert_eq!(
            count(|s| s.extra.len(), &back) + lost.count(Unsupported::Field),
            count(|s| s.extra.len(), sentences),
            "{format}"
        );
    }
    // brat's texts come back in the order of their names.
    let is_ordered = format != Format::Brat || sentences.len() == 1;
    if lost.is_empty() && is_ordered {
        for (back, sentence) in back.iter().zip(sentences) {
            let mut back = back.clone();
            if matches!(format, Format::Brat | Format::Scierc) && sentence.id.is_none() {
                back.id = None; // A file, and a document, has a name.
            }
            assert_eq!(normal(&back, format), normal(sentence, format), "{format}");
        }
    }
    let (again, lost) = trip(&back, format);
    assert!(lost.is_empty(), "{format}: {lost}");
    assert_eq!(again, back, "{format}");
}

/// Entities in one order, as some formats number mentions by their places, and each once, as those of pairs without a relation are;
/// without ids in formats that give each mention one.
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
    let mut lost = write(&path, sentences, format).expect("written");
    // The first line of a text, and a header, may look like something else.
    let named = matches!(format, Format::Text | Format::Csv | Format::Tsv);
    let options = if named { ReadOptions::of(format) } else { ReadOptions::default() };
    let mut reader = Reader::open(&path, &options).expect("a reader");
    let back = reader.by_ref().collect::<Result<_, _>>();
    let back = back.unwrap_or_else(|error| panic!("{format}: {error}\n{}", String::from_utf8_lossy(&content(&path))));
    lost.add(reader.report().lost.clone());
    if path.is_dir() {
        fs::remove_dir_all(&path).expect("removed");
    }
    (back, lost)
}

fn content(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_default()
}
