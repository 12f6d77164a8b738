//! Training of the relation classifier.

use burn::{module::Module, tensor::Device};
use rere_data::{relation_labels, token_batches};
use rere_eval::best_threshold;
use rere_loss::LabelCounts;
use rere_model::{EncoderInput, ModelError, Pooling, RelationModel};

use super::super::DEV_TOKENS;
use crate::{Earlier, Inputs, Labels, RereError, SentenceExamples, Targets, Task, TrainingStep, probabilities};

/// Training task of the relation classifier. An example is a sentence.
pub(super) struct RelationTask<'a> {
    pub run: Inputs<'a>,
    pub pooling: Pooling,
    pub train: SentenceExamples<'a>,
    pub dev: SentenceExamples<'a>,
}

impl Task for RelationTask<'_> {
    type Model = RelationModel;

    fn init(&self, device: &Device) -> Result<RelationModel, ModelError> {
        RelationModel::new(self.run.encoder, self.run.relations.len(), self.pooling, device)
    }

    fn init_from(&self, mut model: RelationModel, earlier: &Earlier<'_>) -> Result<RelationModel, RereError> {
        let old = earlier.network("relation", |device| {
            RelationModel::new(self.run.encoder, earlier.relations(), self.pooling, device)
        })?;
        model.encoder = old.encoder;
        model.head = model.head.with_first_of(old.head);
        Ok(model)
    }

    fn lengths(&self) -> &[usize] {
        self.train.lengths()
    }

    fn too_long(&self) -> usize {
        self.train.too_long()
    }

    fn counts(&self) -> Vec<LabelCounts> {
        let relations = self.run.relations.len();
        let mut counts =
            LabelCounts { labels: vec![self.train.lengths().len() as u64; relations], positives: vec![0; relations] };
        for sentence in self.train.sentences() {
            for label in relation_labels(&sentence.triples) {
                counts.positives[label] += 1;
            }
        }
        vec![counts]
    }

    fn input(&self, batch: &[usize], device: &Device) -> EncoderInput {
        self.train.input(batch, device)
    }

    /// Returns labels `[sentences, 1, relations]`. A group is the relations of a sentence.
    fn labels(
        &self,
        model: &RelationModel,
        batch: &[usize],
        input: &EncoderInput,
        _: &mut TrainingStep,
    ) -> Vec<Labels> {
        let mut targets = Targets::new(batch.len(), 1, self.run.relations.len());
        for (row, sentence) in self.train.batch(batch).into_iter().enumerate() {
            relation_labels(&sentence.triples).into_iter().for_each(|label| targets.mark(row, 0, label));
        }
        vec![targets.labels(model.forward(input).unsqueeze_dim::<3>(1), 2)]
    }

    /// Returns the micro F1 over all labels at the best threshold.
    fn dev_score(&self, model: &RelationModel, device: &Device) -> Result<Option<f64>, RereError> {
        let sentences = self.dev.sentences();
        let labels: Vec<Vec<usize>> = sentences.iter().map(|sentence| relation_labels(&sentence.triples)).collect();
        let gold: usize = labels.iter().map(Vec::len).sum();
        if gold == 0 {
            return Ok(None);
        }
        let model = model.valid();
        let relations = self.run.relations.len();
        let mut scored = Vec::with_capacity(sentences.len() * relations);
        for batch in token_batches(self.dev.lengths(), DEV_TOKENS) {
            let scores = probabilities(model.forward(&self.dev.input(&batch, device)));
            for (&at, scores) in batch.iter().zip(scores.chunks_exact(relations)) {
                let labelled = |label: usize| labels[at].binary_search(&label).is_ok();
                scored.extend(scores.iter().enumerate().map(|(label, &score)| (score, labelled(label))));
            }
        }
        Ok(best_threshold(scored, gold).map(|(_, score)| score.f1))
    }
}
