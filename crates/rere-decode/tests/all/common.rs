//! Sentences for tests.

use proptest::prelude::*;
use rere_core::ByteSpan;
use rere_decode::{DecodeError, PairingStrategy, PointerScores, TokenizedText};

/// Number of cases of a test: a tenth without optimisation, and a thousandth under an interpreter (Miri).
pub const fn cases(optimised: usize) -> usize {
    if cfg!(miri) {
        optimised / 1000 + 1
    } else if cfg!(debug_assertions) {
        optimised / 10
    } else {
        optimised
    }
}

/// A sentence with scores, all zero at first.
#[derive(Debug, Clone)]
pub struct Case {
    pub text: String,
    pub tokens: Vec<ByteSpan>,
    pub scores: Vec<[f32; 4]>,
}

impl Case {
    /// One token for each word between spaces.
    pub fn words(text: &str) -> Self {
        let mut tokens = Vec::new();
        for word in text.split(' ') {
            let start = tokens.last().map_or(0, |last: &ByteSpan| last.end + 1);
            tokens.push(ByteSpan::new(start, start + word.len()));
        }
        Self { text: text.to_owned(), scores: vec![[0.0; 4]; tokens.len()], tokens }
    }

    /// One token for each character.
    pub fn characters(text: &str) -> Self {
        let tokens: Vec<_> = text.char_indices().map(|(at, c)| ByteSpan::new(at, at + c.len_utf8())).collect();
        Self { text: text.to_owned(), scores: vec![[0.0; 4]; tokens.len()], tokens }
    }

    /// Adds a subject from the first to the last token.
    pub fn subject(mut self, first: usize, last: usize, start: f32, end: f32) -> Self {
        (self.scores[first][0], self.scores[last][1]) = (start, end);
        self
    }

    /// Adds an object from the first to the last token.
    pub fn object(mut self, first: usize, last: usize, start: f32, end: f32) -> Self {
        (self.scores[first][2], self.scores[last][3]) = (start, end);
        self
    }

    /// Returns the pairs as surfaces with scores.
    pub fn pairs(&self, strategy: &impl PairingStrategy) -> Vec<(&str, &str, f32)> {
        let surface = |span: ByteSpan| span.slice(&self.text).expect("a span of the text");
        let pairs = self.decode(strategy).expect("good input");
        pairs.iter().map(|pair| (surface(pair.subject), surface(pair.object), pair.score)).collect()
    }

    pub fn decode(&self, strategy: &impl PairingStrategy) -> Result<Vec<rere_decode::ScoredPair>, DecodeError> {
        let scores = PointerScores::new(self.scores.as_flattened(), self.scores.len())?;
        strategy.pair(scores, TokenizedText::new(&self.text, &self.tokens)?)
    }
}

/// Sentences of words that contain one another and of the marks of the cross product, with many equal scores.
pub fn any_case() -> impl Strategy<Value = Case> {
    let word = prop::sample::select(vec!["a", "b", "ab", "aba", "、", "、", "》", "，", " ", "é", "北京", "🚀"]);
    let level = prop::sample::select(vec![0.0, 0.0, 0.1, 0.25, 0.3, 0.5, 0.5, 0.7, 1.0]);
    let score = prop_oneof![4 => level, 1 => 0.0..=1.0f32];
    let row = [score.clone(), score.clone(), score.clone(), score];
    (prop::collection::vec((word, row), 0..16), prop::sample::select(vec!["", " "])).prop_map(|(rows, gap)| {
        let mut case = Case { text: String::new(), tokens: Vec::new(), scores: Vec::new() };
        for (word, row) in rows {
            let start = case.text.len();
            case.text.push_str(word);
            case.tokens.push(ByteSpan::new(start, case.text.len()));
            case.scores.push(row);
            case.text.push_str(gap);
        }
        case
    })
}
