//! Missing labels, checked against the counts of other functions.

use proptest::prelude::*;
use rere_core::{Sentence, Triple};
use rere_eval::{Counts, Match, MissingCounts, TripleMatcher, count_by_relation, missing_labels};

use crate::corpora::{corpus, triples};

fn sum(by_relation: impl IntoIterator<Item = MissingCounts>) -> MissingCounts {
    by_relation.into_iter().fold(MissingCounts::default(), |a, b| a + b)
}

#[test]
fn nothing_is_zero() {
    let none = MissingCounts::default();
    assert_eq!((none.precision(), none.corrected_precision(), none.false_negative_rate()), (0.0, 0.0, 0.0));
    assert_eq!(missing_labels([], &Match::Exact).0, none);
}

#[test]
fn two_relations_by_hand() {
    let with = |triples: &[[&str; 3]]| {
        let triples = triples.iter().map(|&[s, r, o]| Triple::of(s, r, o));
        Sentence::new("").with_triples(triples)
    };
    let gold = with(&[["a", "r", "b"]]);
    let predicted = with(&[["a", "r", "b"], ["a", "s", "b"], ["b", "s", "a"]]);
    let full = with(&[["a", "r", "b"], ["a", "s", "b"], ["a", "s", "c"]]);
    let (all, _) = missing_labels([[&gold, &predicted, &full]], &Match::Exact);
    assert_eq!(all, MissingCounts { true_positives: 1, missing: 1, predicted: 3, gold: 1, either: 3 });
    assert_eq!(
        (all.precision(), all.corrected_precision(), all.false_negative_rate()),
        (1.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0)
    );
}

proptest! {
    #[test]
    fn as_the_other_counts((gold, predicted) in corpus(), full in prop::collection::vec(triples(), 6)) {
        let full: Vec<Sentence> =
            full.into_iter().map(|triples| Sentence::new("").with_triples(triples)).take(gold.len()).collect();
        // Not the matcher that counts repeats: missing labels count each triple once.
        for matcher in Match::ALL.into_iter().filter(|matcher| !matcher.counts_repeats()) {
            let sides = || {
                let pairs = gold.iter().zip(&predicted);
                pairs.zip(&full).map(|((gold, predicted), full)| [gold, predicted, full])
            };
            let (all, by_relation) = missing_labels(sides(), &matcher);
            prop_assert_eq!(sum(by_relation.values().copied()), all);
            let pairs: Vec<_> = gold.iter().zip(&predicted).collect();
            for (relation, counts) in count_by_relation(&pairs, &matcher) {
                let own = by_relation[relation];
                let MissingCounts { true_positives, predicted, gold, .. } = own;
                prop_assert_eq!(Counts { true_positives, predicted, gold }, counts);
            }
            // With both labellings merged into one gold side, the true positives are the same.
            let either: Vec<Sentence> = gold
                .iter()
                .zip(&full)
                .map(|(gold, full)| {
                    let triples: Vec<Triple> = gold.triples.iter().chain(&full.triples).cloned().collect();
                    gold.clone().with_triples(triples)
                })
                .collect();
            let pairs: Vec<_> = either.iter().zip(&predicted).collect();
            let counts: Counts = count_by_relation(&pairs, &matcher).into_values().sum();
            prop_assert_eq!((counts.true_positives, counts.gold), (all.true_positives + all.missing, all.either));
            prop_assert!(all.precision() <= all.corrected_precision() && all.false_negative_rate() <= 1.0);
            // If the more complete labelling is the gold one, nothing is missing.
            let same = gold.iter().zip(&predicted).map(|(gold, predicted)| [gold, predicted, gold]);
            let (all, _) = missing_labels(same, &matcher);
            prop_assert_eq!((all.missing, all.false_negative_rate()), (0, 0.0));
        }
    }
}
