//! Checked pointer scores of a sentence.

use std::fmt;

use ndarray::ArrayView2;
use rere_core::Probability;

use crate::DecodeError;

/// The four pointers, in the order of the columns.
const POINTERS: [&str; 4] = ["subject start", "subject end", "object start", "object end"];

/// The scale of a network's scores: probabilities or logits.
///
/// ```
/// use rere_decode::{Probability, Scale};
///
/// assert_eq!(Scale::Logit.threshold(Probability::new(0.5)?), 0.0);
/// assert_eq!(Scale::Logit.probability(0.0), 0.5);
/// assert_eq!(Scale::Probability.probability(0.5), 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scale {
    /// Probabilities, in \[0, 1\].
    Probability,
    /// Logits, the input of a sigmoid. Decoders compare them with the logit of a threshold, so an exponential is
    /// computed only for the triples that are found.
    Logit,
}

impl Scale {
    /// Converts a threshold to this scale. As logits, 0 is minus infinity and 1 is infinity.
    pub fn threshold(self, threshold: Probability) -> f32 {
        let p = threshold.get();
        match self {
            Self::Probability => p,
            Self::Logit => p.ln() - (-p).ln_1p(),
        }
    }

    /// Converts a score of this scale to a probability.
    pub fn probability(self, score: f32) -> f32 {
        match self {
            Self::Probability => score,
            Self::Logit => 1.0 / (1.0 + (-score).exp()),
        }
    }

    /// Returns the position of the first number that is not a score. Logits may be infinite; NaN is never a score.
    pub(crate) fn first_invalid(self, scores: &[f32]) -> Option<usize> {
        let (least, most) = match self {
            Self::Probability => (0.0, 1.0),
            Self::Logit => (f32::NEG_INFINITY, f32::INFINITY),
        };
        let valid = |score: f32| (score >= least) & (score <= most);
        // Nearly all are valid: one branch for each block is enough.
        let (blocks, rest) = scores.as_chunks::<16>();
        let blocks_valid = blocks.iter().all(|block| block.iter().fold(true, |all, &score| all & valid(score)));
        if blocks_valid && rest.iter().all(|&score| valid(score)) {
            return None;
        }
        scores.iter().position(|&score| !valid(score))
    }
}

/// The role of an entity in a triple.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The subject, or head.
    Subject,
    /// The object, or tail.
    Object,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Subject => "subject",
            Self::Object => "object",
        })
    }
}

/// Pointer scores of one sentence for one relation (Eq. 6 of the RERE paper).
///
/// Their shape is `[tokens, 4]`, row-major. The columns are subject start, subject end, object start and object end.
/// The rows are the tokens of the sentence alone, without special tokens and query; [`PointerScores::with_mask`]
/// excludes rows.
///
/// ```
/// use rere_decode::{PointerScores, Scale};
///
/// let logits = [2.0, 1.5, -3.0, -4.0, /**/ -2.0, -5.0, 0.5, 1.0];
/// let scores = PointerScores::on_scale(&logits, 2, Scale::Logit)?.for_relation(3);
/// assert_eq!((scores.tokens(), scores.relation()), (2, 3));
/// assert!(PointerScores::new(&logits, 2).is_err(), "2.0 is not a probability");
/// # Ok::<(), rere_decode::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct PointerScores<'a> {
    rows: &'a [[f32; 4]],
    scale: Scale,
    mask: Option<&'a [bool]>,
    relation: usize,
}

impl<'a> PointerScores<'a> {
    /// Checks the probabilities of a sentence of `tokens` tokens.
    ///
    /// # Errors
    /// Returns [`DecodeError::ScoreCount`] if there are not 4 values for each token, and [`DecodeError::NotAScore`] for
    /// the first value that is NaN or not in \[0, 1\].
    pub fn new(values: &'a [f32], tokens: usize) -> Result<Self, DecodeError> {
        Self::on_scale(values, tokens, Scale::Probability)
    }

    /// Checks the scores of a sentence of `tokens` tokens, on a scale.
    ///
    /// # Errors
    /// Returns the errors of [`PointerScores::new`]. A logit may be any number or infinite, but not NaN.
    pub fn on_scale(values: &'a [f32], tokens: usize, scale: Scale) -> Result<Self, DecodeError> {
        let (rows, rest) = values.as_chunks::<4>();
        if rows.len() != tokens || !rest.is_empty() {
            return Err(DecodeError::ScoreCount { values: values.len(), tokens });
        }
        if let Some(at) = scale.first_invalid(values) {
            let (token, column) = (at / POINTERS.len(), at % POINTERS.len());
            return Err(DecodeError::NotAScore { token, column, pointer: POINTERS[column], value: values[at], scale });
        }
        Ok(Self { rows, scale, mask: None, relation: 0 })
    }

    /// Checks the scores of an array `[tokens, 4]` in standard layout.
    ///
    /// # Errors
    /// Returns the errors of [`PointerScores::on_scale`], and [`DecodeError::Layout`] if the array is not in standard
    /// layout.
    pub fn from_array(array: ArrayView2<'a, f32>, scale: Scale) -> Result<Self, DecodeError> {
        let (tokens, columns) = array.dim();
        let values = array.to_slice().ok_or(DecodeError::Layout { shape: vec![tokens, columns] })?;
        Self::on_scale(values, tokens, scale)
    }

    /// Excludes the tokens for which `mask` is `false`: their pointers do not count, and no span crosses them.
    ///
    /// Use it for rows of special tokens, of a query, or of separators between sentences.
    ///
    /// # Errors
    /// Returns [`DecodeError::MaskLength`] if the mask is for another number of tokens.
    pub fn with_mask(self, mask: &'a [bool]) -> Result<Self, DecodeError> {
        if mask.len() != self.rows.len() {
            return Err(DecodeError::MaskLength { mask: mask.len(), tokens: self.rows.len() });
        }
        Ok(Self { mask: Some(mask), ..self })
    }

    /// Sets the relation, whose label the triples get. The default is 0.
    #[must_use]
    pub const fn for_relation(self, relation: usize) -> Self {
        Self { relation, ..self }
    }

    /// Returns the number of tokens.
    pub const fn tokens(self) -> usize {
        self.rows.len()
    }

    /// Returns the scale of the scores.
    pub const fn scale(self) -> Scale {
        self.scale
    }

    /// Returns the relation that the scores are for.
    pub const fn relation(self) -> usize {
        self.relation
    }

    /// Returns the scores, one row for each token.
    pub const fn rows(self) -> &'a [[f32; 4]] {
        self.rows
    }

    /// Returns the mask; `None` if no token is excluded.
    pub const fn mask(self) -> Option<&'a [bool]> {
        self.mask
    }
}
