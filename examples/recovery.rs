//! Compares how well losses recover missing labels, on a synthetic task with many labels of which half of the positives are hidden.
//!
//! ```text
//! cargo run --release --example recovery [-- PLOT.svg]
//! ```
//!
//! Each of 12 labels is true if the projection of 16 normal features on a random direction, plus noise, is large. Half of the
//! positives of the training and the development set lose their label: either all with the same probability, or with a probability
//! that rises from 5 % for the first label to 95 % for the last. A small network is trained with each loss. Micro F1 is measured
//! against all true labels of a test set, at the threshold 0.5 and at the best threshold on the development set with its missing
//! labels. The losses that need class priors get the true ones. Nothing else is tuned.

use std::{env, error::Error};

use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    optim::{AdamConfig, GradientsParams},
    tensor::{
        Device, Distribution, Tensor, TensorData,
        activation::{relu, sigmoid},
    },
};
use plotters::prelude::*;
use rere_core::Probability;
use rere_eval::{Score, best_threshold, counts_at};
use rere_loss::{Asymmetric, Bce, Cpu, Dice, Focal, Groups, Loss, LossError, NnPu, SsrPu, Surrogate, Upu};

const LABELS: usize = 12;
const FEATURES: usize = 16;
const SEEDS: u64 = 5;
const EPOCHS: usize = 30;
const BATCH: usize = 256;

/// Items with all true labels (`truth`) and with the remaining ones (`labels`).
struct Items {
    features: Tensor<2>,
    truth: Tensor<2>,
    labels: Tensor<2>,
}

/// A loss with the axis of its groups: 1 for the labels of an item, 0 for the items of a label.
struct Trial {
    name: &'static str,
    axes: &'static [usize],
    loss: Box<dyn Loss>,
}

fn trials(priors: &[f64], labelled: &[f64]) -> Result<Vec<Trial>, LossError> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (prior, share) = (mean(priors), mean(labelled));
    // The prior of cPU is the share of positives among the unlabelled labels.
    let mu = (prior - share) / (1.0 - share);
    let trial = |name, axes, loss: Box<dyn Loss>| Trial { name, axes, loss };
    Ok(vec![
        trial("BCE", &[1], Box::new(Bce::new())),
        trial("BCE, weight 2", &[1], Box::new(Bce::with_positive_weight(2.0)?)),
        trial("focal", &[1], Box::new(Focal::new(2.0, 0.25)?)),
        trial("asymmetric", &[1], Box::<Asymmetric>::default()),
        trial("dice", &[0], Box::<Dice>::default()),
        trial("cPU, items", &[1], Box::new(Cpu::new(mu, 0.5)?)),
        trial("cPU, labels", &[0], Box::new(Cpu::new(mu, 0.5)?)),
        trial("uPU", &[0], Box::new(Upu::new(priors.to_vec())?)),
        trial("nnPU", &[0], Box::new(NnPu::new(priors.to_vec())?)),
        trial("nnPU, sigmoid", &[0], Box::new(NnPu::new(priors.to_vec())?.with_surrogate(Surrogate::Sigmoid))),
        trial("SSR-PU", &[0], Box::new(SsrPu::new(priors.to_vec(), labelled.to_vec())?)),
    ])
}

#[derive(Module, Debug)]
struct Network {
    inner: Linear,
    outer: Linear,
}

impl Network {
    fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        self.outer.forward(relu(self.inner.forward(features)))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    println!(
        "micro F1 on all true labels, mean ± standard deviation over {SEEDS} seeds; half of the positive labels hidden"
    );
    for (name, hidden) in [("at random", [0.5, 0.5]), ("more of some labels", [0.05, 0.95])] {
        let rows = run(hidden)?;
        println!("\n{:<20} {:>15} {:>18}", name, "threshold 0.5", "threshold chosen");
        for (name, [half, chosen]) in &rows {
            println!("{name:<20} {:>8.1} ± {:>4.1} {:>11.1} ± {:>4.1}", half[0], half[1], chosen[0], chosen[1]);
        }
        if name == "at random"
            && let Some(path) = env::args().nth(1)
        {
            plot(&path, &rows)?;
        }
    }
    Ok(())
}

/// A loss with mean and standard deviation of F1 at the threshold 0.5 and at the chosen one.
type Row = (&'static str, [[f64; 2]; 2]);

/// Trains with each loss. `hidden` is the share of positives that lose their label, for the first label and for the last.
fn run(hidden: [f64; 2]) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut results: Vec<(&str, Vec<[Score; 2]>)> = Vec::new();
    for seed in 0..SEEDS {
        let device = Device::flex().autodiff();
        device.seed(seed);
        let directions = Tensor::<2>::random([FEATURES, LABELS], Distribution::Normal(0.0, 0.25), &device);
        let [train, dev, test] = [4000, 1000, 2000].map(|items| draw(items, &directions, hidden, &device));
        let shares = |labels: &Tensor<2>| labels.clone().mean_dim(0).into_data().iter::<f64>().collect::<Vec<_>>();
        for trial in trials(&shares(&train.truth), &shares(&train.labels))? {
            device.seed(100 + seed);
            let network = fit(&trial, &train, &device);
            let scored = |items: &Items, truth: &Tensor<2>| -> Vec<(f32, bool)> {
                let scores = sigmoid(network.forward(items.features.clone())).into_data();
                scores.iter::<f32>().zip(truth.to_data().iter::<f32>().map(|y| y > 0.5)).collect()
            };
            let dev = scored(&dev, &dev.labels);
            let labelled = dev.iter().filter(|(_, label)| *label).count();
            let (chosen, _) = best_threshold(dev, labelled).ok_or("nothing is scored")?;
            let test = scored(&test, &test.truth);
            let gold = test.iter().filter(|(_, gold)| *gold).count();
            let thresholds = [Probability::saturating(0.5), chosen];
            let scores = thresholds.map(|threshold| Score::from_counts(counts_at(&test, gold, threshold)));
            match results.iter_mut().find(|(name, _)| *name == trial.name) {
                Some((_, of_loss)) => of_loss.push(scores),
                None => results.push((trial.name, vec![scores])),
            }
        }
    }
    let of_kind = |scores: &[[Score; 2]], kind: usize| spread(scores.iter().map(|score| 100.0 * score[kind].f1));
    Ok(results.iter().map(|(name, scores)| (*name, [0, 1].map(|kind| of_kind(scores, kind)))).collect())
}

