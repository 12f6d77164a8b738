//! The training loop of one stage.

use std::path::Path;

use burn::{
    module::Module,
    optim::GradientsParams,
    tensor::{Device, Tensor},
};
use rere_data::shuffled_batches;
use rere_loss::{Bce, Cpu, Loss, LossError, class_prior};
use rere_model::{AnyEncoder, Encoder, EncoderInput, load_pretrained, save_weights};

use super::{Event, Stage, checkpoint, frozen::FrozenStates, optimizer};
use crate::{
    Config, EncoderSource, EpochRecord, LossConfig, RereError, StageConfig, StageRecord, folder::weights_path,
};

/// What a stage trains on and how it is scored.
pub(super) trait Task {
    /// The network.
    type Model: Module;

    /// A network with random weights.
    fn model(&self, device: &Device) -> Result<Self::Model, RereError>;

    /// Replaces the network's encoder.
    fn map_encoder(
        model: Self::Model,
        map: impl FnOnce(AnyEncoder) -> Result<AnyEncoder, RereError>,
    ) -> Result<Self::Model, RereError>;

    /// Length of each training example in tokens.
    fn lengths(&self) -> Vec<usize>;

    /// Number of labels in all training examples, and how many of them are positive.
    fn labels(&self) -> (usize, usize);

    /// The network's encoder.
    fn encoder(model: &Self::Model) -> &AnyEncoder;

    /// What the encoder reads of a batch of training examples.
    fn input(&self, batch: &[usize], device: &Device) -> EncoderInput;

    /// The loss of a batch of training examples, of which `input` is what the encoder reads.
    fn loss(&self, model: &Self::Model, batch: &[usize], input: &EncoderInput, loss: &dyn Loss) -> Tensor<1>;

    /// F1 of the stage alone on the development set; `None` where that has no triple that can be used.
    fn dev_f1(&self, model: &Self::Model, device: &Device) -> Result<Option<f64>, RereError>;
}

/// Trains a stage, from its last checkpoint in `folder` where there is one, and leaves the weights of its best epoch in
/// the model folder `new`.
pub(super) fn run<T: Task>(
    task: &T,
    stage: Stage,
    config: &Config,
    folder: &Path,
    new: &Path,
    device: &Device,
    on_event: &mut dyn FnMut(Event),
) -> Result<StageRecord, RereError> {
    let settings = match stage {
        Stage::Relation => &config.relation,
        Stage::Entity => &config.entity,
    };
    let (labels, positives) = task.labels();
    let (loss, mu) =
        loss(settings.loss, labels, positives).map_err(|source| RereError::Loss { stage: stage.name(), source })?;
    let seed = seed_of(config.training.seed, stage);
    let training_device = device.clone().autodiff();

    let model = initial(task, &config.encoder, settings, seed, &training_device)?;
    let adamw = optimizer::adamw(config.training.weight_decay);
    let (mut state, mut model, mut adamw) = checkpoint::load(folder, stage, model, adamw)?;

    let lengths = task.lengths();
    let per_epoch = lengths.len().div_ceil(settings.batch);
    let steps = per_epoch * settings.epochs;
    let weights = weights_path(new, stage);
    on_event(Event::Stage { stage, done: state.done, steps });
    // A single epoch has no use of what is kept, and embeddings alone are as fast as a file.
    let mut frozen = match settings.frozen_layers {
        Some(1..) if settings.epochs > 1 && state.done < steps => {
            let most = config.training.frozen_cache_mib << 20;
            frozen_states(task, &model, &lengths, folder, most, device, on_event)?
        }
        _ => None,
    };

    while state.done < steps {
        let epoch = state.done / per_epoch;
        let batches = shuffled_batches(&lengths, settings.batch, step_seed(seed, epoch));
        for batch in &batches[state.done % per_epoch..] {
            let step = state.done;
            // Dropout depends on the step alone, so that a resumed run draws what the whole one would have drawn.
            training_device.seed(step_seed(!seed, step));
            let mut input = task.input(batch, &training_device);
            if let Some(frozen) = &mut frozen {
                input.frozen = Some(Tensor::from_data(frozen.batch(batch)?, device));
            }
            let value = task.loss(&model, batch, &input, loss.as_ref());
            let gradients = GradientsParams::from_grads(value.backward(), &model);
            let gradients = optimizer::clip(gradients, &model, config.training.clip);
            let rate = optimizer::learning_rate(settings.learning_rate, step, steps);
            model = adamw.step(rate, model, gradients);

            let value = value.into_scalar::<f32>();
            if !value.is_finite() {
                return Err(RereError::Diverged { stage: stage.name(), step, value });
            }
            state.loss_sum += f64::from(value);
            state.done += 1;
            let tokens = batch.iter().map(|&example| lengths[example]).sum();
            on_event(Event::Step { done: state.done, loss: value, tokens });

            let in_epoch = state.done % per_epoch;
            if in_epoch != 0 && in_epoch.is_multiple_of(config.training.checkpoint_steps) {
                checkpoint::save(folder, stage, &state, &model, &adamw)?;
            }
        }
        let dev_f1 = task.dev_f1(&model, device)?;
        let record = EpochRecord { loss: state.loss_sum / per_epoch as f64, dev_f1 };
        let best = state.kept.checked_sub(1).and_then(|kept| state.epochs[kept].dev_f1);
        // Without a development set every epoch is kept, so that the last one stays.
        if best.is_none() || dev_f1 > best {
            save_weights(&model, &weights)?;
            state.kept = state.epochs.len() + 1;
        }
        on_event(Event::Epoch { epoch: epoch + 1, loss: record.loss, dev_f1 });
        state.epochs.push(record);
        state.loss_sum = 0.0;
        checkpoint::save(folder, stage, &state, &model, &adamw)?;
    }
    Ok(StageRecord { stage, class_prior: positives as f64 / labels as f64, mu, epochs: state.epochs, kept: state.kept })
}

