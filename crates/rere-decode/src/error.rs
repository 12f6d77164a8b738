//! What can be wrong with the input of a decoder.

use rere_core::{SpanError, TokenSpan};

use crate::{Role, Scale};

/// Scores or tokens that cannot be decoded. Tokens are counted from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The slice of scores does not hold four values for each token.
    #[error("{values} pointer scores for {tokens} tokens: give 4 for each token, row by row")]
    ScoreCount {
        /// Length of the slice.
        values: usize,
        /// Number of tokens that it was said to be for.
        tokens: usize,
    },
    /// A probability is not in \[0, 1\], or a score is NaN.
    #[error(
        "the {pointer} score of token {token} (row {token}, column {column}) is {value}: {}",
        match scale {
            Scale::Probability => "not a number from 0 to 1; are these logits? Say so with Scale::Logit",
            Scale::Logit => "the network's output is broken there",
        }
    )]
    NotAScore {
        /// The token, which is the row of the scores.
        token: usize,
        /// Column of the scores, 0 to 3.
        column: usize,
        /// What the column stands for, such as `subject start`.
        pointer: &'static str,
        /// The score as it was given.
        value: f32,
        /// What it was said to be.
        scale: Scale,
    },
    /// The slice of scores does not fill the table.
    #[error("{values} scores for a table of {rows} rows and {columns} columns: give rows * columns, row by row")]
    TableSize {
        /// Length of the slice.
        values: usize,
        /// Number of rows that it was said to have.
        rows: usize,
        /// Number of columns that it was said to have.
        columns: usize,
    },
    /// A probability of a table is not in \[0, 1\], or a score is NaN.
    #[error(
        "the score in row {row}, column {column} is {value}: {}",
        match scale {
            Scale::Probability => "not a number from 0 to 1; are these logits? Say so with Scale::Logit",
            Scale::Logit => "the network's output is broken there",
        }
    )]
    NotATableScore {
        /// Its row.
        row: usize,
        /// Its column.
        column: usize,
        /// The score as it was given.
        value: f32,
        /// What it was said to be.
        scale: Scale,
    },
    /// A table has another number of columns than its decoder needs.
    #[error("a table of {columns} columns: {expected}")]
    TableColumns {
        /// Number of columns.
        columns: usize,
        /// What the decoder needs.
        expected: &'static str,
    },
    /// A table of token pairs is for another number of tokens.
    #[error("a table of {rows} rows for {tokens} tokens: give one for each pair i <= j, tokens * (tokens + 1) / 2")]
    HandshakeRows {
        /// Number of rows.
        rows: usize,
        /// Number of tokens.
        tokens: usize,
    },
    /// A table is for another number of pairs of spans.
    #[error("a table of {rows} rows for {pairs} pairs: give one row for each pair")]
    PairRows {
        /// Number of rows.
        rows: usize,
        /// Number of pairs.
        pairs: usize,
    },
    /// A span of a pair has no tokens.
    #[error(
        "the {} of pair {pair} is {}..{}, which holds no token: give half-open spans",
        match role { Role::Subject => "subject", Role::Object => "object" }, span.start, span.end
    )]
    EmptySpan {
        /// The pair, which is the row of the scores.
        pair: usize,
        /// Which of its spans.
        role: Role,
        /// The span as it was given.
        span: TokenSpan,
    },
    /// A subject has no tokens, or some that its sentence does not have.
    #[error(
        "subject {subject} is {}..{} of {tokens} tokens: give half-open spans of the sentence that the scores are for",
        span.start, span.end
    )]
    SubjectSpan {
        /// The subject, counted from 0.
        subject: usize,
        /// The span as it was given.
        span: TokenSpan,
        /// Number of rows of the scores.
        tokens: usize,
    },
    /// The scores of two subjects of a sentence are not for the same tokens and relations, on the same scale.
    #[error("the object scores of subject {subject} have another shape or scale than those of subject 0")]
    SubjectTable {
        /// The subject, counted from 0.
        subject: usize,
    },
    /// An array does not lie in memory row by row.
    #[error("an array of shape {shape:?} does not lie in memory row by row: call as_standard_layout() first")]
    Layout {
        /// Its shape.
        shape: Vec<usize>,
    },
    /// The mask is for another number of tokens than the scores.
    #[error("a mask of {mask} tokens for scores of {tokens}")]
    MaskLength {
        /// Length of the mask.
        mask: usize,
        /// Number of rows of the scores.
        tokens: usize,
    },
    /// A token's span does not slice the text.
    #[error("token {token} does not lie in the text: give the byte spans of this very text's tokens")]
    TokenOutsideText {
        /// The token.
        token: usize,
        /// What is wrong with its span.
        source: SpanError,
    },
    /// A token starts before the token in front of it.
    #[error("token {token} starts before token {}: give the tokens in the order of the text", token - 1)]
    TokenOrder {
        /// The token, 1 or more.
        token: usize,
    },
    /// The scores are for another number of tokens than the sentence has.
    #[error("scores of {scores} tokens for a sentence of {tokens}: give one row for each token of the sentence alone")]
    TokenCount {
        /// Number of rows of the scores.
        scores: usize,
        /// Number of tokens of the sentence.
        tokens: usize,
    },
}
