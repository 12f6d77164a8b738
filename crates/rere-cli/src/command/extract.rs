//! `rere extract`

use std::{
    io::BufRead,
    path::{Path, PathBuf},
    str::FromStr,
    time::Instant,
};

use rere::{Precision, Rere, Thresholds};
use rere_core::{Extractor, Probability, Sentence};
use rere_data::{DataError, Format, Reader, Writer, input_name, open};

use super::{Outcome, report};
use crate::progress::bar;

/// Sentences that are extracted from at once: enough to fill batches of one length, few enough for any memory.
const CHUNK: usize = 1024;

/// Options of `rere extract`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Model folder.
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Plain text, a sentence a line, or a corpus in any known format; - is standard input.
    #[arg(value_name = "IN", default_value = "-")]
    input: PathBuf,
    /// What the input is: text, rere or casrel; without it, text unless it begins as JSON does.
    #[arg(long)]
    format: Option<InputFormat>,
    /// Where predictions go, in the rere format; - is standard output.
    #[arg(short, value_name = "OUT", default_value = "-")]
    output: PathBuf,
    /// Where to compute: flex, or, in a build with LibTorch, libtorch or libtorch:cuda:0.
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
    /// Look for these relations only.
    #[arg(long, value_delimiter = ',')]
    relations: Vec<String>,
}

/// Extracts triples.
pub fn run(arguments: &Arguments) -> Outcome {
    let device = rere::parse_device(&arguments.device)?;
    let mut system = Rere::load(&arguments.model, &device)?;
    system.set_precision(arguments.precision)?;
    if !arguments.relations.is_empty() {
        system.look_only_for(&arguments.relations)?;
    }
    let thresholds = system.thresholds();
    system.set_thresholds(Thresholds {
        relation: arguments.threshold_relation.unwrap_or(thresholds.relation),
        entity: arguments.threshold_entity.unwrap_or(thresholds.entity),
        triple: arguments.threshold_triple.unwrap_or(thresholds.triple),
    });
    system.set_batch_tokens(arguments.batch_tokens);

    let sentences = sentences(&arguments.input, arguments.format)?;
    // The predictions of an older run survive until the new ones are whole.
    let mut writer = Writer::create(&arguments.output, Format::Rere)?;
    extract(&system, sentences, &mut writer)?;
    report(&writer.finish()?);
    Ok(())
}

fn extract(
    system: &Rere,
    mut sentences: Box<dyn Iterator<Item = Result<Sentence, DataError>>>,
    writer: &mut Writer,
) -> Outcome {
    let bar = bar(0, "{spinner} {pos} sentences, {per_sec}");
    let (mut count, mut triples, started) = (0, 0, Instant::now());
    loop {
        let mut chunk = sentences.by_ref().take(CHUNK).collect::<Result<Vec<_>, _>>()?;
        if chunk.is_empty() {
            break;
        }
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
    eprintln!("{count} sentences, {triples} triples in {seconds:.1} s");
    Ok(())
}

/// What an input file holds.
#[derive(Clone, Copy)]
enum InputFormat {
    /// A sentence a line.
    Text,
    Corpus(Format),
}

impl FromStr for InputFormat {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Self, DataError> {
        if name == "text" { Ok(Self::Text) } else { name.parse().map(Self::Corpus) }
    }
}

/// The sentences of a corpus, or of plain text: where no format is given, the first byte that is no space tells.
fn sentences(
    path: &Path,
    format: Option<InputFormat>,
) -> Result<Box<dyn Iterator<Item = Result<Sentence, DataError>>>, DataError> {
    if let Some(InputFormat::Corpus(format)) = format {
        return Ok(Box::new(Reader::open(path, Some(format))?));
    }
    if format.is_none() && path.is_dir() {
        return Ok(Box::new(Reader::open(path, None)?));
    }
    let mut input = open(path)?;
    let name = input_name(path).to_owned();
    let start = input.fill_buf().map_err(|source| DataError::Read { path: name.clone(), source })?;
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let json = matches!(start.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'{' | b'['));
    match format {
        None if json => Ok(Box::new(Reader::new(input, name, None))),
        None if start.starts_with(b"PAR1") => Ok(Box::new(Reader::open(path, None)?)),
        _ => Ok(Box::new(PlainText { input, name, line: 0 })),
    }
}

/// A sentence a line. An empty line is a sentence too, so that lines of input and output correspond.
struct PlainText<R> {
    input: R,
    name: PathBuf,
    line: usize,
}

impl<R: BufRead> Iterator for PlainText<R> {
    type Item = Result<Sentence, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut bytes = Vec::new();
        self.line += 1;
        match self.input.read_until(b'\n', &mut bytes) {
            Err(source) => return Some(Err(DataError::Read { path: self.name.clone(), source })),
            Ok(0) => return None,
            Ok(_) => {}
        }
        let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let text = if self.line == 1 { text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text) } else { text };
        Some(match std::str::from_utf8(text) {
            Ok(text) => Ok(Sentence::new(text)),
            Err(_) => Err(DataError::Encoding { path: self.name.clone(), line: self.line }),
        })
    }
}
