//! From pointer scores to pairs of subject and object.

mod cross_product;
mod nearest;

use std::cmp::Reverse;

use rere_core::{ByteSpan, Probability};
use serde::{Deserialize, Serialize};

pub use cross_product::CrossProduct;
pub use nearest::{Nearest, NearestScratch};

use crate::{DecodeError, PointerScores, TokenTriple, TokenizedText, triple::dedup_from};
use cross_product::CrossProductScratch;

/// A subject and an object that a strategy holds for a pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredPair {
    /// Where the subject stands: bytes of the original text, neither empty nor with white space at a border.
    pub subject: ByteSpan,
    /// Where the object stands, likewise; never the subject's own span.
    pub object: ByteSpan,
    /// How sure the strategy is, 0 or more; whether it can exceed 1 is the strategy's to say.
    pub score: f32,
}

/// A way to build pairs of subject and object from pointer scores.
pub trait PairingStrategy {
    /// Appends the pairs of one sentence for one relation to `found`: none twice, best score first, equal scores in the
    /// order of the text (subject, then object).
    ///
    /// `scratch` is memory that is used again: with it, nothing is allocated once it has grown.
    ///
    /// # Errors
    /// [`DecodeError::TokenCount`] where the scores are for another number of tokens than the sentence has.
    fn pair_into(
        &self,
        scores: PointerScores<'_>,
        sentence: TokenizedText<'_>,
        scratch: &mut PairingScratch,
        found: &mut Vec<ScoredPair>,
    ) -> Result<(), DecodeError>;

    /// The pairs of one sentence, with memory of their own.
    ///
    /// # Errors
    /// As [`PairingStrategy::pair_into`].
    fn pair(&self, scores: PointerScores<'_>, sentence: TokenizedText<'_>) -> Result<Vec<ScoredPair>, DecodeError> {
        let mut found = Vec::new();
        self.pair_into(scores, sentence, &mut PairingScratch::default(), &mut found)?;
        Ok(found)
    }
}

/// Memory of any [`PairingStrategy`].
#[derive(Debug, Default)]
pub struct PairingScratch {
    nearest: NearestScratch,
    triples: Vec<TokenTriple>,
    cross_product: CrossProductScratch,
}

/// The name of a strategy in settings: `nearest` or `cross-product`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pairing {
    /// [`Nearest`], as the paper says.
    Nearest,
    /// [`CrossProduct`], as the authors' code does.
    CrossProduct,
}

impl Pairing {
    /// The strategy at a threshold; with `at_least_one` it gives the best pair if nothing reaches the threshold.
    pub fn strategy(self, threshold: Probability, at_least_one: bool) -> Box<dyn PairingStrategy + Send + Sync> {
        match (self, at_least_one) {
            (Self::Nearest, false) => Box::new(Nearest::new(threshold)),
            (Self::Nearest, true) => Box::new(Nearest::new(threshold).at_least_one()),
            (Self::CrossProduct, false) => Box::new(CrossProduct::new(threshold)),
            (Self::CrossProduct, true) => Box::new(CrossProduct::new(threshold).at_least_one()),
        }
    }
}

/// Puts the pairs from number `from` on in the order that [`PairingStrategy::pair_into`] promises; of pairs with the same
/// spans the best stays.
fn best_pairs(found: &mut Vec<ScoredPair>, from: usize) {
    let spans = |pair: &ScoredPair| (pair.subject, pair.object);
    found[from..].sort_unstable_by(|a, b| spans(a).cmp(&spans(b)).then(b.score.total_cmp(&a.score)));
    dedup_from(found, from, spans);
    found[from..].sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then_with(|| spans(a).cmp(&spans(b))));
}

/// What decides between pairs of equal score if only one is kept; the least is kept. The nearest two spans, as nearest
/// pairing prefers; then the leftmost and longest subject, then such an object. Hence of nested spans the outermost is kept:
/// it is no further away than those in it, and of `R & D Labs`, `& D Labs` and `D Labs` it is the one that is meant.
fn tie_break(subject: (usize, usize), object: (usize, usize)) -> impl Ord {
    // From the last token or byte of one to the first of the other.
    let distance = (object.0 + 1).saturating_sub(subject.1).max((subject.0 + 1).saturating_sub(object.1));
    (distance, subject.0, Reverse(subject.1), object.0, Reverse(object.1))
}
