//! The best threshold, by hand and against trying each score.

use proptest::prelude::*;
use rere_core::Probability;
use rere_eval::{Counts, Score, best_threshold, counts_at};

#[test]
fn ties_go_to_the_higher_threshold() {
    // At 0.9: 1 of 1 correct, F1 2/3. At 0.5: 2 of 4 correct, F1 4/6.
    let scored = [(0.9, true), (0.6, false), (0.5, true), (0.5, false)];
    let (threshold, score) = best_threshold(scored, 2).expect("scored");
    assert_eq!(threshold, Probability::new(0.9).expect("a probability"));
    assert_eq!(score, Score::from_counts(Counts { true_positives: 1, predicted: 1, gold: 2 }));
}

#[test]
fn equal_scores_stay_together() {
    let (threshold, score) = best_threshold([(0.5, false), (0.5, true), (0.5, false)], 1).expect("scored");
    assert_eq!((threshold.get(), score.counts), (0.5, Counts { true_positives: 1, predicted: 3, gold: 1 }));
}

#[test]
fn without_true_positives_the_fewest_are_kept() {
    let (threshold, score) = best_threshold([(0.5, false), (0.75, false)], 0).expect("scored");
    assert_eq!((threshold.get(), score.f1), (0.75, 0.0));
    assert_eq!(best_threshold([], 3), None);
}

#[test]
fn scores_that_are_no_probabilities() {
    let scored = [(f32::NAN, false), (7.0, true), (f32::INFINITY, true), (-1.0, false), (f32::NEG_INFINITY, true)];
    let (threshold, score) = best_threshold(scored, 2).expect("scored");
    assert_eq!((threshold.get(), score.counts.true_positives, score.counts.predicted), (1.0, 2, 2));
    let (threshold, score) = best_threshold([(f32::NAN, true), (-0.0, true)], 2).expect("scored");
    assert_eq!((threshold.get(), score.f1), (0.0, 1.0));
}

/// A score that is often one of a few, so that many are equal; some are over 1.
fn any_score() -> impl Strategy<Value = f32> {
    prop_oneof![(0u8..=10).prop_map(|eighths| f32::from(eighths) / 8.0), 0.0..1.0f32]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn as_trying_each_score(
        scored in prop::collection::vec((any_score(), any::<bool>()), 0..30),
        missed in 0usize..5,
    ) {
        let gold = scored.iter().filter(|(_, correct)| *correct).count() + missed;
        let mut best: Option<(f32, Score)> = None;
        for &(threshold, _) in &scored {
            let threshold = threshold.min(1.0);
            let kept: Vec<_> = scored.iter().filter(|(score, _)| *score >= threshold).collect();
            let true_positives = kept.iter().filter(|(_, correct)| *correct).count();
            let score = Score::from_counts(Counts { true_positives, predicted: kept.len(), gold });
            let better = |best: &(f32, Score)| score.f1 > best.1.f1 || (score.f1 == best.1.f1 && threshold > best.0);
            if best.as_ref().is_none_or(better) {
                best = Some((threshold, score));
            }
        }
        let found = best_threshold(scored.clone(), gold);
        if let Some((threshold, score)) = found {
            prop_assert_eq!(counts_at(&scored, gold, threshold), score.counts);
        }
        prop_assert_eq!(found.map(|(threshold, score)| (threshold.get(), score)), best);
    }
}
