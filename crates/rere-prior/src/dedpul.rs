//! DEDPUL: the ratio of the densities of labelled and unlabelled scores.

use crate::{
    PriorError, PriorEstimator, Sample,
    density::{Density, standard_deviation},
};

/// DEDPUL (Ivanov 2020) on scores.
///
/// Let f_p be the density of the labelled scores, f_u that of the unlabelled scores, and r = f_p / f_u. An unlabelled
/// item is positive with probability `min(alpha r, 1)`. The share alpha of positives among the unlabelled items is the
/// one that equals the mean of these probabilities:
///
/// 1. Both densities are Gaussian kernel estimates of the logits, with bandwidths of 0.1 (labelled) and 0.05
///    (unlabelled) standard deviations. r is computed at each unlabelled item.
/// 2. In the order of the scores, r is smoothed by a running median over 11 items, made non-decreasing above the middle
///    of the two mean scores, smoothed again over a tenth of the items, and sorted.
/// 3. Expectation-maximisation from alpha = 1 finds the largest fixed point. If the estimated densities have none,
///    alpha is where the gap `alpha - mean min(alpha r, 1)` bends most, among the values with a gap below 0.05.
///
/// Bandwidths and rules are those of the authors' released code, with two changes. The authors limit r to 50; here the
/// limit is 1000, so that alpha can be below 0.02. Their last smoothing of trends is omitted, because r is sorted after
/// it.
///
/// # Limits
/// - If the scores of the classes overlap much (two normals 1.5 standard deviations apart), the value is 0.03 to 0.14
///   too high on average, and 0.57 at worst; [`BestBin`](crate::BestBin) is nearer in nearly all such settings. If they
///   are well separated (3 standard deviations, or two betas), the error is within 0.03 on average and 0.10 at worst,
///   and from a class prior of 0.2 on it is steadier than [`BestBin`](crate::BestBin).
/// - Scores within 1e-7 of 0 or 1, the precision of an `f32`, are treated as 1e-7 away.
///
/// # Example
/// ```
/// use rere_prior::{Dedpul, PriorEstimator, Sample};
///
/// // 50 labelled positives, and 150 negatives.
/// let scores: Vec<f64> = (0..200).map(|item| if item < 50 { 0.9 } else { 0.001 * item as f64 }).collect();
/// let labelled: Vec<bool> = (0..200).map(|item| item < 50).collect();
/// assert_eq!(Dedpul.value(&Sample::from_scores(&scores, &labelled)?)?, 0.25);
/// # Ok::<(), rere_prior::PriorError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dedpul;

const BANDWIDTH_LABELLED: f64 = 0.1;
const BANDWIDTH_UNLABELLED: f64 = 0.05;
const EDGE: f64 = 1e-7;
/// Steps of the grid of alpha, and the largest ratio, as the grid cannot resolve larger ones.
const STEPS: usize = 1000;
const LARGEST_GAP: f64 = 0.05;
const ITERATIONS: usize = 1000;
const TOLERANCE: f64 = 1e-5;

impl PriorEstimator for Dedpul {
    fn value(&self, sample: &Sample) -> Result<f64, PriorError> {
        let scores = sample.scores()?;
        let mean = |scores: &[f64]| scores.iter().sum::<f64>() / scores.len() as f64;
        let middle = 0.5 * (mean(&scores.labelled) + mean(&scores.unlabelled));
        let above = scores.unlabelled.partition_point(|&score| score < middle);
        let logits = |scores: &[f64]| scores.iter().map(|&score| logit(score)).collect::<Vec<f64>>();
        let ratios = density_ratios(&logits(&scores.labelled), &logits(&scores.unlabelled), above);
        Ok(sample.prior_of_alpha(Ratios::new(ratios).alpha()))
    }
}

fn logit(score: f64) -> f64 {
    let score = score.clamp(EDGE, 1.0 - EDGE);
    (score / (1.0 - score)).ln()
}

/// Returns the smoothed ratio f_p / f_u at each unlabelled item. Both slices must be sorted; `above` is the first item
/// above the middle.
fn density_ratios(labelled: &[f64], unlabelled: &[f64], above: usize) -> Vec<f64> {
    let all = || labelled.iter().chain(unlabelled).copied();
    let (low, high) = (all().fold(f64::INFINITY, f64::min) - 1.0, all().fold(f64::NEG_INFINITY, f64::max) + 1.0);
    let f_p = Density::new(labelled, BANDWIDTH_LABELLED * standard_deviation(labelled), low, high);
    let f_u = Density::new(unlabelled, BANDWIDTH_UNLABELLED * standard_deviation(unlabelled), low, high);
    let raw: Vec<f64> = unlabelled.iter().map(|&x| (f_p.at(x) / f_u.at(x)).min(STEPS as f64)).collect();
    let mut ratios = running_median(&raw, 5);
    let mut largest = 0.0;
    for ratio in ratios.iter_mut().skip(above) {
        largest = f64::max(largest, *ratio);
        *ratio = largest;
    }
    running_median(&ratios, unlabelled.len() / 20)
}

