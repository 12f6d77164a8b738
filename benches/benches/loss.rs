//! Forward and backward pass of every loss, compared with burn's own binary cross-entropy on the same tensor.

use burn::{
    nn::loss::BinaryCrossEntropyLossConfig,
    tensor::{Device, Int, Tensor, TensorData},
};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_loss::{Asymmetric, Bce, Cpu, CpuVariant, Dice, Focal, Groups, Loss, NnPu, SsrPu, Upu};

/// Draws logits in [-4, 4], and targets of which one in ten is positive.
fn draw(labels: usize) -> (Vec<f32>, Vec<f32>) {
    let mut rng = ChaCha8Rng::seed_from_u64(labels as u64);
    let logits = (0..labels).map(|_| 8.0 * rng.random::<f32>() - 4.0).collect();
    let targets = (0..labels).map(|_| f32::from(u8::from(rng.random::<f32>() < 0.1))).collect();
    (logits, targets)
}

fn losses() -> Vec<(&'static str, Box<dyn Loss>)> {
    let valid = "valid settings";
    vec![
        ("bce", Box::new(Bce::new())),
        ("focal", Box::new(Focal::new(2.0, 0.25).expect(valid))),
        ("asymmetric", Box::new(Asymmetric::default())),
        ("dice", Box::new(Dice::default())),
        ("cpu group", Box::new(Cpu::new(0.05, 0.04).expect(valid))),
        ("cpu paper", Box::new(Cpu::new(0.05, 0.04).expect(valid).with_variant(CpuVariant::Paper))),
        ("upu", Box::new(Upu::new(0.2).expect(valid))),
        ("nnpu", Box::new(NnPu::new(0.2).expect(valid))),
        ("ssr-pu", Box::new(SsrPu::new(0.2, 0.1).expect(valid))),
    ]
}

fn of_shape<const D: usize>(criterion: &mut Criterion, shape: [usize; D], device: &Device) {
    let mut group = criterion.benchmark_group("loss");
    let (logits, targets) = draw(shape.iter().product());
    let logits = Tensor::<D>::from_data(TensorData::new(logits, shape), device);
    let targets = Tensor::<D>::from_data(TensorData::new(targets, shape), device);
    let parameter = format!("{shape:?}");

    let integers: Tensor<D, Int> = targets.clone().int();
    let burn = BinaryCrossEntropyLossConfig::new().with_logits(true).init(&device.clone().inner());
    group.bench_function(BenchmarkId::new("bce of burn", &parameter), |bencher| {
        bencher.iter(|| {
            let logits = logits.clone().require_grad();
            logits.grad(&burn.forward(logits.clone(), integers.clone()).backward())
        });
    });
    for (name, loss) in losses() {
        group.bench_function(BenchmarkId::new(name, &parameter), |bencher| {
            bencher.iter(|| {
                let logits = logits.clone().require_grad();
                let groups = Groups::new(&[1], logits.clone(), targets.clone());
                logits.grad(&loss.forward(&groups).mean().backward())
            });
        });
    }
    group.finish();
}

fn all(criterion: &mut Criterion) {
    let device = Device::flex().autodiff();
    of_shape(criterion, [64, 24], &device);
    of_shape(criterion, [32, 128, 4], &device);
    of_shape(criterion, [8, 128, 24, 2], &device);
}

criterion_group!(benches, all);
criterion_main!(benches);
