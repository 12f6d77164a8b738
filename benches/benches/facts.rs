//! Facts: collecting the triples of a corpus, and writing facts in each format.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rere_core::{ByteSpan, Mention, Probability, Sentence, Triple};
use rere_facts::{CollectSettings, CorpusFact, FactFormat, FactWriter, FactWriterOptions, FactsError, collect};

/// Sentences with two triples each. About a tenth of the facts occur twice.
fn predictions(sentences: usize) -> impl Iterator<Item = Result<Sentence, FactsError>> {
    let relations = ["born in", "works for", "lives in", "founded"];
    (0..sentences as u64).map(move |number| {
        // Digits that do not compress.
        let random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let names = [random % 40_009, random % 30_011, random % 997].map(|name| format!("Name {name}"));
        let text = format!(
            "{} met {} and {} while the others waited for the train of {random}.",
            names[0], names[1], names[2]
        );
        let mut triples = Vec::with_capacity(2);
        let mut start = 0;
        let spans: Vec<ByteSpan> = names
            .iter()
            .map(|name| {
                let at = start + text[start..].find(name.as_str()).unwrap_or_default();
                start = at + name.len();
                ByteSpan::new(at, start)
            })
            .collect();
        for (pair, relation) in spans.windows(2).zip([random % 4, random / 4 % 4]) {
            let at = |span| Mention::at(&text, span).unwrap_or_else(|_| Mention::of(""));
            let score = Probability::saturating((random % 1000) as f32 / 1000.0);
            triples.push(Triple::new(at(pair[0]), relations[relation as usize], at(pair[1])).with_score(score));
        }
        Ok(Sentence::new(text).with_id(number.to_string()).with_triples(triples))
    })
}

fn facts(criterion: &mut Criterion) {
    const SENTENCES: usize = 50_000;
    let mut group = criterion.benchmark_group("facts");
    group.sample_size(10).throughput(Throughput::Elements(2 * SENTENCES as u64));
    group.bench_function("collect", |bencher| {
        bencher.iter(|| {
            let facts = collect(predictions(SENTENCES), None, &CollectSettings::default()).expect("collected");
            black_box(facts.count())
        });
    });
    let collected: Vec<CorpusFact> = collect(predictions(10_000), None, &CollectSettings::default())
        .expect("collected")
        .collect::<Result<_, _>>()
        .expect("facts");
    group.throughput(Throughput::Elements(collected.len() as u64));
    let folder = tempfile::tempdir().expect("a folder");
    for format in FactFormat::ALL {
        let path = folder.path().join("facts").with_extension(format.extension());
        group.bench_function(format!("write {format}"), |bencher| {
            bencher.iter(|| {
                let mut writer = FactWriter::create(&path, &FactWriterOptions::default()).expect("a writer");
                collected.iter().for_each(|fact| writer.write(fact).expect("written"));
                writer.finish().expect("finished");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, facts);
criterion_main!(benches);
