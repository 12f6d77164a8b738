//! Errors of every class-prior estimator of `rere-prior` on mixtures with known class priors.
//!
//! ```text
//! cargo run --release --example prior_table [-- coverage]
//! ```
//!
//! Prints the mean / worst error of the value over 20 draws of 5,000 items. With `coverage`, prints for c = 0.5 how often the
//! 95 % interval contains the true prior, and its mean width. docs/losses.md discusses the results.

#[path = "../crates/rere-prior/tests/synthetic/mod.rs"]
mod synthetic;

use rere_prior::{BestBin, Bootstrap, Dedpul, ElkanNoto, LabelledShare, PriorError, PriorEstimator, Sample, Tice};
use synthetic::{Draw, MIXTURES, draw};

const ITEMS: usize = 5000;

fn main() -> Result<(), PriorError> {
    let estimators: [(&str, Box<dyn PriorEstimator>); 7] = [
        ("L", Box::new(LabelledShare::default())),
        ("EN Mean", Box::new(ElkanNoto::Mean)),
        ("EN Max", Box::new(ElkanNoto::Max)),
        ("TIcE", Box::new(Tice::new(0))),
        ("DEDPUL", Box::new(Dedpul)),
        ("BBE (DKW)", Box::new(DkwBbe)),
        ("BestBin", Box::new(BestBin)),
    ];
    let coverage = std::env::args().nth(1).is_some_and(|mode| mode == "coverage");
    let head: String = estimators.iter().map(|(name, _)| format!("{name:>16}")).collect();
    for (name, mixture) in MIXTURES {
        println!("{name}\n{:>5}{:>5}{head}", "pi", "c");
        for pi in [0.01, 0.05, 0.2, 0.5] {
            for c in if coverage { vec![0.5] } else { vec![0.3, 0.5, 0.7] } {
                // Other seeds than 1 to 12 and 1001 to 1030, which were used while the estimators were written.
                let draws: Vec<Draw> = (101..121).map(|seed| draw(mixture, ITEMS, pi, c, seed)).collect();
                let mut line = format!("{pi:>5}{c:>5}");
                for (name, estimator) in &estimators {
                    let samples = draws.iter().map(|draw| if *name == "TIcE" { &draw.featured } else { &draw.scored });
                    if coverage {
                        let mut covered = 0;
                        let mut width = 0.0;
                        for sample in samples {
                            let prior = estimator.estimate(sample, Bootstrap::new(50, 1)?)?;
                            covered += usize::from((prior.low..=prior.high).contains(&pi));
                            width += (prior.high - prior.low) / draws.len() as f64;
                        }
                        line += &format!("{:>16}", format!("{covered}/{} {width:.3}", draws.len()));
                    } else {
                        let errors = samples.map(|sample| Ok(estimator.value(sample)? - pi));
                        let errors = errors.collect::<Result<Vec<f64>, PriorError>>()?;
                        let mean = errors.iter().sum::<f64>() / errors.len() as f64;
                        let worst = errors.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs()));
                        line += &format!("{:>16}", format!("{mean:+.3} / {:+.3}", worst.unwrap_or(f64::NAN)));
                    }
                }
                println!("{line}");
            }
        }
    }
    Ok(())
}

/// Best bin estimation with the DKW bound of its paper (delta = 0.1, gamma = 0.01), for comparison with [`BestBin`].
struct DkwBbe;

impl PriorEstimator for DkwBbe {
    fn value(&self, sample: &Sample) -> Result<f64, PriorError> {
        let features = sample.features();
        let scores = |of: bool| -> Vec<f64> {
            let items = features.column(0).into_iter().zip(sample.labelled());
            items.filter(|item| *item.1 == of).map(|item| *item.0).collect()
        };
        let (labelled, unlabelled) = (scores(true), scores(false));
        let share = |of: &[f64], at: f64| of.iter().filter(|&&score| score >= at).count() as f64 / of.len() as f64;
        let width = |n: usize| (40f64.ln() / (2.0 * n as f64)).sqrt();
        let slack = 1.01 * (width(labelled.len()) + width(unlabelled.len()));
        let bounds = labelled.iter().map(|&at| (share(&labelled, at), share(&unlabelled, at)));
        let best = bounds.min_by(|a, b| ((a.1 + slack) / a.0).total_cmp(&((b.1 + slack) / b.0)));
        Ok(sample.prior_of_alpha(best.map_or(1.0, |(q_p, q_u)| q_u / q_p)))
    }
}
