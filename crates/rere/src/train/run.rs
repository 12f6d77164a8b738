//! Training runs and the training loop of their stages.

use std::{collections::BTreeMap, fmt, fs, hint::black_box, ops::ControlFlow, path::Path};

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
    Encoder, EncoderConfig, EncoderInput, HasEncoder, ModelError, clip_gradients, load_pretrained,
    load_weights_from_bytes, save_weights,
};

use tracing::{info, info_span};

use super::{
    checkpoint,
    frozen::FrozenStates,
    optimizer,
    task::{Labels, Task, TrainingStep, mixed},
};
use crate::{
    CorpusProblem, EarlyStop, EncoderSource, EpochRecord, Event, FolderProblem, LabelRecord, ModelConfig, PriorRecord,
    RereError, StageConfig, StageRecord, TrainingConfig, TrainingRecord, Warning,
    files::{from_json, io, write},
    folder::{self, Source, TRAINING},
};

/// The event callback, which can end the run.
pub(super) type OnEvent<'a> = Box<dyn FnMut(&Event) -> ControlFlow<()> + 'a>;

/// Logs an event and calls the event callback.
pub(super) fn emit(on_event: &mut OnEvent<'_>, event: &Event) -> Result<(), RereError> {
    event.log();
    match on_event(event) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(()) => Err(RereError::Interrupted),
    }
}

/// A training run: the inputs of a system, and the loop that trains its networks.
pub struct Run<'a> {
    pub(super) inputs: Inputs<'a>,
    pub(super) training: &'a TrainingConfig,
    pub(super) source: &'a EncoderSource,
    pub(super) earlier: Option<(&'a Source, &'a ModelConfig)>,
    /// The stages that are taken from trained models.
    pub(super) trained_stages: &'a BTreeMap<String, Source>,
    /// The model folder, which holds the checkpoints.
    pub(super) folder: &'a Path,
    /// The new model folder.
    pub(super) new: &'a Path,
    pub(super) device: &'a Device,
    pub(super) on_event: OnEvent<'a>,
    pub(super) stages: Vec<StageRecord>,
}

impl fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("folder", &self.folder).field("stages", &self.stages).finish_non_exhaustive()
    }
}

/// Inputs that a system trains on.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Inputs<'a> {
    /// The tokenised training sentences.
    pub train: &'a LocatedCorpus,
    /// The tokenised development sentences; may be empty.
    pub dev: &'a LocatedCorpus,
    /// The development sentences.
    pub dev_sentences: &'a [Sentence],
    /// The relations in the order of their labels.
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
#[derive(Debug)]
pub struct Earlier<'a> {
    source: &'a Source,
    config: &'a ModelConfig,
    device: &'a Device,
}

