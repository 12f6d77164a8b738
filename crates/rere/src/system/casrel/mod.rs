//! CasRel: the subjects of a sentence first, then the objects of each for each relation (Wei et al. 2020).

#[cfg(test)]
mod reference;

use std::collections::BTreeMap;

use burn::tensor::Device;
use rere_core::TokenSpan;
use rere_data::{LocatedSentence, SENTENCE_EXTRA, casrel_objects, casrel_subjects, span_marks};
use rere_decode::{
    CasRel as Cascade, CasRelScratch, DecodeError, Decoder, Scale, ScoredSpan, TableScores, TokenTriple, TokenizedText,
};
use rere_loss::{LabelCounts, LossSettings};
use rere_model::{CasRelHead, EncoderInput, Network};
use serde::{Deserialize, Serialize};

use super::{
    Decoding, Floor, SpanTriple, System, Window,
    one_network::{Batch, OneNetwork, SentenceTask},
    spans::{FIRST, mean_weights, spans_at},
};
use crate::{
    Labels, ModelParts, RereError, Run, Runtime, StageConfig, Targets, Thresholds, TrainingStep, config::setters,
    numbers,
};

/// Settings of CasRel.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields, default)]
pub struct CasRelConfig {
    /// Training of the network. Its loss is used for subjects and, unless `object_loss` is set, for objects.
    pub tagger: StageConfig,
    /// The loss of objects, if it differs from that of subjects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_loss: Option<LossSettings>,
}

impl CasRelConfig {
    setters! {
        /// Sets the training of the network.
        with_tagger(tagger: StageConfig);
        /// Sets the loss of objects; `None` uses that of subjects.
        with_object_loss(object_loss: Option<LossSettings>);
    }
}

/// The CasRel system: one network with a tagger of subjects and taggers of objects.
#[derive(Debug)]
pub struct CasRel {
    model: Network<CasRelHead>,
    runtime: Runtime,
}

/// Scores of one window.
#[derive(Debug, Default, Clone)]
pub struct CasRelScores {
    /// Logits of the starts and ends of subjects, `[tokens, 2]`.
    subjects: Vec<f32>,
    /// Logits of objects before a subject is added, `[tokens, 2 * relations]`; empty if there is no subject.
    objects: Vec<f32>,
    /// What each subject adds to these logits, `[2 * relations]`.
    shifts: BTreeMap<TokenSpan, Vec<f32>>,
}

/// Memory that decoding reuses.
#[derive(Debug, Default)]
pub struct Scratch {
    cascade: CasRelScratch,
    subjects: Vec<ScoredSpan>,
    tables: Vec<f32>,
    found: Vec<TokenTriple>,
}

impl System for CasRel {
    const NAME: &'static str = "casrel";
    type Config = CasRelConfig;
    type Scores = CasRelScores;
    type Scratch = Scratch;

    fn stages(config: &CasRelConfig) -> Vec<(&'static str, &StageConfig)> {
        vec![(Self::NETWORK, &config.tagger)]
    }

    fn check(config: &CasRelConfig) -> Result<(), String> {
        let object = config.object_loss.iter().try_for_each(LossSettings::check);
        object.map_err(|error| format!("casrel.object_loss: {error}"))
    }

    fn train(config: &CasRelConfig, run: &mut Run<'_>) -> Result<(), RereError> {
        let CasRelConfig { tagger, object_loss } = config;
        let losses = [&tagger.loss, object_loss.as_ref().unwrap_or(&tagger.loss)];
        run.stage_with_losses(Self::NETWORK, tagger, &losses, &SentenceTask::<Self>::new(config, run.inputs()))
    }

    fn load(config: &CasRelConfig, parts: &ModelParts<'_>) -> Result<Self, RereError> {
        Self::load_network(config, parts)
    }

    fn extra_tokens(&self) -> usize {
        SENTENCE_EXTRA
    }

