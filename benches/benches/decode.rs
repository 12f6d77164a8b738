//! Pairing of pointer scores, for one relation of one sentence.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rere_benches::{Certainty, ScoredSentence};
use rere_core::Probability;
use rere_decode::{Pairing, PointerScores, TokenizedText};

fn decode(criterion: &mut Criterion) {
    let threshold = Probability::new(0.5).expect("a probability");
    for (name, pairing) in [("nearest", Pairing::Nearest), ("cross-product", Pairing::CrossProduct)] {
        let strategy = pairing.strategy(threshold, false);
        let mut group = criterion.benchmark_group(format!("decode/{name}"));
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

criterion_group!(benches, decode);
criterion_main!(benches);
