//! `rere extract`

use std::{
    io::{self, BufRead, BufReader, Cursor, Read},
    path::{Path, PathBuf},
    str::FromStr,
    time::Instant,
};

use rere::{Precision, Rere, Thresholds};
use rere_core::{Extractor, Probability, Sentence};
use rere_data::{DataError, Format, Reader, Writer, input_name, is_standard, open};

use super::{Outcome, relation_name, report};
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
    /// What the input is: text, or a format that convert knows; without it, a corpus where it begins as one does, else text.
    #[arg(long)]
    format: Option<InputFormat>,
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
    /// Look for these relations only.
    #[arg(long, value_delimiter = ',', value_parser = relation_name)]
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

    let mut sentences = Sentences::open(&arguments.input, arguments.format)?;
    // The predictions of an older run survive until the new ones are whole.
    let mut writer = Writer::create(&arguments.output, Format::Rere)?;
    extract(&system, &mut sentences, &mut writer)?;
    if let Sentences::Corpus(reader) = &sentences {
        report(reader.lost());
    }
    report(&writer.finish()?);
    Ok(())
}

fn extract(system: &Rere, sentences: &mut Sentences, writer: &mut Writer) -> Outcome {
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

/// The sentences of the input.
enum Sentences {
    Corpus(Reader),
    Text(PlainText<Box<dyn BufRead + Send>>),
}

impl Sentences {
    /// Where no format is given, the beginning tells a corpus from plain text.
    fn open(path: &Path, format: Option<InputFormat>) -> Result<Self, DataError> {
        if let Some(InputFormat::Corpus(format)) = format {
            return Ok(Self::Corpus(Reader::open(path, Some(format))?));
        }
        if format.is_none() && path.is_dir() && !is_standard(path) {
            return Ok(Self::Corpus(Reader::open(path, None)?));
        }
        let mut input = open(path)?;
        let name = input_name(path).to_owned();
        if format.is_none() {
            let start = start(&mut input).map_err(|source| DataError::Read { path: name.clone(), source })?;
            if start.starts_with(b"PAR1") {
                return Ok(Self::Corpus(Reader::open(path, Some(Format::Parquet))?));
            }
            let json = is_json(&start);
            input = Box::new(BufReader::new(Cursor::new(start).chain(input)));
            if json {
                return Ok(Self::Corpus(Reader::new(input, name, None)));
            }
        }
        Ok(Self::Text(PlainText { input, name, line: 0 }))
    }
}

impl Iterator for Sentences {
    type Item = Result<Sentence, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Corpus(reader) => reader.next(),
            Self::Text(text) => text.next(),
        }
    }
}

/// The first bytes of an input: enough for its first two bytes that are no space, unless it is shorter or they are far away.
/// A pipe gives what its writer has written so far, which may be less than that.
fn start(input: &mut dyn BufRead) -> io::Result<Vec<u8>> {
    const MOST: usize = 1 << 16;
    let mut start = Vec::new();
    while start.len() < MOST && start.iter().filter(|byte: &&u8| byte.is_ascii_graphic()).nth(3).is_none() {
        let more = match input.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            more => more?,
        };
        if more.is_empty() {
            break;
        }
        let count = more.len();
        start.extend_from_slice(more);
        input.consume(count);
    }
    Ok(start)
}

/// Whether an object or an array of objects begins here, and no text such as `[1] Ada was born in London.`
fn is_json(start: &[u8]) -> bool {
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let mut marks = start.iter().filter(|byte| !byte.is_ascii_whitespace());
    match marks.next() {
        Some(b'{') => matches!(marks.next(), Some(b'"' | b'}')),
        Some(b'[') => matches!(marks.next(), Some(b'{' | b']')),
        _ => false,
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