    fn score(&self, windows: &[Window<'_>], floor: &Floor<'_>) -> Result<Vec<CasRelScores>, RereError> {
        let scores = self.runtime.sentences(windows, |input, tokens| self.score_batch(input, tokens, floor));
        // A NaN is above no threshold: without an error, nothing would be found silently.
        match scores.iter().position(|scores| scores.subjects.iter().any(|score| score.is_nan())) {
            Some(window) => Err(RereError::NotANumber { sentence: windows[window].text + 1 }),
            None => Ok(scores),
        }
    }

    /// The score of a triple is the lowest probability of its four ends.
    fn decode(
        &self,
        scores: &CasRelScores,
        text: TokenizedText<'_>,
        at: &Decoding<'_>,
        Scratch { cascade, subjects, tables, found: triples }: &mut Scratch,
        found: &mut Vec<SpanTriple>,
    ) -> Result<(), DecodeError> {
        if scores.shifts.is_empty() {
            return Ok(());
        }
        let decoder = Cascade::new(at.thresholds.detect, at.thresholds.decode);
        let tokens = text.tokens().len();
        subjects.clear();
        decoder.subjects(TableScores::new(&scores.subjects, tokens, 2, Scale::Logit)?, cascade, subjects)?;
        subjects.retain(|subject| scores.shifts.contains_key(&subject.span));
        tables.clear();
        for shift in subjects.iter().filter_map(|subject| scores.shifts.get(&subject.span)) {
            tables.extend(
                scores.objects.chunks_exact(shift.len()).flat_map(|row| row.iter().zip(shift).map(|(a, b)| a + b)),
            );
        }
        let columns = scores.objects.len() / tokens.max(1);
        let tables = tables.chunks_exact(scores.objects.len().max(1));
        let tables = subjects
            .iter()
            .zip(tables)
            .map(|(&subject, table)| Ok((subject, TableScores::new(table, tokens, columns, Scale::Logit)?)));
        let tables = tables.collect::<Result<Vec<_>, DecodeError>>()?;
        triples.clear();
        decoder.decode(rere_decode::CasRelScores::new(&tables)?, cascade, triples);
        found.extend(triples.iter().map(|triple| SpanTriple::new(triple, text)));
        Ok(())
    }

    fn candidates() -> Vec<Thresholds> {
        Thresholds::equal_candidates()
    }
}

impl CasRel {
    /// Computes the scores of a batch. `tokens` is the number of text tokens of each row.
    fn score_batch(&self, input: &EncoderInput, tokens: &[usize], floor: &Floor<'_>) -> Vec<CasRelScores> {
        let hidden = self.model.encode(input);
        let [rows, width, _] = hidden.dims();
        let subject_logits = numbers(self.model.head.subjects(hidden.clone()));
        let mut scores: Vec<CasRelScores> = (tokens.iter().zip(subject_logits.chunks_exact(2 * width)))
            .map(|(tokens, logits)| CasRelScores {
                subjects: logits[2 * FIRST..2 * (FIRST + tokens)].to_vec(),
                ..Default::default()
            })
            .collect();
        let spans: Vec<Vec<TokenSpan>> = scores.iter().map(|scores| spans_at(&scores.subjects, floor.detect)).collect();
        let most = spans.iter().map(Vec::len).max().unwrap_or(0);
        if most == 0 {
            return scores;
        }
        let weights = mean_weights(&spans, most, width, FIRST, &self.runtime.device);
        let shifts = numbers(self.model.head.shifts(hidden.clone(), weights));
        let objects = numbers(self.model.head.objects_without_subject(hidden));
        let columns = objects.len() / (rows * width);
        for (row, (scores, spans)) in scores.iter_mut().zip(&spans).enumerate() {
            if spans.is_empty() {
                continue;
            }
            let first = (row * width + FIRST) * columns;
            scores.objects = objects[first..first + scores.subjects.len() / 2 * columns].to_vec();
            let shift = |number: usize| {
                let at = (row * most + number) * columns;
                shifts[at..at + columns].to_vec()
            };
            scores.shifts = spans.iter().enumerate().map(|(number, &span)| (span, shift(number))).collect();
        }
        scores
    }
}

impl OneNetwork for CasRel {
    const NETWORK: &'static str = "tagger";
    type Head = CasRelHead;

