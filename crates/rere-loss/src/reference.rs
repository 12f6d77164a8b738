//! Every loss and its gradient in plain float64, one group at a time.
//!
//! For those who have no tensors, and for tests: the formulas stand here as they stand in the papers, with gradients
//! taken by hand. Masked labels are not passed at all.

use crate::{
    Asymmetric, Bce, Cpu, CpuVariant, Dice, Focal, LossError, NnPu, SsrPu, Surrogate, Upu,
    error::check_labels,
    risk::{Risk, Sampling},
};

/// A loss on plain slices.
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
    /// The loss of a group and its gradient: what [`GroupLosses::each`](crate::GroupLosses::each) gives, where losses
    /// that look at each label alone have the mean over the group. `class` is the class of the group, for settings that
    /// differ between classes. An empty group has the loss 0.
    ///
    /// # Errors
    /// Where there is not one target for each logit, a logit is no finite number, or a target not in \[0, 1\].
    fn value_and_gradient(&self, logits: &[f64], targets: &[f64], class: usize) -> Result<(f64, Vec<f64>), LossError> {
        if logits.len() != targets.len() {
            let (logits, other) = (vec![logits.len()], vec![targets.len()]);
            return Err(LossError::ShapesDiffer { name: "targets", logits, other });
        }
        check_labels(logits.iter().copied(), targets.iter().copied())?;
        if logits.is_empty() {
            return Ok((0.0, vec![]));
        }
        Ok(self.of_group(logits, targets, class))
    }

    /// [`Reference::value_and_gradient`] of input that is known to be valid and not empty.
    fn of_group(&self, logits: &[f64], targets: &[f64], class: usize) -> (f64, Vec<f64>);
}

fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 { 1.0 / (1.0 + (-x).exp()) } else { x.exp() / (1.0 + x.exp()) }
}

/// `ln s(x)`
fn ln_sigmoid(x: f64) -> f64 {
    x.min(0.0) - (-x.abs()).exp().ln_1p()
}

/// The mean over labels of a loss whose value and slope at a label are given.
fn mean_of_labels(logits: &[f64], targets: &[f64], each: impl Fn(f64, f64) -> (f64, f64)) -> (f64, Vec<f64>) {
    let n = logits.len() as f64;
    let each: Vec<(f64, f64)> = logits.iter().zip(targets).map(|(&x, &y)| each(x, y)).collect();
    (each.iter().map(|(value, _)| value).sum::<f64>() / n, each.iter().map(|(_, slope)| slope / n).collect())
}

impl Reference for Bce {
    fn of_group(&self, logits: &[f64], targets: &[f64], class: usize) -> (f64, Vec<f64>) {
        let w = self.positive_weight().of(class);
        mean_of_labels(logits, targets, |x, y| {
            (-w * y * ln_sigmoid(x) - (1.0 - y) * ln_sigmoid(-x), -w * y * sigmoid(-x) + (1.0 - y) * sigmoid(x))
        })
    }
}

impl Reference for Focal {
    fn of_group(&self, logits: &[f64], targets: &[f64], class: usize) -> (f64, Vec<f64>) {
        let (gamma, alpha) = self.settings();
        let alpha = alpha.of(class);
        // -(1 - p)^gamma ln p, and its slope in x; for a negative the same at -x.
        let term = |x: f64| {
            let (p, q) = (sigmoid(x), sigmoid(-x));
            let focus = q.powf(gamma);
            (-focus * ln_sigmoid(x), focus * (gamma * p * ln_sigmoid(x) - q))
        };
        mean_of_labels(logits, targets, |x, y| {
            let ((positive, up), (negative, down)) = (term(x), term(-x));
            (
                alpha * y * positive + (1.0 - alpha) * (1.0 - y) * negative,
                alpha * y * up - (1.0 - alpha) * (1.0 - y) * down,
            )
        })
    }
}

impl Reference for Asymmetric {
    fn of_group(&self, logits: &[f64], targets: &[f64], _class: usize) -> (f64, Vec<f64>) {
        let (positive_power, negative_power, margin) = self.settings();
        mean_of_labels(logits, targets, |x, y| {
            let (p, not_p) = (sigmoid(x), sigmoid(-x));
            let focus = not_p.powf(positive_power);
            let positive = -focus * ln_sigmoid(x);
            let up = focus * (positive_power * p * ln_sigmoid(x) - not_p);
            let q = p - margin;
            let (negative, down) = if q <= 0.0 {
                (0.0, 0.0)
            } else {
                let not_q = not_p + margin;
                let ln_not_q = if margin == 0.0 { ln_sigmoid(-x) } else { not_q.ln() };
                // p' = p (1 - p); with margin 0, p' / (1 - q) is p.
                let slope = p * not_p;
                let ratio = if margin == 0.0 { p } else { slope / not_q };
                let focus = q.powf(negative_power);
                let refocus = if negative_power == 0.0 { 0.0 } else { negative_power * focus / q * slope };
                (-focus * ln_not_q, -refocus * ln_not_q + focus * ratio)
            };
            (y * positive + (1.0 - y) * negative, y * up + (1.0 - y) * down)
        })
    }
}

