//! Every loss and its gradient in plain float64, one group at a time.
//!
//! For programs without tensors, and for tests. The formulas are written as in the papers, with gradients derived by
//! hand. Callers leave masked labels out.

use crate::{
    Asymmetric, Bce, Cpu, CpuVariant, Dice, Focal, LossError, NnPu, SsrPu, Surrogate, Upu,
    error::check_labels,
    risk::{Risk, Sampling},
};

/// A loss on plain slices, in float64.
///
/// ```
/// use rere_loss::{Cpu, Reference};
///
/// // Three labels, of which the first is a labelled positive.
/// let loss = Cpu::new(0.1, 0.04)?;
/// let (value, gradient) = loss.value_and_gradient(&[2.0, -1.0, -3.0], &[1.0, 0.0, 0.0], 0)?;
/// assert!(value > 0.0 && gradient[0] < 0.0); // a larger first logit makes the loss smaller
/// # Ok::<(), rere_loss::LossError>(())
/// ```
pub trait Reference {
    /// Computes the loss of a group and its gradient.
    ///
    /// The value is that of [`GroupLosses::per_group`](crate::GroupLosses::per_group): losses that treat each label
    /// separately give the mean over the group. `class` is the class of the group, for per-class settings. An empty
    /// group has the loss 0.
    ///
    /// # Errors
    /// Returns an error if the numbers of logits and targets differ, a logit is not finite, or a target is not in
    /// \[0, 1\].
    fn value_and_gradient(&self, logits: &[f64], targets: &[f64], class: usize) -> Result<(f64, Vec<f64>), LossError> {
        if logits.len() != targets.len() {
            let (logits, other) = (vec![logits.len()], vec![targets.len()]);
            return Err(LossError::ShapesDiffer { name: "targets", logits, other });
        }
        check_labels(logits.iter().copied(), targets.iter().copied())?;
        if logits.is_empty() {
            return Ok((0.0, vec![]));
        }
        Ok(self.compute(logits, targets, class))
    }

    /// Does what [`Reference::value_and_gradient`] does, without checks. The input must be valid and not empty.
    fn compute(&self, logits: &[f64], targets: &[f64], class: usize) -> (f64, Vec<f64>);
}

fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

/// Computes `ln s(x)`.
fn ln_sigmoid(x: f64) -> f64 {
    x.min(0.0) - (-x.abs()).exp().ln_1p()
}

/// Computes the mean over labels of a loss, and its gradient. `label` gives value and gradient at a logit and a target.
fn mean_of_labels(logits: &[f64], targets: &[f64], label: impl Fn(f64, f64) -> (f64, f64)) -> (f64, Vec<f64>) {
    let n = logits.len() as f64;
    let labels: Vec<(f64, f64)> = logits.iter().zip(targets).map(|(&x, &y)| label(x, y)).collect();
    (labels.iter().map(|(value, _)| value).sum::<f64>() / n, labels.iter().map(|(_, gradient)| gradient / n).collect())
}

impl Reference for Bce {
    fn compute(&self, logits: &[f64], targets: &[f64], class: usize) -> (f64, Vec<f64>) {
        let w = self.positive_weight().of_class(class);
        mean_of_labels(logits, targets, |x, y| {
            (-w * y * ln_sigmoid(x) - (1.0 - y) * ln_sigmoid(-x), -w * y * sigmoid(-x) + (1.0 - y) * sigmoid(x))
        })
    }
}

impl Reference for Focal {
    fn compute(&self, logits: &[f64], targets: &[f64], class: usize) -> (f64, Vec<f64>) {
        let (gamma, alpha) = self.settings();
        let alpha = alpha.of_class(class);
        // -(1 - p)^gamma ln p and its gradient to x. For a negative, the same at -x.
        let term = |x: f64| {
            let (p, q) = (sigmoid(x), sigmoid(-x));
            let focus = q.powf(gamma);
            (-focus * ln_sigmoid(x), focus * (gamma * p * ln_sigmoid(x) - q))
        };
        mean_of_labels(logits, targets, |x, y| {
            let ((positive, positive_gradient), (negative, negative_gradient)) = (term(x), term(-x));
            (
                alpha * y * positive + (1.0 - alpha) * (1.0 - y) * negative,
                alpha * y * positive_gradient - (1.0 - alpha) * (1.0 - y) * negative_gradient,
            )
        })
    }
}

