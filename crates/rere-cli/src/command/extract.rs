//! `rere extract`

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use rere::{
    Constraints, ExtractError, ExtractOptions, Extraction, LoadOptions, Probability, Progress, RereError,
    TrainedSystem, load,
};
use rere_data::{DataError, Format, Reader, Writer, input_name, is_standard};
use rere_eval::page::Page;

use super::{
    CommandResult, DeviceArguments, InputArguments, PrecisionArgument, check_outputs, comma_advice, describe_cost,
    log_line, log_read_report, log_unsupported, usage_error,
};
use crate::{
    hub,
    page_file::PageFile,
    shards::{Inputs, Job, Options, Shard},
    training_progress::progress_bar,
};

/// Options of `rere extract`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Model folder, or the model's OWNER/NAME on the hub.
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
    /// Text to read, or a corpus in any known format; - for standard input. A line of text may hold several sentences:
    /// it becomes one line of the output, with all their triples. With --shard: files and folders of Parquet and JSON
    /// lines.
    #[arg(value_name = "IN", default_value = "-")]
    inputs: Vec<PathBuf>,
    /// File to write, in the rere format, as Parquet if its name ends in .parquet; - for standard output. With --shard:
    /// folder for the outputs, which have the names and formats of the inputs.
    #[arg(short, long, value_name = "OUT", default_value = "-")]
    output: PathBuf,
    /// Extract from the I-th of N parts of the files, and skip those that are done. Other processes do the other parts,
    /// at the same time or later; `rere manifest` then checks that nothing is missing.
    #[arg(long, value_name = "I/N", conflicts_with = "html")]
    shard: Option<Shard>,
    /// Also write a self-contained HTML page that shows the triples in their sentences.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArguments,
    /// Number type to compute with: f32, bf16, f16 or int8; or auto, the fastest on the device whose cost `rere tune
    /// --precision` has measured.
    #[arg(long, value_name = "TYPE", default_value = "f32")]
    precision: PrecisionArgument,
    /// Batch size in tokens, with padding.
    #[arg(long, value_name = "N", default_value_t = 1024)]
    batch_tokens: usize,
    /// Lowest score of a triple; overrides the model's.
    #[arg(long, value_name = "P")]
    min_score: Option<Probability>,
    /// Extract only triples of this relation; may be repeated.
    #[arg(long, value_name = "NAME")]
    relations: Vec<String>,
    /// Choose subjects and objects only from the mentions of IN: its entities, and those of its triples.
    #[arg(long)]
    mentions: bool,
    #[command(flatten)]
    constraints: ConstraintArguments,
    #[command(flatten)]
    input_options: InputArguments,
}

const EXAMPLES: &str = "\
Examples:
  Extract from plain text:
    echo 'Ada Lovelace was born in London.' | rere extract --model model
  Extract from a corpus, only triples with a score of at least 0.5:
    rere extract --model model test.jsonl --output predicted.jsonl --min-score 0.5
  Extract only triples between the entities that another program has marked:
    rere extract --model model --mentions marked.spacy.jsonl --output predicted.jsonl
  Extract from many files with four processes, on one machine or on several that share the folders:
    seq 4 | xargs -P 4 -I {} rere extract --shard {}/4 --model model corpus --output triples
  Look at the triples in a browser:
    rere extract --model model sentences.txt --output triples.jsonl --html triples.html";

/// Constraints on triples; they override the model's.
#[derive(clap::Args)]
#[command(next_help_heading = "Constraints")]
struct ConstraintArguments {
    /// Longest subject or object, in tokens.
    #[arg(long, value_name = "N")]
    longest: Option<usize>,
    /// Whether subject and object may overlap.
    #[arg(long, value_name = "BOOL")]
    overlap: Option<bool>,
    /// Largest number of triples per sentence; the ones with the highest scores are kept.
    #[arg(long, value_name = "N")]
    most: Option<usize>,
    /// Relation in which a subject has at most one object, and an object at most one subject; may be repeated.
    #[arg(long, value_name = "NAME")]
    one_to_one: Vec<String>,
}

impl ConstraintArguments {
    /// Returns the constraints of a model, with the given ones in place of its own.
    fn override_model(&self, model: &Constraints) -> Constraints {
        let constraints = model
            .clone()
            .with_longest(self.longest.or(model.longest))
            .with_overlap(self.overlap.unwrap_or(model.overlap))
            .with_most(self.most.or(model.most));
        if self.one_to_one.is_empty() { constraints } else { constraints.with_one_to_one(&self.one_to_one) }
    }
}

/// Extracts triples.
pub fn run(arguments: &Arguments) -> CommandResult {
    match (arguments.shard, arguments.inputs.as_slice()) {
        (Some(shard), inputs) => run_shard(arguments, shard, inputs),
        (None, [input]) => run_one(arguments, input),
        (None, _) => Err(usage_error("expected one IN, found several: for many files, add --shard 1/1")),
    }
}

