//! A training run, and the training loop of its stages.

use std::{fs, ops::ControlFlow, path::Path};

use burn::{
    module::Module,
    optim::GradientsParams,
    tensor::{Device, Tensor},
};
use rere_core::{Constraints, RelationSet, Sentence};
use rere_data::{LocatedCorpus, Tokenizer, shuffled_batches};
use rere_loss::{
    GroupBy, LabelCounts, Loss, LossError, LossKind, LossSettings, PerClass, PriorSettings,
    prior::{BestBin, Bootstrap, PriorEstimator, Sample},
};
use rere_model::{
    Encoder, EncoderConfig, EncoderInput, HasEncoder, ModelError, load_pretrained, load_weights_from_bytes,
    save_weights,
};

use super::{
    checkpoint,
    frozen::FrozenStates,
    optimizer,
    task::{Labels, Task, TrainingStep, mixed},
};
use crate::{
    EncoderSource, EpochRecord, Event, LabelRecord, ModelConfig, PriorRecord, RereError, StageConfig, StageRecord,
    TrainingConfig, Warning,
    files::io,
    folder::{self, Source},
};

/// What tells a program of the events of a run, and can end it.
pub(super) type OnEvent<'a> = Box<dyn FnMut(&Event) -> ControlFlow<()> + 'a>;

/// A training run: what a system trains on, and the loop that trains its networks.
pub struct Run<'a> {
    pub(super) inputs: Inputs<'a>,
    pub(super) training: &'a TrainingConfig,
    pub(super) source: &'a EncoderSource,
    pub(super) earlier: Option<(&'a Source, &'a ModelConfig)>,
    /// The model folder, in which the checkpoints are.
    pub(super) folder: &'a Path,
    /// The model folder that is being made.
    pub(super) new: &'a Path,
    pub(super) device: &'a Device,
    pub(super) on_event: OnEvent<'a>,
    pub(super) stages: Vec<StageRecord>,
}

/// What a system trains on.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The training sentences in tokens.
    pub train: &'a LocatedCorpus,
    /// The development sentences in tokens; may be empty.
    pub dev: &'a LocatedCorpus,
    /// The development sentences.
    pub dev_sentences: &'a [Sentence],
    /// The relations, by label.
    pub relations: &'a RelationSet,
    /// The tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// The settings of the encoder.
    pub encoder: &'a EncoderConfig,
    /// The longest input, in tokens.
    pub max_tokens: usize,
    /// Constraints on the triples of a text.
    pub constraints: &'a Constraints,
}

/// The model that training starts from.
pub struct Earlier<'a> {
    source: &'a Source,
    config: &'a ModelConfig,
    device: &'a Device,
}

impl Earlier<'_> {
    /// Number of relations of the model; they are the first of the task's.
    pub fn relations(&self) -> usize {
        self.config.relations.len()
    }

    /// A network of the model; `init` gives one with random weights.
    ///
    /// # Errors
    /// Returns an error if the weights are missing or do not fit.
    pub fn network<M: Module>(
        &self,
        name: &str,
        init: impl FnOnce(&Device) -> Result<M, ModelError>,
    ) -> Result<M, RereError> {
        let (bytes, path) = self.source.read(&folder::weights(name))?;
        Ok(load_weights_from_bytes(init(self.device)?, bytes, &path)?)
    }
}

