//! Pointer scores of a sentence, checked once.

use ndarray::ArrayView2;
use rere_core::Probability;

use crate::DecodeError;

/// The four pointers, in the order of the columns.
const POINTERS: [&str; 4] = ["subject start", "subject end", "object start", "object end"];

/// What the numbers of a network are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scale {
    /// Probabilities, in \[0, 1\].
    Probability,
    /// What a sigmoid makes probabilities of. Decoders compare logits with the logit of a threshold, so that no
    /// exponential is taken but for what is found.
    Logit,
}

impl Scale {
    /// A threshold on this scale: as a logit, 0 is minus infinity and 1 infinity.
    pub fn threshold(self, threshold: Probability) -> f32 {
        let p = threshold.get();
        match self {
            Self::Probability => p,
            Self::Logit => p.ln() - (-p).ln_1p(),
        }
    }

    /// A score of this scale as a probability.
    pub fn probability(self, score: f32) -> f32 {
        match self {
            Self::Probability => score,
            Self::Logit => 1.0 / (1.0 + (-score).exp()),
        }
    }

    /// Where the first number stands that cannot be a score: logits may be infinite, nothing may be NaN.
    pub(crate) fn first_bad(self, scores: &[f32]) -> Option<usize> {
        let (least, most) = match self {
            Self::Probability => (0.0, 1.0),
            Self::Logit => (f32::NEG_INFINITY, f32::INFINITY),
        };
        let good = |score: f32| (score >= least) & (score <= most);
        // Nearly all are good, which is seen without a branch for each.
        let (blocks, rest) = scores.as_chunks::<16>();
        let whole = blocks.iter().all(|block| block.iter().fold(true, |all, &score| all & good(score)));
        if whole && rest.iter().all(|&score| good(score)) {
            return None;
        }
        scores.iter().position(|&score| !good(score))
    }
}

/// Which entity of a triple.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The subject, or head.
    Subject,
    /// The object, or tail.
    Object,
}

/// Pointer scores of one sentence for one relation (Eq. 6).
///
/// Shape `[tokens, 4]`, row-major; the columns are subject start, subject end, object start, object end. The rows
/// are the sentence's own tokens: no special tokens, no query; [`PointerScores::with_mask`] leaves rows out.
#[derive(Debug, Clone, Copy)]
pub struct PointerScores<'a> {
    rows: &'a [[f32; 4]],
    scale: Scale,
    mask: Option<&'a [bool]>,
    relation: usize,
}

impl<'a> PointerScores<'a> {
    /// The probabilities of a sentence of `tokens` tokens.
    ///
    /// # Errors
    /// [`DecodeError::ScoreCount`] where there are not 4 values for each token, and
    /// [`DecodeError::NotAScore`] at the first value that is not in \[0, 1\]; NaN is not.
    pub fn new(values: &'a [f32], tokens: usize) -> Result<Self, DecodeError> {
        Self::on_scale(values, tokens, Scale::Probability)
    }

    /// The scores of a sentence of `tokens` tokens, on a scale.
    ///
    /// # Errors
    /// As [`PointerScores::new`]; a logit may be any number, infinities as well, but NaN.
    pub fn on_scale(values: &'a [f32], tokens: usize, scale: Scale) -> Result<Self, DecodeError> {
        let (rows, rest) = values.as_chunks::<4>();
        if rows.len() != tokens || !rest.is_empty() {
            return Err(DecodeError::ScoreCount { values: values.len(), tokens });
        }
        if let Some(at) = scale.first_bad(values) {
            let (token, column) = (at / POINTERS.len(), at % POINTERS.len());
            return Err(DecodeError::NotAScore { token, column, pointer: POINTERS[column], value: values[at], scale });
        }
        Ok(Self { rows, scale, mask: None, relation: 0 })
    }

    /// The scores of an array `[tokens, 4]`, which has to be in standard layout.
    ///
    /// # Errors
    /// As [`PointerScores::on_scale`]; [`DecodeError::Layout`] where the array is not in standard layout.
    pub fn from_array(array: ArrayView2<'a, f32>, scale: Scale) -> Result<Self, DecodeError> {
        let (tokens, columns) = array.dim();
        let values = array.to_slice().ok_or(DecodeError::Layout { shape: vec![tokens, columns] })?;
        Self::on_scale(values, tokens, scale)
    }

    /// The same with only those tokens taking part where `mask` is true: no pointer elsewhere counts, and no span
    /// reaches across. For rows of special tokens, of a query, or of several sentences with separators between.
    ///
    /// # Errors
    /// [`DecodeError::MaskLength`] where the mask is for another number of tokens.
    pub fn with_mask(self, mask: &'a [bool]) -> Result<Self, DecodeError> {
        if mask.len() != self.rows.len() {
            return Err(DecodeError::MaskLength { mask: mask.len(), tokens: self.rows.len() });
        }
        Ok(Self { mask: Some(mask), ..self })
    }

    /// The same for a relation, whose label the triples get; without it, 0.
    #[must_use]
    pub const fn for_relation(self, relation: usize) -> Self {
        Self { relation, ..self }
    }

    /// Number of tokens.
    pub const fn tokens(self) -> usize {
        self.rows.len()
    }

    /// The scale of the scores.
    pub const fn scale(self) -> Scale {
        self.scale
    }

    /// The relation that the scores are for.
    pub const fn relation(self) -> usize {
        self.relation
    }

    /// The scores, a row for each token.
    pub const fn rows(self) -> &'a [[f32; 4]] {
        self.rows
    }

    /// Which tokens take part; `None` where all do.
    pub const fn mask(self) -> Option<&'a [bool]> {
        self.mask
    }
}
