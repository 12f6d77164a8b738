//! The decoder of novel tagging.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rere_decode::{TableScores, TagScores, Tags};
use rere_decode_fuzz::{Bytes, decode};

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    let (tokens, relations, scale) = (bytes.below(30), bytes.below(4), bytes.scale());
    let decoder = Tags::new(bytes.probability());
    let columns = 1 + 8 * relations;
    let mut values = bytes.scores(tokens * columns);
    // One tag of each row has the highest score, so that entities are found.
    for row in values.chunks_exact_mut(columns) {
        row[bytes.below(columns)] = 1.0;
    }
    let Ok(table) = TableScores::new(&values, tokens, columns, scale) else { return };
    decode(&decoder, TagScores::new(table).expect("fitting columns"), tokens);
});
