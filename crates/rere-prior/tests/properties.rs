//! Properties of every estimate, and errors of invalid samples.

use ndarray::Array2;
use proptest::prelude::*;
use rere_prior::{BestBin, Bootstrap, Dedpul, ElkanNoto, LabelledShare, PriorError, PriorEstimator, Sample, Tice};

/// The estimators that do not depend on the order of the items.
const ORDERLESS: [&dyn PriorEstimator; 4] = [&BestBin, &Dedpul, &ElkanNoto::Mean, &ElkanNoto::Max];

/// Scores with ties and with the ends of the range, and labels of both kinds.
fn items() -> impl Strategy<Value = Vec<(f64, bool)>> {
    let score = prop_oneof![0.0..=1.0, Just(0.0), Just(1.0), Just(0.5)];
    let labels = |items: &Vec<(f64, bool)>| items.iter().any(|item| item.1) && items.iter().any(|item| !item.1);
    proptest::collection::vec((score, any::<bool>()), 2..120).prop_filter("one class only", labels)
}

fn sample(items: &[(f64, bool)]) -> Sample {
    let (scores, labelled): (Vec<f64>, Vec<bool>) = items.iter().copied().unzip();
    Sample::from_scores(&scores, &labelled).expect("a good sample")
}

proptest! {
    #[test]
    fn every_value_is_between_the_share_of_labels_and_1(items in items(), tau in 0.0..1.0) {
        let sample = sample(&items);
        let labels = LabelledShare::new(tau).expect("a good rate");
        for estimator in ORDERLESS.into_iter().chain([&Tice::new(3) as &dyn PriorEstimator, &labels]) {
            let value = estimator.value(&sample).expect("one score");
            prop_assert!((sample.share_labelled()..=1.0).contains(&value), "{}", value);
        }
    }

    #[test]
    fn the_order_of_items_does_not_matter((items, shuffled) in items().prop_flat_map(|items| {
        (Just(items.clone()), Just(items).prop_shuffle())
    })) {
        for estimator in ORDERLESS {
            let values = [&items, &shuffled].map(|items| estimator.value(&sample(items)).expect("one score"));
            prop_assert!((values[0] - values[1]).abs() < 1e-12, "{:?}", values);
        }
    }

    #[test]
    fn best_bin_depends_only_on_the_ranking(items in items()) {
        let halved: Vec<_> = items.iter().map(|(score, labelled)| (score / 2.0 + 0.25, *labelled)).collect();
        prop_assert_eq!(BestBin.value(&sample(&items)), BestBin.value(&sample(&halved)));
    }

    #[test]
    fn intervals_contain_their_value(items in items(), seed in any::<u64>()) {
        let sample = sample(&items);
        for estimator in ORDERLESS.into_iter().chain([&Tice::new(3) as &dyn PriorEstimator]) {
            let prior = estimator.estimate(&sample, Bootstrap::new(3, seed).expect("rounds")).expect("one score");
            prop_assert!(0.0 < prior.low && prior.low <= prior.value && prior.value <= prior.high && prior.high <= 1.0);
        }
    }

    #[test]
    fn prior_and_alpha_convert_both_ways(items in items(), alpha in 0.0..=1.0) {
        let sample = sample(&items);
        let prior = sample.prior_of_alpha(alpha);
        prop_assert!((sample.alpha_of_prior(prior) - alpha).abs() < 1e-9);
        prop_assert!((sample.label_frequency_of_prior(prior) * prior - sample.share_labelled()).abs() < 1e-12);
    }
}

#[test]
fn invalid_samples_are_errors_with_positions() {
    let check = |scores: &[f64], labelled: &[bool]| Sample::from_scores(scores, labelled).map(|_| ());
    assert_eq!(check(&[0.1, 0.2], &[true]), Err(PriorError::LengthsDiffer { items: 2, labels: 1 }));
    assert_eq!(check(&[], &[]), Err(PriorError::NoLabelled { items: 0 }));
    assert_eq!(check(&[0.1, 0.2], &[false; 2]), Err(PriorError::NoLabelled { items: 2 }));
    assert_eq!(check(&[0.1, 0.2], &[true; 2]), Err(PriorError::NoUnlabelled { items: 2 }));
    for bad in [f64::NAN, f64::INFINITY, -0.1, 1.1] {
        let error = check(&[0.1, bad], &[true, false]);
        assert!(matches!(error, Err(PriorError::OutOfRange { item: 1, feature: 0, .. })), "{bad}: {error:?}");
    }
    let features = Array2::from_shape_fn((2, 3), |(item, feature)| if item + feature == 3 { 2.0 } else { 0.5 });
    assert_eq!(
        Sample::from_features(features, &[true, false]),
        Err(PriorError::OutOfRange { item: 1, feature: 2, value: 2.0 })
    );
    assert_eq!(Sample::from_features(Array2::zeros((2, 0)), &[true, false]), Err(PriorError::NoFeature));
}

#[test]
fn several_features_are_not_a_score() -> Result<(), PriorError> {
    let sample = Sample::from_features(Array2::from_elem((4, 2), 0.5), &[true, false, false, false])?;
    for estimator in ORDERLESS {
        assert_eq!(estimator.value(&sample), Err(PriorError::NotOneScore { features: 2 }));
        assert_eq!(estimator.estimate(&sample, Bootstrap::new(2, 1)?), Err(PriorError::NotOneScore { features: 2 }));
    }
    assert_eq!(LabelledShare::default().value(&sample)?, 0.25);
    Ok(())
}

#[test]
fn the_smallest_sample_has_a_value() -> Result<(), PriorError> {
    let sample = Sample::from_scores(&[1.0, 0.0], &[true, false])?;
    for estimator in ORDERLESS.into_iter().chain([&Tice::new(1) as &dyn PriorEstimator]) {
        let prior = estimator.estimate(&sample, Bootstrap::new(5, 1)?)?;
        assert!(prior.value.is_finite() && prior.low >= 0.5);
    }
    Ok(())
}
