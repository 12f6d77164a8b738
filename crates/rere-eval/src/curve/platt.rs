//! Calibrated scores: probabilities of being correct, fitted on judged predictions.

use serde::{Deserialize, Serialize};

/// Map from scores to probabilities of being correct: a logistic function of the log odds of the score.
///
/// This is Platt scaling (Platt 1999, with the targets and the Newton iteration of Lin, Lin and Weng 2007), applied to log
/// odds. If the slope is positive, it keeps the order of scores. The default map changes nothing.
///
/// If the gold triples are labels of a knowledge base, a calibrated score is the probability that the knowledge base has the
/// triple, which is lower than the probability that it is true.
///
/// ```
/// use rere_eval::ScoreCalibration;
///
/// // Of the triples with a score of 0.9 a half is correct, and a tenth of those with 0.3.
/// let items = (0..1000).map(|at| if at % 2 == 0 { (0.9, at % 4 == 0) } else { (0.3, at % 20 == 1) });
/// let calibration = ScoreCalibration::fit(items).expect("correct and wrong items");
/// assert!((calibration.apply(0.9) - 0.5).abs() < 0.01);
/// assert!((calibration.apply(0.3) - 0.1).abs() < 0.01);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ScoreCalibration {
    /// Factor of the log odds.
    pub slope: f64,
    /// Added to them.
    pub intercept: f64,
}

impl Default for ScoreCalibration {
    /// Creates a map that changes nothing.
    fn default() -> Self {
        Self { slope: 1.0, intercept: 0.0 }
    }
}

/// Scores of 0 and 1 have infinite odds.
const MARGIN: f64 = 1e-6;

fn log_odds(score: f64) -> f64 {
    let score = score.clamp(MARGIN, 1.0 - MARGIN);
    (score / (1.0 - score)).ln()
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl ScoreCalibration {
    /// Fits the map to predictions, each a score and whether it is correct.
    ///
    /// Returns `None` unless there are correct and wrong predictions. If higher scores are not more often correct, the slope is
    /// 0 and all scores become the share of correct predictions.
    pub fn fit(items: impl IntoIterator<Item = (f32, bool)>) -> Option<Self> {
        let items: Vec<(f64, bool)> =
            items.into_iter().map(|(score, correct)| (log_odds(score.into()), correct)).collect();
        let correct = items.iter().filter(|(_, correct)| *correct).count() as f64;
        let wrong = items.len() as f64 - correct;
        if correct == 0.0 || wrong == 0.0 {
            return None;
        }
        // Targets that are not quite 1 and 0 keep the slope finite if a score separates all items.
        let targets = [1.0 / (wrong + 2.0), (correct + 1.0) / (correct + 2.0)];
        let prior = ((correct + 1.0) / (wrong + 1.0)).ln();
        let mut fitted = Self { slope: 0.0, intercept: prior };
        let mut loss = fitted.loss(&items, targets);
        for _ in 0..100 {
            // Gradient and Hessian of the cross entropy.
            let (mut by_slope, mut by_intercept) = (0.0, 0.0);
            let (mut slope_slope, mut slope_intercept, mut intercept_intercept) = (1e-12, 0.0, 1e-12);
            for &(x, correct) in &items {
                let p = logistic(fitted.slope * x + fitted.intercept);
                let (difference, weight) = (p - targets[usize::from(correct)], p * (1.0 - p));
                by_slope += difference * x;
                by_intercept += difference;
                slope_slope += weight * x * x;
                slope_intercept += weight * x;
                intercept_intercept += weight;
            }
            let determinant = slope_slope * intercept_intercept - slope_intercept * slope_intercept;
            if determinant <= 0.0 || (by_slope.abs() < 1e-9 && by_intercept.abs() < 1e-9) {
                break;
            }
            let step_slope = -(intercept_intercept * by_slope - slope_intercept * by_intercept) / determinant;
            let step_intercept = -(slope_slope * by_intercept - slope_intercept * by_slope) / determinant;
            // Halves the step until it improves.
            let mut size = 1.0;
            let improved = loop {
                let next = Self {
                    slope: fitted.slope + size * step_slope,
                    intercept: fitted.intercept + size * step_intercept,
                };
                let next_loss = next.loss(&items, targets);
                if next_loss < loss {
                    (fitted, loss) = (next, next_loss);
                    break true;
                }
                size /= 2.0;
                if size < 1e-10 {
                    break false;
                }
            };
            if !improved {
                break;
            }
        }
        Some(if fitted.slope > 0.0 { fitted } else { Self { slope: 0.0, intercept: prior } })
    }

    /// Returns the cross entropy of the items.
    fn loss(self, items: &[(f64, bool)], targets: [f64; 2]) -> f64 {
        let loss = |&(x, correct): &(f64, bool)| {
            let (target, x) = (targets[usize::from(correct)], self.slope * x + self.intercept);
            // ln(1 + exp(x)) - target * x, without overflow.
            x.max(0.0) + (-x.abs()).exp().ln_1p() - target * x
        };
        items.iter().map(loss).sum()
    }

    /// Returns the probability of a score.
    pub fn apply(self, score: f64) -> f64 {
        if self == Self::default() { score } else { logistic(self.slope * log_odds(score) + self.intercept) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of a Newton iteration in numpy 2 on the same targets and log odds.
    #[test]
    fn values_of_another_program() {
        let scores = [0.9, 0.8, 0.7, 0.6, 0.55, 0.4, 0.35, 0.3, 0.2, 0.1, 0.95, 0.05];
        let correct = [1, 1, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0].map(|correct| correct == 1);
        let fitted = ScoreCalibration::fit(scores.into_iter().zip(correct)).expect("fitted");
        assert!((fitted.slope - 0.794_872_89).abs() < 1e-5, "{fitted:?}");
        assert!((fitted.intercept + 0.391_417_45).abs() < 1e-5, "{fitted:?}");
        assert!((fitted.apply(0.75) - 0.618_182_19).abs() < 1e-5);
    }

    #[test]
    fn one_class_cannot_be_fitted_and_separated_items_can() {
        assert_eq!(ScoreCalibration::fit([(0.5, true)]), None);
        assert_eq!(ScoreCalibration::fit([]), None);
        let separated = ScoreCalibration::fit([(0.9, true), (0.8, true), (0.2, false), (0.1, false)]).expect("fitted");
        assert!(separated.slope.is_finite() && separated.slope > 0.0);
        // The gradient of the intercept is 0: probabilities have the mean of the targets, 3/4 and 1/4.
        let mean = [0.9, 0.8, 0.2, 0.1].map(|score| separated.apply(score)).iter().sum::<f64>() / 4.0;
        assert!((mean - 0.5).abs() < 1e-6 && separated.apply(0.9) > 0.75, "{separated:?}");
    }

    #[test]
    fn scores_that_say_nothing_become_the_share_of_correct_items() {
        let reversed = ScoreCalibration::fit([(0.9, false), (0.9, false), (0.1, true), (0.8, false)]).expect("fitted");
        assert_eq!(reversed.slope, 0.0);
        // (1 + 1) / (4 + 2)
        assert!((reversed.apply(0.99) - 1.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn the_default_changes_nothing() {
        for score in [0.0, 1e-5, 0.3, 0.999, 1.0] {
            assert_eq!(ScoreCalibration::default().apply(score), score);
        }
    }
}
