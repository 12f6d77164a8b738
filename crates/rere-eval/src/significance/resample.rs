//! Sums of counts over sentences drawn with replacement.

use rand::SeedableRng;
use rand::distr::{Distribution, Uniform};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::SignificanceError;
use super::error::check_rounds;

/// Four counts of a sentence, or their sums. One addition of 128 bits adds all four.
pub(super) type Row = [u32; 4];

/// Converts the counts of the sentences, if no sum of as many drawn rows as there are sentences can overflow 32 bits.
pub(super) fn rows(sentences: impl ExactSizeIterator<Item = [usize; 4]>) -> Result<Vec<Row>, SignificanceError> {
    let number = sentences.len();
    let fitting = |count: usize| {
        let fits = count.max(1).checked_mul(number).is_some_and(|sum| u32::try_from(sum).is_ok());
        u32::try_from(count).ok().filter(|_| fits).ok_or(SignificanceError::TooLarge { sentences: number, count })
    };
    sentences.map(|[a, b, c, d]| Ok([fitting(a)?, fitting(b)?, fitting(c)?, fitting(d)?])).collect()
}

/// Creates the random numbers of one round.
pub(super) fn stream(seed: u64, round: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(round);
    rng
}

/// Draws as many rows as there are in each round, and returns `measure` of their sums in the order of the rounds.
///
/// `rows` must come from [`rows`], so that the sums do not overflow.
pub(super) fn each_round<T: Send>(
    rows: &[Row],
    rounds: usize,
    seed: u64,
    measure: impl Fn(Row) -> T + Sync,
) -> Result<Vec<T>, SignificanceError> {
    check_rounds(rounds)?;
    let number = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    // Only an empty range is an error.
    let index = Uniform::new(0, number).map_err(|_| SignificanceError::NoSentences)?;
    let draw = |round| {
        let mut rng = stream(seed, round);
        let mut sum = [0; 4];
        for _ in 0..number {
            let row = rows[index.sample(&mut rng) as usize];
            sum = std::array::from_fn(|at| sum[at] + row[at]);
        }
        measure(sum)
    };
    Ok((0..rounds as u64).into_par_iter().map(draw).collect())
}
