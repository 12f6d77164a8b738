//! Public knowledge bases and a public corpus, in the folder RERE_DATA.

use std::{collections::HashSet, convert::Infallible, hint::black_box, path::PathBuf, time::Instant};

use rere_data::{Aligner, Folding, KnowledgeBase, KnowledgeBaseOptions, MatcherSettings, Overlap, occurrences, read};

fn aligner(data: &std::path::Path, triples: &str, fold_case: bool) -> Aligner {
    let options = KnowledgeBaseOptions::default().with_entities(data.join("kb/freebase_entities.tsv"));
    let kb = KnowledgeBase::read(&data.join(triples), &options).expect(triples);
    println!("{triples}: {}", kb.report());
    let folding = Folding::NONE.with_case(fold_case);
    Aligner::new(kb, MatcherSettings::default().with_folding(folding)).expect("an aligner")
}

#[test]
fn a_corpus_is_aligned_to_public_knowledge_bases() {
    let Some(data) = std::env::var_os("RERE_DATA").map(PathBuf::from) else {
        return println!("skipped: RERE_DATA is not set");
    };
    let corpus = read(&data.join("nyt11-hrl/train_sample.jsonl")).expect("a corpus");
    // Entities and triples as in the data card.
    let freebase = aligner(&data, "kb/freebase_fb15k237.tsv", false);
    let wikidata = aligner(&data, "kb/wikidata_codex.tsv", false);
    assert_eq!((freebase.kb().report().entities, freebase.kb().report().triples), (14_541, 310_116));
    assert_eq!(wikidata.kb().report().triples, 40_326);

    for sentence in &corpus {
        let triples = freebase.align(&sentence.text);
        let mut seen = HashSet::new();
        for triple in &triples {
            for mention in triple.mentions() {
                let span = mention.span.expect("a place");
                assert_eq!(span.slice(&sentence.text), Ok(mention.text.as_str()));
                assert!(occurrences(&sentence.text, &mention.text).contains(&span), "{mention:?} in {sentence:?}");
            }
            assert!(seen.insert((&triple.subject.text, &triple.relation, &triple.object.text)), "{triple:?}");
        }
    }

    let sentences = corpus.iter().map(|sentence| -> Result<_, Infallible> {
        let [freebase, wikidata] = [&freebase, &wikidata].map(|aligner| aligner.align(&sentence.text));
        Ok(vec![sentence.triples.clone(), freebase, wikidata])
    });
    let names = ["own", "Freebase", "Wikidata"].map(str::to_owned).to_vec();
    let overlap = Overlap::of(names, sentences).unwrap_or_else(|error| match error {});
    println!("{overlap}");
    let largest = overlap.labellings.iter().map(|labelling| labelling.found.triples).max();
    assert!(Some(overlap.either.triples) >= largest && overlap.both.triples <= overlap.labellings[0].found.triples);
    assert!(overlap.labellings.iter().all(|labelling| labelling.found.triples > 0));

    let megabytes = corpus.iter().map(|sentence| sentence.text.len()).sum::<usize>() as f64 / 1e6;
    for (name, aligner) in
        [("case", &freebase), ("folded case", &self::aligner(&data, "kb/freebase_fb15k237.tsv", true))]
    {
        let mut best = f64::INFINITY;
        for _ in 0..5 {
            let started = Instant::now();
            for sentence in &corpus {
                black_box(aligner.matcher().mentions(black_box(&sentence.text)));
            }
            best = best.min(started.elapsed().as_secs_f64());
        }
        println!("{name}: {:.0} MB/s of {megabytes:.2} MB", megabytes / best);
    }
}
