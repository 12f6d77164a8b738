//! Both pairing strategies on a text.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rere_core::ByteSpan;
use rere_decode::{Pairing, PairingStrategy, PointerScores, TokenizedText};
use rere_decode_fuzz::Bytes;

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    let (scale, threshold, at_least_one) = (bytes.scale(), bytes.probability(), bytes.byte() % 2 == 0);
    let words = ["a", "b", "ab", " ", "、", "》", "，", "北京", "🚀", "e\u{301}"];
    let (mut text, mut tokens) = (String::new(), Vec::new());
    for _ in 0..bytes.below(50) {
        let start = text.len();
        text.push_str(words[bytes.below(words.len())]);
        tokens.push(ByteSpan::new(start, text.len()));
    }
    let values = bytes.scores(4 * tokens.len());
    let Ok(scores) = PointerScores::on_scale(&values, tokens.len(), scale) else { return };
    let sentence = TokenizedText::new(&text, &tokens).expect("tokens of the text");
    for pairing in [Pairing::Nearest, Pairing::CrossProduct] {
        for pair in pairing.strategy(threshold, at_least_one, None).pair(scores, sentence).expect("fitting scores") {
            let [subject, object] = [pair.subject, pair.object].map(|span| span.slice(&text).expect("of the text"));
            assert!(!subject.is_empty() && !object.is_empty() && pair.subject != pair.object);
            assert_eq!((subject.trim(), object.trim()), (subject, object));
            assert!(pair.score >= 0.0);
        }
    }
});
