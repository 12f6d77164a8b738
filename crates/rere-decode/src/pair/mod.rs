//! Pairs of subject and object from pointer scores.

mod cross_product;
mod nearest;

use std::{cmp::Reverse, fmt};

use rere_core::{ByteSpan, Mention, Probability, SpanError, Triple};
use serde::{Deserialize, Serialize};

pub use cross_product::{CrossProduct, CrossProductScratch};
pub use nearest::{Nearest, NearestScratch};

use crate::{DecodeError, PointerScores, TokenizedText, triple::dedup_from};

/// A pair of subject and object, and its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredPair {
    /// Bytes of the subject in the text; never empty, and without white space at its ends.
    pub subject: ByteSpan,
    /// Bytes of the object in the text, likewise; never those of the subject.
    pub object: ByteSpan,
    /// Confidence of the strategy, 0 or more. It can exceed 1 if the strategy's documentation says so.
    pub score: f32,
}

impl ScoredPair {
    /// Makes a triple of the text, with a name for its relation. Scores over 1 become 1.
    ///
    /// # Errors
    /// Returns an error if a span does not slice the text.
    ///
    /// ```
    /// use rere_decode::{ByteSpan, ScoredPair};
    ///
    /// let pair = ScoredPair { subject: ByteSpan::new(0, 3), object: ByteSpan::new(7, 13), score: 0.75 };
    /// let triple = pair.to_triple("Ada in London", "lives in")?;
    /// assert_eq!((triple.subject.text.as_str(), triple.object.text.as_str()), ("Ada", "London"));
    /// # Ok::<(), rere_decode::SpanError>(())
    /// ```
    pub fn to_triple(self, text: &str, relation: &str) -> Result<Triple, SpanError> {
        let [subject, object] = [self.subject, self.object].map(|span| Mention::at(text, span));
        Ok(Triple::new(subject?, relation, object?).with_score(Probability::saturating(self.score)))
    }
}

/// A way to make pairs of subject and object from pointer scores.
///
/// ```
/// use rere_decode::{ByteSpan, Nearest, PairingStrategy, PointerScores, Probability, TokenizedText};
///
/// let tokens = [(0, 3), (4, 6), (7, 13)].map(|(start, end)| ByteSpan::new(start, end));
/// let sentence = TokenizedText::new("Ada in London", &tokens)?;
/// let scores = [0.9, 0.8, 0.0, 0.0, /**/ 0.0, 0.0, 0.0, 0.0, /**/ 0.0, 0.0, 0.7, 0.9];
/// let scores = PointerScores::new(&scores, tokens.len())?;
///
/// let pairs = Nearest::new(Probability::new(0.5)?).pair(scores, sentence)?;
/// assert_eq!(pairs.len(), 1);
/// assert_eq!((pairs[0].subject, pairs[0].object, pairs[0].score), (tokens[0], tokens[2], 0.7));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait PairingStrategy {
    /// Memory that is reused from sentence to sentence, so that nothing is allocated once it has grown.
    type Scratch: Default + Send;

    /// Appends the pairs of one sentence for one relation to `found`, each once, best score first. Equal scores are
    /// ordered by subject and object in the order of the text.
    ///
    /// # Errors
    /// Returns [`DecodeError::TokenCount`] if the scores are for another number of tokens than the sentence has.
    fn pair_into(
        &self,
        scores: PointerScores<'_>,
        sentence: TokenizedText<'_>,
        scratch: &mut Self::Scratch,
        found: &mut Vec<ScoredPair>,
    ) -> Result<(), DecodeError>;

    /// Returns the pairs of one sentence. For many sentences [`PairingStrategy::pair_into`] is faster.
    ///
    /// # Errors
    /// Returns the errors of [`PairingStrategy::pair_into`].
    fn pair(&self, scores: PointerScores<'_>, sentence: TokenizedText<'_>) -> Result<Vec<ScoredPair>, DecodeError> {
        let mut found = Vec::new();
        self.pair_into(scores, sentence, &mut Self::Scratch::default(), &mut found)?;
        Ok(found)
    }
}

/// The name of a pairing strategy in settings: `nearest` or `cross-product`.
///
/// ```
/// use rere_decode::{AnyPairing, Pairing, Probability};
///
/// assert_eq!(Pairing::CrossProduct.to_string(), "cross-product");
/// let strategy = Pairing::Nearest.strategy(Probability::new(0.5)?, true, None);
/// assert!(matches!(strategy, AnyPairing::Nearest(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Pairing {
    /// [`Nearest`], as in the RERE paper.
    Nearest,
    /// [`CrossProduct`], as in the RERE authors' code.
    CrossProduct,
}

impl Pairing {
    /// Creates the strategy with a threshold.
    ///
    /// With `at_least_one` it returns the best pair if none reaches the threshold. If `longest` is given, no span has
    /// more tokens; [`CrossProduct`] has its own limit of 40 instead.
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

impl fmt::Display for Pairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nearest => "nearest",
            Self::CrossProduct => "cross-product",
        })
    }
}

/// Any of the pairing strategies that [`Pairing`] names.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum AnyPairing {
    /// [`Nearest`].
    Nearest(Nearest),
    /// [`CrossProduct`].
    CrossProduct(CrossProduct),
}

/// Reusable memory of [`AnyPairing`].
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
            Self::CrossProduct(cross_product) => {
                cross_product.pair_into(scores, sentence, &mut scratch.cross_product, found)
            }
        }
    }
}

/// Sorts the pairs from position `from` on as [`PairingStrategy::pair_into`] promises, and keeps the best of those with
/// the same spans.
fn best_pairs(found: &mut Vec<ScoredPair>, from: usize) {
    let spans = |pair: &ScoredPair| (pair.subject, pair.object);
    found[from..].sort_unstable_by(|a, b| spans(a).cmp(&spans(b)).then(b.score.total_cmp(&a.score)));
    dedup_from(found, from, spans);
    found[from..].sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then_with(|| spans(a).cmp(&spans(b))));
}

/// Returns the key that decides between pairs of equal score if only one is kept; the lowest key wins.
///
/// It prefers the smallest distance, as nearest pairing does, then the leftmost and longest subject, then the leftmost
/// and longest object. So the outermost of nested spans wins, which is no further away than those in it: of
/// `R & D Labs`, `& D Labs` and `D Labs` it is the right one.
fn tie_break(subject: (usize, usize), object: (usize, usize)) -> impl Ord {
    // The distance goes from the last token or byte of one to the first one of the other.
    let distance = (object.0 + 1).saturating_sub(subject.1).max((subject.0 + 1).saturating_sub(object.1));
    (distance, subject.0, Reverse(subject.1), object.0, Reverse(object.1))
}