impl<'a> Run<'a> {
    /// What the system trains on.
    pub fn inputs(&self) -> Inputs<'a> {
        self.inputs
    }

    /// Trains a network, from its last checkpoint if there is one, and leaves the weights of its best epoch in the model
    /// folder that is being made. Each stage has a name of its own, which is the folder of its weights.
    ///
    /// # Errors
    /// Returns an error if a loss cannot be set up or is no longer a number, a file cannot be written, or the event callback
    /// ends the run.
    pub fn stage<T: Task>(&mut self, name: &str, settings: &StageConfig, task: &T) -> Result<(), RereError> {
        let counts = task.counts();
        self.train_stage(name, settings, &vec![&settings.loss; counts.len()], task, &counts)
    }

    /// As [`stage`](Self::stage), with a loss for each kind of labels.
    ///
    /// # Errors
    /// As [`stage`](Self::stage).
    pub fn stage_with_losses<T: Task>(
        &mut self,
        name: &str,
        settings: &StageConfig,
        losses: &[&LossSettings],
        task: &T,
    ) -> Result<(), RereError> {
        self.train_stage(name, settings, losses, task, &task.counts())
    }

    /// Checks that a stage has something to learn from. Each stage does; a system with several stages does so before the first.
    ///
    /// # Errors
    /// Returns an error if there is no example.
    pub fn check<T: Task>(&self, name: &str, task: &T) -> Result<(), RereError> {
        if task.lengths().is_empty() {
            let what = format!("{} examples are longer than training.max_tokens", task.too_long());
            return Err(RereError::Corpus(format!("no training sentence can be used by the stage {name}: {what}")));
        }
        Ok(())
    }

    fn train_stage<T: Task>(
        &mut self,
        name: &str,
        settings: &StageConfig,
        losses: &[&LossSettings],
        task: &T,
        counts: &[LabelCounts],
    ) -> Result<(), RereError> {
        self.check(name, task)?;
        let is_estimated = |loss: &&&LossSettings| matches!(loss.prior(), Some(PriorSettings::Estimated));
        let estimated = match losses.iter().find(is_estimated) {
            Some(_) => self.estimate_priors(name, settings, losses, task)?,
            None => vec![None; losses.len()],
        };
        let failed = |source: LossError| RereError::Loss { stage: name.to_owned(), source };
        let (mut labels, mut built) = (Vec::new(), Vec::new());
        for ((counts, loss), estimated) in counts.iter().zip(losses).zip(estimated) {
            let given = estimated.as_ref().map(|prior| usable_prior(prior, counts, loss));
            let class_prior = counts.positives.iter().sum::<u64>() as f64 / counts.labels.iter().sum::<u64>() as f64;
            let loss_prior = loss.settle_prior(counts, given.as_ref()).map_err(failed)?;
            built.push(WeighedLoss { loss: loss.build(counts, given.as_ref()).map_err(failed)?, group: loss.group });
            labels.push(LabelRecord { class_prior, loss_prior, estimated });
        }
        let (state, _) = self.fit(name, settings, &built, task)?;
        self.stages.push(StageRecord {
            stage: name.to_owned(),
            examples: task.lengths().len(),
            too_long: task.too_long(),
            labels,
            epochs: state.epochs,
            kept: state.kept,
        });
        Ok(())
    }

    /// Trains a network. Returns how it went, and the network after the last step.
    fn fit<T: Task>(
        &mut self,
        name: &str,
        settings: &StageConfig,
        losses: &[WeighedLoss],
        task: &T,
    ) -> Result<(checkpoint::State, T::Model), RereError> {
        let (training, checkpoints) = (self.training, self.folder);
        let seed = mixed(training.seed, self.stages.len() + 1);
        let training_device = self.device.clone().autodiff();
        let model = self.initial(task, settings, seed, &training_device)?;
        let adamw = optimizer::adamw(training.weight_decay);
        let (mut state, mut model, mut adamw) = checkpoint::load(checkpoints, name, model, adamw)?;

        let file = self.new.join(folder::weights(name));
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).map_err(io(parent))?;
        }
        let lengths = task.lengths();
        let per_epoch = lengths.len().div_ceil(settings.batch);
        let steps = per_epoch * settings.epochs;
        let (stage, examples, too_long) = (name.to_owned(), lengths.len(), task.too_long());
        self.emit(&Event::Stage { stage, examples, too_long, done: state.done, steps })?;
        if (1..Warning::FEW_STEPS).contains(&steps) {
            self.emit(&Event::Warning(Warning::FewSteps { stage: name.to_owned(), steps }))?;
        }
        // A single epoch has no use of what is kept, and embeddings alone are as fast as a file.
        let mut frozen = match settings.frozen_layers {
            Some(1..) if settings.epochs > 1 && state.done < steps => self.frozen_states(task, &model, lengths)?,
            _ => None,
        };

        if settings.epochs == 0 {
            save_weights(&model, &file)?;
        }
        while state.epochs.len() < settings.epochs {
            let epoch = state.epochs.len();
            let batches = shuffled_batches(lengths, settings.batch, mixed(seed, epoch));
            for batch in &batches[state.done - epoch * per_epoch..] {
                // What is drawn at random depends on the step alone, so that a resumed run draws what the whole one would have.
                let drawn = mixed(!seed, state.done);
                training_device.seed(drawn);
                let mut input = task.input(batch, &training_device);
                if let Some(frozen) = &mut frozen {
                    input.frozen = Some(Tensor::from_data(frozen.batch(batch)?, self.device));
                }
                let labels = task.labels(&model, batch, &input, &mut TrainingStep::new(drawn));
                let loss = total_loss(losses, labels);
                let gradients = GradientsParams::from_grads(loss.backward(), &model);
                let gradients = optimizer::clip(gradients, &model, training.clip);
                let rate = optimizer::learning_rate(settings.learning_rate, state.done, steps);
                model = adamw.step(rate, model, gradients);

                let loss = loss.into_scalar::<f32>();
                if !loss.is_finite() {
                    return Err(RereError::Diverged { stage: name.to_owned(), step: state.done, value: loss });
                }
                state.loss_sum += f64::from(loss);
                state.done += 1;
                let tokens = batch.iter().map(|&example| lengths[example]).sum();
                let told = self.emit(&Event::Step { done: state.done, loss, tokens });
                let in_epoch = state.done - epoch * per_epoch;
                let is_due = in_epoch < per_epoch && in_epoch.is_multiple_of(training.checkpoint_steps);
                if is_due || told.is_err() {
                    checkpoint::save(checkpoints, name, &state, &model, &adamw)?;
                }
                told?;
            }
            let dev_f1 = task.dev_score(&model, self.device)?;
            let record = EpochRecord { loss: state.loss_sum / per_epoch as f64, dev_f1 };
            let best = state.kept.checked_sub(1).and_then(|kept| state.epochs[kept].dev_f1);
            // Without a development set every epoch is kept, so that the last one stays.
            if best.is_none() || dev_f1 > best {
                save_weights(&model, &file)?;
                state.kept = epoch + 1;
            }
            state.epochs.push(record);
            let loss = std::mem::take(&mut state.loss_sum) / per_epoch as f64;
            checkpoint::save(checkpoints, name, &state, &model, &adamw)?;
            self.emit(&Event::Epoch { epoch: epoch + 1, loss, dev_f1 })?;
        }
        Ok((state, model))
    }

    /// The network that training starts from.
    fn initial<T: Task>(
        &self,
        task: &T,
        settings: &StageConfig,
        seed: u64,
        device: &Device,
    ) -> Result<T::Model, RereError> {
        device.seed(seed);
        // Parameters are drawn when they are first looked at: look at all of them now, in their order.
        let mut model = task.init(device)?.materialize();
        if let Some((source, config)) = self.earlier {
            model = task.init_from(model, &Earlier { source, config, device })?;
        }
        let model = model.map_encoder(|mut encoder| {
            if let (EncoderSource::Pretrained(folder), None) = (self.source, self.earlier) {
                encoder = load_pretrained(encoder, folder)?;
            }
            Ok::<_, ModelError>(match settings.frozen_layers {
                Some(layers) => encoder.freeze_lower(layers),
                None => encoder,
            })
        })?;
        Ok(model)
    }

    /// The states of the frozen layers for all training examples, unless they take more than they may.
    fn frozen_states<T: Task>(
        &mut self,
        task: &T,
        model: &T::Model,
        lengths: &[usize],
    ) -> Result<Option<FrozenStates>, RereError> {
        let model = model.valid();
        let encoder = model.encoder();
        if !encoder.keeps_frozen() {
            return Ok(None);
        }
        let (bytes, most) = (FrozenStates::bytes(lengths, encoder.hidden_size()), self.training.frozen_cache_mib << 20);
        if bytes > most {
            self.emit(&Event::FrozenTooLarge { bytes, most })?;
            return Ok(None);
        }
        let (folder, device) = (self.folder, self.device);
        let states = |batch: &[usize]| encoder.frozen(&task.input(batch, device));
        FrozenStates::compute(folder, lengths, encoder.hidden_size(), states, &mut |event| self.emit(&event))
    }

    /// Tells an event.
    pub(super) fn emit(&mut self, event: &Event) -> Result<(), RereError> {
        match (self.on_event)(event) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(RereError::Interrupted),
        }
    }

    /// The class priors of the losses that want estimated ones: the network is trained with BCE on four fifths of the examples,
    /// and [`BestBin`] reads its scores on the last fifth.
    fn estimate_priors<T: Task>(
        &mut self,
        name: &str,
        settings: &StageConfig,
        losses: &[&LossSettings],
        task: &T,
    ) -> Result<Vec<Option<PriorRecord>>, RereError> {
        let name = format!("{name}-prior");
        if let Some(priors) = checkpoint::load_priors(self.folder, &name)? {
            return Ok(priors);
        }
        let all = 0..task.lengths().len();
        let is_held_out = |example: &usize| mixed(self.training.seed, *example).is_multiple_of(5);
        let (held_out, trained): (Vec<usize>, Vec<usize>) = all.partition(is_held_out);
        let bce = || WeighedLoss { loss: Box::new(rere_loss::Bce::new()), group: GroupBy::Sentence };
        let losses_of_bce: Vec<WeighedLoss> = losses.iter().map(|_| bce()).collect();
        let part = Subset::new(task, trained);
        // The weights of the last epoch, as no development set is looked at.
        let (_, model) = self.fit(&name, settings, &losses_of_bce, &part)?;
        let model = model.valid();
        let mut scores: Vec<Vec<ClassScores>> = losses.iter().map(|_| Vec::new()).collect();
        for (number, batch) in held_out.chunks(settings.batch).enumerate() {
            let input = task.input(batch, self.device);
            let mut step = TrainingStep::new(mixed(!self.training.seed, number));
            let labels = task.labels(&model, batch, &input, &mut step);
            for ((labels, loss), scores) in labels.into_iter().zip(losses).zip(&mut scores) {
                labels.scores(loss.group, scores);
            }
        }
        let mut priors = Vec::new();
        for (classes, loss) in scores.into_iter().zip(losses) {
            let prior = match loss.prior() {
                Some(PriorSettings::Estimated) => Some(self.estimate(&name, &classes, loss)?),
                _ => None,
            };
            if let Some(prior) = &prior {
                self.emit(&Event::Prior { stage: name.clone(), prior: prior.clone() })?;
            }
            priors.push(prior);
        }
        checkpoint::save_priors(self.folder, &name, &priors)?;
        Ok(priors)
    }

    fn estimate(&self, name: &str, classes: &[ClassScores], loss: &LossSettings) -> Result<PriorRecord, RereError> {
        let mut record = PriorRecord { estimator: "best-bin".to_owned(), value: vec![], low: vec![], high: vec![] };
        for (class, ClassScores { scores, labelled }) in classes.iter().enumerate() {
            let failed = |source| RereError::Prior { stage: name.to_owned(), class, source };
            let sample = Sample::from_scores(scores, labelled).map_err(failed)?;
            let bootstrap = Bootstrap::new(100, self.training.seed).map_err(failed)?;
            let prior = BestBin.estimate(&sample, bootstrap).map_err(failed)?;
            // What cPU expects is the share among the labels that are not positive.
            let of = |prior: f64| match loss.kind {
                LossKind::Cpu { .. } => sample.alpha_of_prior(prior).max(0.0),
                _ => prior,
            };
            record.value.push(of(prior.value));
            record.low.push(of(prior.low));
            record.high.push(of(prior.high));
        }
        Ok(record)
    }
}

