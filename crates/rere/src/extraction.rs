//! Extraction from streams of sentences.

use std::{cmp::Reverse, fmt};

use rere_core::{ByteSpan, ExtractError, ExtractOptions, Extractor, Input, Mention, Sentence, Triple};
use rere_data::{Chunks, DataError, SentenceSplitter};

use crate::RereError;

/// Iterator over the sentences of a stream with the triples that an extractor finds in them, in chunks.
///
/// A corpus of any size needs little memory. A separate thread reads the stream. A chunk has up to 512 sentences per
/// thread if the stream is fast, and fewer if it pauses, so that no sentence of a slow pipe waits for the next one.
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
    splitter: Option<SentenceSplitter>,
    from_mentions: bool,
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

/// The most sentences of a chunk per thread: enough for full batches of similar length, and for threads that rarely wait for
/// each other; few enough for any memory.
const CHUNK: usize = 512;

impl<'a, E, I> Extraction<'a, E, I>
where
    E: Extractor + ?Sized,
    I: Iterator<Item = Result<Sentence, DataError>> + Send + 'static,
{
    /// Starts to read `source`, such as a [`Reader`](rere_data::Reader).
    pub fn new(extractor: &'a E, options: ExtractOptions, source: I) -> Self {
        let (splitter, from_mentions, progress) = (None, false, Progress::default());
        let chunks = Chunks::new(source, CHUNK * rayon::current_num_threads());
        Self { extractor, options, splitter, from_mentions, chunks, progress }
    }

    /// Splits each text into sentences, and returns their triples together, the best first. Spans count from the start of the
    /// text. [`Reader::take_splitter`](rere_data::Reader::take_splitter) returns the splitter of a reader's options.
    pub fn with_splitter(self, splitter: Option<SentenceSplitter>) -> Self {
        Self { splitter, ..self }
    }

    /// Chooses subjects and objects only from the mentions of the source: the entities of a sentence and the mentions of its
    /// triples, such as those of another entity recogniser. A sentence without mentions then has no triples.
    pub fn with_source_mentions(self, from_mentions: bool) -> Self {
        Self { from_mentions, ..self }
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

/// Splits texts into sentences, and returns the triples of each text, the best first. Spans count from the start of the text.
///
/// A triple never spans two sentences. Of an input's mentions, those that lie within a sentence are its own; a mention without a
/// span belongs to each.
///
/// # Errors
/// Returns an error as [`Extractor::extract`] does.
pub fn extract_split<E: Extractor + ?Sized>(
    extractor: &E,
    splitter: &SentenceSplitter,
    inputs: &[Input<'_>],
    options: &ExtractOptions,
) -> Result<Vec<Vec<Triple>>, ExtractError> {
    let parts: Vec<Part> = inputs
        .iter()
        .enumerate()
        .flat_map(|(at, input)| splitter.spans(input.text).into_iter().map(move |span| Part::new(at, input, span)))
        .collect();
    let sentences: Vec<Input> = parts.iter().map(|part| part.input(inputs[part.at].text)).collect();
    let mut triples = vec![Vec::new(); inputs.len()];
    for (part, found) in parts.iter().zip(extractor.extract(&sentences, options)?) {
        triples[part.at].extend(found.into_iter().map(|triple| moved(triple, part.span.start)));
    }
    // Stable, and without effect on a text of one sentence.
    triples.iter_mut().for_each(|triples| triples.sort_by_key(|triple| Reverse(triple.score)));
    Ok(triples)
}

/// A sentence of a text.
struct Part {
    /// Position of the text among the inputs.
    at: usize,
    span: ByteSpan,
    /// The mentions that subjects and objects are restricted to, with spans that count from the start of the sentence.
    mentions: Option<Vec<Mention>>,
}

impl Part {
    fn new(at: usize, input: &Input<'_>, span: ByteSpan) -> Self {
        let mentions = input.mentions.map(|mentions| mentions_in(mentions, span));
        Self { at, span, mentions }
    }

    /// Returns the input of the part of a text.
    fn input<'a>(&'a self, text: &'a str) -> Input<'a> {
        let input = Input::new(&text[self.span.start..self.span.end]);
        self.mentions.as_ref().map_or(input, |mentions| input.with_mentions(mentions))
    }
}

/// Returns the mentions within a span. Their spans count from its start.
fn mentions_in(mentions: &[Mention], part: ByteSpan) -> Vec<Mention> {
    let inside = |mention: &Mention| match mention.span {
        None => Some(mention.clone()),
        Some(span) => Some(mention.clone().with_span(span.within(part)?)),
    };
    mentions.iter().filter_map(inside).collect()
}

/// Returns a triple with spans that count from a position `start` bytes earlier.
fn moved(mut triple: Triple, start: usize) -> Triple {
    for mention in [&mut triple.subject, &mut triple.object] {
        mention.span = mention.span.map(|span| ByteSpan::new(span.start + start, span.end + start));
    }
    triple
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
        let mentions: Vec<_> = chunk.iter().map(|sentence| self.from_mentions.then(|| sentence.mentions())).collect();
        let inputs = chunk.iter().zip(&mentions).map(|(sentence, mentions)| {
            let input = Input::from(sentence);
            mentions.as_ref().map_or(input, |mentions| input.with_mentions(mentions))
        });
        let inputs: Vec<Input> = inputs.collect();
        let found = match &self.splitter {
            Some(splitter) => extract_split(self.extractor, splitter, &inputs, &self.options),
            None => self.extractor.extract(&inputs, &self.options),
        };
        let found = match found {
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
