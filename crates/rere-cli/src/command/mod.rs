//! One file for each command.

use std::{
    convert::Infallible,
    fmt::Display,
    fs,
    io::{self, Write},
    path::Path,
};

use clap::error::ErrorKind;

use rere_core::Sentence;
use rere_data::{DataError, Lost, Reader, input_name, is_standard, read_reporting, replace_file};
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

/// Options that do not go together in a way that clap cannot tell: the program ends with 2, as for any wrong use.
fn wrong_use(message: impl Display) -> Box<dyn std::error::Error> {
    Box::new(clap::Error::raw(ErrorKind::ArgumentConflict, format!("{message}\n")))
}

/// The name of a relation in a list, which may have spaces after its commas.
fn relation_name(name: &str) -> Result<String, Infallible> {
    Ok(name.trim().to_owned())
}

/// Prints a line to standard output. That nobody reads it any more is an error, and no panic.
pub fn say(line: impl Display) -> Result<(), DataError> {
    writeln!(io::stdout().lock(), "{line}").map_err(DataError::Output)
}

/// Sees that standard input is not wanted twice. A path comes as often as it is read.
fn check_standard_input<'a>(reads: impl IntoIterator<Item = &'a Path>) -> Outcome {
    match reads.into_iter().filter(|path| is_standard(path)).count() {
        0 | 1 => Ok(()),
        times => Err(wrong_use(format!(
            "standard input (-) can be read only once, and would be read {times} times: give files"
        ))),
    }
}

/// That at least one sentence was read; where none was, what stands at the output stays.
fn check_not_empty(reader: &Reader, path: &Path) -> Result<(), DataError> {
    if reader.line() == 0 { Err(DataError::Empty { path: input_name(path).to_owned() }) } else { Ok(()) }
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
        eprintln!("{}:\n{lost}", input_name(path).display());
    }
}

/// Says on the error output what could not be carried over, where there is such.
fn report(lost: &Lost) {
    if !lost.is_empty() {
        eprintln!("{lost}");
    }
}

/// Writes a picture as SVG and as PNG to the path, whose name gets both ends. Folders on the way are made.
fn write_picture(path: &Path, svg: &str) -> Outcome {
    let png = to_png(svg)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|source| DataError::Write { path: folder.to_owned(), source })?;
    }
    for (end, content) in [("svg", svg.as_bytes()), ("png", &png)] {
        replace_file(&path.with_extension(end), |file| file.write_all(content).map_err(DataError::Output))?;
    }
    Ok(())
}
