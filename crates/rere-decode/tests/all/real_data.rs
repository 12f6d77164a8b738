//! Tests that perfect scores of the gold triples of real corpora are decoded to the gold triples.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::common::Case;
use rere_core::{ByteSpan, Probability};
use rere_decode::{CrossProduct, Nearest, PairingStrategy};
use serde_json::Value;

/// Returns the gold pairs of a corpus in CasRel's format, for each sentence and relation.
fn gold(path: &Path) -> Vec<(String, BTreeSet<(String, String)>)> {
    let json = std::fs::read_to_string(path).expect("a readable file");
    let sentences: Vec<Value> = serde_json::from_str(&json).expect("a JSON array");
    let mut gold = Vec::new();
    for sentence in &sentences {
        let text = sentence["text"].as_str().expect("a text").trim();
        let mut relations: BTreeMap<&str, BTreeSet<(String, String)>> = BTreeMap::new();
        for triple in sentence["triple_list"].as_array().expect("triples") {
            let [subject, relation, object] = [0, 1, 2].map(|i| triple[i].as_str().expect("a string"));
            relations.entry(relation).or_default().insert((subject.to_owned(), object.to_owned()));
        }
        gold.extend(relations.into_values().map(|pairs| (text.to_owned(), pairs)));
    }
    gold
}

/// Returns the runs of tokens whose text is `surface`.
fn runs(case: &Case, surface: &str) -> Vec<(usize, usize)> {
    let token_at = |byte: usize, border: fn(&ByteSpan) -> usize| case.tokens.iter().position(|t| border(t) == byte);
    let matches = case.text.match_indices(surface);
    let token_runs = matches.map(|(at, _)| (token_at(at, |t| t.start), token_at(at + surface.len(), |t| t.end)));
    token_runs.filter_map(|(first, last)| first.zip(last)).collect()
}

#[test]
#[cfg_attr(miri, ignore = "an interpreter takes hours to read the corpora")]
fn perfect_scores_give_the_gold_triples() {
    let Ok(data) = std::env::var("RERE_DATA") else {
        println!("skipped: RERE_DATA is not set");
        return;
    };
    let half = Probability::new(0.5).expect("a probability");
    for (file, at_least) in [("nyt11-hrl/test.json", 300), ("nyt10-hrl/dev.json", 300), ("webnlg/dev.json", 100)] {
        let (mut gold_pairs, mut nearest_correct, mut nearest_found) = (0, 0, 0);
        let (mut cross_correct, mut cross_found) = (0, 0);
        let mut single = 0;
        for (text, pairs) in gold(&Path::new(&data).join(file)) {
            let mut case = Case::words(&text);
            let mut once = true;
            for (subject, object) in &pairs {
                let (subjects, objects) = (runs(&case, subject), runs(&case, object));
                once &= subjects.len() == 1 && objects.len() == 1 && subject != object;
                for (first, last) in subjects {
                    case = case.subject(first, last, 1.0, 1.0);
                }
                for (first, last) in objects {
                    case = case.object(first, last, 1.0, 1.0);
                }
            }
            let (nearest, cross) = (surfaces(&case, &Nearest::new(half)), surfaces(&case, &CrossProduct::new(half)));
            if once && pairs.len() == 1 {
                single += 1;
                assert_eq!(nearest, pairs, "{text}");
                assert_eq!(cross, pairs, "{text}");
            }
            gold_pairs += pairs.len();
            nearest_found += nearest.len();
            nearest_correct += nearest.intersection(&pairs).count();
            cross_found += cross.len();
            cross_correct += cross.intersection(&pairs).count();
        }
        println!("{file}: {gold_pairs} gold pairs, {single} of them alone in sentence and relation and marked once");
        println!("  nearest: {nearest_correct} of {nearest_found} correct");
        println!("  cross product: {cross_correct} of {cross_found} correct");
        assert!(single >= at_least, "{file}: {single} single pairs");
    }
}

fn surfaces(case: &Case, strategy: &impl PairingStrategy) -> BTreeSet<(String, String)> {
    case.pairs(strategy).iter().map(|pair| (pair.0.to_owned(), pair.1.to_owned())).collect()
}
