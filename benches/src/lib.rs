//! Seeded input for benchmarks, equal on each machine and in each run.
//!
//! ```
//! use rere_benches::{Certainty, ScoredSentence};
//!
//! let sentence = ScoredSentence::new(16, Certainty::Trained, 7);
//! assert_eq!(sentence.scores.len(), 4 * sentence.tokens.len());
//! assert_eq!(sentence.text, ScoredSentence::new(16, Certainty::Trained, 7).text);
//! ```

use std::{collections::HashMap, error::Error, fs, hint::black_box, path::Path, process::Command, time::Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_core::{ByteSpan, Sentence};

/// Certainty of the network that the scores simulate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// A trained network: for every 64 tokens or part of it, a subject and one or two objects of 1 to 4 tokens with pointers above
    /// 0.5; the other pointers are below 0.02.
    Trained,
    /// One in ten pointers is above 0.5.
    Dense,
    /// A network at the start of training: every pointer is near 0.5, the worst case for a decoder.
    Untrained,
}

/// Sentence of made-up words with pointer scores.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredSentence {
    /// The words, separated by spaces.
    pub text: String,
    /// The byte span of each word.
    pub tokens: Vec<ByteSpan>,
    /// Row-major `[tokens, 4]`, in \[0, 1\].
    pub scores: Vec<f32>,
}

impl ScoredSentence {
    /// Creates a sentence with `tokens` words of 1 to 8 letters.
    pub fn new(tokens: usize, certainty: Certainty, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut sentence = Self { text: String::new(), tokens: Vec::new(), scores: Vec::new() };
        for _ in 0..tokens {
            if !sentence.text.is_empty() {
                sentence.text.push(' ');
            }
            let start = sentence.text.len();
            sentence.text.push_str(&word(&mut rng));
            sentence.tokens.push(ByteSpan::new(start, sentence.text.len()));
            for _ in 0..4 {
                sentence.scores.push(match certainty {
                    Certainty::Trained => rng.random_range(0.0..0.02),
                    Certainty::Dense if rng.random_ratio(1, 10) => rng.random_range(0.5..1.0),
                    Certainty::Dense => rng.random_range(0.0..0.5),
                    Certainty::Untrained => rng.random_range(0.45..0.55),
                });
            }
        }
        if certainty == Certainty::Trained {
            for _ in 0..tokens.div_ceil(64) {
                // Columns 0 and 1 belong to the subject, 2 and 3 to the object.
                for column in [0, 2, 2].into_iter().take(rng.random_range(2..=3)) {
                    let first = rng.random_range(0..tokens);
                    let last = tokens.min(first + rng.random_range(1..=4)) - 1;
                    sentence.scores[4 * first + column] = rng.random_range(0.5..1.0);
                    sentence.scores[4 * last + column + 1] = rng.random_range(0.5..1.0);
                }
            }
        }
        sentence
    }
}

/// The names of each entity.
pub type Names = Vec<Vec<String>>;

/// Makes up a word of 1 to 8 letters.
fn word(rng: &mut ChaCha8Rng) -> String {
    let letters = rng.random_range(1..=8);
    (0..letters).map(|_| char::from(rng.random_range(b'a'..=b'z'))).collect()
}

/// Makes up 1 to 4 names for each of the given number of entities, of 1 to 3 words that begin with a capital.
pub fn names(entities: usize, seed: u64) -> Names {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Names share words, as names of people and places do.
    let words: Vec<String> = (0..entities).map(|_| word(&mut rng)).collect();
    let name = |rng: &mut ChaCha8Rng| {
        let parts = (0..rng.random_range(1..=3)).map(|_| {
            let (first, rest) = words[rng.random_range(0..words.len())].split_at(1);
            first.to_uppercase() + rest
        });
        parts.collect::<Vec<_>>().join(" ")
    };
    (0..entities).map(|_| (0..rng.random_range(1..=4)).map(|_| name(&mut rng)).collect()).collect()
}

/// Makes up a text of about the given number of bytes. One in 8 words is one of `names`.
pub fn named_text(names: &[Vec<String>], bytes: usize, seed: u64) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut text = String::with_capacity(bytes + 64);
    while text.len() < bytes {
        if !text.is_empty() {
            text.push(' ');
        }
        let named = (!names.is_empty() && rng.random_ratio(1, 8)).then(|| &names[rng.random_range(0..names.len())]);
        match named.and_then(|own| own.first()) {
            Some(name) => text.push_str(name),
            None => text.push_str(&word(&mut rng)),
        }
    }
    text
}

/// Reads the names of a public knowledge base and the texts of a public corpus from the folder `data`.
///
/// # Errors
/// Returns an error if one of the two cannot be read.
pub fn public_text(data: &Path) -> Result<(Names, Vec<String>), Box<dyn Error>> {
    let entities = fs::read_to_string(data.join("kb/freebase_entities.tsv"))?;
    let names = entities.lines().map(|line| line.split('\t').skip(2).map(str::to_owned).collect());
    let corpus = rere_data::read(&data.join("nyt11-hrl/train_sample.jsonl"))?;
    Ok((names.collect(), corpus.into_iter().map(|sentence| sentence.text).collect()))
}

/// Returns the relations of a corpus, the most frequent first.
pub fn by_frequency(corpus: &[Sentence]) -> Vec<&str> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for triple in corpus.iter().flat_map(|sentence| &sentence.triples) {
        *counts.entry(&triple.relation).or_default() += 1;
    }
    let mut ranked: Vec<(&str, usize)> = counts.into_iter().collect();
    ranked.sort_unstable_by_key(|&(name, count)| (std::cmp::Reverse(count), name));
    ranked.into_iter().map(|(name, _)| name).collect()
}

/// Runs a script of `python/` and returns its output.
///
/// # Errors
/// Returns an error if there is no `python3` or the script fails.
pub fn python(script: &str, arguments: &[&Path]) -> Result<String, Box<dyn Error>> {
    // Cargo runs benchmarks in the folder of their package.
    let output = Command::new("python3").arg(Path::new("python").join(script)).args(arguments).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Returns the peak memory of this process in MiB.
///
/// # Errors
/// Returns an error if there is no `/proc`.
pub fn peak_memory() -> Result<f64, Box<dyn Error>> {
    let status =
        fs::read_to_string("/proc/self/status").map_err(|_| "the peak memory is read from /proc: Linux is needed")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in /proc/self/status")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
}

/// Runs `work` the given number of times and returns the median of the seconds.
pub fn median_time<T>(runs: usize, mut work: impl FnMut() -> T) -> f64 {
    let time = |_| {
        let begin = Instant::now();
        black_box(work());
        begin.elapsed().as_secs_f64()
    };
    median((0..runs.max(1)).map(time).collect())
}

/// Returns the median of at least one number.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
