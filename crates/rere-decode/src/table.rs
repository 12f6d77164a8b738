//! Checked tables of scores.

use ndarray::ArrayView2;

use crate::{DecodeError, Scale};

/// Values that are compared together. Nearly all blocks are under the threshold, so one branch for each is enough.
const BLOCK: usize = 32;

/// A table of scores, `[rows, columns]`, row-major. Each decoder defines the meaning of its rows and columns.
///
/// ```
/// use rere_decode::{DecodeError, Scale, TableScores};
///
/// let table = TableScores::new(&[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 2, 3, Scale::Probability)?;
/// assert_eq!((table.rows(), table.columns()), (2, 3));
/// let error = TableScores::new(&[0.1, f32::NAN], 1, 2, Scale::Logit).expect_err("NaN is not a logit");
/// assert_eq!(error.to_string(), "row 0, column 1: expected a logit, found NaN; check the network's output");
/// # Ok::<(), DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct TableScores<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    scale: Scale,
}

impl<'a> TableScores<'a> {
    /// Checks the scores of a table, row by row. A table may be empty.
    ///
    /// # Errors
    /// Returns [`DecodeError::TableSize`] if there are not `rows * columns` values, and [`DecodeError::NotATableScore`]
    /// for the first value that is NaN, or is a probability outside \[0, 1\]. A logit may be infinite.
    pub fn new(values: &'a [f32], rows: usize, columns: usize, scale: Scale) -> Result<Self, DecodeError> {
        if rows.checked_mul(columns) != Some(values.len()) {
            return Err(DecodeError::TableSize { values: values.len(), rows, columns });
        }
        if let Some(at) = scale.first_invalid(values) {
            let (row, column) = (at / columns, at % columns);
            return Err(DecodeError::NotATableScore { row, column, value: values[at], scale });
        }
        Ok(Self { values, rows, columns, scale })
    }

    /// Checks the scores of an array `[rows, columns]` in standard layout.
    ///
    /// # Errors
    /// Returns the errors of [`TableScores::new`], and [`DecodeError::Layout`] if the array is not in standard layout.
    pub fn from_array(array: ArrayView2<'a, f32>, scale: Scale) -> Result<Self, DecodeError> {
        let (rows, columns) = array.dim();
        let values = array.to_slice().ok_or(DecodeError::Layout { shape: vec![rows, columns] })?;
        Self::new(values, rows, columns, scale)
    }

    /// Returns the number of rows.
    pub const fn rows(self) -> usize {
        self.rows
    }

    /// Returns the number of columns.
    pub const fn columns(self) -> usize {
        self.columns
    }

    /// Returns the scale of the scores.
    pub const fn scale(self) -> Scale {
        self.scale
    }

    /// Returns the scores, row by row.
    pub const fn values(self) -> &'a [f32] {
        self.values
    }

    /// Calls `hit` with row, column and score of each score at or over `threshold`, row by row. The threshold is on the
    /// scale of the scores.
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