impl Earlier<'_> {
    /// Returns the number of relations of the model, which are the first relations of the task.
    pub fn relations(&self) -> usize {
        self.config.relations.len()
    }

    /// Loads a network of the model; `init` creates one with random weights.
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
    /// Returns the inputs that the system trains on.
    pub fn inputs(&self) -> Inputs<'a> {
        self.inputs
    }

    /// Trains a network, from its last checkpoint if there is one, and writes the weights of its best epoch to the new model
    /// folder. The name of the stage must be unique; it is also the folder of the weights.
    ///
    /// # Errors
    /// Returns an error if a loss cannot be set up or is infinite or NaN, a file cannot be written, or the event callback ends the
    /// run.
    pub fn stage<T: Task>(&mut self, name: &str, settings: &StageConfig, task: &T) -> Result<(), RereError> {
        let counts = task.counts();
        self.train_stage(name, settings, &vec![&settings.loss; counts.len()], task, &counts)
    }

    /// Trains a network as [`stage`](Self::stage) does, with one loss per kind of labels.
    ///
    /// # Errors
    /// Returns an error as [`stage`](Self::stage) does.
    pub fn stage_with_losses<T: Task>(
        &mut self,
        name: &str,
        settings: &StageConfig,
        losses: &[&LossSettings],
        task: &T,
    ) -> Result<(), RereError> {
        self.train_stage(name, settings, losses, task, &task.counts())
    }

    /// Checks that a stage has training examples. Call it for all stages before the first one starts; each stage also calls it.
    ///
    /// # Errors
    /// Returns an error if there is no example.
    pub fn check<T: Task>(&self, name: &str, task: &T) -> Result<(), RereError> {
        if task.lengths().is_empty() {
            return Err(CorpusProblem::NoExample { stage: name.to_owned(), too_long: task.too_long() }.into());
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
        let _span = info_span!("stage", stage = name).entered();
        self.check(name, task)?;
        if let Some(model) = self.trained_stages.get(name) {
            return self.take_stage(name, model);
        }
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
            built.push(GroupedLoss { loss: loss.build(counts, given.as_ref()).map_err(failed)?, group: loss.group });
            labels.push(LabelRecord { class_prior, loss_prior, estimated });
        }
        let (state, _) = self.fit(name, settings, &built, task)?;
        info!(epochs = state.epochs.len(), kept = state.kept, "stage ended");
        self.stages.push(StageRecord {
            stage: name.to_owned(),
            examples: task.lengths().len(),
            too_long: task.too_long(),
            labels,
            early_stop: self.early_stop(settings, &state),
            epochs: state.epochs,
            kept: state.kept,
        });
        Ok(())
    }

    /// Copies the network and the record of a stage from a trained model.
    fn take_stage(&mut self, name: &str, model: &Source) -> Result<(), RereError> {
        let (weights, _) = model.read(&folder::weights(name))?;
        let (record, path) = model.read(TRAINING)?;
        let record: TrainingRecord = from_json(&record, &path)?;
        let stage = record.stages.into_iter().find(|stage| stage.stage == name);
        let stage = stage.ok_or_else(|| FolderProblem::NoStage { stage: name.to_owned() }.at(path))?;
        let file = self.new.join(folder::weights(name));
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).map_err(io(parent))?;
        }
        write(&file, &weights)?;
        self.stages.push(stage);
        self.emit(&Event::StageTaken { stage: name.to_owned() })
    }

    /// Returns why the stage has ended before its last epoch, if it has. It depends on the state alone, so that a resumed run
    /// ends after the same epoch.
    fn early_stop(&self, settings: &StageConfig, state: &checkpoint::State) -> Option<EarlyStop> {
        let patience = settings.patience.or(self.training.patience).filter(|&patience| patience > 0)?;
        let (after_epoch, best_epoch) = (state.epochs.len(), state.kept);
        // Without a development score, the best epoch is always the last one.
        let is_over = after_epoch < settings.epochs && after_epoch - best_epoch >= patience;
        is_over.then_some(EarlyStop { after_epoch, best_epoch, patience })
    }

    /// Trains a network. Returns the state after the last step, and the network.
    fn fit<T: Task>(
        &mut self,
        name: &str,
        settings: &StageConfig,
        losses: &[GroupedLoss],
        task: &T,
    ) -> Result<(checkpoint::State, T::Model), RereError> {
        let (training, checkpoints) = (self.training, self.folder);
        let seed = mixed(training.seed, self.stages.len() + 1);
        let training_device = self.device.clone().autodiff();
        keep_freed_memory();
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
        self.emit(&Event::Stage { stage: stage.clone(), examples, too_long, done: state.done, steps })?;
        if (1..Warning::FEW_STEPS).contains(&steps) {
            self.emit(&Event::Warning(Warning::FewSteps { stage: stage.clone(), steps }))?;
        }
        // A single epoch cannot reuse the states, and computing embeddings is as fast as reading them.
        let is_over = state.done == steps || self.early_stop(settings, &state).is_some();
        let mut frozen = match settings.frozen_layers {
            Some(1..) if settings.epochs > 1 && !is_over => self.frozen_states(name, task, &model, lengths)?,
            _ => None,
        };

        if settings.epochs == 0 {
            save_weights(&model, &file)?;
        }
        while state.epochs.len() < settings.epochs && self.early_stop(settings, &state).is_none() {
            let epoch = state.epochs.len();
            let batches = shuffled_batches(lengths, settings.batch, mixed(seed, epoch));
            for batch in &batches[state.done - epoch * per_epoch..] {
                // Random numbers depend only on the step, so that a resumed run draws the same ones.
                let drawn = mixed(!seed, state.done);
                training_device.seed(drawn);
                let mut input = task.input(batch, &training_device);
                if let Some(frozen) = &mut frozen {
                    input.frozen = Some(Tensor::from_data(frozen.batch(batch)?, self.device));
                }
                let labels = task.labels(&model, batch, &input, &mut TrainingStep::new(drawn));
                let loss = total_loss(losses, labels);
                let gradients = GradientsParams::from_grads(loss.backward(), &model);
                let gradients = clip_gradients(gradients, &model, training.clip);
                let learning_rate = optimizer::learning_rate(settings.learning_rate, state.done, steps);
                model = adamw.step(learning_rate, model, gradients);

                let loss = loss.into_scalar::<f32>();
                if !loss.is_finite() {
                    return Err(RereError::Diverged { stage: name.to_owned(), step: state.done, value: loss });
                }
                state.loss_sum += f64::from(loss);
                state.done += 1;
                let tokens = batch.iter().map(|&example| lengths[example]).sum();
                // Before the checkpoint: who records the events then has at least those of the steps that a resumed run
                // does not repeat.
                let (stage, step) = (stage.clone(), state.done);
                let emitted = self.emit(&Event::Step { stage, step, loss, learning_rate, tokens });
                let in_epoch = state.done - epoch * per_epoch;
                let is_due = in_epoch < per_epoch && in_epoch.is_multiple_of(training.checkpoint_steps);
                if is_due || emitted.is_err() {
                    checkpoint::save(checkpoints, name, &state, &model, &adamw)?;
                }
                emitted?;
            }
            let dev_f1 = task.dev_score(&model, self.device)?;
            let record = EpochRecord { loss: state.loss_sum / per_epoch as f64, dev_f1 };
            let best = state.kept.checked_sub(1).and_then(|kept| state.epochs[kept].dev_f1);
            // Without a development set the last epoch is kept.
            if best.is_none() || dev_f1 > best {
                save_weights(&model, &file)?;
                state.kept = epoch + 1;
            }
            state.epochs.push(record);
            let loss = std::mem::take(&mut state.loss_sum) / per_epoch as f64;
            let (stage, step) = (stage.clone(), state.done);
            let emitted = self.emit(&Event::Epoch { stage, epoch: epoch + 1, step, loss, dev_f1 });
            checkpoint::save(checkpoints, name, &state, &model, &adamw)?;
            emitted?;
        }
        if let Some(early_stop) = self.early_stop(settings, &state) {
            self.emit(&Event::EarlyStop { stage, early_stop })?;
        }
        Ok((state, model))
    }

    /// Creates the network that training starts from.
    fn initial<T: Task>(
        &self,
        task: &T,
        settings: &StageConfig,
        seed: u64,
        device: &Device,
    ) -> Result<T::Model, RereError> {
        device.seed(seed);
        // Parameters are drawn on first access: access all of them now, in a fixed order.
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

    /// Computes the states of the frozen layers for all training examples, unless they are too large.
    fn frozen_states<T: Task>(
        &mut self,
        stage: &str,
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
            self.emit(&Event::FrozenTooLarge { stage: stage.to_owned(), bytes, most })?;
            return Ok(None);
        }
        let (folder, device, examples) = (self.folder, self.device, lengths.len());
        let states = |batch: &[usize]| encoder.frozen(&task.input(batch, device));
        let mut progress = |done| self.emit(&Event::Frozen { stage: stage.to_owned(), done, examples, bytes });
        FrozenStates::compute(folder, lengths, encoder.hidden_size(), states, &mut progress)
    }

    /// Logs an event and calls the event callback.
    pub(super) fn emit(&mut self, event: &Event) -> Result<(), RereError> {
        emit(&mut self.on_event, event)
    }

    /// Estimates the class priors of the losses that need it: trains the network with BCE on four fifths of the examples, and
    /// applies [`BestBin`] to its scores on the last fifth.
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
        let bce = || GroupedLoss { loss: Box::new(rere_loss::Bce::new()), group: GroupBy::Sentence };
        let losses_of_bce: Vec<GroupedLoss> = losses.iter().map(|_| bce()).collect();
        let subset = Subset::new(task, trained);
        // The weights are those of the last epoch, because a subset has no development score.
        let (_, model) = self.fit(&name, settings, &losses_of_bce, &subset)?;
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
            // The prior of cPU is the share of positives among the unlabelled labels.
            let convert = |prior: f64| match loss.kind {
                LossKind::Cpu { .. } => sample.alpha_of_prior(prior).max(0.0),
                _ => prior,
            };
            record.value.push(convert(prior.value));
            record.low.push(convert(prior.low));
            record.high.push(convert(prior.high));
        }
        Ok(record)
    }
}

