//! Cost of two practices that RERE avoids: padding each input to 128 tokens, and searching for the entities of every relation instead
//! of only the detected ones. Also measures the time per sentence by the number of relations.
//!
//! ```text
//! RERE_DATA=… RERE_ENCODERS=… cargo bench --bench pruning
//! ```
//! Sentences of WebNLG that have one of its 12 most frequent relations, MiniLM with random weights, flex with all threads. The
//! detected relations are the gold relations of a sentence among the most frequent ones.

use std::{error::Error, fs, path::PathBuf};

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use plotters::prelude::*;
use rayon::prelude::*;
use rere_benches::{by_frequency, median_time};
use rere_core::{RelationSet, Sentence};
use rere_data::{Tokenizer, pad, query_input, read, sentence_input, token_batches};
use rere_model::{EncoderConfig, EncoderInput, Network, PointerHead, Pooling, RelationModel, read_config};

/// Numbers of relations; the most frequent ones are used, at most all.
const RELATIONS: [usize; 5] = [12, 25, 50, 100, 211];
/// Number of sentences, and of those that are searched for all relations: enough for full batches.
const SENTENCES: (usize, usize) = (96, 12);
const BATCH_TOKENS: usize = 1024;
const WIDE: usize = 128;
const RUNS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = |variable: &str| std::env::var_os(variable).map(PathBuf::from);
    let (Some(data), Some(encoders)) = (folder("RERE_DATA"), folder("RERE_ENCODERS")) else {
        println!("skipped: RERE_DATA and RERE_ENCODERS are not set");
        return Ok(());
    };
    let minilm = encoders.join("minilm");
    let (config, tokenizer) = (read_config(&minilm)?, Tokenizer::load(minilm.join("tokenizer.json"))?);
    let corpus = read(&data.join("webnlg/train.json"))?;
    let ranked = by_frequency(&corpus);
    let common = &ranked[..RELATIONS[0].min(ranked.len())];
    let mut sentences: Vec<&Sentence> = corpus
        .iter()
        .filter(|sentence| sentence.triples.iter().any(|triple| common.contains(&triple.relation.as_str())))
        .collect();
    sentences.truncate(SENTENCES.0);
    println!("milliseconds per sentence; {} sentences, {RUNS} runs, medians", sentences.len());
    println!("relations  detected   pruned   padded to {WIDE}   all relations");

    let tokens: Vec<Vec<u32>> = sentences
        .iter()
        .map(|sentence| Ok(tokenizer.encode(&sentence.text)?.ids))
        .collect::<Result<_, Box<dyn Error>>>()?;
    let (mut pruned_points, mut all_points) = (Vec::new(), Vec::new());
    for count in RELATIONS.map(|count| count.min(ranked.len())) {
        let system = System::new(&config, &tokenizer, &ranked[..count])?;
        let detected: Vec<Vec<usize>> = sentences.iter().map(|sentence| system.labels(sentence)).collect();
        let every: Vec<Vec<usize>> = vec![(0..count).collect(); SENTENCES.1.min(sentences.len())];
        let milliseconds = |sentences: usize, seconds: f64| 1e3 * seconds / sentences as f64;

        let pruned = milliseconds(tokens.len(), median_time(RUNS, || system.run(&tokens, &detected, 0)));
        let padded = milliseconds(tokens.len(), median_time(RUNS, || system.run(&tokens, &detected, WIDE)));
        let few = &tokens[..every.len()];
        let all = milliseconds(few.len(), median_time(RUNS, || system.run(few, &every, 0)));
        let mean = detected.iter().map(Vec::len).sum::<usize>() as f64 / detected.len() as f64;
        println!(
            "{count:9}  {mean:8.2}  {pruned:7.2}  {padded:8.2} ({:4.1}x)  {all:8.1} ({:5.1}x)",
            padded / pruned,
            all / pruned
        );
        pruned_points.push((count as f64, pruned));
        all_points.push((count as f64, all));
    }
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pruning.svg");
    fs::write(&path, plot(&pruned_points, &all_points)?)?;
    println!("{}", path.display());
    Ok(())
}

