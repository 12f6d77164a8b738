//! `rere extract`

use std::{error::Error, path::PathBuf, time::Instant};

use rere::{
    Constraints, ExtractError, ExtractOptions, Extraction, LoadOptions, Precision, Probability, Progress,
    TrainedSystem, load,
};
use rere_data::{Format, Reader, Writer};

use super::{Outcome, Reading, comma_advice, log, report, tell};
use crate::progress::bar;

/// Options of `rere extract`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Model folder.
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Plain text, one sentence per line, or a corpus in any known format; - is standard input.
    #[arg(value_name = "IN", default_value = "-")]
    input: PathBuf,
    /// Where predictions go, in the rere format; - is standard output.
    #[arg(short, value_name = "OUT", default_value = "-")]
    output: PathBuf,
    /// Where to compute: flex, or, in a build with their features, libtorch, libtorch:cuda:0, cuda:0 or wgpu.
    #[arg(long, default_value = "flex")]
    device: String,
    /// Numbers that are computed with: f32, bf16 or f16.
    #[arg(long, default_value = "f32")]
    precision: Precision,
    /// Tokens in a batch, padding counted.
    #[arg(long, default_value_t = 1024)]
    batch_tokens: usize,
    /// Least score of a triple, in place of the model's.
    #[arg(long, value_name = "P")]
    min_score: Option<Probability>,
    /// Restrict to this relation; can be repeated.
    #[arg(long, value_name = "NAME")]
    relations: Vec<String>,
    #[command(flatten)]
    constraints: ConstraintArguments,
    #[command(flatten)]
    reading: Reading,
}

/// Constraints on triples, in place of the model's.
#[derive(clap::Args)]
#[command(next_help_heading = "Constraints")]
struct ConstraintArguments {
    /// The most tokens of a subject or an object.
    #[arg(long, value_name = "N")]
    longest: Option<usize>,
    /// Whether subject and object may overlap.
    #[arg(long, value_name = "BOOL")]
    overlap: Option<bool>,
    /// The most triples of a sentence; the best ones stay.
    #[arg(long, value_name = "N")]
    most: Option<usize>,
    /// A relation in which a subject has one object and an object one subject; can be repeated.
    #[arg(long, value_name = "NAME")]
    one_to_one: Vec<String>,
}

impl ConstraintArguments {
    /// The constraints of a model with those that are given.
    fn over(&self, model: &Constraints) -> Constraints {
        let given = model
            .clone()
            .with_longest(self.longest.or(model.longest))
            .with_overlap(self.overlap.unwrap_or(model.overlap))
            .with_most(self.most.or(model.most));
        if self.one_to_one.is_empty() { given } else { given.with_one_to_one(&self.one_to_one) }
    }
}

/// Extracts triples.
pub fn run(arguments: &Arguments) -> Outcome {
    let device = rere::parse_device(&arguments.device)?;
    let options =
        LoadOptions::new(device).with_precision(arguments.precision).with_batch_tokens(arguments.batch_tokens);
    let system = load(&arguments.model, options)?;
    let mut options = ExtractOptions::default()
        .with_min_score(arguments.min_score)
        .with_constraints(arguments.constraints.over(&system.config().decode));
    if !arguments.relations.is_empty() {
        options = options.with_relations(&arguments.relations);
    }
    // Before anything is read or written.
    options.wanted(&system.config().relations).map_err(with_advice)?;

    let reader = Reader::open(&arguments.input, &arguments.reading.options())?;
    // The predictions of an older run survive until the new ones are whole.
    let mut writer = Writer::create(&arguments.output, Format::Rere)?;
    let reader = extract(&*system, &options, reader, &mut writer)?;
    tell(&arguments.input, reader.report());
    report(&writer.finish()?);
    Ok(())
}

/// A name that is one of no relation may be a list of names.
fn with_advice(error: ExtractError) -> Box<dyn Error> {
    match &error {
        ExtractError::UnknownRelation { name, .. } => format!("{error}{}", comma_advice(name)).into(),
        _ => error.into(),
    }
}

/// Extracts from all sentences. What a slow input has given so far is answered at once.
fn extract(
    system: &dyn TrainedSystem,
    options: &ExtractOptions,
    reader: Reader,
    writer: &mut Writer,
) -> Result<Reader, Box<dyn Error>> {
    let bar = bar(0, "{spinner} {pos} sentences, {per_sec}");
    let started = Instant::now();
    let mut extraction = Extraction::new(system, options.clone(), reader);
    while let Some(chunk) = extraction.next() {
        chunk?.iter().try_for_each(|sentence| writer.write(sentence))?;
        writer.flush()?;
        bar.set_position(extraction.progress().sentences as u64);
    }
    bar.finish_and_clear();
    let (Progress { sentences, triples }, seconds) = (extraction.progress(), started.elapsed().as_secs_f64());
    log(format!("{sentences} sentences, {triples} triples in {seconds:.1} s"));
    Ok(extraction.into_source())
}
