//! The commands, one module for each.

use std::{
    error::Error,
    fmt::Display,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::error::ErrorKind;

use rere::{Device, Precision, PrecisionCost};
use rere_core::Sentence;
use rere_data::{
    DataError, Folding, Format, OffsetUnit, ReadOptions, ReadReport, Reader, SentenceSplitter, Split,
    UnsupportedCounts, input_name, is_standard, read_reporting, replace_file,
};
use rere_eval::to_png;

pub mod align;
pub mod clean;
pub mod compare;
pub mod completions;
pub mod convert;
pub mod drop;
pub mod evaluate;
pub mod export;
pub mod extract;
pub mod facts;
pub mod man;
pub mod manifest;
pub mod run;
pub mod split;
pub mod stats;
pub mod train;
pub mod tune;

/// What a command returns.
pub type CommandResult = Result<(), Box<dyn Error>>;

/// Options of the commands that read a corpus.
#[derive(clap::Args)]
#[command(next_help_heading = "Input")]
pub struct InputArguments {
    #[arg(
        long,
        value_name = "FORMAT",
        help = format!("Format of the input, if its content does not show it: {}", Format::names())
    )]
    format: Option<Format>,
    #[command(flatten)]
    conventions: ConventionArguments,
}

impl InputArguments {
    fn options(&self) -> ReadOptions {
        self.conventions.options(self.format)
    }

    /// Returns the language of the texts.
    fn language(&self) -> &str {
        self.conventions.language()
    }
}

/// Conventions that a file's content does not show: options of the commands that read corpora, the same for all files.
#[derive(clap::Args)]
#[command(next_help_heading = "Input")]
pub struct ConventionArguments {
    #[arg(
        long,
        value_name = "UNIT",
        default_value = OffsetUnit::default().name(),
        help = format!("Unit of offsets: {}", offset_units())
    )]
    offsets: OffsetUnit,
    #[arg(
        long = "negative-label",
        value_name = "LABEL",
        help = format!(
            "Label of pairs without a relation, '' if there is none; may be repeated [default: {}]",
            ReadOptions::NEGATIVE_LABELS.join(", ")
        )
    )]
    negative_labels: Vec<String>,
    /// Which texts are split into sentences: lines of plain text (text), texts of all formats (all), or none.
    #[arg(long, value_name = "WHICH", default_value_t)]
    split: Split,
    /// Language of the texts (ISO 639 code), whose abbreviations do not end a sentence, and of the names in a knowledge base in
    /// RDF; * for names of all languages.
    #[arg(long, value_name = "CODE", default_value = "en")]
    language: String,
}

impl ConventionArguments {
    /// Returns the language of the texts.
    fn language(&self) -> &str {
        &self.language
    }

    /// Returns the options that are not the default, as words.
    fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.offsets != OffsetUnit::default() {
            words.extend(["--offsets".to_owned(), self.offsets.name().to_owned()]);
        }
        words.extend(self.negative_labels.iter().flat_map(|label| ["--negative-label".to_owned(), label.clone()]));
        if self.split != Split::default() {
            words.extend(["--split".to_owned(), self.split.to_string()]);
        }
        words.extend(self.language_words());
        words
    }

    /// Returns the option of the language as words, unless it is the default.
    fn language_words(&self) -> Vec<String> {
        let is_default = self.language == "en";
        if is_default { Vec::new() } else { vec!["--language".to_owned(), self.language.clone()] }
    }

    fn options(&self, format: Option<Format>) -> ReadOptions {
        let options = ReadOptions::default()
            .with_format(format)
            .with_offsets(self.offsets)
            .with_split(self.split)
            .with_splitter(SentenceSplitter::new(&self.language));
        match self.negative_labels.as_slice() {
            [] => options,
            labels => options.with_negative_labels(labels.iter().filter(|label| !label.is_empty())),
        }
    }
}

/// Options of the commands that run a network.
#[derive(clap::Args)]
pub struct DeviceArguments {
    /// Device: flex (CPU), or, in a build with the feature, libtorch, libtorch:cuda:0, cuda:0 or wgpu.
    #[arg(long, value_name = "DEVICE", default_value = "flex")]
    device: String,
}

impl DeviceArguments {
    /// Returns the option as words, unless it is the default.
    fn words(&self) -> Vec<String> {
        let is_default = self.device == "flex";
        if is_default { Vec::new() } else { vec!["--device".to_owned(), self.device.clone()] }
    }

    fn parse(&self) -> Result<Device, Box<dyn Error>> {
        Ok(rere::parse_device(&self.device)?)
    }
}

/// The precision of `rere extract`: one of [`Precision`], or the fastest whose cost is known.
#[derive(Debug, Clone, Copy)]
struct PrecisionArgument(Option<Precision>);

impl FromStr for PrecisionArgument {
    type Err = <Precision as FromStr>::Err;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(Self(if name == "auto" { None } else { Some(name.parse()?) }))
    }
}

/// Returns what a precision costs, for messages.
fn describe_cost(precision: Precision, cost: PrecisionCost) -> String {
    let [f1, f32_f1] = [cost.f1, cost.f32_f1].map(|f1| 100.0 * f1);
    format!("{precision}: dev F1 {f1:.2}, {:+.2} to f32 ({f32_f1:.2}), each at its best thresholds", f1 - f32_f1)
}

/// Returns the units of offsets for help texts.
fn offset_units() -> String {
    OffsetUnit::ALL.map(|unit| format!("{} ({unit})", unit.name())).join(" or ")
}

