//! One file for each command.

use std::{fs, io::Write, path::Path};

use rere_core::Sentence;
use rere_data::{DataError, Lost, read_reporting, replace_file};
use rere_eval::to_png;

pub mod align;
pub mod clean;
pub mod compare;
pub mod convert;
pub mod drop;
pub mod evaluate;
pub mod extract;
pub mod stats;
pub mod train;
pub mod tune;

/// What a command ends with.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Sees that standard input is not wanted twice. A path comes as often as it is read.
fn check_standard_input<'a>(reads: impl IntoIterator<Item = &'a Path>) -> Outcome {
    match reads.into_iter().filter(|path| *path == Path::new("-")).count() {
        0 | 1 => Ok(()),
        times => {
            Err(format!("standard input (-) can be read only once, and would be read {times} times: give files").into())
        }
    }
}

/// The sentences of a corpus; what of it has no counterpart is told.
fn read(path: &Path) -> Result<Vec<Sentence>, DataError> {
    let (sentences, lost) = read_reporting(path)?;
    tell(path, &lost);
    Ok(sentences)
}

/// Says what of a file could not be read, where there is such.
pub fn tell(path: &Path, lost: &Lost) {
    if !lost.is_empty() {
        eprintln!("{}:\n{lost}", path.display());
    }
}

/// Says on the error output what could not be carried over, where there is such.
fn report(lost: &Lost) {
    if !lost.is_empty() {
        eprintln!("{lost}");
    }
}

/// Writes a picture as SVG to the path, and as PNG beside it. Folders on the way are made.
fn write_picture(svg_path: &Path, svg: &str) -> Outcome {
    let png = to_png(svg)?;
    if let Some(folder) = svg_path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|source| DataError::Write { path: folder.to_owned(), source })?;
    }
    for (path, content) in [(svg_path, svg.as_bytes()), (&svg_path.with_extension("png"), &png)] {
        replace_file(path, |file| file.write_all(content).map_err(DataError::Output))?;
    }
    Ok(())
}
