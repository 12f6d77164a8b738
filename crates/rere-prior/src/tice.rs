//! TIcE: a decision tree that searches for a region of positives.

use std::{cmp::Ordering, collections::BinaryHeap};

use ndarray::ArrayView2;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::{PriorError, PriorEstimator, Sample};

/// TIcE (Bekker and Davis 2018), the only estimator here that reads features and needs no classifier.
///
/// In a region of the feature space the share of labelled items is at most the label frequency c, and equal to c if all
/// items there are positive. If L of T items in a region are labelled, the one-sided Chebyshev inequality gives the
/// lower bound `L / T - sqrt(c (1 - c) (1 - delta) / (delta T))` of c. A tree built on a fifth of the items proposes
/// regions, the other four fifths give a bound in each region, and the largest bound is kept. c is the mean over the
/// five fifths, computed with c = 0.5 under the root, and then again with the resulting c. The class prior is the share
/// of labelled items divided by c.
///
/// These details are as in the paper and its code: every feature is split into quarters of `[0, 1]` and used once on a
/// path; the most promising node is split first, at most 500 of them; a split is rated by the largest `L / (T + 5)` of
/// its parts; regions under 10 items are not used; `delta = max(0.025, 1 / (1 + 0.004 T))`.
///
/// # Limits
/// - The lower bound of c is too low, so the class prior is too high: on average by 0.01 to 0.13 if classes are well
///   separated, and by 0.09 to 0.41 if they overlap.
/// - Features must be spread over `[0, 1]`, so scale them to their range. If all scores of a classifier are in the
///   lowest quarter, the value is 1.
/// - With less than a few dozen labelled items no region has a bound above the overall share, and the value may be 1.
/// - The fifths are drawn with the seed. Another seed or another order of the items changes the value by a few
///   hundredths.
///
/// # Example
/// ```
/// use rere_prior::ndarray::Array2;
/// use rere_prior::{PriorEstimator, Sample, Tice};
///
/// // The second half of the items is positive, and every other one of these is labelled.
/// let features = Array2::from_shape_fn((1000, 1), |(item, _)| if item < 500 { 0.1 } else { 0.9 });
/// let labelled: Vec<bool> = (0..1000).map(|item| item >= 500 && item % 2 == 0).collect();
/// let prior = Tice::new(1).value(&Sample::from_features(features, &labelled)?)?;
/// assert!(0.5 < prior && prior < 0.65);
/// # Ok::<(), rere_prior::PriorError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Tice {
    /// Seed for drawing the fifths.
    pub seed: u64,
}

impl Tice {
    /// Creates the estimator with a seed for drawing the fifths of the items.
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }
}

const FOLDS: usize = 5;
const PASSES: usize = 2;
const PARTS: usize = 4;
const MAX_SPLITS: usize = 500;
const FEWEST_ITEMS: usize = 10;
/// The k of the paper's biased estimate of the label probability, `L / (T + k)`.
const PRIOR_ITEMS: f64 = 5.0;

impl PriorEstimator for Tice {
    fn value(&self, sample: &Sample) -> Result<f64, PriorError> {
        let mut items: Vec<usize> = (0..sample.items()).collect();
        items.shuffle(&mut ChaCha8Rng::seed_from_u64(self.seed));
        let mut c = 0.5;
        for _ in 0..PASSES {
            let bounds = (0..FOLDS).map(|fold| {
                let in_fold = |&position: &usize| position % FOLDS == fold;
                let (build, bound): (Vec<_>, Vec<_>) = (0..items.len()).partition(in_fold);
                let pick = |positions: Vec<usize>| positions.into_iter().map(|position| items[position]).collect();
                Search::new(sample, bound.len(), c).largest_bound(pick(build), pick(bound))
            });
            c = bounds.sum::<f64>() / FOLDS as f64;
        }
        let share = sample.share_labelled();
        Ok((share / c).clamp(share, 1.0))
    }
}

/// The data of one tree, and the width of its bounds.
struct Search<'a> {
    features: ArrayView2<'a, f64>,
    labelled: &'a [bool],
    /// `c (1 - c) (1 - delta) / delta`.
    spread: f64,
}

/// A region: its items in the building fold and in the bounding folds, and the features not yet used on its path.
struct Region {
    build: Vec<usize>,
    bound: Vec<usize>,
    unused: Vec<usize>,
    /// Bound within the building fold, then the number of labelled items there.
    promise: (f64, usize),
}

impl<'a> Search<'a> {
    fn new(sample: &'a Sample, bounding: usize, c: f64) -> Self {
        let delta = (1.0 / (1.0 + 0.004 * bounding as f64)).max(0.025);
        let spread = c * (1.0 - c) * (1.0 - delta) / delta;
        Self { features: sample.features(), labelled: sample.labelled(), spread }
    }

