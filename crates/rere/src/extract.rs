//! A trained system at work.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    ops::Range,
    path::Path,
};

use burn::tensor::Device;
use rayon::prelude::*;
use rere_core::{ByteSpan, ExtractError, Extractor, Mention, Probability, RelationSet, Sentence, Triple};
use rere_data::{Tokenizer, Tokens, entity_input, relation_input, token_batches, windows};
use rere_decode::{PairingScratch, PointerScores, ScoredPair, TokenizedText};
use rere_eval::{Exact, TripleMatcher, best_threshold};
use rere_model::{EncoderConfig, ModelError, POINTERS, PointerModel, Precision, RelationModel, load_weights};

use crate::{
    ModelConfig, RereError, Stage,
    batch::{encoder_input, probabilities},
    files::{read_json, write_json},
    folder::{config_path, load_tokenizer, weights_path},
};

/// From which scores on something counts as found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Least probability of a relation.
    pub relation: Probability,
    /// Decoding threshold of subjects and objects.
    pub entity: Probability,
    /// Least score of a triple, which is the product of its relation's and its pair's.
    pub triple: Probability,
}

impl Default for Thresholds {
    /// 0.5 for relations and for subjects and objects, 0 for triples.
    fn default() -> Self {
        let half = Probability::saturating(0.5);
        Self { relation: half, entity: half, triple: Probability::default() }
    }
}

impl Thresholds {
    /// A relation under this probability is not worth the work when thresholds are to be chosen.
    pub const LOWEST_RELATION: f32 = 0.05;

    /// The decoding thresholds that are tried when thresholds are chosen: 0.05, 0.10, ... 0.95.
    pub fn entity_candidates() -> Vec<Probability> {
        (1..20).map(|twentieth| Probability::saturating(twentieth as f32 / 20.0)).collect()
    }
}

/// Relations of sentences that one thread decodes at least: fewer are not worth handing over.
const MIN_DECODE: usize = 64;

/// A trained system: finds the relations of a sentence, then the subjects and objects of each.
///
/// A sentence that is longer than the encoder can read is cut into windows that overlap by a quarter; what is found in
/// two of them is reported once.
pub struct Rere {
    config: ModelConfig,
    tokenizer: Tokenizer,
    queries: Vec<Vec<u32>>,
    relation: RelationModel,
    entity: PointerModel,
    device: Device,
    batch_tokens: usize,
    /// Labels of the relations that are looked for.
    wanted: Vec<bool>,
}

/// The pointer scores of one relation in one sentence, or in one window of a long one: what triples are decoded from.
pub struct Scored {
    sentence: usize,
    relation: usize,
    relation_score: f32,
    tokens: Vec<ByteSpan>,
    pointers: Vec<f32>,
}

/// A sentence, or a part of a long one.
struct Window {
    sentence: usize,
    tokens: Range<usize>,
}

