//! The seam of all decoders, and batches.

use rayon::prelude::*;

use crate::TokenTriple;

/// Makes triples of the scores of one sentence.
///
/// Decoding cannot fail: what can be wrong is checked where the input is made.
pub trait Decoder: Sync {
    /// The scores of one sentence.
    type Input<'a>: Copy + Sync;

    /// Memory that is used again from sentence to sentence, so that none is allocated once it has grown.
    type Scratch: Default + Send;

    /// Appends the triples of a sentence to `found`: none twice, best score first, equal scores by relation and then in
    /// the order of the text (subject, then object).
    fn decode(&self, input: Self::Input<'_>, scratch: &mut Self::Scratch, found: &mut Vec<TokenTriple>);
}

/// The triples of a batch of sentences, with the memory that decoding them takes: used again, it makes decoding free of
/// allocations, but for what threads need.
///
/// `D` is the decoder. `Batch::default()` is empty.
#[derive(Debug)]
pub struct Batch<D: Decoder> {
    parts: Vec<Part<D::Scratch>>,
    sentences: usize,
}

/// What one thread decodes at a time.
#[derive(Debug, Default)]
struct Part<S> {
    scratch: S,
    triples: Vec<TokenTriple>,
    /// Where the triples of each sentence end.
    ends: Vec<usize>,
}

/// Sentences in a part: enough to be worth handing over, and few enough for all threads to end together.
const PART: usize = 128;

impl<D: Decoder> Default for Batch<D> {
    fn default() -> Self {
        Self { parts: Vec::new(), sentences: 0 }
    }
}

impl<D: Decoder> Batch<D> {
    /// Decodes sentences of any lengths, on all threads where there are more than 128, and replaces what the batch held.
    /// The triples are the same, in the same order, as from one sentence after the other.
    pub fn decode(&mut self, decoder: &D, inputs: &[D::Input<'_>]) {
        let count = inputs.len().div_ceil(PART);
        if self.parts.len() < count {
            self.parts.resize_with(count, || Part { scratch: D::Scratch::default(), triples: vec![], ends: vec![] });
        }
        self.sentences = inputs.len();
        let parts = &mut self.parts[..count];
        if count < 2 || rayon::current_num_threads() < 2 {
            parts.iter_mut().zip(inputs.chunks(PART)).for_each(|(part, inputs)| part.decode(decoder, inputs));
        } else {
            parts.par_iter_mut().zip(inputs.par_chunks(PART)).for_each(|(part, inputs)| part.decode(decoder, inputs));
        }
    }

    /// Number of sentences.
    pub fn len(&self) -> usize {
        self.sentences
    }

    /// Whether there is no sentence.
    pub fn is_empty(&self) -> bool {
        self.sentences == 0
    }

    /// The triples of each sentence, in the order of the sentences.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[TokenTriple]> {
        (0..self.sentences).map(|sentence| self.parts[sentence / PART].triples_of(sentence % PART))
    }
}

impl<S> Part<S> {
    fn decode<D: Decoder<Scratch = S>>(&mut self, decoder: &D, inputs: &[D::Input<'_>]) {
        self.triples.clear();
        self.ends.clear();
        for &input in inputs {
            decoder.decode(input, &mut self.scratch, &mut self.triples);
            self.ends.push(self.triples.len());
        }
    }

    fn triples_of(&self, sentence: usize) -> &[TokenTriple] {
        let start = sentence.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.triples[start..self.ends[sentence]]
    }
}
