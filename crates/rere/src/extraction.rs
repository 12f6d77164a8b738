//! Extraction from streams of sentences.

use std::{cmp::Reverse, fmt};

use rere_core::{ByteSpan, ExtractOptions, Extractor, Input, Mention, Sentence, Triple};
use rere_data::{Chunks, DataError, SentenceSplitter};

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

/// The most sentences of a chunk: enough for full batches of similar length, few enough for any memory.
const CHUNK: usize = 1024;

impl<'a, E, I> Extraction<'a, E, I>
where
    E: Extractor + ?Sized,
    I: Iterator<Item = Result<Sentence, DataError>> + Send + 'static,
{
    /// Starts to read `source`, such as a [`Reader`](rere_data::Reader).
    pub fn new(extractor: &'a E, options: ExtractOptions, source: I) -> Self {
        let (splitter, from_mentions, progress) = (None, false, Progress::default());
        Self { extractor, options, splitter, from_mentions, chunks: Chunks::new(source, CHUNK), progress }
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

impl<E: Extractor + ?Sized, I> Extraction<'_, E, I> {
    /// Returns the parts of a text that are extracted from on their own.
    fn spans(&self, text: &str) -> Vec<ByteSpan> {
        self.splitter.as_ref().map_or_else(|| vec![ByteSpan::new(0, text.len())], |splitter| splitter.spans(text))
    }
}

/// A sentence of a text of a chunk.
struct Part {
    /// Position of the text in the chunk.
    at: usize,
    span: ByteSpan,
    /// The mentions that subjects and objects are restricted to.
    mentions: Option<Vec<Mention>>,
}

impl Part {
    /// Returns the input of the part of a text.
    fn input<'a>(&'a self, text: &'a str) -> Input<'a> {
        let input = Input::new(&text[self.span.start..self.span.end]);
        self.mentions.as_ref().map_or(input, |mentions| input.with_mentions(mentions))
    }
}

/// Returns the mentions of a sentence within a span, without repetitions. Their spans count from its start.
fn mentions_in(sentence: &Sentence, part: ByteSpan) -> Vec<Mention> {
    let of_triples = sentence.triples.iter().flat_map(|triple| [&triple.subject, &triple.object]);
    let mut mentions: Vec<Mention> = Vec::new();
    for mention in sentence.entities.iter().chain(of_triples) {
        let span = match mention.span {
            None => None,
            Some(span) => match span.within(part) {
                None => continue,
                inside => inside,
            },
        };
        let mention = mention.clone().with_span(span);
        if !mentions.contains(&mention) {
            mentions.push(mention);
        }
    }
    mentions
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
        let parts: Vec<Part> = chunk
            .iter()
            .enumerate()
            .flat_map(|(at, sentence)| self.spans(&sentence.text).into_iter().map(move |span| (at, span)))
            .map(|(at, span)| Part { at, span, mentions: self.from_mentions.then(|| mentions_in(&chunk[at], span)) })
            .collect();
        let inputs: Vec<Input> = parts.iter().map(|part| part.input(&chunk[part.at].text)).collect();
        let found = match self.extractor.extract(&inputs, &self.options) {
            Ok(found) => found,
            Err(error) => return Some(Err(error.into())),
        };
        self.progress.sentences += chunk.len();
        chunk.iter_mut().for_each(|sentence| sentence.triples.clear());
        for (part, triples) in parts.iter().zip(found) {
            self.progress.triples += triples.len();
            chunk[part.at].triples.extend(triples.into_iter().map(|triple| moved(triple, part.span.start)));
        }
        // Stable, and without effect on a text of one sentence.
        chunk.iter_mut().for_each(|sentence| sentence.triples.sort_by_key(|triple| Reverse(triple.score)));
        Some(Ok(chunk))
    }
}
