//! Chunks of a corpus, read by a background thread.

use std::{
    panic,
    sync::mpsc::{Receiver, sync_channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rere_core::Sentence;

use crate::DataError;

/// Longest time that a sentence waits for others of its chunk.
const MAX_WAIT: Duration = Duration::from_millis(100);

/// Iterator over the sentences of a corpus in chunks, read by a background thread.
///
/// Chunks are full if the input is fast, and smaller if it is slow, so that no sentence of a pipe waits long for the
/// next one. The thread reads at most one chunk ahead.
///
/// ```
/// use rere_data::{Chunks, ReadOptions, Reader};
///
/// let reader = Reader::new("Ada was born in London.\nBob met Ada.\n".as_bytes(), "texts", &ReadOptions::default())?;
/// let mut chunks = Chunks::new(reader, 1024);
/// let mut sentences = 0;
/// for chunk in chunks.by_ref() {
///     sentences += chunk?.len();
/// }
/// assert_eq!((sentences, chunks.into_source().report().sentences), (2, 2));
/// # Ok::<(), rere_data::DataError>(())
/// ```
#[derive(Debug)]
pub struct Chunks<I> {
    sentences: Receiver<Result<Sentence, DataError>>,
    thread: JoinHandle<I>,
    max_sentences: usize,
    /// An error to return after the current chunk.
    error: Option<DataError>,
}

impl<I> Chunks<I>
where
    I: Iterator<Item = Result<Sentence, DataError>> + Send + 'static,
{
    /// Starts to read `source`, such as a [`Reader`](crate::Reader). A chunk has 1 to `max_sentences` sentences.
    pub fn new(mut source: I, max_sentences: usize) -> Self {
        let max_sentences = max_sentences.max(1);
        let (sender, sentences) = sync_channel(max_sentences);
        let thread = thread::spawn(move || {
            for sentence in source.by_ref() {
                // The receiver was dropped.
                if sender.send(sentence).is_err() {
                    break;
                }
            }
            source
        });
        Self { sentences, thread, max_sentences, error: None }
    }

    /// Returns the source, for example to read its report. If chunks are left, this waits for the sentence that is
    /// being read.
    pub fn into_source(self) -> I {
        drop(self.sentences);
        self.thread.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
    }
}

impl<I> Iterator for Chunks<I> {
    type Item = Result<Vec<Sentence>, DataError>;

    /// Returns the next chunk. An error follows the sentences before it.
    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.error.take() {
            return Some(Err(error));
        }
        let mut chunk = match self.sentences.recv().ok()? {
            Ok(sentence) => vec![sentence],
            Err(error) => return Some(Err(error)),
        };
        let end = Instant::now() + MAX_WAIT;
        while chunk.len() < self.max_sentences {
            match self.sentences.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(Ok(sentence)) => chunk.push(sentence),
                Ok(Err(error)) => {
                    self.error = Some(error);
                    break;
                }
                // A timeout, or the end of the corpus.
                Err(_) => break,
            }
        }
        Some(Ok(chunk))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, BufReader, Read, Write},
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use super::*;
    use crate::{ReadOptions, Reader};

    fn numbers(count: usize) -> impl Iterator<Item = Result<Sentence, DataError>> + Send + 'static {
        (0..count).map(|number| Ok(Sentence::new(number.to_string())))
    }

    fn texts(chunk: &[Sentence]) -> Vec<&str> {
        chunk.iter().map(|sentence| sentence.text.as_str()).collect()
    }

    #[test]
    fn sentences_come_in_order() {
        let chunks: Vec<_> = Chunks::new(numbers(10), 4).collect::<Result<_, _>>().expect("sentences");
        let all: Vec<&str> = chunks.iter().flat_map(|chunk| texts(chunk)).collect();
        assert_eq!(all, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
        assert!(chunks.iter().all(|chunk| (1..=4).contains(&chunk.len())));
        assert!(Chunks::new(numbers(0), 4).next().is_none());
    }

    #[test]
    fn a_chunk_of_a_fast_source_is_full() {
        let mut chunks = Chunks::new(numbers(4), 4);
        while !chunks.thread.is_finished() {
            thread::yield_now();
        }
        assert_eq!(chunks.next().expect("a chunk").expect("sentences").len(), 4);
        assert!(chunks.next().is_none());
    }

    #[test]
    fn an_error_follows_the_sentences_before_it() {
        let reader =
            Reader::new("{\"text\": \"a\"}\n{\"text\": \"b\"}\n{".as_bytes(), "input", &ReadOptions::default());
        let mut chunks = Chunks::new(reader.expect("JSON"), 1024);
        assert_eq!(texts(&chunks.next().expect("a chunk").expect("sentences")), ["a", "b"]);
        let error = chunks.next().expect("an error").expect_err("cut short");
        assert!(error.to_string().contains("line 3"), "{error}");
        assert!(chunks.next().is_none());
        assert_eq!(chunks.into_source().report().sentences, 2);
    }

    /// The writer of the pipe waits for the answer to its first line before it writes the second one.
    #[test]
    fn a_sentence_does_not_wait_for_the_next_one() {
        let (input, mut output) = io::pipe().expect("a pipe");
        output.write_all(b"first\n").expect("written");
        let reader = Reader::new(BufReader::new(input), "pipe", &ReadOptions::default()).expect("text");
        let mut chunks = Chunks::new(reader, 1024);
        for next in ["second\n", "third\n"] {
            assert_eq!(chunks.next().expect("a chunk").expect("sentences").len(), 1);
            output.write_all(next.as_bytes()).expect("written");
        }
        drop(output);
        assert_eq!(texts(&chunks.next().expect("a chunk").expect("sentences")), ["third"]);
        assert!(chunks.next().is_none());
    }

    /// Each sentence comes before the wait for it ends.
    #[test]
    fn a_chunk_ends_even_if_sentences_keep_coming() {
        let endless = std::iter::repeat_with(|| {
            thread::sleep(MAX_WAIT / 10);
            Ok(Sentence::new("again"))
        });
        let chunk = Chunks::new(endless, 10_000).next();
        assert!(chunk.expect("a chunk").expect("sentences").len() < 10_000);
    }

    #[test]
    fn the_thread_reads_one_chunk_ahead() {
        let read = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&read);
        let endless = numbers(usize::MAX).inspect(move |_| _ = counted.fetch_add(1, Ordering::Relaxed));
        let mut chunks = Chunks::new(endless, 4);
        for _ in 0..100 {
            chunks.next().expect("a chunk").expect("sentences");
        }
        // Returned, queued, and held by the thread.
        let max = 100 * 4 + 4 + 1;
        assert!(read.load(Ordering::Relaxed) <= max);
        drop(chunks.into_source());
        assert!(read.load(Ordering::Relaxed) <= max + 1);
    }

    #[test]
    #[should_panic(expected = "broken source")]
    fn a_panic_of_the_source_is_resumed() {
        let broken = numbers(3).inspect(|sentence| {
            assert!(sentence.as_ref().is_ok_and(|sentence| sentence.text != "2"), "broken source");
        });
        let mut chunks = Chunks::new(broken, 1024);
        assert_eq!(chunks.by_ref().flatten().flatten().count(), 2);
        drop(chunks.into_source());
    }

    #[test]
    fn a_failing_reader_is_an_error() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("pulled out"))
            }
        }
        let input = BufReader::new("one\n".as_bytes().chain(Broken));
        let mut chunks = Chunks::new(Reader::new(input, "disk", &ReadOptions::default()).expect("text"), 1024);
        assert_eq!(texts(&chunks.next().expect("a chunk").expect("sentences")), ["one"]);
        assert!(chunks.next().is_some_and(|error| error.is_err()));
    }
}
