//! RERE: the relations of a sentence first, then the subjects and objects of each (Xie et al. 2021).

use std::{collections::BTreeSet, ops::Range};

use burn::{
    module::Module,
    tensor::{Bool, Device, Tensor, TensorData},
};
use rere_core::{ByteSpan, Probability, QueryStyle, Relation, RelationSet, Sentence, Triple};
use rere_data::{
    LocatedCorpus, LocatedSentence, LocatedTriple, QUERY_EXTRA, SENTENCE_EXTRA, Tokenizer, pointer_marks, query_input,
    relation_labels, sentence_input, token_batches,
};
use rere_decode::{DecodeError, Pairing, PairingScratch, PairingStrategy, PointerScores, ScoredPair, TokenizedText};
use rere_eval::{Counts, Score, best_threshold};
use rere_loss::LabelCounts;
use rere_model::{EncoderInput, ModelError, POINTERS, PointerModel, Pooling, RelationModel};
use serde::{Deserialize, Serialize};

use super::{Decoding, Floor, SpanTriple, System, Window};
use crate::{
    Compute, Inputs, Labels, Parts, RereError, Run, StageConfig, Step, Task, Thresholds, Trained, encoder_input,
    pipeline::{Scored, Texts},
    probabilities,
};

/// The settings of RERE.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RereConfig {
    /// How a relation is put into words for the entity extractor. `raw`: its name as it is; `words`: readable words.
    pub query: QueryStyle,
    /// How the relation classifier makes one state of those of a sentence. Without it, what suits the encoder.
    pub pooling: Option<Pooling>,
    /// How subjects and objects are paired: `nearest`, as in the paper, or `cross-product`, as in the authors' code.
    pub pairing: Pairing,
    /// Whether a detected relation gets the best pair there is if no pair reaches the threshold: the sentence has the relation,
    /// so it has a pair. Neither the paper nor the authors' code does so.
    pub at_least_one: bool,
    /// The first stage: which relations does the sentence express?
    pub relation: StageConfig,
    /// The second stage: which subjects and objects has a relation?
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

/// RERE at work: a relation classifier and an entity extractor.
pub struct Rere {
    relation: RelationModel,
    entity: PointerModel,
    /// Tokens of each relation's query.
    queries: Vec<Vec<u32>>,
    tokenizer: Tokenizer,
    compute: Compute,
    pairing: Pairing,
    at_least_one: bool,
}

/// The pointer scores of one relation in one window.
#[derive(Default, Clone)]
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

    fn check(config: &RereConfig) -> Result<(), String> {
        config.relation.check("rere.relation")?;
        config.entity.check("rere.entity")
    }

    fn query_style(config: &RereConfig) -> QueryStyle {
        config.query
    }

    fn train(config: &RereConfig, run: &mut Run<'_>) -> Result<(), RereError> {
        let relation = RelationTask::new(config, run);
        run.stage("relation", &config.relation, &relation)?;
        let entity = EntityTask::new(config, run)?;
        run.stage("entity", &config.entity, &entity)
    }

    fn load(config: &RereConfig, parts: &Parts<'_>) -> Result<Self, RereError> {
        let (encoder, relations) = (&parts.config.encoder, &parts.config.relations);
        let pooling = config.pooling.unwrap_or(encoder.pooling());
        Ok(Self {
            relation: parts
                .network("relation", |device| RelationModel::new(encoder, relations.len(), pooling, device))?,
            entity: parts.network("entity", |device| PointerModel::new(encoder, device))?,
            queries: queries(parts.tokenizer, relations)?,
            tokenizer: parts.tokenizer.clone(),
            compute: parts.compute.clone(),
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
            floor.wanted[label] && floor.triple.of(label).is_some_and(|triple| score >= triple.max(least).get())
        };
        let detected = self
            .relations(windows)?
            .into_iter()
            .map(|scores| scores.into_iter().enumerate().filter(|&(label, score)| wanted(label, score)).collect());
        Ok(self.pointers(windows, detected.collect()))
    }

    /// A triple's score is the probability of its relation times the score of its pair, which counts as 1 at most.
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

    /// As no triple scores more than its relation, the threshold of relations only saves work.
    fn candidates() -> Vec<Thresholds> {
        let at = |decode| Thresholds { detect: Thresholds::lowest(), decode, ..Thresholds::default() };
        Thresholds::candidates().into_iter().map(at).collect()
    }
}

