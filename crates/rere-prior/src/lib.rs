//! Class priors from positive and unlabelled items.
//!
//! Use this crate to estimate how many items are positive if only some of the positives are labelled. Labels made by
//! matching a knowledge base are incomplete: labelled items are positive, and unlabelled items are a mixture. A loss
//! such as cPU needs the number of positives. The estimators read which items are labelled, and a score or features of
//! each item. Items can be anything: sentences with relations, tokens, documents.
//!
//! # Example
//!
//! ```
//! use rere_prior::{BestBin, Bootstrap, PriorEstimator, Sample};
//!
//! // 1,000 items, of which 300 are positive. Positives have high scores, and every third one is labelled.
//! let score = |i| if i < 300 { 0.6 + 0.001 * i as f64 } else { 0.0005 * i as f64 };
//! let scores: Vec<f64> = (0..1000).map(score).collect();
//! let labelled: Vec<bool> = (0..1000).map(|i| i < 300 && i % 3 == 0).collect();
//!
//! let sample = Sample::from_scores(&scores, &labelled)?;
//! let prior = BestBin.estimate(&sample, Bootstrap::new(100, 7)?)?;
//! assert!((prior.value - 0.3).abs() < 0.02);
//! assert!(prior.low <= 0.3 && 0.3 <= prior.high);
//! assert!((sample.label_frequency_of_prior(prior.value) - 1.0 / 3.0).abs() < 0.03);
//! # Ok::<(), rere_prior::PriorError>(())
//! ```
//!
//! # Which estimator
//! | estimator | reads | use if |
//! |---|---|---|
//! | [`BestBin`] | the order of scores | **first choice**: you have scores of a trained model |
//! | [`Dedpul`] | scores | classes are well separated and pi is about 0.2 or more (steadier there); a second opinion |
//! | [`ElkanNoto`] | calibrated probabilities | the probabilities are known to be exact (`Max`) |
//! | [`Tice`] | features or a score | you have features and no classifier |
//! | [`LabelledShare`] | labels alone | the share of missing labels is known, or you need a lower bound |
//!
//! If positives are rare and look like negatives, all estimators that read scores return values that are far too high,
//! or just L. Then use a model that ranks better. Scores must be out of sample, see [`Sample::from_scores`].
//!
//! # Terms
//! - L: the share of labelled items among all items, which is known;
//! - pi, the *class prior*: the share of positives among all items;
//! - alpha: the share of positives among the *unlabelled* items;
//! - c, the *label frequency*: the share of labelled items among the positives.
//!
//! All estimators assume that each positive is labelled with the same probability c, regardless of its features
//! ("selected completely at random").
//!
//! # One training set or two
//! A [`Sample`] is one training set: labelled and unlabelled items were drawn together, then a share c of the positives
//! was labelled. This is the case in distant supervision, and the estimators return pi. In the *case-control* scheme
//! the unlabelled items are a sample of the population by themselves, and the labelled items were collected separately.
//! Put both in one `Sample`; the class prior of the population is then alpha. Each number gives the others:
//!
//! | | formula | function |
//! |---|---|---|
//! | pi from alpha | `L + (1 - L) alpha` | [`Sample::prior_of_alpha`] |
//! | alpha from pi | `(pi - L) / (1 - L)` | [`Sample::alpha_of_prior`] |
//! | c from pi | `L / pi` | [`Sample::label_frequency_of_prior`] |
//!
//! The `mu` of cPU, the share of positives that it expects among the unlabelled elements, is alpha.

use std::fmt;

mod best_bin;
mod bootstrap;
mod dedpul;
mod density;
mod elkan_noto;
mod labelled_share;
mod sample;
mod tice;

pub use ndarray;

pub use best_bin::BestBin;
pub use bootstrap::Bootstrap;
pub use dedpul::Dedpul;
pub use elkan_noto::ElkanNoto;
pub use labelled_share::LabelledShare;
pub use sample::Sample;
pub use tice::Tice;

/// A class prior with its 95 % interval, `low <= value <= high`.
///
/// ```
/// let prior = rere_prior::Prior::new(0.3, 0.25, 0.375);
/// assert_eq!(prior.to_string(), "0.3000 (95 % interval 0.2500 to 0.3750)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Prior {
    /// Estimate from the whole sample.
    pub value: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
}

