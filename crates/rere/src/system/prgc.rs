//! PRGC: relations, pointers for each and correspondences, all from one run of the encoder (Zheng et al. 2021).

use burn::tensor::Device;
use rere_core::Probability;
use rere_data::{LocatedSentence, SENTENCE_EXTRA, correspondences, pointer_marks, relation_labels};
use rere_decode::{
    Correspondence, CorrespondenceScores, CorrespondenceScratch, DecodeError, Decoder, PointerScores, Scale,
    TableScores, TokenTriple, TokenizedText,
};
use rere_loss::LabelCounts;
use rere_model::{EncoderInput, ModelError, Network, OnnxModel, POINTERS, PrgcHead};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Decoding, Floor, SpanTriple, System, Window, of_relation,
    one_network::{Batch, OneNetwork, one_stage},
    spans::{keep_best, sentence_states},
};
use crate::{
    Labels, RereError, Runtime, StageConfig, Targets, Thresholds, TrainingStep, config::setters, numbers,
    onnx::OnnxSystem, probabilities,
};

/// Settings of PRGC.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, default)]
pub struct PrgcConfig {
    /// Training of the network.
    pub network: StageConfig,
}

impl PrgcConfig {
    setters! {
        /// Sets the training of the network.
        with_network(network: StageConfig);
    }
}

/// The PRGC system: one network that detects relations, points at subjects and objects of each, and joins them.
///
/// It reads a sentence once, where RERE reads it once for each relation. Subjects and objects are found by pointers, as in
/// RERE, in place of BIO tags.
#[derive(Debug)]
pub struct Prgc {
    model: Network<PrgcHead>,
    relations: usize,
    runtime: Runtime,
}

/// Scores of one window.
#[derive(Debug, Default, Clone)]
pub struct PrgcScores {
    relations: Vec<RelationScores>,
    /// Logits of correspondences, `[tokens, tokens]`; empty if no relation is detected.
    correspondences: Vec<f32>,
}

/// Scores of a detected relation.
#[derive(Debug, Clone)]
struct RelationScores {
    relation: usize,
    /// Probability of the relation.
    score: f32,
    /// Logits of the pointers, `[tokens, 4]`.
    pointers: Vec<f32>,
}

/// The most relations of a window; the best are kept. An untrained network may detect all.
const MOST_RELATIONS: usize = 40;

impl System for Prgc {
    const NAME: &'static str = "prgc";
    type Config = PrgcConfig;
    type Scores = PrgcScores;
    type Scratch = (CorrespondenceScratch, Vec<TokenTriple>);

    one_stage!(network);

