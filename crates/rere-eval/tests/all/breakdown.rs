//! Breakdowns: examples by hand, and properties of all.

use proptest::prelude::*;
use rere_core::{Sentence, Triple};
use rere_eval::{
    Breakdown, Counts, Exact, LENGTHS, MacroScore, Match, Partial, SeenEntities, by_length, by_overlap,
    by_seen_entities, by_seen_pairs, by_triples, count_all, count_by_relation, pair_sentences,
};

use crate::corpora::corpus;

fn with(text: &str, triples: &[[&str; 3]]) -> Sentence {
    let triples = triples.iter().map(|&[s, r, o]| Triple::of(s, r, o));
    Sentence::new(text).with_triples(triples)
}

/// The label, and true positives, predicted and gold triples, of each part that is not empty.
fn filled(breakdown: &Breakdown) -> Vec<(&str, [usize; 3])> {
    let parts = breakdown.iter().filter(|(_, counts)| *counts != Counts::default());
    parts.map(|(label, counts)| (label.as_str(), [counts.true_positives, counts.predicted, counts.gold])).collect()
}

fn labels(breakdown: &Breakdown) -> Vec<&str> {
    breakdown.iter().map(|(label, _)| label.as_str()).collect()
}

#[test]
fn by_the_number_of_gold_triples() {
    let none = with("", &[]);
    // Two distinct triples and a repeated one.
    let two = with("", &[["a", "r", "b"], ["c", "r", "d"], ["a", "r", " b"]]);
    let six = with("", &["a", "b", "c", "d", "e", "f"].map(|object| ["x", "r", object]));
    let predicted = with("", &[["a", "r", "b"], ["x", "r", "a"]]);
    let parts = by_triples(&[(&none, &predicted), (&two, &predicted), (&six, &predicted), (&two, &none)], &Exact);
    assert_eq!(labels(&parts), ["0", "1", "2", "3", "4", "5+"]);
    assert_eq!(filled(&parts), [("0", [0, 2, 0]), ("2", [1, 2, 4]), ("5+", [1, 2, 6])]);
}

#[test]
fn by_how_triples_share_entities() {
    let labels_of = |triples: &[[&str; 3]]| {
        let gold = with("", triples);
        let parts = by_overlap(&[(&gold, &gold)], &Exact);
        filled(&parts).into_iter().map(|(label, _)| label.to_owned()).collect::<Vec<_>>()
    };
    let (pair, single) = ("entity-pair-overlap", "single-entity-overlap");
    assert_eq!(labels_of(&[["a", "r", "b"]]), ["normal"]);
    assert_eq!(labels_of(&[["a", "r", "b"], ["c", "r", "d"]]), ["normal"]);
    assert_eq!(labels_of(&[["a", "r", "b"], ["a ", "r", "b"]]), ["normal"]);
    assert_eq!(labels_of(&[["a", "r", "b"], ["a", "q", "b"]]), [pair]);
    assert_eq!(labels_of(&[["a", "r", "b"], ["b", "r", "a"]]), [pair]);
    assert_eq!(labels_of(&[["a", "r", "b"], ["c", "r", "a"]]), [single]);
    assert_eq!(labels_of(&[["a", "r", "b"], ["a", "q", "b"], ["b", "r", "c"]]), [pair, single]);
    assert_eq!(labels_of(&[["a", "r", "a"]]), ["normal"]);
    assert_eq!(labels_of(&[["a", "r", "a"], ["a", "r", "b"]]), [single]);

    // The gold side decides. Predictions for a sentence without a gold triple count too.
    let (gold, none) = (with("", &[["a", "r", "b"]]), with("", &[]));
    let predicted = with("", &[["a", "r", "b"], ["a", "q", "b"]]);
    let parts = by_overlap(&[(&gold, &predicted), (&none, &predicted)], &Exact);
    assert_eq!(filled(&parts), [("none", [0, 2, 0]), ("normal", [1, 2, 1])]);
}

#[test]
fn by_the_length_of_the_sentence() {
    let triple = &[["a", "r", "b"]];
    // Lengths in characters, not bytes: 0, 2, 3 and 5.
    let sentences = [with("", triple), with("北京", triple), with("aé ", triple), with("a b c", triple)];
    let pairs: Vec<_> = sentences.iter().map(|sentence| (sentence, sentence)).collect();
    let parts = by_length(&pairs, &Exact, [5, 3, 3, 0]);
    assert_eq!(labels(&parts), ["0-2", "3-4", "5+"]);
    assert_eq!(filled(&parts), [("0-2", [2, 2, 2]), ("3-4", [1, 1, 1]), ("5+", [1, 1, 1])]);
    assert_eq!(labels(&by_length(&pairs, &Exact, LENGTHS)).len(), 6);
    assert_eq!(filled(&by_length(&pairs, &Exact, [])), [("0+", [4, 4, 4])]);
    assert_eq!(labels(&by_length(&pairs, &Exact, [usize::MAX, 1]))[0], "0-0");
}

