//! Examples and targets that tasks of several systems share.

use burn::tensor::{Bool, Device, IndexingUpdateOp, Int, Tensor, TensorData};
use rere_data::{LocatedCorpus, LocatedSentence, SENTENCE_EXTRA, Tokenizer, sentence_input};
use rere_model::EncoderInput;

use super::{run::Inputs, task::Labels};
use crate::{
    RereError, System, encoder_input,
    pipeline::{ScoredSentences, Texts, candidates_floor, choose_thresholds},
};

/// Examples that consist of one sentence each, `[CLS] sentence [SEP]`. The tokens of the sentence begin at 1.
#[derive(Debug)]
pub struct SentenceExamples<'a> {
    tokenizer: &'a Tokenizer,
    sentences: Vec<&'a LocatedSentence>,
    lengths: Vec<usize>,
    too_long: usize,
}

impl<'a> SentenceExamples<'a> {
    /// Creates examples from the sentences of `corpus` that have a token and are not too long.
    pub fn new(inputs: Inputs<'a>, corpus: &'a LocatedCorpus) -> Self {
        let length = |sentence: &LocatedSentence| sentence.tokens.len() + SENTENCE_EXTRA;
        let tokenised = corpus.sentences.iter().filter(|sentence| !sentence.tokens.is_empty());
        let (sentences, long): (Vec<_>, Vec<_>) = tokenised.partition(|sentence| length(sentence) <= inputs.max_tokens);
        let lengths = sentences.iter().map(|sentence| length(sentence)).collect();
        Self { tokenizer: inputs.tokenizer, sentences, lengths, too_long: long.len() }
    }

    /// Returns the sentence of each example.
    pub fn sentences(&self) -> &[&'a LocatedSentence] {
        &self.sentences
    }

    /// Returns the length of each example in tokens.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Returns the number of sentences that are too long.
    pub fn too_long(&self) -> usize {
        self.too_long
    }

    /// Returns the sentences of a batch.
    pub fn batch(&self, batch: &[usize]) -> Vec<&'a LocatedSentence> {
        batch.iter().map(|&example| self.sentences[example]).collect()
    }

    /// Makes the input of the encoder for a batch.
    pub fn input(&self, batch: &[usize], device: &Device) -> EncoderInput {
        let row = |&example: &usize| sentence_input(self.tokenizer, &self.sentences[example].tokens.ids);
        let rows: Vec<Vec<u32>> = batch.iter().map(row).collect();
        let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        encoder_input(&rows, None, self.tokenizer.pad(), device)
    }
}

/// Targets `[rows, positions, classes]` of labels, with a mask of the positions whose labels count.
///
/// Few labels are positive, so the targets are kept as a list of those and become a tensor on the device.
#[derive(Debug)]
pub struct Targets {
    shape: [usize; 3],
    /// Indices of the positive labels, in row-major order of the shape.
    marks: Vec<usize>,
    /// For each row and position, whether its labels count.
    counted: Option<Vec<bool>>,
}

impl Targets {
    /// Creates targets that are all 0 and all count.
    pub fn new(rows: usize, positions: usize, classes: usize) -> Self {
        Self { shape: [rows, positions, classes], marks: Vec::new(), counted: None }
    }

    /// Lets no label count until [`count`](Self::count) is called.
    #[must_use]
    pub fn masked(self) -> Self {
        let [rows, positions, _] = self.shape;
        Self { counted: Some(vec![false; rows * positions]), ..self }
    }

    /// Lets the labels of `number` positions of a row count, starting at `first`.
    pub fn count(&mut self, row: usize, first: usize, number: usize) {
        let first = row * self.shape[1] + first;
        if let Some(counted) = &mut self.counted {
            counted[first..first + number].fill(true);
        }
    }

    /// Makes a label positive.
    pub fn mark(&mut self, row: usize, position: usize, class: usize) {
        let [_, positions, classes] = self.shape;
        self.marks.push((row * positions + position) * classes + class);
    }

    /// Combines the targets with logits of the same shape. See [`Labels::new`] for `sentence_axis`.
    pub fn labels(mut self, logits: Tensor<3>, sentence_axis: usize) -> Labels {
        let ([rows, positions, classes], device) = (self.shape, logits.device());
        self.marks.sort_unstable();
        self.marks.dedup();
        let targets = Tensor::<1>::zeros([rows * positions * classes], &device);
        let targets = match self.marks.len() {
            0 => targets,
            count => {
                let marks: Vec<i64> = self.marks.into_iter().map(|mark| mark as i64).collect();
                let marks = Tensor::<1, Int>::from_data(TensorData::new(marks, [count]), &device);
                targets.select_assign(0, marks, Tensor::ones([count], &device), IndexingUpdateOp::Add)
            }
        };
        let labels = Labels::new(logits, targets.reshape(self.shape), sentence_axis);
        match self.counted {
            Some(counted) => {
                let counted = TensorData::new(counted, [rows, positions, 1]);
                labels.with_mask(Tensor::<3, Bool>::from_data(counted, &device).expand(self.shape))
            }
            None => labels,
        }
    }
}

impl Inputs<'_> {
    /// Computes the micro F1 (exact) of a system on the development set at the thresholds that are best there. Returns `None` if
    /// the development set has no triple. Use it as the score of a network that is the whole system.
    ///
    /// # Errors
    /// Returns an error if a score is NaN.
    pub fn system_f1<S: System>(&self, system: &S) -> Result<Option<f64>, RereError> {
        let texts = Texts::located(self.dev, self.dev_sentences);
        let longest = self.max_tokens.saturating_sub(system.extra_tokens());
        let scored =
            candidates_floor(self.relations.len(), |floor| ScoredSentences::new(system, &texts, longest, floor))?;
        let chosen = choose_thresholds(system, &scored, self.dev_sentences, self.relations, self.constraints)?;
        Ok(chosen.map(|chosen| chosen.f1))
    }
}
