//! Losses for relation extraction where many true labels are missing, on [burn](https://docs.rs/burn) tensors.
//!
//! Labels made by matching a knowledge base are *positive and unlabelled*: what is labelled is (mostly) true, what is
//! not labelled is a mixture of false and of missing. A loss that calls all of the rest negative punishes a model
//! for being right. Use this crate for any model that gives one logit per label, whatever its paradigm: a group of
//! labels is a row, so a sentence's relations, one pointer's tokens, or an entity pair's relations are all the same.
//!
//! | loss | assumes | use when |
//! |---|---|---|
//! | [`Bce`] | the labels are complete | they are, or as the baseline |
//! | [`Cpu`] | a share `mu` of each group is positive in truth | labels are missing, and `mu` can be estimated |
//!
//! Both work from logits, are finite for every finite logit up to 1e4 in size, and ignore masked elements wholly:
//! neither value nor gradient depends on them.
//!
//! # Example
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use rere_loss::{Cpu, Loss, class_prior};
//!
//! let device = Device::flex().autodiff();
//! // Two sentences, four relations each; the second sentence has the relation 2.
//! let logits = Tensor::<2>::from_floats([[0.1, -2.0, -1.0, 0.3], [-1.5, 0.2, 0.4, -3.0]], &device).require_grad();
//! let targets = Tensor::<2>::from_floats([[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]], &device);
//! let mask = Tensor::<2>::ones([2, 4], &device).bool();
//!
//! let prior = class_prior(8, 1)?; // 1 of 8 labels is positive
//! let loss = Cpu::from_prior(prior)?;
//! let gradients = loss.forward(logits.clone(), targets, mask).backward();
//! assert!(logits.grad(&gradients).is_some());
//! # Ok::<(), rere_loss::LossError>(())
//! ```

mod bce;
mod cpu;

pub use bce::Bce;
pub use cpu::{Cpu, DEFAULT_GAMMA};

use burn::tensor::{Bool, Tensor};

/// A loss over groups of labels.
///
/// A row is one group, a column one label of it. In RERE a group of the relation classifier is a sentence's `|R|`
/// relations, and a group of the entity extractor is one pointer's `N` tokens of one sentence.
pub trait Loss {
    /// The loss of a batch, one number, to be minimised.
    ///
    /// # Shapes
    /// - `logits`: `[groups, labels]`
    /// - `targets`: `[groups, labels]`, 1 for a labelled positive, 0 for the rest
    /// - `mask`: `[groups, labels]`, true where an element counts
    /// - result: `[1]`; 0 where nothing counts
    ///
    /// # Panics
    /// Where the shapes differ.
    fn forward(&self, logits: Tensor<2>, targets: Tensor<2>, mask: Tensor<2, Bool>) -> Tensor<1>;
}

/// A setting of a loss that cannot be.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LossError {
    /// A number that has to lie strictly between 0 and 1 does not.
    #[error("{name} is {value}: it must lie strictly between 0 and 1")]
    NotInside {
        /// Name of the setting.
        name: &'static str,
        /// What was given.
        value: f64,
    },
    /// Labels that have no positive, or nothing but positives, have no usable class prior.
    #[error("{positives} of {labels} labels are positive: a class prior needs at least one positive and one other")]
    NoPrior {
        /// Number of labels.
        labels: usize,
        /// Number of positive ones.
        positives: usize,
    },
}

/// The class prior pi of a task: the share of its labels that are positive (Table 2 of the paper).
///
/// # Errors
/// Where no label, or every label, is positive.
pub fn class_prior(labels: usize, positives: usize) -> Result<f64, LossError> {
    if positives == 0 || positives >= labels {
        return Err(LossError::NoPrior { labels, positives });
    }
    Ok(positives as f64 / labels as f64)
}

fn inside(name: &'static str, value: f64) -> Result<f64, LossError> {
    if value > 0.0 && value < 1.0 { Ok(value) } else { Err(LossError::NotInside { name, value }) }
}

/// Panics as burn's own losses do, with both shapes.
fn check_shapes(logits: &Tensor<2>, targets: &Tensor<2>, mask: &Tensor<2, Bool>) {
    let (logits, targets, mask) = (logits.dims(), targets.dims(), mask.dims());
    assert!(
        logits == targets && logits == mask,
        "a loss needs logits, targets and mask of one shape, not {logits:?}, {targets:?} and {mask:?}",
    );
}
