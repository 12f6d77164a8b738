//! TIcE: a decision tree that looks for a region where the label frequency shows.

use std::{cmp::Ordering, collections::BinaryHeap};

use ndarray::ArrayView2;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::{PriorError, PriorEstimator, Sample};

/// TIcE (Bekker and Davis 2018), the one estimator here that reads features and needs no classifier.
///
/// In any region of the features the share of labelled items is at most c, the share of the positives that are
/// labelled, and equal to c where all are positive. With L of T items labelled, one-sided Chebyshev bounds c from below
/// by `L / T - sqrt(c (1 - c) (1 - delta) / (delta T))` A tree built on a fifth of the items
/// proposes regions, the other four fifths bound c in each, and the largest bound is kept; c is the mean over the five
/// fifths, computed with c = 0.5 under the root and then once more with the c found. The class prior is `L / c`.
///
/// As in the paper and its code: every feature is cut into quarters of `[0, 1]` and used once on a path; the most
/// promising node is split first, at most 500 of them; a split is judged by the largest `L / (T + 5)` of its parts;
/// regions under 10 items are not used; `delta = max(0.025, 1 / (1 + 0.004 T))`.
///
/// # Traps
/// - As a bound of c it is low, so the class prior is high: in the mean by 0.01 to 0.13 where classes lie well apart,
///   by 0.09 to 0.41 where they overlap.
/// - Quarters of `[0, 1]` need features spread over it. Scores of a classifier that is never sure are all in the
///   lowest quarter, and the answer is 1. Scale features to their range.
/// - With less than a few dozen labelled items no region has a bound above the overall share, and the answer may be 1.
/// - The fifths are drawn with the seed: another order of the items or another seed gives another value, a few
///   hundredths away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tice {
    /// Seed of the draw of the fifths.
    pub seed: u64,
}

const FOLDS: usize = 5;
const PASSES: usize = 2;
const PARTS: usize = 4;
const MAX_SPLITS: usize = 500;
const FEWEST_ITEMS: usize = 10;
/// The k of their biased estimate of the probability of a label, `L / (T + k)`.
const PRIOR_ITEMS: f64 = 5.0;

impl PriorEstimator for Tice {
    fn value(&self, sample: &Sample) -> Result<f64, PriorError> {
        let mut items: Vec<usize> = (0..sample.items()).collect();
        items.shuffle(&mut ChaCha8Rng::seed_from_u64(self.seed));
        let mut c = 0.5;
        for _ in 0..PASSES {
            let bounds = (0..FOLDS).map(|fold| {
                let of_fold = |&place: &usize| place % FOLDS == fold;
                let (build, bound): (Vec<_>, Vec<_>) = (0..items.len()).partition(of_fold);
                let pick = |places: Vec<usize>| places.into_iter().map(|place| items[place]).collect();
                Search::new(sample, bound.len(), c).largest_bound(pick(build), pick(bound))
            });
            c = bounds.sum::<f64>() / FOLDS as f64;
        }
        let share = sample.share_labelled();
        Ok((share / c).clamp(share, 1.0))
    }
}

/// What one tree looks at, and how sure a bound has to be.
struct Search<'a> {
    features: ArrayView2<'a, f64>,
    labelled: &'a [bool],
    /// `c (1 - c) (1 - delta) / delta`.
    spread: f64,
}

/// A region: its items in the fold that builds and in those that bound, and the features not yet used on its path.
struct Region {
    build: Vec<usize>,
    bound: Vec<usize>,
    unused: Vec<usize>,
    /// The bound within the building fold, then the number of labelled items there.
    promise: (f64, usize),
}

impl<'a> Search<'a> {
    fn new(sample: &'a Sample, bounding: usize, c: f64) -> Self {
        let delta = (1.0 / (1.0 + 0.004 * bounding as f64)).max(0.025);
        let spread = c * (1.0 - c) * (1.0 - delta) / delta;
        Self { features: sample.features(), labelled: sample.labelled(), spread }
    }

    fn largest_bound(&self, build: Vec<usize>, bound: Vec<usize>) -> f64 {
        // All items together: their share is at most c, with nothing chosen and so nothing to be taken off.
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
            // With so few labelled items no part of a region can have a bound above the best.
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

    /// The region, if it is worth splitting: if the fold that builds has both labelled and unlabelled items in it.
    fn region(&self, build: Vec<usize>, bound: Vec<usize>, unused: Vec<usize>) -> Option<Region> {
        let labelled = self.count(&build);
        let promise = (self.bound(&build), labelled);
        (labelled > 0 && labelled < build.len()).then_some(Region { build, bound, unused, promise })
    }

    /// The unused feature with the part that is most surely labelled.
    fn best_feature(&self, region: &Region) -> Option<usize> {
        let score = |feature: usize| {
            let parts = self.split(&region.build, feature);
            parts.iter().map(|part| self.count(part) as f64 / (part.len() as f64 + PRIOR_ITEMS)).fold(0.0, f64::max)
        };
        let scored = region.unused.iter().map(|&feature| (score(feature), feature));
        // The first of equal features.
        scored.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, feature)| feature)
    }

    /// The items by quarters of a feature.
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

    /// 1,000 items of which the second half is positive, every other one of these labelled.
    fn labels() -> Vec<bool> {
        (0..1000).map(|item| item >= 500 && item % 2 == 0).collect()
    }

    #[test]
    fn a_pure_quarter_has_the_bound_of_its_equation() -> Result<(), PriorError> {
        let features = Array2::from_shape_fn((1000, 2), |(item, feature)| match feature {
            0 => 0.5,
            _ => {
                if item < 500 {
                    0.1
                } else {
                    0.9
                }
            }
        });
        let sample = Sample::from_features(features, &labels())?;
        // 800 items bound: delta = 1 / 4.2, and about 400 of them lie in the pure quarter, half of them labelled.
        let delta: f64 = 1.0 / 4.2;
        let c = 0.5 - (0.25 * (1.0 - delta) / (delta * 400.0)).sqrt();
        let again = 0.5 - (c * (1.0 - c) * (1.0 - delta) / (delta * 400.0)).sqrt();
        let value = Tice { seed: 1 }.value(&sample)?;
        assert!((value - 0.25 / again).abs() < 0.01, "{value} and {}", 0.25 / again);
        Ok(())
    }

    #[test]
    fn features_that_say_nothing_leave_every_prior_possible() -> Result<(), PriorError> {
        let sample = Sample::from_features(Array2::from_elem((1000, 3), 0.5), &labels())?;
        assert!((Tice { seed: 1 }.value(&sample)? - 1.0).abs() < 1e-3);
        Ok(())
    }
}
