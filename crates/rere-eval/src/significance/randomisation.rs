//! Approximate randomisation: the difference between two systems if their outputs are exchanged.

use rand::Rng;
use rayon::prelude::*;

use super::SignificanceError;
use super::error::check_rounds;
use super::paired::{ROUNDING, difference, f1, p_value, paired_rows};
use super::resample::stream;
use crate::Counts;

/// Computes the two-sided p-value of the F1 difference between two systems: how often chance makes one as large.
///
/// The method is approximate randomisation (Noreen 1989; Yeh 2000 for F1): if the systems are equally good, their
/// outputs for a sentence can be exchanged. Each round exchanges those of each sentence with a probability of one half.
/// A round is a hit if the difference is at least as large as the true one, whatever its sign. p is (hits + 1) /
/// (rounds + 1), so it is at least 1 / (rounds + 1).
///
/// `a` and `b` are the counts of the same gold sentences in the same order.
///
/// ```
/// use rere_eval::{Counts, approximate_randomisation};
///
/// let with = |true_positives| Counts { true_positives, predicted: 1, gold: 1 };
/// // Better in 8 of 8 sentences: of the 256 ways to exchange them, 2 make a difference as large.
/// let p = approximate_randomisation(&[with(1); 8], &[with(0); 8], 10_000, 7)?;
/// assert!((p - 2.0 / 256.0).abs() < 0.004);
/// # Ok::<(), rere_eval::SignificanceError>(())
/// ```
///
/// # Errors
/// Returns an error if there are no sentences or no rounds, if the systems have different numbers of sentences or
/// different gold counts of a sentence, or if counts are so large that their sums may overflow 32 bits.
pub fn approximate_randomisation(
    a: &[Counts],
    b: &[Counts],
    rounds: usize,
    seed: u64,
) -> Result<f64, SignificanceError> {
    check_rounds(rounds)?;
    let rows = paired_rows(a, b)?;
    if rows.is_empty() {
        return Err(SignificanceError::NoSentences);
    }
    let sum = |at: usize| rows.iter().map(|row| i64::from(row[at])).sum::<i64>();
    let [true_positives_a, total_a, true_positives_b, total_b] = [sum(0), sum(1), sum(2), sum(3)];

    // An exchange adds these to A and takes them from B. Sentences with equal counts on both sides need no coin.
    let moves: Vec<[i64; 2]> = rows
        .iter()
        .map(|row| row.map(i64::from))
        .map(|[true_positives_a, total_a, true_positives_b, total_b]| {
            [true_positives_b - true_positives_a, total_b - total_a]
        })
        .filter(|&moved| moved != [0, 0])
        .collect();
    let least = difference(a, b).abs() - ROUNDING;
    let is_hit = |&round: &u64| {
        let [true_positives, total] = exchanged(&moves, &mut stream(seed, round));
        let f1_a = f1(true_positives_a + true_positives, total_a + total);
        let f1_b = f1(true_positives_b - true_positives, total_b - total);
        (f1_a - f1_b).abs() >= least
    };
    Ok(p_value((0..rounds as u64).into_par_iter().filter(is_hit).count(), rounds))
}

/// Sums a random half of the moves. Each random number gives 64 coins.
fn exchanged(moves: &[[i64; 2]], rng: &mut impl Rng) -> [i64; 2] {
    let mut sum = [0; 2];
    for moves in moves.chunks(64) {
        let coins = rng.next_u64();
        for (at, &[true_positives, total]) in moves.iter().enumerate() {
            // All ones or all zeros: the processor could not predict a branch.
            let mask = -((coins >> at & 1) as i64);
            sum = [sum[0] + (true_positives & mask), sum[1] + (total & mask)];
        }
    }
    sum
}
