//! Gold counts of real corpora, against those of the paper and of the corpora.

use std::path::Path;

use rere_core::{Sentence, Triple};
use rere_eval::{Counts, Exact, Match, Score, count_all, evaluate, pair_sentences};
use serde_json::Value;

/// A corpus in CasRel's format.
fn read(path: &Path) -> Vec<Sentence> {
    let json = std::fs::read_to_string(path).expect("a readable file");
    let sentences: Vec<Value> = serde_json::from_str(&json).expect("a JSON array");
    let string = |value: &Value| value.as_str().expect("a string").to_owned();
    let triple = |value: &Value| Triple::of(string(&value[0]), string(&value[1]), string(&value[2]));
    let sentence = |value: &Value| {
        Sentence::new(string(&value["text"]))
            .with_triples(value["triple_list"].as_array().expect("triples").iter().map(triple))
    };
    sentences.iter().map(sentence).collect()
}

#[test]
fn gold_counts_of_real_corpora() {
    let Ok(data) = std::env::var("RERE_DATA") else {
        println!("skipped: RERE_DATA is not set");
        return;
    };
    // Table 3 of the paper divides by 370, both in the rows with (exact) and in those without.
    for (file, exact, partial) in
        [("nyt11-hrl/test.json", 370, 370), ("nyt11-hrl/dev.json", 390, 390), ("nyt10-hrl/dev.json", 443, 443)]
    {
        let gold = read(&Path::new(&data).join(file));
        let pairs = pair_sentences(&gold, &gold).expect("the same sentences");
        for (matcher, triples) in [(Match::Exact, exact), (Match::Partial, partial)] {
            let counts = count_all(&pairs, &matcher);
            assert_eq!(
                counts,
                Counts { true_positives: triples, predicted: triples, gold: triples },
                "{file} {matcher}"
            );
        }
    }
}

#[test]
fn missing_and_reversed_triples() {
    let Ok(data) = std::env::var("RERE_DATA") else {
        println!("skipped: RERE_DATA is not set");
        return;
    };
    let gold = read(&Path::new(&data).join("nyt11-hrl/test.json"));
    let mut predicted = gold.clone();
    // Every second triple is removed, and the first of the others gets its entities exchanged.
    let mut number = 0;
    for sentence in &mut predicted {
        sentence.triples.retain(|_| {
            number += 1;
            number % 2 == 1
        });
    }
    let first = predicted.iter_mut().find_map(|sentence| sentence.triples.first_mut()).expect("a triple");
    std::mem::swap(&mut first.subject, &mut first.object);
    let counts = evaluate(&gold, &predicted, &Exact).expect("the same sentences");
    assert_eq!(counts, Counts { true_positives: 184, predicted: 185, gold: 370 });
    assert_eq!(Score::from_counts(counts).recall, 184.0 / 370.0);
}
