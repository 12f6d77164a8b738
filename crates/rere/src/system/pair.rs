//! Pair classification: the mentions of a sentence first, then the relations of each pair (the paper's paradigm P1).

use burn::tensor::{Device, Tensor};
use rere_core::{Probability, TokenSpan};
use rere_data::{LocatedSentence, SENTENCE_EXTRA, pair_labels, pair_mentions, span_marks};
use rere_decode::{
    CandidateScores, CasRel as Spans, CasRelScratch, DecodeError, Decoder, PairClassification, Scale, ScoredSpan,
    TableScores, TokenTriple, TokenizedText,
};
use rere_loss::LabelCounts;
use rere_model::{EncoderInput, Network, PairHead};
use serde::{Deserialize, Serialize};

use super::{
    Decoding, Floor, SpanTriple, System, Window,
    one_network::{Batch, OneNetwork, one_stage},
    spans::{keep_best, mean_weights, sentence_states, spans_at},
};
use crate::{Labels, RereError, Runtime, StageConfig, Targets, Thresholds, TrainingStep, config::setters, numbers};

/// Settings of pair classification.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, default)]
pub struct PairConfig {
    /// Training of the network.
    pub network: StageConfig,
}

impl PairConfig {
    setters! {
        /// Sets the training of the network.
        with_network(network: StageConfig);
    }
}

/// The system of paradigm P1: one network that finds mentions and classifies each pair of them.
///
/// A mention ends at the nearest end, so one that another ends inside of is not found: [`ceilings`](crate::ceilings) counts what
/// is lost. If a text is given with its mentions ([`Input::with_mentions`](crate::Input::with_mentions)), such as those of your own
/// entity recogniser, only their pairs are classified.
#[derive(Debug)]
pub struct Pair {
    model: Network<PairHead>,
    relations: usize,
    runtime: Runtime,
}

/// Scores of one window.
#[derive(Debug, Default, Clone)]
pub struct PairScores {
    /// Logits of the starts and ends of mentions, `[tokens, 2]`; `None` if the mentions are given.
    mentions: Option<Vec<f32>>,
    /// Triples at or over the floor, with the probability of the relation.
    triples: Vec<TokenTriple>,
}

/// The most triples of a window; the best are kept. An untrained network may find one for each pair and relation.
const MOST_TRIPLES: usize = 4096;

/// The most pairs of each window that are classified at once, so that many given mentions do not fill the memory.
const PAIRS_AT_ONCE: usize = 512;

impl System for Pair {
    const NAME: &'static str = "pair";
    type Config = PairConfig;
    type Scores = PairScores;
    type Scratch = (CasRelScratch, Vec<ScoredSpan>);

    one_stage!(network);

