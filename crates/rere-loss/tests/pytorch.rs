//! Comparison of values and gradients with float64 PyTorch. `tests/reference/losses.py` wrote the expected numbers.

mod common;

use burn::tensor::{Device, Tensor, TensorData};
use rere_loss::{
    Asymmetric, Bce, Cpu, CpuVariant, Dice, Focal, Groups, Loss, LossError, NnPu, PerClass, Reference, Sampling, SsrPu,
    Surrogate, Upu,
};
use serde::Deserialize;

use common::device;

#[derive(Deserialize)]
struct Case {
    name: String,
    loss: Settings,
    classes: Option<usize>,
    logits: Vec<Vec<f64>>,
    targets: Vec<Vec<f64>>,
    mask: Vec<Vec<f64>>,
    each: Vec<f64>,
    mean: f64,
    gradient: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
#[serde(tag = "name", rename_all = "kebab-case")]
enum Settings {
    Bce { positive_weight: Number },
    Focal { gamma: f64, alpha: Number },
    Asymmetric { gamma_positive: f64, gamma_negative: f64, margin: f64 },
    Dice { smoothing: f64 },
    Cpu { variant: String, mu: Number, gamma: Number },
    Upu { prior: Number, surrogate: String, margin: Option<f64>, sampling: String },
    Nnpu { prior: Number, surrogate: String, margin: Option<f64>, sampling: String, beta: f64, step_size: f64 },
    SsrPu { prior: Number, labelled: Number, margin: f64 },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    One(f64),
    Each(Vec<f64>),
}

impl From<Number> for PerClass {
    fn from(number: Number) -> Self {
        match number {
            Number::One(value) => Self::All(value),
            Number::Each(values) => Self::Each(values),
        }
    }
}

/// A loss on tensors and on slices.
trait Both: Loss + Reference {}
impl<L: Loss + Reference> Both for L {}

fn surrogate(name: &str, margin: Option<f64>) -> Surrogate {
    match name {
        "sigmoid" => Surrogate::Sigmoid,
        "logistic" => Surrogate::Logistic,
        "squared" => Surrogate::Squared { margin: margin.expect("a margin") },
        _ => panic!("{name}"),
    }
}

fn sampling(name: &str) -> Sampling {
    match name {
        "one-sample" => Sampling::OneSample,
        "case-control" => Sampling::CaseControl,
        _ => panic!("{name}"),
    }
}

fn build(settings: Settings) -> Result<Box<dyn Both>, LossError> {
    Ok(match settings {
        Settings::Bce { positive_weight } => Box::new(Bce::with_positive_weight(positive_weight)?),
        Settings::Focal { gamma, alpha } => Box::new(Focal::new(gamma, alpha)?),
        Settings::Asymmetric { gamma_positive, gamma_negative, margin } => {
            Box::new(Asymmetric::new(gamma_positive, gamma_negative, margin)?)
        }
        Settings::Dice { smoothing } => Box::new(Dice::new(smoothing)?),
        Settings::Cpu { variant, mu, gamma } => {
            let variant = if variant == "paper" { CpuVariant::Paper } else { CpuVariant::Group };
            Box::new(Cpu::new(mu, gamma)?.with_variant(variant))
        }
        Settings::Upu { prior, surrogate: name, margin, sampling: from } => {
            Box::new(Upu::new(prior)?.with_surrogate(surrogate(&name, margin)).with_sampling(sampling(&from)))
        }
        Settings::Nnpu { prior, surrogate: name, margin, sampling: from, beta, step_size } => Box::new(
            NnPu::new(prior)?
                .with_surrogate(surrogate(&name, margin))
                .with_sampling(sampling(&from))
                .with_correction(beta, step_size)?,
        ),
        Settings::SsrPu { prior, labelled, margin } => Box::new(SsrPu::new(prior, labelled)?.with_margin(margin)),
    })
}

fn tensor(rows: &[Vec<f64>], device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(rows.concat(), [rows.len(), rows[0].len()]), device)
}

/// f32 tensors equal float64 PyTorch. The error is relative to the largest number of a case, because a sum of large
/// terms can be small.
#[test]
fn tensors_equal_pytorch() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("reference/losses.json")).expect("recorded cases");
    assert!(cases.len() >= 40);
    let device = device().autodiff();
    for case in cases {
        let loss = build(case.loss).expect("valid settings");
        let logits = tensor(&case.logits, &device).require_grad();
        let [rows, labels] = logits.dims();
        let classes = case.classes.unwrap_or(1);
        // Groups alternate between the classes: as axes, [groups of a class, classes, labels].
        let split = |tensor: Tensor<2>| tensor.reshape([rows / classes, classes, labels]);
        let mut groups = Groups::new(&[2], split(logits.clone()), split(tensor(&case.targets, &device)))
            .with_mask(split(tensor(&case.mask, &device)).bool());
        if case.classes.is_some() {
            groups = groups.with_classes(1);
        }
        let losses = loss.forward(&groups);
        close(
            &format!("{}: losses of groups", case.name),
            losses.clone().per_group().into_data().iter::<f32>(),
            &case.each,
        );
        let mean = losses.mean();
        let gradient = logits.grad(&mean.backward()).expect("logits are part of the loss");
        close(&format!("{}: mean", case.name), mean.into_data().iter::<f32>(), &[case.mean]);
        close(&format!("{}: gradient", case.name), gradient.into_data().iter::<f32>(), &case.gradient.concat());
    }
}

fn close(name: &str, ours: impl IntoIterator<Item = f32>, theirs: &[f64]) {
    let scale = theirs.iter().fold(1e-6, |largest: f64, value| largest.max(value.abs()));
    let ours: Vec<f32> = ours.into_iter().collect();
    assert_eq!(ours.len(), theirs.len(), "{name}");
    for (i, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let difference = (f64::from(*ours) - theirs).abs();
        assert!(difference <= 1e-5 * scale, "{name}: element {i} is {ours}, PyTorch has {theirs}");
    }
}

/// The float64 reference equals float64 PyTorch.
#[test]
fn the_reference_equals_pytorch() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("reference/losses.json")).expect("recorded cases");
    for case in cases {
        let loss = build(case.loss).expect("valid settings");
        for (row, expected) in case.each.iter().enumerate() {
            let kept = |values: &[Vec<f64>]| -> Vec<f64> {
                let marked = values[row].iter().zip(&case.mask[row]);
                marked.filter(|(_, mask)| **mask == 1.0).map(|(value, _)| *value).collect()
            };
            let class = row % case.classes.unwrap_or(1);
            let (value, _) =
                loss.value_and_gradient(&kept(&case.logits), &kept(&case.targets), class).expect("valid values");
            let difference = (value - expected).abs();
            assert!(
                difference <= 1e-6 * expected.abs().max(1.0),
                "{}, group {row}: {value}, not {expected}",
                case.name
            );
        }
    }
}