/// Returns the median of each value and its `reach` neighbours on both sides, with fewer near the ends.
fn running_median(values: &[f64], reach: usize) -> Vec<f64> {
    let mut window: Vec<f64> = Vec::with_capacity(2 * reach + 1);
    let position = |window: &[f64], value: f64| window.partition_point(|x| x.total_cmp(&value).is_lt());
    let (mut start, mut end) = (0, 0);
    (0..values.len())
        .map(|item| {
            let reach = reach.min(item).min(values.len() - 1 - item);
            while end <= item + reach {
                window.insert(position(&window, values[end]), values[end]);
                end += 1;
            }
            while start < item - reach {
                window.remove(position(&window, values[start]));
                start += 1;
            }
            window[reach]
        })
        .collect()
}

/// Non-empty density ratios at the unlabelled items, in ascending order, with their cumulative sums.
struct Ratios {
    sorted: Vec<f64>,
    sums: Vec<f64>,
}

impl Ratios {
    fn new(mut sorted: Vec<f64>) -> Self {
        sorted.sort_unstable_by(f64::total_cmp);
        let mut sums = vec![0.0];
        let mut sum = 0.0;
        for ratio in &sorted {
            sum += ratio;
            sums.push(sum);
        }
        Self { sorted, sums }
    }

    /// Returns the mean of `min(alpha r, 1)`.
    fn mean_posterior(&self, alpha: f64) -> f64 {
        let uncut = self.sorted.partition_point(|&ratio| alpha * ratio < 1.0);
        (alpha * self.sums[uncut] + (self.sorted.len() - uncut) as f64) / self.sorted.len() as f64
    }

    fn alpha(&self) -> f64 {
        let fixed = self.fixed_point();
        let gaps: Vec<f64> = (0..=STEPS)
            .map(|step| step as f64 / STEPS as f64)
            .map(|alpha| alpha - self.mean_posterior(alpha))
            .collect();
        let elbow = elbow(&gaps);
        let crossed = gaps.iter().filter(|&&gap| gap < 0.0).count() > 1 && fixed > 1.0 / STEPS as f64;
        if elbow <= fixed || crossed { fixed } else { elbow }
    }

    fn fixed_point(&self) -> f64 {
        let mut alpha = 1.0;
        for _ in 0..ITERATIONS {
            let before = alpha;
            alpha = self.mean_posterior(alpha);
            if (before - alpha).abs() < TOLERANCE {
                break;
            }
        }
        alpha
    }
}

/// Returns the alpha at which the gaps, one for each step, bend upwards most, or 0 if none does by more than rounding.
fn elbow(gaps: &[f64]) -> f64 {
    let (mut most, mut at) = (1e-9, 0);
    for (step, three) in gaps.windows(3).enumerate() {
        let bend = three[0] - 2.0 * three[1] + three[2];
        if three[1] < LARGEST_GAP && bend > most {
            (most, at) = (bend, step + 1);
        }
    }
    at as f64 / STEPS as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_posterior_is_as_computed_by_hand() {
        let ratios = Ratios::new(vec![4.0, 0.5, 0.0, 1.5]);
        // alpha = 0.5: 1, 0.25, 0, 0.75.
        assert!((ratios.mean_posterior(0.5) - 0.5).abs() < 1e-12);
        assert!((ratios.mean_posterior(0.1) - 0.15).abs() < 1e-12);
    }

    #[test]
    fn exact_ratios_give_the_exact_share() {
        // A quarter of the unlabelled items is in a region of positives only: f_p is 4 f_u there and 0 elsewhere.
        let exact = |high: f64| Ratios::new((0..400).map(|item| if item < 100 { high } else { 0.0 }).collect());
        assert!((exact(4.0).alpha() - 0.25).abs() < 2e-3, "{}", exact(4.0).alpha());
        // Densities that do not quite agree have no fixed point, and the bend is at 1 / 3.9.
        assert!((exact(3.9).alpha() - 1.0 / 3.9).abs() < 2e-3, "{}", exact(3.9).alpha());
    }

    #[test]
    fn unlabelled_items_unlike_the_labelled_are_negative() -> Result<(), PriorError> {
        let scores: Vec<f64> = (0..200).map(|item| if item < 50 { 0.9 } else { 0.001 * item as f64 }).collect();
        let labelled: Vec<bool> = (0..200).map(|item| item < 50).collect();
        assert_eq!(Dedpul.value(&Sample::from_scores(&scores, &labelled)?)?, 0.25);
        Ok(())
    }

    #[test]
    fn medians_are_those_of_the_window() {
        assert_eq!(running_median(&[5.0, 1.0, 4.0, 2.0, 3.0], 1), [5.0, 4.0, 2.0, 3.0, 3.0]);
        assert_eq!(running_median(&[5.0, 1.0, 4.0, 2.0, 3.0], 9), [5.0, 4.0, 3.0, 3.0, 3.0]);
        assert_eq!(running_median(&[7.0], 0), [7.0]);
    }
}