/// A loss and the grouping of its labels.
pub(crate) struct GroupedLoss {
    pub loss: Box<dyn Loss + Send + Sync>,
    pub group: GroupBy,
}

/// Computes the weighted sum of the losses of all kinds of labels.
pub(crate) fn total_loss(losses: &[GroupedLoss], labels: Vec<Labels>) -> Tensor<1> {
    let each = losses.iter().zip(labels).map(|(GroupedLoss { loss, group }, labels)| {
        let weight = labels.weight;
        let mean = loss.forward(&labels.groups(*group)).mean();
        if weight == 1.0 { mean } else { mean.mul_scalar(weight) }
    });
    each.reduce(Tensor::add).expect("a task has labels")
}

/// Makes an estimated prior valid for a loss: at least the share of labels that are positive, and between 0 and 1. An estimate from
/// a fifth of the labels may be outside.
fn usable_prior(prior: &PriorRecord, counts: &LabelCounts, loss: &LossSettings) -> PerClass {
    let share = |class: Option<usize>| {
        let count = |counts: &[u64]| class.map_or_else(|| counts.iter().sum(), |class| counts[class]) as f64;
        count(&counts.positives) / count(&counts.labels).max(1.0)
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

/// Scores of the labels of one class, and whether each label is positive.
#[derive(Default)]
struct ClassScores {
    scores: Vec<f64>,
    labelled: Vec<bool>,
}

impl Labels {
    /// Appends the scores of all labels that count, for all classes together or for each class.
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

    fn examples_of(&self, batch: &[usize]) -> Vec<usize> {
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

    /// Counts all training examples of the task.
    fn counts(&self) -> Vec<LabelCounts> {
        self.task.counts()
    }

    fn input(&self, batch: &[usize], device: &Device) -> EncoderInput {
        self.task.input(&self.examples_of(batch), device)
    }

    fn labels(&self, model: &T::Model, batch: &[usize], input: &EncoderInput, step: &mut TrainingStep) -> Vec<Labels> {
        self.task.labels(model, &self.examples_of(batch), input, step)
    }

    /// Returns `None`, so that the last epoch is kept.
    fn dev_score(&self, _: &T::Model, _: &Device) -> Result<Option<f64>, RereError> {
        Ok(None)
    }
}

/// Lets glibc use freed memory again. By default it gives large blocks back to the system and gets them anew for each tensor, page
/// by page, unless the program has freed a larger block, of at most 32 MiB.
fn keep_freed_memory() {
    let largest = 31 << 20;
    drop(black_box(Vec::<u8>::with_capacity(largest)));
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    /// Returns how many pages the system has given to this thread.
    fn pages() -> u64 {
        let stat = fs::read_to_string("/proc/thread-self/stat").expect("Linux has it");
        let fields = stat.rsplit(')').next().expect("the name is in brackets");
        // Field 10 of proc_pid_stat(5), counted from field 3.
        fields.split_whitespace().nth(7).and_then(|field| field.parse().ok()).expect("a number of faults")
    }

    #[test]
    fn freed_memory_is_used_again() {
        keep_freed_memory();
        // Together larger than what glibc would give back after the first block was freed.
        let use_memory = || drop(black_box([(); 2].map(|()| vec![1u8; 20 << 20])));
        use_memory();
        let before = pages();
        (0..10).for_each(|_| use_memory());
        assert!(pages() - before < 1_000, "{} pages", pages() - before);
    }
}
