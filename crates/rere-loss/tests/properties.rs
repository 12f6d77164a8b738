//! Properties of every loss: it equals the float64 reference, is finite everywhere, ignores masked labels, and does not
//! depend on the order of labels or on the splitting of a batch.

mod common;

use burn::tensor::{DType, Device, FloatDType, Tensor, TensorData};
use proptest::prelude::*;
use rere_loss::{
    Asymmetric, Bce, Cpu, CpuVariant, Dice, Focal, Groups, Loss, LossError, NnPu, Reference, SsrPu, Surrogate, Upu,
};

use common::device;

trait Both: Loss + Reference {}
impl<L: Loss + Reference> Both for L {}

/// Name and mu of cPU as printed in the paper. Its values need another tolerance.
const PAPER: &str = "cPU, paper";
const PAPER_MU: f64 = 0.3;

/// Returns every loss, in several settings.
fn losses() -> Vec<(&'static str, Box<dyn Both>)> {
    fn boxed<L: Both + 'static>(loss: Result<L, LossError>) -> Box<dyn Both> {
        Box::new(loss.expect("valid settings"))
    }
    let corrected = |loss: Result<NnPu, LossError>| loss?.with_correction(0.1, 0.5);
    vec![
        ("BCE", boxed(Ok(Bce::new()))),
        ("BCE, weight 3", boxed(Bce::with_positive_weight(3.0))),
        ("focal", boxed(Focal::new(2.0, 0.25))),
        ("focal, gamma 0.5", boxed(Focal::new(0.5, 0.5))),
        ("asymmetric", boxed(Ok(Asymmetric::default()))),
        ("asymmetric, no margin", boxed(Asymmetric::new(1.0, 0.5, 0.0))),
        ("dice", boxed(Ok(Dice::default()))),
        ("cPU", boxed(Cpu::new(0.1, 0.04))),
        (PAPER, boxed(Cpu::new(PAPER_MU, 0.5).map(|loss| loss.with_variant(CpuVariant::Paper)))),
        ("uPU", boxed(Upu::new(0.2))),
        ("uPU, squared", boxed(Upu::new(0.2).map(|loss| loss.with_surrogate(Surrogate::Squared { margin: 1.0 })))),
        ("nnPU", boxed(NnPu::new(0.3))),
        ("nnPU, never corrected", boxed(NnPu::new(0.3).and_then(|loss| loss.with_correction(1e6, 1.0)))),
        ("nnPU, sigmoid", boxed(corrected(NnPu::new(0.3).map(|loss| loss.with_surrogate(Surrogate::Sigmoid))))),
        ("SSR-PU", boxed(SsrPu::new(0.3, 0.1))),
    ]
}

/// Rows of logits, targets and a mask.
#[derive(Debug, Clone)]
struct Rows {
    width: usize,
    logits: Vec<f64>,
    targets: Vec<f64>,
    mask: Vec<bool>,
}

impl Rows {
    fn height(&self) -> usize {
        self.logits.len() / self.width
    }

    fn tensor(&self, values: &[f64], device: &Device) -> Tensor<2> {
        Tensor::from_data(TensorData::new(values.to_vec(), [self.height(), self.width]), device)
    }

    fn groups(&self, logits: Tensor<2>) -> Groups {
        let device = logits.device();
        let mask: Vec<f64> = self.mask.iter().map(|mask| f64::from(u8::from(*mask))).collect();
        Groups::new(&[1], logits, self.tensor(&self.targets, &device)).with_mask(self.tensor(&mask, &device).bool())
    }

    /// Computes the losses of the groups, and the gradient of their sum.
    fn run(&self, loss: &dyn Both, device: &Device) -> (Vec<f64>, Vec<f64>) {
        let logits = self.tensor(&self.logits, device).require_grad();
        let each = loss.forward(&self.groups(logits.clone())).per_group();
        let gradient = logits.grad(&each.clone().sum().backward()).expect("part of the loss");
        (each.into_data().iter::<f64>().collect(), gradient.into_data().iter::<f64>().collect())
    }

