//! Statistics of public corpora in the folder RERE_DATA.

use std::path::PathBuf;

use rere_data::{ClassPriors, ReadOptions, Reader, Stats, Tokenizer, read};

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("RERE_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: RERE_DATA is not set");
    }
    folder
}

#[test]
fn stats_are_those_of_the_data_cards() {
    let Some(data) = folder() else { return };
    let mut ske = Stats::default();
    for (file, sentences, triples, relations) in [
        ("nyt11-hrl/test.json", 369, 370, 12),
        ("nyt11-hrl/dev.json", 313, 390, 11),
        ("nyt10-hrl/dev.json", 351, 443, 18),
        ("ske2019/dev.jsonl", 1_000, 1_857, 39),
        ("ske2019/train_partial.jsonl", 15_759, 30_063, 47),
    ] {
        let mut stats = Stats::default();
        for sentence in Reader::open(&data.join(file), &ReadOptions::default()).expect(file) {
            let sentence = sentence.expect(file);
            stats.add(&sentence);
            if file.starts_with("ske2019") {
                ske.add(&sentence);
            }
        }
        assert_eq!((stats.sentences, stats.triples, stats.relations), (sentences, triples, relations), "{file}");
        assert_eq!(stats.not_found, 0, "{file}");
    }
    assert_eq!((ske.sentences, ske.relations), (16_759, 48));
}

#[test]
fn class_priors_have_the_magnitude_of_table_2() {
    let Some(data) = folder() else { return };
    let corpus = read(&data.join("ske2019/dev.jsonl")).expect("a corpus");
    let texts = corpus.iter().map(|sentence| sentence.text.as_str());
    let priors =
        ClassPriors::of(&corpus, &Tokenizer::train_words(texts, 1, 30_000).expect("a tokenizer")).expect("some");
    println!("{priors}");
    // Table 2, for all of SKE: N 54.67, P2 .0405 (of twice the subjects) and .00067, P3 .0344 and .00927.
    for (found, published) in [
        (priors.tokens, 54.67),
        (2.0 * priors.triples.p2[0], 0.0405),
        (priors.triples.p2[1], 0.00067),
        (priors.triples.p3[0], 0.0344),
        (priors.triples.p3[1], 0.00927),
    ] {
        assert!((0.5..2.0).contains(&(found / published)), "{found} for {published}");
    }
}
