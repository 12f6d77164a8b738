//! Sums over sentences that are drawn with replacement.

use rand::SeedableRng;
use rand::distr::{Distribution, Uniform};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::SignificanceError;
use super::error::check_rounds;

/// Four counts of a sentence, or their sums: side by side, so that one addition of 128 bits takes all of them.
pub(super) type Row = [u32; 4];

/// The sentences' counts as rows, if no draw of as many sentences as there are can pass a row's 32 bits.
pub(super) fn rows(sentences: impl ExactSizeIterator<Item = [usize; 4]>) -> Result<Vec<Row>, SignificanceError> {
    let number = sentences.len();
    let fitting = |count: usize| {
        let fits = count.max(1).checked_mul(number).is_some_and(|sum| u32::try_from(sum).is_ok());
        u32::try_from(count).ok().filter(|_| fits).ok_or(SignificanceError::TooLarge { sentences: number, count })
    };
    sentences.map(|[a, b, c, d]| Ok([fitting(a)?, fitting(b)?, fitting(c)?, fitting(d)?])).collect()
}

/// The random numbers of one round.
pub(super) fn stream(seed: u64, round: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(round);
    rng
}

/// In each round draws as many rows as there are and gives `measure` their sum; what it made, in the order of the
/// rounds. `rows` are those of [`rows`].
pub(super) fn each_round<T: Send>(
    rows: &[Row],
    rounds: usize,
    seed: u64,
    measure: impl Fn(Row) -> T + Sync,
) -> Result<Vec<T>, SignificanceError> {
    check_rounds(rounds)?;
    let number = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    // Of all ranges only the empty one is refused.
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
