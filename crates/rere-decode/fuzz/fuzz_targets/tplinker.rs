//! The TPLinker decoder.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rere_decode::{HandshakeScores, TableScores, TpLinker, handshake_rows};
use rere_decode_fuzz::{Bytes, decode};

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    let (tokens, relations, scale) = (bytes.below(12), bytes.below(4), bytes.scale());
    let decoder = TpLinker::new(bytes.probability(), bytes.probability());
    let rows = handshake_rows(tokens).expect("few tokens");
    let values = bytes.scores(rows * (1 + 4 * relations));
    let Ok(table) = TableScores::new(&values, rows, 1 + 4 * relations, scale) else { return };
    let scores = HandshakeScores::new(table, tokens).expect("fitting rows and columns");
    decode(&decoder, scores, tokens);
});