    fn score(&self, windows: &[Window<'_>], floor: &Floor<'_>) -> Result<Vec<PairScores>, RereError> {
        let scores = self.runtime.windows(windows, |input, batch| self.score_batch(input, batch, floor));
        let scores = scores.into_iter().zip(windows);
        scores.map(|(scores, window)| scores.ok_or(RereError::NotANumber { sentence: window.text + 1 })).collect()
    }

    /// The score of a triple is the lowest probability of its subject, its object and its relation. A given mention has the
    /// probability 1.
    fn decode(
        &self,
        scores: &PairScores,
        text: TokenizedText<'_>,
        at: &Decoding<'_>,
        (scratch, mentions): &mut Self::Scratch,
        found: &mut Vec<SpanTriple>,
    ) -> Result<(), DecodeError> {
        mentions.clear();
        if let Some(logits) = &scores.mentions {
            let table = TableScores::new(logits, text.tokens().len(), 2, Scale::Logit)?;
            Spans::new(at.thresholds.detect, at.thresholds.detect).subjects(table, scratch, mentions)?;
            mentions.sort_unstable_by_key(|mention| mention.span);
        }
        let score_of = |span: TokenSpan| match &scores.mentions {
            Some(_) => mentions.binary_search_by_key(&span, |mention| mention.span).ok().map(|at| mentions[at].score),
            None => Some(Probability::ONE),
        };
        found.extend(scores.triples.iter().filter(|triple| triple.score >= at.thresholds.decode.get()).filter_map(
            |triple| {
                let triple_score = score_of(triple.subject)?.min(score_of(triple.object)?).get().min(triple.score);
                Some(SpanTriple::new(&TokenTriple { score: triple_score, ..*triple }, text))
            },
        ));
        Ok(())
    }

    fn candidates() -> Vec<Thresholds> {
        Thresholds::equal_candidates()
    }
}

impl Pair {
    /// Computes the scores of a batch; `None` for a window with a NaN.
    fn score_batch(&self, input: &EncoderInput, windows: &[&Window<'_>], floor: &Floor<'_>) -> Vec<Option<PairScores>> {
        let hidden = sentence_states(self.model.encode(input));
        let width = hidden.dims()[1];
        let logits = numbers(self.model.head.mentions(hidden.clone()));
        let mut scores: Vec<PairScores> = (windows.iter().zip(logits.chunks_exact(2 * width)))
            .map(|(window, logits)| PairScores {
                mentions: window.mentions.is_none().then(|| logits[..2 * window.ids.len()].to_vec()),
                triples: Vec::new(),
            })
            .collect();
        let mentions: Vec<Vec<TokenSpan>> = (windows.iter().zip(&scores))
            .map(|(window, scores)| match (&window.mentions, &scores.mentions) {
                (Some(given), _) => given.clone(),
                (None, logits) => spans_at(logits.as_deref().unwrap_or_default(), floor.detect),
            })
            .collect();
        let pairs: Vec<Vec<(TokenSpan, TokenSpan)>> = mentions.iter().map(|mentions| pairs_of(mentions)).collect();
        let most = pairs.iter().map(Vec::len).max().unwrap_or(0);
        let is_nan = |scores: &PairScores| scores.mentions.iter().flatten().any(|logit| logit.is_nan());
        let decoder = PairClassification::new(floor.decode);
        for first in (0..most).step_by(PAIRS_AT_ONCE) {
            let block =
                |pairs: &'_ Vec<(TokenSpan, TokenSpan)>| first.min(pairs.len())..pairs.len().min(first + PAIRS_AT_ONCE);
            let block: Vec<&[(TokenSpan, TokenSpan)]> = pairs.iter().map(|pairs| &pairs[block(pairs)]).collect();
            let most = (most - first).min(PAIRS_AT_ONCE);
            let weights = pair_weights(&block, most, width, &hidden.device());
            let logits = numbers(self.model.head.pairs(hidden.clone(), weights));
            let rows = logits.chunks_exact(most * self.relations);
            for ((scores, pairs), logits) in scores.iter_mut().zip(block).zip(rows) {
                let logits = &logits[..pairs.len() * self.relations];
                let checked = TableScores::new(logits, pairs.len(), self.relations, Scale::Logit)
                    .and_then(|table| CandidateScores::new(pairs, table));
                match checked {
                    Ok(candidates) => decoder.decode(candidates, &mut Default::default(), &mut scores.triples),
                    Err(_) => scores.mentions = Some(vec![f32::NAN]),
                }
            }
        }
        for scores in &mut scores {
            keep_best(&mut scores.triples, MOST_TRIPLES, |triple| triple.score);
            scores.triples.retain(|triple| floor.wanted[triple.relation]);
        }
        scores.into_iter().map(|scores| (!is_nan(&scores)).then_some(scores)).collect()
    }
}

/// Returns all ordered pairs of different mentions.
fn pairs_of(mentions: &[TokenSpan]) -> Vec<(TokenSpan, TokenSpan)> {
    let pairs = mentions.iter().flat_map(|&subject| mentions.iter().map(move |&object| (subject, object)));
    pairs.filter(|(subject, object)| subject != object).collect()
}

/// Returns the weights of tokens in the means of subjects, of what is between, and of objects, each `[rows, most, width]`.
fn pair_weights(pairs: &[&[(TokenSpan, TokenSpan)]], most: usize, width: usize, device: &Device) -> [Tensor<3>; 3] {
    let parts = |&(subject, object): &(TokenSpan, TokenSpan)| {
        let start = subject.end.min(object.end);
        let between = TokenSpan::new(start, subject.start.max(object.start).max(start));
        [subject, between, object]
    };
    [0, 1, 2].map(|part| {
        let spans: Vec<Vec<TokenSpan>> =
            pairs.iter().map(|pairs| pairs.iter().map(|pair| parts(pair)[part]).collect()).collect();
        mean_weights(&spans, most, width, 0, device)
    })
}

/// The pairs of training are those of the mentions in the triples of a sentence.
impl OneNetwork for Pair {
    const NETWORK: &'static str = "network";
    type Head = PairHead;