    fn head(_: &CasRelConfig, hidden: usize, relations: usize, device: &Device) -> CasRelHead {
        CasRelHead::new(hidden, relations, device)
    }

    fn with_first_of(head: CasRelHead, earlier: CasRelHead) -> CasRelHead {
        head.with_first_of(earlier)
    }

    fn new(model: Network<CasRelHead>, _: usize, runtime: Runtime) -> Self {
        Self { model, runtime }
    }

    /// Counts the objects of all subjects, although a step sees those of only one subject.
    fn counts(sentences: &[&LocatedSentence], relations: usize) -> Vec<LabelCounts> {
        let columns = 2 * relations;
        let (mut subject_tokens, mut object_tokens) = (0, 0);
        let (mut subjects, mut objects) = (vec![0; 2], vec![0; columns]);
        for LocatedSentence { tokens, triples } in sentences {
            let spans = casrel_subjects(triples);
            subject_tokens += tokens.len() as u64;
            object_tokens += (spans.len() * tokens.len()) as u64;
            for (positives, marks) in subjects.iter_mut().zip(span_marks(&spans)) {
                *positives += marks.len() as u64;
            }
            for (_, column) in spans.into_iter().flat_map(|subject| casrel_objects(triples, subject)) {
                objects[column] += 1;
            }
        }
        vec![
            LabelCounts { labels: vec![subject_tokens; 2], positives: subjects },
            LabelCounts { labels: vec![object_tokens; columns], positives: objects },
        ]
    }

    /// Each step draws one subject of a sentence and learns its objects.
    ///
    /// Returns labels `[sentences, tokens, 2]` of subjects and `[sentences, tokens, 2 * relations]` of objects. The loss is a mean
    /// over tokens, summed over the taggers (the paper's objective). A sentence without a subject has no labels of objects.
    fn labels(
        _: &CasRelConfig,
        model: &Network<CasRelHead>,
        batch: &Batch<'_>,
        step: &mut TrainingStep,
    ) -> Vec<Labels> {
        let Batch { sentences, input, relations } = *batch;
        let subjects: Vec<Vec<TokenSpan>> =
            sentences.iter().map(|sentence| casrel_subjects(&sentence.triples)).collect();
        let drawn: Vec<Vec<TokenSpan>> =
            subjects.iter().map(|spans| spans.get(step.below(spans.len())).copied().into_iter().collect()).collect();

        let [rows, width] = input.ids.dims();
        let mut subject = Targets::new(rows, width, 2).masked();
        let mut object = Targets::new(rows, width, 2 * relations).masked();
        for (row, sentence) in sentences.iter().enumerate() {
            subject.count(row, FIRST, sentence.tokens.len());
            for (class, marks) in span_marks(&subjects[row]).iter().enumerate() {
                marks.iter().for_each(|token| subject.mark(row, FIRST + token, class));
            }
            for &span in &drawn[row] {
                object.count(row, FIRST, sentence.tokens.len());
                let marks = casrel_objects(&sentence.triples, span);
                marks.into_iter().for_each(|(token, column)| object.mark(row, FIRST + token, column));
            }
        }
        tagger_labels(model, input, &drawn, subject, object)
    }
}

/// Returns the labels of both steps, given the drawn subject of each row, if it has one.
fn tagger_labels(
    model: &Network<CasRelHead>,
    input: &EncoderInput,
    drawn: &[Vec<TokenSpan>],
    subject: Targets,
    object: Targets,
) -> Vec<Labels> {
    let hidden = model.encode(input);
    let ([rows, width, _], device) = (hidden.dims(), hidden.device());
    let weights = mean_weights(drawn, 1, width, FIRST, &device).reshape([rows, width]);
    let logits = [model.head.subjects(hidden.clone()), model.head.objects(hidden, weights)];
    let labels = logits.into_iter().zip([subject, object]).map(|(logits, targets)| {
        let taggers = logits.dims()[2] as f64;
        targets.labels(logits, 1).with_weight(taggers)
    });
    labels.collect()
}