impl Prior {
    /// Creates a class prior from its estimate and interval, widened if needed to contain the estimate.
    pub const fn new(value: f64, low: f64, high: f64) -> Self {
        Self { value, low: low.min(value), high: high.max(value) }
    }
}

impl fmt::Display for Prior {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.4} (95 % interval {:.4} to {:.4})", self.value, self.low, self.high)
    }
}

/// A way to estimate the class prior of a sample.
///
/// ```
/// use rere_prior::{PriorError, PriorEstimator, Sample};
///
/// /// Takes the share of scores of at least one half.
/// struct Half;
///
/// impl PriorEstimator for Half {
///     fn value(&self, sample: &Sample) -> Result<f64, PriorError> {
///         let positives = sample.features().column(0).iter().filter(|&&score| score >= 0.5).count();
///         Ok((positives as f64 / sample.items() as f64).max(sample.share_labelled()))
///     }
/// }
///
/// let sample = Sample::from_scores(&[0.9, 0.8, 0.2, 0.1], &[true, false, false, false])?;
/// assert_eq!(Half.value(&sample)?, 0.5);
/// # Ok::<(), PriorError>(())
/// ```
pub trait PriorEstimator: Sync {
    /// Estimates the class prior pi, the share of positives among all items. It is between L and 1.
    ///
    /// # Errors
    /// Returns an error if the estimator cannot use the sample's features.
    fn value(&self, sample: &Sample) -> Result<f64, PriorError>;

    /// Estimates the class prior with its 95 % interval.
    ///
    /// The interval is the percentile bootstrap over items, widened if needed to contain the value. It shows how far
    /// the value would move with other items. A bias of the estimator moves the interval too, so the interval does not
    /// always contain the true class prior: on 320 synthetic samples it did in 87 % for [`BestBin`] and in 55 % for
    /// [`Dedpul`].
    ///
    /// # Errors
    /// Returns the errors of [`PriorEstimator::value`].
    fn estimate(&self, sample: &Sample, bootstrap: Bootstrap) -> Result<Prior, PriorError> {
        let value = self.value(sample)?;
        let (low, high) = bootstrap.interval(sample, |resampled| self.value(resampled))?;
        Ok(Prior::new(value, low, high))
    }
}

/// A sample or setting that gives no class prior.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PriorError {
    /// The numbers of items and labels differ.
    #[error("expected one label for each of {items} items, found {labels} labels")]
    LengthsDiffer {
        /// Number of items.
        items: usize,
        /// Number of labels.
        labels: usize,
    },
    /// The items have no features.
    #[error("expected a score or features for each item, found none")]
    NoFeature,
    /// A score or feature is not a number from 0 to 1.
    #[error("item {item}, feature {feature}: expected a number from 0 to 1, found {value}; scale scores and features")]
    OutOfRange {
        /// Index of the item.
        item: usize,
        /// Index of the feature; 0 for a score.
        feature: usize,
        /// Value as it was given.
        value: f64,
    },
    /// No item is labelled.
    #[error("expected at least one labelled item, found none among {items} items")]
    NoLabelled {
        /// Number of items.
        items: usize,
    },
    /// All items are labelled.
    #[error("expected at least one unlabelled item, found none among {items} items")]
    NoUnlabelled {
        /// Number of items.
        items: usize,
    },
    /// An estimator that reads scores was given several features.
    #[error("this estimator expects one score for each item, found {features} features")]
    NotOneScore {
        /// Number of features.
        features: usize,
    },
    /// The false-negative rate is out of range.
    #[error("expected a false-negative rate of at least 0 and below 1, found {tau}")]
    FalseNegativeRate {
        /// Value as it was given.
        tau: f64,
    },
    /// The bootstrap has no rounds.
    #[error("expected at least one bootstrap round, found 0; 200 are enough for an interval")]
    NoRounds,
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

const _: () = {
    const fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<(Sample, Bootstrap, Prior, PriorError)>();
    is_send_and_sync::<(BestBin, Dedpul, ElkanNoto, LabelledShare, Tice)>();
};
