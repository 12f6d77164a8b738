//! TPLinker: entities and triples as links between tokens, in one table (Wang et al. 2020).

use burn::{module::Module, tensor::Device};
use rere_data::{LocatedSentence, SENTENCE_EXTRA, handshake_cells};
use rere_decode::{
    DecodeError, Decoder, HandshakeCell, HandshakeScores, Scale, TokenTriple, TokenizedText, TpLinkerScratch,
    handshake_row, handshake_rows,
};
use rere_loss::LabelCounts;
use rere_model::{EncoderConfig, EncoderInput, ModelError, Network, TpLinkerHead};
use serde::{Deserialize, Serialize};

use super::{
    Decoding, Floor, SpanTriple, System, Window,
    spans::{keep_best, sentence_states},
};
use crate::{
    Earlier, Inputs, Labels, ModelParts, RereError, Run, Runtime, SentenceExamples, StageConfig, Targets, Task,
    Thresholds, TrainingStep, config::setters, numbers,
};

/// Settings of TPLinker.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, default)]
pub struct TpLinkerConfig {
    /// Training of the network.
    pub tagger: StageConfig,
}

impl TpLinkerConfig {
    setters! {
        /// Sets the training of the network.
        with_tagger(tagger: StageConfig);
    }
}

/// The TPLinker system: one network that tags the pairs of tokens.
///
/// It uses the authors' later multi-label form, with one sigmoid for each label in place of a softmax over the tags of a
/// sequence.
#[derive(Debug)]
pub struct TpLinker {
    model: Network<TpLinkerHead>,
    relations: usize,
    runtime: Runtime,
}

/// The most cells of a window; the best are kept. An untrained network may mark all.
const MOST_CELLS: usize = 4096;

impl System for TpLinker {
    const NAME: &'static str = "tplinker";
    type Config = TpLinkerConfig;
    /// The logits of the cells at or over the floor.
    type Scores = Vec<HandshakeCell>;
    type Scratch = (TpLinkerScratch, Vec<TokenTriple>);

    fn stages(config: &TpLinkerConfig) -> Vec<(&'static str, &StageConfig)> {
        vec![("tagger", &config.tagger)]
    }

    fn train(config: &TpLinkerConfig, run: &mut Run<'_>) -> Result<(), RereError> {
        let inputs = run.inputs();
        let task = Tagger { run: inputs, examples: SentenceExamples::new(inputs, inputs.train) };
        run.stage("tagger", &config.tagger, &task)
    }

    fn load(_: &TpLinkerConfig, parts: &ModelParts<'_>) -> Result<Self, RereError> {
        let (encoder, relations) = (&parts.config.encoder, parts.config.relations.len());
        let model = parts.network("tagger", |device| network(encoder, relations, device))?;
        Ok(Self { model, relations, runtime: parts.runtime.clone() })
    }

    fn extra_tokens(&self) -> usize {
        SENTENCE_EXTRA
    }

    fn score(&self, windows: &[Window<'_>], floor: &Floor<'_>) -> Result<Vec<Self::Scores>, RereError> {
        // The table is the largest result of all systems, so what cannot matter is dropped at once.
        let entities = floor.detect.first().copied().unwrap_or_default();
        let [entities, links] = [entities, floor.decode].map(|least| Scale::Logit.threshold(least));
        let is_kept = |column: usize, score: f32| match column.checked_sub(1) {
            None => score >= entities || score.is_nan(),
            Some(_) => score >= links || score.is_nan(),
        };
        Ok(self.runtime.sentences(windows, |input, tokens| {
            let logits = self.model.head.forward(sentence_states(self.model.encode(input)));
            let [_, rows, columns] = logits.dims();
            let width = input.ids.dims()[1] - SENTENCE_EXTRA;
            let logits = numbers(logits);
            tokens
                .iter()
                .zip(logits.chunks_exact(rows * columns))
                .map(|(&tokens, table)| {
                    let pairs = (0..width).flat_map(|i| (i..width).map(move |j| (i, j)));
                    let mut cells = Vec::new();
                    for ((i, j), row) in pairs.zip(table.chunks_exact(columns)).filter(|((_, j), _)| *j < tokens) {
                        let kept = row.iter().enumerate().filter(|&(column, &score)| is_kept(column, score));
                        cells.extend(kept.map(|(column, &score)| HandshakeCell {
                            i: i as u32,
                            j: j as u32,
                            column: column as u32,
                            score,
                        }));
                    }
                    keep_best(&mut cells, MOST_CELLS, |cell| cell.score);
                    cells.retain(|cell| cell.column == 0 || floor.wanted[(cell.column as usize - 1) / 4]);
                    cells
                })
                .collect()
        }))
    }

    /// The score of a triple is the lowest probability of its two entities and two links.
    fn decode(
        &self,
        cells: &Vec<HandshakeCell>,
        text: TokenizedText<'_>,
        at: &Decoding<'_>,
        (scratch, triples): &mut Self::Scratch,
        found: &mut Vec<SpanTriple>,
    ) -> Result<(), DecodeError> {
        let decoder = rere_decode::TpLinker::new(at.thresholds.detect, at.thresholds.decode);
        let scores = HandshakeScores::sparse(cells, Scale::Logit, text.tokens().len(), self.relations)?;
        triples.clear();
        decoder.decode(scores, scratch, triples);
        found.extend(triples.iter().map(|triple| SpanTriple::new(triple, text)));
        Ok(())
    }

    fn candidates() -> Vec<Thresholds> {
        Thresholds::equal_candidates()
    }
}

/// Creates the network with random weights.
fn network(encoder: &EncoderConfig, relations: usize, device: &Device) -> Result<Network<TpLinkerHead>, ModelError> {
    Network::new(encoder, device, |hidden| TpLinkerHead::new(hidden, relations, device))
}

/// Training task of the network. An example is a sentence.
struct Tagger<'a> {
    run: Inputs<'a>,
    examples: SentenceExamples<'a>,
}