/// A loss with the labels that it takes together.
pub(crate) struct WeighedLoss {
    pub loss: Box<dyn Loss + Send + Sync>,
    pub group: GroupBy,
}

/// The sum of the losses of all kinds of labels.
pub(crate) fn total_loss(losses: &[WeighedLoss], labels: Vec<Labels>) -> Tensor<1> {
    let each = losses.iter().zip(labels).map(|(WeighedLoss { loss, group }, labels)| {
        let weight = labels.weight;
        let mean = loss.forward(&labels.groups(*group)).mean();
        if weight == 1.0 { mean } else { mean.mul_scalar(weight) }
    });
    each.reduce(Tensor::add).expect("a task has labels")
}

/// The estimated prior as a loss can use it. An estimate from a fifth of the labels may be under the share of all labels that are
/// positive, or 0 or 1: a prior is at least that share, and no prior is certain.
fn usable_prior(prior: &PriorRecord, counts: &LabelCounts, loss: &LossSettings) -> PerClass {
    let share = |class: Option<usize>| {
        let of = |numbers: &[u64]| class.map_or_else(|| numbers.iter().sum(), |class| numbers[class]) as f64;
        of(&counts.positives) / of(&counts.labels).max(1.0)
    };
    let usable = |value: f64, class| {
        let least = match loss.kind {
            LossKind::Cpu { .. } => 0.0,
            _ => share(class),
        };
        value.max(least).clamp(1e-6, 1.0 - 1e-6)
    };
    match (loss.group, prior.value.as_slice()) {
        (GroupBy::Sentence, [value]) => PerClass::All(usable(*value, None)),
        (_, values) => {
            PerClass::Each(values.iter().enumerate().map(|(class, &value)| usable(value, Some(class))).collect())
        }
    }
}

