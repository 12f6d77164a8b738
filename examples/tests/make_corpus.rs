//! Tests that the committed small corpus is the output of its generator and has the properties of its data card.

#[path = "../make_corpus/generate.rs"]
mod generate;
#[path = "../make_corpus/names.rs"]
mod names;
#[path = "../make_corpus/patterns.rs"]
mod patterns;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rere_core::Sentence;
use serde_json::Value;

fn committed(part: &str) -> PathBuf {
    Path::new("../datasets/small").join(format!("{part}.jsonl"))
}

/// Every pattern that expresses triples, or is similar to one that does.
fn bodies() -> impl Iterator<Item = &'static patterns::Pattern> {
    use patterns::{EMPTY_PREDICATES, EMPTY_SENTENCES, PREDICATES, SENTENCES};
    [PREDICATES, EMPTY_PREDICATES, SENTENCES, EMPTY_SENTENCES].into_iter().flatten()
}

fn entities(sentences: &[Sentence]) -> BTreeSet<&str> {
    let triples = sentences.iter().flat_map(|sentence| &sentence.triples);
    triples.flat_map(|triple| [triple.subject.text.as_str(), triple.object.text.as_str()]).collect()
}

#[test]
fn the_committed_files_are_those_of_the_seed() {
    let parts = generate::corpus(generate::SEED);
    for ((part, _), sentences) in generate::PARTS.iter().zip(&parts) {
        let file = std::fs::read_to_string(committed(part)).expect("the corpus is committed");
        // Not assert_eq, which would print half a megabyte.
        assert!(file == generate::to_json_lines(sentences), "{part}: run the example make_corpus again");
    }
    assert_ne!(parts, generate::corpus(generate::SEED + 1), "the seed has no effect");
}

/// Counts code points itself, independently of the generator's conversion.
#[test]
fn every_span_slices_its_surface() {
    for (part, count) in generate::PARTS {
        let file = std::fs::read_to_string(committed(part)).expect("the corpus is committed");
        let mut lines = 0;
        for line in file.lines() {
            let sentence: Value = serde_json::from_str(line).expect("JSON");
            let text: Vec<char> = sentence["text"].as_str().expect("a text").chars().collect();
            for triple in sentence["triples"].as_array().expect("triples") {
                for mention in [&triple["subject"], &triple["object"]] {
                    let position = |key: &str| mention[key].as_u64().expect("a position") as usize;
                    let slice: String = text[position("start")..position("end")].iter().collect();
                    assert_eq!(mention["text"], slice, "{line}");
                }
            }
            lines += 1;
        }
        assert_eq!(lines, count, "{part}");
    }
}

#[test]
fn every_relation_has_several_patterns_in_both_orders() {
    assert!(patterns::RELATIONS.len() >= 8);
    assert!(bodies().count() >= 120, "{} patterns", bodies().count());
    for (relation, _) in patterns::RELATIONS {
        let (mut subject_first, mut object_first) = (0, 0);
        for (text, triples) in bodies() {
            for triple in triples.split("; ").map(|triple| triple.split(' ').collect::<Vec<_>>()) {
                if triple.get(1) != Some(relation) {
                    continue;
                }
                // The person of a predicate comes before it and has no slot in it.
                let at = |slot: &str| {
                    let slots = [format!("{{{slot}}}"), format!("{{{slot}:")];
                    slots.iter().filter_map(|slot| text.find(slot)).min().map_or(0, |at| at + 1)
                };
                if at(triple[0]) < at(triple[2]) { subject_first += 1 } else { object_first += 1 }
            }
        }
        assert!(subject_first >= 3 && object_first >= 2, "{relation}: {subject_first}, {object_first}");
    }
}

#[test]
fn the_parts_are_disjoint_and_the_test_part_has_new_entities() {
    let [train, dev, test] = generate::corpus(generate::SEED);
    let texts: BTreeSet<&str> = [&train, &dev, &test].into_iter().flatten().map(|s| s.text.as_str()).collect();
    assert_eq!(texts.len(), train.len() + dev.len() + test.len(), "a text stands twice");
    let known = entities(&train);
    for part in [&dev, &test] {
        let all = entities(part);
        let unseen = all.difference(&known).count() as f64 / all.len() as f64;
        assert!((0.2..0.8).contains(&unseen), "{unseen}");
    }
}

#[test]
fn the_training_part_has_the_difficulties_of_the_data_card() {
    let [train, ..] = generate::corpus(generate::SEED);
    let share = |holds: fn(&Sentence) -> bool| {
        train.iter().filter(|sentence| holds(sentence)).count() as f64 / train.len() as f64
    };
    let triples: usize = train.iter().map(|sentence| sentence.triples.len()).sum();
    assert!((1.5..2.0).contains(&(triples as f64 / train.len() as f64)), "triples a sentence");
    let words: usize = train.iter().map(|sentence| sentence.text.split(' ').count()).sum();
    assert!((15.0..20.0).contains(&(words as f64 / train.len() as f64)), "words a sentence");
    assert!((0.12..0.18).contains(&share(|s| s.triples.is_empty())), "sentences without a triple");
    // One pair of entities in two relations.
    let pair_overlap = share(|s| {
        let pairs: BTreeSet<_> = s.triples.iter().map(|t| (&t.subject, &t.object)).collect();
        pairs.len() < s.triples.len()
    });
    assert!(pair_overlap > 0.03, "{pair_overlap}");
    // One entity in several triples.
    let entity_overlap = share(|s| {
        let all: BTreeSet<_> = s.triples.iter().flat_map(|triple| triple.mentions()).collect();
        all.len() < 2 * s.triples.len()
    });
    assert!(entity_overlap > 0.3, "{entity_overlap}");
    let same_relation = share(|s| {
        let relations: BTreeSet<_> = s.triples.iter().map(|t| &t.relation).collect();
        relations.len() < s.triples.len()
    });
    assert!(same_relation > 0.05, "{same_relation}");
    // An entity of a triple occurs in the text again, often within another name.
    let twice = share(|s| s.triples.iter().any(|t| s.text.matches(&t.object.text).count() > 1));
    assert!(twice > 0.01, "{twice}");
    for mark in ["é", "ü", "Ł", "'", "-", "陈", "👩\u{200d}🚀"] {
        assert!(train.iter().any(|sentence| sentence.text.contains(mark)), "{mark}");
    }
}
