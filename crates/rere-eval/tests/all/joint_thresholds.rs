//! Two thresholds at once, against trying each pair.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rere_core::Probability;
use rere_eval::{
    Counts, JointScoredPredictions, JointThresholds, Score, best_joint_relation_thresholds, best_joint_thresholds,
};

fn items(most: usize) -> impl Strategy<Value = JointScoredPredictions> {
    let score = || (0u8..=6).prop_map(|sixths| f32::from(sixths) / 6.0);
    (prop::collection::vec((score(), score(), any::<bool>()), 0..most), 0usize..4).prop_map(|(items, missed)| {
        let gold = items.iter().filter(|item| item.2).count() + missed;
        JointScoredPredictions { items, gold }
    })
}

fn kept(scored: &JointScoredPredictions, thresholds: Option<JointThresholds>) -> Counts {
    let is_kept = |relation: f32, triple: f32| {
        thresholds.is_some_and(|thresholds| relation >= thresholds.relation.get() && triple >= thresholds.triple.get())
    };
    let kept = scored.items.iter().filter(|item| is_kept(item.0, item.1));
    let counts: Counts = kept.map(|item| Counts { true_positives: item.2.into(), predicted: 1, gold: 0 }).sum();
    Counts { gold: scored.gold, ..counts }
}

/// The counts for each pair of scores, and for keeping nothing.
fn all(scored: &JointScoredPredictions) -> Vec<Counts> {
    let pairs = scored.items.iter().flat_map(|first| scored.items.iter().map(|second| (first.0, second.1)));
    let pairs = pairs.map(|(relation, triple)| {
        let [relation, triple] = [relation, triple].map(Probability::saturating);
        Some(JointThresholds { relation, triple })
    });
    pairs.chain([None]).map(|thresholds| kept(scored, thresholds)).collect()
}

/// The highest F1, and the lowest number of kept triples with it.
fn best(counts: impl IntoIterator<Item = Counts>) -> (f64, usize) {
    let scores = counts.into_iter().map(Score::from_counts);
    scores.fold((0.0, usize::MAX), |best, score| {
        let better = score.f1 > best.0 || (score.f1 == best.0 && score.counts.predicted < best.1);
        if better { (score.f1, score.counts.predicted) } else { best }
    })
}

#[test]
fn nothing_to_choose() {
    assert_eq!(best_joint_thresholds(&JointScoredPredictions::default()), (None, Score::default()));
    let wrong = JointScoredPredictions { items: vec![(0.9, 0.9, false)], gold: 3 };
    let (thresholds, score) = best_joint_thresholds(&wrong);
    assert_eq!((thresholds, score.counts), (None, Counts { true_positives: 0, predicted: 0, gold: 3 }));
    assert_eq!(best_joint_relation_thresholds(&BTreeMap::new()), (BTreeMap::new(), Score::default()));
    // Numbers that are no probabilities become the nearest ones.
    let odd = JointScoredPredictions { items: vec![(f32::NAN, 7.0, true)], gold: 1 };
    assert_eq!(best_joint_thresholds(&odd).1.f1, 1.0);
}

/// Of equal F1 the fewest triples are kept, although the threshold for the relation is lower.
#[test]
fn ties_go_to_the_fewest() {
    let wrong_first = [false, false, false, true, true];
    for triples in [[0.5; 5], [0.5, 0.4, 0.3, 0.2, 0.1]] {
        // 2 of these 5 are correct, or 1 of 1 below: F1 4/8 or 2/4. Together 3 of 10 are: F1 6/13.
        let mut items: Vec<_> =
            triples.into_iter().zip(wrong_first).map(|(triple, correct)| (0.9, triple, correct)).collect();
        items.extend([(0.5, 0.9, true), (0.5, 0.7, false), (0.5, 0.7, false), (0.5, 0.7, false), (0.5, 0.7, false)]);
        let (thresholds, score) = best_joint_thresholds(&JointScoredPredictions { items, gold: 3 });
        assert_eq!(score.counts, Counts { true_positives: 1, predicted: 1, gold: 3 });
        let thresholds = thresholds.expect("something is kept");
        assert_eq!((thresholds.relation.get(), thresholds.triple.get()), (0.5, 0.9));
    }
}

/// Of thresholds that keep the same triples, the highest are returned: the lowest scores of what is kept.
#[test]
fn thresholds_are_scores_of_what_is_kept() {
    let items = vec![(0.9, 0.8, true), (0.7, 0.2, false), (0.3, 0.1, false)];
    let thresholds = best_joint_thresholds(&JointScoredPredictions { items, gold: 1 }).0.expect("something is kept");
    assert_eq!((thresholds.relation.get(), thresholds.triple.get()), (0.9, 0.8));
}

proptest! {
    #[test]
    fn none_is_better(scored in items(14)) {
        let (thresholds, score) = best_joint_thresholds(&scored);
        prop_assert_eq!(kept(&scored, thresholds), score.counts);
        prop_assert_eq!((score.f1, score.counts.predicted), best(all(&scored)));
    }

    #[test]
    fn none_is_better_for_three_relations(scored in prop::collection::vec(items(5), 3)) {
        let by_relation: BTreeMap<_, _> = ["a", "b", "c"].into_iter().zip(scored.iter().cloned()).collect();
        let (thresholds, score) = best_joint_relation_thresholds(&by_relation);
        let sum: Counts = by_relation.iter().map(|(relation, scored)| kept(scored, thresholds[relation])).sum();
        prop_assert_eq!(sum, score.counts);
        let [a, b, c] = [0, 1, 2].map(|at| all(&scored[at]));
        let pairs = a.iter().flat_map(|a| b.iter().map(move |b| *a + *b));
        let every = pairs.flat_map(|pair| c.iter().map(move |c| pair + *c));
        prop_assert_eq!((score.f1, score.counts.predicted), best(every));
    }
}
