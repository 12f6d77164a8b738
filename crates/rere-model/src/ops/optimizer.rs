//! AdamW and gradient clipping, each as one pass over the parameters.
//!
//! burn composes them of operations on whole tensors, fifteen for AdamW, most of which write a new one. With small batches,
//! this takes longer than the gradients.

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::{self, AdamWConfig, AdamWState, AdaptiveMomentumState, GradientsParams, LearningRate, Optimizer},
    tensor::{Device, Tensor, TensorData},
};
use rayon::prelude::*;

use super::{CHUNK, flex::values, simd::vectorised, sum};
use crate::device::on_flex;

/// Number of elements that are not written if they are zero: on most systems those of a page of memory, which the system
/// provides when it is written. So words that were not in any batch cost neither time nor memory.
const PAGE: usize = 1024;

/// AdamW (Loshchilov and Hutter 2019, Algorithm 2) with the coefficients 0.9 and 0.999 and epsilon 1e-6.
///
/// Parameters and state equal those of burn's [`AdamW`](optim::AdamW), to the last bit on `flex`, where a step takes one pass
/// and changes tensors in place. On other devices it is burn's.
///
/// ```
/// use rere_model::{AdamW, Linear, burn::{optim::{GradientsParams, ModuleOptimizer}, tensor::{Device, Tensor}}};
///
/// let device = Device::flex().autodiff();
/// let layer = Linear::new(4, 2, &device);
/// let mut optimizer = ModuleOptimizer::from(AdamW::new(0.01)); // weight decay
///
/// let loss = layer.forward(Tensor::ones([3, 4], &device)).sum();
/// let gradients = GradientsParams::from_grads(loss.backward(), &layer);
/// let layer = optimizer.step(1e-3, layer, gradients); // learning rate
/// # assert_eq!(layer.dims(), [4, 2]);
/// ```
#[derive(Clone)]
pub struct AdamW {
    weight_decay: f32,
    composed: optim::AdamW,
}

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-6;

impl AdamW {
    /// Creates an optimizer. Each step multiplies parameters by `1 - learning rate * weight_decay`.
    pub fn new(weight_decay: f32) -> Self {
        let config = AdamWConfig::new().with_beta_1(BETA_1).with_beta_2(BETA_2).with_epsilon(EPSILON);
        Self { weight_decay, composed: config.with_weight_decay(weight_decay).build() }
    }
}

impl Optimizer for AdamW {
    type State<const D: usize> = AdamWState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        if !on_flex(&tensor) {
            return self.composed.step(lr, tensor, grad, state);
        }
        let device = tensor.device();
        let (time, [mut moment_1, mut moment_2]) = match state {
            Some(AdamWState { momentum }) => {
                (momentum.time + 1, [momentum.moment_1, momentum.moment_2].map(Tensor::into_data))
            }
            None => (1, [(); 2].map(|()| TensorData::new(vec![0.0f32; tensor.shape().num_elements()], tensor.shape()))),
        };
        let mut parameters = tensor.into_data();
        let step = Step::new(lr, self.weight_decay, time);
        {
            let [parameters, moment_1, moment_2] = [&mut parameters, &mut moment_1, &mut moment_2]
                .map(|data| data.as_mut_slice::<f32>().expect("checked: f32").par_chunks_mut(CHUNK));
            let gradients = values(grad);
            let chunks = parameters.zip(gradients.par_chunks(CHUNK)).zip(moment_1.zip(moment_2));
            chunks.for_each(|((parameters, gradients), (moment_1, moment_2))| {
                let moments = moment_1.chunks_mut(PAGE).zip(moment_2.chunks_mut(PAGE));
                let pages = parameters.chunks_mut(PAGE).zip(gradients.chunks(PAGE)).zip(moments);
                vectorised(
                    #[inline(always)]
                    || {
                        for ((parameters, gradients), (moment_1, moment_2)) in pages {
                            if is_zero(gradients) && is_zero(moment_1) && is_zero(moment_2) {
                                step.decay(parameters);
                            } else {
                                step.take(parameters, gradients, moment_1, moment_2);
                            }
                        }
                    },
                );
            });
        }
        let [parameters, moment_1, moment_2] =
            [parameters, moment_1, moment_2].map(|data| Tensor::from_data(data, &device));
        (parameters, Some(AdamWState::new(AdaptiveMomentumState::new(time, moment_1, moment_2))))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        <optim::AdamW as Optimizer>::to_device(state, device)
    }
}

/// What is the same for all parameters of a step.
struct Step {
    rate: f32,
    kept: f32,
    correction_1: f32,
    correction_2: f32,
}