#[test]
fn by_what_training_has_seen() {
    let train = [with("", &[["a", "r", "b"], [" c", "s", "d"]]), with("", &[])];
    let seen = SeenEntities::of(&train);
    let gold = with("", &[["a", "r", "b"], ["b", "q", "a"], ["a", "r", "c"], ["a", "r", "x"], ["x", "r", "y"]]);
    let predicted = with("", &[["a", "r", "b "], ["a", "s", "c"], ["y", "r", "c"], ["x", "r", "y"], ["y", "r", "x"]]);
    let pairs = [(&gold, &predicted)];
    let parts = by_seen_entities(&pairs, &Exact, &seen);
    assert_eq!(filled(&parts), [("both-seen", [1, 2, 3]), ("one-seen", [0, 1, 1]), ("neither-seen", [1, 2, 1])]);
    let parts = by_seen_pairs(&pairs, &Exact, &seen);
    // The pair of a and b is seen in both directions, that of a and c is not.
    assert_eq!(filled(&parts), [("pair-seen", [1, 1, 2]), ("pair-unseen", [1, 4, 3])]);
    let nothing = SeenEntities::default();
    assert_eq!(filled(&by_seen_entities(&pairs, &Exact, &nothing)), [("neither-seen", [2, 5, 5])]);
}

#[test]
fn a_true_positive_is_in_the_part_of_its_gold_triple() {
    let train = [with("", &[["New York", "in", "US"]])];
    let gold = with("", &[["New York", "in", "US"]]);
    // Its own strings are not seen, but it equals the gold triple under the matcher.
    let predicted = with("", &[["New Jersey", "in", "US of A"]]);
    let parts = by_seen_entities(&[(&gold, &predicted)], &Partial, &SeenEntities::of(&train));
    assert_eq!(filled(&parts), [("both-seen", [1, 1, 1])]);
    let parts = by_seen_pairs(&[(&predicted, &gold)], &Partial, &SeenEntities::of(&train));
    assert_eq!(filled(&parts), [("pair-unseen", [1, 1, 1])]);
}

#[test]
fn surrounding_white_space_is_ignored() {
    let train = [with("", &[[" a", "r", "b "]])];
    let seen = SeenEntities::of(&train);
    for triple in [Triple::of("a", "r", "b"), Triple::of("a ", "r", " b"), Triple::of(" b", "r", "a ")] {
        assert!(seen.has_entity(&triple.subject) && seen.has_entity(&triple.object), "{triple:?}");
        assert!(seen.has_pair(&triple), "{triple:?}");
    }
}

#[test]
fn of_equal_triples_the_one_with_most_known_entities_decides() {
    let train = [with("", &[["New York", "in", "US"]])];
    let seen = SeenEntities::of(&train);
    let none = with("", &[]);
    let mut equal = [["New Jersey", "in", "US of A"], ["New York", "in", "US"], ["New Haven", "in", "US"]];
    for _ in 0..equal.len() {
        equal.rotate_left(1);
        let gold = with("", &equal);
        let parts = by_seen_entities(&[(&gold, &none)], &Partial, &seen);
        assert_eq!(filled(&parts), [("both-seen", [0, 0, 1])]);
        // The same holds if they are predicted and not gold.
        let parts = by_seen_pairs(&[(&none, &gold)], &Partial, &seen);
        assert_eq!(filled(&parts), [("pair-seen", [0, 1, 0])]);
        // A gold triple decides even if a prediction has more known entities.
        let less = with("", &[["New Haven", "in", "US"], ["New Jersey", "in", "US of A"]]);
        let parts = by_seen_entities(&[(&less, &gold)], &Partial, &seen);
        assert_eq!(filled(&parts), [("one-seen", [1, 1, 1])]);
    }
}

