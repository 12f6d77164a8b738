//! Scores of any number of labels, checked once.

use ndarray::ArrayView2;

use crate::{DecodeError, Scale};

/// Values that are looked at together: nearly all hold no hit, which is seen without a branch for each value.
const BLOCK: usize = 32;

/// A table of scores, `[rows, columns]`, row-major: what a row and a column stand for, the decoder says.
#[derive(Debug, Clone, Copy)]
pub struct TableScores<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    scale: Scale,
}

impl<'a> TableScores<'a> {
    /// The scores of a table of `rows` times `columns`, row by row. It may be empty.
    ///
    /// # Errors
    /// [`DecodeError::TableSize`] where there are not `rows * columns` values, and [`DecodeError::NotATableScore`] at
    /// the first that is not of the scale: a probability is in \[0, 1\]; a logit is any number, infinities as well, but
    /// NaN.
    pub fn new(values: &'a [f32], rows: usize, columns: usize, scale: Scale) -> Result<Self, DecodeError> {
        if rows.checked_mul(columns) != Some(values.len()) {
            return Err(DecodeError::TableSize { values: values.len(), rows, columns });
        }
        if let Some(at) = scale.first_bad(values) {
            let (row, column) = (at / columns, at % columns);
            return Err(DecodeError::NotATableScore { row, column, value: values[at], scale });
        }
        Ok(Self { values, rows, columns, scale })
    }

    /// The scores of an array `[rows, columns]`, which has to be in standard layout.
    ///
    /// # Errors
    /// As [`TableScores::new`]; [`DecodeError::Layout`] where the array is not in standard layout.
    pub fn from_array(array: ArrayView2<'a, f32>, scale: Scale) -> Result<Self, DecodeError> {
        let (rows, columns) = array.dim();
        let values = array.to_slice().ok_or(DecodeError::Layout { shape: vec![rows, columns] })?;
        Self::new(values, rows, columns, scale)
    }

    /// Number of rows.
    pub const fn rows(self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub const fn columns(self) -> usize {
        self.columns
    }

    /// The scale of the scores.
    pub const fn scale(self) -> Scale {
        self.scale
    }

    /// The scores, row by row.
    pub const fn values(self) -> &'a [f32] {
        self.values
    }

    /// Calls `hit` with row, column and score of each score at or over `threshold`, which is on the scale of the scores,
    /// row by row.
    pub(crate) fn scan(self, threshold: f32, mut hit: impl FnMut(usize, usize, f32)) {
        let mut look = |first: usize, values: &[f32]| {
            for (at, &score) in (first..).zip(values) {
                if score >= threshold {
                    hit(at / self.columns, at % self.columns, score);
                }
            }
        };
        let (blocks, rest) = self.values.as_chunks::<BLOCK>();
        for (number, block) in blocks.iter().enumerate() {
            if block.iter().fold(false, |any, &score| any | (score >= threshold)) {
                look(number * BLOCK, block);
            }
        }
        look(blocks.len() * BLOCK, rest);
    }
}
