//! A corpus as a stream, read by a thread of its own while what came before is worked on.

use std::{
    panic,
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, sync_channel},
    thread::{self, JoinHandle},
    vec::IntoIter,
};

use rere_core::Sentence;
use rere_data::{DataError, Lost, Reader};

use crate::command::tell;

/// How many sentences are handed over at once, and how many such lots may wait.
const LOT: usize = 512;
const WAITING: usize = 4;

/// The sentences of a file, in any known format, with their positions from 1.
///
/// A file without a sentence is an error. What of the file has no counterpart is told at its end.
pub struct Stream {
    path: PathBuf,
    lots: Receiver<Lot>,
    thread: Option<JoinHandle<()>>,
    current: IntoIter<Sentence>,
    position: usize,
    ended: bool,
}

enum Lot {
    Sentences(Vec<Sentence>),
    /// After the last sentence.
    End(Result<Lost, DataError>),
}

impl Stream {
    /// Begins to read.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let mut reader = Reader::open(path, None)?;
        let (sender, lots) = sync_channel(WAITING);
        // It ends with the file, or when nobody wants what it sends.
        let thread = thread::spawn(move || {
            loop {
                let mut lot = Vec::with_capacity(LOT);
                let end = fill(&mut lot, &mut reader);
                if sender.send(Lot::Sentences(lot)).is_err() {
                    return;
                }
                if let Some(end) = end {
                    _ = sender.send(Lot::End(end));
                    return;
                }
            }
        });
        let (path, current) = (path.to_owned(), Vec::new().into_iter());
        Ok(Self { path, lots, thread: Some(thread), current, position: 0, ended: false })
    }

    fn sentence(&mut self) -> Result<Option<Sentence>, DataError> {
        loop {
            if let Some(sentence) = self.current.next() {
                return Ok(Some(sentence));
            }
            match self.lots.recv() {
                Ok(Lot::Sentences(lot)) => self.current = lot.into_iter(),
                Ok(Lot::End(lost)) => {
                    tell(&self.path, &lost?);
                    return if self.position == 0 {
                        Err(DataError::Empty { path: self.path.clone() })
                    } else {
                        Ok(None)
                    };
                }
                // The thread sends an end before it ends, unless it panics.
                Err(_) => match self.thread.take().map(JoinHandle::join) {
                    Some(Err(panic)) => panic::resume_unwind(panic),
                    _ => return Ok(None),
                },
            }
        }
    }
}

impl Iterator for Stream {
    type Item = Result<(usize, Sentence), DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.sentence().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next.map(|sentence| {
            self.position += 1;
            Ok((self.position, sentence?))
        })
    }
}

/// Reads a lot; the end, if it is the last one.
fn fill(lot: &mut Vec<Sentence>, reader: &mut Reader) -> Option<Result<Lost, DataError>> {
    while lot.len() < LOT {
        match reader.next() {
            Some(Ok(sentence)) => lot.push(sentence),
            Some(Err(error)) => return Some(Err(error)),
            None => return Some(Ok(reader.lost().clone())),
        }
    }
    None
}
