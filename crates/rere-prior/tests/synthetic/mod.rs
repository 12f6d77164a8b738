//! Positive-unlabelled samples with a known class prior.
#![allow(missing_docs, dead_code)]

use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_prior::Sample;

/// A mixture of positives and negatives, with its scores and features.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mixture {
    /// Two Gaussians in two dimensions whose means are `distance` apart, covariance 1. The score is the out-of-sample
    /// probability of a logistic regression of labelled against unlabelled, the features are the two coordinates.
    Gaussians { distance: f64 },
    /// The same Gaussians; the score is the exact `P(labelled | x)`.
    Exact { distance: f64 },
    /// Scores of positives from Beta(5, 2), of negatives from Beta(2, 5). They are not probabilities.
    Betas,
}

pub const MIXTURES: [(&str, Mixture); 4] = [
    ("(a) Gaussians, d' 3, fitted", Mixture::Gaussians { distance: 3.0 }),
    ("(b) Gaussians, d' 1.5, fitted", Mixture::Gaussians { distance: 1.5 }),
    ("(b') Gaussians, d' 1.5, exact", Mixture::Exact { distance: 1.5 }),
    ("(c) Beta(5, 2) and Beta(2, 5)", Mixture::Betas),
];

/// One draw of a mixture.
pub struct Draw {
    pub scored: Sample,
    pub featured: Sample,
}

/// Draws `n` items with class prior `pi`. Each positive is labelled with probability `c`.
pub fn draw(mixture: Mixture, n: usize, pi: f64, c: f64, seed: u64) -> Draw {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let positive: Vec<bool> = (0..n).map(|_| rng.random::<f64>() < pi).collect();
    let mut labelled: Vec<bool> = positive.iter().map(|&is| is && rng.random::<f64>() < c).collect();
    if !labelled.contains(&true) {
        labelled[0] = true;
    }
    match mixture {
        Mixture::Betas => {
            let scores: Vec<f64> =
                positive.iter().map(|&is| if is { beta(&mut rng, 5, 2) } else { beta(&mut rng, 2, 5) }).collect();
            let scored = Sample::from_scores(&scores, &labelled).unwrap();
            Draw { featured: scored.clone(), scored }
        }
        Mixture::Gaussians { distance } | Mixture::Exact { distance } => {
            let x = Array2::from_shape_fn((n, 2), |(item, _)| {
                normal(&mut rng) + if positive[item] { distance / 2f64.sqrt() } else { 0.0 }
            });
            let scores = if matches!(mixture, Mixture::Exact { .. }) {
                let score = |x: &[f64]| {
                    let odds =
                        pi / (1.0 - pi) * (distance * (x[0] + x[1]) / 2f64.sqrt() - distance * distance / 2.0).exp();
                    c * odds / (1.0 + odds)
                };
                x.rows().into_iter().map(|row| score(&row.to_vec())).collect()
            } else {
                cross_fitted(&x, &labelled)
            };
            let mut features = x;
            for mut column in features.columns_mut() {
                let low = column.iter().copied().fold(f64::INFINITY, f64::min);
                let high = column.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                column.mapv_inplace(|v| (v - low) / (high - low));
            }
            Draw {
                scored: Sample::from_scores(&scores, &labelled).unwrap(),
                featured: Sample::from_features(features, &labelled).unwrap(),
            }
        }
    }
}

/// Returns out-of-fold probabilities of a logistic regression, with 5 folds by index (items are in random order).
fn cross_fitted(x: &Array2<f64>, labelled: &[bool]) -> Vec<f64> {
    let folds: Vec<[f64; 3]> = (0..5).map(|fold| fit(x, labelled, fold)).collect();
    (0..labelled.len()).map(|item| probability(&folds[item % 5], x, item)).collect()
}

fn probability(w: &[f64; 3], x: &Array2<f64>, item: usize) -> f64 {
    1.0 / (1.0 + (-(w[0] * x[[item, 0]] + w[1] * x[[item, 1]] + w[2])).exp())
}

/// Fits a logistic regression to the items outside the fold by Newton's method, with a ridge of 1e-3.
fn fit(x: &Array2<f64>, labelled: &[bool], fold: usize) -> [f64; 3] {
    let mut w = [0.0; 3];
    for _ in 0..15 {
        let mut g = w.map(|w| -1e-3 * w);
        let mut h = [[1e-3, 0.0, 0.0], [0.0, 1e-3, 0.0], [0.0, 0.0, 1e-3]];
        for item in (0..labelled.len()).filter(|item| item % 5 != fold) {
            let row = [x[[item, 0]], x[[item, 1]], 1.0];
            let p = probability(&w, x, item);
            let y = if labelled[item] { 1.0 } else { 0.0 };
            for k in 0..3 {
                g[k] += (y - p) * row[k];
                for l in 0..3 {
                    h[k][l] += p * (1.0 - p) * row[k] * row[l];
                }
            }
        }
        let step = solve(h, g);
        for k in 0..3 {
            w[k] += step[k];
        }
    }
    w
}

/// Solves a linear system by Cramer's rule.
fn solve(h: [[f64; 3]; 3], g: [f64; 3]) -> [f64; 3] {
    let det = |m: &[[f64; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1]) - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let determinant = det(&h);
    std::array::from_fn(|k| {
        let mut m = h;
        for row in 0..3 {
            m[row][k] = g[row];
        }
        det(&m) / determinant
    })
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    (-2.0 * u.ln()).sqrt() * (2.0 * std::f64::consts::PI * v).cos()
}

/// Draws from a beta distribution with whole parameters, from two sums of exponentials.
fn beta(rng: &mut ChaCha8Rng, a: usize, b: usize) -> f64 {
    let mut gamma = |k: usize| (0..k).map(|_| -(1.0 - rng.random::<f64>()).ln()).sum::<f64>();
    let (x, y) = (gamma(a), gamma(b));
    x / (x + y)
}
