//! Batches of rows with similar lengths, which need little padding.

use std::cmp::Reverse;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// Batches per chunk within which rows are sorted by length: enough for little padding, few enough to keep batches
/// random.
const BATCHES_PER_CHUNK: usize = 50;

/// Returns shuffled batches of `batch` indices into `lengths`, for training.
///
/// Each index occurs once. Rows of similar length are in the same batch; `seed` determines which, and the order of the
/// batches. The last of every 50 batches may be smaller. A `batch` of 0 counts as 1.
///
/// ```
/// let batches = rere_data::shuffled_batches(&[5, 3, 5, 3], 2, 7);
/// assert_eq!(batches.concat().len(), 4);
/// assert_eq!(batches, rere_data::shuffled_batches(&[5, 3, 5, 3], 2, 7));
/// ```
pub fn shuffled_batches(lengths: &[usize], batch: usize, seed: u64) -> Vec<Vec<usize>> {
    let batch = batch.max(1);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut batches = Vec::with_capacity(lengths.len().div_ceil(batch));
    for chunk in shuffled_chunks(lengths, batch.saturating_mul(BATCHES_PER_CHUNK), &mut rng) {
        batches.extend(chunk.chunks(batch).map(<[usize]>::to_vec));
    }
    batches.shuffle(&mut rng);
    batches
}

/// Returns shuffled batches of at most `tokens` positions, padding included, for training.
///
/// Batches take about the same memory and time, however long their rows are. A batch has at least one row. Otherwise it
/// is the same as [`shuffled_batches`].
pub fn shuffled_token_batches(lengths: &[usize], tokens: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mean = lengths.iter().sum::<usize>().div_ceil(lengths.len().max(1));
    let rows = (tokens / mean.max(1)).max(1);
    let mut batches = Vec::new();
    for chunk in shuffled_chunks(lengths, rows.saturating_mul(BATCHES_PER_CHUNK), &mut rng) {
        // The longest row comes first, because it determines how many rows fit.
        let longest_first: Vec<usize> = chunk.into_iter().rev().collect();
        fill(&longest_first, lengths, tokens, &mut batches);
    }
    batches.shuffle(&mut rng);
    batches
}

/// Shuffles the indices and cuts them into chunks, each sorted by length.
fn shuffled_chunks(lengths: &[usize], chunk: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<usize>> {
    let mut indices: Vec<usize> = (0..lengths.len()).collect();
    indices.shuffle(rng);
    let sorted = |chunk: &[usize]| {
        let mut chunk = chunk.to_vec();
        chunk.sort_by_key(|&index| lengths[index]);
        chunk
    };
    indices.chunks(chunk).map(sorted).collect()
}

/// Returns batches of at most `tokens` positions, padding included, for inference.
///
/// Each index into `lengths` occurs once, the longest rows first. A batch has at least one row.
pub fn token_batches(lengths: &[usize], tokens: usize) -> Vec<Vec<usize>> {
    let mut indices: Vec<usize> = (0..lengths.len()).collect();
    indices.sort_by_key(|&index| Reverse(lengths[index]));
    let mut batches = Vec::new();
    fill(&indices, lengths, tokens, &mut batches);
    batches
}

/// Cuts indices that are sorted by length, the longest first, into batches of at most `tokens` positions.
fn fill(mut rest: &[usize], lengths: &[usize], tokens: usize, batches: &mut Vec<Vec<usize>>) {
    while let Some(&longest) = rest.first() {
        let rows = (tokens / lengths[longest].max(1)).clamp(1, rest.len());
        let (batch, others) = rest.split_at(rows);
        batches.push(batch.to_vec());
        rest = others;
    }
}

/// Rows of token ids, padded to the same length.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Padded {
    /// The `rows * width` ids, row by row.
    pub ids: Vec<u32>,
    /// For each position of `ids`, whether it is a token rather than padding.
    pub mask: Vec<bool>,
    /// Number of rows.
    pub rows: usize,
    /// Length of the longest row.
    pub width: usize,
}

