//! Tests of nearest pairing against the naive decoder on many seeded cases: alone, in batches and from logits.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_core::Probability;
use rere_decode::{Batch, Decoder, Nearest, NearestScratch, PointerScores, Scale, SpanRule, TokenTriple};

use crate::naive::{self, Setting};

use crate::common::cases;

/// The distribution of the scores.
#[derive(Clone, Copy)]
enum Kind {
    Dense,
    Sparse,
    Equal,
    Levels,
}

fn draw(rng: &mut ChaCha8Rng, tokens: usize) -> Vec<[f32; 4]> {
    let kind = [Kind::Sparse, Kind::Sparse, Kind::Dense, Kind::Levels, Kind::Equal][rng.random_range(0..5)];
    let equal = rng.random::<f32>();
    let mut score = || match kind {
        Kind::Dense => rng.random::<f32>(),
        Kind::Sparse => rng.random::<f32>().powi(20),
        Kind::Equal => equal,
        Kind::Levels => rng.random_range(0..=4) as f32 / 4.0,
    };
    (0..tokens).map(|_| [score(), score(), score(), score()]).collect()
}

/// A length; one in ten sentences is long.
fn length(rng: &mut ChaCha8Rng) -> usize {
    let longest = [12, 12, 48, 48, 48, 48, 48, 48, 48, 512][rng.random_range(0..10)];
    rng.random_range(0..=longest)
}

fn setting(rng: &mut ChaCha8Rng, tokens: usize) -> Setting {
    // The naive decoder is too slow for every end of every start of a long sentence.
    let rules = if tokens <= 48 { 4 } else { 3 };
    Setting {
        threshold: [0.0, 0.25, 0.5, 0.5, 0.75, 0.95, 1.0][rng.random_range(0..7)],
        rule: [SpanRule::NearestEnd, SpanRule::NearestEnd, SpanRule::BestEnd, SpanRule::Best(4)]
            [rng.random_range(0..rules)],
        longest: [usize::MAX, usize::MAX, 1, 3, 8][rng.random_range(0..5)],
        at_least_one: tokens <= 48 && rng.random_bool(0.3),
    }
}

fn decoder(setting: &Setting) -> Nearest {
    let threshold = Probability::new(setting.threshold).expect("a probability");
    let nearest = Nearest::new(threshold).with_spans(setting.rule).with_longest(setting.longest);
    if setting.at_least_one { nearest.at_least_one() } else { nearest }
}

#[test]
fn nearest_pairing_follows_its_definition() {
    let cases = cases(100_000);
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut scratch = NearestScratch::default();
    let mut found = Vec::new();
    let mut triples = 0;
    for case in 0..cases {
        let tokens = length(&mut rng);
        let (rows, setting) = (draw(&mut rng, tokens), setting(&mut rng, tokens));
        let mask: Option<Vec<bool>> = rng.random_bool(0.2).then(|| (0..tokens).map(|_| rng.random_bool(0.9)).collect());
        let mut scores = PointerScores::new(rows.as_flattened(), tokens).expect("probabilities");
        if let Some(mask) = &mask {
            scores = scores.with_mask(mask).expect("one mark for each token");
        }
        found.clear();
        decoder(&setting).decode(scores, &mut scratch, &mut found);
        let expected = naive::nearest(&rows, mask.as_deref(), &setting);
        assert_eq!(found, expected, "case {case}: {setting:?} {mask:?} {rows:?}");
        triples += found.len();
    }
    assert!(triples > 10 * cases, "{triples} triples");
}

/// The logits are multiples of 1/2, so that rounding does not change their order on the other scale.
#[test]
fn logits_and_probabilities_give_the_same_triples() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut scratch = NearestScratch::default();
    for _ in 0..cases(2_000) {
        let tokens = rng.random_range(0..40);
        let logits: Vec<f32> = (0..4 * tokens).map(|_| rng.random_range(-12..12) as f32 / 2.0).collect();
        let probabilities: Vec<f32> = logits.iter().map(|&logit| Scale::Logit.probability(logit)).collect();
        let setting = Setting { threshold: 0.4, ..setting(&mut rng, tokens) };
        let mut decode = |values: &[f32], scale| {
            let mut found = Vec::new();
            let scores = PointerScores::on_scale(values, tokens, scale).expect("scores");
            decoder(&setting).decode(scores, &mut scratch, &mut found);
            found
        };
        assert_eq!(decode(&logits, Scale::Logit), decode(&probabilities, Scale::Probability), "{setting:?} {logits:?}");
    }
}

#[test]
fn a_batch_gives_the_triples_of_its_sentences() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let nearest = Nearest::new(Probability::new(0.5).expect("a probability"));
    let mut batch = Batch::default();
    // Under an interpreter the sentences are short, but as many, so that all threads decode.
    let most = if cfg!(miri) { 3 } else { usize::MAX };
    for sentences in [0, 1, 127, 128, 129, cases(1500), 3] {
        let drawn: Vec<Vec<[f32; 4]>> = (0..sentences)
            .map(|_| {
                let n = length(&mut rng).min(most);
                draw(&mut rng, n)
            })
            .collect();
        let scores: Vec<PointerScores<'_>> = drawn
            .iter()
            .enumerate()
            .map(|(i, rows)| PointerScores::new(rows.as_flattened(), rows.len()).expect("scores").for_relation(i % 7))
            .collect();
        batch.decode(&nearest, &scores);
        assert_eq!((batch.len(), batch.is_empty()), (sentences, sentences == 0));
        let alone: Vec<Vec<TokenTriple>> = scores
            .iter()
            .map(|&scores| {
                let mut found = Vec::new();
                nearest.decode(scores, &mut NearestScratch::default(), &mut found);
                found
            })
            .collect();
        assert!(batch.iter().eq(alone.iter().map(Vec::as_slice)));
        for (number, triples) in batch.iter().enumerate() {
            assert!(triples.iter().all(|triple| triple.relation == number % 7));
        }
    }
}