    fn score(&self, windows: &[Window<'_>], floor: &Floor<'_>) -> Result<Vec<PrgcScores>, RereError> {
        let scores = self.runtime.sentences(windows, |input, tokens| self.score_batch(input, tokens, floor));
        // A NaN is above no threshold: without an error, nothing would be found silently.
        let is_nan = |scores: &PrgcScores| scores.relations.iter().any(|relation| relation.score.is_nan());
        match scores.iter().position(is_nan) {
            Some(window) => Err(RereError::NotANumber { sentence: windows[window].text + 1 }),
            None => Ok(scores),
        }
    }

    /// The score of a triple is the probability of its relation times the lowest probability of its pointers and its
    /// correspondence.
    fn decode(
        &self,
        scores: &PrgcScores,
        text: TokenizedText<'_>,
        at: &Decoding<'_>,
        (scratch, triples): &mut Self::Scratch,
        found: &mut Vec<SpanTriple>,
    ) -> Result<(), DecodeError> {
        if scores.relations.is_empty() {
            return Ok(());
        }
        let detected = scores.relations.iter().filter(|relation| relation.score >= at.thresholds.detect.get());
        let tokens = text.tokens().len();
        let table = TableScores::new(&scores.correspondences, tokens, tokens, Scale::Logit)?;
        let decoder = Correspondence::new(at.thresholds.decode, at.thresholds.decode);
        let decoder = decoder.with_longest(at.longest.unwrap_or(usize::MAX));
        for RelationScores { relation, score, pointers } in detected {
            let pointers = PointerScores::on_scale(pointers, tokens, Scale::Logit)?.for_relation(*relation);
            triples.clear();
            decoder.decode(CorrespondenceScores::new(pointers, table)?, scratch, triples);
            found.extend(triples.iter().map(|triple| SpanTriple {
                score: Probability::saturating(score * triple.score),
                ..SpanTriple::new(triple, text)
            }));
        }
        Ok(())
    }

    /// No triple scores more than its relation, so the threshold of relations only saves work.
    fn candidates() -> Vec<Thresholds> {
        Thresholds::decode_candidates()
    }
}

impl Prgc {
    /// Computes the scores of a batch. `tokens` is the number of text tokens of each row.
    fn score_batch(&self, input: &EncoderInput, tokens: &[usize], floor: &Floor<'_>) -> Vec<PrgcScores> {
        let hidden = self.model.encode(input);
        // No triple scores more than its relation.
        let least = floor.detect.first().copied().unwrap_or_default();
        let is_detected = |relation: usize, score: f32| {
            let threshold = floor.triple.get(relation).map(|triple| triple.max(least).get());
            threshold.is_some_and(|threshold| score >= threshold || score.is_nan())
        };
        let probabilities = probabilities(self.model.head.relations(hidden.clone(), input));
        let detected = probabilities.chunks_exact(self.relations).enumerate().flat_map(|(row, scores)| {
            let mut best: Vec<(usize, f32)> =
                scores.iter().copied().enumerate().filter(|&(relation, score)| is_detected(relation, score)).collect();
            keep_best(&mut best, MOST_RELATIONS, |&(_, score)| score);
            let wanted = best.into_iter().filter(|&(relation, _)| floor.wanted[relation]);
            wanted.map(move |(relation, score)| (row, relation, score))
        });
        let detected: Vec<(usize, usize, f32)> = detected.collect();
        let mut scores = vec![PrgcScores::default(); tokens.len()];
        if detected.is_empty() {
            return scores;
        }
        let hidden = sentence_states(hidden);
        let width = hidden.dims()[1];
        let examples: Vec<(usize, usize)> = detected.iter().map(|&(row, relation, _)| (row, relation)).collect();
        let pointers = self.model.head.pointers(hidden.clone(), &examples);
        let tables = numbers(self.model.head.correspondences(hidden));
        for (&(row, relation, score), pointers) in detected.iter().zip(numbers(pointers).chunks_exact(width * POINTERS))
        {
            let pointers = pointers[..tokens[row] * POINTERS].to_vec();
            scores[row].relations.push(RelationScores { relation, score, pointers });
        }
        for (row, (scores, &tokens)) in scores.iter_mut().zip(tokens).enumerate() {
            if !scores.relations.is_empty() {
                let rows = tables[row * width * width..].chunks_exact(width).take(tokens);
                scores.correspondences = rows.flat_map(|row| &row[..tokens]).copied().collect();
            }
        }
        scores
    }
}

impl OnnxSystem for Prgc {
    fn to_onnx(&self, max_tokens: usize) -> Result<[OnnxModel; 2], ModelError> {
        self.model.to_onnx(max_tokens)
    }

    fn query(&self, _: usize) -> Option<&[u32]> {
        None
    }

    fn decoder(&self) -> Value {
        json!({"most_relations": MOST_RELATIONS})
    }
}

impl OneNetwork for Prgc {
    const NETWORK: &'static str = "network";
    type Head = PrgcHead;

    fn head(_: &PrgcConfig, hidden: usize, relations: usize, device: &Device) -> PrgcHead {
        PrgcHead::new(hidden, relations, device)
    }

    fn with_first_of(head: PrgcHead, earlier: PrgcHead) -> PrgcHead {
        head.with_first_of(earlier)
    }

    fn new(model: Network<PrgcHead>, relations: usize, runtime: Runtime) -> Self {
        Self { model, relations, runtime }
    }

