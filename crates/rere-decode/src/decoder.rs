//! The trait of all decoders, and batches.

use rayon::prelude::*;

use crate::TokenTriple;

/// A way to make triples from the scores of one sentence.
///
/// Decoding cannot fail: the input is checked when it is made.
///
/// ```
/// use rere_core::TokenSpan;
/// use rere_decode::{Batch, Decoder, TokenTriple};
///
/// /// Relates the first token of a sentence to its last one.
/// struct FirstToLast;
///
/// impl Decoder for FirstToLast {
///     type Input<'a> = &'a [f32];
///     type Scratch = ();
///
///     fn decode(&self, scores: &[f32], (): &mut (), found: &mut Vec<TokenTriple>) {
///         if let [first, .., last] = scores {
///             let (subject, object) = (TokenSpan::new(0, 1), TokenSpan::new(scores.len() - 1, scores.len()));
///             found.push(TokenTriple { relation: 0, subject, object, score: first.min(*last) });
///         }
///     }
/// }
///
/// let mut batch = Batch::default();
/// batch.decode(&FirstToLast, &[&[0.9, 0.1, 0.8], &[]]);
/// let counts: Vec<usize> = batch.iter().map(<[_]>::len).collect();
/// assert_eq!(counts, [1, 0]);
/// ```
pub trait Decoder: Sync {
    /// Scores of one sentence.
    type Input<'a>: Copy + Sync;

    /// Memory that is reused from sentence to sentence, so that nothing is allocated once it has grown.
    type Scratch: Default + Send;

    /// Appends the triples of a sentence to `found`, each once, best score first. Equal scores are ordered by relation,
    /// then by subject and object in the order of the text.
    fn decode(&self, input: Self::Input<'_>, scratch: &mut Self::Scratch, found: &mut Vec<TokenTriple>);
}

/// The triples of a batch of sentences, with the memory for decoding them.
///
/// Reuse a batch to decode without allocations, except for those that threads need. `Batch::default()` is empty.
///
/// ```
/// use rere_core::Probability;
/// use rere_decode::{Batch, Nearest, PointerScores};
///
/// let pointers = [0.9, 0.9, 0.0, 0.0, 0.0, 0.0, 0.8, 0.8];
/// let sentences = [PointerScores::new(&pointers, 2)?, PointerScores::new(&[], 0)?];
/// let mut batch = Batch::default();
/// batch.decode(&Nearest::new(Probability::new(0.5)?), &sentences);
/// let counts: Vec<usize> = batch.iter().map(<[_]>::len).collect();
/// assert_eq!(counts, [1, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Batch<D: Decoder> {
    chunks: Vec<Chunk<D::Scratch>>,
    sentences: usize,
}

/// The sentences that one thread decodes at a time.
#[derive(Debug, Default)]
struct Chunk<S> {
    scratch: S,
    triples: Vec<TokenTriple>,
    /// For each sentence, the end of its triples.
    ends: Vec<usize>,
}

/// Sentences in a chunk: enough to be worth the handover, and few enough that all threads finish together.
const CHUNK: usize = 128;

impl<D: Decoder> Default for Batch<D> {
    fn default() -> Self {
        Self { chunks: Vec::new(), sentences: 0 }
    }
}

impl<D: Decoder> Batch<D> {
    /// Decodes sentences of any lengths and replaces the contents of the batch.
    ///
    /// It uses all threads if there are more than 128 sentences. The triples and their order do not depend on that.
    pub fn decode(&mut self, decoder: &D, inputs: &[D::Input<'_>]) {
        let count = inputs.len().div_ceil(CHUNK);
        if self.chunks.len() < count {
            self.chunks.resize_with(count, || Chunk { scratch: D::Scratch::default(), triples: vec![], ends: vec![] });
        }
        self.sentences = inputs.len();
        let chunks = &mut self.chunks[..count];
        if count < 2 || rayon::current_num_threads() < 2 {
            chunks.iter_mut().zip(inputs.chunks(CHUNK)).for_each(|(chunk, inputs)| chunk.decode(decoder, inputs));
        } else {
            let inputs = inputs.par_chunks(CHUNK);
            chunks.par_iter_mut().zip(inputs).for_each(|(chunk, inputs)| chunk.decode(decoder, inputs));
        }
    }

    /// Returns the number of sentences.
    pub fn len(&self) -> usize {
        self.sentences
    }

    /// Returns whether the batch has no sentence.
    pub fn is_empty(&self) -> bool {
        self.sentences == 0
    }

    /// Returns the triples of each sentence, in the order of the sentences.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[TokenTriple]> {
        (0..self.sentences).map(|sentence| self.chunks[sentence / CHUNK].triples_of(sentence % CHUNK))
    }
}

impl<S> Chunk<S> {
    fn decode<D: Decoder<Scratch = S>>(&mut self, decoder: &D, inputs: &[D::Input<'_>]) {
        self.triples.clear();
        self.ends.clear();
        for &input in inputs {
            decoder.decode(input, &mut self.scratch, &mut self.triples);
            self.ends.push(self.triples.len());
        }
    }

    fn triples_of(&self, sentence: usize) -> &[TokenTriple] {
        let start = sentence.checked_sub(1).map_or(0, |previous| self.ends[previous]);
        &self.triples[start..self.ends[sentence]]
    }
}