/// Scores of the labels of one class, and which of them are positive.
#[derive(Default)]
struct ClassScores {
    scores: Vec<f64>,
    labelled: Vec<bool>,
}

impl Labels {
    /// Adds the scores of all labels that count: of all classes together, or of each class.
    fn scores(self, group: GroupBy, classes: &mut Vec<ClassScores>) {
        let [_, _, count] = self.logits.dims();
        let kinds = match group {
            GroupBy::Sentence => 1,
            GroupBy::Label => count,
        };
        classes.resize_with(kinds, ClassScores::default);
        let mask = self.mask_values();
        let scores = crate::probabilities(self.logits.clone());
        let targets = crate::numbers(self.targets());
        for (at, (score, target)) in scores.into_iter().zip(targets).enumerate() {
            if mask.as_ref().is_none_or(|mask| mask[at]) {
                let class = &mut classes[at % count % kinds];
                class.scores.push(score.into());
                class.labelled.push(target > 0.5);
            }
        }
    }
}

/// Some of the training examples of a task.
struct Subset<'a, T> {
    task: &'a T,
    examples: Vec<usize>,
    lengths: Vec<usize>,
}

impl<'a, T: Task> Subset<'a, T> {
    fn new(task: &'a T, examples: Vec<usize>) -> Self {
        let lengths = examples.iter().map(|&example| task.lengths()[example]).collect();
        Self { task, examples, lengths }
    }

    fn of(&self, batch: &[usize]) -> Vec<usize> {
        batch.iter().map(|&example| self.examples[example]).collect()
    }
}

impl<T: Task> Task for Subset<'_, T> {
    type Model = T::Model;

    fn init(&self, device: &Device) -> Result<T::Model, ModelError> {
        self.task.init(device)
    }

    fn init_from(&self, model: T::Model, earlier: &Earlier<'_>) -> Result<T::Model, RereError> {
        self.task.init_from(model, earlier)
    }

    fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Of all training examples.
    fn counts(&self) -> Vec<LabelCounts> {
        self.task.counts()
    }

    fn input(&self, batch: &[usize], device: &Device) -> EncoderInput {
        self.task.input(&self.of(batch), device)
    }

    fn labels(&self, model: &T::Model, batch: &[usize], input: &EncoderInput, step: &mut TrainingStep) -> Vec<Labels> {
        self.task.labels(model, &self.of(batch), input, step)
    }

    /// The last epoch is kept.
    fn dev_score(&self, _: &T::Model, _: &Device) -> Result<Option<f64>, RereError> {
        Ok(None)
    }
}
