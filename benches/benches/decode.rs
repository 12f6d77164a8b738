//! Decoding of scores to triples: nearest pairing in batches, compared with a mere sum of the same numbers; both strategies on text;
//! and the decoders of tables.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_benches::{Certainty, ScoredSentence};
use rere_core::{Probability, TokenSpan};
use rere_decode::{
    Batch, CandidateScores, CasRel, CasRelScores, Decoder, HandshakeScores, Nearest, PairClassification, Pairing,
    PairingScratch, PairingStrategy, PointerScores, Scale, ScoredSpan, TableScores, TokenizedText, TpLinker,
    handshake_rows,
};

/// Number of sentences of a batch.
const BATCH: usize = 4096;

fn half() -> Probability {
    Probability::saturating(0.5)
}

/// Creates `count` different sentences of `tokens` tokens.
fn sentences(count: usize, tokens: usize, certainty: Certainty) -> Vec<ScoredSentence> {
    (0..count as u64).map(|seed| ScoredSentence::new(tokens, certainty, seed)).collect()
}

fn scores(sentences: &[ScoredSentence]) -> Vec<PointerScores<'_>> {
    sentences.iter().map(|s| PointerScores::new(&s.scores, s.tokens.len()).expect("probabilities")).collect()
}

/// Sums a buffer as fast as possible, in lanes.
fn sum(values: &[f32]) -> f32 {
    let (lanes, rest) = values.as_chunks::<16>();
    let mut sums = [0.0f32; 16];
    for lane in lanes {
        sums.iter_mut().zip(lane).for_each(|(sum, value)| *sum += value);
    }
    sums.iter().sum::<f32>() + rest.iter().sum::<f32>()
}

/// A batch with and without the check of its scores, on one and two threads.
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

/// Growth of time with the length if one in ten pointers is above the threshold.
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

/// Both strategies on one sentence after the other, with byte spans as the result.
fn text(criterion: &mut Criterion) {
    for (name, pairing) in [("nearest", Pairing::Nearest), ("cross-product", Pairing::CrossProduct)] {
        let strategy = pairing.strategy(half(), false, None);
        let mut group = criterion.benchmark_group(format!("decode/text/{name}"));
        for certainty in [Certainty::Trained, Certainty::Untrained] {
            for tokens in [16, 64, 256] {
                let input = ScoredSentence::new(tokens, certainty, 0);
                let scores = PointerScores::new(&input.scores, tokens).expect("probabilities");
                let sentence = TokenizedText::new(&input.text, &input.tokens).expect("tokens of the text");
                group.throughput(Throughput::Elements(tokens as u64));
                let (mut scratch, mut found) = (PairingScratch::default(), Vec::new());
                group.bench_function(BenchmarkId::new(format!("{certainty:?}").to_lowercase(), tokens), |bencher| {
                    bencher.iter(|| {
                        found.clear();
                        strategy.pair_into(scores, sentence, &mut scratch, &mut found)
                    });
                });
            }
        }
        group.finish();
    }
}

/// Decoders of tables on one sentence after the other with 24 relations, each compared with a mere sum of the same table.
fn tables(criterion: &mut Criterion) {
    const RELATIONS: usize = 24;
    let mut group = criterion.benchmark_group("decode/table");
    let subject = |token| ScoredSpan { span: TokenSpan::new(token, token + 1), score: half() };
    for (name, share) in [("sparse", 0.0005), ("dense", 0.1)] {
        for tokens in [16, 64, 256] {
            let objects = drawn(tokens * 2 * RELATIONS, share);
            let objects = TableScores::new(&objects, tokens, 2 * RELATIONS, Scale::Probability).expect("probabilities");
            let input = [(subject(0), objects), (subject(tokens / 2), objects)];
            let casrel = CasRel::new(half(), half());
            table(&mut group, &format!("casrel/{name}/{tokens}"), &casrel, CasRelScores::new(&input).expect("good"));
            sum_of(&mut group, &format!("casrel/{name}/{tokens}"), &[objects.values(), objects.values()]);

            let rows = handshake_rows(tokens).expect("few");
            let links = drawn(rows * (1 + 4 * RELATIONS), share / 20.0);
            let links = TableScores::new(&links, rows, 1 + 4 * RELATIONS, Scale::Probability).expect("probabilities");
            let tplinker = TpLinker::new(half(), half());
            let input = HandshakeScores::new(links, tokens).expect("good");
            table(&mut group, &format!("tplinker/{name}/{tokens}"), &tplinker, input);
            sum_of(&mut group, &format!("tplinker/{name}/{tokens}"), &[links.values()]);

            // One quarter of the tokens are entities.
            let spans = (0..tokens).step_by(4).map(|token| TokenSpan::new(token, token + 1));
            let pairs: Vec<_> = spans.clone().flat_map(|a| spans.clone().map(move |b| (a, b))).collect();
            let relations = drawn(pairs.len() * RELATIONS, share);
            let relations = TableScores::new(&relations, pairs.len(), RELATIONS, Scale::Probability).expect("good");
            let input = CandidateScores::new(&pairs, relations).expect("good");
            table(&mut group, &format!("pairs/{name}/{tokens}"), &PairClassification::new(half()), input);
            sum_of(&mut group, &format!("pairs/{name}/{tokens}"), &[relations.values()]);
        }
    }
    group.finish();
}

type Group<'a> = criterion::BenchmarkGroup<'a, criterion::measurement::WallTime>;

fn table<D: Decoder>(group: &mut Group<'_>, name: &str, decoder: &D, input: D::Input<'_>) {
    let (mut scratch, mut found) = (D::Scratch::default(), Vec::new());
    group.bench_function(format!("{name}/decode"), |bencher| {
        bencher.iter(|| {
            found.clear();
            decoder.decode(black_box(input), &mut scratch, &mut found);
            found.len()
        });
    });
}

fn sum_of(group: &mut Group<'_>, name: &str, tables: &[&[f32]]) {
    group.bench_function(format!("{name}/sum"), |bencher| {
        bencher.iter(|| tables.iter().map(|values| sum(black_box(values))).sum::<f32>());
    });
}

/// Draws scores of which the given share is above 0.5.
fn drawn(count: usize, share: f64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(count as u64);
    let score = |rng: &mut ChaCha8Rng| {
        let low = if rng.random_bool(share) { 0.5 } else { 0.0 };
        low + 0.49 * rng.random::<f32>()
    };
    (0..count).map(|_| score(&mut rng)).collect()
}

criterion_group!(benches, batch, dense, text, tables);
criterion_main!(benches);