/// Extracts from the files of a shard.
fn run_shard(arguments: &Arguments, shard: Shard, inputs: &[PathBuf]) -> CommandResult {
    let output = &arguments.output;
    if inputs.iter().any(|input| is_standard(input)) || is_standard(output) {
        return Err(usage_error("--shard needs files or folders to read, and a folder to write to (--output)"));
    }
    fs::create_dir_all(output).map_err(|source| DataError::Write { path: output.clone(), source })?;
    // Mistakes in the paths are found before a model is loaded.
    let inputs = Inputs::list(inputs, output)?;
    inputs.log_others();
    let (system, extract_options) = load_system(arguments)?;
    let read_options = arguments.input_options.options();
    let options = Options {
        min_score: extract_options.min_score,
        relations: extract_options.relations.clone().map(|names| names.into_iter().collect()),
        constraints: extract_options.constraints.clone().unwrap_or_default(),
        mentions: arguments.mentions,
        precision: system.precision().to_string(),
        format: read_options.format.map(|format| format.name().to_owned()),
        offsets: read_options.offsets.name().to_owned(),
        negative_labels: read_options.negative_labels,
        split: read_options.split.name().to_owned(),
        language: arguments.input_options.language().to_owned(),
    };
    Job { shard, output, system: &*system, extract_options, options }.run(inputs)
}

/// Extracts from one input.
fn run_one(arguments: &Arguments, input: &Path) -> CommandResult {
    check_outputs([input], [Some(&*arguments.output), arguments.html.as_deref()].into_iter().flatten())?;
    let (system, options) = load_system(arguments)?;
    let mut reader = Reader::open(input, &arguments.input_options.options())?;
    // One line is written for each text, also if it has several sentences.
    let splitter = reader.take_splitter();
    // An older output file is replaced only when the new one is complete.
    let mut writer = Writer::create(&arguments.output, Format::of_output(&arguments.output))?;
    let page = |path| {
        let name = |path: &Path| path.display().to_string();
        let page = Page::new("Extracted triples").with_detail("Input", name(input_name(input)));
        PageFile::create(path, page.with_detail("Model", name(&arguments.model)))
    };
    let mut page = arguments.html.as_deref().map(page).transpose()?;
    let extraction =
        Extraction::new(&*system, options, reader).with_splitter(splitter).with_source_mentions(arguments.mentions);
    let (bar, started) = (progress_bar(0, "{spinner} {pos} sentences, {per_sec}"), Instant::now());
    let show = |progress: Progress| bar.set_position(progress.sentences as u64);
    let (progress, reader) = extract(extraction, &mut writer, page.as_mut().map(|file| &mut file.page), show)?;
    bar.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    log_line(format!("{} sentences, {} triples in {seconds:.1} s", progress.sentences, progress.triples));
    log_read_report(input, reader.report());
    log_unsupported(&writer.finish()?);
    page.map_or(Ok(()), PageFile::finish)
}

/// Loads the model, and returns it with the options of its calls.
fn load_system(arguments: &Arguments) -> Result<(Box<dyn TrainedSystem>, ExtractOptions), Box<dyn Error>> {
    let options = LoadOptions::new(arguments.device.parse()?)
        .with_precision(arguments.precision.0)
        .with_batch_tokens(arguments.batch_tokens);
    let system = load(hub::model(&arguments.model)?, options)?;
    if arguments.precision.0.is_none() {
        let precision = system.precision();
        let tuned = system.config().precisions.get(&precision);
        log_line(tuned.and_then(|tuned| tuned.cost).map_or_else(
            || format!("{precision}: no faster number type of this device has a known cost (rere tune --precision)"),
            |cost| describe_cost(precision, cost),
        ));
    }
    let mut options = ExtractOptions::default()
        .with_min_score(arguments.min_score)
        .with_constraints(arguments.constraints.override_model(&system.config().decode));
    if !arguments.relations.is_empty() {
        options = options.with_relations(&arguments.relations);
    }
    // Unknown relations are an error before anything is read or written.
    options.wanted(&system.config().relations).map_err(with_advice)?;
    Ok((system, options))
}

/// Adds advice to the error for an unknown relation, which may be a comma-separated list.
fn with_advice(error: ExtractError) -> Box<dyn Error> {
    match &error {
        ExtractError::UnknownRelation { name, .. } => format!("{error}{}", comma_advice(name)).into(),
        _ => error.into(),
    }
}

/// Extracts from all sentences, and returns their number and the source. The triples of a slow input are written as its
/// sentences arrive.
pub fn extract(
    mut extraction: Extraction<'_, dyn TrainedSystem + '_, Reader>,
    writer: &mut Writer,
    mut page: Option<&mut Page>,
    show: impl Fn(Progress),
) -> Result<(Progress, Reader), RereError> {
    while let Some(chunk) = extraction.next() {
        for sentence in chunk? {
            writer.write(&sentence)?;
            if let Some(page) = &mut page {
                page.add_predicted(&sentence);
            }
        }
        writer.flush()?;
        show(extraction.progress());
    }
    Ok((extraction.progress(), extraction.into_source()))
}
