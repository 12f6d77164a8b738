//! Samples: items with scores or features, some of them labelled.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rand::{Rng, RngExt};

use crate::PriorError;

/// A positive-unlabelled sample: items with a score or features in `[0, 1]`, some of them labelled as positive.
///
/// A score is a single feature. The sample is *one training set*; the [crate page](crate) explains how to use it for
/// two sets that were drawn separately.
///
/// ```
/// use rere_prior::{PriorError, Sample};
///
/// let sample = Sample::from_scores(&[0.9, 0.8, 0.2, 0.1], &[true, false, false, false])?;
/// assert_eq!(sample.share_labelled(), 0.25);
/// assert_eq!(sample.prior_of_alpha(1.0 / 3.0), 0.5);
/// assert_eq!(sample.label_frequency_of_prior(0.5), 0.5);
///
/// let error = Sample::from_scores(&[0.9, 1.8], &[true, false]).expect_err("1.8 is not in [0, 1]");
/// assert_eq!(error, PriorError::OutOfRange { item: 1, feature: 0, value: 1.8 });
/// # Ok::<(), PriorError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    features: Array2<f64>,
    labelled: Vec<bool>,
    positives: usize,
}

impl Sample {
    /// Creates a sample from one score in `[0, 1]` for each item, higher for items that look more like labelled ones.
    ///
    /// The scores must come from a model that was not trained on the same items (cross-validation or held-out data). A
    /// model that has memorised its items separates labelled from unlabelled ones better than positives from negatives.
    ///
    /// # Errors
    /// Returns the errors of [`Sample::from_features`].
    pub fn from_scores(scores: &[f64], labelled: &[bool]) -> Result<Self, PriorError> {
        Self::from_features(ArrayView1::from(scores).insert_axis(Axis(1)).to_owned(), labelled)
    }

    /// Creates a sample from features `[items, features]` in `[0, 1]`.
    ///
    /// # Errors
    /// Returns an error if the lengths differ, there are no features, a value is not a number in `[0, 1]`, no item is
    /// labelled, or no item is unlabelled.
    pub fn from_features(features: Array2<f64>, labelled: &[bool]) -> Result<Self, PriorError> {
        if features.nrows() != labelled.len() {
            return Err(PriorError::LengthsDiffer { items: features.nrows(), labels: labelled.len() });
        }
        if features.ncols() == 0 {
            return Err(PriorError::NoFeature);
        }
        if let Some(((item, feature), &value)) = features.indexed_iter().find(|(_, x)| !(0.0..=1.0).contains(*x)) {
            return Err(PriorError::OutOfRange { item, feature, value });
        }
        let positives = labelled.iter().filter(|&&is| is).count();
        if positives == 0 {
            return Err(PriorError::NoLabelled { items: labelled.len() });
        }
        if positives == labelled.len() {
            return Err(PriorError::NoUnlabelled { items: labelled.len() });
        }
        Ok(Self { features, labelled: labelled.to_vec(), positives })
    }

    /// Returns the number of items.
    pub fn items(&self) -> usize {
        self.labelled.len()
    }

    /// Returns the number of labelled items.
    pub fn labelled_items(&self) -> usize {
        self.positives
    }

    /// Returns the features, `[items, features]`.
    pub fn features(&self) -> ArrayView2<'_, f64> {
        self.features.view()
    }

    /// Returns for each item whether it is labelled.
    pub fn labelled(&self) -> &[bool] {
        &self.labelled
    }

    /// Returns the share L of labelled items, strictly between 0 and 1. It is the smallest possible class prior.
    pub fn share_labelled(&self) -> f64 {
        self.positives as f64 / self.items() as f64
    }

    /// Returns the class prior for a share `alpha` of positives among the unlabelled items: `L + (1 - L) alpha`, at
    /// most 1.
    pub fn prior_of_alpha(&self, alpha: f64) -> f64 {
        let share = self.share_labelled();
        (share + (1.0 - share) * alpha).min(1.0)
    }

    /// Returns the share alpha of positives among the unlabelled items for a class prior: `(pi - L) / (1 - L)`.
    ///
    /// If the unlabelled items are a sample of the population by themselves (case-control), alpha is the class prior of
    /// the population.
    pub fn alpha_of_prior(&self, prior: f64) -> f64 {
        let share = self.share_labelled();
        (prior - share) / (1.0 - share)
    }

    /// Returns the label frequency c, the share of the positives that are labelled, for a class prior: `L / pi`.
    pub fn label_frequency_of_prior(&self, prior: f64) -> f64 {
        self.share_labelled() / prior
    }

    /// Returns the scores of the labelled and of the unlabelled items, both in ascending order.
    pub(crate) fn scores(&self) -> Result<Scores, PriorError> {
        if self.features.ncols() != 1 {
            return Err(PriorError::NotOneScore { features: self.features.ncols() });
        }
        let (mut labelled, mut unlabelled) = (Vec::new(), Vec::new());
        for (&score, &is_labelled) in self.features.iter().zip(&self.labelled) {
            if is_labelled { labelled.push(score) } else { unlabelled.push(score) }
        }
        labelled.sort_unstable_by(f64::total_cmp);
        unlabelled.sort_unstable_by(f64::total_cmp);
        Ok(Scores { labelled, unlabelled })
    }

    /// Draws as many items with replacement, again if no labelled or no unlabelled item was drawn.
    pub(crate) fn resample(&self, rng: &mut impl Rng) -> Self {
        loop {
            let drawn: Vec<usize> = (0..self.items()).map(|_| rng.random_range(0..self.items())).collect();
            let labelled: Vec<bool> = drawn.iter().map(|&item| self.labelled[item]).collect();
            let positives = labelled.iter().filter(|&&is| is).count();
            if positives > 0 && positives < labelled.len() {
                return Self { features: self.features.select(Axis(0), &drawn), labelled, positives };
            }
        }
    }
}

/// Scores of a sample, both in ascending order and not empty.
pub(crate) struct Scores {
    pub(crate) labelled: Vec<f64>,
    pub(crate) unlabelled: Vec<f64>,
}

/// Counts the sorted `scores` that are at or above a threshold.
pub(crate) fn at_or_above(scores: &[f64], threshold: f64) -> usize {
    scores.len() - scores.partition_point(|&score| score < threshold)
}
