//! What the tasks of several systems share: examples that are whole sentences, and targets.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use rere_data::{LocatedCorpus, LocatedSentence, SENTENCE_EXTRA, Tokenizer, sentence_input};
use rere_model::EncoderInput;

use super::{run::Inputs, task::Labels};
use crate::{
    RereError, System, encoder_input,
    pipeline::{ScoredSentences, Texts, candidates_floor, choose_thresholds},
};

/// Examples of which each is a sentence alone, `[CLS] sentence [SEP]`. The tokens of the sentence begin at 1.
pub struct SentenceExamples<'a> {
    tokenizer: &'a Tokenizer,
    sentences: Vec<&'a LocatedSentence>,
    lengths: Vec<usize>,
    too_long: usize,
}

impl<'a> SentenceExamples<'a> {
    /// The sentences of `corpus` that have a token and are not too long.
    pub fn new(inputs: Inputs<'a>, corpus: &'a LocatedCorpus) -> Self {
        let length = |sentence: &LocatedSentence| sentence.tokens.len() + SENTENCE_EXTRA;
        let tokenised = corpus.sentences.iter().filter(|sentence| !sentence.tokens.is_empty());
        let (sentences, long): (Vec<_>, Vec<_>) = tokenised.partition(|sentence| length(sentence) <= inputs.max_tokens);
        let lengths = sentences.iter().map(|sentence| length(sentence)).collect();
        Self { tokenizer: inputs.tokenizer, sentences, lengths, too_long: long.len() }
    }

    /// The sentence of each example.
    pub fn sentences(&self) -> &[&'a LocatedSentence] {
        &self.sentences
    }

    /// Length of each example in tokens.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Number of sentences that are too long.
    pub fn too_long(&self) -> usize {
        self.too_long
    }

    /// The sentences of a batch.
    pub fn batch(&self, batch: &[usize]) -> Vec<&'a LocatedSentence> {
        batch.iter().map(|&example| self.sentences[example]).collect()
    }

    /// What the encoder reads of a batch.
    pub fn input(&self, batch: &[usize], device: &Device) -> EncoderInput {
        let row = |&example: &usize| sentence_input(self.tokenizer, &self.sentences[example].tokens.ids);
        let rows: Vec<Vec<u32>> = batch.iter().map(row).collect();
        let rows: Vec<&[u32]> = rows.iter().map(Vec::as_slice).collect();
        encoder_input(&rows, None, self.tokenizer.pad(), device)
    }
}

/// Targets of labels `[rows, places, classes]`, and which of the labels count.
pub struct Targets {
    shape: [usize; 3],
    targets: Vec<f32>,
    counted: Option<Vec<bool>>,
}

impl Targets {
    /// All 0, and all of them count.
    pub fn new(rows: usize, places: usize, classes: usize) -> Self {
        Self { shape: [rows, places, classes], targets: vec![0.0; rows * places * classes], counted: None }
    }

    /// The same, but only those count that [`count`](Self::count) names.
    #[must_use]
    pub fn masked(self) -> Self {
        let counted = Some(vec![false; self.targets.len()]);
        Self { counted, ..self }
    }

    /// Where the labels of a place begin.
    fn at(&self, row: usize, place: usize) -> usize {
        let [_, places, classes] = self.shape;
        (row * places + place) * classes
    }

    /// Lets the labels of `number` places of a row from `first` on count.
    pub fn count(&mut self, row: usize, first: usize, number: usize) {
        let range = self.at(row, first)..self.at(row, first + number);
        if let Some(counted) = &mut self.counted {
            counted[range].fill(true);
        }
    }

    /// Makes a label positive.
    pub fn mark(&mut self, row: usize, place: usize, class: usize) {
        let at = self.at(row, place) + class;
        self.targets[at] = 1.0;
    }

    /// The labels with these logits, of the same shape. In a sentence those along `sentence_axis` belong together: see
    /// [`Labels::new`].
    pub fn labels(self, logits: Tensor<3>, sentence_axis: usize) -> Labels {
        let device = logits.device();
        let targets = Tensor::from_data(TensorData::new(self.targets, self.shape), &device);
        let labels = Labels::new(logits, targets, sentence_axis);
        match self.counted {
            Some(counted) => {
                let counted = Tensor::<3, Bool>::from_data(TensorData::new(counted, self.shape), &device);
                labels.with_mask(counted)
            }
            None => labels,
        }
    }
}

impl Inputs<'_> {
    /// Micro F1 (exact) of a system on the development sentences, at the thresholds that are best there: the score of a network
    /// that is the whole system. `None` if they have no triple.
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
