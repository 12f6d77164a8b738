//! Training of the entity extractor.

use std::ops::Range;

use burn::{module::Module, tensor::Device};
use rere_core::{Probability, Sentence, Triple};
use rere_data::{
    LocatedCorpus, LocatedSentence, QUERY_EXTRA, pointer_marks, query_input, relation_labels, token_batches,
};
use rere_decode::{Pairing, PairingScratch, PairingStrategy, PointerScores, ScoredPair, TokenizedText};
use rere_eval::{Counts, Exact, Score, count};
use rere_loss::LabelCounts;
use rere_model::{EncoderInput, ModelError, Network, POINTERS, PointerHead};

use super::{
    super::{DEV_TOKENS, of_relation},
    RereConfig, entity_network, queries,
};
use crate::{
    ConfigProblem, Earlier, Inputs, Labels, RereError, Run, SpanTriple, Targets, Task, Thresholds, TrainingStep,
    encoder_input, pipeline::triple_of, probabilities,
};

/// Training task of the entity extractor. An example is a sentence with one of its relations.
pub(super) struct EntityTask<'a> {
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
    pub fn new(config: &RereConfig, run: &Run<'a>) -> Result<Self, RereError> {
        let inputs = run.inputs();
        let queries = queries(inputs.tokenizer, inputs.relations)?;
        if let Some((relation, query)) =
            inputs.relations.iter().zip(&queries).find(|(_, query)| query.len() + QUERY_EXTRA >= inputs.max_tokens)
        {
            let (relation, tokens, max_tokens) = (relation.name.clone(), query.len(), inputs.max_tokens);
            return Err(ConfigProblem::QueryTooLong { relation, tokens, max_tokens }.into());
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

    /// Returns the input of a batch and the position of the sentence in each row.
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

    /// Returns a sentence that has only the triples of one relation.
    fn gold(&self, sentence: &Sentence, relation: usize) -> Sentence {
        let is_of_relation = |triple: &&Triple| self.run.relations.label(&triple.relation) == Some(relation);
        Sentence::default().with_triples(sentence.triples.iter().filter(is_of_relation).cloned())
    }

    fn batch(&self, batch: &[usize]) -> Vec<(usize, usize)> {
        batch.iter().map(|&example| self.train[example]).collect()
    }
}

impl Task for EntityTask<'_> {
    type Model = Network<PointerHead>;

    fn init(&self, device: &Device) -> Result<Self::Model, ModelError> {
        entity_network(self.run.encoder, device)
    }

    fn init_from(&self, _: Self::Model, earlier: &Earlier<'_>) -> Result<Self::Model, RereError> {
        earlier.network("entity", |device| entity_network(self.run.encoder, device))
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
            for (pointer, marks) in pointer_marks(of_relation(&sentence.triples, relation)).iter().enumerate() {
                counts.labels[pointer] += sentence.tokens.len() as u64;
                counts.positives[pointer] += marks.len() as u64;
            }
        }
        vec![counts]
    }

    fn input(&self, batch: &[usize], device: &Device) -> EncoderInput {
        self.input_of(self.run.train, &self.batch(batch), device).0
    }

    /// Returns labels `[examples, tokens, 4]`. A group is the tokens of a sentence for one pointer; only tokens of the sentence count.
    fn labels(&self, model: &Self::Model, batch: &[usize], input: &EncoderInput, _: &mut TrainingStep) -> Vec<Labels> {
        let [rows, width] = input.ids.dims();
        let mut targets = Targets::new(rows, width, POINTERS).masked();
        for (row, (at, relation)) in self.batch(batch).into_iter().enumerate() {
            let sentence = &self.run.train.sentences[at];
            let first = self.queries[relation].len() + QUERY_EXTRA - 1;
            targets.count(row, first, sentence.tokens.len());
            for (pointer, marks) in pointer_marks(of_relation(&sentence.triples, relation)).iter().enumerate() {
                marks.iter().for_each(|token| targets.mark(row, first + token, pointer));
            }
        }
        vec![targets.labels(model.head.forward(model.encode(input)), 1)]
    }

    /// Returns the micro F1 over the pairs of the gold relations at the best decoding threshold.
    fn dev_score(&self, model: &Self::Model, device: &Device) -> Result<Option<f64>, RereError> {
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
            let logits = model.head.forward(model.encode(&input));
            let width = logits.dims()[1] * POINTERS;
            let scores = probabilities(logits);
            for ((&(at, relation), context), scores) in examples.iter().zip(contexts).zip(scores.chunks_exact(width)) {
                let (sentence, tokens) = (&self.run.dev_sentences[at], &dev.sentences[at].tokens);
                let decode = |source| RereError::Decode { sentence: at + 1, source };
                let scores = &scores[context.start * POINTERS..context.end * POINTERS];
                let scores = PointerScores::new(scores, tokens.len()).map_err(decode)?;
                let text = TokenizedText::new(&sentence.text, &tokens.spans).map_err(decode)?;
                let gold = self.gold(sentence, relation);
                for (counts, strategy) in counts.iter_mut().zip(&strategies) {
                    pairs.clear();
                    strategy.pair_into(scores, text, &mut scratch, &mut pairs).map_err(decode)?;
                    let triple = |pair: &ScoredPair| {
                        let (subject, object) = (pair.subject, pair.object);
                        let found = SpanTriple { relation, subject, object, score: Probability::ZERO };
                        triple_of(&found, &sentence.text, self.run.relations, at)
                    };
                    let found = pairs.iter().map(triple).collect::<Result<Vec<_>, _>>()?;
                    *counts += count(&gold, &found, &Exact);
                }
            }
        }
        Ok(counts.into_iter().map(|counts| Score::from_counts(counts).f1).reduce(f64::max))
    }
}
