//! The difference between two systems if it did not matter which is which.

use rand::Rng;
use rayon::prelude::*;

use super::SignificanceError;
use super::error::check_rounds;
use super::paired::{ROUNDING, difference, f1, p_value, pairs};
use super::resample::stream;
use crate::Counts;

/// The two-sided p-value of the F1 difference between two systems: how often chance alone would make one as large.
///
/// Approximate randomisation (Noreen 1989; Yeh 2000 for F1): if the systems are equally good, their answers to a
/// sentence can be exchanged. Each round exchanges those of each sentence with a probability of a half; a round hits
/// where the difference is at least as large as the true one, whatever its sign. p is (hits + 1) / (rounds + 1), hence
/// never 0 and never under 1 / (rounds + 1).
///
/// `a` and `b` are the counts of the same gold sentences in the same order.
///
/// ```
/// use rere_eval::{Counts, approximate_randomisation};
///
/// let right = |right| Counts { true_positives: right, predicted: 1, gold: 1 };
/// // Better in 8 of 8 sentences: of the 256 ways to exchange them, 2 make a difference as large.
/// let p = approximate_randomisation(&[right(1); 8], &[right(0); 8], 10_000, 7)?;
/// assert!((p - 2.0 / 256.0).abs() < 0.004);
/// # Ok::<(), rere_eval::SignificanceError>(())
/// ```
///
/// # Errors
/// Where there are no sentences or no rounds, where the two do not have the same gold counts sentence by sentence, and
/// where counts are so large that sums might pass 32 bits.
pub fn approximate_randomisation(
    a: &[Counts],
    b: &[Counts],
    rounds: usize,
    seed: u64,
) -> Result<f64, SignificanceError> {
    check_rounds(rounds)?;
    let rows = pairs(a, b)?;
    if rows.is_empty() {
        return Err(SignificanceError::NoSentences);
    }
    let sum = |at: usize| rows.iter().map(|row| i64::from(row[at])).sum::<i64>();
    let [right_a, whole_a, right_b, whole_b] = [sum(0), sum(1), sum(2), sum(3)];

    // What an exchange adds to A and takes from B; sentences with equal counts on both sides need no coin.
    let moves: Vec<[i64; 2]> = rows
        .iter()
        .map(|row| row.map(i64::from))
        .map(|[right_a, whole_a, right_b, whole_b]| [right_b - right_a, whole_b - whole_a])
        .filter(|&moved| moved != [0, 0])
        .collect();
    let least = difference(a, b).abs() - ROUNDING;
    let hits = |&round: &u64| {
        let [right, whole] = exchanged(&moves, &mut stream(seed, round));
        let (f1_a, f1_b) = (f1(right_a + right, whole_a + whole), f1(right_b - right, whole_b - whole));
        (f1_a - f1_b).abs() >= least
    };
    Ok(p_value((0..rounds as u64).into_par_iter().filter(hits).count(), rounds))
}

/// The sum of the moves whose coins fall so; 64 coins from one random number.
fn exchanged(moves: &[[i64; 2]], rng: &mut impl Rng) -> [i64; 2] {
    let mut sum = [0; 2];
    for moves in moves.chunks(64) {
        let coins = rng.next_u64();
        for (at, &[right, whole]) in moves.iter().enumerate() {
            // All ones or all zeros, as no branch can be foretold here.
            let mask = -((coins >> at & 1) as i64);
            sum = [sum[0] + (right & mask), sum[1] + (whole & mask)];
        }
    }
    sum
}