impl Tagger<'_> {
    fn columns(&self) -> usize {
        1 + 4 * self.run.relations.len()
    }
}

impl Task for Tagger<'_> {
    type Model = Network<TpLinkerHead>;

    fn init(&self, device: &Device) -> Result<Self::Model, ModelError> {
        network(self.run.encoder, self.run.relations.len(), device)
    }

    fn init_from(&self, model: Self::Model, earlier: &Earlier<'_>) -> Result<Self::Model, RereError> {
        let old = earlier.network("tagger", |device| network(self.run.encoder, earlier.relations(), device))?;
        Ok(Network { encoder: old.encoder, head: model.head.with_first_of(old.head) })
    }

    fn lengths(&self) -> &[usize] {
        self.examples.lengths()
    }

    fn too_long(&self) -> usize {
        self.examples.too_long()
    }

    fn counts(&self) -> Vec<LabelCounts> {
        let (mut cells, mut positives) = (0, vec![0; self.columns()]);
        for LocatedSentence { tokens, triples } in self.examples.sentences() {
            cells += handshake_rows(tokens.len()).unwrap_or(0) as u64;
            handshake_cells(triples).into_iter().for_each(|(_, column)| positives[column] += 1);
        }
        vec![LabelCounts { labels: vec![cells; positives.len()], positives }]
    }

    fn input(&self, batch: &[usize], device: &Device) -> EncoderInput {
        self.examples.input(batch, device)
    }

    fn labels(&self, model: &Self::Model, batch: &[usize], input: &EncoderInput, _: &mut TrainingStep) -> Vec<Labels> {
        labels(model, &self.examples.batch(batch), input, self.columns())
    }

    /// Returns the micro F1 of the whole system at the best thresholds.
    fn dev_score(&self, model: &Self::Model, device: &Device) -> Result<Option<f64>, RereError> {
        let runtime = Runtime::new(device, 2048, self.run.tokenizer);
        self.run.system_f1(&TpLinker { model: model.valid(), relations: self.run.relations.len(), runtime })
    }
}

/// Returns labels `[sentences, pairs of tokens, columns]`. The loss is the sum over all cells of a table, divided by the number
/// of tokens (the paper's objective).
fn labels(
    model: &Network<TpLinkerHead>,
    sentences: &[&LocatedSentence],
    input: &EncoderInput,
    columns: usize,
) -> Vec<Labels> {
    let width = input.ids.dims()[1] - SENTENCE_EXTRA;
    let row = |i: usize, j: usize| handshake_row(i, j, width).unwrap_or(0);
    let mut targets = Targets::new(sentences.len(), handshake_rows(width).unwrap_or(0), columns).masked();
    let (mut cells, mut all_tokens) = (0, 0);
    for (number, LocatedSentence { tokens, triples }) in sentences.iter().enumerate() {
        let tokens = tokens.len();
        (0..tokens).for_each(|i| targets.count(number, row(i, i), tokens - i));
        for ((i, j), column) in handshake_cells(triples) {
            targets.mark(number, row(i, j), column);
        }
        cells += handshake_rows(tokens).unwrap_or(0);
        all_tokens += tokens;
    }
    let logits = model.head.forward(sentence_states(model.encode(input)));
    let weight = (cells * columns) as f64 / all_tokens.max(1) as f64;
    vec![targets.labels(logits, 1).with_weight(weight)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::reference::{RELATIONS, check};

    /// The program is `tests/reference/tplinker.py`.
    #[test]
    fn logits_and_twenty_training_steps_match_pytorch() {
        check(
            "tplinker.safetensors",
            &[""],
            |hidden, device| TpLinkerHead::new(hidden, RELATIONS, device),
            |model, sentences, input| labels(model, sentences, input, 1 + 4 * RELATIONS),
        );
    }
}
