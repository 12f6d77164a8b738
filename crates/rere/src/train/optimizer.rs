//! The optimizer: AdamW without decay of biases and layer norms, the learning rate schedule, and gradient clipping.

use burn::{
    module::{Module, ModuleVisitor, Param, ParamGroup},
    optim::{AdamWConfig, GradientsParams, ModuleOptimizer},
    tensor::Tensor,
};

/// Creates AdamW (0.9, 0.999, eps 1e-6) with decoupled weight decay of matrices only.
pub(crate) fn adamw(weight_decay: f64) -> ModuleOptimizer {
    let config = AdamWConfig::new().with_epsilon(1e-6);
    let undecayed = ParamGroup::from_any_predicates(vec![".bias", ".gamma", ".beta"]);
    config.clone().with_weight_decay(weight_decay as f32).init().with_group(
        undecayed,
        config.with_weight_decay(0.0).build(),
        None,
    )
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

/// Scales all gradients down if their common norm is above `largest`.
pub(crate) fn clip<M: Module>(mut gradients: GradientsParams, model: &M, largest: f64) -> GradientsParams {
    let mut norm = SquaredNorm { gradients: &gradients, sum: None };
    model.visit(&mut norm);
    // The scale stays a tensor, so that the device need not be synchronised.
    if let Some(sum) = norm.sum {
        let scale = sum.sqrt().add_scalar(1e-12).recip().mul_scalar(largest).clamp_max(1.0);
        model.visit(&mut Scale { gradients: &mut gradients, scale });
    }
    gradients
}

struct SquaredNorm<'a> {
    gradients: &'a GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for SquaredNorm<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            let square = gradient.square().sum();
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + square,
                None => square,
            });
        }
    }
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    scale: Tensor<1>,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients.register(param.id, gradient * self.scale.clone().reshape([1; D]));
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::{
        nn::{LayerNormConfig, Linear, LinearConfig},
        tensor::Device,
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
    fn clipping_uses_the_norm_of_all_gradients() {
        let model = model();
        // 4 + 2 + 2 + 2 elements of value 3 have the norm 3 sqrt(10).
        let clipped = clip(gradients(&model, 3.0), &model, 1.0);
        let weight = clipped.get::<2>(model.linear.weight.id).expect("a gradient");
        for value in values(weight) {
            assert!((value - 1.0 / 10f32.sqrt()).abs() < 1e-6, "{value}");
        }
        let small = clip(gradients(&model, 0.01), &model, 1.0);
        assert_eq!(values(small.get::<1>(model.norm.gamma.id).expect("a gradient")), [0.01; 2]);
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