    /// Computes the same by the reference.
    fn expected(&self, loss: &dyn Both) -> (Vec<f64>, Vec<f64>) {
        let mut each = Vec::new();
        let mut gradients = vec![0.0; self.logits.len()];
        for row in 0..self.height() {
            let kept: Vec<usize> = (row * self.width..(row + 1) * self.width).filter(|&i| self.mask[i]).collect();
            let unmasked = |values: &[f64]| -> Vec<f64> { kept.iter().map(|&i| values[i]).collect() };
            let (value, gradient) =
                loss.value_and_gradient(&unmasked(&self.logits), &unmasked(&self.targets), 0).expect("valid values");
            each.push(value);
            kept.iter().zip(gradient).for_each(|(&i, gradient)| gradients[i] = gradient);
        }
        (each, gradients)
    }

    /// Returns the largest possible size of a gradient's terms. Those of a risk are losses of labels, of both signs;
    /// the squared loss is the largest.
    fn gradient_terms(&self, name: &str) -> f64 {
        let largest = self.logits.iter().fold(1.0, |largest: f64, logit| largest.max(logit.abs()));
        if ["uPU", "nnPU", "SSR-PU"].iter().any(|risk| name.starts_with(risk)) {
            (largest + 1.0).powi(2) / 4.0
        } else {
            1.0
        }
    }

    /// Returns the largest possible size of a value's terms: that of its gradient, except for cPU as printed in the
    /// paper.
    ///
    /// Its value is `-n ln(1 - |mean - mu|)` for n labels, about `n |mean - mu|` if the mean is near mu. The difference
    /// is then small and keeps the absolute error of the mean, which f32 cannot avoid: probabilities near 1 are
    /// multiples of 2^-24. Each result is off by at most one rounding, half of epsilon, in each of n - 1 sums, one
    /// quotient, about three operations for each p, and mu. Two results are compared.
    fn value_terms(&self, name: &str) -> f64 {
        let n = self.width as f64;
        let cancelling = n * (n + 4.0) * PAPER_MU;
        let rounding = f64::from(f32::EPSILON) / (UNDER * TOLERANCE);
        if name == PAPER { rounding * cancelling } else { self.gradient_terms(name) }
    }

    /// Returns whether the gradient jumps near these logits: at `mean = mu`, or if the negative part of a risk is
    /// nearly too low. f32 may then be on the other side of the jump.
    fn jumps(&self, loss: &dyn Both) -> bool {
        let at = |step: f64| {
            let logits = self.logits.iter().map(|logit| logit + step).collect();
            Rows { logits, ..self.clone() }.expected(loss).1
        };
        at(1e-4).iter().zip(at(-1e-4)).any(|(over, under)| (over - under).abs() > 1e-3)
    }

    fn rows(&self, rows: &[usize]) -> Self {
        fn pick<T: Copy>(values: &[T], rows: &[usize], width: usize) -> Vec<T> {
            rows.iter().flat_map(|row| values[row * width..(row + 1) * width].iter().copied()).collect()
        }
        Self {
            width: self.width,
            logits: pick(&self.logits, rows, self.width),
            targets: pick(&self.targets, rows, self.width),
            mask: pick(&self.mask, rows, self.width),
        }
    }
}

/// Logits are multiples of 1/64, so that f32 holds them.
fn rows() -> impl Strategy<Value = Rows> {
    (1usize..5, 1usize..12).prop_flat_map(|(height, width)| {
        let n = height * width;
        let logits = proptest::collection::vec((-640i32..640).prop_map(|x| f64::from(x) / 64.0), n);
        let target = prop_oneof![5 => Just(0.0), 2 => Just(1.0), 1 => (1i32..64).prop_map(|y| f64::from(y) / 64.0)];
        let targets = proptest::collection::vec(target, n);
        let mask = proptest::collection::vec(prop_oneof![4 => Just(true), 1 => Just(false)], n);
        (logits, targets, mask).prop_map(move |(logits, targets, mask)| Rows { width, logits, targets, mask })
    })
}

/// The allowed error, relative to the largest number of its kind.
const TOLERANCE: f64 = 1e-5;
/// The share of the terms under which the allowed error is absolute.
const UNDER: f64 = 1e-2;

/// Asserts that numbers are equal up to an error relative to the largest of them. If they are under a hundredth of the
/// terms that make them up, because terms cancel, the error is absolute, about the resolution of f32 at these terms.
fn assert_close(name: &str, ours: &[f64], theirs: &[f64], terms: f64, tolerance: f64) {
    assert_eq!(ours.len(), theirs.len());
    // burn's kernels for GPUs compute the logarithm of 1 + x naively, and lose digits if x is small.
    let tolerance = if cfg!(any(feature = "cuda", feature = "wgpu")) { 10.0 * tolerance } else { tolerance };
    let scale = theirs.iter().fold(UNDER * terms, |largest: f64, value| largest.max(value.abs()));
    for (i, (a, b)) in ours.iter().zip(theirs).enumerate() {
        assert!((a - b).abs() <= tolerance * scale, "{name}: {a}, not {b} at {i} of {ours:?}, {theirs:?}");
    }
}

