//! Pointer probabilities of a sentence, checked once.

use crate::DecodeError;

/// The four pointers, in the order of the columns.
const POINTERS: [&str; 4] = ["subject start", "subject end", "object start", "object end"];

/// Which entity of a triple.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The subject, or head.
    Subject,
    /// The object, or tail.
    Object,
}

/// Pointer probabilities of one sentence for one relation (Eq. 6), each in \[0, 1\].
///
/// Shape `[tokens, 4]`, row-major; the columns are subject start, subject end, object start, object end. The rows
/// are the sentence's own tokens: no special tokens, no query.
#[derive(Debug, Clone, Copy)]
pub struct PointerScores<'a> {
    rows: &'a [[f32; 4]],
}

/// The two columns of one role.
#[derive(Debug, Clone, Copy)]
pub struct RoleScores<'a> {
    rows: &'a [[f32; 4]],
    role: Role,
}

impl<'a> PointerScores<'a> {
    /// The scores of a sentence of `tokens` tokens.
    ///
    /// # Errors
    /// [`DecodeError::ScoreCount`] where there are not 4 values for each token, and
    /// [`DecodeError::NotAProbability`] at the first value that is not in \[0, 1\]; NaN is not.
    pub fn new(values: &'a [f32], tokens: usize) -> Result<Self, DecodeError> {
        let (rows, rest) = values.as_chunks::<4>();
        if rows.len() != tokens || !rest.is_empty() {
            return Err(DecodeError::ScoreCount { values: values.len(), tokens });
        }
        for (token, row) in rows.iter().enumerate() {
            for (column, (&value, pointer)) in row.iter().zip(POINTERS).enumerate() {
                if !(0.0..=1.0).contains(&value) {
                    return Err(DecodeError::NotAProbability { token, column, pointer, value });
                }
            }
        }
        Ok(Self { rows })
    }

    /// Number of tokens.
    pub const fn tokens(self) -> usize {
        self.rows.len()
    }

    /// The scores over 0 and under `threshold` at which there may be a pair, which needs one pointer of each column.
    pub(crate) fn levels_under(self, threshold: f32) -> Vec<f32> {
        let most = |column: usize| self.rows.iter().map(|row| row[column]).fold(0.0, f32::max);
        let highest = (0..POINTERS.len()).map(most).fold(1.0, f32::min);
        let scores = self.rows.as_flattened().iter().copied();
        scores.filter(|&score| 0.0 < score && score < threshold && score <= highest).collect()
    }

    /// The start and end scores of one role.
    pub const fn role(self, role: Role) -> RoleScores<'a> {
        RoleScores { rows: self.rows, role }
    }
}

impl<'a> RoleScores<'a> {
    /// For each token, the probability that a mention starts there.
    pub fn starts(self) -> impl DoubleEndedIterator<Item = f32> + ExactSizeIterator + 'a {
        self.rows.iter().map(move |&[subject, _, object, _]| self.choose(subject, object))
    }

    /// For each token, the probability that a mention has its last token there.
    pub fn ends(self) -> impl DoubleEndedIterator<Item = f32> + ExactSizeIterator + 'a {
        self.rows.iter().map(move |&[_, subject, _, object]| self.choose(subject, object))
    }

    const fn choose(self, subject: f32, object: f32) -> f32 {
        match self.role {
            Role::Subject => subject,
            Role::Object => object,
        }
    }
}