impl Step {
    fn new(learning_rate: f64, weight_decay: f32, time: usize) -> Self {
        Self {
            rate: learning_rate as f32,
            kept: (1.0 - learning_rate * f64::from(weight_decay)) as f32,
            correction_1: 1.0 - BETA_1.powi(time as i32),
            correction_2: 1.0 - BETA_2.powi(time as i32),
        }
    }

    #[inline(always)]
    fn take(&self, parameters: &mut [f32], gradients: &[f32], moment_1: &mut [f32], moment_2: &mut [f32]) {
        let moments = moment_1.iter_mut().zip(moment_2);
        for ((parameter, gradient), (moment_1, moment_2)) in parameters.iter_mut().zip(gradients).zip(moments) {
            *moment_1 = normal(*moment_1 * BETA_1 + gradient * (1.0 - BETA_1));
            *moment_2 = normal(*moment_2 * BETA_2 + gradient * gradient * (1.0 - BETA_2));
            let change = *moment_1 / self.correction_1 / ((*moment_2 / self.correction_2).sqrt() + EPSILON);
            *parameter = *parameter * self.kept - change * self.rate;
        }
    }

    /// Takes a step whose gradients and moments are zero.
    #[inline(always)]
    fn decay(&self, parameters: &mut [f32]) {
        if self.kept != 1.0 {
            parameters.iter_mut().for_each(|parameter| *parameter *= self.kept);
        }
    }
}

#[inline(always)]
fn is_zero(numbers: &[f32]) -> bool {
    numbers.iter().fold(0, |bits, x| bits | x.to_bits()) == 0
}

/// Replaces a number below 1.2e-38 by zero. The moments of a word that is no longer seen would become such numbers, which some
/// processors compute with a hundred times more slowly.
#[inline(always)]
fn normal(x: f32) -> f32 {
    if x.abs() < f32::MIN_POSITIVE { 0.0 } else { x }
}

/// Scales all gradients down to the norm `largest` if the Euclidean norm of all of them together is above it (Pascanu et al.
/// 2013). On `flex`, the result does not depend on the number of threads.
///
/// ```
/// use rere_model::{Linear, clip_gradients, burn::{optim::GradientsParams, tensor::{Device, Tensor}}};
///
/// let device = Device::flex().autodiff();
/// let layer = Linear::new(4, 2, &device);
/// let loss = layer.forward(Tensor::ones([3, 4], &device)).sum();
/// let gradients = clip_gradients(GradientsParams::from_grads(loss.backward(), &layer), &layer, 1.0);
/// # assert_eq!(gradients.len(), 2);
/// ```
pub fn clip_gradients<M: Module>(mut gradients: GradientsParams, model: &M, largest: f64) -> GradientsParams {
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
            let square = squared_norm(gradient);
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + square,
                None => square,
            });
        }
    }
}

/// Computes the sum of the squares of all elements. It does not depend on the number of threads.
fn squared_norm<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    if !on_flex(&x) {
        return x.square().sum();
    }
    let device = x.device();
    let x = values(x);
    let squares = |chunk: &[f32]| {
        vectorised(
            #[inline(always)]
            || sum(chunk.len(), |i| chunk[i] * chunk[i]),
        )
    };
    let sums: Vec<f32> = x.par_chunks(CHUNK).map(squares).collect();
    Tensor::from_floats([sums.iter().sum::<f32>()], &device)
}

struct Scale<'a> {
    gradients: &'a mut GradientsParams,
    /// `[1]`, at most 1.
    scale: Tensor<1>,
}

impl ModuleVisitor for Scale<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients.register(param.id, scaled(gradient, self.scale.clone()));
        }
    }
}

