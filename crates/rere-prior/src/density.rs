//! Kernel density estimates on a grid.

/// Number of grid points. A kernel of a hundredth of the range still spans several of them.
const POINTS: usize = 2048;

/// A Gaussian kernel density estimate on a grid, with linear interpolation between its points.
pub(crate) struct Density {
    start: f64,
    step: f64,
    values: Vec<f64>,
}

impl Density {
    /// Estimates the density of `values` on a grid from `low` to `high`, which must contain all values, `low < high`.
    ///
    /// `bandwidth` is the standard deviation of the kernel. It is at least one step of the grid.
    pub(crate) fn new(values: &[f64], bandwidth: f64, low: f64, high: f64) -> Self {
        let step = (high - low) / (POINTS - 1) as f64;
        let mut mass = vec![0.0; POINTS];
        for value in values {
            let position = (value - low) / step;
            let left = (position as usize).min(POINTS - 2);
            let right_share = position - left as f64;
            mass[left] += 1.0 - right_share;
            mass[left + 1] += right_share;
        }
        let width = (bandwidth / step).max(1.0);
        let radius = (4.0 * width).ceil() as usize;
        let kernel: Vec<f64> = (0..=radius).map(|k| (-0.5 * (k as f64 / width).powi(2)).exp()).collect();
        let area = (kernel[0] + 2.0 * kernel[1..].iter().sum::<f64>()) * step * values.len() as f64;
        let mut smooth = vec![0.0; POINTS];
        for (center, mass) in mass.into_iter().enumerate().filter(|(_, mass)| *mass > 0.0) {
            let first = center.saturating_sub(radius);
            for (point, value) in smooth.iter_mut().enumerate().take(center + radius + 1).skip(first) {
                *value += mass * kernel[point.abs_diff(center)] / area;
            }
        }
        Self { start: low, step, values: smooth }
    }

    /// Returns the density at `x`, which must be in the range of the grid.
    pub(crate) fn at(&self, x: f64) -> f64 {
        let position = (x - self.start) / self.step;
        let left = (position as usize).min(POINTS - 2);
        let right_share = position - left as f64;
        self.values[left] * (1.0 - right_share) + self.values[left + 1] * right_share
    }
}

/// Returns the population standard deviation.
pub(crate) fn standard_deviation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_is_the_sum_of_kernels() {
        let (values, h) = ([-1.0, 0.3, 0.35, 2.0], 0.4);
        let density = Density::new(&values, h, -4.0, 5.0);
        for x in [-2.0, -1.0, 0.0, 0.33, 1.2, 3.0] {
            let kernels = values.iter().map(|v: &f64| (-0.5 * ((x - v) / h).powi(2)).exp()).sum::<f64>();
            let exact = kernels / (values.len() as f64 * h * (2.0 * std::f64::consts::PI).sqrt());
            assert!((density.at(x) - exact).abs() < 1e-3, "{x}: {} and {exact}", density.at(x));
        }
    }

    #[test]
    fn equal_values_make_one_narrow_peak() {
        let density = Density::new(&[0.5; 10], 0.0, -0.5, 1.5);
        assert!(density.at(0.5).is_finite() && density.at(0.5) > 100.0);
        assert_eq!(density.at(0.6), 0.0);
    }
}
