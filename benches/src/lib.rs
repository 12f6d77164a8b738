//! Seeded input for the benchmarks: the same numbers on each machine and in each run.
//!
//! ```
//! use rere_benches::{Certainty, ScoredSentence};
//!
//! let sentence = ScoredSentence::new(16, Certainty::Trained, 7);
//! assert_eq!(sentence.scores.len(), 4 * sentence.tokens.len());
//! assert_eq!(sentence.text, ScoredSentence::new(16, Certainty::Trained, 7).text);
//! ```

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_core::ByteSpan;

/// How sure the network is that the scores stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// A trained network: of the pointers of a token about one in 16 is over 0.5, the others are under 0.02.
    Trained,
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
            let letters = rng.random_range(1..=8);
            sentence.text.extend((0..letters).map(|_| char::from(rng.random_range(b'a'..=b'z'))));
            sentence.tokens.push(ByteSpan::new(start, sentence.text.len()));
            for _ in 0..4 {
                sentence.scores.push(match certainty {
                    Certainty::Trained if rng.random_ratio(1, 16) => rng.random_range(0.5..1.0),
                    Certainty::Trained => rng.random_range(0.0..0.02),
                    Certainty::Untrained => rng.random_range(0.45..0.55),
                });
            }
        }
        sentence
    }
}