    fn head(_: &PairConfig, hidden: usize, relations: usize, device: &Device) -> PairHead {
        PairHead::new(hidden, relations, device)
    }

    fn with_first_of(head: PairHead, earlier: PairHead) -> PairHead {
        head.with_first_of(earlier)
    }

    fn new(model: Network<PairHead>, relations: usize, runtime: Runtime) -> Self {
        Self { model, relations, runtime }
    }

    fn counts(sentences: &[&LocatedSentence], relations: usize) -> Vec<LabelCounts> {
        let (mut tokens_of_all, mut pairs, mut marks, mut positives) = (0, 0, vec![0; 2], vec![0; relations]);
        for LocatedSentence { tokens, triples } in sentences {
            let mentions = pair_mentions(triples);
            tokens_of_all += tokens.len() as u64;
            pairs += pairs_of(&mentions).len() as u64;
            marks.iter_mut().zip(span_marks(&mentions)).for_each(|(count, marks)| *count += marks.len() as u64);
            pair_labels(triples, &mentions).into_iter().for_each(|(_, _, relation)| positives[relation] += 1);
        }
        vec![
            LabelCounts { labels: vec![tokens_of_all; 2], positives: marks },
            LabelCounts { labels: vec![pairs; relations], positives },
        ]
    }

    /// Returns labels `[sentences, tokens, 2]` of mentions and `[sentences, pairs, relations]`. The loss is a mean over tokens and a
    /// mean over pairs, each summed over its classes.
    fn labels(_: &PairConfig, model: &Network<PairHead>, batch: &Batch<'_>, _: &mut TrainingStep) -> Vec<Labels> {
        let Batch { sentences, input, relations } = *batch;
        let (rows, width) = (sentences.len(), input.ids.dims()[1] - SENTENCE_EXTRA);
        let mentions: Vec<Vec<TokenSpan>> = sentences.iter().map(|sentence| pair_mentions(&sentence.triples)).collect();
        let pairs: Vec<Vec<(TokenSpan, TokenSpan)>> = mentions.iter().map(|mentions| pairs_of(mentions)).collect();
        // A batch without a pair has one that does not count.
        let most = pairs.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let mut mention = Targets::new(rows, width, 2).masked();
        let mut pair = Targets::new(rows, most, relations).masked();
        for (row, (sentence, mentions)) in sentences.iter().zip(&mentions).enumerate() {
            mention.count(row, 0, sentence.tokens.len());
            for (class, marks) in span_marks(mentions).iter().enumerate() {
                marks.iter().for_each(|&token| mention.mark(row, token, class));
            }
            pair.count(row, 0, pairs[row].len());
            for (subject, object, relation) in pair_labels(&sentence.triples, mentions) {
                // The pair's position in the list, in which a mention has no pair with itself.
                let position = subject * (mentions.len() - 1) + object - usize::from(object > subject);
                pair.mark(row, position, relation);
            }
        }
        let hidden = sentence_states(model.encode(input));
        let weights = pair_weights(&pairs.iter().map(Vec::as_slice).collect::<Vec<_>>(), most, width, &hidden.device());
        vec![
            mention.labels(model.head.mentions(hidden.clone()), 1).with_weight(2.0),
            pair.labels(model.head.pairs(hidden, weights), 1).with_weight(relations as f64),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::reference::check;

    /// The program is `tests/reference/pair.py`.
    #[test]
    fn logits_and_twenty_training_steps_match_pytorch() {
        check::<Pair>("pair.safetensors", &["mention_", "pair_"]);
    }
}
