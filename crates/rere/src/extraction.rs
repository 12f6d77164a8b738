//! Extraction from streams of sentences.

use std::fmt;

use rere_core::{ExtractOptions, Extractor, Input, Sentence};
use rere_data::{Chunks, DataError};

use crate::RereError;

/// Iterator over the sentences of a stream with the triples that an extractor finds in them, in chunks.
///
/// A corpus of any size needs little memory. A separate thread reads the stream. A chunk has up to 1,024 sentences if the
/// stream is fast, and fewer if it pauses, so that no sentence of a slow pipe waits for the next one.
///
/// ```
/// # use rere::{Config, Corpus, LoadOptions, Device, Rere, Sentence, TrainOptions, Trainer, Triple, load};
/// use rere::{ExtractOptions, Extraction};
/// use rere_data::{ReadOptions, Reader};
/// # let config = Config::<Rere>::parse(r#"
/// #     [encoder.random]
/// #     model_type = "bilstm"
/// #     embedding_size = 4
/// #     direction_size = 4
/// #     [rere.relation]
/// #     epochs = 1
/// #     [rere.entity]
/// #     epochs = 1
/// # "#)?;
/// # let mut ada = Sentence::new("Ada was born in London .");
/// # ada.triples.push(Triple::of("Ada", "born in", "London"));
/// # let folder = tempfile::tempdir()?;
/// # let corpus = Corpus { train: vec![ada], dev: vec![] };
/// # Trainer::new(config, TrainOptions::new(Device::flex())).run(&corpus, folder.path())?;
/// # let extractor = load(folder.path(), LoadOptions::new(Device::flex()))?;
///
/// let reader = Reader::new("Ada was born in London .\nBob met Ada .\n".as_bytes(), "texts", &ReadOptions::default())?;
/// let mut extraction = Extraction::new(&*extractor, ExtractOptions::default(), reader);
/// for chunk in extraction.by_ref() {
///     for sentence in chunk? {
///         println!("{}: {} triples", sentence.text, sentence.triples.len());
///     }
/// }
/// assert_eq!(extraction.progress().sentences, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing is extracted until it is iterated over"]
pub struct Extraction<'a, E: Extractor + ?Sized, I> {
    extractor: &'a E,
    options: ExtractOptions,
    chunks: Chunks<I>,
    progress: Progress,
}

impl<E: Extractor + ?Sized, I> fmt::Debug for Extraction<'_, E, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Extraction").field("progress", &self.progress).finish_non_exhaustive()
    }
}

/// Progress of an [`Extraction`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Number of sentences that are done.
    pub sentences: usize,
    /// Number of triples that were found in them.
    pub triples: usize,
}

/// The most sentences of a chunk: enough for full batches of similar length, few enough for any memory.
const CHUNK: usize = 1024;

impl<'a, E, I> Extraction<'a, E, I>
where
    E: Extractor + ?Sized,
    I: Iterator<Item = Result<Sentence, DataError>> + Send + 'static,
{
    /// Starts to read `source`, such as a [`Reader`](rere_data::Reader).
    pub fn new(extractor: &'a E, options: ExtractOptions, source: I) -> Self {
        Self { extractor, options, chunks: Chunks::new(source, CHUNK), progress: Progress::default() }
    }

    /// Returns the progress so far.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Returns the source, whose report is then complete.
    pub fn into_source(self) -> I {
        self.chunks.into_source()
    }
}

impl<E: Extractor + ?Sized, I> Iterator for Extraction<'_, E, I> {
    type Item = Result<Vec<Sentence>, RereError>;

    /// Returns the next chunk, in whose sentences the found triples replace the original ones. An error comes after the
    /// sentences before it.
    fn next(&mut self) -> Option<Self::Item> {
        let mut chunk = match self.chunks.next()? {
            Ok(chunk) => chunk,
            Err(error) => return Some(Err(error.into())),
        };
        let inputs: Vec<Input> = chunk.iter().map(Input::from).collect();
        let found = match self.extractor.extract(&inputs, &self.options) {
            Ok(found) => found,
            Err(error) => return Some(Err(error.into())),
        };
        self.progress.sentences += chunk.len();
        for (sentence, triples) in chunk.iter_mut().zip(found) {
            self.progress.triples += triples.len();
            sentence.triples = triples;
        }
        Some(Ok(chunk))
    }
}
