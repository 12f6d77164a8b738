//! Losses for relation extraction with missing labels, on [burn](https://docs.rs/burn) tensors.
//!
//! Distant supervision gives *positive and unlabelled* data: labelled triples are (mostly) true, and unlabelled ones
//! are false or missing. A loss that treats everything unlabelled as negative punishes a model for correct predictions.
//! Use this crate for any model with one logit per label, whatever its architecture. [`Groups`] says which labels
//! belong together.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use rere_loss::{Cpu, Groups, Loss};
//!
//! let device = Device::flex().autodiff();
//! // Two sentences, four relations each. The second sentence has relation 2.
//! let logits = Tensor::<2>::from_floats([[0.1, -2.0, -1.0, 0.3], [-1.5, 0.2, 0.4, -3.0]], &device).require_grad();
//! let targets = Tensor::<2>::from_floats([[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]], &device);
//!
//! let groups = Groups::new(&[1], logits.clone(), targets); // axis 1: the relations of a sentence are one group
//! let loss = Cpu::from_targets(&groups, 0.4, 0.04)?; // tau: 40 % of the true labels are missing; gamma: the authors' value
//! let gradients = loss.forward(&groups).mean().backward();
//! assert!(logits.grad(&gradients).is_some());
//! # Ok::<(), rere_loss::LossError>(())
//! ```
//!
//! # Which loss
//! | loss | assumption about unlabelled elements | use when |
//! |---|---|---|
//! | [`Bce`] | negative | labels are complete; or as a baseline, with thresholds chosen on a development set |
//! | [`Focal`], [`Asymmetric`] | negative, and mostly easy | there are many labels and few positives; missing labels hurt them more than BCE |
//! | [`Dice`] | negative | there are few positives, and F1 is the measure |
//! | [`Cpu`] | a share `mu` of each *group* is positive | groups are small and similar: a sentence's relations, a pointer's tokens |
//! | [`Upu`], [`NnPu`] | a share of *all* elements, the class prior, is positive; which of them are labelled is random | groups are large: a class over a whole batch |
//! | [`SsrPu`] | as `NnPu`, for each class, with the labelled positives removed from the sample | there are many classes, each with its own prior |
//!
//! # Pitfalls
//! - **Too large a mu or prior** teaches the model to give everything some probability. Estimate it ([`prior`]); if in
//!   doubt, take the lower end of the interval.
//! - **Groups without positives** have no positive term. [`Cpu`] can deal with that. The risks of [`Upu`], [`NnPu`] and
//!   [`SsrPu`] are then badly estimated: choose axes that give each group some positives.
//! - **Probabilities.** `s(logit)`, with the sigmoid `s`, is the probability of a label only if the labels are complete
//!   and the loss is BCE. With any other loss, choose the threshold on a development set.
//! - **Labels that are not missing at random** (a knowledge base knows famous entities) violate the assumption of
//!   `NnPu`, `SsrPu` and the estimators in [`prior`].
//!
//! All losses take logits, are finite for every logit between -1e4 and 1e4, and ignore masked labels completely. For
//! logits in f16 and bf16 they compute in f32.
//!
//! # Settings
//! [`LossSettings`] are a loss as it is written in a configuration file: a table with the name of the loss, its
//! parameters, the kind of group, and the source of the class prior. They are serde types, so any format works.
//!
//! ```
//! use rere_loss::{LabelCounts, LossSettings, PerClass};
//!
//! let settings: LossSettings =
//!     toml::from_str(r#"name = "nnpu"
//!                       group = "label"
//!                       prior = { counted = { tau = 0.5 } }"#)?;
//! settings.check()?;
//! // 1,000 sentences; 40 have the first label, 8 the second. tau: half of the true labels are missing.
//! let counts = LabelCounts { labels: vec![1000, 1000], positives: vec![40, 8] };
//! assert_eq!(settings.settle_prior(&counts, None)?, Some(PerClass::Each(vec![0.06, 0.012])));
//! let loss = settings.build(&counts, None)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod asymmetric;
mod bce;
mod class;
mod cpu;
mod dice;
mod error;
mod focal;
mod groups;
mod loss;
mod probability;
mod reference;
mod risk;
mod settings;

/// The tensor library, in the version that the losses use. For training, enable its feature `optim`, which includes
/// `autodiff`, in your own `Cargo.toml`.
pub use burn;
/// Estimators of the class prior from positive and unlabelled items: the crate `rere-prior`.
pub use rere_prior as prior;

pub use asymmetric::Asymmetric;
pub use bce::Bce;
pub use class::PerClass;
pub use cpu::{Cpu, CpuVariant, DEFAULT_GAMMA};
pub use dice::Dice;
pub use error::LossError;
pub use focal::Focal;
pub use groups::Groups;
pub use loss::{GroupLosses, Loss};
pub use reference::Reference;
pub use risk::{NnPu, Sampling, SsrPu, Surrogate, Upu};
pub use settings::{GroupBy, LabelCounts, LossKind, LossSettings, PriorSettings};

/// Computes the class prior pi of labels: the share of them that is positive (Table 2 of the RERE paper).
///
/// ```
/// assert_eq!(rere_loss::class_prior(200, 3)?, 0.015);
/// # Ok::<(), rere_loss::LossError>(())
/// ```
///
/// # Errors
/// Returns an error if no label or every label is positive.
pub fn class_prior(labels: usize, positives: usize) -> Result<f64, LossError> {
    if positives == 0 || positives >= labels {
        return Err(LossError::NoPrior { labels, positives });
    }
    Ok(positives as f64 / labels as f64)
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_types_are_send_and_sync() {
        fn check<T: Send + Sync>() {}
        check::<(Bce, Focal, Asymmetric, Dice, Cpu, Upu, NnPu, SsrPu)>();
        check::<(Groups, GroupLosses, PerClass, LossSettings, LabelCounts, LossError)>();
    }
}
