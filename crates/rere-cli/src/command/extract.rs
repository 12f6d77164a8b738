//! `rere extract`

use std::{error::Error, path::PathBuf, time::Instant};

use rere::{Precision, Rere, RereError, Thresholds};
use rere_core::{Extractor, Probability};
use rere_data::{Chunks, Format, Reader, Writer};

use super::{Outcome, Reading, comma_advice, log, report, tell};
use crate::progress::bar;

/// Most sentences that are extracted from at once: enough to fill batches of one length, few enough for any memory.
const CHUNK: usize = 1024;

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
    /// Least probability of a relation, in place of the model's.
    #[arg(long, value_name = "P")]
    threshold_relation: Option<Probability>,
    /// Decoding threshold of subjects and objects, in place of the model's.
    #[arg(long, value_name = "P")]
    threshold_entity: Option<Probability>,
    /// Least score of a triple, in place of the model's.
    #[arg(long, value_name = "P")]
    threshold_triple: Option<Probability>,
    /// Restrict to this relation; can be repeated.
    #[arg(long, value_name = "NAME")]
    relations: Vec<String>,
    #[command(flatten)]
    reading: Reading,
}

/// Extracts triples.
pub fn run(arguments: &Arguments) -> Outcome {
    let device = rere::parse_device(&arguments.device)?;
    let mut system = Rere::load(&arguments.model, &device)?;
    system.set_precision(arguments.precision)?;
    if !arguments.relations.is_empty() {
        system.look_only_for(&arguments.relations).map_err(with_advice)?;
    }
    let thresholds = system.thresholds();
    system.set_thresholds(Thresholds {
        relation: arguments.threshold_relation.unwrap_or(thresholds.relation),
        entity: arguments.threshold_entity.unwrap_or(thresholds.entity),
        triple: arguments.threshold_triple.unwrap_or(thresholds.triple),
    });
    system.set_batch_tokens(arguments.batch_tokens);

    let reader = Reader::open(&arguments.input, &arguments.reading.options())?;
    // The predictions of an older run survive until the new ones are whole.
    let mut writer = Writer::create(&arguments.output, Format::Rere)?;
    let reader = extract(&system, reader, &mut writer)?;
    tell(&arguments.input, reader.report());
    report(&writer.finish()?);
    Ok(())
}

/// A name that is one of no relation may be a list of names.
fn with_advice(error: RereError) -> Box<dyn Error> {
    match &error {
        RereError::UnknownRelation { name, .. } => format!("{error}{}", comma_advice(name)).into(),
        _ => error.into(),
    }
}

/// Extracts from all sentences. What a slow input has given so far is answered at once.
fn extract(system: &Rere, reader: Reader, writer: &mut Writer) -> Result<Reader, Box<dyn Error>> {
    let bar = bar(0, "{spinner} {pos} sentences, {per_sec}");
    let (mut count, mut triples, started) = (0, 0, Instant::now());
    let mut chunks = Chunks::new(reader, CHUNK);
    for chunk in chunks.by_ref() {
        let mut chunk = chunk?;
        let found = system.extract(&chunk)?;
        for (sentence, found) in chunk.iter_mut().zip(found) {
            sentence.triples = found;
            triples += sentence.triples.len();
            writer.write(sentence)?;
        }
        writer.flush()?;
        count += chunk.len();
        bar.set_position(count as u64);
    }
    bar.finish_and_clear();
    let seconds = started.elapsed().as_secs_f64();
    log(format!("{count} sentences, {triples} triples in {seconds:.1} s"));
    Ok(chunks.into_source())
}