impl Rere {
    /// Loads a model folder.
    ///
    /// # Errors
    /// Where a file is missing or damaged, or the weights do not fit the configuration.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, RereError> {
        Self::from_folder(read_json(&config_path(folder))?, folder, device)
    }

    pub(crate) fn from_folder(config: ModelConfig, folder: &Path, device: &Device) -> Result<Self, RereError> {
        let tokenizer = load_tokenizer(folder, &config.encoder)?;
        let relation = RelationModel::new(&config.encoder, config.relations.len(), config.pooling, device)?;
        let entity = PointerModel::new(&config.encoder, device)?;
        let relation = load_weights(relation, &weights_path(folder, Stage::Relation))?;
        let entity = load_weights(entity, &weights_path(folder, Stage::Entity))?;
        let texts: Vec<&str> = config.relations.iter().map(|relation| relation.query.as_str()).collect();
        let queries: Vec<Vec<u32>> = tokenizer.encode_batch(&texts)?.into_iter().map(|tokens| tokens.ids).collect();
        // The longest input is [CLS] query [SEP] sentence [SEP].
        let longest = queries.iter().map(Vec::len).max().unwrap_or(0) + 3;
        if longest >= config.max_tokens {
            return Err(RereError::Folder {
                path: config_path(folder),
                message: format!("max_tokens is {}, but a relation's query takes {longest}", config.max_tokens),
            });
        }
        if let Some(most) = config.encoder.max_tokens().filter(|&most| most < config.max_tokens) {
            return Err(RereError::Folder {
                path: config_path(folder),
                message: format!("max_tokens is {}, but the encoder reads at most {most}", config.max_tokens),
            });
        }
        let (device, wanted) = (device.clone(), vec![true; config.relations.len()]);
        Ok(Self { config, tokenizer, queries, relation, entity, device, batch_tokens: 1024, wanted })
    }

    /// The settings of the model folder.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The thresholds in force: those of the model folder, or what was set since.
    pub fn thresholds(&self) -> Thresholds {
        let ModelConfig { threshold_relation, threshold_entity, threshold_triple, .. } = self.config;
        Thresholds { relation: threshold_relation, entity: threshold_entity, triple: threshold_triple }
    }

    /// Sets other thresholds than those of the model folder.
    pub fn set_thresholds(&mut self, thresholds: Thresholds) {
        let Thresholds { relation, entity, triple } = thresholds;
        self.config.threshold_relation = relation;
        self.config.threshold_entity = entity;
        self.config.threshold_triple = triple;
    }

    /// Writes the settings in force, thresholds and all, into a model folder.
    ///
    /// # Errors
    /// Where the file cannot be written; the old one is as it was.
    pub fn save_config(&self, folder: &Path) -> Result<(), RereError> {
        write_json(&config_path(folder), &self.config)
    }

    /// Sets how many tokens, padding counted, go through an encoder at once. Few stay in a processor's caches, a graphics
    /// card wants many. The default is 1024.
    pub fn set_batch_tokens(&mut self, tokens: usize) {
        self.batch_tokens = tokens;
    }

    /// Lets both networks compute with fewer bits. What is lost of the weights comes back only with another
    /// [`Rere::load`].
    ///
    /// # Errors
    /// Where the device does not compute with such numbers, or the encoder is an LSTM, which burn has in 32 bits alone.
    pub fn set_precision(&mut self, precision: Precision) -> Result<(), RereError> {
        if precision != Precision::F32 && matches!(self.config.encoder, EncoderConfig::BiLstm(_)) {
            let message = "an LSTM computes with 32 bits alone: use f32".to_owned();
            return Err(ModelError::Precision { name: precision.to_string(), message }.into());
        }
        self.relation = precision.cast(self.relation.clone(), &self.device)?;
        self.entity = precision.cast(self.entity.clone(), &self.device)?;
        Ok(())
    }

    /// Looks for the relations of these names only: the entity extractor does not run for others.
    ///
    /// # Errors
    /// Where the system has no relation of a name.
    pub fn look_only_for<N: AsRef<str>>(&mut self, names: &[N]) -> Result<(), RereError> {
        let mut wanted = vec![false; self.config.relations.len()];
        for name in names {
            let Some(label) = self.config.relations.label(name.as_ref()) else {
                let known = self.config.relations.iter().map(|relation| relation.name.clone()).collect();
                return Err(RereError::UnknownRelation { name: name.as_ref().to_owned(), known });
            };
            wanted[label] = true;
        }
        self.wanted = wanted;
        Ok(())
    }

    /// The probability of each relation in each sentence, the best over the sentence's windows: one row of all
    /// relations a sentence, all 0 for a sentence without a token.
    ///
    /// # Errors
    /// Where a text cannot be tokenised, or the weights gave scores that are no numbers.
    pub fn relation_scores(&self, sentences: &[Sentence]) -> Result<Vec<Vec<f32>>, RereError> {
        let tokens = self.tokenize(sentences)?;
        let windows = self.windows(&tokens);
        let mut best = vec![vec![0.0f32; self.config.relations.len()]; sentences.len()];
        for (window, scores) in windows.iter().zip(self.window_relations(&tokens, &windows)?) {
            for (best, score) in best[window.sentence].iter_mut().zip(scores) {
                *best = best.max(score);
            }
        }
        Ok(best)
    }

    /// The pointer scores of every relation whose probability is at least `threshold`: both stages, short of the
    /// triples, which [`Rere::decode_at`] makes.
    ///
    /// # Errors
    /// Where a text cannot be tokenised, or the weights gave scores that are no numbers.
    pub fn score(&self, sentences: &[Sentence], threshold: f32) -> Result<Vec<Scored>, RereError> {
        let tokens = self.tokenize(sentences)?;
        let windows = self.windows(&tokens);
        let mut jobs = Vec::new();
        for (window, scores) in windows.iter().zip(self.window_relations(&tokens, &windows)?) {
            let wanted = |label: usize, score: f32| self.wanted[label] && score >= threshold;
            let detected = scores.into_iter().enumerate().filter(|&(label, score)| wanted(label, score));
            jobs.extend(detected.map(|(relation, score)| (window, relation, score)));
        }
        Ok(self.pointers(&tokens, jobs))
    }

    /// The pointer scores of relations that are given and not detected: the second stage alone. `relations` has the
    /// labels for each sentence; each counts as certain. [`Rere::decode_at`] makes triples of them, at as many
    /// thresholds as wanted.
    ///
    /// # Errors
    /// Where a text cannot be tokenised.
    ///
    /// # Panics
    /// Where there is not one list of labels for each sentence, or a label is not one of the model's.
    pub fn score_given(&self, sentences: &[Sentence], relations: &[Vec<usize>]) -> Result<Vec<Scored>, RereError> {
        assert_eq!(sentences.len(), relations.len(), "one list of labels is wanted for each sentence");
        let tokens = self.tokenize(sentences)?;
        let windows = self.windows(&tokens);
        let jobs = windows.iter().flat_map(|window| relations[window.sentence].iter().map(move |&r| (window, r, 1.0)));
        Ok(self.pointers(&tokens, jobs.collect()))
    }

    /// The triples of each sentence, from the scores of these same sentences.
    ///
    /// # Errors
    /// Where the weights gave scores that are no numbers.
    pub fn decode_at(
        &self,
        scored: &[Scored],
        sentences: &[Sentence],
        thresholds: Thresholds,
    ) -> Result<Vec<Vec<Triple>>, RereError> {
        let strategy = self.config.decode.strategy(thresholds.entity);
        let decode = |(scratch, pairs): &mut (PairingScratch, Vec<ScoredPair>), scored: &Scored| {
            let text = sentences[scored.sentence].text.as_str();
            let failed = |source| RereError::Decode { sentence: scored.sentence + 1, source };
            let scores = PointerScores::new(&scored.pointers, scored.tokens.len()).map_err(failed)?;
            let window = TokenizedText::new(text, &scored.tokens).map_err(failed)?;
            pairs.clear();
            strategy.pair_into(scores, window, scratch, pairs).map_err(failed)?;
            self.triples(scored, text, pairs, thresholds.triple)
        };
        let detected = scored.par_iter().with_min_len(MIN_DECODE);
        let detected = detected.filter(|scored| scored.relation_score >= thresholds.relation.get());
        let found = detected.map_init(Default::default, |memory, scored| (scored.sentence, decode(memory, scored)));
        let mut triples = vec![Vec::new(); sentences.len()];
        for (sentence, found) in found.collect::<Vec<_>>() {
            triples[sentence].extend(found?);
        }
        Ok(triples.into_iter().map(best_triples).collect())
    }

    /// The triples of one relation's pairs that score at least `threshold`.
    fn triples(
        &self,
        scored: &Scored,
        text: &str,
        pairs: &[ScoredPair],
        threshold: Probability,
    ) -> Result<Vec<Triple>, RereError> {
        let Some(relation) = self.config.relations.get(scored.relation) else { return Ok(Vec::new()) };
        // The decoder returns spans of the text that it was given.
        let mention = |span: ByteSpan| {
            Mention::at(text, span).map_err(|source| RereError::Span { sentence: scored.sentence + 1, source })
        };
        // A strategy's scores may exceed 1; no triple is more certain than its relation.
        let score = |pair: &ScoredPair| Probability::saturating(scored.relation_score * pair.score.min(1.0));
        let kept = pairs.iter().map(|pair| (pair, score(pair))).filter(|&(_, score)| score >= threshold);
        kept.map(|(pair, score)| {
            Ok(Triple {
                subject: mention(pair.subject)?,
                relation: relation.name.clone(),
                object: mention(pair.object)?,
                score: Some(score),
            })
        })
        .collect()
    }

    /// The thresholds with the best micro F1 (exact) on sentences whose triples are known, from the scores of these
    /// same sentences, and that F1; nothing where there are no triples.
    ///
    /// Decoding thresholds are tried in steps of 0.05; for each, the best threshold of triples is found exactly. As no
    /// triple scores more than its relation, the relation threshold is the same: it changes nothing and saves work. But
    /// it is at least [`Thresholds::LOWEST_RELATION`], from which on `scored` has to have the relations. Of equal F1
    /// the highest thresholds are taken; where nothing right is found, the default ones, with an F1 of 0.
    ///
    /// # Errors
    /// Where the weights gave scores that are no numbers.
    pub fn best_thresholds(
        &self,
        scored: &[Scored],
        sentences: &[Sentence],
    ) -> Result<Option<(Thresholds, f64)>, RereError> {
        let keys = sentences.iter().map(|sentence| sentence.triples.iter().map(|triple| Exact.key(triple)).collect());
        let gold: Vec<HashSet<_>> = keys.collect();
        let count = gold.iter().map(HashSet::len).sum();
        if count == 0 {
            return Ok(None);
        }
        let lowest = Probability::saturating(Thresholds::LOWEST_RELATION);
        let mut best = (Thresholds::default(), 0.0);
        for entity in Thresholds::entity_candidates() {
            let none = Probability::default();
            let triples = self.decode_at(scored, sentences, Thresholds { relation: lowest, entity, triple: none })?;
            let candidates = gold.iter().zip(&triples).flat_map(|(gold, triples)| {
                triples.iter().map(|triple| (triple.score.unwrap_or_default().get(), gold.contains(&Exact.key(triple))))
            });
            if let Some((triple, score)) = best_threshold(candidates, count)
                && score.f1 > 0.0
                && score.f1 >= best.1
            {
                best = (Thresholds { relation: triple.max(lowest), entity, triple }, score.f1);
            }
        }
        Ok(Some(best))
    }

    fn extract_detected(&self, sentences: &[Sentence]) -> Result<Vec<Vec<Triple>>, RereError> {
        let thresholds = self.thresholds();
        // No triple scores more than its relation.
        let scored = self.score(sentences, thresholds.relation.max(thresholds.triple).get())?;
        self.decode_at(&scored, sentences, thresholds)
    }

    fn tokenize(&self, sentences: &[Sentence]) -> Result<Vec<Tokens>, RereError> {
        let texts: Vec<&str> = sentences.iter().map(|sentence| sentence.text.as_str()).collect();
        Ok(self.tokenizer.encode_batch(&texts)?)
    }

    /// Every sentence in windows that fit the encoder with the longest query; none for a sentence without a token.
    fn windows(&self, tokens: &[Tokens]) -> Vec<Window> {
        let query = self.queries.iter().map(Vec::len).max().unwrap_or(0);
        let longest = self.config.max_tokens - query - 3;
        let of = |(sentence, tokens): (usize, &Tokens)| {
            let ranges = if tokens.is_empty() { vec![] } else { windows(tokens.len(), longest, longest / 4) };
            ranges.into_iter().map(move |tokens| Window { sentence, tokens })
        };
        tokens.iter().enumerate().flat_map(of).collect()
    }

    fn window_relations(&self, tokens: &[Tokens], windows: &[Window]) -> Result<Vec<Vec<f32>>, RereError> {
        let rows: Vec<Vec<u32>> = windows
            .iter()
            .map(|window| relation_input(&self.tokenizer, &tokens[window.sentence].ids[window.tokens.clone()]))
            .collect();
        let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
        let scores = self.batches(&lengths, |batch| {
            let rows: Vec<&[u32]> = batch.iter().map(|&window| rows[window].as_slice()).collect();
            let logits = self.relation.forward(&encoder_input(&rows, None, self.tokenizer.pad(), &self.device));
            let found = probabilities(logits);
            found.chunks_exact(self.config.relations.len()).map(<[f32]>::to_vec).collect()
        });
        // A NaN is over no threshold: nothing would be found, and nobody told.
        match scores.iter().position(|scores| !scores.iter().all(|score| score.is_finite())) {
            Some(window) => Err(RereError::RelationScores { sentence: windows[window].sentence + 1 }),
            None => Ok(scores),
        }
    }

    /// What `compute` makes of each row, given the numbers of the rows of a batch. Batches run side by side, so that no core
    /// waits where a batch has work for one alone.
    fn batches(&self, lengths: &[usize], compute: impl Fn(&[usize]) -> Vec<Vec<f32>> + Sync) -> Vec<Vec<f32>> {
        let batches = token_batches(lengths, self.batch_tokens);
        let computed: Vec<Vec<Vec<f32>>> = batches.par_iter().map(|batch| compute(batch)).collect();
        let mut rows = vec![Vec::new(); lengths.len()];
        for (row, scores) in batches.iter().flatten().zip(computed.into_iter().flatten()) {
            rows[*row] = scores;
        }
        rows
    }

    /// Runs the entity extractor on windows, each with a relation and its probability.
    fn pointers(&self, tokens: &[Tokens], jobs: Vec<(&Window, usize, f32)>) -> Vec<Scored> {
        let inputs: Vec<(Vec<u32>, Range<usize>)> = jobs
            .iter()
            .map(|(window, relation, _)| {
                let ids = &tokens[window.sentence].ids[window.tokens.clone()];
                entity_input(&self.tokenizer, &self.queries[*relation], ids)
            })
            .collect();
        let lengths: Vec<usize> = inputs.iter().map(|(ids, _)| ids.len()).collect();
        let pointers = self.batches(&lengths, |batch| {
            let rows: Vec<&[u32]> = batch.iter().map(|&job| inputs[job].0.as_slice()).collect();
            let contexts: Vec<&Range<usize>> = batch.iter().map(|&job| &inputs[job].1).collect();
            let input = encoder_input(&rows, Some(&contexts), self.tokenizer.pad(), &self.device);
            let logits = self.entity.forward(&input);
            let width = logits.dims()[1] * POINTERS;
            let scores = probabilities(logits);
            let of_context = |(row, context): (&[f32], &Range<usize>)| {
                row[context.start * POINTERS..context.end * POINTERS].to_vec()
            };
            scores.chunks_exact(width).zip(contexts).map(of_context).collect()
        });
        jobs.into_iter()
            .zip(pointers)
            .map(|((window, relation, relation_score), pointers)| Scored {
                sentence: window.sentence,
                relation,
                relation_score,
                tokens: tokens[window.sentence].spans[window.tokens.clone()].to_vec(),
                pointers,
            })
            .collect()
    }
}

impl Extractor for Rere {
    fn relations(&self) -> &RelationSet {
        &self.config.relations
    }

    /// A triple's score is the probability of its relation times the score of its pair, which counts as 1 at most. The
    /// same subject, relation and object in several places of a sentence is one triple, at its best place; the best
    /// triples come first.
    fn extract(&self, sentences: &[Sentence]) -> Result<Vec<Vec<Triple>>, ExtractError> {
        self.extract_detected(sentences).map_err(ExtractError::new)
    }
}

/// One triple for each subject, relation and object: the one with the best score, and of those the first.
fn best_triples(triples: Vec<Triple>) -> Vec<Triple> {
    let mut best: Vec<Triple> = Vec::with_capacity(triples.len());
    let mut places: HashMap<(String, String, String), usize> = HashMap::new();
    for triple in triples {
        let key = (triple.subject.text.clone(), triple.relation.clone(), triple.object.text.clone());
        match places.get(&key) {
            Some(&place) if best[place].score >= triple.score => {}
            Some(&place) => best[place] = triple,
            None => {
                places.insert(key, best.len());
                best.push(triple);
            }
        }
    }
    best.sort_by_key(|triple| Reverse(triple.score));
    best
}
