//! One loss object trains the labels of every paradigm: the smallest possible model, a logit for each label, learns the
//! labels.

mod common;

use burn::{
    module::{Module, Param},
    optim::{AdamConfig, GradientsParams},
    tensor::{Tensor, TensorData},
};
use rere_loss::{Asymmetric, Bce, Cpu, Dice, Focal, Groups, Loss, NnPu};

use common::device;

#[derive(Module, Debug)]
struct Logits {
    all: Param<Tensor<2>>,
}

/// Shape of the logits, axes of a group, and positions of the labelled positives, row by row.
struct Layout {
    name: &'static str,
    shape: Vec<usize>,
    axes: &'static [usize],
    positives: Vec<usize>,
}

fn layouts() -> Vec<Layout> {
    let (sentences, tokens, relations) = (3, 6, 5);
    let position = |shape: &[usize], index: &[usize]| shape.iter().zip(index).fold(0, |at, (size, i)| at * size + i);
    let layout = |name, shape: Vec<usize>, axes, indices: &[&[usize]]| {
        let positives = indices.iter().map(|index| position(&shape, index)).collect();
        Layout { name, shape, axes, positives }
    };
    vec![
        layout("P1: relations of entity pairs", vec![7, relations], &[1], &[&[0, 3], &[2, 1], &[6, 4]]),
        layout("P1: entity pairs of a relation", vec![7, relations], &[0], &[&[0, 3], &[2, 1], &[6, 4]]),
        layout("CasRel: subjects", vec![sentences, tokens, 2], &[1], &[&[0, 1, 0], &[0, 2, 1], &[2, 5, 0], &[2, 5, 1]]),
        layout(
            "CasRel: objects",
            vec![sentences, tokens, relations, 2],
            &[1, 2],
            &[&[0, 4, 2, 0], &[0, 5, 2, 1], &[1, 0, 0, 0], &[1, 0, 0, 1]],
        ),
        layout(
            "TPLinker: handshaking tags",
            vec![sentences, tokens * (tokens + 1) / 2, relations],
            &[1],
            &[&[0, 7, 1], &[1, 20, 4]],
        ),
        layout("P3: relations of a sentence", vec![sentences, relations], &[1], &[&[0, 1], &[0, 2], &[2, 4]]),
        layout(
            "P3: pointers",
            vec![sentences, tokens, 4],
            &[1],
            &[&[0, 0, 0], &[0, 1, 1], &[0, 3, 2], &[0, 3, 3], &[1, 2, 0], &[1, 2, 1]],
        ),
    ]
}

/// Trains the logits of a layout and returns their values.
fn train(layout: &Layout, loss: &dyn Loss) -> Vec<f32> {
    let device = device().autodiff();
    let labels: usize = layout.shape.iter().product();
    let mut targets = vec![0.0f32; labels];
    layout.positives.iter().for_each(|&at| targets[at] = 1.0);
    let mut model = Logits { all: Param::from_tensor(Tensor::zeros([1, labels], &device)) };
    let mut adam = AdamConfig::new().init();
    for _ in 0..150 {
        let logits = model.all.val();
        let groups = match *layout.shape.as_slice() {
            [a, b] => groups(layout, logits, &targets, [a, b]),
            [a, b, c] => groups(layout, logits, &targets, [a, b, c]),
            [a, b, c, d] => groups(layout, logits, &targets, [a, b, c, d]),
            _ => panic!("no paradigm has that many axes"),
        };
        let gradients = GradientsParams::from_grads(loss.forward(&groups).mean().backward(), &model);
        model = adam.step(0.1, model, gradients);
    }
    model.all.val().into_data().iter::<f32>().collect()
}

fn groups<const D: usize>(layout: &Layout, logits: Tensor<2>, targets: &[f32], shape: [usize; D]) -> Groups {
    let targets = Tensor::<D>::from_data(TensorData::new(targets.to_vec(), shape), &logits.device());
    Groups::new(layout.axes, logits.reshape(shape), targets)
}

#[test]
fn every_loss_learns_the_labels_of_every_paradigm() {
    let losses: Vec<(&str, Box<dyn Loss>)> = vec![
        ("BCE", Box::new(Bce::new())),
        ("focal", Box::new(Focal::new(2.0, 0.5).expect("valid"))),
        ("asymmetric", Box::new(Asymmetric::default())),
        ("dice", Box::new(Dice::default())),
        ("cPU", Box::new(Cpu::new(0.02, 0.5).expect("valid"))),
        ("nnPU", Box::new(NnPu::new(0.3).expect("valid"))),
    ];
    for (name, loss) in &losses {
        for layout in layouts() {
            let logits = train(&layout, loss.as_ref());
            let logits_of = |positive: bool| {
                let chosen = logits.iter().enumerate().filter(|(at, _)| layout.positives.contains(at) == positive);
                chosen.map(|(_, logit)| *logit).collect::<Vec<f32>>()
            };
            let lowest = logits_of(true).into_iter().fold(f32::INFINITY, f32::min);
            let highest = logits_of(false).into_iter().fold(f32::NEG_INFINITY, f32::max);
            assert!(lowest > highest, "{name}, {}: a positive has {lowest}, another label {highest}", layout.name);
        }
    }
}

/// Groups by axes are the groups that nested loops would make.
#[test]
fn axes_give_the_groups_of_loops() {
    let device = device();
    let [sentences, tokens, relations] = [2usize, 3, 4];
    let numbers: Vec<f32> = (0..sentences * tokens * relations).map(|i| i as f32 / 10.0 - 1.0).collect();
    let shape = [sentences, tokens, relations];
    let logits = Tensor::<3>::from_data(TensorData::new(numbers.clone(), shape), &device);
    let at = |s: usize, t: usize, r: usize| numbers[(s * tokens + t) * relations + r];
    let rows = |axes: &[usize]| -> Vec<f32> {
        let groups = Groups::new(axes, logits.clone(), Tensor::zeros(shape, &device));
        groups.logits().into_data().iter::<f32>().collect()
    };
    let mut tokens_of_a_relation = Vec::new();
    let mut sentences_of_a_label = Vec::new();
    for s in 0..sentences {
        for r in 0..relations {
            tokens_of_a_relation.extend((0..tokens).map(|t| at(s, t, r)));
        }
    }
    for t in 0..tokens {
        for r in 0..relations {
            sentences_of_a_label.extend((0..sentences).map(|s| at(s, t, r)));
        }
    }
    assert_eq!(rows(&[1]), tokens_of_a_relation);
    assert_eq!(rows(&[0]), sentences_of_a_label);
    assert_eq!(rows(&[2, 1]), numbers);
    assert_eq!(rows(&[2]), numbers);
    let groups = Groups::new(&[0], logits.clone(), Tensor::zeros(shape, &device)).with_classes(2);
    let classes: Vec<usize> = (0..groups.rows()).map(|row| groups.class_of(row)).collect();
    assert_eq!(classes, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
    let groups = Groups::new(&[2], logits, Tensor::zeros(shape, &device)).with_classes(0);
    let classes: Vec<usize> = (0..groups.rows()).map(|row| groups.class_of(row)).collect();
    assert_eq!(classes, [0, 0, 0, 1, 1, 1]);
}
