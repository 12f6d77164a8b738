//! RERE: the relations of a sentence first, then the subjects and objects of each (Xie et al. 2021).

mod entity;
mod relation;
mod stages;

use std::ops::Range;

use burn::tensor::Device;

use rere_core::{Probability, QueryStyle, RelationSet};
use rere_data::{QUERY_EXTRA, Tokenizer, query_input};
use rere_decode::{DecodeError, Pairing, PairingScratch, PairingStrategy, PointerScores, ScoredPair, TokenizedText};
use rere_model::{EncoderConfig, ModelError, Network, OnnxModel, POINTERS, PointerHead, Pooling, RelationModel};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::{entity::EntityTask, relation::RelationTask};
use super::{Decoding, Floor, SpanTriple, System, Window};
use crate::{
    ModelParts, RereError, Run, Runtime, SentenceExamples, StageConfig, Thresholds, config::setters, onnx::OnnxSystem,
    probabilities,
};

/// Settings of RERE.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, default)]
pub struct RereConfig {
    /// The query of a relation for the entity extractor. `raw`: its name unchanged; `words`: readable words made from the name.
    pub query: QueryStyle,
    /// How the relation classifier pools the states of a sentence. `None` uses the default of the encoder.
    pub pooling: Option<Pooling>,
    /// How subjects and objects are paired: `nearest` as in the paper, or `cross-product` as in the authors' code.
    pub pairing: Pairing,
    /// Whether a detected relation gets its best pair if no pair reaches the threshold, because a sentence with a relation has a
    /// pair. Neither the paper nor the authors' code does this.
    pub at_least_one: bool,
    /// Training of the first stage, the relation classifier.
    pub relation: StageConfig,
    /// Training of the second stage, the entity extractor.
    pub entity: StageConfig,
}

impl Default for RereConfig {
    fn default() -> Self {
        Self {
            query: QueryStyle::default(),
            pooling: None,
            pairing: Pairing::Nearest,
            at_least_one: true,
            relation: StageConfig::default(),
            entity: StageConfig::default(),
        }
    }
}

impl RereConfig {
    setters! {
        /// Sets the query of a relation for the entity extractor.
        with_query(query: QueryStyle);
        /// Sets how the relation classifier pools states; `None` uses the default of the encoder.
        with_pooling(pooling: Option<Pooling>);
        /// Sets how subjects and objects are paired.
        with_pairing(pairing: Pairing);
        /// Sets whether a detected relation gets its best pair if no pair reaches the threshold.
        with_at_least_one(at_least_one: bool);
        /// Sets the training of the relation classifier.
        with_relation(relation: StageConfig);
        /// Sets the training of the entity extractor.
        with_entity(entity: StageConfig);
    }
}

/// The RERE system: a relation classifier and an entity extractor.
#[derive(Debug)]
pub struct Rere {
    relation: RelationModel,
    entity: Network<PointerHead>,
    /// Tokens of each relation's query.
    queries: Vec<Vec<u32>>,
    runtime: Runtime,
    pairing: Pairing,
    at_least_one: bool,
}

/// Pointer scores of one relation in one window.
#[derive(Debug, Default, Clone)]
pub struct RelationScores {
    relation: usize,
    score: f32,
    /// `[tokens, 4]`
    pointers: Vec<f32>,
}

impl System for Rere {
    const NAME: &'static str = "rere";
    type Config = RereConfig;
    type Scores = Vec<RelationScores>;
    type Scratch = (PairingScratch, Vec<ScoredPair>);

    fn stages(config: &RereConfig) -> Vec<(&'static str, &StageConfig)> {
        vec![("relation", &config.relation), ("entity", &config.entity)]
    }

    fn query_style(config: &RereConfig) -> QueryStyle {
        config.query
    }

    fn train(config: &RereConfig, run: &mut Run<'_>) -> Result<(), RereError> {
        let inputs = run.inputs();
        let relation = RelationTask {
            run: inputs,
            pooling: config.pooling.unwrap_or(inputs.encoder.pooling()),
            train: SentenceExamples::new(inputs, inputs.train),
            dev: SentenceExamples::new(inputs, inputs.dev),
        };
        let entity = EntityTask::new(config, run)?;
        // An error of the second stage must not come only after the first stage has trained.
        run.check("relation", &relation)?;
        run.check("entity", &entity)?;
        run.stage("relation", &config.relation, &relation)?;
        run.stage("entity", &config.entity, &entity)
    }

    fn load(config: &RereConfig, parts: &ModelParts<'_>) -> Result<Self, RereError> {
        let (encoder, relations) = (&parts.config.encoder, &parts.config.relations);
        let pooling = config.pooling.unwrap_or(encoder.pooling());
        Ok(Self {
            relation: parts
                .network("relation", |device| RelationModel::new(encoder, relations.len(), pooling, device))?,
            entity: parts.network("entity", |device| entity_network(encoder, device))?,
            queries: queries(&parts.runtime.tokenizer, relations)?,
            runtime: parts.runtime.clone(),
            pairing: config.pairing,
            at_least_one: config.at_least_one,
        })
    }

    fn extra_tokens(&self) -> usize {
        self.queries.iter().map(Vec::len).max().unwrap_or(0) + QUERY_EXTRA
    }