fn draw(items: usize, directions: &Tensor<2>, hidden: [f64; 2], device: &Device) -> Items {
    let features = Tensor::<2>::random([items, FEATURES], Distribution::Normal(0.0, 1.0), device);
    let noise = Tensor::<2>::random([items, LABELS], Distribution::Normal(0.0, 0.3), device);
    // A direction has a mean length of 1, so that the projection of about one item in six is above 1.
    let truth = (features.clone().matmul(directions.clone()) + noise).greater_scalar(1.0).float();
    let step = (hidden[1] - hidden[0]) / (LABELS - 1) as f64;
    let hidden: Vec<f64> = (0..LABELS).map(|label| hidden[0] + step * label as f64).collect();
    let hidden = Tensor::<2>::from_data(TensorData::new(hidden, [1, LABELS]), device).expand([items, LABELS]);
    let kept = Tensor::random([items, LABELS], Distribution::Uniform(0.0, 1.0), device).greater_equal(hidden);
    Items { features, labels: truth.clone() * kept.float(), truth }
}

fn fit(trial: &Trial, train: &Items, device: &Device) -> Network {
    let mut network = Network {
        inner: LinearConfig::new(FEATURES, 64).init(device),
        outer: LinearConfig::new(64, LABELS).init(device),
    };
    let mut adam = AdamConfig::new().init();
    let items = train.features.dims()[0];
    for _ in 0..EPOCHS {
        // Items are drawn independently, so they need no shuffling.
        for start in (0..items).step_by(BATCH) {
            let size = BATCH.min(items - start);
            let rows = |tensor: &Tensor<2>| tensor.clone().narrow(0, start, size);
            let groups = Groups::new(trial.axes, network.forward(rows(&train.features)), rows(&train.labels));
            // Settings per class need groups of the items of one label.
            let groups = if trial.axes == [0] { groups.with_classes(1) } else { groups };
            let gradients = GradientsParams::from_grads(trial.loss.forward(&groups).mean().backward(), &network);
            network = adam.step(5e-3, network, gradients);
        }
    }
    network
}

/// Returns mean and standard deviation.
fn spread(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let values: Vec<f64> = values.collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    [mean, (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0)).sqrt()]
}

/// Draws a pair of bars for each loss, with one standard deviation to either side.
fn plot(path: &str, rows: &[Row]) -> Result<(), Box<dyn Error>> {
    let colours = [RGBColor(120, 120, 120), RGBColor(30, 110, 180)];
    let root = SVGBackend::new(path, (860, 420)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("Micro F1 on all true labels; half of the labels hidden in training", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(52)
        .y_label_area_size(46)
        .build_cartesian_2d(0.0..rows.len() as f64, 0.0..100.0)?;
    let centre = |i: f64| i.floor() + 0.5;
    chart.configure_mesh().disable_x_mesh().x_labels(0).y_desc("F1").axis_desc_style(("sans-serif", 14)).draw()?;
    for (kind, colour) in colours.iter().enumerate() {
        let left = |i: usize| i as f64 + 0.14 + 0.37 * kind as f64;
        let bars = rows.iter().enumerate().map(|(i, (_, values))| {
            Rectangle::new([(left(i), 0.0), (left(i) + 0.35, values[kind][0])], colour.filled())
        });
        let name = ["threshold 0.5", "threshold chosen on the labels of the development set"][kind];
        let colour = *colour;
        chart
            .draw_series(bars)?
            .label(name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 10, y + 5)], colour.filled()));
        chart.draw_series(rows.iter().enumerate().map(|(i, (_, values))| {
            let [mean, deviation] = values[kind];
            let x = left(i) + 0.175;
            PathElement::new(vec![(x, mean - deviation), (x, mean + deviation)], BLACK.stroke_width(2))
        }))?;
    }
    for (i, (name, _)) in rows.iter().enumerate() {
        let (x, y) = chart.backend_coord(&(centre(i as f64), 0.0));
        let style = TextStyle::from(("sans-serif", 12).into_font()).pos(plotters::style::text_anchor::Pos::new(
            plotters::style::text_anchor::HPos::Center,
            plotters::style::text_anchor::VPos::Top,
        ));
        for (line, part) in name.split(", ").enumerate() {
            root.draw(&Text::new(part.to_owned(), (x, y + 8 + 14 * line as i32), style.clone()))?;
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .border_style(BLACK)
        .draw()?;
    root.present()?;
    Ok(())
}
