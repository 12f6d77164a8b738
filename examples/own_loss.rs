//! Training your own model with a loss of `rere-loss`. Only burn and `rere-loss` are needed.
//!
//! ```text
//! cargo run --release --example own_loss
//! ```
//!
//! Points in the plane have two labels, "right of 0" and "above 0", but half of the positive labels are missing. A linear model
//! is trained with binary cross-entropy and with non-negative PU learning.

use burn::{
    nn::{Linear, LinearConfig},
    optim::{AdamConfig, GradientsParams},
    tensor::{Device, Distribution, Tensor},
};
use rere_loss::{Bce, Groups, Loss, LossError, NnPu};

fn main() -> Result<(), LossError> {
    let device = Device::flex().autodiff();
    device.seed(1);
    let points = Tensor::<2>::random([2000, 2], Distribution::Normal(0.0, 1.0), &device);
    let truth = points.clone().greater_scalar(0.0).float();
    let labels = truth.clone() * Tensor::random([2000, 2], Distribution::Bernoulli(0.5), &device);

    // The class prior: each label is true for half of all points.
    let losses: [(&str, Box<dyn Loss>); 2] = [("BCE", Box::new(Bce::new())), ("nnPU", Box::new(NnPu::new(0.5)?))];
    for (name, loss) in losses {
        let model = train(LinearConfig::new(2, 2).init(&device), &points, &labels, loss.as_ref());
        let found = model.forward(points.clone()).greater_scalar(0.0).float();
        let true_positives = (found.clone() * truth.clone()).sum().into_scalar::<f32>();
        let found_and_gold = (found.sum() + truth.clone().sum()).into_scalar::<f32>();
        println!("{name:<5} F1 {:.1}", 200.0 * true_positives / found_and_gold);
    }
    Ok(())
}

fn train(mut model: Linear, points: &Tensor<2>, labels: &Tensor<2>, loss: &dyn Loss) -> Linear {
    let mut optimizer = AdamConfig::new().init();
    for _ in 0..200 {
        // A group is all points of a label: axis 0.
        let groups = Groups::new(&[0], model.forward(points.clone()), labels.clone());
        let gradients = GradientsParams::from_grads(loss.forward(&groups).mean().backward(), &model);
        model = optimizer.step(0.05, model, gradients);
    }
    model
}