    fn largest_bound(&self, build: Vec<usize>, bound: Vec<usize>) -> f64 {
        // The share of all items is at most c. This region was not selected, so its bound needs no margin.
        let mut best = if bound.len() < FEWEST_ITEMS { 0.0 } else { self.count(&bound) as f64 / bound.len() as f64 };
        let mut queue = BinaryHeap::new();
        queue.extend(self.region(build, bound, (0..self.features.ncols()).collect()));
        for _ in 0..MAX_SPLITS {
            let Some(region) = queue.pop() else { break };
            let Some(feature) = self.best_feature(&region) else { continue };
            let bounding = self.split(&region.bound, feature);
            if bounding.iter().filter(|part| !part.is_empty()).count() < 2 {
                continue;
            }
            for part in bounding.iter().filter(|part| part.len() >= FEWEST_ITEMS) {
                best = self.bound(part).max(best);
            }
            // With no more labelled items than this, no part of a region can have a bound above the best.
            let too_few = self.spread / (1.0 - best).powi(2);
            let unused: Vec<usize> = region.unused.into_iter().filter(|&other| other != feature).collect();
            for (build, bound) in self.split(&region.build, feature).into_iter().zip(bounding) {
                if build.len() > FEWEST_ITEMS && self.count(&bound) as f64 > too_few {
                    queue.extend(self.region(build, bound, unused.clone()));
                }
            }
        }
        best
    }

    /// Returns the region if it can be split: if it has labelled and unlabelled items of the building fold.
    fn region(&self, build: Vec<usize>, bound: Vec<usize>, unused: Vec<usize>) -> Option<Region> {
        let labelled = self.count(&build);
        let promise = (self.bound(&build), labelled);
        (labelled > 0 && labelled < build.len()).then_some(Region { build, bound, unused, promise })
    }

    /// Returns the unused feature whose best part has the highest share of labelled items.
    fn best_feature(&self, region: &Region) -> Option<usize> {
        let score = |feature: usize| {
            let parts = self.split(&region.build, feature);
            parts.iter().map(|part| self.count(part) as f64 / (part.len() as f64 + PRIOR_ITEMS)).fold(0.0, f64::max)
        };
        let scored = region.unused.iter().map(|&feature| (score(feature), feature));
        // Of equal features the first is kept.
        scored.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, feature)| feature)
    }

    /// Splits the items by the quarters of a feature.
    fn split(&self, items: &[usize], feature: usize) -> [Vec<usize>; PARTS] {
        let mut parts: [Vec<usize>; PARTS] = Default::default();
        for &item in items {
            parts[((self.features[[item, feature]] * PARTS as f64) as usize).min(PARTS - 1)].push(item);
        }
        parts
    }

    fn count(&self, items: &[usize]) -> usize {
        items.iter().filter(|&&item| self.labelled[item]).count()
    }

    fn bound(&self, items: &[usize]) -> f64 {
        let n = items.len() as f64;
        self.count(items) as f64 / n - (self.spread / n).sqrt()
    }
}

impl Ord for Region {
    fn cmp(&self, other: &Self) -> Ordering {
        self.promise.0.total_cmp(&other.promise.0).then(self.promise.1.cmp(&other.promise.1))
    }
}

impl PartialOrd for Region {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Region {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Region {}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    /// Labels of 1,000 items: the second half is positive, and every other one of these is labelled.
    fn labels() -> Vec<bool> {
        (0..1000).map(|item| item >= 500 && item % 2 == 0).collect()
    }

    #[test]
    fn a_pure_quarter_has_the_bound_of_its_equation() -> Result<(), PriorError> {
        let features = Array2::from_shape_fn((1000, 2), |(item, feature)| match feature {
            0 => 0.5,
            _ if item < 500 => 0.1,
            _ => 0.9,
        });
        let sample = Sample::from_features(features, &labels())?;
        // Four fifths are 800 items: delta = 1 / 4.2. About 400 of them are in the pure quarter, half of these
        // labelled.
        let delta: f64 = 1.0 / 4.2;
        let c = 0.5 - (0.25 * (1.0 - delta) / (delta * 400.0)).sqrt();
        let again = 0.5 - (c * (1.0 - c) * (1.0 - delta) / (delta * 400.0)).sqrt();
        let value = Tice::new(1).value(&sample)?;
        assert!((value - 0.25 / again).abs() < 0.01, "{value} and {}", 0.25 / again);
        Ok(())
    }

    #[test]
    fn uninformative_features_give_the_largest_prior() -> Result<(), PriorError> {
        let sample = Sample::from_features(Array2::from_elem((1000, 3), 0.5), &labels())?;
        assert!((Tice::new(1).value(&sample)? - 1.0).abs() < 1e-3);
        Ok(())
    }
}