impl Reference for Dice {
    fn of_group(&self, logits: &[f64], targets: &[f64], _class: usize) -> (f64, Vec<f64>) {
        let p: Vec<f64> = logits.iter().map(|&x| sigmoid(x)).collect();
        let both = 2.0 * p.iter().zip(targets).map(|(p, y)| p * y).sum::<f64>() + self.smoothing();
        let squares = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>();
        let either = squares(&p) + squares(targets) + self.smoothing();
        let gradient = logits.iter().zip(&p).zip(targets).map(|((&x, p), y)| {
            let slope = p * sigmoid(-x);
            -(2.0 * y / either - both * 2.0 * p / (either * either)) * slope
        });
        (1.0 - both / either, gradient.collect())
    }
}

impl Reference for Cpu {
    fn of_group(&self, logits: &[f64], targets: &[f64], class: usize) -> (f64, Vec<f64>) {
        let (mu, gamma) = (self.mu().of(class), self.gamma().of(class));
        let rest: Vec<f64> = targets.iter().map(|y| 1.0 - y).collect();
        let ones = vec![1.0; logits.len()];
        let ((positive, up), (other, down), times) = match self.variant() {
            CpuVariant::Group => (ln_mean(logits, targets), ln_correct(logits, &rest, mu), [1.0, 1.0]),
            CpuVariant::Paper => {
                let times = [targets.iter().sum(), rest.iter().sum()];
                (ln_mean(logits, &ones), ln_correct(logits, &ones, mu), times)
            }
        };
        let add = |a: f64, b: f64| -gamma * times[0] * a - times[1] * b;
        (add(positive, other), up.iter().zip(&down).map(|(a, b)| add(*a, *b)).collect())
    }
}

/// `ln( weighted mean of s(x) )` and its gradient; 0 without weights.
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

/// `ln( 1 - | weighted mean of s(x) - mu | )` and its gradient; 0 without weights.
fn ln_correct(logits: &[f64], weights: &[f64], mu: f64) -> (f64, Vec<f64>) {
    let size: f64 = weights.iter().sum();
    if size == 0.0 {
        return (0.0, vec![0.0; logits.len()]);
    }
    let mean = logits.iter().zip(weights).map(|(&x, w)| w * sigmoid(x)).sum::<f64>() / size;
    let complement = logits.iter().zip(weights).map(|(&x, w)| w * sigmoid(-x)).sum::<f64>() / size;
    let (correct, sign) = if mean >= mu { (complement + mu, -1.0) } else { (1.0 + mean - mu, 1.0) };
    let slope = |x: f64, w: f64| sign * w * sigmoid(x) * sigmoid(-x) / size / correct;
    (correct.ln(), logits.iter().zip(weights).map(|(&x, &w)| slope(x, w)).collect())
}

impl Surrogate {
    /// Value and slope at a margin.
    fn at(self, z: f64) -> (f64, f64) {
        match self {
            Self::Sigmoid => (sigmoid(-z), -sigmoid(z) * sigmoid(-z)),
            Self::Logistic => (-ln_sigmoid(z), -sigmoid(-z)),
            Self::Squared { margin } => (0.25 * (z - margin).powi(2), 0.5 * (z - margin)),
        }
    }
}

impl Risk {
    fn of_group(&self, logits: &[f64], targets: &[f64], class: usize) -> (f64, Vec<f64>) {
        let unlabelled: Vec<f64> = match self.sampling {
            Sampling::OneSample => vec![1.0; logits.len()],
            Sampling::CaseControl => targets.iter().map(|y| 1.0 - y).collect(),
        };
        let as_positive = |x: f64| self.surrogate.at(x);
        let as_negative = |x: f64| {
            let (value, slope) = self.surrogate.at(-x);
            (value, -slope)
        };
        let (positive, up) = weighted(logits, targets, self.positive.of(class), as_positive);
        let (over_all, down) = weighted(logits, &unlabelled, self.unlabelled.of(class), as_negative);
        let (correction, back) = weighted(logits, targets, self.correction.of(class), as_negative);
        let negative = over_all - correction;
        let down: Vec<f64> = down.iter().zip(&back).map(|(a, b)| a - b).collect();
        match self.non_negative {
            Some((beta, step_size)) if negative < -beta => {
                (positive - beta, down.iter().map(|slope| -step_size * slope).collect())
            }
            _ => (positive + negative, up.iter().zip(&down).map(|(a, b)| a + b).collect()),
        }
    }
}

/// `factor` times the weighted mean of a function of the logits, and its gradient; 0 without weights.
fn weighted(logits: &[f64], weights: &[f64], factor: f64, f: impl Fn(f64) -> (f64, f64)) -> (f64, Vec<f64>) {
    let size: f64 = weights.iter().sum();
    let share = if size == 0.0 { 0.0 } else { factor / size };
    let each: Vec<(f64, f64)> = logits.iter().map(|&x| f(x)).collect();
    let value = each.iter().zip(weights).map(|((value, _), w)| share * w * value).sum();
    (value, each.iter().zip(weights).map(|((_, slope), w)| share * w * slope).collect())
}

impl Reference for Upu {
    fn of_group(&self, logits: &[f64], targets: &[f64], class: usize) -> (f64, Vec<f64>) {
        self.risk().of_group(logits, targets, class)
    }
}

impl Reference for NnPu {
    fn of_group(&self, logits: &[f64], targets: &[f64], class: usize) -> (f64, Vec<f64>) {
        self.risk().of_group(logits, targets, class)
    }
}

impl Reference for SsrPu {
    fn of_group(&self, logits: &[f64], targets: &[f64], class: usize) -> (f64, Vec<f64>) {
        self.risk().of_group(logits, targets, class)
    }
}
