//! Checks that a device works, measures its speed, and compares its results with those of the CPU.
//!
//! ```text
//! cargo run --release --features tch --example check_device -- libtorch:cuda:0
//! ```
//!
//! Trains a BERT of MiniLM's size (6 layers of 384) from random weights on the small corpus, then extracts from its test sentences:
//! on the device in f32, bf16 and f16, and on the CPU in pure Rust in f32. Prints training speed of both stages in tokens per
//! second, extraction speed in sentences per second, the difference from the CPU, and memory use. It fails if the probability of a
//! relation in f32 differs between device and CPU by more than 0.001.
//!
//! LibTorch can be that of an installed PyTorch: see "Devices" in docs/guide.md.

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
/// Batch size in tokens, enough to use a GPU fully.
const BATCH_TOKENS: usize = 8192;
/// Number of test sentences. After one epoch a system finds many triples, which is slow on the CPU.
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
                println!("    epoch {epoch}: loss {loss:.4}, {rate:.0} tokens/s (time includes the development set)");
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
    let mut f32_difference = 0.0;
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
            "  {name}, {precision}: {rate:.0} sentences/s; probabilities differ by at most {difference:.1e}; F1 {:.2} against the \
             triples of flex, {:.2} against gold (flex {:.2})",
            100.0 * agreement,
            100.0 * after,
            100.0 * before,
        );
        if precision == Precision::F32 {
            f32_difference = difference;
        }
    }
    println!("memory: {}", memory(&name));
    if f32_difference > TOLERANCE {
        return Err(format!("{name} and flex differ by {f32_difference}, more than {TOLERANCE}").into());
    }
    Ok(())
}

/// Computes the micro F1 (exact).
fn f1(gold: &[Sentence], predicted: &[Sentence]) -> Result<f64, Box<dyn Error>> {
    Ok(Score::from_counts(evaluate(gold, predicted, &Exact)?).f1)
}

/// Returns the sentences with the extracted triples, and the sentences per second of the fastest run.
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

/// Returns the peak memory of the process and, from nvidia-smi, its current GPU memory.
fn memory(device: &str) -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map_or("unknown", str::trim);
    let mut report = format!("peak {peak}");
    if device.contains("cuda") {
        let arguments = ["--query-compute-apps=pid,used_memory", "--format=csv,noheader"];
        let listed =
            Command::new("nvidia-smi").args(arguments).output().map(|output| output.stdout).unwrap_or_default();
        let listed = String::from_utf8_lossy(&listed).trim().replace('\n', "; ");
        report += &format!(", GPU (process, memory): {listed}");
    }
    report
}
