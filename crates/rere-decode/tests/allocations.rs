//! Tests that decoding allocates nothing once its memory has grown.

use allocation_counter::measure;
use rere_core::{ByteSpan, Probability};
use rere_decode::{
    Batch, Decoder, Nearest, NearestScratch, Pairing, PairingScratch, PairingStrategy, PointerScores, SpanRule,
    TokenizedText,
};

/// Scores of sentences, from few to all over the threshold, without random numbers.
fn sentences() -> Vec<Vec<f32>> {
    let score = |i: usize, every: usize| if i.is_multiple_of(every) { 0.5 + (i % 97) as f32 / 200.0 } else { 0.1 };
    // An interpreter takes half an hour for all of them.
    (1..if cfg!(miri) { 20 } else { 200 })
        .map(|n| (0..4 * (n % 70)).map(|i| score(i * 7 + n, n % 13 + 1)).collect())
        .collect()
}

#[test]
fn decoding_to_triples_allocates_nothing() {
    let sentences = sentences();
    let scores: Vec<PointerScores<'_>> =
        sentences.iter().map(|values| PointerScores::new(values, values.len() / 4).expect("scores")).collect();
    let half = Probability::new(0.5).expect("a probability");
    let nearest = Nearest::new(half);
    let high = Nearest::new(Probability::new(1.0).expect("a probability")).at_least_one();
    let spans = |rule| nearest.clone().with_spans(rule);
    for decoder in [nearest.clone(), spans(SpanRule::BestEnd), spans(SpanRule::Best(5)), high] {
        let (mut scratch, mut found) = (NearestScratch::default(), Vec::new());
        let mut all = || {
            for &scores in &scores {
                found.clear();
                decoder.decode(scores, &mut scratch, &mut found);
            }
        };
        let first = measure(&mut all);
        assert!(first.count_total > 0, "the counter counts");
        assert_eq!(measure(all).count_total, 0, "{decoder:?}");
    }

    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let mut batch = Batch::default();
    let mut decode = || batch.decode(&nearest, &scores);
    pool.install(&mut decode);
    assert_eq!(pool.install(|| measure(decode).count_total), 0);
}

#[test]
fn pairing_in_a_text_allocates_nothing() {
    // Words that contain one another, so that the cross product has strings to discard.
    let text = "a ab aba ".repeat(30);
    let words: Vec<ByteSpan> = (0..90)
        .map(|word| [(0, 1), (2, 4), (5, 8)].map(|(start, end)| (start + word / 3 * 9, end + word / 3 * 9))[word % 3])
        .map(|(start, end)| ByteSpan::new(start, end))
        .collect();
    let sentences = sentences();
    for pairing in [Pairing::Nearest, Pairing::CrossProduct] {
        let strategy = pairing.strategy(Probability::new(0.5).expect("a probability"), true, None);
        let (mut scratch, mut found) = (PairingScratch::default(), Vec::new());
        let mut all = || {
            let mut pairs = 0;
            for values in &sentences {
                let tokens = values.len() / 4;
                let scores = PointerScores::new(values, tokens).expect("scores");
                let sentence = TokenizedText::new(&text, &words[..tokens]).expect("words of the text");
                found.clear();
                strategy.pair_into(scores, sentence, &mut scratch, &mut found).expect("as many tokens");
                pairs += found.len();
            }
            assert!(pairs > sentences.len() / 2, "{pairs}");
        };
        assert!(measure(&mut all).count_total > 0, "the counter counts");
        assert_eq!(measure(all).count_total, 0, "{pairing:?}");
    }
}