impl Reference for Asymmetric {
    fn compute(&self, logits: &[f64], targets: &[f64], _class: usize) -> (f64, Vec<f64>) {
        let (positive_power, negative_power, margin) = self.settings();
        mean_of_labels(logits, targets, |x, y| {
            let (p, not_p) = (sigmoid(x), sigmoid(-x));
            let focus = not_p.powf(positive_power);
            let positive = -focus * ln_sigmoid(x);
            let positive_gradient = focus * (positive_power * p * ln_sigmoid(x) - not_p);
            let q = p - margin;
            let (negative, negative_gradient) = if q <= 0.0 {
                (0.0, 0.0)
            } else {
                let not_q = not_p + margin;
                let ln_not_q = if margin == 0.0 { ln_sigmoid(-x) } else { not_q.ln() };
                // p' = p (1 - p). With margin 0, p' / (1 - q) is p.
                let p_gradient = p * not_p;
                let ratio = if margin == 0.0 { p } else { p_gradient / not_q };
                let focus = q.powf(negative_power);
                let focus_gradient = if negative_power == 0.0 { 0.0 } else { negative_power * focus / q * p_gradient };
                (-focus * ln_not_q, -focus_gradient * ln_not_q + focus * ratio)
            };
            (y * positive + (1.0 - y) * negative, y * positive_gradient + (1.0 - y) * negative_gradient)
        })
    }
}

impl Reference for Dice {
    fn compute(&self, logits: &[f64], targets: &[f64], _class: usize) -> (f64, Vec<f64>) {
        let p: Vec<f64> = logits.iter().map(|&x| sigmoid(x)).collect();
        let numerator = 2.0 * p.iter().zip(targets).map(|(p, y)| p * y).sum::<f64>() + self.smoothing();
        let squares = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>();
        let denominator = squares(&p) + squares(targets) + self.smoothing();
        let gradient = logits.iter().zip(&p).zip(targets).map(|((&x, p), y)| {
            let p_gradient = p * sigmoid(-x);
            -(2.0 * y / denominator - numerator * 2.0 * p / (denominator * denominator)) * p_gradient
        });
        (1.0 - numerator / denominator, gradient.collect())
    }
}

impl Reference for Cpu {
    fn compute(&self, logits: &[f64], targets: &[f64], class: usize) -> (f64, Vec<f64>) {
        let (mu, gamma) = (self.mu().of_class(class), self.gamma().of_class(class));
        let unlabelled: Vec<f64> = targets.iter().map(|y| 1.0 - y).collect();
        let ones = vec![1.0; logits.len()];
        let ((first, first_gradient), (second, second_gradient), times) = match self.variant() {
            CpuVariant::Group => (ln_mean(logits, targets), ln_share(logits, &unlabelled, mu), [1.0, 1.0]),
            CpuVariant::Paper => {
                let times = [targets.iter().sum(), unlabelled.iter().sum()];
                (ln_mean(logits, &ones), ln_share(logits, &ones, mu), times)
            }
        };
        let add = |a: f64, b: f64| -gamma * times[0] * a - times[1] * b;
        (add(first, second), first_gradient.iter().zip(&second_gradient).map(|(a, b)| add(*a, *b)).collect())
    }
}

/// Computes `ln( weighted mean of s(x) )` and its gradient; 0 if all weights are 0.
fn ln_mean(logits: &[f64], weights: &[f64]) -> (f64, Vec<f64>) {
    let size: f64 = weights.iter().sum();
    if size == 0.0 {
        return (0.0, vec![0.0; logits.len()]);
    }
    let ln: Vec<f64> = logits.iter().zip(weights).map(|(&x, w)| ln_sigmoid(x) + w.ln()).collect();
    let largest = ln.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let ln_sum = largest + ln.iter().map(|ln| (ln - largest).exp()).sum::<f64>().ln();
    let gradient = logits.iter().zip(&ln).map(|(&x, ln)| (ln - ln_sum).exp() * sigmoid(-x));
    (ln_sum - size.ln(), gradient.collect())
}

