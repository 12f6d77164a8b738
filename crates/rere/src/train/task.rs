//! The two stages as training tasks.

use burn::tensor::{Bool, Device, Tensor};
use rere_core::ByteSpan;
use rere_data::{EntityExample, RelationExample, entity_targets, relation_targets, token_batches};
use rere_decode::{PairingScratch, PointerScores, TokenizedText};
use rere_eval::{Counts, Score, best_threshold};
use rere_loss::{Groups, Loss};
use rere_model::{AnyEncoder, EncoderConfig, EncoderInput, POINTERS, PointerModel, Pooling, RelationModel};

use super::stage::Task;
use crate::{
    DecodeConfig, RereError, Thresholds,
    batch::{encoder_input, probabilities, tensor_data},
};

/// Tokens, padding counted, in a batch of development examples.
const DEV_TOKENS: usize = 2048;

/// The relation classifier.
pub(super) struct RelationTask {
    pub train: Vec<RelationExample>,
    pub dev: Vec<RelationExample>,
    pub relations: usize,
    pub pooling: Pooling,
    pub encoder: EncoderConfig,
    pub pad: u32,
}

impl RelationTask {
    fn input_of(&self, examples: &[&RelationExample], device: &Device) -> EncoderInput {
        let rows: Vec<&[u32]> = examples.iter().map(|example| example.ids.as_slice()).collect();
        encoder_input(&rows, None, self.pad, device)
    }
}

impl Task for RelationTask {
    type Model = RelationModel;

    fn model(&self, device: &Device) -> Result<RelationModel, RereError> {
        Ok(RelationModel::new(&self.encoder, self.relations, self.pooling, device)?)
    }

    fn map_encoder(
        mut model: RelationModel,
        map: impl FnOnce(AnyEncoder) -> Result<AnyEncoder, RereError>,
    ) -> Result<RelationModel, RereError> {
        model.encoder = map(model.encoder)?;
        Ok(model)
    }

    fn lengths(&self) -> Vec<usize> {
        self.train.iter().map(|example| example.ids.len()).collect()
    }

    fn labels(&self) -> (usize, usize) {
        (self.train.len() * self.relations, self.train.iter().map(|example| example.labels.len()).sum())
    }

    fn encoder(model: &RelationModel) -> &AnyEncoder {
        &model.encoder
    }

    fn input(&self, batch: &[usize], device: &Device) -> EncoderInput {
        self.input_of(&batch.iter().map(|&index| &self.train[index]).collect::<Vec<_>>(), device)
    }

    fn loss(&self, model: &RelationModel, batch: &[usize], input: &EncoderInput, loss: &dyn Loss) -> Tensor<1> {
        let examples: Vec<&RelationExample> = batch.iter().map(|&index| &self.train[index]).collect();
        let logits = model.forward(input);
        // A group of the loss is a sentence: all its relations.
        let targets = tensor_data(relation_targets(&examples, self.relations));
        let targets = Tensor::<2>::from_data(targets, &logits.device());
        loss.forward(&Groups::new(&[1], logits, targets)).mean()
    }

    /// Micro F1 over all labels, at the threshold that is best.
    fn dev_f1(&self, model: &RelationModel, device: &Device) -> Result<Option<f64>, RereError> {
        let gold: usize = self.dev.iter().map(|example| example.labels.len()).sum();
        if gold == 0 {
            return Ok(None);
        }
        let model = burn::module::Module::valid(model);
        let lengths: Vec<usize> = self.dev.iter().map(|example| example.ids.len()).collect();
        let mut scored = Vec::with_capacity(self.dev.len() * self.relations);
        for batch in token_batches(&lengths, DEV_TOKENS) {
            let examples: Vec<&RelationExample> = batch.iter().map(|&index| &self.dev[index]).collect();
            let scores = probabilities(model.forward(&self.input_of(&examples, device)));
            for (example, scores) in examples.iter().zip(scores.chunks_exact(self.relations)) {
                let labelled = |label: usize| example.labels.binary_search(&label).is_ok();
                scored.extend(scores.iter().enumerate().map(|(label, &score)| (score, labelled(label))));
            }
        }
        Ok(best_threshold(scored, gold).map(|(_, score)| score.f1))
    }
}

/// A development example of the entity extractor, with what its decoded pairs are compared with.
pub(super) struct DevEntities {
    pub example: EntityExample,
    /// The sentence's text.
    pub text: String,
    /// Where its tokens stand in the text.
    pub tokens: Vec<ByteSpan>,
    /// The gold pairs of the relation, as strings.
    pub gold: Vec<(String, String)>,
}

/// The entity extractor.
pub(super) struct EntityTask {
    pub train: Vec<EntityExample>,
    pub dev: Vec<DevEntities>,
    pub encoder: EncoderConfig,
    pub pad: u32,
    pub decode: DecodeConfig,
}