#[test]
fn the_mean_over_relations() {
    let gold = with("", &[["a", "r", "b"], ["a", "r", "c"], ["a", "s", "b"]]);
    let predicted = with("", &[["a", "r", "b"], ["a", "s", "b"], ["a", "s", "c"], ["a", "q", "c"]]);
    let mean = MacroScore::of(count_by_relation(&[(&gold, &predicted)], &Exact).into_values());
    // Precision and recall: r 1/1 and 1/2; s 1/2 and 1/1; q has no gold triple.
    assert_eq!((mean.parts, mean.precision, mean.recall), (2, 0.75, 0.75));
    assert!((mean.f1 - 2.0 / 3.0).abs() < 1e-12);
    assert_eq!(MacroScore::of([Counts { predicted: 1, ..Counts::default() }]), MacroScore::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn parts_sum_to_the_corpus((gold, predicted) in corpus(), (train, _) in corpus(), boundaries: Vec<u8>) {
        let pairs = pair_sentences(&gold, &predicted).expect("the same sentences");
        let seen = SeenEntities::of(&train);
        for matcher in Match::ALL {
            let corpus_counts = count_all(&pairs, &matcher);
            let sum = |breakdown: Breakdown| breakdown.into_iter().map(|(_, counts)| counts).sum::<Counts>();
            prop_assert_eq!(sum(by_triples(&pairs, &matcher)), corpus_counts);
            let by_length = by_length(&pairs, &matcher, boundaries.iter().map(|&boundary| boundary.into()));
            prop_assert_eq!(sum(by_length), corpus_counts);
            prop_assert_eq!(sum(by_seen_entities(&pairs, &matcher, &seen)), corpus_counts);
            prop_assert_eq!(sum(by_seen_pairs(&pairs, &matcher, &seen)), corpus_counts);
            prop_assert_eq!(count_by_relation(&pairs, &matcher).into_values().sum::<Counts>(), corpus_counts);
            // Only sentences with both kinds of overlap are in two parts.
            let overlaps = by_overlap(&pairs, &matcher);
            let counts = |label| overlaps.iter().find(|part| part.0 == label).expect("a part").1;
            let [none, normal] = ["none", "normal"].map(counts);
            let [pair, single] = ["entity-pair-overlap", "single-entity-overlap"].map(counts);
            prop_assert_eq!(none.gold, 0);
            prop_assert!((none + normal + pair + single).gold >= corpus_counts.gold);
            prop_assert!((none + normal).gold + pair.gold.max(single.gold) <= corpus_counts.gold);
        }
    }

    #[test]
    fn order_does_not_matter_to_parts((gold, predicted) in corpus(), (train, _) in corpus(), by in 0usize..6) {
        let turned = |sentences: &[Sentence]| {
            let mut turned = sentences.to_vec();
            turned.iter_mut().for_each(|sentence| sentence.triples.reverse());
            turned.rotate_left(by.min(sentences.len()));
            turned
        };
        let (turned_gold, turned_predicted) = (turned(&gold), turned(&predicted));
        let (mut train, seen_in_order) = (train.clone(), SeenEntities::of(&train));
        train.reverse();
        let seen = SeenEntities::of(&train);
        let pairs = pair_sentences(&gold, &predicted).expect("the same sentences");
        let turned = pair_sentences(&turned_gold, &turned_predicted).expect("the same sentences");
        for matcher in Match::ALL {
            prop_assert_eq!(by_triples(&pairs, &matcher), by_triples(&turned, &matcher));
            prop_assert_eq!(by_overlap(&pairs, &matcher), by_overlap(&turned, &matcher));
            prop_assert_eq!(by_length(&pairs, &matcher, LENGTHS), by_length(&turned, &matcher, LENGTHS));
            let by_seen =
                |pairs, seen| [by_seen_entities(pairs, &matcher, seen), by_seen_pairs(pairs, &matcher, seen)];
            prop_assert_eq!(by_seen(&pairs, &seen_in_order), by_seen(&turned, &seen));
            prop_assert_eq!(count_by_relation(&pairs, &matcher), count_by_relation(&turned, &matcher));
        }
    }

    #[test]
    fn against_itself_each_part_is_perfect((gold, _) in corpus(), (train, _) in corpus()) {
        let pairs = pair_sentences(&gold, &gold).expect("the same sentences");
        let seen = SeenEntities::of(&train);
        for matcher in Match::ALL {
            let parts = [by_triples(&pairs, &matcher), by_overlap(&pairs, &matcher)];
            let seen = [by_seen_entities(&pairs, &matcher, &seen), by_seen_pairs(&pairs, &matcher, &seen)];
            for (label, Counts { true_positives, predicted, gold }) in parts.into_iter().chain(seen).flatten() {
                prop_assert_eq!((true_positives, predicted), (gold, gold), "{} {}", matcher, label);
            }
        }
    }
}
