//! Search for names of entities in text: a made-up text of several sizes and, if the variable RERE_DATA is set, a public corpus with
//! the names of a public knowledge base.

use std::{hint::black_box, path::Path};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rere_benches::{named_text, names, public_text};
use rere_data::{EntityMatcher, Folding, MatcherSettings};

/// Number of entities of the made-up text, about as many as the public knowledge base has.
const ENTITIES: usize = 15_000;

type Group<'a> = criterion::BenchmarkGroup<'a, criterion::measurement::WallTime>;

/// Both kinds of matchers with their names.
fn matchers(names: &[Vec<String>]) -> [(&'static str, EntityMatcher); 2] {
    [("case", false), ("folded case", true)].map(|(name, case)| {
        let settings = MatcherSettings::default().with_folding(Folding::NONE.with_case(case));
        (name, EntityMatcher::new(names, settings).expect("a matcher"))
    })
}

fn mentions(group: &mut Group<'_>, id: BenchmarkId, matcher: &EntityMatcher, texts: &[String]) {
    group.throughput(Throughput::Bytes(texts.iter().map(|text| text.len() as u64).sum()));
    group.bench_function(id, |bencher| {
        bencher.iter(|| texts.iter().map(|text| matcher.mentions(black_box(text)).len()).sum::<usize>());
    });
}

fn made_up(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("data/mentions");
    let names = names(ENTITIES, 0);
    for (kind, matcher) in matchers(&names) {
        for bytes in [1 << 8, 1 << 12, 1 << 16, 1 << 20] {
            mentions(&mut group, BenchmarkId::new(kind, bytes), &matcher, &[named_text(&names, bytes, 1)]);
        }
    }
    group.finish();
}

fn public(criterion: &mut Criterion) {
    let Some(data) = std::env::var_os("RERE_DATA") else { return };
    let (names, texts) = public_text(Path::new(&data)).expect("names and texts");
    let mut group = criterion.benchmark_group("data/mentions of the public corpus");
    for (kind, matcher) in matchers(&names) {
        mentions(&mut group, BenchmarkId::from_parameter(kind), &matcher, &texts);
    }
    group.finish();
}

/// Construction of a matcher.
fn build(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("data/matcher");
    let names = names(ENTITIES, 0);
    group.throughput(Throughput::Elements(names.iter().map(|own| own.len() as u64).sum()));
    group.bench_function("build", |bencher| {
        bencher.iter(|| EntityMatcher::new(black_box(&names), MatcherSettings::default()).expect("a matcher"));
    });
    group.finish();
}

criterion_group!(benches, made_up, public, build);
criterion_main!(benches);
