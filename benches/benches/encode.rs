//! Tokenisation of sentences and location of triples, compared with the batch encoding of the tokenizers crate on the same texts.
//!
//! ```text
//! cargo bench --bench encode
//! ```
//! If RERE_DATA and RERE_ENCODERS are set, the texts are the training sample of NYT11-HRL in MiniLM's word pieces, otherwise made-up
//! sentences in words. Everything uses all threads.

use std::path::PathBuf;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rere_benches::{Certainty, ScoredSentence};
use rere_core::{RelationSet, Sentence, Triple};
use rere_data::{LocatedCorpus, OnMissing, Tokenizer, read};

/// A corpus and its tokenizer in both crates.
fn input() -> (Vec<Sentence>, Tokenizer, tokenizers::Tokenizer) {
    let folder = |variable: &str| std::env::var_os(variable).map(PathBuf::from);
    let (corpus, file, _words) = if let (Some(data), Some(encoders)) = (folder("RERE_DATA"), folder("RERE_ENCODERS")) {
        let corpus = read(&data.join("nyt11-hrl/train_sample.jsonl")).expect("the corpus");
        (corpus, encoders.join("minilm/tokenizer.json"), None)
    } else {
        let sentence = |seed| {
            let ScoredSentence { text, tokens, .. } = ScoredSentence::new(40, Certainty::Trained, seed);
            let [subject, object] = [tokens[3], tokens[17]].map(|token| text[token.start..token.end].to_owned());
            Sentence::new(text).with_triples(vec![Triple::of(subject, "r", object)])
        };
        let corpus: Vec<Sentence> = (0..5000).map(sentence).collect();
        let texts = corpus.iter().map(|sentence| sentence.text.as_str());
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("tokenizer.json");
        Tokenizer::train_words(texts, 1, 30_000).and_then(|words| words.save(&file)).expect("a tokenizer");
        (corpus, file, Some(folder))
    };
    let ours = Tokenizer::load(&file).expect("a tokenizer");
    let mut theirs = tokenizers::Tokenizer::from_file(&file).expect("a tokenizer");
    // The same settings as ours: whole texts, no padding, no special tokens.
    theirs.with_truncation(None).expect("no truncation");
    theirs.with_padding(None);
    (corpus, ours, theirs)
}

fn encode(criterion: &mut Criterion) {
    let (corpus, ours, theirs) = input();
    let mut names: Vec<&str> =
        corpus.iter().flat_map(|sentence| &sentence.triples).map(|triple| triple.relation.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let relations = RelationSet::from_names(names).expect("relations");
    let mut group = criterion.benchmark_group("encode");
    for count in [1000, corpus.len()] {
        let corpus = &corpus[..count];
        let texts: Vec<&str> = corpus.iter().map(|sentence| sentence.text.as_str()).collect();
        group.throughput(Throughput::Bytes(texts.iter().map(|text| text.len() as u64).sum()));
        group.bench_function(BenchmarkId::new("tokenizers", count), |bencher| {
            bencher.iter(|| theirs.encode_batch(texts.clone(), false).expect("tokens"));
        });
        group.bench_function(BenchmarkId::new("tokens", count), |bencher| {
            bencher.iter(|| ours.encode_batch(&texts).expect("tokens"));
        });
        group.bench_function(BenchmarkId::new("located", count), |bencher| {
            bencher.iter(|| LocatedCorpus::new(corpus, &ours, &relations, OnMissing::Error).expect("located"));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = encode
}
criterion_main!(benches);
