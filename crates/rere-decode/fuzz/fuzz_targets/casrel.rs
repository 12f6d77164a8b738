//! The CasRel decoder: subjects, then objects.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rere_decode::{CasRel, CasRelScores, CasRelScratch, TableScores};
use rere_decode_fuzz::{Bytes, decode};

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    let (tokens, relations, scale) = (bytes.below(20), bytes.below(5), bytes.scale());
    let decoder = CasRel::new(bytes.probability(), bytes.probability());
    let values = bytes.scores(2 * tokens);
    let Ok(table) = TableScores::new(&values, tokens, 2, scale) else { return };
    let mut subjects = Vec::new();
    decoder.subjects(table, &mut CasRelScratch::default(), &mut subjects).expect("two columns");
    let values: Vec<Vec<f32>> = subjects.iter().map(|_| bytes.scores(tokens * relations * 2)).collect();
    let mut tables = Vec::new();
    for (subject, values) in subjects.into_iter().zip(&values) {
        let Ok(table) = TableScores::new(values, tokens, 2 * relations, scale) else { return };
        tables.push((subject, table));
    }
    let Ok(scores) = CasRelScores::new(&tables) else { return };
    decode(&decoder, scores, tokens);
});
