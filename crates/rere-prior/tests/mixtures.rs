//! Tests of the estimators on mixtures with a known class prior.
//!
//! Each test uses 10 draws of 5,000 items. The bounds are those in the documentation of each estimator.

mod synthetic;

use rere_prior::{BestBin, Bootstrap, Dedpul, ElkanNoto, LabelledShare, PriorError, PriorEstimator, Sample, Tice};
use synthetic::{Draw, Mixture, draw};

const SEPARATED: Mixture = Mixture::Gaussians { distance: 3.0 };
const OVERLAPPING: Mixture = Mixture::Gaussians { distance: 1.5 };
const PRIORS: [f64; 4] = [0.01, 0.05, 0.2, 0.5];
const FREQUENCIES: [f64; 3] = [0.3, 0.5, 0.7];

/// Calls `check` with the class prior, the label frequency and an estimator's errors over the draws.
fn check_errors(
    mixture: Mixture,
    priors: &[f64],
    value: impl Fn(&Draw) -> Result<f64, PriorError>,
    check: impl Fn(f64, f64, &[f64]),
) -> Result<(), PriorError> {
    for &pi in priors {
        for c in FREQUENCIES {
            let errors = (201..211).map(|seed| Ok(value(&draw(mixture, 5000, pi, c, seed))? - pi));
            check(pi, c, &errors.collect::<Result<Vec<f64>, PriorError>>()?);
        }
    }
    Ok(())
}

fn mean(errors: &[f64]) -> f64 {
    errors.iter().sum::<f64>() / errors.len() as f64
}

#[test]
fn best_bin_and_dedpul_are_close_if_classes_are_separated() -> Result<(), PriorError> {
    for mixture in [SEPARATED, Mixture::Betas] {
        for estimator in [&BestBin as &dyn PriorEstimator, &Dedpul] {
            check_errors(
                mixture,
                &PRIORS,
                |draw| estimator.value(&draw.scored),
                |pi, c, errors| {
                    assert!(mean(errors).abs() < 0.05, "{mixture:?}, pi {pi}, c {c}: {errors:.3?}");
                },
            )?;
        }
    }
    Ok(())
}

#[test]
fn best_bin_is_within_a_tenth_if_classes_overlap_and_positives_are_common() -> Result<(), PriorError> {
    for mixture in [OVERLAPPING, Mixture::Exact { distance: 1.5 }] {
        check_errors(
            mixture,
            &[0.2, 0.5],
            |draw| BestBin.value(&draw.scored),
            |pi, c, errors| {
                assert!(mean(errors).abs() < 0.1, "{mixture:?}, pi {pi}, c {c}: {errors:.3?}");
            },
        )?;
    }
    Ok(())
}

#[test]
fn best_bin_is_too_high_if_classes_overlap_and_positives_are_rare() -> Result<(), PriorError> {
    check_errors(
        OVERLAPPING,
        &[0.01, 0.05],
        |draw| BestBin.value(&draw.scored),
        |pi, c, errors| {
            assert!(errors.iter().all(|error| *error > -0.05), "pi {pi}, c {c}: {errors:.3?}");
            assert!((0.0..0.2).contains(&mean(errors)), "pi {pi}, c {c}: {errors:.3?}");
        },
    )
}

#[test]
fn dedpul_is_too_high_if_classes_overlap() -> Result<(), PriorError> {
    check_errors(
        OVERLAPPING,
        &PRIORS,
        |draw| Dedpul.value(&draw.scored),
        |pi, c, errors| {
            assert!((0.0..0.2).contains(&mean(errors)), "pi {pi}, c {c}: {errors:.3?}");
        },
    )
}

#[test]
fn the_largest_of_exact_probabilities_gives_the_prior() -> Result<(), PriorError> {
    check_errors(
        Mixture::Exact { distance: 1.5 },
        &PRIORS,
        |draw| ElkanNoto::Max.value(&draw.scored),
        |pi, c, errors| {
            assert!(errors.iter().all(|error| error.abs() < 0.05), "pi {pi}, c {c}: {errors:.3?}");
        },
    )
}

