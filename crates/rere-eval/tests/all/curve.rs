//! Curves: examples by hand, and properties of all.

use proptest::prelude::*;
use rere_core::{Probability, Sentence, Triple};
use rere_eval::{
    Begin, Calibration, Counts, EvalError, Exact, Match, ScoredPredictions, average_precision, best_threshold,
    calibration, check_scores, count_all, count_by_relation, counts_at, pair_sentences, precision_recall_curve, scored,
    scored_by_relation,
};

use crate::corpora::{TEXT, triple};

#[test]
fn a_curve_by_hand() {
    let curve = precision_recall_curve([(0.5, true), (0.75, false), (2.0, true), (0.5, false), (f32::NAN, true)], 6);
    let points: Vec<_> = curve.iter().map(|point| (point.threshold.get(), point.score.counts)).collect();
    let counts = |true_positives, predicted| Counts { true_positives, predicted, gold: 6 };
    assert_eq!(points, [(1.0, counts(1, 1)), (0.75, counts(1, 2)), (0.5, counts(2, 4)), (0.0, counts(3, 5))]);
    // Recall rises by a sixth at precisions 1, 2/4 and 3/5.
    assert!((average_precision(&curve) - (1.0 + 0.5 + 0.6) / 6.0).abs() < 1e-12);
}

#[test]
fn without_items_there_are_no_points() {
    assert_eq!(precision_recall_curve([], 3), []);
    assert_eq!(average_precision(&[]), 0.0);
    assert_eq!(calibration([], 10), Calibration::default());
    assert_eq!(average_precision(&precision_recall_curve([(0.5, false)], 0)), 0.0);
}

#[test]
fn bins_by_hand() {
    let found = calibration([(0.5, true), (0.0, false), (1.0, true), (0.75, false), (0.25, true)], 4);
    let bins: Vec<_> = found.bins.iter().map(|b| (b.low, b.high, b.count, b.mean_score, b.precision)).collect();
    #[rustfmt::skip]
    assert_eq!(bins, [
        // 0 and 0.25 are in the same bin.
        (0.0, 0.25, 2, 0.125, 0.5),
        (0.25, 0.5, 1, 0.5, 1.0),
        (0.5, 0.75, 1, 0.75, 0.0),
        (0.75, 1.0, 1, 1.0, 1.0),
    ]);
    assert!((found.expected_error - (2.0 * 0.375 + 0.5 + 0.75) / 5.0).abs() < 1e-12);
    assert_eq!(calibration([(0.5, true), (0.25, true)], 0), calibration([(0.5, true), (0.25, true)], 1));
    assert_eq!(calibration([(0.5, true)], usize::MAX).bins.len(), 1);
}

fn with_score(triple: Triple, score: f32) -> Triple {
    triple.with_score(Probability::saturating(score))
}

#[test]
fn equal_triples_are_one_item() {
    let gold = [Sentence::new("a").with_triples(vec![Triple::of("a b", "r", "c"), Triple::of("d", "s", "c")])];
    let triples = vec![
        with_score(Triple::of("a", "r", "c"), 0.5),
        with_score(Triple::of("a b", "r", "c"), 0.25),
        with_score(Triple::of("a", "r", "c e"), 0.75),
        with_score(Triple::of("c", "r", "a"), 0.125),
    ];
    let predicted = [Sentence::new("a").with_triples(triples)];
    let pairs = pair_sentences(&gold, &predicted).expect("the same sentences");
    let partial = scored(&pairs, &Match::Partial).expect("scores");
    assert_eq!(partial, ScoredPredictions { items: vec![(0.75, true), (0.125, false)], gold: 2 });
    let exact = scored(&pairs, &Exact).expect("scores");
    assert_eq!(
        exact,
        ScoredPredictions { items: vec![(0.75, false), (0.5, false), (0.25, true), (0.125, false)], gold: 2 }
    );
    let by_relation = scored_by_relation(&pairs, &Exact).expect("scores");
    assert_eq!(by_relation["s"], ScoredPredictions { items: vec![], gold: 1 });
}

#[test]
fn a_repeated_triple_is_an_item_each_time() {
    // Gold three times and predicted four times: none is left for the lowest score.
    let repeated = || triple([0, 3], "r", [6, 9]);
    let gold = Sentence::new(TEXT).with_triples(vec![repeated(), repeated(), repeated()]);
    let scores = [0.25, 1.0, 0.5, 0.75];
    let triples = scores.map(|score| with_score(repeated(), score)).to_vec();
    let predicted = Sentence::new(TEXT).with_triples(triples);
    let found = scored(&[(&gold, &predicted)], &Begin).expect("scores");
    assert_eq!(
        found,
        ScoredPredictions { items: vec![(1.0, true), (0.75, true), (0.5, true), (0.25, false)], gold: 3 }
    );
}

#[test]
fn a_triple_without_a_score_is_an_error() {
    let with = |triple| [Sentence::new("a").with_triples(vec![triple]).with_id("x")];
    let (gold, predicted) = (with(Triple::of("a", "r", "c")), with(Triple::of("a", "s", "c")));
    let pairs = pair_sentences(&gold, &predicted).expect("the same sentences");
    let error = scored(&pairs, &Exact).expect_err("no score");
    assert_eq!(scored_by_relation(&pairs, &Exact).expect_err("likewise"), error);
    assert_eq!(error, EvalError::NoScore { position: 1, id: Some("x".to_owned()), relation: "s".to_owned() });
}