    fn counts(sentences: &[&LocatedSentence], relations: usize) -> Vec<LabelCounts> {
        let zeros = |classes| LabelCounts { labels: vec![0; classes], positives: vec![0; classes] };
        let [mut detected, mut pointers, mut pairs] = [relations, POINTERS, 1].map(zeros);
        detected.labels.fill(sentences.len() as u64);
        for LocatedSentence { tokens, triples } in sentences {
            for relation in relation_labels(triples) {
                detected.positives[relation] += 1;
                for (pointer, marks) in pointer_marks(of_relation(triples, relation)).iter().enumerate() {
                    pointers.labels[pointer] += tokens.len() as u64;
                    pointers.positives[pointer] += marks.len() as u64;
                }
            }
            pairs.labels[0] += tokens.len().pow(2) as u64;
            pairs.positives[0] += correspondences(triples).len() as u64;
        }
        vec![detected, pointers, pairs]
    }

    /// Returns labels `[sentences, 1, relations]`, `[examples, tokens, 4]` of pointers and `[sentences, tokens * tokens, 1]` of
    /// correspondences; an example is a sentence with one of its relations. The loss is the sum over all labels of a sentence, divided
    /// by its number of tokens, as in TPLinker. (The paper adds the means over the labels of each kind, Eq. 4 to 7, which hardly
    /// train the rarest kind.)
    fn labels(_: &PrgcConfig, model: &Network<PrgcHead>, batch: &Batch<'_>, _: &mut TrainingStep) -> Vec<Labels> {
        let Batch { sentences, input, relations: relation_count } = *batch;
        let (rows, width) = (sentences.len(), input.ids.dims()[1] - SENTENCE_EXTRA);
        let mut relations = Targets::new(rows, 1, relation_count);
        let mut pairs = Targets::new(rows, width * width, 1).masked();
        let mut examples = Vec::new();
        let (mut all_tokens, mut example_tokens, mut cells) = (0, 0, 0);
        for (row, LocatedSentence { tokens, triples }) in sentences.iter().enumerate() {
            for relation in relation_labels(triples) {
                relations.mark(row, 0, relation);
                examples.push((row, relation));
                example_tokens += tokens.len();
            }
            all_tokens += tokens.len();
            cells += tokens.len().pow(2);
            (0..tokens.len()).for_each(|i| pairs.count(row, i * width, tokens.len()));
            for (subject, object) in correspondences(triples) {
                pairs.mark(row, subject * width + object, 0);
            }
        }
        let mut pointer = Targets::new(examples.len().max(1), width, POINTERS).masked();
        for (example, &(row, relation)) in examples.iter().enumerate() {
            let LocatedSentence { tokens, triples } = sentences[row];
            pointer.count(example, 0, tokens.len());
            for (class, marks) in pointer_marks(of_relation(triples, relation)).iter().enumerate() {
                marks.iter().for_each(|&token| pointer.mark(example, token, class));
            }
        }
        if examples.is_empty() {
            // No label of it counts.
            examples.push((0, 0));
        }

        let per_token = |labels: usize| labels as f64 / all_tokens.max(1) as f64;
        let hidden = model.encode(input);
        let logits = model.head.relations(hidden.clone(), input).unsqueeze_dim(1);
        let hidden = sentence_states(hidden);
        vec![
            relations.labels(logits, 2).with_weight(per_token(rows * relation_count)),
            pointer
                .labels(model.head.pointers(hidden.clone(), &examples), 1)
                .with_weight(per_token(POINTERS * example_tokens)),
            pairs
                .labels(model.head.correspondences(hidden).reshape([rows, width * width, 1]), 1)
                .with_weight(per_token(cells)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::reference::check;

    /// The program is `tests/reference/prgc.py`.
    #[test]
    fn logits_and_twenty_training_steps_match_pytorch() {
        check::<Prgc>("prgc.safetensors", &["relation_", "pointer_", "pair_"]);
    }
}
