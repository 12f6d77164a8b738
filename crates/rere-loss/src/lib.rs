//! Losses for relation extraction where many true labels are missing, on [burn](https://docs.rs/burn) tensors.
//!
//! Labels made by matching a knowledge base are *positive and unlabelled*: what is labelled is (mostly) true, what is
//! not labelled is a mixture of false and of missing. A loss that calls all of the rest negative punishes a model
//! for being right. Use this crate for any model that gives one logit per label, whatever its paradigm: which labels
//! belong together, [`Groups`] says.
//!
//! # Which loss
//! | loss | assumes of what is not labelled | use when |
//! |---|---|---|
//! | [`Bce`] | it is negative | labels are complete; or as baseline, with thresholds chosen on a development set |
//! | [`Focal`], [`Asymmetric`] | it is negative, and mostly easy | there are many labels and few positives; missing labels hurt them more than BCE |
//! | [`Dice`] | it is negative | few positives, and F1 is what counts |
//! | [`Cpu`] | a share `mu` of each *group* is positive | groups are small and alike: a sentence's relations, a pointer's tokens |
//! | [`Upu`], [`NnPu`] | a share of *all* is positive, the class prior; which were labelled is chance | groups are large: a class over a whole batch |
//! | [`SsrPu`] | as `NnPu`, for each class, with labels taken out of the sample | many classes with a prior each |
//!
//! # Traps
//! - **mu or a prior too large** teaches the model to call everything a little positive. Estimate it ([`prior`]), and
//!   when in doubt take the lower end of its interval.
//! - **Groups without positives** have no positive term. [`Cpu`] does without; the risks of [`NnPu`] and its kin are then
//!   badly estimated: name axes that give each group some positives.
//! - **Probabilities.** Only with complete labels is `s(logit)` the probability of a label. With the others choose the
//!   threshold on development data.
//! - **Labels that are not missing at random** (a knowledge base knows famous entities) break the assumption of `NnPu`,
//!   `SsrPu` and of the estimators in [`prior`].
//!
//! All losses work from logits, are finite for every logit up to 1e4 in size, and ignore masked labels wholly. Logits in
//! f16 and bf16 are computed with in f32.
//!
//! # Example
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use rere_loss::{Cpu, Groups, Loss};
//!
//! let device = Device::flex().autodiff();
//! // Two sentences, four relations each; the second sentence has the relation 2.
//! let logits = Tensor::<2>::from_floats([[0.1, -2.0, -1.0, 0.3], [-1.5, 0.2, 0.4, -3.0]], &device).require_grad();
//! let targets = Tensor::<2>::from_floats([[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]], &device);
//!
//! let groups = Groups::new(&[1], logits.clone(), targets); // a group: the relations of a sentence
//! let loss = Cpu::from_targets(&groups, 0.4, 0.04)?; // 40 % of the true labels are missing
//! let gradients = loss.forward(&groups).mean().backward();
//! assert!(logits.grad(&gradients).is_some());
//! # Ok::<(), rere_loss::LossError>(())
//! ```
//!
//! # Settings
//! [`LossSettings`] are the settings of a loss as a program's configuration has them: a table with the name of the loss,
//! its parameters, what a group is, and where the class prior comes from. They are serde types, so that any format will
//! do.
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

/// The tensor library, in the version that the losses are made for: a crate that depends on this one needs no other.
pub use burn;
/// Class priors from positive and unlabelled items: the crate `rere-prior`.
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

/// The class prior pi of a task's labels: the share of them that are positive (Table 2 of the RERE paper).
///
/// # Errors
/// Where no label, or every label, is positive.
pub fn class_prior(labels: usize, positives: usize) -> Result<f64, LossError> {
    if positives == 0 || positives >= labels {
        return Err(LossError::NoPrior { labels, positives });
    }
    Ok(positives as f64 / labels as f64)
}
