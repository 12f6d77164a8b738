//! Exact and partial scores of a million sentences with 2.5 million gold triples, compared with plain Python on the same files in the
//! same run: counting alone, and with reading; and the memory of streams. Then 10,000 rounds of the bootstrap over as many sentences
//! as the test set of NYT10-HRL has.
//!
//! ```text
//! cargo bench --bench eval
//! ```
//! Needs `python3` with its standard library. `RAYON_NUM_THREADS=1` restricts counting to one thread, as in Python.

use std::{
    error::Error,
    fs,
    io::{BufWriter, Write},
    path::Path,
    time::Instant,
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_benches::{median_time, peak_memory, python};
use rere_data::{DataError, ReadOptions, Reader, read};
use rere_eval::{
    Agreement, Counts, Match, SentencePairStream, bootstrap, count, count_each, count_each_matcher, pair_sentences,
};
use serde_json::{Value, json};

const SENTENCES: usize = 1_000_000;
const MATCHES: [Match; 2] = [Match::Exact, Match::Partial];
const RUNS: usize = 5;
/// Number of sentences of NYT10-HRL's test set.
const NYT10: usize = 4_006;
const ROUNDS: usize = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    // `cargo test --benches` only checks that the benchmark runs.
    let test = std::env::args().any(|argument| argument == "--test");
    let (sentences, runs) = if test { (10_000, 1) } else { (SENTENCES, RUNS) };
    let folder = tempfile::tempdir()?;
    let [gold, predicted] = ["gold.jsonl", "predicted.jsonl"].map(|name| folder.path().join(name));
    generate(&gold, &predicted, sentences)?;

    let begin = Instant::now();
    let streamed = stream(&gold, &predicted)?;
    let streaming = begin.elapsed().as_secs_f64();
    let memory = peak_memory()?;

    let (gold_sentences, predicted_sentences) = (read(&gold)?, read(&predicted)?);
    let aligned = pair_sentences(&gold_sentences, &predicted_sentences)?;
    let counting = median_time(runs, || count_each_matcher(&aligned, MATCHES.each_ref()));
    let counts = count_each_matcher(&aligned, MATCHES.each_ref());
    if counts != streamed {
        return Err(format!("{counts:?} in memory, {streamed:?} streamed").into());
    }

    let printed: Value = serde_json::from_str(&python("evaluate.py", &[&gold, &predicted])?)?;
    for (matcher, Counts { true_positives: right, predicted, gold }) in MATCHES.iter().zip(counts) {
        let theirs = &printed["counts"][matcher.to_string()];
        if *theirs != json!([right, predicted, gold]) {
            return Err(format!("{matcher}: {right}/{predicted}/{gold} here, {theirs} in Python").into());
        }
    }
    let seconds = |name: &str| printed[name].as_f64().ok_or("Python was to print seconds");
    println!(
        "{sentences} sentences, {} gold triples, exact and partial, {} threads here",
        counts[0].gold,
        rayon::current_num_threads()
    );
    for (name, here, python) in
        [("counting", counting, seconds("counting")?), ("with reading", streaming, seconds("all")?)]
    {
        println!("{name:<14} {here:>7.3} s   python {python:>7.2} s   {:>6.1}x", python / here);
    }
    let bytes = memory * 1024.0 * 1024.0 / sentences as f64;
    println!("streams: peak memory {memory:.0} MiB, {bytes:.0} bytes per sentence");

    let each = count_each(&aligned[..NYT10.min(aligned.len())], &Match::Exact);
    let rounds = median_time(runs, || bootstrap(&each, ROUNDS, 1, 0.95));
    println!("{ROUNDS} rounds of the bootstrap over {} sentences: {rounds:.3} s", each.len());
    Ok(())
}

/// Counts triples of two files as streams.
fn stream(gold: &Path, predicted: &Path) -> Result<[Counts; 2], Box<dyn Error>> {
    let [gold, predicted] = [gold, predicted].map(|path| Reader::open(path, &ReadOptions::default()));
    let with_box = |sentence: Result<_, DataError>| sentence.map_err(Box::<dyn Error>::from);
    let mut counts = [Counts::default(); 2];
    for pair in SentencePairStream::new(gold?.map(with_box), predicted?.map(with_box), Agreement::Required) {
        let (gold, predicted) = pair?;
        let predicted = predicted.iter().flat_map(|sentence| &sentence.triples);
        for (sum, matcher) in counts.iter_mut().zip(MATCHES) {
            *sum += count(&gold, predicted.clone(), &matcher);
        }
    }
    Ok(counts)
}

/// Creates gold sentences with up to five triples, and predictions of which two in three are gold.
fn generate(gold: &Path, predicted: &Path, sentences: usize) -> Result<(), Box<dyn Error>> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let [mut gold, mut predicted] = [fs::File::create(gold)?, fs::File::create(predicted)?].map(BufWriter::new);
    let names: Vec<String> = (0..1000).map(|number| format!("Name{} Family{}", number % 37, number)).collect();
    for number in 0..sentences {
        let text = format!("Sentence {number} says of some people where they were born , and what they own .");
        let triple = |rng: &mut ChaCha8Rng| {
            let mut name = || &names[rng.random_range(0..names.len())];
            let [subject, object] = [name(), name()];
            let relation = format!("/people/person/relation_{}", rng.random_range(0..24));
            json!({ "subject": { "text": subject }, "relation": relation, "object": { "text": object } })
        };
        let own: Vec<Value> = (0..rng.random_range(0..=5)).map(|_| triple(&mut rng)).collect();
        let mut found: Vec<Value> = own.iter().filter(|_| rng.random_ratio(2, 3)).cloned().collect();
        found.extend((found.len()..own.len()).map(|_| triple(&mut rng)));
        for (file, triples) in [(&mut gold, own), (&mut predicted, found)] {
            writeln!(file, "{}", json!({ "id": number.to_string(), "text": text, "triples": triples }))?;
        }
    }
    gold.flush()?;
    predicted.flush()?;
    Ok(())
}