/// Pads rows to the longest with the id `pad`.
///
/// ```
/// let padded = rere_data::pad(&[&[5, 6], &[7]], 0);
/// assert_eq!(padded.ids, [5, 6, 7, 0]);
/// assert_eq!(padded.mask, [true, true, true, false]);
/// ```
pub fn pad(rows: &[&[u32]], pad: u32) -> Padded {
    let width = rows.iter().map(|row| row.len()).max().unwrap_or(0);
    let mut ids = Vec::with_capacity(rows.len() * width);
    let mut mask = Vec::with_capacity(rows.len() * width);
    for row in rows {
        ids.extend_from_slice(row);
        mask.resize(ids.len(), true);
        ids.resize(ids.len() + width - row.len(), pad);
        mask.resize(ids.len(), false);
    }
    Padded { ids, mask, rows: rows.len(), width }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn every_index_once(batches: &[Vec<usize>], count: usize) -> bool {
        let mut indices = batches.concat();
        indices.sort_unstable();
        indices.into_iter().eq(0..count)
    }

    #[test]
    fn rows_are_padded() {
        let padded = pad(&[&[5, 6], &[], &[7, 8, 9]], 1);
        assert_eq!((padded.rows, padded.width), (3, 3));
        assert_eq!(padded.ids, [5, 6, 1, 1, 1, 1, 7, 8, 9]);
        assert_eq!(padded.mask, [true, true, false, false, false, false, true, true, true]);
        assert_eq!(pad(&[], 0), Padded { ids: vec![], mask: vec![], rows: 0, width: 0 });
    }

    #[test]
    fn rows_of_similar_length_share_a_batch() {
        // 1,000 rows of lengths 0 to 99, sorted in chunks of 400.
        let lengths: Vec<usize> = (0..1000).map(|index| index % 100).collect();
        for batch in shuffled_batches(&lengths, 8, 3) {
            let lengths: Vec<usize> = batch.iter().map(|&index| lengths[index]).collect();
            let spread = lengths.iter().max().expect("a row") - lengths.iter().min().expect("a row");
            assert!(spread < 20, "{lengths:?}");
        }
    }

    #[test]
    fn token_batches_have_little_padding() {
        let lengths: Vec<usize> = (0..5000).map(|index| 10 + index * 7919 % 110).collect();
        let batches = shuffled_token_batches(&lengths, 2048, 3);
        let width = |batch: &[usize]| batch.iter().map(|&index| lengths[index]).max().unwrap_or(0);
        let padded: usize = batches.iter().map(|batch| batch.len() * width(batch)).sum();
        let own: usize = lengths.iter().sum();
        assert!(padded * 100 < own * 103, "{padded} positions for {own} tokens");
    }

    #[test]
    fn the_seed_determines_the_batches() {
        let lengths = [3; 40];
        assert_eq!(shuffled_batches(&lengths, 4, 1), shuffled_batches(&lengths, 4, 1));
        assert_ne!(shuffled_batches(&lengths, 4, 1), shuffled_batches(&lengths, 4, 2));
    }

    proptest! {
        #[test]
        fn batches_hold_every_index_once(
            lengths in proptest::collection::vec(0usize..40, 0..300),
            batch in 0usize..5,
            tokens in 0usize..100,
            seed: u64,
        ) {
            let shuffled = shuffled_batches(&lengths, batch, seed);
            prop_assert!(every_index_once(&shuffled, lengths.len()));
            prop_assert!(shuffled.iter().all(|indices| (1..=batch.max(1)).contains(&indices.len())));

            let width = |indices: &[usize]| indices.iter().map(|&index| lengths[index]).max().unwrap_or(0);
            let shuffled = shuffled_token_batches(&lengths, tokens, seed);
            prop_assert!(every_index_once(&shuffled, lengths.len()));
            prop_assert!(shuffled.iter().all(|batch| batch.len() == 1 || batch.len() * width(batch) <= tokens));
            prop_assert_eq!(shuffled_token_batches(&lengths, tokens, seed), shuffled);

            let fitted = token_batches(&lengths, tokens);
            prop_assert!(every_index_once(&fitted, lengths.len()));
            for (index, batch) in fitted.iter().enumerate() {
                prop_assert!(batch.len() == 1 || batch.len() * width(batch) <= tokens);
                // No batch could take one more row.
                if index + 1 < fitted.len() {
                    prop_assert!((batch.len() + 1) * width(batch).max(1) > tokens);
                }
            }
        }
    }
}
