//! RERE in three minutes, without a download.
//!
//! ```text
//! cargo run --release --example quickstart
//! ```
//!
//! A knowledge base never has all triples, so labels made with one miss many that are true. Here 40 % of the training
//! triples of a small corpus are removed at random. Then the same small system, from random weights, is trained twice:
//! once with the ordinary loss (BCE), which calls everything without a label false, and once with the collective
//! positive-unlabelled loss (cPU), which does not. Both are scored on test sentences whose labels are complete.

use std::{error::Error, path::Path, time::Instant};

use burn::tensor::Device;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere::{Config, Corpus, Event, Rere, train};
use rere_core::{Extractor, Sentence};
use rere_eval::{Exact, Score, evaluate};

/// Share of the training triples that are removed.
const MISSING: f64 = 0.4;

/// The settings of both runs but for the relation classifier's loss, which takes the place of `LOSS`.
///
/// gamma and mu of cPU are not the paper's: they were chosen on the development set; see docs/reproduction.md.
const SETTINGS: &str = r#"
    [encoder]
    random = { model_type = "bert", hidden_size = 128, num_hidden_layers = 2, num_attention_heads = 4,
               intermediate_size = 256, max_position_embeddings = 128 }
    [relation]
    epochs = 6
    learning_rate = 1e-3
    pooling = "mean"
    loss = LOSS
    [entity]
    epochs = 8
    learning_rate = 1e-3
    [training]
    seed = 1
"#;

const LOSSES: [(&str, &str); 2] = [("BCE", r#"{ name = "bce" }"#), ("cPU", r#"{ name = "cpu", gamma = 0.9 }"#)];

fn main() -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../datasets/small");
    let complete = rere_data::read(&data.join("train.jsonl"))?;
    let incomplete = remove_triples(&complete, MISSING, 1);
    println!("training triples: {} of {} are left", triples(&incomplete), triples(&complete));
    let corpus = Corpus { train: incomplete, dev: rere_data::read(&data.join("dev.jsonl"))? };
    let test = rere_data::read(&data.join("test.jsonl"))?;

    let device = Device::flex();
    let models = Path::new("models/quickstart");
    let mut results = Vec::new();
    for (name, loss) in LOSSES {
        println!("\ntraining with {name}");
        let folder = models.join(name.to_lowercase());
        let config = Config::parse(&SETTINGS.replace("LOSS", loss))?;
        train(&config, &corpus, &folder, &device, false, &mut |event| show(&event))?;
        let system = Rere::load(&folder, &device)?;
        let mut predicted = test.clone();
        for (sentence, found) in predicted.iter_mut().zip(system.extract(&test)?) {
            sentence.triples = found;
        }
        results.push((name, Score::from_counts(evaluate(&test, &predicted, &Exact)?), predicted));
    }

    println!("\n{} test sentences, {} triples, nothing missing\n", test.len(), triples(&test));
    println!("{:<5} {:>6} {:>9} {:>9} {:>7} {:>7}", "loss", "right", "predicted", "precision", "recall", "F1");
    for (name, score, _) in &results {
        let [p, r, f1] = [score.precision, score.recall, score.f1].map(|share| 100.0 * share);
        println!("{name:<5} {:>6} {:>9} {p:>9.1} {r:>7.1} {f1:>7.1}", score.counts.right, score.counts.predicted);
    }
    if let Some((name, _, predicted)) = results.last() {
        println!("\nwhat the system trained with {name} finds:");
        for sentence in predicted.iter().filter(|sentence| !sentence.triples.is_empty()).take(3) {
            println!("\n  {}", sentence.text);
            for triple in &sentence.triples {
                let score = triple.score.unwrap_or_default();
                println!("    {} | {} | {}   {score:.2}", triple.subject.text, triple.relation, triple.object.text);
            }
        }
    }
    println!("\nmodels: {} ({:.0} s)", models.display(), started.elapsed().as_secs_f64());
    Ok(())
}

/// Removes each triple with the given probability. A sentence stays, even without any triple: to the training it looks
/// as if nothing were said in it.
fn remove_triples(sentences: &[Sentence], probability: f64, seed: u64) -> Vec<Sentence> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut sentences = sentences.to_vec();
    for sentence in &mut sentences {
        sentence.triples.retain(|_| !rng.random_bool(probability));
    }
    sentences
}

fn triples(sentences: &[Sentence]) -> usize {
    sentences.iter().map(|sentence| sentence.triples.len()).sum()
}

fn show(event: &Event) {
    match event {
        Event::Stage { stage, .. } => println!("  {} stage", stage.name()),
        Event::Epoch { epoch, loss, dev_f1 } => {
            println!("    epoch {epoch}: loss {loss:.4}, dev F1 {:.1}", 100.0 * dev_f1.unwrap_or_default());
        }
        _ => {}
    }
}
