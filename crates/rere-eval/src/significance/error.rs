//! What can be wrong with the input of a test or an interval.

/// Counts or settings from which no interval and no p-value can be made. Sentences are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SignificanceError {
    /// There is nothing to draw from.
    #[error("no sentences: give the counts of at least one")]
    NoSentences,
    /// No round is to be drawn.
    #[error("0 rounds: give at least one, 10,000 for a result to report")]
    NoRounds,
    /// A level that is not between 0 and 1.
    #[error("the level {0} is not between 0 and 1: give a share such as 0.95 for an interval, 0.05 for a test")]
    Level(f64),
    /// Two systems with counts of different numbers of sentences.
    #[error("system A has counts of {a} sentences and B of {b}: count both on the same gold sentences")]
    LengthsDiffer {
        /// Number of sentences of system A.
        a: usize,
        /// Number of sentences of system B.
        b: usize,
    },
    /// Two systems whose sentences do not have the same number of gold triples.
    #[error(
        "sentence {position} has {a} gold triples for system A and {b} for B: count both on the same gold sentences, \
         in the same order and with the same matcher"
    )]
    GoldDiffers {
        /// The first sentence that differs.
        position: usize,
        /// Its gold triples for system A.
        a: usize,
        /// Its gold triples for system B.
        b: usize,
    },
    /// Counts so large that their sums might not fit in 32 bits.
    #[error("{sentences} sentences, one with a count of {count}: only sums under 2^32 can be drawn")]
    TooLarge {
        /// Number of sentences.
        sentences: usize,
        /// The count.
        count: usize,
    },
}

/// Sees that there is something to draw.
pub(super) fn check_rounds(rounds: usize) -> Result<(), SignificanceError> {
    if rounds == 0 { Err(SignificanceError::NoRounds) } else { Ok(()) }
}

/// Sees that a level is between 0 and 1, neither included; NaN is not.
pub(super) fn check_level(level: f64) -> Result<(), SignificanceError> {
    if level > 0.0 && level < 1.0 { Ok(()) } else { Err(SignificanceError::Level(level)) }
}
