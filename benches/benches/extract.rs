//! Sentences per second of one caller, and of eight threads that share the same model.
//!
//! ```text
//! cargo bench --bench extract
//! ```
//!
//! The model is a small BERT with random weights, the sentences are those of `datasets/small`. One caller passes all sentences in one
//! call; each of eight concurrent threads passes an eighth of them.

use std::{error::Error, path::Path, sync::Arc, thread};

use rere::{Config, Corpus, Device, ExtractOptions, Extractor, Input, LoadOptions, Rere, TrainOptions, Trainer, load};
use rere_benches::{median, median_time};

const SETTINGS: &str = r#"
    [encoder.random]
    model_type = "bert"
    hidden_size = 128
    num_hidden_layers = 4
    num_attention_heads = 4
    intermediate_size = 512
    max_position_embeddings = 128
    [rere.relation]
    epochs = 1
    [rere.entity]
    epochs = 1
"#;
const THREADS: usize = 8;
const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo runs benchmarks in the folder of their package.
    let read = |name: &str| rere_data::read(&Path::new("../datasets/small").join(name));
    let mut train = read("train.jsonl")?;
    train.truncate(600);
    let corpus = Corpus { train, dev: read("dev.jsonl")? };
    let folder = tempfile::tempdir()?;
    Trainer::new(Config::<Rere>::parse(SETTINGS)?, TrainOptions::new(Device::flex())).run(&corpus, folder.path())?;
    let extractor: Box<dyn Extractor> = load(folder.path(), LoadOptions::new(Device::flex()))?;
    let extractor: Arc<dyn Extractor> = Arc::from(extractor);
    let sentences = Arc::new(read("test.jsonl")?);

    let extract = |range: std::ops::Range<usize>| {
        let (extractor, sentences) = (Arc::clone(&extractor), Arc::clone(&sentences));
        move || {
            let inputs: Vec<Input> = sentences[range.clone()].iter().map(Input::from).collect();
            extractor.extract(&inputs, &ExtractOptions::default()).map(|found| found.len())
        }
    };
    let part = sentences.len() / THREADS;
    let mut ratios = Vec::new();
    for round in 1..=ROUNDS {
        let one = median_time(1, extract(0..part * THREADS));
        let eight = median_time(1, || {
            let threads: Vec<_> =
                (0..THREADS).map(|number| thread::spawn(extract(number * part..(number + 1) * part))).collect();
            threads.into_iter().all(|thread| thread.join().is_ok())
        });
        let rate = |seconds: f64| (part * THREADS) as f64 / seconds;
        println!("round {round}: one caller {:.0}, {THREADS} threads {:.0} sentences/s", rate(one), rate(eight));
        ratios.push(one / eight);
    }
    println!(
        "{THREADS} threads: {:.2}x the speed of one caller, median of {ROUNDS} interleaved rounds",
        median(ratios)
    );
    Ok(())
}
