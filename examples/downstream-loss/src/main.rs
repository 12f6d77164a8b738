//! Trains a model of burn with a loss of `rere-loss`.

use burn::{
    nn::LinearConfig,
    optim::{AdamConfig, GradientsParams},
    tensor::{Device, Distribution, Tensor},
};
use rere_loss::{Cpu, Groups, Loss, LossError};

fn main() -> Result<(), LossError> {
    let device = Device::flex().autodiff();
    device.seed(1);
    // 64 sentences with 16 features each, 12 relations.
    let features = Tensor::<2>::random([64, 16], Distribution::Normal(0.0, 1.0), &device);
    let targets = features.clone().narrow(1, 0, 12).greater_scalar(1.5).float();

    let loss = Cpu::from_targets(&Groups::new(&[1], targets.clone(), targets.clone()), 0.4, 0.5)?;
    let mut model = LinearConfig::new(16, 12).init(&device);
    let mut adam = AdamConfig::new().init();
    let mut values = Vec::new();
    for _ in 0..100 {
        let groups = Groups::new(&[1], model.forward(features.clone()), targets.clone());
        let mean = loss.forward(&groups).mean();
        let gradients = GradientsParams::from_grads(mean.backward(), &model);
        model = adam.step(0.05, model, gradients);
        values.push(mean.into_scalar::<f32>());
    }
    println!("loss {:.3} at the start, {:.3} after 100 steps", values[0], values[99]);
    assert!(values[99] < 0.7 * values[0], "the loss did not decrease");
    Ok(())
}