/// Both networks with random weights.
struct System<'a> {
    tokenizer: &'a Tokenizer,
    relations: RelationSet,
    queries: Vec<Vec<u32>>,
    relation: RelationModel,
    entity: Network<PointerHead>,
    device: Device,
}

impl<'a> System<'a> {
    fn new(config: &EncoderConfig, tokenizer: &'a Tokenizer, names: &[&str]) -> Result<Self, Box<dyn Error>> {
        let device = Device::flex();
        let relations = RelationSet::from_names(names.iter().copied())?;
        let queries = relations.iter().map(|relation| Ok(tokenizer.encode(&relation.query)?.ids));
        Ok(Self {
            tokenizer,
            queries: queries.collect::<Result<_, Box<dyn Error>>>()?,
            relation: RelationModel::new(config, relations.len(), Pooling::First, &device)?,
            entity: Network::new(config, &device, |hidden| PointerHead::new(hidden, &device))?,
            relations,
            device,
        })
    }

    /// Returns the labels of the relations of a sentence.
    fn labels(&self, sentence: &Sentence) -> Vec<usize> {
        let mut labels: Vec<usize> =
            sentence.triples.iter().filter_map(|triple| self.relations.label(&triple.relation)).collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    }

    /// Runs both stages: relations of all sentences, then entities of the given relations. Inputs are padded to the longest of their
    /// batch, and at least to the given width.
    fn run(&self, sentences: &[Vec<u32>], relations: &[Vec<usize>], wide: usize) {
        let inputs = sentences.iter().map(|ids| sentence_input(self.tokenizer, ids)).collect();
        self.batches(inputs, wide, |input| self.relation.forward(input).into_data());
        let queried = sentences.iter().zip(relations).flat_map(|(ids, relations)| {
            relations.iter().map(|&relation| query_input(self.tokenizer, &self.queries[relation], ids).0)
        });
        self.batches(queried.collect(), wide, |input| self.entity.head.forward(self.entity.encode(input)).into_data());
    }

    fn batches(&self, mut inputs: Vec<Vec<u32>>, wide: usize, forward: impl Fn(&EncoderInput) -> TensorData + Sync) {
        let lengths: Vec<usize> = inputs.iter().map(Vec::len).collect();
        for ids in &mut inputs {
            ids.resize(ids.len().max(wide), self.tokenizer.pad());
        }
        let widths: Vec<usize> = inputs.iter().map(Vec::len).collect();
        token_batches(&widths, BATCH_TOKENS).par_iter().for_each(|batch| {
            let padded =
                pad(&batch.iter().map(|&row| inputs[row].as_slice()).collect::<Vec<_>>(), self.tokenizer.pad());
            let shape = [padded.rows, padded.width];
            let ids: Vec<i64> = padded.ids.iter().map(|&id| i64::from(id)).collect();
            let own = |length: usize| (0..padded.width).map(move |column| column < length);
            let mask: Vec<bool> = batch.iter().flat_map(|&row| own(lengths[row])).collect();
            forward(&EncoderInput::new(
                Tensor::<2, Int>::from_data(TensorData::new(ids, shape), &self.device),
                Tensor::zeros(shape, &self.device),
                Tensor::<2, Bool>::from_data(TensorData::new(mask, shape), &self.device),
            ));
        });
    }
}

/// Draws both lines over the number of relations, with a logarithmic time axis.
fn plot(pruned: &[(f64, f64)], all: &[(f64, f64)]) -> Result<String, Box<dyn Error>> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (640, 400)).into_drawing_area();
        area.fill(&WHITE)?;
        let most = all.iter().map(|point| point.1).fold(1.0, f64::max);
        let mut chart = ChartBuilder::on(&area)
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..220.0, (1.0..most * 2.0).log_scale())?;
        chart.configure_mesh().x_desc("relations").y_desc("ms a sentence").draw()?;
        for (points, colour, name) in [(pruned, BLUE, "detected relations"), (all, RED, "all relations")] {
            let line = LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(3);
            chart.draw_series(line)?.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour));
        }
        chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).border_style(BLACK).draw()?;
        area.present()?;
    }
    Ok(svg)
}