/// Multiplies all elements by a number, `[1]`.
fn scaled<const D: usize>(x: Tensor<D>, scale: Tensor<1>) -> Tensor<D> {
    if !on_flex(&x) {
        return x * scale.reshape([1; D]);
    }
    let (device, scale) = (x.device(), scale.into_scalar::<f32>());
    if scale == 1.0 {
        return x;
    }
    let mut x = x.into_data();
    x.as_mut_slice::<f32>().expect("checked: f32").par_chunks_mut(CHUNK).for_each(|chunk| {
        vectorised(
            #[inline(always)]
            || {
                for page in chunk.chunks_mut(PAGE).filter(|page| !is_zero(page)) {
                    page.iter_mut().for_each(|x| *x *= scale);
                }
            },
        );
    });
    Tensor::from_data(x, &device)
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::{
        nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig},
        optim::ModuleOptimizer,
        tensor::Distribution,
    };

    use super::{super::tests::values, *};

    #[derive(Module, Debug)]
    struct Model {
        linear: Linear,
        norm: LayerNorm,
    }

    fn model(size: usize) -> Model {
        let device = Device::flex().autodiff();
        Model { linear: LinearConfig::new(size, size).init(&device), norm: LayerNormConfig::new(size).init(&device) }
    }

    /// Gradients of the model that are `scale` for every element of every parameter.
    fn gradients(model: &Model, scale: f64) -> GradientsParams {
        let bias = model.linear.bias.as_ref().expect("a bias").val().sum();
        let beta = model.norm.beta.as_ref().expect("a bias").val().sum();
        let sum = model.linear.weight.val().sum() + bias + model.norm.gamma.val().sum() + beta;
        GradientsParams::from_grads(sum.mul_scalar(scale).backward(), model)
    }

    #[test]
    fn steps_equal_those_of_burn() {
        let device = Device::flex();
        device.seed(5);
        for weight_decay in [0.0, 0.1] {
            let ours = AdamW::new(weight_decay);
            // Larger than a chunk, and of no power of two.
            let first = Tensor::<2>::random([130, 131], Distribution::Normal(0.0, 1.0), &device);
            let mut mine = (first.clone(), None);
            let mut theirs = (first, None);
            for step in 0..5 {
                // The first rows have no gradient at first, the last ones never.
                let rows = if step < 3 { 40..80 } else { 10..80 };
                let gradient = Tensor::<2>::random([rows.len(), 131], Distribution::Normal(0.0, 0.1), &device);
                let gradient = Tensor::zeros([130, 131], &device).slice_assign([rows, 0..131], gradient);
                let rate = 1e-2 / f64::from(step + 1);
                mine = ours.step(rate, mine.0, gradient.clone(), mine.1);
                theirs = ours.composed.step(rate, theirs.0, gradient, theirs.1);
                assert_eq!(values(mine.0.clone()), values(theirs.0.clone()), "step {step}");
            }
            let [mine, theirs] = [mine.1, theirs.1].map(|state| state.expect("a state").momentum);
            assert_eq!(mine.time, theirs.time);
            assert_eq!(values(mine.moment_1), values(theirs.moment_1));
            assert_eq!(values(mine.moment_2), values(theirs.moment_2));
        }
    }

    #[test]
    fn moments_that_nothing_adds_to_become_zero() {
        let device = Device::flex();
        let optimizer = AdamW::new(0.0);
        let step = |(tensor, state), gradient: f32| {
            optimizer.step(1e-3, tensor, Tensor::<1>::from_floats([gradient], &device), state)
        };
        let mut pair = step((Tensor::<1>::from_floats([1.0], &device), None), 1e-30);
        for _ in 0..200 {
            pair = step(pair, 0.0);
            let state = pair.1.clone().expect("a state").momentum;
            for moment in [state.moment_1, state.moment_2] {
                assert!(!moment.into_scalar::<f32>().is_subnormal());
            }
        }
        assert_eq!(pair.1.expect("a state").momentum.moment_1.into_scalar::<f32>(), 0.0);
    }

    #[test]
    fn clipping_uses_the_norm_of_all_gradients() {
        // 900 + 3 times 30 elements of value 3 have the norm 3 sqrt(990).
        let model = model(30);
        let clipped = clip_gradients(gradients(&model, 3.0), &model, 1.0);
        let weight = clipped.get::<2>(model.linear.weight.id).expect("a gradient");
        for value in values(weight) {
            assert!((value - 1.0 / 990f32.sqrt()).abs() < 1e-7, "{value}");
        }
        let gamma = clipped.get::<1>(model.norm.gamma.id).expect("a gradient");
        assert!(values(gamma).iter().all(|value| (value - 1.0 / 990f32.sqrt()).abs() < 1e-7));
        let small = clip_gradients(gradients(&model, 0.01), &model, 1.0);
        assert_eq!(values(small.get::<1>(model.norm.gamma.id).expect("a gradient")), [0.01; 30]);
    }

    #[test]
    fn norms_do_not_depend_on_threads() {
        let device = Device::flex();
        device.seed(6);
        let x = Tensor::<2>::random([500, 501], Distribution::Normal(0.0, 1.0), &device);
        let norm = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| squared_norm(x.clone()).into_scalar::<f32>())
        };
        let exact: f64 = values(x.clone()).iter().map(|x| f64::from(*x).powi(2)).sum();
        assert!((f64::from(norm(1)) - exact).abs() < 1e-6 * exact);
        assert_eq!(norm(1), norm(3));
    }

    #[test]
    fn a_module_is_trained() {
        let model = model(2);
        let before = values(model.norm.gamma.val());
        let step = gradients(&model, 1.0);
        let after = ModuleOptimizer::from(AdamW::new(0.5)).step(0.1, model, step);
        // The first step changes each parameter by the learning rate, and decay takes a twentieth.
        for (before, after) in before.iter().zip(values(after.norm.gamma.val())) {
            assert!((after - (0.95 * before - 0.1)).abs() < 1e-5, "{before} became {after}");
        }
    }
}
