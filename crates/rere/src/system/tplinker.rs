//! TPLinker: entities and triples as links between tokens, in one table (Wang et al. 2020).

use burn::tensor::Device;
use rere_data::{LocatedSentence, SENTENCE_EXTRA, handshake_cells};
use rere_decode::{
    DecodeError, Decoder, HandshakeCell, HandshakeScores, Scale, TokenTriple, TokenizedText, TpLinkerScratch,
    handshake_row, handshake_rows,
};
use rere_loss::LabelCounts;
use rere_model::{Network, TpLinkerHead};
use serde::{Deserialize, Serialize};

use super::{
    Decoding, Floor, SpanTriple, System, Window,
    one_network::{Batch, OneNetwork, one_stage},
    spans::{keep_best, sentence_states},
};
use crate::{Labels, RereError, Runtime, StageConfig, Targets, Thresholds, TrainingStep, config::setters, numbers};

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

    one_stage!(tagger);

    fn score(&self, windows: &[Window<'_>], floor: &Floor<'_>) -> Result<Vec<Self::Scores>, RereError> {
        // The table is the largest result of all systems, so what cannot matter is dropped at once.
        let entities = floor.detect.first().copied().unwrap_or_default();
        let [entities, links] = [entities, floor.decode].map(|least| Scale::Logit.threshold(least));
        let is_kept = |column: usize, score: f32| score.is_nan() || score >= if column == 0 { entities } else { links };
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

impl OneNetwork for TpLinker {
    const NETWORK: &'static str = "tagger";
    type Head = TpLinkerHead;

    fn head(_: &TpLinkerConfig, hidden: usize, relations: usize, device: &Device) -> TpLinkerHead {
        TpLinkerHead::new(hidden, relations, device)
    }

    fn with_first_of(head: TpLinkerHead, earlier: TpLinkerHead) -> TpLinkerHead {
        head.with_first_of(earlier)
    }

    fn new(model: Network<TpLinkerHead>, relations: usize, runtime: Runtime) -> Self {
        Self { model, relations, runtime }
    }

    fn counts(sentences: &[&LocatedSentence], relations: usize) -> Vec<LabelCounts> {
        let (mut cells, mut positives) = (0, vec![0; 1 + 4 * relations]);
        for LocatedSentence { tokens, triples } in sentences {
            cells += handshake_rows(tokens.len()).unwrap_or(0) as u64;
            handshake_cells(triples).into_iter().for_each(|(_, column)| positives[column] += 1);
        }
        vec![LabelCounts { labels: vec![cells; positives.len()], positives }]
    }

    /// Returns labels `[sentences, pairs of tokens, columns]`. The loss is the sum over all cells of a table, divided by the number
    /// of tokens (the paper's objective).
    fn labels(
        _: &TpLinkerConfig,
        model: &Network<TpLinkerHead>,
        batch: &Batch<'_>,
        _: &mut TrainingStep,
    ) -> Vec<Labels> {
        let columns = 1 + 4 * batch.relations;
        let width = batch.input.ids.dims()[1] - SENTENCE_EXTRA;
        let row = |i: usize, j: usize| handshake_row(i, j, width).unwrap_or(0);
        let mut targets = Targets::new(batch.sentences.len(), handshake_rows(width).unwrap_or(0), columns).masked();
        let (mut cells, mut all_tokens) = (0, 0);
        for (number, LocatedSentence { tokens, triples }) in batch.sentences.iter().enumerate() {
            let tokens = tokens.len();
            (0..tokens).for_each(|i| targets.count(number, row(i, i), tokens - i));
            for ((i, j), column) in handshake_cells(triples) {
                targets.mark(number, row(i, j), column);
            }
            cells += handshake_rows(tokens).unwrap_or(0);
            all_tokens += tokens;
        }
        let logits = model.head.forward(sentence_states(model.encode(batch.input)));
        let weight = (cells * columns) as f64 / all_tokens.max(1) as f64;
        vec![targets.labels(logits, 1).with_weight(weight)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::reference::check;

    /// The program is `tests/reference/tplinker.py`.
    #[test]
    fn logits_and_twenty_training_steps_match_pytorch() {
        check::<TpLinker>("tplinker.safetensors", &[""]);
    }
}
