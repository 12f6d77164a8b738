//! The optimizer: AdamW without decay of biases and layer norms, and the learning rate schedule.

use burn::{module::ParamGroup, optim::ModuleOptimizer};
use rere_model::AdamW;

/// Creates AdamW with decoupled weight decay of matrices only.
pub(crate) fn adamw(weight_decay: f64) -> ModuleOptimizer {
    let undecayed = ParamGroup::from_any_predicates(vec![".bias", ".gamma", ".beta"]);
    ModuleOptimizer::from(AdamW::new(weight_decay as f32)).with_group(undecayed, AdamW::new(0.0), None)
}

/// Returns the learning rate of a step (from 0): it rises linearly over the first tenth of the steps, then falls linearly to a
/// tenth of the highest. It depends only on the step, so checkpoints need not store it.
pub(crate) fn learning_rate(highest: f64, step: usize, steps: usize) -> f64 {
    let warmup = steps.div_ceil(10);
    if step < warmup {
        return highest * (step + 1) as f64 / warmup as f64;
    }
    let left = (steps - step) as f64 / (steps - warmup).max(1) as f64;
    highest * (0.1 + 0.9 * left)
}

#[cfg(test)]
mod tests {
    use burn::{
        module::Module,
        nn::{LayerNormConfig, Linear, LinearConfig},
        optim::GradientsParams,
        tensor::{Device, Tensor},
    };

    use super::*;

    #[derive(Module, Debug)]
    struct Model {
        linear: Linear,
        norm: burn::nn::LayerNorm,
    }

    fn model() -> Model {
        let device = Device::flex().autodiff();
        Model { linear: LinearConfig::new(2, 2).init(&device), norm: LayerNormConfig::new(2).init(&device) }
    }

    /// Gradients of the model that are `scale` for every element of every parameter.
    fn gradients(model: &Model, scale: f64) -> GradientsParams {
        let bias = model.linear.bias.as_ref().expect("a bias").val().sum();
        let beta = model.norm.beta.as_ref().expect("a bias").val().sum();
        let sum = model.linear.weight.val().sum() + bias + model.norm.gamma.val().sum() + beta;
        GradientsParams::from_grads(sum.mul_scalar(scale).backward(), model)
    }

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().try_to_vec().expect("f32")
    }

    #[test]
    fn the_learning_rate_rises_and_falls() {
        let rates: Vec<f64> = (0..20).map(|step| learning_rate(1.0, step, 20)).collect();
        assert_eq!(rates[..3], [0.5, 1.0, 1.0]);
        assert!(rates[2..].is_sorted_by(|a, b| a > b));
        assert!((learning_rate(1.0, 20, 20) - 0.1).abs() < 1e-12);
        assert_eq!(learning_rate(1.0, 0, 1), 1.0);
    }

    #[test]
    fn biases_and_norms_do_not_decay() {
        // With zero gradients, only decay changes parameters.
        let model = model();
        let before = (values(model.linear.weight.val()), values(model.norm.gamma.val()));
        let bias = values(model.linear.bias.as_ref().expect("a bias").val());
        let zero = gradients(&model, 0.0);
        let after = adamw(0.5).step(0.1, model, zero);
        for (a, b) in before.0.iter().zip(values(after.linear.weight.val())) {
            assert!((a * 0.95 - b).abs() < 1e-6, "{a} became {b}");
        }
        assert_eq!(before.1, values(after.norm.gamma.val()));
        assert_eq!(bias, values(after.linear.bias.as_ref().expect("a bias").val()));
    }
}
