//! From pointer scores to pairs: nearest pairing in batches, beside a mere sum of the same numbers, and both strategies on
//! text.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rere_benches::{Certainty, ScoredSentence};
use rere_core::Probability;
use rere_decode::{Batch, Nearest, Pairing, PointerScores, TokenizedText};

/// Sentences of a batch.
const BATCH: usize = 4096;

fn half() -> Probability {
    Probability::saturating(0.5)
}

/// `count` different sentences of `tokens` tokens.
fn sentences(count: usize, tokens: usize, certainty: Certainty) -> Vec<ScoredSentence> {
    (0..count as u64).map(|seed| ScoredSentence::new(tokens, certainty, seed)).collect()
}

fn scores(sentences: &[ScoredSentence]) -> Vec<PointerScores<'_>> {
    sentences.iter().map(|s| PointerScores::new(&s.scores, s.tokens.len()).expect("probabilities")).collect()
}

/// The sum of a buffer as fast as it goes: in lanes.
fn sum(values: &[f32]) -> f32 {
    let (lanes, rest) = values.as_chunks::<16>();
    let mut sums = [0.0f32; 16];
    for lane in lanes {
        sums.iter_mut().zip(lane).for_each(|(sum, value)| *sum += value);
    }
    sums.iter().sum::<f32>() + rest.iter().sum::<f32>()
}

/// A batch with its check, on as many threads as said.
fn batch(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode/batch");
    let nearest = Nearest::new(half());
    let sentences = sentences(BATCH, 64, Certainty::Trained);
    group.throughput(Throughput::Elements((64 * BATCH) as u64));
    group.bench_function("sum of the scores", |bencher| {
        bencher.iter(|| sentences.iter().map(|sentence| sum(black_box(&sentence.scores))).sum::<f32>());
    });
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let mut batch = Batch::default();
        group.bench_function(BenchmarkId::new("check and decode, threads", threads), |bencher| {
            bencher.iter(|| pool.install(|| batch.decode(&nearest, &scores(&sentences))));
        });
        let scores = scores(&sentences);
        group.bench_function(BenchmarkId::new("decode, threads", threads), |bencher| {
            bencher.iter(|| pool.install(|| batch.decode(&nearest, &scores)));
        });
    }
    group.finish();
}

/// One pointer in ten over the threshold: how time grows with the length.
fn dense(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode/dense");
    let nearest = Nearest::new(half());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let mut batch = Batch::default();
    for tokens in [64, 256, 1024, 4096] {
        let sentences = sentences((1 << 18) / tokens, tokens, Certainty::Dense);
        let scores = scores(&sentences);
        group.throughput(Throughput::Elements(1 << 18));
        group.bench_function(BenchmarkId::from_parameter(tokens), |bencher| {
            bencher.iter(|| pool.install(|| batch.decode(&nearest, &scores)));
        });
    }
    group.finish();
}

/// Both strategies on one sentence after the other, down to bytes of the text.
fn text(criterion: &mut Criterion) {
    for (name, pairing) in [("nearest", Pairing::Nearest), ("cross-product", Pairing::CrossProduct)] {
        let strategy = pairing.strategy(half(), false);
        let mut group = criterion.benchmark_group(format!("decode/text/{name}"));
        for certainty in [Certainty::Trained, Certainty::Untrained] {
            for tokens in [16, 64, 256] {
                let input = ScoredSentence::new(tokens, certainty, 0);
                let scores = PointerScores::new(&input.scores, tokens).expect("probabilities");
                let sentence = TokenizedText::new(&input.text, &input.tokens).expect("tokens of the text");
                group.throughput(Throughput::Elements(tokens as u64));
                group.bench_function(BenchmarkId::new(format!("{certainty:?}").to_lowercase(), tokens), |bencher| {
                    bencher.iter(|| strategy.pair(scores, sentence));
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, batch, dense, text);
criterion_main!(benches);