impl EntityTask {
    fn input_of(&self, examples: &[&EntityExample], device: &Device) -> EncoderInput {
        let rows: Vec<&[u32]> = examples.iter().map(|example| example.ids.as_slice()).collect();
        let contexts: Vec<_> = examples.iter().map(|example| &example.context).collect();
        encoder_input(&rows, Some(&contexts), self.pad, device)
    }
}

impl Task for EntityTask {
    type Model = PointerModel;

    fn model(&self, device: &Device) -> Result<PointerModel, RereError> {
        Ok(PointerModel::new(&self.encoder, device)?)
    }

    fn map_encoder(
        mut model: PointerModel,
        map: impl FnOnce(AnyEncoder) -> Result<AnyEncoder, RereError>,
    ) -> Result<PointerModel, RereError> {
        model.encoder = map(model.encoder)?;
        Ok(model)
    }

    fn lengths(&self) -> Vec<usize> {
        self.train.iter().map(|example| example.ids.len()).collect()
    }

    fn labels(&self) -> (usize, usize) {
        self.train.iter().fold((0, 0), |(labels, positives), example| {
            let marks: usize = example.targets.iter().map(Vec::len).sum();
            (labels + POINTERS * example.context.len(), positives + marks)
        })
    }

    fn encoder(model: &PointerModel) -> &AnyEncoder {
        &model.encoder
    }

    fn input(&self, batch: &[usize], device: &Device) -> EncoderInput {
        self.input_of(&batch.iter().map(|&index| &self.train[index]).collect::<Vec<_>>(), device)
    }

    fn loss(&self, model: &PointerModel, batch: &[usize], input: &EncoderInput, loss: &dyn Loss) -> Tensor<1> {
        let examples: Vec<&EntityExample> = batch.iter().map(|&index| &self.train[index]).collect();
        let logits = model.forward(input);
        let device = &logits.device();
        let (targets, mask) = entity_targets(&examples, logits.dims()[1]);
        // A group of the loss is one pointer of one sentence: all the sentence's tokens.
        let targets = Tensor::<3>::from_data(tensor_data(targets), device);
        let mask = Tensor::<3, Bool>::from_data(tensor_data(mask), device);
        loss.forward(&Groups::new(&[1], logits, targets).with_mask(mask)).mean()
    }

    /// Micro F1 over the pairs of the gold relations, at the decoding threshold that is best.
    fn dev_f1(&self, model: &PointerModel, device: &Device) -> Result<Option<f64>, RereError> {
        if self.dev.is_empty() {
            return Ok(None);
        }
        let model = burn::module::Module::valid(model);
        let lengths: Vec<usize> = self.dev.iter().map(|dev| dev.example.ids.len()).collect();
        let strategies = Thresholds::entity_candidates().into_iter().map(|threshold| self.decode.strategy(threshold));
        let strategies: Vec<_> = strategies.collect();
        let mut counts = vec![Counts::default(); strategies.len()];
        let (mut scratch, mut pairs) = (PairingScratch::default(), Vec::new());
        for batch in token_batches(&lengths, DEV_TOKENS) {
            let examples: Vec<&EntityExample> = batch.iter().map(|&index| &self.dev[index].example).collect();
            let logits = model.forward(&self.input_of(&examples, device));
            let [_, width, _] = logits.dims();
            let scores = probabilities(logits);
            for (row, &index) in batch.iter().enumerate() {
                let dev = &self.dev[index];
                let start = (row * width + dev.example.context.start) * POINTERS;
                let scores = &scores[start..start + dev.tokens.len() * POINTERS];
                let decode = |source| RereError::Decode { sentence: dev.example.sentence + 1, source };
                let scores = PointerScores::new(scores, dev.tokens.len()).map_err(decode)?;
                let text = TokenizedText::new(&dev.text, &dev.tokens).map_err(decode)?;
                for (counts, strategy) in counts.iter_mut().zip(&strategies) {
                    pairs.clear();
                    strategy.pair_into(scores, text, &mut scratch, &mut pairs).map_err(decode)?;
                    *counts += count_pairs(&dev.text, &pairs, &dev.gold);
                }
            }
        }
        Ok(counts.into_iter().map(|counts| Score::from_counts(counts).f1).reduce(f64::max))
    }
}

fn count_pairs(text: &str, pairs: &[rere_decode::ScoredPair], gold: &[(String, String)]) -> Counts {
    let surface = |span: ByteSpan| span.slice(text).unwrap_or_default();
    let found: std::collections::BTreeSet<(&str, &str)> =
        pairs.iter().map(|pair| (surface(pair.subject), surface(pair.object))).collect();
    let gold: std::collections::BTreeSet<(&str, &str)> =
        gold.iter().map(|(subject, object)| (subject.trim(), object.trim())).collect();
    Counts { right: found.intersection(&gold).count(), predicted: found.len(), gold: gold.len() }
}