impl Rere {
    /// The probability of each relation in each window.
    fn relations(&self, windows: &[Window<'_>]) -> Result<Vec<Vec<f32>>, RereError> {
        let rows: Vec<Vec<u32>> = windows.iter().map(|window| sentence_input(&self.tokenizer, window.ids)).collect();
        let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
        let scores = self.compute.batches(&lengths, |batch| {
            let rows: Vec<&[u32]> = batch.iter().map(|&window| rows[window].as_slice()).collect();
            let found = probabilities(self.relation.forward(&self.compute.input(&rows, None)));
            found.chunks_exact(self.queries.len()).map(<[f32]>::to_vec).collect()
        });
        // A NaN is over no threshold: nothing would be found, and nobody told.
        match scores.iter().position(|scores| !scores.iter().all(|score| score.is_finite())) {
            Some(window) => Err(RereError::NotANumber { sentence: windows[window].text + 1 }),
            None => Ok(scores),
        }
    }

    /// Runs the entity extractor on windows, once for each relation with its probability.
    fn pointers(&self, windows: &[Window<'_>], relations: Vec<Vec<(usize, f32)>>) -> Vec<Vec<RelationScores>> {
        let jobs: Vec<(usize, usize)> = relations
            .iter()
            .enumerate()
            .flat_map(|(at, of)| of.iter().map(move |&(relation, _)| (at, relation)))
            .collect();
        let inputs: Vec<(Vec<u32>, Range<usize>)> = jobs
            .iter()
            .map(|&(window, relation)| query_input(&self.tokenizer, &self.queries[relation], windows[window].ids))
            .collect();
        let lengths: Vec<usize> = inputs.iter().map(|(ids, _)| ids.len()).collect();
        let pointers = self.compute.batches(&lengths, |batch| {
            let rows: Vec<&[u32]> = batch.iter().map(|&job| inputs[job].0.as_slice()).collect();
            let contexts: Vec<Range<usize>> = batch.iter().map(|&job| inputs[job].1.clone()).collect();
            let logits = self.entity.forward(&self.compute.input(&rows, Some(&contexts)));
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
        relations.into_iter().map(|of| of.into_iter().map(&mut scored).collect()).collect()
    }
}

/// What the two stages find by themselves, to see which of them misses what.
impl Trained<Rere> {
    /// The probability of each relation in each sentence, the best over the sentence's windows; all 0 for a sentence without a
    /// token.
    ///
    /// # Errors
    /// Returns an error if a text cannot be tokenised or a score is NaN.
    pub fn relation_scores(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, RereError> {
        let texts = Texts::tokenize(texts.to_vec(), self.tokenizer())?;
        let windows = texts.windows(self.window_tokens());
        let mut best = vec![vec![0.0f32; self.system().queries.len()]; texts.texts.len()];
        for (window, scores) in windows.iter().zip(self.system().relations(&windows)?) {
            for (best, score) in best[window.text].iter_mut().zip(scores) {
                *best = best.max(score);
            }
        }
        Ok(best)
    }

    /// The triples of sentences whose relations are given and count as certain: the second stage alone, at each of these
    /// thresholds. `relations` has labels for each sentence.
    ///
    /// # Errors
    /// Returns an error if a text cannot be tokenised, or a score is NaN.
    ///
    /// # Panics
    /// Panics if there is not one list of labels for each sentence, or a label is not one of the model's.
    pub fn extract_given(
        &self,
        texts: &[&str],
        relations: &[Vec<usize>],
        thresholds: &[Thresholds],
    ) -> Result<Vec<Vec<Vec<Triple>>>, RereError> {
        assert_eq!(texts.len(), relations.len(), "expected one list of labels for each sentence");
        let texts = Texts::tokenize(texts.to_vec(), self.tokenizer())?;
        let windows = texts.windows(self.window_tokens());
        let given = windows.iter().map(|window| relations[window.text].iter().map(|&label| (label, 1.0)).collect());
        let scores = self.system().pointers(&windows, given.collect());
        let scored = Scored { texts: &texts, windows, scores };
        thresholds.iter().map(|at| self.decode(&scored, at)).collect()
    }
}

/// The tokens of each relation's query.
fn queries(tokenizer: &Tokenizer, relations: &RelationSet) -> Result<Vec<Vec<u32>>, RereError> {
    let texts: Vec<&str> = relations.iter().map(|relation| relation.query.as_str()).collect();
    Ok(tokenizer.encode_batch(&texts)?.into_iter().map(|tokens| tokens.ids).collect())
}

/// The relation classifier in training: an example is a sentence.
struct RelationTask<'a> {
    run: Inputs<'a>,
    pooling: Pooling,
    train: Vec<usize>,
    lengths: Vec<usize>,
    too_long: usize,
    dev: Vec<usize>,
}

impl<'a> RelationTask<'a> {
    fn new(config: &RereConfig, run: &Run<'a>) -> Self {
        let inputs = run.inputs();
        let length = |sentence: &LocatedSentence| sentence.tokens.len() + SENTENCE_EXTRA;
        let usable = |corpus: &LocatedCorpus| -> (Vec<usize>, usize) {
            let (short, long): (Vec<_>, Vec<_>) = (0..corpus.sentences.len())
                .filter(|&at| !corpus.sentences[at].tokens.is_empty())
                .partition(|&at| length(&corpus.sentences[at]) <= inputs.max_tokens);
            (short, long.len())
        };
        let (train, too_long) = usable(inputs.train);
        let (dev, _) = usable(inputs.dev);
        let lengths = train.iter().map(|&at| length(&inputs.train.sentences[at])).collect();
        let pooling = config.pooling.unwrap_or(inputs.encoder.pooling());
        Self { run: inputs, pooling, train, lengths, too_long, dev }
    }

    fn input_of(&self, sentences: &[&LocatedSentence], device: &Device) -> EncoderInput {
        let rows: Vec<Vec<u32>> =
            sentences.iter().map(|sentence| sentence_input(self.run.tokenizer, &sentence.tokens.ids)).collect();
        let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        encoder_input(&rows, None, self.run.tokenizer.pad(), device)
    }

    fn batch(&self, batch: &[usize]) -> Vec<&'a LocatedSentence> {
        batch.iter().map(|&example| &self.run.train.sentences[self.train[example]]).collect()
    }
}

impl Task for RelationTask<'_> {
    type Model = RelationModel;

    fn init(&self, device: &Device) -> Result<RelationModel, ModelError> {
        RelationModel::new(self.run.encoder, self.run.relations.len(), self.pooling, device)
    }

    fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    fn too_long(&self) -> usize {
        self.too_long
    }

    fn counts(&self) -> Vec<LabelCounts> {
        let relations = self.run.relations.len();
        let mut counts =
            LabelCounts { labels: vec![self.train.len() as u64; relations], positives: vec![0; relations] };
        for &at in &self.train {
            for label in relation_labels(&self.run.train.sentences[at].triples) {
                counts.positives[label] += 1;
            }
        }
        vec![counts]
    }

    fn input(&self, batch: &[usize], device: &Device) -> EncoderInput {
        self.input_of(&self.batch(batch), device)
    }

    /// Labels `[sentences, 1, relations]`: a group is the relations of a sentence.
    fn labels(&self, model: &RelationModel, batch: &[usize], input: &EncoderInput, _: &mut Step) -> Vec<Labels> {
        let relations = self.run.relations.len();
        let logits = model.forward(input).unsqueeze_dim::<3>(1);
        let mut targets = vec![0f32; batch.len() * relations];
        for (row, sentence) in targets.chunks_exact_mut(relations).zip(self.batch(batch)) {
            for label in relation_labels(&sentence.triples) {
                row[label] = 1.0;
            }
        }
        let targets = TensorData::new(targets, [batch.len(), 1, relations]);
        vec![Labels::new(logits.clone(), Tensor::from_data(targets, &logits.device()), 2)]
    }

    /// Micro F1 over all labels, at the threshold that is best.
    fn dev_score(&self, model: &RelationModel, device: &Device) -> Result<Option<f64>, RereError> {
        let sentences: Vec<&LocatedSentence> = self.dev.iter().map(|&at| &self.run.dev.sentences[at]).collect();
        let labels: Vec<Vec<usize>> = sentences.iter().map(|sentence| relation_labels(&sentence.triples)).collect();
        let gold: usize = labels.iter().map(Vec::len).sum();
        if gold == 0 {
            return Ok(None);
        }
        let model = model.valid();
        let relations = self.run.relations.len();
        let lengths: Vec<usize> = sentences.iter().map(|sentence| sentence.tokens.len() + SENTENCE_EXTRA).collect();
        let mut scored = Vec::with_capacity(sentences.len() * relations);
        for batch in token_batches(&lengths, DEV_TOKENS) {
            let rows: Vec<&LocatedSentence> = batch.iter().map(|&at| sentences[at]).collect();
            let scores = probabilities(model.forward(&self.input_of(&rows, device)));
            for (&at, scores) in batch.iter().zip(scores.chunks_exact(relations)) {
                let labelled = |label: usize| labels[at].binary_search(&label).is_ok();
                scored.extend(scores.iter().enumerate().map(|(label, &score)| (score, labelled(label))));
            }
        }
        Ok(best_threshold(scored, gold).map(|(_, score)| score.f1))
    }
}

/// Tokens, padding counted, in a batch of development examples.
const DEV_TOKENS: usize = 2048;

/// The entity extractor in training: an example is a sentence with one of its relations.
struct EntityTask<'a> {
    run: Inputs<'a>,
    queries: Vec<Vec<u32>>,
    pairing: Pairing,
    at_least_one: bool,
    train: Vec<(usize, usize)>,
    lengths: Vec<usize>,
    too_long: usize,
    dev: Vec<(usize, usize)>,
}

impl<'a> EntityTask<'a> {
    fn new(config: &RereConfig, run: &Run<'a>) -> Result<Self, RereError> {
        let inputs = run.inputs();
        let queries = queries(inputs.tokenizer, inputs.relations)?;
        if let Some((relation, query)) =
            inputs.relations.iter().zip(&queries).find(|(_, query)| query.len() + QUERY_EXTRA >= inputs.max_tokens)
        {
            let message = format!(
                "the query of the relation {:?} has {} tokens, which leaves no token of {} to a sentence: raise \
                 training.max_tokens, or shorten the name",
                relation.name,
                query.len(),
                inputs.max_tokens
            );
            return Err(RereError::Config { path: None, message });
        }
        let length =
            |sentence: &LocatedSentence, relation: usize| sentence.tokens.len() + queries[relation].len() + QUERY_EXTRA;
        let usable = |corpus: &LocatedCorpus| -> (Vec<(usize, usize)>, usize) {
            let asked = corpus.sentences.iter().enumerate().flat_map(|(at, sentence)| {
                relation_labels(&sentence.triples).into_iter().map(move |relation| (at, relation))
            });
            let fits = |&(at, relation): &(usize, usize)| length(&corpus.sentences[at], relation) <= inputs.max_tokens;
            let (short, long): (Vec<_>, Vec<_>) = asked.partition(fits);
            (short, long.len())
        };
        let (train, too_long) = usable(inputs.train);
        let (dev, _) = usable(inputs.dev);
        let lengths = train.iter().map(|&(at, relation)| length(&inputs.train.sentences[at], relation)).collect();
        let RereConfig { pairing, at_least_one, .. } = *config;
        Ok(Self { run: inputs, queries, pairing, at_least_one, train, lengths, too_long, dev })
    }