#[test]
fn scores_are_checked() {
    let scored = Sentence::new("a").with_triples(vec![with_score(Triple::of("a", "r", "c"), 0.0)]);
    let mut sentences = [scored.clone(), Sentence::new("a"), scored];
    assert_eq!(check_scores((1..).zip(&sentences)), Ok(()));
    sentences[2].triples.push(Triple::of("a", "s", "c"));
    sentences[2].id = Some("x".to_owned());
    let error = EvalError::NoScore { position: 3, id: Some("x".to_owned()), relation: "s".to_owned() };
    assert_eq!(check_scores((1..).zip(&sentences)), Err(error));
}

/// A score that is often one of a few, so that many are equal.
fn score() -> impl Strategy<Value = f32> {
    prop_oneof![(0u8..=8).prop_map(|eighths| f32::from(eighths) / 8.0), 0.0..=1.0f32]
}

fn items() -> impl Strategy<Value = Vec<(f32, bool)>> {
    prop::collection::vec((score(), any::<bool>()), 0..40)
}

fn sentence() -> impl Strategy<Value = (Vec<Triple>, Vec<Triple>)> {
    let triple = || {
        let surface = || prop::sample::select(vec!["a", "a b", "b", "c a"]);
        let triple = (surface(), prop::sample::select(vec!["r", "s"]), surface(), score());
        triple.prop_map(|(subject, relation, object, score)| with_score(Triple::of(subject, relation, object), score))
    };
    (prop::collection::vec(triple(), 0..6), prop::collection::vec(triple(), 0..6))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn points_have_the_counts_at_their_thresholds(items in items(), missed in 0usize..5) {
        let gold = items.iter().filter(|(_, correct)| *correct).count() + missed;
        let curve = precision_recall_curve(items.clone(), gold);
        for point in &curve {
            prop_assert_eq!(counts_at(&items, gold, point.threshold), point.score.counts);
        }
        prop_assert!(curve.is_sorted_by(|a, b| a.threshold > b.threshold && a.score.recall <= b.score.recall));
        let highest = curve.iter().map(|point| point.score.f1).fold(0.0, f64::max);
        let best = best_threshold(items.clone(), gold).map(|(threshold, score)| (threshold, score.f1));
        let first = curve.iter().find(|point| point.score.f1 == highest).map(|point| (point.threshold, highest));
        prop_assert_eq!(best, first);
        let average = average_precision(&curve);
        let last = curve.last().map_or(0.0, |point| point.score.recall);
        prop_assert!(0.0 <= average && average <= last + 1e-12, "{} of {}", average, last);
    }

    #[test]
    fn order_does_not_matter(items in items().prop_shuffle(), gold in 40usize..50, bins in 0usize..12) {
        let turned: Vec<_> = items.iter().rev().copied().collect();
        prop_assert_eq!(precision_recall_curve(items.clone(), gold), precision_recall_curve(turned.clone(), gold));
        prop_assert_eq!(calibration(items, bins), calibration(turned, bins));
    }

    #[test]
    fn bins_hold_every_item(items in items(), bins in 0usize..12) {
        let found = calibration(items.clone(), bins);
        prop_assert_eq!(found.bins.iter().map(|bin| bin.count).sum::<usize>(), items.len());
        prop_assert!(found.bins.iter().all(|bin| bin.low <= bin.mean_score && bin.mean_score <= bin.high));
        prop_assert!(found.bins.is_sorted_by(|a, b| a.high <= b.low));
        prop_assert!((0.0..=1.0).contains(&found.expected_error));
    }

    #[test]
    fn items_kept_count_as_triples_kept(sentences in prop::collection::vec(sentence(), 0..5), threshold in score()) {
        let threshold = Probability::saturating(threshold);
        let with = |triples: &Vec<Triple>| Sentence::new("a").with_triples(triples.clone());
        let gold: Vec<_> = sentences.iter().map(|(gold, _)| with(gold)).collect();
        let predicted: Vec<_> = sentences.iter().map(|(_, predicted)| with(predicted)).collect();
        let mut kept = predicted.clone();
        for sentence in &mut kept {
            sentence.triples.retain(|triple| triple.score >= Some(threshold));
        }
        let all = pair_sentences(&gold, &predicted).expect("the same sentences");
        let kept = pair_sentences(&gold, &kept).expect("the same sentences");
        for matcher in Match::ALL {
            let ScoredPredictions { items, gold } = scored(&all, &matcher).expect("scores");
            prop_assert_eq!(counts_at(&items, gold, threshold), count_all(&kept, &matcher), "{}", matcher);
            let by_relation = scored_by_relation(&all, &matcher).expect("scores");
            let counted = count_by_relation(&kept, &matcher);
            for (relation, ScoredPredictions { items, gold }) in by_relation {
                let expected = counted.get(relation).copied().unwrap_or_default();
                prop_assert_eq!(counts_at(&items, gold, threshold), expected, "{} {}", matcher, relation);
            }
        }
    }
}
