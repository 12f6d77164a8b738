//! Values and gradients against a float64 PyTorch implementation: `tests/reference/losses.py` made the numbers.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use rere_loss::{Bce, Cpu, Loss};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    mu: f64,
    gamma: f64,
    logits: Vec<Vec<f32>>,
    targets: Vec<Vec<f32>>,
    mask: Vec<Vec<f32>>,
    group: Expected,
    bce: Expected,
}

#[derive(Deserialize)]
struct Expected {
    value: f64,
    gradient: Vec<Vec<f64>>,
}

fn tensor(rows: &[Vec<f32>], device: &Device) -> Tensor<2> {
    let shape = [rows.len(), rows[0].len()];
    Tensor::from_data(TensorData::new(rows.concat(), shape), device)
}

fn value_and_gradient(
    loss: &dyn Loss,
    logits: Tensor<2>,
    targets: Tensor<2>,
    mask: Tensor<2, Bool>,
) -> (f32, Vec<f32>) {
    let logits = logits.require_grad();
    let value = loss.forward(logits.clone(), targets, mask);
    let gradients = value.backward();
    let gradient = logits.grad(&gradients).expect("logits are part of the loss").into_data();
    (value.into_scalar(), gradient.try_to_vec().expect("f32"))
}

#[test]
fn equals_pytorch() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("reference/losses.json")).expect("recorded cases");
    assert!(cases.len() >= 10);
    let device = Device::flex().autodiff();
    for case in &cases {
        let cpu = Cpu::new(case.mu, case.gamma).expect("settings of the reference are valid");
        check(&format!("cPU, {}", case.name), &cpu, case, &case.group, &device);
        check(&format!("BCE, {}", case.name), &Bce, case, &case.bce, &device);
    }
}

fn check(name: &str, loss: &dyn Loss, case: &Case, expected: &Expected, device: &Device) {
    let (value, gradient) = value_and_gradient(
        loss,
        tensor(&case.logits, device),
        tensor(&case.targets, device),
        tensor(&case.mask, device).bool(),
    );
    let close = |ours: f32, theirs: f64| (f64::from(ours) - theirs).abs() <= 1e-7 + 1e-5 * theirs.abs();
    assert!(close(value, expected.value), "{name}: value {value}, PyTorch has {}", expected.value);
    assert_eq!(gradient.len(), expected.gradient.concat().len());
    for (i, (&ours, &theirs)) in gradient.iter().zip(expected.gradient.concat().iter()).enumerate() {
        assert!(close(ours, theirs), "{name}: gradient {i} is {ours}, PyTorch has {theirs}");
    }
}

#[test]
fn finite_for_every_logit() {
    let device = Device::flex().autodiff();
    let losses: [Box<dyn Loss>; 2] = [Box::new(Bce), Box::new(Cpu::new(0.1, 0.04).expect("valid"))];
    let logits = [-1e4, -100.0, -1.0, 0.0, 1.0, 100.0, 1e4];
    for loss in &losses {
        for target in [0.0, 1.0] {
            for &logit in &logits {
                for shape in [[1, 1], [2, 3]] {
                    for masked in [false, true] {
                        let (value, gradient) = value_and_gradient(
                            loss.as_ref(),
                            Tensor::full(shape, logit, &device),
                            Tensor::full(shape, target, &device),
                            Tensor::<2>::full(shape, if masked { 0.0 } else { 1.0 }, &device).bool(),
                        );
                        assert!(value.is_finite(), "logit {logit}, target {target}, masked {masked}: {value}");
                        assert!(
                            gradient.iter().all(|g| g.is_finite()),
                            "logit {logit}, target {target}, masked {masked}: {gradient:?}",
                        );
                        if masked {
                            assert_eq!(value, 0.0);
                            assert!(gradient.iter().all(|&g| g == 0.0));
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn masked_elements_change_nothing() {
    let device = Device::flex().autodiff();
    let losses: [Box<dyn Loss>; 2] = [Box::new(Bce), Box::new(Cpu::new(0.2, 0.04).expect("valid"))];
    for loss in &losses {
        let (value, gradient) = value_and_gradient(
            loss.as_ref(),
            Tensor::from_floats([[0.5, -1.0, 2.0]], &device),
            Tensor::from_floats([[1.0, 0.0, 0.0]], &device),
            Tensor::<2>::ones([1, 3], &device).bool(),
        );
        let (padded, padded_gradient) = value_and_gradient(
            loss.as_ref(),
            Tensor::from_floats([[0.5, -1.0, 2.0, f32::NAN, 1e9], [3.0; 5]], &device),
            Tensor::from_floats([[1.0, 0.0, 0.0, 1.0, 0.0], [0.0; 5]], &device),
            Tensor::<2>::from_floats([[1.0, 1.0, 1.0, 0.0, 0.0], [0.0; 5]], &device).bool(),
        );
        assert!((value - padded).abs() < 1e-6, "{value} became {padded}");
        assert_eq!(&padded_gradient[3..], &[0.0; 7]);
        for (a, b) in gradient.iter().zip(&padded_gradient) {
            assert!((a - b).abs() < 1e-6);
        }
    }
}

#[test]
#[should_panic(expected = "one shape, not [1, 2], [1, 3] and [1, 2]")]
fn shapes_that_differ_panic_with_all_of_them() {
    let device = Device::flex();
    Bce.forward(
        Tensor::zeros([1, 2], &device),
        Tensor::zeros([1, 3], &device),
        Tensor::<2>::ones([1, 2], &device).bool(),
    );
}
