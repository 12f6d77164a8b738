//! Does a device work, how fast is it, and does it say what the CPU says?
//!
//! ```text
//! cargo run --release --features tch --example check_device -- libtorch:cuda:0
//! ```
//!
//! Trains a BERT of MiniLM's size (6 layers of 384) from random weights on the small corpus of this repository, then extracts from
//! its test sentences: on the device in 32 and in 16 bits, and on the CPU in pure Rust. Prints the tokens a second of both stages'
//! training, the sentences a second of extraction, what differs from the CPU, and the memory that was taken. It fails where 32 bits on
//! the device and on the CPU disagree on a relation's probability by more than 0.001.
//!
//! LibTorch may be the one that the machine's own PyTorch brings: docs/guide.md, "Devices".

use std::{env, error::Error, fs, ops::ControlFlow, path::Path, process::Command, time::Instant};

use rere::{
    Config, Corpus, Device, Event, ExtractOptions, Extractor, Input, LoadOptions, Precision, Rere, RereError, Sentence,
    TrainOptions, Trained, Trainer, parse_device,
};
use rere_eval::{Exact, Score, evaluate};

const SETTINGS: &str = r#"
    [encoder.random]
    model_type = "bert"
    hidden_size = 384
    num_hidden_layers = 6
    num_attention_heads = 12
    intermediate_size = 1536
    max_position_embeddings = 512
    [rere.relation]
    epochs = 1
    [rere.entity]
    epochs = 1
"#;
/// Enough to fill a graphics card.
const BATCH_TOKENS: usize = 8192;
/// Test sentences: a system that was trained for one epoch has many triples, and the CPU takes them slowly.
const TEST: usize = 200;
const RUNS: usize = 3;
const TOLERANCE: f32 = 1e-3;

fn main() -> Result<(), Box<dyn Error>> {
    let name = env::args().nth(1).unwrap_or_else(|| "flex".to_owned());
    let device = parse_device(&name)?;
    let data = Path::new("datasets/small");
    let read = |file: &str| rere_data::read(&data.join(file));
    let corpus = Corpus { train: read("train.jsonl")?, dev: read("dev.jsonl")? };
    let mut test = read("test.jsonl")?;
    test.truncate(TEST);

    let folder = tempfile::tempdir()?;
    let model = folder.path().join("model");
    let (mut tokens, mut started) = (0, Instant::now());
    println!("training on {name}");
    let on_event = |event: &Event| {
        match event {
            Event::Stage { stage, .. } => println!("  {stage} stage"),
            Event::Step { tokens: more, .. } => tokens += more,
            Event::Epoch { epoch, loss, .. } => {
                let rate = tokens as f64 / started.elapsed().as_secs_f64();
                println!(
                    "    epoch {epoch}: loss {loss:.4}, {rate:.0} tokens/s, development sentences counted in the time"
                );
                (tokens, started) = (0, Instant::now());
            }
            _ => {}
        }
        ControlFlow::Continue(())
    };
    let config = Config::<Rere>::parse(SETTINGS)?;
    Trainer::new(config, TrainOptions::new(device.clone())).on_event(on_event).run(&corpus, &model)?;

    println!("extraction from {} sentences, best of {RUNS} runs", test.len());
    let texts: Vec<&str> = test.iter().map(|sentence| sentence.text.as_str()).collect();
    let cpu = Trained::<Rere>::load(&model, &LoadOptions::new(Device::flex()))?;
    let (expected, rate) = extract(&cpu, &test)?;
    let (probabilities, before) = (cpu.relation_scores(&texts)?, f1(&test, &expected)?);
    println!("  flex {rate:.0} sentences/s");
    let mut furthest = 0.0;
    for precision in [Precision::F32, Precision::Bf16, Precision::F16] {
        let options = LoadOptions::new(device.clone()).with_precision(precision).with_batch_tokens(BATCH_TOKENS);
        let system = match Trained::<Rere>::load(&model, &options) {
            Ok(system) => system,
            Err(error @ RereError::Model(_)) => {
                println!("  {error}");
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let (found, rate) = extract(&system, &test)?;
        let scores = system.relation_scores(&texts)?;
        let differences = scores.iter().flatten().zip(probabilities.iter().flatten()).map(|(a, b)| (a - b).abs());
        let difference = differences.fold(0.0, f32::max);
        let agreement = f1(&expected, &found)?;
        let after = f1(&test, &found)?;
        println!(
            "  {name}, {precision}: {rate:.0} sentences/s; probabilities differ by at most {difference:.1e}; F1 of its triples to \
             those of flex {:.2}; F1 to the gold ones {:.2}, flex {:.2}",
            100.0 * agreement,
            100.0 * after,
            100.0 * before,
        );
        if precision == Precision::F32 {
            furthest = difference;
        }
    }
    println!("memory: {}", memory(&name));
    if furthest > TOLERANCE {
        return Err(format!("{name} and flex disagree by {furthest}, more than {TOLERANCE}").into());
    }
    Ok(())
}

/// Micro F1 by exact match.
fn f1(gold: &[Sentence], predicted: &[Sentence]) -> Result<f64, Box<dyn Error>> {
    Ok(Score::from_counts(evaluate(gold, predicted, &Exact)?).f1)
}

/// The sentences with what was found, and sentences a second.
fn extract(system: &dyn Extractor, test: &[Sentence]) -> Result<(Vec<Sentence>, f64), Box<dyn Error>> {
    let mut best = 0.0f64;
    let mut predicted = test.to_vec();
    let inputs: Vec<Input> = test.iter().map(Input::from).collect();
    for _ in 0..RUNS {
        let started = Instant::now();
        let found = system.extract(&inputs, &ExtractOptions::default())?;
        best = best.max(test.len() as f64 / started.elapsed().as_secs_f64());
        for (sentence, found) in predicted.iter_mut().zip(found) {
            sentence.triples = found;
        }
    }
    Ok((predicted, best))
}

/// What the process took at most of the machine's memory and, as nvidia-smi tells, takes now of a card's.
fn memory(device: &str) -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map_or("unknown", str::trim);
    let mut told = format!("{peak} at most in the machine");
    if device.contains("cuda") {
        let arguments = ["--query-compute-apps=pid,used_memory", "--format=csv,noheader"];
        let listed =
            Command::new("nvidia-smi").args(arguments).output().map(|output| output.stdout).unwrap_or_default();
        let listed = String::from_utf8_lossy(&listed).trim().replace('\n', "; ");
        told += &format!(", on the card (process, memory): {listed}");
    }
    told
}
