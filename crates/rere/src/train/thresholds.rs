//! The thresholds of the whole system, chosen on the development set.

use std::{collections::HashMap, path::Path};

use burn::tensor::Device;
use rere_core::{RelationSet, Sentence};
use rere_data::{EntityExample, Tokenizer};
use rere_eval::{Exact, Score, TripleMatcher, best_threshold};

use super::{Corpus, task::DevEntities};
use crate::{ModelConfig, Rere, RereError, Thresholds};

/// What the entity extractor's development examples are decoded and compared with.
pub(super) fn dev_entities(
    tokenizer: &Tokenizer,
    relations: &RelationSet,
    corpus: &Corpus,
    examples: Vec<EntityExample>,
) -> Result<Vec<DevEntities>, RereError> {
    let mut dev = Vec::with_capacity(examples.len());
    for example in examples {
        let sentence = &corpus.dev[example.sentence];
        let gold = sentence.triples.iter().filter(|triple| relations.label(&triple.relation) == Some(example.relation));
        let gold = gold.map(|triple| (triple.subject.text.clone(), triple.object.text.clone())).collect();
        let tokens = tokenizer.encode(&sentence.text)?.spans;
        dev.push(DevEntities { example, text: sentence.text.clone(), tokens, gold });
    }
    Ok(dev)
}

/// The pair of thresholds with the best micro F1 (exact) of the whole system on the development set, and that F1.
///
/// Decoding thresholds are tried in steps of 0.05; for each, the best threshold of relations is found exactly. Equal
/// F1 goes to the higher threshold. Without development triples both are 0.5.
pub(super) fn choose(
    model: &ModelConfig,
    folder: &Path,
    dev: &[Sentence],
    device: &Device,
) -> Result<(Thresholds, Option<f64>), RereError> {
    let mut best: Option<(Thresholds, Score)> = None;
    let gold = dev.iter().map(|sentence| keys(&sentence.triples).len()).sum();
    if gold == 0 {
        return Ok((Thresholds::default(), None));
    }
    let system = Rere::from_folder(model.clone(), folder, device)?;
    let scores = system.scores(dev, Thresholds::LOWEST_RELATION)?;
    for entity in Thresholds::entity_candidates() {
        let mut scored = Vec::new();
        for (sentence, relations) in dev.iter().zip(system.decode(&scores, dev, entity)?) {
            let gold = keys(&sentence.triples);
            // A triple is found once a threshold lets any of the relations' windows pass it.
            let mut found: HashMap<_, f32> = HashMap::new();
            for (triple, relation_score) in &relations {
                let score = found.entry(Exact.key(triple)).or_default();
                *score = score.max(*relation_score);
            }
            scored.extend(found.iter().map(|(key, &score)| (score, gold.contains(key))));
        }
        if let Some((relation, score)) = best_threshold(scored, gold)
            && best.is_none_or(|(_, best)| score.f1 >= best.f1)
        {
            best = Some((Thresholds { relation, entity }, score));
        }
    }
    Ok(match best {
        Some((thresholds, score)) => (thresholds, Some(score.f1)),
        None => (Thresholds::default(), Some(0.0)),
    })
}

fn keys(triples: &[rere_core::Triple]) -> std::collections::HashSet<(&str, &str, &str)> {
    triples.iter().map(|triple| Exact.key(triple)).collect()
}
