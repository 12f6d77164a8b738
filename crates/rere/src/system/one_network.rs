//! Systems with one network that reads a sentence alone.

use burn::{
    module::{Module, ModuleDisplay},
    tensor::Device,
};
use rere_data::LocatedSentence;
use rere_loss::LabelCounts;
use rere_model::{EncoderConfig, EncoderInput, ModelError, Network, Pack};

use super::{DEV_TOKENS, System};
use crate::{Earlier, Inputs, Labels, ModelParts, RereError, Runtime, SentenceExamples, Task, TrainingStep};

/// A system whose only network reads sentences without a query. It defines the head of the network and its labels;
/// [`SentenceTask`] trains it.
pub(super) trait OneNetwork: System {
    /// Name of the network, in settings and in the model folder.
    const NETWORK: &'static str;
    /// The head.
    type Head: Module + ModuleDisplay + Pack;

    /// Creates a head with random weights.
    fn head(config: &Self::Config, hidden: usize, relations: usize, device: &Device) -> Self::Head;

    /// Replaces the weights of the first relations, and those without a relation, by those of an earlier head.
    fn with_first_of(head: Self::Head, earlier: Self::Head) -> Self::Head;

    /// Creates the system from its network.
    fn new(model: Network<Self::Head>, relations: usize, runtime: Runtime) -> Self;

    /// Counts labels and positives of each class in all training sentences, for each kind of labels.
    fn counts(sentences: &[&LocatedSentence], relations: usize) -> Vec<LabelCounts>;

    /// Computes logits and targets of a batch, for each kind of labels in the order of [`counts`](Self::counts).
    fn labels(
        config: &Self::Config,
        model: &Network<Self::Head>,
        batch: &Batch<'_>,
        step: &mut TrainingStep,
    ) -> Vec<Labels>;

    /// Loads the trained system.
    fn load_network(config: &Self::Config, parts: &ModelParts<'_>) -> Result<Self, RereError> {
        let (encoder, relations) = (&parts.config.encoder, parts.config.relations.len());
        let model = parts.network(Self::NETWORK, |device| network::<Self>(config, encoder, relations, device))?;
        Ok(Self::new(model, relations, parts.runtime.clone()))
    }
}

/// Defines the functions of [`System`] that are the same for systems whose only network has the settings `$stage`.
macro_rules! one_stage {
    ($stage:ident) => {
        fn stages(config: &Self::Config) -> Vec<(&'static str, &crate::StageConfig)> {
            vec![(Self::NETWORK, &config.$stage)]
        }

        fn train(config: &Self::Config, run: &mut crate::Run<'_>) -> Result<(), crate::RereError> {
            let task = super::one_network::SentenceTask::<Self>::new(config, run.inputs());
            run.stage(Self::NETWORK, &config.$stage, &task)
        }

        fn load(config: &Self::Config, parts: &crate::ModelParts<'_>) -> Result<Self, crate::RereError> {
            Self::load_network(config, parts)
        }

        fn extra_tokens(&self) -> usize {
            rere_data::SENTENCE_EXTRA
        }
    };
}
pub(super) use one_stage;

/// A batch of training sentences.
pub(super) struct Batch<'a> {
    pub sentences: &'a [&'a LocatedSentence],
    /// The input of the encoder, `[CLS] sentence [SEP]` in each row.
    pub input: &'a EncoderInput,
    /// Number of relations.
    pub relations: usize,
}

/// Training task of the network of a system. An example is a sentence.
pub(super) struct SentenceTask<'a, S: System> {
    config: &'a S::Config,
    run: Inputs<'a>,
    examples: SentenceExamples<'a>,
}

impl<'a, S: OneNetwork> SentenceTask<'a, S> {
    pub fn new(config: &'a S::Config, run: Inputs<'a>) -> Self {
        Self { config, run, examples: SentenceExamples::new(run, run.train) }
    }
}

/// Creates the network of a system with random weights.
fn network<S: OneNetwork>(
    config: &S::Config,
    encoder: &EncoderConfig,
    relations: usize,
    device: &Device,
) -> Result<Network<S::Head>, ModelError> {
    Network::new(encoder, device, |hidden| S::head(config, hidden, relations, device))
}

impl<S: OneNetwork> Task for SentenceTask<'_, S> {
    type Model = Network<S::Head>;

    fn init(&self, device: &Device) -> Result<Self::Model, ModelError> {
        network::<S>(self.config, self.run.encoder, self.run.relations.len(), device)
    }

    fn init_from(&self, model: Self::Model, earlier: &Earlier<'_>) -> Result<Self::Model, RereError> {
        let old = earlier
            .network(S::NETWORK, |device| network::<S>(self.config, self.run.encoder, earlier.relations(), device))?;
        Ok(Network { encoder: old.encoder, head: S::with_first_of(model.head, old.head) })
    }

    fn lengths(&self) -> &[usize] {
        self.examples.lengths()
    }

    fn too_long(&self) -> usize {
        self.examples.too_long()
    }

    fn counts(&self) -> Vec<LabelCounts> {
        S::counts(self.examples.sentences(), self.run.relations.len())
    }

    fn input(&self, batch: &[usize], device: &Device) -> EncoderInput {
        self.examples.input(batch, device)
    }

    fn labels(
        &self,
        model: &Self::Model,
        batch: &[usize],
        input: &EncoderInput,
        step: &mut TrainingStep,
    ) -> Vec<Labels> {
        let sentences = self.examples.batch(batch);
        S::labels(
            self.config,
            model,
            &Batch { sentences: &sentences, input, relations: self.run.relations.len() },
            step,
        )
    }

    /// Returns the micro F1 of the whole system at the best thresholds.
    fn dev_score(&self, model: &Self::Model, device: &Device) -> Result<Option<f64>, RereError> {
        let runtime = Runtime::new(device, DEV_TOKENS, self.run.tokenizer);
        self.run.system_f1(&S::new(model.valid(), self.run.relations.len(), runtime))
    }
}
