//! Plain text, one text per line. The reader splits the lines into sentences, unless it is told not to: then an empty line is a
//! sentence too, so that line n is sentence n.

use std::{io::BufRead, path::PathBuf};

use rere_core::Sentence;

use super::{
    Unsupported,
    reader::Found,
    spec::{Content, Holds, Spec},
    writer::Objects,
};
use crate::{DataError, file::read_line};

pub(super) const SPEC: Spec = Spec {
    name: "text",
    source: "plain text, one text per line",
    content: Content::Text,
    holds: Holds { extra: false, ids: false, ..Holds::SURFACES },
};

/// The lines of an input.
pub(super) struct Lines {
    input: Box<dyn BufRead + Send>,
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Lines {
    pub fn new(input: Box<dyn BufRead + Send>, path: PathBuf) -> Self {
        Self { input, path, bytes: Vec::new() }
    }

    /// Reads the next line, sets `line` to its number, and returns whether there was one.
    pub fn next(&mut self, line: &mut usize, found: &mut Found) -> Result<bool, DataError> {
        let Some(bytes) = read_line(&mut self.input, &self.path, *line + 1, &mut self.bytes)? else {
            return Ok(false);
        };
        *line += 1;
        let text = str::from_utf8(bytes).map_err(|_| DataError::Encoding { path: self.path.clone(), line: *line })?;
        found.sentences.push_back(Sentence::new(text));
        Ok(true)
    }
}

/// Writes the text of a sentence in one line.
pub(super) fn write(sentence: &Sentence, objects: &mut Objects) {
    objects.unsupported.note(Unsupported::Triple, sentence.triples.len(), sentence);
    let text = sentence.text.replace(['\n', '\r'], " ");
    // A byte order mark at the beginning of the file is skipped when it is read.
    let is_mark = objects.next_number() == 0 && text.starts_with('\u{feff}');
    objects.unsupported.note(Unsupported::Spacing, usize::from(is_mark || text != sentence.text), sentence);
    objects.bytes.extend_from_slice(text.as_bytes());
    objects.bytes.push(b'\n');
}