    /// The input of a batch, and where the sentence is in each row.
    fn input_of(
        &self,
        corpus: &LocatedCorpus,
        examples: &[(usize, usize)],
        device: &Device,
    ) -> (EncoderInput, Vec<Range<usize>>) {
        let input = |&(at, relation): &(usize, usize)| {
            query_input(self.run.tokenizer, &self.queries[relation], &corpus.sentences[at].tokens.ids)
        };
        let (rows, contexts): (Vec<Vec<u32>>, Vec<_>) = examples.iter().map(input).unzip();
        let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        (encoder_input(&rows, Some(&contexts), self.run.tokenizer.pad(), device), contexts)
    }

    fn batch(&self, batch: &[usize]) -> Vec<(usize, usize)> {
        batch.iter().map(|&example| self.train[example]).collect()
    }
}

/// The triples of one relation.
fn of_relation(sentence: &LocatedSentence, relation: usize) -> impl Iterator<Item = &LocatedTriple> {
    sentence.triples.iter().filter(move |triple| triple.relation == relation)
}

impl Task for EntityTask<'_> {
    type Model = PointerModel;

    fn init(&self, device: &Device) -> Result<PointerModel, ModelError> {
        PointerModel::new(self.run.encoder, device)
    }

    fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    fn too_long(&self) -> usize {
        self.too_long
    }

