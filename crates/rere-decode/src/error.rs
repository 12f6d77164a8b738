//! Errors in the input of a decoder.

use std::fmt;

use rere_core::{SpanError, TokenSpan};

use crate::{HandshakeCell, Role, Scale};

/// Scores or tokens that cannot be decoded. Tokens, rows and columns are counted from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The slice does not hold four scores for each token.
    #[error("expected 4 pointer scores for each of {tokens} tokens, row by row, found {values} scores in all")]
    ScoreCount {
        /// Length of the slice.
        values: usize,
        /// Number of tokens.
        tokens: usize,
    },
    /// A pointer score is NaN, or is a probability outside \[0, 1\].
    #[error("token {token}, {pointer} (column {column}): {}", expected_score(*value, *scale))]
    NotAScore {
        /// Token, which is the row of the scores.
        token: usize,
        /// Column of the scores, 0 to 3.
        column: usize,
        /// Meaning of the column, such as `subject start`.
        pointer: &'static str,
        /// Score as it was given.
        value: f32,
        /// Scale that was given for it.
        scale: Scale,
    },
    /// The slice does not fill the table.
    #[error("expected a table of {rows} x {columns} scores, row by row, found {values} scores in all")]
    TableSize {
        /// Length of the slice.
        values: usize,
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        columns: usize,
    },
    /// A score of a table is NaN, or is a probability outside \[0, 1\].
    #[error("row {row}, column {column}: {}", expected_score(*value, *scale))]
    NotATableScore {
        /// Row of the score.
        row: usize,
        /// Column of the score.
        column: usize,
        /// Score as it was given.
        value: f32,
        /// Scale that was given for it.
        scale: Scale,
    },
    /// A table does not have the columns that its decoder reads.
    #[error("expected a table with {expected}, found {columns} columns")]
    TableColumns {
        /// Number of columns.
        columns: usize,
        /// Columns that the decoder reads.
        expected: ExpectedColumns,
    },
    /// A table of token pairs is for another number of tokens.
    #[error(
        "expected a table with one row for each pair i <= j of {tokens} tokens, tokens * (tokens + 1) / 2 rows, \
         found {rows} rows"
    )]
    HandshakeRows {
        /// Number of rows.
        rows: usize,
        /// Number of tokens.
        tokens: usize,
    },
    /// A cell is not in its table, not after the previous one, or has no valid score.
    #[error(
        "cell {number}: expected cells sorted by i, j and column, with i <= j < {tokens}, column <= {} and a {}, \
         found i = {}, j = {}, column = {}, score = {}",
        4 * relations, score_kind(*scale), cell.i, cell.j, cell.column, cell.score
    )]
    HandshakeCell {
        /// Position of the cell in the list, from 0.
        number: usize,
        /// Cell as it was given.
        cell: HandshakeCell,
        /// Scale that was given for it.
        scale: Scale,
        /// Number of tokens.
        tokens: usize,
        /// Number of relations.
        relations: usize,
    },
    /// A table of correspondences is for another number of tokens.
    #[error(
        "expected a table of correspondences with a row and a column for each of the {tokens} tokens, \
         found {rows} x {columns}"
    )]
    CorrespondenceTable {
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        columns: usize,
        /// Number of tokens.
        tokens: usize,
    },
    /// A table is for another number of candidate pairs.
    #[error("expected a table with one row for each of {pairs} pairs, found {rows} rows")]
    PairRows {
        /// Number of rows.
        rows: usize,
        /// Number of pairs.
        pairs: usize,
    },
    /// A span of a candidate pair is empty.
    #[error("pair {pair}: expected a half-open span of at least one token, found {role} {}..{}", span.start, span.end)]
    EmptySpan {
        /// Pair, which is the row of the scores.
        pair: usize,
        /// Which span of the pair.
        role: Role,
        /// Span as it was given.
        span: TokenSpan,
    },
    /// A subject is empty, or reaches past the last token of its sentence.
    #[error(
        "subject {subject}: expected a half-open span of at least one of the {tokens} tokens, found {}..{}",
        span.start, span.end
    )]
    SubjectSpan {
        /// Subject, counted from 0.
        subject: usize,
        /// Span as it was given.
        span: TokenSpan,
        /// Number of rows of the scores.
        tokens: usize,
    },
    /// Two subjects of a sentence have object scores of different shapes or scales.
    #[error("subject {subject}: expected object scores of the same shape and scale as those of subject 0")]
    SubjectTable {
        /// Subject, counted from 0.
        subject: usize,
    },
    /// An array is not in standard layout, row by row.
    #[error(
        "expected an array in standard layout, row by row, found another layout of shape {shape:?}; \
         call as_standard_layout() first"
    )]
    Layout {
        /// Shape of the array.
        shape: Vec<usize>,
    },
    /// A mask is for another number of tokens than the scores.
    #[error("expected a mask with one entry for each of {tokens} tokens, found {mask} entries")]
    MaskLength {
        /// Length of the mask.
        mask: usize,
        /// Number of rows of the scores.
        tokens: usize,
    },
    /// The byte span of a token does not slice the text.
    #[error("token {token} does not lie in the text; pass the byte spans of this text's tokens")]
    TokenOutsideText {
        /// Index of the token.
        token: usize,
        /// What is wrong with its span.
        source: SpanError,
    },
    /// A token starts before the previous one.
    #[error("token {token} starts before token {}; pass the tokens in the order of the text", token - 1)]
    TokenOrder {
        /// Index of the token, 1 or more.
        token: usize,
    },
    /// The scores are for another number of tokens than the sentence has.
    #[error(
        "expected one row of scores for each of the {tokens} tokens of the sentence, found {scores} rows; \
         leave out the rows of special tokens and of the query"
    )]
    TokenCount {
        /// Number of rows of the scores.
        scores: usize,
        /// Number of tokens of the sentence.
        tokens: usize,
    },
}

/// Columns that a decoder reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExpectedColumns {
    /// The subjects of [`CasRel`](crate::CasRel): 2.
    Subjects,
    /// The objects of [`CasRel`](crate::CasRel): 2 for each relation.
    Objects,
    /// The token pairs of [`TpLinker`](crate::TpLinker): 1, and 4 for each relation.
    Handshakes,
    /// The tags of [`Tags`](crate::Tags): 1, and 8 for each relation.
    Tags,
}

impl fmt::Display for ExpectedColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Subjects => "2 columns (head and tail of subjects)",
            Self::Objects => "2 columns for each relation (head and tail of objects)",
            Self::Handshakes => "1 column for entities and 4 for each relation",
            Self::Tags => "1 column for no entity and 8 for each relation",
        })
    }
}

fn score_kind(scale: Scale) -> &'static str {
    match scale {
        Scale::Probability => "probability from 0 to 1",
        Scale::Logit => "logit",
    }
}

fn expected_score(value: f32, scale: Scale) -> String {
    let remedy = match scale {
        Scale::Probability => "if the scores are logits, pass Scale::Logit",
        Scale::Logit => "check the network's output",
    };
    format!("expected a {}, found {value}; {remedy}", score_kind(scale))
}