proptest! {
    #[test]
    fn equals_the_reference(rows in rows()) {
        let device = device().autodiff();
        for (name, loss) in losses() {
            let (each, gradient) = rows.run(loss.as_ref(), &device);
            let (expected_each, expected_gradient) = rows.expected(loss.as_ref());
            assert_close(name, &each, &expected_each, rows.value_terms(name), TOLERANCE);
            if !rows.jumps(loss.as_ref()) {
                assert_close(name, &gradient, &expected_gradient, rows.gradient_terms(name), TOLERANCE);
            }
        }
    }

    /// Holds only if the loss is smooth: not at a margin, not at `mean = mu`.
    #[test]
    fn the_reference_has_the_gradient_of_its_value(rows in rows()) {
        const STEP: f64 = 1e-5;
        for (name, loss) in losses() {
            // If the negative part is corrected, the gradient is by design not that of the value.
            if ["nnPU", "nnPU, sigmoid", "SSR-PU"].contains(&name) {
                continue;
            }
            for row in 0..rows.height() {
                let range = row * rows.width..(row + 1) * rows.width;
                let (logits, targets) = (&rows.logits[range.clone()], &rows.targets[range]);
                let value = |logits: &[f64]| loss.value_and_gradient(logits, targets, 0).expect("valid").0;
                let (_, gradient) = loss.value_and_gradient(logits, targets, 0).expect("valid");
                for i in 0..logits.len() {
                    let at = |step: f64| {
                        let mut logits = logits.to_vec();
                        logits[i] += step;
                        value(&logits)
                    };
                    let [far_under, under, over, far_over] = [-2.0, -1.0, 1.0, 2.0].map(|steps| at(steps * STEP));
                    let near = (over - under) / (2.0 * STEP);
                    let far = (far_over - far_under) / (4.0 * STEP);
                    // At a kink the two differ, and there is no gradient to compare with.
                    if (near - far).abs() < 1e-7 {
                        prop_assert!((near - gradient[i]).abs() < 1e-6, "{name}: {near}, not {}", gradient[i]);
                    }
                }
            }
        }
    }

    #[test]
    fn order_padding_and_splitting_change_nothing(
        (rows, order) in rows().prop_flat_map(|rows| {
            let order: Vec<usize> = (0..rows.width).collect();
            (Just(rows), Just(order).prop_shuffle())
        }),
        noise in prop_oneof![Just(f64::NAN), Just(1e9), Just(-3.0), Just(f64::INFINITY)],
    ) {
        let device = device().autodiff();
        let height = rows.height();
        for (name, loss) in losses() {
            let (each, gradient) = rows.run(loss.as_ref(), &device);
            let (value_terms, gradient_terms) = (rows.value_terms(name), rows.gradient_terms(name));
            let smooth = !rows.jumps(loss.as_ref());

            let at = |row: usize, column: usize| row * rows.width + order[column];
            let permute = |values: &[f64]| -> Vec<f64> {
                (0..height).flat_map(|row| (0..rows.width).map(move |column| (row, column)))
                    .map(|(row, column)| values[at(row, column)]).collect()
            };
            let mask = (0..height * rows.width).map(|i| rows.mask[at(i / rows.width, i % rows.width)]).collect();
            let (logits, targets) = (permute(&rows.logits), permute(&rows.targets));
            let permuted = Rows { logits, targets, mask, ..rows.clone() };
            let (permuted_each, permuted_gradient) = permuted.run(loss.as_ref(), &device);
            assert_close(name, &permuted_each, &each, value_terms, TOLERANCE);
            if smooth {
                assert_close(name, &permuted_gradient, &permute(&gradient), gradient_terms, TOLERANCE);
            }

            let pad = |values: &[f64], with: f64| -> Vec<f64> {
                values.chunks(rows.width).flat_map(|row| row.iter().copied().chain([with, with])).collect()
            };
            let mask = rows.mask.chunks(rows.width).flat_map(|row| row.iter().copied().chain([false, false])).collect();
            let (logits, targets) = (pad(&rows.logits, noise), pad(&rows.targets, noise));
            let padded = Rows { width: rows.width + 2, logits, targets, mask };
            let (padded_each, padded_gradient) = padded.run(loss.as_ref(), &device);
            assert_close(name, &padded_each, &each, value_terms, TOLERANCE);
            if smooth {
                assert_close(name, &padded_gradient, &pad(&gradient, 0.0), gradient_terms, TOLERANCE);
            }

            let sum = |rows: &Rows| -> f64 {
                let logits = rows.tensor(&rows.logits, &device);
                f64::from(loss.forward(&rows.groups(logits)).sum().into_scalar::<f32>())
            };
            let (first, second): (Vec<usize>, Vec<usize>) = (0..height).partition(|row| row % 2 == 0);
            let parts = sum(&rows.rows(&first)) + if second.is_empty() { 0.0 } else { sum(&rows.rows(&second)) };
            assert_close(name, &[parts], &[sum(&rows)], value_terms, 10.0 * TOLERANCE);
        }
    }
}

