//! Errors in the input of a test or an interval.

/// Counts or settings without a confidence interval or p-value. Positions of sentences are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignificanceError {
    /// There are no sentences.
    #[error("no sentences: give the counts of at least one")]
    NoSentences,
    /// There are no rounds.
    #[error("0 rounds: use at least 1, or 10,000 for results that you report")]
    NoRounds,
    /// The level is not between 0 and 1.
    #[error("expected a level between 0 and 1, such as 0.95 for an interval or 0.05 for a test, found {0}")]
    Level(f64),
    /// The two systems have counts of different numbers of sentences.
    #[error("system A has counts of {a} sentences and B of {b}: count both on the same gold sentences")]
    LengthsDiffer {
        /// Number of sentences of system A.
        a: usize,
        /// Number of sentences of system B.
        b: usize,
    },
    /// A sentence has different numbers of gold triples for the two systems.
    #[error(
        "sentence {position} has {a} gold triples for system A and {b} for B: count both on the same gold sentences, \
         in the same order and with the same matcher"
    )]
    GoldDiffers {
        /// The position of the first such sentence.
        position: usize,
        /// Number of its gold triples for system A.
        a: usize,
        /// Number of its gold triples for system B.
        b: usize,
    },
    /// Sums of the counts may not fit into 32 bits.
    #[error("{sentences} sentences, one with a count of {count}: their product must be less than 2^32")]
    TooLarge {
        /// Number of sentences.
        sentences: usize,
        /// The count.
        count: usize,
    },
}

/// Checks that there is a round.
pub(super) fn check_rounds(rounds: usize) -> Result<(), SignificanceError> {
    if rounds == 0 { Err(SignificanceError::NoRounds) } else { Ok(()) }
}

/// Checks that a level is between 0 and 1, both excluded, and not NaN.
pub(super) fn check_level(level: f64) -> Result<(), SignificanceError> {
    if level > 0.0 && level < 1.0 { Ok(()) } else { Err(SignificanceError::Level(level)) }
}
