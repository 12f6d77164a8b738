//! `rere extract`

use std::{
    error::Error,
    path::{Path, PathBuf},
    time::Instant,
};

use rere::{
    Constraints, ExtractError, ExtractOptions, Extraction, LoadOptions, Precision, Probability, TrainedSystem, load,
};
use rere_data::{Format, Reader, Writer, input_name};
use rere_eval::page::Page;

use super::{
    CommandResult, DeviceArguments, InputArguments, check_outputs, comma_advice, log_line, log_read_report,
    log_unsupported,
};
use crate::{hub, page_file::PageFile, training_progress::progress_bar};

/// Options of `rere extract`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Model folder, or the model's OWNER/NAME on the hub.
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
    /// Text to read, or a corpus in any known format; - for standard input. A line of text may hold several sentences: it
    /// becomes one line of the output, with all their triples.
    #[arg(value_name = "IN", default_value = "-")]
    input: PathBuf,
    /// File to write, in the rere format; - for standard output.
    #[arg(short, long, value_name = "OUT", default_value = "-")]
    output: PathBuf,
    /// Also write a self-contained HTML page that shows the triples in their sentences.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArguments,
    /// Number type to compute with: f32, bf16 or f16.
    #[arg(long, value_name = "TYPE", default_value = "f32")]
    precision: Precision,
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
    let options = LoadOptions::new(arguments.device.parse()?)
        .with_precision(arguments.precision)
        .with_batch_tokens(arguments.batch_tokens);
    check_outputs([&*arguments.input], [Some(&*arguments.output), arguments.html.as_deref()].into_iter().flatten())?;
    let system = load(hub::model(&arguments.model)?, options)?;
    let mut options = ExtractOptions::default()
        .with_min_score(arguments.min_score)
        .with_constraints(arguments.constraints.override_model(&system.config().decode));
    if !arguments.relations.is_empty() {
        options = options.with_relations(&arguments.relations);
    }
    // Unknown relations are an error before anything is read or written.
    options.wanted(&system.config().relations).map_err(with_advice)?;

    let mut reader = Reader::open(&arguments.input, &arguments.input_options.options())?;
    // One line is written for each text, also if it has several sentences.
    let splitter = reader.take_splitter();
    // An older output file is replaced only when the new one is complete.
    let mut writer = Writer::create(&arguments.output, Format::Rere)?;
    let page = |path| {
        let name = |path: &Path| path.display().to_string();
        let page = Page::new("Extracted triples").with_detail("Input", name(input_name(&arguments.input)));
        PageFile::create(path, page.with_detail("Model", name(&arguments.model)))
    };
    let mut page = arguments.html.as_deref().map(page).transpose()?;
    let extraction =
        Extraction::new(&*system, options, reader).with_splitter(splitter).with_source_mentions(arguments.mentions);
    let reader = extract(extraction, &mut writer, page.as_mut().map(|file| &mut file.page))?;
    log_read_report(&arguments.input, reader.report());
    log_unsupported(&writer.finish()?);
    page.map_or(Ok(()), PageFile::finish)
}

/// Adds advice to the error for an unknown relation, which may be a comma-separated list.
fn with_advice(error: ExtractError) -> Box<dyn Error> {
    match &error {
        ExtractError::UnknownRelation { name, .. } => format!("{error}{}", comma_advice(name)).into(),
        _ => error.into(),
    }
}

/// Extracts from all sentences. The triples of a slow input are written as its sentences arrive.
fn extract(
    mut extraction: Extraction<'_, dyn TrainedSystem, Reader>,
    writer: &mut Writer,
    mut page: Option<&mut Page>,
) -> Result<Reader, Box<dyn Error>> {
    let bar = progress_bar(0, "{spinner} {pos} sentences, {per_sec}");
    let started = Instant::now();
    while let Some(chunk) = extraction.next() {
        for sentence in chunk? {
            writer.write(&sentence)?;
            if let Some(page) = &mut page {
                page.add_predicted(&sentence);
            }
        }
        writer.flush()?;
        bar.set_position(extraction.progress().sentences as u64);
    }
    bar.finish_and_clear();
    let (progress, seconds) = (extraction.progress(), started.elapsed().as_secs_f64());
    log_line(format!("{} sentences, {} triples in {seconds:.1} s", progress.sentences, progress.triples));
    Ok(extraction.into_source())
}
