//! What an estimator looks at: items with features or a score, some of them labelled positive.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use rand::{Rng, RngExt};

use crate::PriorError;

/// A positive-unlabelled sample: items, each with features in `[0, 1]`, some of them labelled as positive.
///
/// A score is a sample with one feature. The sample is read as *one training set*; the [crate page](crate) says how
/// the same sample answers for two separately drawn sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    features: Array2<f64>,
    labelled: Vec<bool>,
    positives: usize,
}

impl Sample {
    /// A sample from one score in `[0, 1]` per item, higher where the item looks more like a labelled one.
    ///
    /// The scores must come from a model that was not trained on the very items (cross-validation or held-out data):
    /// a model that knows its items by heart separates labelled from unlabelled better than their truth does.
    ///
    /// # Errors
    /// As [`Sample::from_features`].
    pub fn from_scores(scores: &[f64], labelled: &[bool]) -> Result<Self, PriorError> {
        Self::from_features(ArrayView1::from(scores).insert_axis(Axis(1)).to_owned(), labelled)
    }

    /// A sample from features `[items, features]` in `[0, 1]`.
    ///
    /// # Errors
    /// Where the lengths differ, there is no feature, a value is not a number in `[0, 1]`, or no item is labelled, or
    /// no item is unlabelled.
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

    /// Number of items.
    pub fn items(&self) -> usize {
        self.labelled.len()
    }

    /// Number of labelled items.
    pub fn labelled_items(&self) -> usize {
        self.positives
    }

    /// The features, `[items, features]`.
    pub fn features(&self) -> ArrayView2<'_, f64> {
        self.features.view()
    }

    /// For each item whether it is labelled.
    pub fn labelled(&self) -> &[bool] {
        &self.labelled
    }

    /// Share of labelled items, strictly between 0 and 1: the smallest class prior that is possible.
    pub fn share_labelled(&self) -> f64 {
        self.positives as f64 / self.items() as f64
    }

    /// The class prior for a share `alpha` of positives among the unlabelled: `L + (1 - L) alpha`, at most 1.
    pub fn prior_of_alpha(&self, alpha: f64) -> f64 {
        let share = self.share_labelled();
        (share + (1.0 - share) * alpha).min(1.0)
    }

    /// The share of positives among the unlabelled for a class prior: `(pi - L) / (1 - L)`.
    ///
    /// Where the unlabelled items are a sample of the population by themselves (case-control), this is the class prior
    /// of the population.
    pub fn alpha_of_prior(&self, prior: f64) -> f64 {
        let share = self.share_labelled();
        (prior - share) / (1.0 - share)
    }

    /// The label frequency c, the share of the positives that are labelled, for a class prior: `L / pi`.
    pub fn label_frequency_of_prior(&self, prior: f64) -> f64 {
        self.share_labelled() / prior
    }

    /// The scores, sorted upwards: those of the labelled and those of the unlabelled items.
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

    /// As many items, drawn with replacement; drawn again where that left no labelled or no unlabelled item.
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

/// Scores of a sample, both sorted upwards and not empty.
pub(crate) struct Scores {
    pub(crate) labelled: Vec<f64>,
    pub(crate) unlabelled: Vec<f64>,
}

/// How many of the sorted `scores` are at or above a threshold.
pub(crate) fn at_or_above(scores: &[f64], threshold: f64) -> usize {
    scores.len() - scores.partition_point(|&score| score < threshold)
}
