//! A training step of a network of MiniLM's size on four sentences, and AdamW alone, compared with burn's.

use std::time::{Duration, Instant};

use burn::{
    optim::{AdamWConfig, GradientsParams, ModuleOptimizer},
    tensor::{Device, Int, Tensor, TensorData},
};
use criterion::{Criterion, criterion_group, criterion_main};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_model::{AdamW, EncoderConfig, EncoderInput, Pooling, RelationModel, clip_gradients};

const SENTENCES: usize = 4;
const TOKENS: usize = 48;
const WORDS: usize = 30_522;

fn encoder() -> EncoderConfig {
    let config = format!(
        r#"{{"model_type": "bert", "vocab_size": {WORDS}, "hidden_size": 384, "num_hidden_layers": 6,
            "num_attention_heads": 12, "intermediate_size": 1536, "max_position_embeddings": 512, "type_vocab_size": 2}}"#
    );
    serde_json::from_str(&config).expect("a valid configuration")
}

fn input(rng: &mut ChaCha8Rng, device: &Device) -> EncoderInput {
    let shape = [SENTENCES, TOKENS];
    let tokens: Vec<i64> = (0..SENTENCES * TOKENS).map(|_| rng.random_range(0..WORDS as i64)).collect();
    let ids = Tensor::<2, Int>::from_data(TensorData::new(tokens, shape), device);
    EncoderInput::new(ids, Tensor::zeros(shape, device), Tensor::<2, Int>::ones(shape, device).bool())
}

fn gradients(model: &RelationModel, input: &EncoderInput) -> GradientsParams {
    GradientsParams::from_grads(model.forward(input).square().mean().backward(), model)
}

fn benches(criterion: &mut Criterion) {
    let device = Device::flex().autodiff();
    let mut group = criterion.benchmark_group("train");
    let ours = || ModuleOptimizer::from(AdamW::new(0.01));
    let burn = || AdamWConfig::new().with_epsilon(1e-6).with_weight_decay(0.01).init();
    for (name, mut optimizer) in [("whole step", ours()), ("AdamW", ours()), ("AdamW of burn", burn())] {
        device.seed(1);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let model = RelationModel::new(&encoder(), 12, Pooling::First, &device).expect("a valid configuration");
        let mut model = Some(model);
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|steps| {
                let mut time = Duration::ZERO;
                for _ in 0..steps {
                    let mut start = Instant::now();
                    let old = model.take().expect("each step puts it back");
                    let mut gradients = gradients(&old, &input(&mut rng, &device));
                    if name == "whole step" {
                        gradients = clip_gradients(gradients, &old, 1e-3);
                    } else {
                        start = Instant::now();
                    }
                    model = Some(optimizer.step(1e-5, old, gradients));
                    time += start.elapsed();
                }
                time
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = training;
    config = Criterion::default().sample_size(20);
    targets = benches
}
criterion_main!(training);