    fn counts(&self) -> Vec<LabelCounts> {
        let mut counts = LabelCounts { labels: vec![0; POINTERS], positives: vec![0; POINTERS] };
        for &(at, relation) in &self.train {
            let sentence = &self.run.train.sentences[at];
            for (pointer, marks) in pointer_marks(of_relation(sentence, relation)).iter().enumerate() {
                counts.labels[pointer] += sentence.tokens.len() as u64;
                counts.positives[pointer] += marks.len() as u64;
            }
        }
        vec![counts]
    }

    fn input(&self, batch: &[usize], device: &Device) -> EncoderInput {
        self.input_of(self.run.train, &self.batch(batch), device).0
    }

    /// Labels `[examples, tokens, 4]`: a group is one pointer's tokens of a sentence. Only the sentence's own tokens count.
    fn labels(&self, model: &PointerModel, batch: &[usize], input: &EncoderInput, _: &mut Step) -> Vec<Labels> {
        let logits = model.forward(input);
        let [rows, width, _] = logits.dims();
        let (mut targets, mut mask) = (vec![0f32; rows * width * POINTERS], vec![false; rows * width * POINTERS]);
        for (row, (at, relation)) in self.batch(batch).into_iter().enumerate() {
            let sentence = &self.run.train.sentences[at];
            let first = row * width + self.queries[relation].len() + QUERY_EXTRA - 1;
            mask[first * POINTERS..(first + sentence.tokens.len()) * POINTERS].fill(true);
            for (pointer, marks) in pointer_marks(of_relation(sentence, relation)).iter().enumerate() {
                for token in marks {
                    targets[(first + token) * POINTERS + pointer] = 1.0;
                }
            }
        }
        let (shape, device) = ([rows, width, POINTERS], logits.device());
        let targets = Tensor::from_data(TensorData::new(targets, shape), &device);
        let mask = Tensor::<3, Bool>::from_data(TensorData::new(mask, shape), &device);
        vec![Labels::new(logits, targets, 1).with_mask(mask)]
    }