    fn score(&self, windows: &[Window<'_>], floor: &Floor<'_>) -> Result<Vec<Self::Scores>, RereError> {
        // No triple scores more than its relation.
        let least = floor.detect.first().copied().unwrap_or_default();
        let wanted = |label: usize, score: f32| {
            floor.wanted[label] && floor.triple.get(label).is_some_and(|triple| score >= triple.max(least).get())
        };
        let detected = self
            .relations(windows)?
            .into_iter()
            .map(|scores| scores.into_iter().enumerate().filter(|&(label, score)| wanted(label, score)).collect());
        Ok(self.pointers(windows, detected.collect()))
    }

    /// The score of a triple is the probability of its relation times the score of its pair, capped at 1.
    fn decode(
        &self,
        scores: &Vec<RelationScores>,
        text: TokenizedText<'_>,
        at: &Decoding<'_>,
        (scratch, pairs): &mut Self::Scratch,
        found: &mut Vec<SpanTriple>,
    ) -> Result<(), DecodeError> {
        let strategy = self.pairing.strategy(at.thresholds.decode, self.at_least_one, at.longest);
        for &RelationScores { relation, score, ref pointers } in scores {
            if score < at.thresholds.detect.get() {
                continue;
            }
            pairs.clear();
            strategy.pair_into(PointerScores::new(pointers, text.tokens().len())?, text, scratch, pairs)?;
            found.extend(pairs.iter().map(|pair| SpanTriple {
                relation,
                subject: pair.subject,
                object: pair.object,
                score: Probability::saturating(score * pair.score.min(1.0)),
            }));
        }
        Ok(())
    }

    /// No triple scores more than its relation, so the threshold of relations only saves work.
    fn candidates() -> Vec<Thresholds> {
        Thresholds::decode_candidates()
    }
}

impl Rere {
    /// Computes the probability of each relation in each window.
    fn relations(&self, windows: &[Window<'_>]) -> Result<Vec<Vec<f32>>, RereError> {
        let scores = self.runtime.sentences(windows, |input, _| {
            let found = probabilities(self.relation.forward(input));
            found.chunks_exact(self.queries.len()).map(<[f32]>::to_vec).collect()
        });
        // A NaN is above no threshold: without an error, nothing would be found silently.
        match scores.iter().position(|scores| !scores.iter().all(|score| score.is_finite())) {
            Some(window) => Err(RereError::NotANumber { sentence: windows[window].text + 1 }),
            None => Ok(scores),
        }
    }

    /// Runs the entity extractor on each window, once for each of its relations with their probabilities.
    fn pointers(&self, windows: &[Window<'_>], relations: Vec<Vec<(usize, f32)>>) -> Vec<Vec<RelationScores>> {
        let jobs: Vec<(usize, usize)> = relations
            .iter()
            .enumerate()
            .flat_map(|(window, scores)| scores.iter().map(move |&(relation, _)| (window, relation)))
            .collect();
        let inputs: Vec<(Vec<u32>, Range<usize>)> = jobs
            .iter()
            .map(|&(window, relation)| {
                query_input(&self.runtime.tokenizer, &self.queries[relation], windows[window].ids)
            })
            .collect();
        let lengths: Vec<usize> = inputs.iter().map(|(ids, _)| ids.len()).collect();
        let pointers = self.runtime.batches(&lengths, |batch| {
            let rows: Vec<&[u32]> = batch.iter().map(|&job| inputs[job].0.as_slice()).collect();
            let contexts: Vec<Range<usize>> = batch.iter().map(|&job| inputs[job].1.clone()).collect();
            let logits = self.entity.head.forward(self.entity.encode(&self.runtime.input(&rows, Some(&contexts))));
            let width = logits.dims()[1] * POINTERS;
            let scores = probabilities(logits);
            let of_context = |(row, context): (&[f32], &Range<usize>)| {
                row[context.start * POINTERS..context.end * POINTERS].to_vec()
            };
            scores.chunks_exact(width).zip(&contexts).map(of_context).collect()
        });
        let mut pointers = pointers.into_iter();
        let mut scored =
            |(relation, score)| RelationScores { relation, score, pointers: pointers.next().unwrap_or_default() };
        relations.into_iter().map(|scores| scores.into_iter().map(&mut scored).collect()).collect()
    }
}

impl OnnxSystem for Rere {
    fn to_onnx(&self, max_tokens: usize) -> Result<[OnnxModel; 2], ModelError> {
        Ok([self.relation.to_onnx(max_tokens)?, self.entity.to_onnx(max_tokens)?])
    }

    fn query(&self, relation: usize) -> Option<&[u32]> {
        self.queries.get(relation).map(Vec::as_slice)
    }

    fn decoder(&self) -> Value {
        json!({"pairing": self.pairing, "at_least_one": self.at_least_one})
    }
}

/// Creates the network of the entity stage with random weights.
fn entity_network(encoder: &EncoderConfig, device: &Device) -> Result<Network<PointerHead>, ModelError> {
    Network::new(encoder, device, |hidden| PointerHead::new(hidden, device))
}

/// Returns the tokens of each relation's query.
fn queries(tokenizer: &Tokenizer, relations: &RelationSet) -> Result<Vec<Vec<u32>>, RereError> {
    let texts: Vec<&str> = relations.iter().map(|relation| relation.query.as_str()).collect();
    Ok(tokenizer.encode_batch(&texts)?.into_iter().map(|tokens| tokens.ids).collect())
}
