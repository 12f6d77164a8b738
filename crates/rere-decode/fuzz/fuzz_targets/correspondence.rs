//! The PRGC decoder.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rere_decode::{Correspondence, CorrespondenceScores, PointerScores, TableScores};
use rere_decode_fuzz::{Bytes, decode};

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    let (tokens, scale) = (bytes.below(12), bytes.scale());
    let decoder = Correspondence::new(bytes.probability(), bytes.probability());
    let (pointers, table) = (bytes.scores(tokens * 4), bytes.scores(tokens * tokens));
    let Ok(pointers) = PointerScores::on_scale(&pointers, tokens, scale) else { return };
    let Ok(table) = TableScores::new(&table, tokens, tokens, scale) else { return };
    decode(&decoder, CorrespondenceScores::new(pointers, table).expect("a table for these tokens"), tokens);
});
