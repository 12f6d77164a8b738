//! Pair classification with any spans.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rere_core::TokenSpan;
use rere_decode::{CandidateScores, PairClassification, TableScores};
use rere_decode_fuzz::{Bytes, decode};

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    let (count, relations, scale) = (bytes.below(30), bytes.below(5), bytes.scale());
    let mut span = || {
        let start = bytes.below(20);
        TokenSpan::new(start, start + bytes.below(5))
    };
    let pairs: Vec<(TokenSpan, TokenSpan)> = (0..count).map(|_| (span(), span())).collect();
    let decoder = PairClassification::new(bytes.probability());
    let values = bytes.scores(count * relations);
    let Ok(table) = TableScores::new(&values, count, relations, scale) else { return };
    let Ok(scores) = CandidateScores::new(&pairs, table) else { return };
    decode(&decoder, scores, 25);
});
