//! Invalid tensors and settings.

mod common;

use burn::tensor::Tensor;
use rere_loss::{Bce, Cpu, Groups, Loss, LossError, NnPu, Reference};

use common::device;

fn zeros<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::zeros(shape, &device())
}

#[test]
fn tensors_that_do_not_match_are_errors() {
    let error = Groups::try_new(&[1], zeros([2, 3]), zeros([2, 4])).map(drop).expect_err("targets");
    let differ = |name, other: [usize; 2]| LossError::ShapesDiffer { name, logits: vec![2, 3], other: other.to_vec() };
    assert_eq!(error, differ("targets", [2, 4]));
    assert_eq!(error.to_string(), "logits have the shape [2, 3], targets [2, 4]: they must be equal");
    let groups = || Groups::new(&[1], zeros([2, 3]), zeros([2, 3]));
    let error = groups().try_with_mask(zeros([3, 2]).bool()).map(drop).expect_err("mask");
    assert_eq!(error, differ("mask", [3, 2]));
    for axes in [&[2][..], &[0, 0], &[1, 7]] {
        let error = Groups::try_new(axes, zeros([2, 3]), zeros([2, 3])).map(drop).expect_err("axes");
        assert!(matches!(error, LossError::Axes { rank: 2, .. }), "{error}");
    }
    for (axes, shape) in [(&[][..], [2, 3]), (&[1], [2, 0]), (&[0, 1], [0, 3])] {
        let error = Groups::try_new(axes, zeros(shape), zeros(shape)).map(drop).expect_err("no elements");
        assert!(matches!(error, LossError::EmptyGroup { .. }), "{error}");
    }
    for axis in [1, 2] {
        let error = groups().try_with_classes(axis).map(drop).expect_err("a class axis");
        assert!(matches!(error, LossError::ClassAxis { .. }), "{error}");
    }
}

#[test]
fn a_batch_without_groups_has_no_loss() {
    let loss = Cpu::new(0.1, 0.1).expect("valid").forward(&Groups::new(&[1], zeros([0, 3]), zeros([0, 3])));
    assert_eq!(loss.mean().into_scalar::<f32>(), 0.0);
}

#[test]
#[should_panic(expected = "[2, 3], targets [3, 2]")]
fn new_panics_with_both_shapes() {
    Groups::new(&[1], zeros([2, 3]), zeros([3, 2]));
}

#[test]
#[should_panic(expected = "have different numbers of classes")]
fn another_number_of_classes_panics() {
    let groups = Groups::new(&[0], zeros([8, 3]), zeros([8, 3])).with_classes(1);
    NnPu::new(vec![0.1; 4]).expect("valid").forward(&groups);
}

#[test]
fn invalid_values_are_found() {
    let with = |logit: f32, target: f32| {
        let logits = Tensor::<2>::from_floats([[0.0, 1.0], [logit, 2.0]], &device());
        let targets = Tensor::<2>::from_floats([[0.0, 1.0], [0.0, target]], &device());
        Groups::new(&[1], logits, targets)
    };
    assert_eq!(with(0.0, 0.5).check(), Ok(()));
    let error = with(f32::NAN, 0.0).check().expect_err("NaN");
    assert!(matches!(error, LossError::InvalidLogit { position: 2, .. }), "{error}");
    assert_eq!(error.to_string(), "logit NaN at position 2 (row by row): it must be finite");
    let error = with(0.0, 1.5).check().expect_err("a target over 1");
    assert_eq!(error, LossError::InvalidTarget { value: 1.5, position: 3 });
    assert_eq!(error.to_string(), "target 1.5 at position 3 (row by row): it must be in [0, 1]");
    // Masked values may be anything.
    let mask = Tensor::<2>::from_floats([[1.0, 1.0], [0.0, 1.0]], &device()).bool();
    assert_eq!(with(f32::NAN, 0.0).with_mask(mask).check(), Ok(()));

    assert!(Bce::new().value_and_gradient(&[0.0], &[0.0, 1.0], 0).is_err());
    assert!(Bce::new().value_and_gradient(&[f64::NAN], &[0.0], 0).is_err());
    assert!(Bce::new().value_and_gradient(&[0.0], &[-1.0], 0).is_err());
    assert_eq!(Bce::new().value_and_gradient(&[], &[], 0), Ok((0.0, vec![])));
}

#[test]
fn priors_need_positives_and_others() {
    let groups = |targets: [[f32; 2]; 2]| Groups::new(&[1], zeros([2, 2]), Tensor::from_floats(targets, &device()));
    assert!(matches!(Cpu::from_targets(&groups([[0.0; 2]; 2]), 0.0, 0.1), Err(LossError::NoPrior { .. })));
    assert!(matches!(Cpu::from_targets(&groups([[1.0; 2]; 2]), 0.0, 0.1), Err(LossError::NoPrior { .. })));
    let loss = Cpu::from_targets(&groups([[1.0, 0.0], [0.0, 0.0]]), 0.5, 0.1).expect("valid");
    assert_eq!(loss.mu(), &rere_loss::PerClass::All(0.25 * 1.5));
}
