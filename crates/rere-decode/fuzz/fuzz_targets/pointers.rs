//! Nearest pairing with all settings, masks and constraints.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rere_decode::{Constrained, Nearest, PointerScores, SpanRule};
use rere_decode_fuzz::{Bytes, decode};

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    let (tokens, scale, threshold) = (bytes.below(40), bytes.scale(), bytes.probability());
    let rule = [SpanRule::NearestEnd, SpanRule::BestEnd, SpanRule::Best(bytes.below(9))][bytes.below(3)];
    let nearest = Nearest::new(threshold).with_spans(rule).with_longest(bytes.below(10));
    let nearest = if bytes.byte() % 2 == 0 { nearest.at_least_one() } else { nearest };
    let mask: Vec<bool> = (0..tokens).map(|_| bytes.byte() % 8 != 0).collect();
    let values = bytes.scores(4 * tokens);
    let Ok(scores) = PointerScores::on_scale(&values, tokens, scale) else { return };
    let Ok(scores) = scores.with_mask(&mask) else { return };
    let all = decode(&nearest, scores, tokens);
    assert!(all.iter().all(|triple| mask[triple.subject.start..triple.subject.end].iter().all(|&token| token)));
    let few = decode(&Constrained::new(nearest).with_most(3).one_to_one(|_| true), scores, tokens);
    assert!(few.len() <= 3 && few.iter().all(|triple| all.contains(triple)));
});
