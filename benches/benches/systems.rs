//! Time and memory of extraction of every system, by the number of relations.
//!
//! ```text
//! RERE_DATA=… RERE_ENCODERS=… cargo bench --bench systems
//! ```
//! The sentences are 96 of WebNLG that have one of its 12 most frequent relations. Each system has learned these sentences with the
//! most frequent relations only, so that it finds about as many triples as there are; for each other relation it has learned one
//! more sentence. All have MiniLM, whose last layer alone is trained. The trained models are kept for the next run in the target
//! folder. Each system is measured in a process of its own, flex with all threads. With `-- --test` each is trained for one epoch,
//! with the fewest relations, to see that the benchmark runs.

use std::{
    collections::HashSet,
    env,
    error::Error,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::Command,
};

use rere::{AnyConfig, Corpus, Device, ExtractOptions, Input, LoadOptions, Sentence, TrainOptions, load};
use rere_benches::{by_frequency, median, median_time, peak_memory};

/// Numbers of relations, at most all.
const RELATIONS: [usize; 3] = [12, 50, 211];
const SENTENCES: usize = 96;
const EPOCHS: usize = 30;
const STAGE: &str = "batch = 8\nlearning_rate = 5e-4\nfrozen_layers = 5";
const ROUNDS: usize = 3;
/// Runs of each round, after one that is not counted.
const RUNS: usize = 3;

/// Tells a process which model to measure.
const MODEL: &str = "RERE_BENCH_MODEL";

fn main() -> Result<(), Box<dyn Error>> {
    let folder = |variable: &str| env::var_os(variable).map(PathBuf::from);
    let (Some(data), Some(encoders)) = (folder("RERE_DATA"), folder("RERE_ENCODERS")) else {
        println!("skipped: RERE_DATA and RERE_ENCODERS are not set");
        return Ok(());
    };
    let corpus = rere_data::read(&data.join("webnlg/train.json"))?;
    let ranked = by_frequency(&corpus);
    if let Some(model) = folder(MODEL) {
        return measure(&model, &sentences(&corpus, &ranked));
    }

    let is_test = env::args().any(|argument| argument == "--test");
    let (relations, epochs, rounds) = if is_test { (&RELATIONS[..1], 1, 1) } else { (&RELATIONS[..], EPOCHS, ROUNDS) };
    println!("{SENTENCES} sentences, medians of {rounds} rounds in turns");
    println!("relations  system          gold  found  ms per sentence  ratio  peak MiB");
    for count in relations.iter().map(|&count| count.min(ranked.len())) {
        let corpus = with_relations(&corpus, &ranked, count);
        let gold: usize = corpus.dev.iter().map(|sentence| sentence.triples.len()).sum();
        let models = AnyConfig::SYSTEMS.iter().map(|system| {
            let model = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("systems/{system}-{count}-{epochs}"));
            train(settings(system, epochs)?, &encoders, &corpus, &model).map(|()| model)
        });
        let models = models.collect::<Result<Vec<_>, _>>()?;
        let mut measured: Vec<[Vec<f64>; 3]> = vec![Default::default(); models.len()];
        for _ in 0..rounds {
            for (model, measured) in models.iter().zip(&mut measured) {
                let numbers = measure_in_process(model)?;
                measured.iter_mut().zip(numbers).for_each(|(numbers, number)| numbers.push(number));
            }
        }
        let mut first = None;
        for (system, numbers) in AnyConfig::SYSTEMS.iter().zip(measured) {
            let [seconds, memory, found] = numbers.map(median);
            let milliseconds = 1e3 * seconds / SENTENCES as f64;
            let ratio = milliseconds / *first.get_or_insert(milliseconds);
            println!("{count:9}  {system:14} {gold:5} {found:6} {milliseconds:16.2} {ratio:6.2} {memory:9.0}");
        }
    }
    Ok(())
}

/// Returns the sentences to extract from.
fn sentences(corpus: &[Sentence], ranked: &[&str]) -> Vec<Sentence> {
    let common = &ranked[..RELATIONS[0].min(ranked.len())];
    let has_common =
        |sentence: &&Sentence| sentence.triples.iter().any(|triple| common.contains(&triple.relation.as_str()));
    corpus.iter().filter(has_common).take(SENTENCES).cloned().collect()
}

/// Returns the sentences to extract from as the development set, and those with one sentence for each other relation to train on, with
/// the triples of the most frequent relations.
fn with_relations(corpus: &[Sentence], ranked: &[&str], count: usize) -> Corpus {
    let chosen: HashSet<&str> = ranked[..count].iter().copied().collect();
    let restricted = |sentence: &Sentence| {
        let triples = sentence.triples.iter().filter(|triple| chosen.contains(triple.relation.as_str())).cloned();
        let triples = triples.collect::<Vec<_>>();
        sentence.clone().with_triples(triples)
    };
    let dev: Vec<Sentence> = sentences(corpus, ranked).iter().map(restricted).collect();
    let relations = |sentence: &Sentence| -> Vec<String> {
        sentence.triples.iter().map(|triple| triple.relation.clone()).collect()
    };
    let mut known: HashSet<String> = dev.iter().flat_map(relations).collect();
    let mut train = dev.clone();
    for sentence in corpus.iter().map(restricted) {
        let relations = relations(&sentence);
        if relations.iter().any(|relation| !known.contains(relation)) {
            known.extend(relations);
            train.push(sentence);
        }
    }
    Corpus { train, dev }
}

fn settings(system: &str, epochs: usize) -> Result<AnyConfig, Box<dyn Error>> {
    let common = format!("system = \"{system}\"\nencoder.pretrained = \"minilm\"\n");
    let stage = |(stage, _)| format!("[{system}.{stage}]\nepochs = {epochs}\n{STAGE}\n");
    let stages: String = AnyConfig::parse(&common)?.stages().into_iter().map(stage).collect();
    Ok(AnyConfig::parse(&format!("{common}{stages}"))?)
}

/// Trains a system, unless an earlier run has done so.
fn train(config: AnyConfig, encoders: &Path, corpus: &Corpus, model: &Path) -> Result<(), Box<dyn Error>> {
    let options = TrainOptions::new(Device::flex()).with_resume(true);
    std::fs::create_dir_all(model)?;
    config.with_folders(Path::new(""), encoders).train(options, corpus, model, |_| ControlFlow::Continue(()))?;
    Ok(())
}

/// Runs [`measure`] in a process of its own, whose peak memory is that of the system.
fn measure_in_process(model: &Path) -> Result<[f64; 3], Box<dyn Error>> {
    let output = Command::new(env::current_exe()?).env(MODEL, model).output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    numbers.try_into().map_err(|_| format!("{}: {}", model.display(), String::from_utf8_lossy(&output.stderr)).into())
}

/// Prints the seconds that the model takes for all sentences, the peak memory in MiB, and the number of triples found.
fn measure(model: &Path, sentences: &[Sentence]) -> Result<(), Box<dyn Error>> {
    let system = load(model, LoadOptions::new(Device::flex()))?;
    let inputs: Vec<Input> = sentences.iter().map(|sentence| Input::from(sentence.text.as_str())).collect();
    let extract = || system.extract(&inputs, &ExtractOptions::default());
    let found: usize = extract()?.iter().map(Vec::len).sum();
    let seconds = median_time(RUNS, extract);
    println!("{seconds} {} {found}", peak_memory()?);
    Ok(())
}
