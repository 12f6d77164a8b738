//! What can be wrong with the input of a decoder.

use rere_core::SpanError;

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
    /// A score is not in \[0, 1\], or is NaN.
    #[error(
        "the {pointer} score of token {token} (row {token}, column {column}) is {value}, not a number from 0 to 1: \
         give probabilities, not logits"
    )]
    NotAProbability {
        /// The token, which is the row of the scores.
        token: usize,
        /// Column of the scores, 0 to 3.
        column: usize,
        /// What the column stands for, such as `subject start`.
        pointer: &'static str,
        /// The score as it was given.
        value: f32,
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
