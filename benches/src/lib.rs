//! Seeded input for the benchmarks: the same numbers on each machine and in each run.
//!
//! ```
//! use rere_benches::{Certainty, ScoredSentence};
//!
//! let sentence = ScoredSentence::new(16, Certainty::Trained, 7);
//! assert_eq!(sentence.scores.len(), 4 * sentence.tokens.len());
//! assert_eq!(sentence.text, ScoredSentence::new(16, Certainty::Trained, 7).text);
//! ```

use std::{error::Error, fs, hint::black_box, path::Path, process::Command, time::Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_core::ByteSpan;

/// How sure the network is that the scores stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// A trained network: a subject and one or two objects of 1 to 4 tokens for each 64 tokens begun, whose pointers are
    /// over 0.5; the others are under 0.02.
    Trained,
    /// One pointer in ten is over 0.5.
    Dense,
    /// A network at the start of its training: every pointer is near 0.5. The most work that a decoder can have.
    Untrained,
}

/// A sentence of made-up words with pointer scores.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredSentence {
    /// The words, with a space between two.
    pub text: String,
    /// The byte span of each word.
    pub tokens: Vec<ByteSpan>,
    /// Row-major `[tokens, 4]`, in \[0, 1\].
    pub scores: Vec<f32>,
}

impl ScoredSentence {
    /// A sentence of as many words of 1 to 8 letters as `tokens` says.
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
                // Columns 0 and 1 are the subject's, 2 and 3 the object's.
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

/// A made-up word of 1 to 8 letters.
fn word(rng: &mut ChaCha8Rng) -> String {
    let letters = rng.random_range(1..=8);
    (0..letters).map(|_| char::from(rng.random_range(b'a'..=b'z'))).collect()
}

/// Names of as many entities as said, 1 to 4 each, of 1 to 3 words that begin with a capital.
pub fn names(entities: usize, seed: u64) -> Names {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Names share words, as those of people and places do.
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

/// A text of about as many bytes as said, in which one of 8 words is one of `names`; the others are made up.
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

/// Names of a public knowledge base, and the texts of a public corpus, in the folder `data`.
///
/// # Errors
/// Where one of the two cannot be read.
pub fn public_text(data: &Path) -> Result<(Names, Vec<String>), Box<dyn Error>> {
    let entities = fs::read_to_string(data.join("kb/freebase_entities.tsv"))?;
    let names = entities.lines().map(|line| line.split('\t').skip(2).map(str::to_owned).collect());
    let corpus = rere_data::read(&data.join("nyt11-hrl/train_sample.jsonl"))?;
    Ok((names.collect(), corpus.into_iter().map(|sentence| sentence.text).collect()))
}

/// What a script of `python/` prints.
///
/// # Errors
/// Where there is no `python3`, and where the script fails.
pub fn python(script: &str, arguments: &[&Path]) -> Result<String, Box<dyn Error>> {
    // Cargo runs benchmarks in the folder of their package.
    let output = Command::new("python3").arg(Path::new("python").join(script)).args(arguments).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The most memory that this process has had, in MiB.
///
/// # Errors
/// Where there is no `/proc`.
pub fn peak_memory() -> Result<f64, Box<dyn Error>> {
    let status =
        fs::read_to_string("/proc/self/status").map_err(|_| "the peak memory is read from /proc: Linux is needed")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM in /proc/self/status")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
}

/// Median of the seconds that the work takes, done so many times.
pub fn median_time<T>(runs: usize, mut work: impl FnMut() -> T) -> f64 {
    let time = |_| {
        let begin = Instant::now();
        black_box(work());
        begin.elapsed().as_secs_f64()
    };
    median((0..runs.max(1)).map(time).collect())
}

/// The number in the middle, of at least one.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
