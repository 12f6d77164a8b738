//! One file for each command.

use std::{
    fmt::Display,
    fs,
    io::{self, Write},
    path::Path,
};

use clap::error::ErrorKind;

use rere_core::Sentence;
use rere_data::{
    DataError, Format, OffsetUnit, ReadOptions, ReadReport, Reader, UnsupportedCounts, input_name, is_standard,
    read_reporting, replace_file,
};
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

/// How a corpus is read: options of the commands that read one.
#[derive(clap::Args)]
#[command(next_help_heading = "Reading")]
pub struct Reading {
    #[arg(long, help = format!("Format of the input, if its content does not tell: {}", Format::names()))]
    format: Option<Format>,
    #[command(flatten)]
    conventions: Conventions,
}

impl Reading {
    fn options(&self) -> ReadOptions {
        self.conventions.options(self.format)
    }
}

/// Conventions of files that no content tells: options of all commands that read corpora, and the same for all their files.
#[derive(clap::Args)]
#[command(next_help_heading = "Reading")]
pub struct Conventions {
    #[arg(
        long,
        value_name = "UNIT",
        default_value = OffsetUnit::default().name(),
        help = format!("What offsets count: {}", units())
    )]
    offsets: OffsetUnit,
    #[arg(
        long = "negative-label",
        value_name = "LABEL",
        help = format!(
            "A label of pairs that have no relation; can be repeated, '' for none [default: {}]",
            ReadOptions::NEGATIVE_LABELS.join(", ")
        )
    )]
    negative_labels: Vec<String>,
}

impl Conventions {
    fn options(&self, format: Option<Format>) -> ReadOptions {
        let options = ReadOptions::default().with_format(format).with_offsets(self.offsets);
        match self.negative_labels.as_slice() {
            [] => options,
            labels => options.with_negative_labels(labels.iter().filter(|label| !label.is_empty())),
        }
    }
}

/// Units of offsets, for help texts.
fn units() -> String {
    OffsetUnit::ALL.map(|unit| format!("{} ({unit})", unit.name())).join(" or ")
}

/// Options that do not go together in a way that clap cannot tell: the program ends with 2, as for any wrong use.
fn wrong_use(message: impl Display) -> Box<dyn std::error::Error> {
    Box::new(clap::Error::raw(ErrorKind::ArgumentConflict, format!("{message}\n")))
}

/// What to do if a value of `--relations` is unknown: a comma is part of a name, and separates none.
fn comma_advice(name: &str) -> &'static str {
    if name.contains(',') { "; --relations takes one name: repeat it for each" } else { "" }
}

/// Prints a line to standard output. That nobody reads it any more is an error, and no panic.
pub fn say(line: impl Display) -> Result<(), DataError> {
    writeln!(io::stdout().lock(), "{line}").map_err(DataError::Output)
}

/// Prints a line to standard error, whether or not anybody reads it.
pub fn log(line: impl Display) {
    _ = writeln!(io::stderr().lock(), "{line}");
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

/// Tells what was read, and sees that there was a sentence: if there was none, a file at the output stays.
fn finish_reading(reader: &Reader, path: &Path) -> Result<(), DataError> {
    tell(path, reader.report());
    check_not_empty(path, reader.report())
}

fn check_not_empty(path: &Path, report: &ReadReport) -> Result<(), DataError> {
    if report.sentences == 0 { Err(DataError::Empty { path: input_name(path).to_owned() }) } else { Ok(()) }
}

/// The sentences of a corpus; what of it has no counterpart is told.
fn read(path: &Path, options: &ReadOptions) -> Result<Vec<Sentence>, DataError> {
    let (sentences, report) = read_reporting(path, options)?;
    tell(path, &report);
    Ok(sentences)
}

/// As [`read`], for a file that is of no use without triples.
fn read_gold(path: &Path, options: &ReadOptions) -> Result<Vec<Sentence>, DataError> {
    let (sentences, report) = read_reporting(path, options)?;
    tell_gold(path, &report);
    Ok(sentences)
}

/// Prints what of a file was left out, if anything was.
fn tell(path: &Path, report: &ReadReport) {
    if !report.is_empty() {
        log(format!("{}:\n{report}", input_name(path).display()));
    }
}

/// As [`tell`], with a warning if there is no triple: the labels may be of a format that is not known.
fn tell_gold(path: &Path, report: &ReadReport) {
    tell(path, report);
    if report.sentences > 0 && report.triples == 0 {
        let (path, sentences) = (input_name(path).display(), report.sentences);
        let format = report.format.map_or_else(String::new, |format| format!(", read as {format},"));
        log(format!("warning: {path}{format} has {sentences} sentences and not one triple"));
    }
}

/// Prints what could not be written, if anything could not.
fn report(lost: &UnsupportedCounts) {
    if !lost.is_empty() {
        log(lost);
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