/// What `--fold` ignores, for help texts.
const FOLDED: &str = "case, white space, Unicode composition, zero-width characters, and kinds of quotes and dashes";

/// Returns the folding that `--fold` asks for.
fn folding(fold: bool) -> Folding {
    if fold { Folding::ALL } else { Folding::NONE }
}

/// Makes an error of options that contradict each other in a way that clap cannot check; the exit code is 2.
pub fn usage_error(message: impl Display) -> Box<dyn Error> {
    Box::new(clap::Error::raw(ErrorKind::ArgumentConflict, format!("{message}\n")))
}

/// Returns advice for an unknown name after `--relations`: names may contain commas, so a comma does not separate them.
fn comma_advice(name: &str) -> &'static str {
    if name.contains(',') { "; --relations takes one name: repeat it for each" } else { "" }
}

/// Prints a line to standard output. Unlike `println!`, it returns an error if the output is closed.
pub fn print_line(line: impl Display) -> Result<(), DataError> {
    writeln!(io::stdout().lock(), "{line}").map_err(DataError::Output)
}

/// Prints text to standard output as it is.
fn print_bytes(text: &[u8]) -> Result<(), DataError> {
    io::stdout().lock().write_all(text).map_err(DataError::Output)
}

/// Prints a line to standard error, and ignores that it may be closed.
pub fn log_line(line: impl Display) {
    _ = writeln!(io::stderr().lock(), "{line}");
}

/// Checks that standard input is read at most once. A path that is read twice must be given twice.
fn check_standard_input<'a>(reads: impl IntoIterator<Item = &'a Path>) -> CommandResult {
    match reads.into_iter().filter(|path| is_standard(path)).count() {
        0 | 1 => Ok(()),
        times => Err(usage_error(format!(
            "standard input (-) can be read only once, but would be read {times} times: name files"
        ))),
    }
}

/// Checks that no output would replace an input or another output.
fn check_outputs<'a>(
    inputs: impl IntoIterator<Item = &'a Path>,
    outputs: impl IntoIterator<Item = &'a Path>,
) -> CommandResult {
    // Special files, such as /dev/null, are not replaced. A file that does not exist yet is in a folder that does.
    let resolve = |path: &Path| {
        let is_special = path.exists() && !path.is_file() && !path.is_dir();
        if is_standard(path) || is_special {
            return None;
        }
        path.canonicalize().ok().or_else(|| {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            Some(folder.canonicalize().ok()?.join(path.file_name()?))
        })
    };
    let mut taken: Vec<PathBuf> = inputs.into_iter().filter_map(resolve).collect();
    let inputs = taken.len();
    for output in outputs {
        let Some(path) = resolve(output) else { continue };
        if let Some(at) = taken.iter().position(|other| *other == path) {
            let what = if at < inputs { "an input" } else { "another output" };
            return Err(usage_error(format!("{} is {what} too: choose another name for the output", output.display())));
        }
        taken.push(path);
    }
    Ok(())
}

/// Logs the report of a reader, and checks that there was a sentence: an empty input must not replace an older output.
fn finish_reading(reader: &Reader, path: &Path) -> Result<(), DataError> {
    log_read_report(path, reader.report());
    check_not_empty(path, reader.report())
}

fn check_not_empty(path: &Path, report: &ReadReport) -> Result<(), DataError> {
    if report.sentences == 0 { Err(DataError::Empty { path: input_name(path).to_owned() }) } else { Ok(()) }
}

/// Reads a corpus and logs what was left out.
fn read_corpus(path: &Path, options: &ReadOptions) -> Result<Vec<Sentence>, DataError> {
    let (sentences, report) = read_reporting(path, options)?;
    log_read_report(path, &report);
    Ok(sentences)
}

/// Reads a corpus that is useless without triples: as [`read_corpus`], with a warning if there are none.
fn read_gold(path: &Path, options: &ReadOptions) -> Result<Vec<Sentence>, DataError> {
    let (sentences, report) = read_reporting(path, options)?;
    log_gold_report(path, &report);
    Ok(sentences)
}

/// Logs what was left out of a file, if anything was.
pub fn log_read_report(path: &Path, report: &ReadReport) {
    if !report.is_empty() {
        log_line(format!("{}:\n{report}", input_name(path).display()));
    }
}

/// Logs the report of a gold file, and warns if it has no triples: its labels may be in an unknown format.
fn log_gold_report(path: &Path, report: &ReadReport) {
    log_read_report(path, report);
    if report.sentences > 0 && report.triples == 0 {
        let (path, sentences) = (input_name(path).display(), report.sentences);
        let format = report.format.map_or_else(String::new, |format| format!(", read as {format},"));
        log_line(format!("warning: {path}{format} has {sentences} sentences and not one triple"));
    }
}

/// Logs what the output format does not support, if anything.
pub fn log_unsupported(unsupported: &UnsupportedCounts) {
    if !unsupported.is_empty() {
        log_line(unsupported);
    }
}

/// Writes a plot as SVG and PNG beside each other; the extension of `path` is replaced. Missing folders are created.
fn write_plot(path: &Path, svg: &str) -> CommandResult {
    let png = to_png(svg)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(|source| DataError::Write { path: folder.to_owned(), source })?;
    }
    for (extension, content) in [("svg", svg.as_bytes()), ("png", &png)] {
        replace_file(&path.with_extension(extension), |file| file.write_all(content).map_err(DataError::Output))?;
    }
    Ok(())
}