/// Computes `ln( 1 - | weighted mean of s(x) - mu | )` and its gradient; 0 if all weights are 0.
fn ln_share(logits: &[f64], weights: &[f64], mu: f64) -> (f64, Vec<f64>) {
    let size: f64 = weights.iter().sum();
    if size == 0.0 {
        return (0.0, vec![0.0; logits.len()]);
    }
    let mean = logits.iter().zip(weights).map(|(&x, w)| w * sigmoid(x)).sum::<f64>() / size;
    let complement = logits.iter().zip(weights).map(|(&x, w)| w * sigmoid(-x)).sum::<f64>() / size;
    let (share, sign) = if mean >= mu { (complement + mu, -1.0) } else { (1.0 + mean - mu, 1.0) };
    let gradient = |x: f64, w: f64| sign * w * sigmoid(x) * sigmoid(-x) / size / share;
    (share.ln(), logits.iter().zip(weights).map(|(&x, &w)| gradient(x, w)).collect())
}

impl Surrogate {
    /// Computes value and gradient at a margin.
    fn at(self, z: f64) -> (f64, f64) {
        match self {
            Self::Sigmoid => (sigmoid(-z), -sigmoid(z) * sigmoid(-z)),
            Self::Logistic => (-ln_sigmoid(z), -sigmoid(-z)),
            Self::Squared { margin } => (0.25 * (z - margin).powi(2), 0.5 * (z - margin)),
        }
    }
}

impl Risk {
    fn compute(&self, logits: &[f64], targets: &[f64], class: usize) -> (f64, Vec<f64>) {
        let unlabelled: Vec<f64> = match self.sampling {
            Sampling::OneSample => vec![1.0; logits.len()],
            Sampling::CaseControl => targets.iter().map(|y| 1.0 - y).collect(),
        };
        let as_positive = |x: f64| self.surrogate.at(x);
        let as_negative = |x: f64| {
            let (value, gradient) = self.surrogate.at(-x);
            (value, -gradient)
        };
        let (positive, positive_gradient) = weighted_mean(logits, targets, self.positive.of_class(class), as_positive);
        let (all, all_gradient) = weighted_mean(logits, &unlabelled, self.unlabelled.of_class(class), as_negative);
        let (correction, correction_gradient) =
            weighted_mean(logits, targets, self.correction.of_class(class), as_negative);
        let negative = all - correction;
        let negative_gradient: Vec<f64> = all_gradient.iter().zip(&correction_gradient).map(|(a, b)| a - b).collect();
        match self.non_negative {
            Some((beta, step_size)) if negative < -beta => {
                (positive - beta, negative_gradient.iter().map(|gradient| -step_size * gradient).collect())
            }
            _ => {
                let gradient = positive_gradient.iter().zip(&negative_gradient).map(|(a, b)| a + b).collect();
                (positive + negative, gradient)
            }
        }
    }
}

/// Computes `factor` times the weighted mean of a function of the logits, and its gradient; 0 if all weights are 0. `f`
/// gives value and gradient at a logit.
fn weighted_mean(logits: &[f64], weights: &[f64], factor: f64, f: impl Fn(f64) -> (f64, f64)) -> (f64, Vec<f64>) {
    let size: f64 = weights.iter().sum();
    let share = if size == 0.0 { 0.0 } else { factor / size };
    let labels: Vec<(f64, f64)> = logits.iter().map(|&x| f(x)).collect();
    let value = labels.iter().zip(weights).map(|((value, _), w)| share * w * value).sum();
    (value, labels.iter().zip(weights).map(|((_, gradient), w)| share * w * gradient).collect())
}

impl Reference for Upu {
    fn compute(&self, logits: &[f64], targets: &[f64], class: usize) -> (f64, Vec<f64>) {
        self.risk().compute(logits, targets, class)
    }
}

impl Reference for NnPu {
    fn compute(&self, logits: &[f64], targets: &[f64], class: usize) -> (f64, Vec<f64>) {
        self.risk().compute(logits, targets, class)
    }
}

impl Reference for SsrPu {
    fn compute(&self, logits: &[f64], targets: &[f64], class: usize) -> (f64, Vec<f64>) {
        self.risk().compute(logits, targets, class)
    }
}