#[test]
fn the_mean_probability_is_too_high_if_classes_overlap() -> Result<(), PriorError> {
    let value = |draw: &Draw| ElkanNoto::Mean.value(&draw.scored);
    check_errors(SEPARATED, &PRIORS, value, |pi, c, errors| {
        assert!((0.0..0.15).contains(&mean(errors)), "pi {pi}, c {c}: {errors:.3?}");
    })?;
    check_errors(OVERLAPPING, &PRIORS, value, |pi, c, errors| {
        assert!(mean(errors) > 0.1, "pi {pi}, c {c}: {errors:.3?}");
    })
}

#[test]
fn tice_is_too_high() -> Result<(), PriorError> {
    for (mixture, most) in [(SEPARATED, 0.2), (OVERLAPPING, 1.0), (Mixture::Betas, 0.2)] {
        check_errors(
            mixture,
            &PRIORS,
            |draw| Tice::new(0).value(&draw.featured),
            |pi, c, errors| {
                assert!((0.0..most).contains(&mean(errors)), "{mixture:?}, pi {pi}, c {c}: {errors:.3?}");
            },
        )?;
    }
    Ok(())
}

#[test]
fn the_labelled_share_is_a_lower_bound_that_tau_corrects() -> Result<(), PriorError> {
    // L = c pi, tau = 1 - c: the paper's formula gives c (2 - c) pi.
    for c in FREQUENCIES {
        let draw = draw(SEPARATED, 5000, 0.5, c, 201);
        assert!((LabelledShare::default().value(&draw.scored)? - 0.5 * c).abs() < 0.03);
        assert!((LabelledShare::new(1.0 - c)?.value(&draw.scored)? - 0.5 * c * (2.0 - c)).abs() < 0.05);
    }
    Ok(())
}

#[test]
fn alpha_is_the_class_prior_in_the_case_control_scheme() -> Result<(), PriorError> {
    // About 1,000 labelled positives, collected separately, and 4,000 items of a population with class prior 0.2.
    let scores = |draw: &Draw, labelled: Option<bool>| -> Vec<f64> {
        let items = draw.scored.features().column(0).to_vec().into_iter().zip(draw.scored.labelled().to_vec());
        items.filter(|item| labelled.is_none_or(|wanted| wanted == item.1)).map(|item| item.0).collect()
    };
    for estimator in [&BestBin as &dyn PriorEstimator, &Dedpul] {
        let errors = (0..10).map(|seed| {
            let positives = scores(&draw(Mixture::Betas, 5000, 0.4, 0.5, 300 + seed), Some(true));
            let unlabelled = scores(&draw(Mixture::Betas, 4000, 0.2, 0.1, 400 + seed), None);
            let labels = [vec![true; positives.len()], vec![false; unlabelled.len()]].concat();
            let sample = Sample::from_scores(&[positives, unlabelled].concat(), &labels)?;
            Ok(sample.alpha_of_prior(estimator.value(&sample)?) - 0.2)
        });
        let errors = errors.collect::<Result<Vec<f64>, PriorError>>()?;
        assert!(mean(&errors).abs() < 0.05, "{errors:.3?}");
    }
    Ok(())
}

#[test]
fn the_interval_depends_only_on_the_seed() -> Result<(), PriorError> {
    let sample = draw(SEPARATED, 1000, 0.2, 0.5, 1).scored;
    let interval = |seed| BestBin.estimate(&sample, Bootstrap::new(40, seed)?);
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let one = pool(1).map(|pool| pool.install(|| interval(5)));
    let two = pool(2).map(|pool| pool.install(|| interval(5)));
    let (one, two) = (one.expect("a thread"), two.expect("two threads"));
    assert_eq!(one, two);
    assert_ne!(one?, interval(6)?);
    Ok(())
}