fn initial<T: Task>(
    task: &T,
    encoder: &EncoderSource,
    settings: &StageConfig,
    seed: u64,
    device: &Device,
) -> Result<T::Model, RereError> {
    device.seed(seed);
    // Parameters are drawn when they are first looked at: look at all of them now, in their order.
    let model = task.model(device)?.materialize();
    T::map_encoder(model, |mut network| {
        if let EncoderSource::Pretrained(folder) = encoder {
            network = load_pretrained(network, folder)?;
        }
        Ok(match settings.frozen_layers {
            Some(layers) => network.freeze_lower(layers),
            None => network,
        })
    })
}

/// What the frozen layers make of the training examples, unless that takes more than `most` bytes.
fn frozen_states<T: Task>(
    task: &T,
    model: &T::Model,
    lengths: &[usize],
    folder: &Path,
    most: u64,
    device: &Device,
    on_event: &mut dyn FnMut(Event),
) -> Result<Option<FrozenStates>, RereError> {
    let model = model.valid();
    // The dropout of an LSTM stays on, so that nothing that it makes stays the same.
    let AnyEncoder::Bert(encoder) = T::encoder(&model) else { return Ok(None) };
    let bytes = FrozenStates::bytes(lengths, encoder.hidden_size());
    if bytes > most {
        on_event(Event::FrozenTooLarge { bytes, most });
        return Ok(None);
    }
    FrozenStates::compute(
        folder,
        lengths,
        encoder.hidden_size(),
        |batch| encoder.frozen(&task.input(batch, device)),
        on_event,
    )
}

fn loss(config: LossConfig, labels: usize, positives: usize) -> Result<(Box<dyn Loss>, Option<f64>), LossError> {
    Ok(match config {
        LossConfig::Bce {} => (Box::new(Bce::new()), None),
        LossConfig::Cpu { mu, gamma } => {
            let mu = match mu {
                Some(mu) => mu,
                None => 1.05 * class_prior(labels, positives)?,
            };
            (Box::new(Cpu::new(mu, gamma)?), Some(mu))
        }
    })
}

/// Another seed for each stage.
fn seed_of(seed: u64, stage: Stage) -> u64 {
    step_seed(seed, stage as usize + 1)
}

/// Another seed for each number: the output function of splitmix64.
fn step_seed(seed: u64, number: usize) -> u64 {
    let mut z = seed.wrapping_add((number as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