    /// Micro F1 over the pairs of the gold relations, at the decoding threshold that is best.
    fn dev_score(&self, model: &PointerModel, device: &Device) -> Result<Option<f64>, RereError> {
        if self.dev.is_empty() {
            return Ok(None);
        }
        let model = model.valid();
        let dev = self.run.dev;
        let lengths: Vec<usize> = (self.dev.iter())
            .map(|&(at, relation)| dev.sentences[at].tokens.len() + self.queries[relation].len() + QUERY_EXTRA)
            .collect();
        let strategy = |threshold| self.pairing.strategy(threshold, self.at_least_one, self.run.constraints.longest);
        let strategies: Vec<_> = Thresholds::candidates().into_iter().map(strategy).collect();
        let mut counts = vec![Counts::default(); strategies.len()];
        let (mut scratch, mut pairs) = (PairingScratch::default(), Vec::new());
        for batch in token_batches(&lengths, DEV_TOKENS) {
            let examples: Vec<(usize, usize)> = batch.iter().map(|&example| self.dev[example]).collect();
            let (input, contexts) = self.input_of(dev, &examples, device);
            let logits = model.forward(&input);
            let width = logits.dims()[1] * POINTERS;
            let scores = probabilities(logits);
            for ((&(at, relation), context), scores) in examples.iter().zip(contexts).zip(scores.chunks_exact(width)) {
                let (sentence, tokens) = (&self.run.dev_sentences[at], &dev.sentences[at].tokens);
                let decode = |source| RereError::Decode { sentence: at + 1, source };
                let scores = &scores[context.start * POINTERS..context.end * POINTERS];
                let scores = PointerScores::new(scores, tokens.len()).map_err(decode)?;
                let text = TokenizedText::new(&sentence.text, &tokens.spans).map_err(decode)?;
                for (counts, strategy) in counts.iter_mut().zip(&strategies) {
                    pairs.clear();
                    strategy.pair_into(scores, text, &mut scratch, &mut pairs).map_err(decode)?;
                    *counts += count_pairs(sentence, self.run.relations.get(relation), &pairs);
                }
            }
        }
        Ok(counts.into_iter().map(|counts| Score::from_counts(counts).f1).reduce(f64::max))
    }
}

/// Pairs of surfaces of one relation, against those of the sentence's triples.
fn count_pairs(sentence: &Sentence, relation: Option<&Relation>, pairs: &[ScoredPair]) -> Counts {
    let surface = |span: ByteSpan| span.slice(&sentence.text).unwrap_or_default();
    let found: BTreeSet<(&str, &str)> =
        pairs.iter().map(|pair| (surface(pair.subject), surface(pair.object))).collect();
    let of_relation = sentence.triples.iter().filter(|triple| relation.is_some_and(|own| own.name == triple.relation));
    let gold: BTreeSet<(&str, &str)> =
        of_relation.map(|triple| (triple.subject.text.trim(), triple.object.text.trim())).collect();
    Counts { right: found.intersection(&gold).count(), predicted: found.len(), gold: gold.len() }
}
