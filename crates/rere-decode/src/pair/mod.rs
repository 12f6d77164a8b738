//! From pointer scores to pairs of subject and object.

mod cross_product;
mod nearest;

use std::cmp::Reverse;

use rere_core::{ByteSpan, Probability};
use serde::{Deserialize, Serialize};

pub use cross_product::{CrossProduct, CrossProductScratch};
pub use nearest::{Nearest, NearestScratch};

use crate::{DecodeError, PointerScores, TokenizedText, triple::dedup_from};

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
    /// Memory that is used again from sentence to sentence, so that none is allocated once it has grown.
    type Scratch: Default + Send;

    /// Appends the pairs of one sentence for one relation to `found`: none twice, best score first, equal scores in the
    /// order of the text (subject, then object).
    ///
    /// # Errors
    /// [`DecodeError::TokenCount`] where the scores are for another number of tokens than the sentence has.
    fn pair_into(
        &self,
        scores: PointerScores<'_>,
        sentence: TokenizedText<'_>,
        scratch: &mut Self::Scratch,
        found: &mut Vec<ScoredPair>,
    ) -> Result<(), DecodeError>;

    /// The pairs of one sentence, with memory of their own.
    ///
    /// # Errors
    /// As [`PairingStrategy::pair_into`].
    fn pair(&self, scores: PointerScores<'_>, sentence: TokenizedText<'_>) -> Result<Vec<ScoredPair>, DecodeError> {
        let mut found = Vec::new();
        self.pair_into(scores, sentence, &mut Self::Scratch::default(), &mut found)?;
        Ok(found)
    }
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
    /// The strategy at a threshold; with `at_least_one` it gives the best pair if nothing reaches the threshold. No span has
    /// more than `longest` tokens, if that is given; [`CrossProduct`] has its own limit of 40 instead.
    pub fn strategy(self, threshold: Probability, at_least_one: bool, longest: Option<usize>) -> AnyPairing {
        match self {
            Self::Nearest => {
                let nearest = Nearest::new(threshold).with_longest(longest.unwrap_or(usize::MAX));
                AnyPairing::Nearest(if at_least_one { nearest.at_least_one() } else { nearest })
            }
            Self::CrossProduct => {
                let cross_product = CrossProduct::new(threshold);
                AnyPairing::CrossProduct(if at_least_one { cross_product.at_least_one() } else { cross_product })
            }
        }
    }
}

/// A strategy that is named in settings.
#[derive(Debug, Clone)]
pub enum AnyPairing {
    /// [`Nearest`].
    Nearest(Nearest),
    /// [`CrossProduct`].
    CrossProduct(CrossProduct),
}

/// Memory of [`AnyPairing`].
#[derive(Debug, Default)]
pub struct PairingScratch {
    nearest: NearestScratch,
    cross_product: CrossProductScratch,
}

impl PairingStrategy for AnyPairing {
    type Scratch = PairingScratch;

    fn pair_into(
        &self,
        scores: PointerScores<'_>,
        sentence: TokenizedText<'_>,
        scratch: &mut PairingScratch,
        found: &mut Vec<ScoredPair>,
    ) -> Result<(), DecodeError> {
        match self {
            Self::Nearest(nearest) => nearest.pair_into(scores, sentence, &mut scratch.nearest, found),
            Self::CrossProduct(cross) => cross.pair_into(scores, sentence, &mut scratch.cross_product, found),
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