/// Seven labels with a mean 0.003 over mu, in every order. Neighbouring f32 means differ by 1e-5 of the loss, and in
/// some orders the mean is two steps off.
#[test]
fn a_mean_near_mu_is_as_exact_as_f32_allows() {
    let logits = [-3.90625, -1.890625, -6.203125, 1.03125, -8.15625, -1.203125, 8.515625];
    let orders = orders(&logits);
    assert_eq!(orders.len(), 5040);
    let n = orders.len() * logits.len();
    let rows = Rows { width: 7, logits: orders.concat(), targets: vec![0.0; n], mask: vec![true; n] };
    let (_, loss) = losses().into_iter().find(|(name, _)| *name == PAPER).expect("one of the losses");
    let (each, gradient) = rows.run(loss.as_ref(), &device().autodiff());
    let (expected_each, expected_gradient) = rows.expected(loss.as_ref());
    assert!(!rows.jumps(loss.as_ref()));
    assert_close(PAPER, &each, &expected_each, rows.value_terms(PAPER), TOLERANCE);
    assert_close(PAPER, &gradient, &expected_gradient, rows.gradient_terms(PAPER), TOLERANCE);
}

/// Returns the values in every order.
fn orders(values: &[f64]) -> Vec<Vec<f64>> {
    if values.is_empty() {
        return vec![vec![]];
    }
    let starting_with = |first: usize| {
        let rest = [&values[..first], &values[first + 1..]].concat();
        orders(&rest).into_iter().map(move |order| [vec![values[first]], order].concat())
    };
    (0..values.len()).flat_map(starting_with).collect()
}

#[test]
fn finite_for_every_logit() {
    let device = device().autodiff();
    let logits = [-1e4, -100.0, -17.0, -1.0, 0.0, 1.0, 17.0, 100.0, 1e4];
    // Not every GPU has both f16 and bf16.
    let dtypes = [DType::F32, DType::F16, DType::BF16].into_iter().filter(|dtype| device.supports_dtype(*dtype));
    let dtypes: Vec<DType> = dtypes.collect();
    assert_eq!(dtypes[0], DType::F32);
    for (name, loss) in losses() {
        for &dtype in &dtypes {
            for (&a, &b) in logits.iter().flat_map(|a| logits.iter().map(move |b| (a, b))) {
                for targets in [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]] {
                    for (width, mask) in [(2, [1.0, 1.0]), (2, [0.0, 0.0]), (1, [1.0, 1.0]), (2, [1.0, 0.0])] {
                        let row = |values: [f64; 2]| {
                            let data = TensorData::new(values[..width].to_vec(), [1, width]);
                            Tensor::<2>::from_data(data, &device).cast(FloatDType::from(dtype))
                        };
                        let logits = row([a, b]).require_grad();
                        let groups = Groups::new(&[1], logits.clone(), row(targets)).with_mask(row(mask).bool());
                        let loss = loss.forward(&groups).mean();
                        let gradient = logits.grad(&loss.backward()).expect("part of the loss");
                        let values: Vec<f64> =
                            loss.into_data().iter::<f64>().chain(gradient.into_data().iter::<f64>()).collect();
                        let finite = values.iter().all(|value| value.is_finite());
                        assert!(finite, "{name}, {dtype:?}: logits {a} {b}, targets {targets:?}: {values:?}");
                        if mask == [0.0, 0.0] {
                            assert!(values.iter().all(|value| *value == 0.0), "{name}: {values:?}");
                        }
                    }
                }
            }
        }
    }
}
