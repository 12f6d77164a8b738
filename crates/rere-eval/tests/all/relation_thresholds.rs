//! One threshold for each relation, by hand and against trying each combination.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rere_core::Probability;
use rere_eval::{Counts, Score, ScoredPredictions, best_relation_thresholds, best_threshold, counts_at};

const RELATIONS: [&str; 4] = ["a", "b", "c", "d"];

fn by_relation(scored: &[ScoredPredictions]) -> BTreeMap<&'static str, ScoredPredictions> {
    RELATIONS.into_iter().zip(scored.iter().cloned()).collect()
}

#[test]
fn relations_depend_on_each_other() {
    // Alone, b is best if all is kept: F1 2/5 against 0. With a, it is best if nothing of b is: 20/21 against 22/25.
    let a = ScoredPredictions { items: vec![(0.5, true); 10], gold: 10 };
    let b = ScoredPredictions { items: vec![(0.5, true), (0.5, false), (0.5, false), (0.5, false)], gold: 1 };
    let alone = best_relation_thresholds(&by_relation(std::slice::from_ref(&b)));
    assert_eq!(alone.thresholds["a"].map(Probability::get), Some(0.5));
    let together = best_relation_thresholds(&by_relation(&[a, b]));
    assert_eq!(together.thresholds["a"].map(Probability::get), Some(0.5));
    assert_eq!(together.thresholds["b"], None);
    assert_eq!(together.score.counts, Counts { true_positives: 10, predicted: 10, gold: 11 });
}

#[test]
fn nothing_to_choose() {
    let none = best_relation_thresholds(&BTreeMap::new());
    assert_eq!((none.thresholds, none.score), (BTreeMap::new(), Score::default()));
    let wrong = ScoredPredictions { items: vec![(0.5, false)], gold: 0 };
    let found = best_relation_thresholds(&by_relation(&[wrong, ScoredPredictions::default()]));
    assert_eq!(found.thresholds, BTreeMap::from([("a", None), ("b", None)]));
    assert_eq!(found.score, Score::default());
}

fn items() -> impl Strategy<Value = ScoredPredictions> {
    let score = (0u8..=8).prop_map(|eighths| f32::from(eighths) / 8.0);
    (prop::collection::vec((score, any::<bool>()), 0..7), 0usize..4).prop_map(|(items, missed)| {
        let gold = items.iter().filter(|(_, correct)| *correct).count() + missed;
        ScoredPredictions { items, gold }
    })
}

/// The counts of a relation at a threshold.
fn kept(scored: &ScoredPredictions, threshold: Option<Probability>) -> Counts {
    match threshold {
        Some(threshold) => counts_at(&scored.items, scored.gold, threshold),
        None => Counts { gold: scored.gold, ..Counts::default() },
    }
}

/// The highest F1 of all combinations, and of these the one with the fewest triples.
fn best_of_all(scored: &[ScoredPredictions], before: Counts) -> Score {
    let Some((first, rest)) = scored.split_first() else { return before.into() };
    let thresholds = first.items.iter().map(|&(score, _)| Some(Probability::saturating(score)));
    let ends = thresholds.chain([None]).map(|threshold| best_of_all(rest, before + kept(first, threshold)));
    let better = |a: Score, b: Score| {
        if (b.f1, a.counts.predicted) > (a.f1, b.counts.predicted) { b } else { a }
    };
    ends.reduce(better).unwrap_or_default()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn as_trying_each_combination(scored in prop::collection::vec(items(), 0..=4)) {
        let found = best_relation_thresholds(&by_relation(&scored));
        let counts: Counts = scored.iter().zip(found.thresholds.values()).map(|(s, t)| kept(s, *t)).sum();
        prop_assert_eq!(found.score, Score::from_counts(counts));
        prop_assert_eq!(found.score, best_of_all(&scored, Counts::default()));
        let items = scored.iter().flat_map(|scored| scored.items.iter().copied());
        let one = best_threshold(items, counts.gold).map_or(0.0, |(_, score)| score.f1);
        prop_assert!(found.score.f1 >= one);
    }
}
