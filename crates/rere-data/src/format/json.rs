//! The JSON objects of a file, one at a time, whether they stand one a line or in one array.

use std::{
    io::{self, BufRead},
    path::{Path, PathBuf},
};

use memchr::{memchr, memchr_iter, memchr2};
use rere_core::{CharSpan, Mention, OffsetError, OffsetUnit, TextOffsets};
use serde::Deserialize;

use crate::DataError;

/// Longest object that is read: a sentence is far shorter, and a file without line ends must not fill the memory.
const MAX_OBJECT_BYTES: usize = 64 << 20;

/// One object's JSON, still to be parsed.
pub(super) struct Object<'a> {
    path: &'a Path,
    /// Line of the file where the object begins, from 1.
    pub line: usize,
    /// What offsets in characters count.
    pub offsets: OffsetUnit,
    json: &'a str,
}

impl<'a> Object<'a> {
    /// An object that is no part of a JSON file: `line` is what errors are to say.
    pub fn new(path: &'a Path, line: usize, json: &'a str, offsets: OffsetUnit) -> Self {
        Self { path, line, offsets, json }
    }

    pub fn parse<T: Deserialize<'a>>(&self) -> Result<T, DataError> {
        serde_json::from_str(self.json).map_err(|error| self.explain::<T>(&error))
    }

    /// What is wrong, in which field, and what the file has there.
    fn explain<T: Deserialize<'a>>(&self, error: &serde_json::Error) -> DataError {
        // serde_json ends its messages with a position inside the object; the file's own line is what helps.
        let text = error.to_string();
        let position = format!(" at line {} column {}", error.line(), error.column());
        let mut message = in_words(text.strip_suffix(&position).unwrap_or(&text));
        if error.is_eof() {
            message.push_str("; an object must be whole, and on one line or in an array");
        } else if error.is_syntax()
            && let Some(found) = self.token_at(error.line(), error.column())
        {
            message.push_str(&format!(", found {found:?}"));
        }
        // To follow the path of fields takes time, so that it is done for bad objects only.
        let mut again = serde_json::Deserializer::from_str(self.json);
        if let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut again) {
            let path = error.path().to_string();
            // A name that was not read whole is a question mark.
            if path != "." && path != "?" {
                message = format!("`{path}`: {message}");
            }
        }
        let line = self.line + error.line().saturating_sub(1);
        DataError::Parse { path: self.path.to_owned(), line, message }
    }

    /// What stands at a line and column of the object, both from 1, up to the next mark of JSON.
    fn token_at(&self, line: usize, column: usize) -> Option<&'a str> {
        const MOST: usize = 40;
        let line = self.json.split('\n').nth(line.checked_sub(1)?)?;
        let rest = line.get(column.checked_sub(1)?..)?;
        let first = rest.chars().next()?.len_utf8();
        let end = rest[first..].find([',', ']', '}', ':', ' ', '"']).map_or(rest.len(), |end| first + end);
        let end = rest.char_indices().nth(MOST).map_or(end, |(most, _)| end.min(most));
        rest.get(..end)
    }

    /// What reports of losses call the object.
    pub fn name(&self) -> String {
        format!("line {}", self.line)
    }

    /// The value of a field that must be there.
    pub fn required<T>(&self, value: Option<T>, field: &str) -> Result<T, DataError> {
        value.ok_or_else(|| self.error(format!("missing field `{field}`")))
    }

    /// The mention at a span of offsets. If the object gives its surface too, the two must agree.
    pub fn mention(
        &self,
        offsets: &TextOffsets,
        span: CharSpan,
        claimed: Option<String>,
    ) -> Result<Mention, DataError> {
        offsets.mention(span, claimed).map_err(|error| self.misplaced(error))
    }

    /// The error about a mention that does not have the text at its offsets.
    pub fn misplaced(&self, error: OffsetError) -> DataError {
        let OffsetError { start, end, claimed, found, length, unit, fits } = error;
        let (path, line) = (self.path.to_owned(), self.line);
        DataError::Offsets { path, line, start, end, claimed, found, length, unit, fits }
    }

    /// An error about the object as a whole.
    pub fn error(&self, message: impl Into<String>) -> DataError {
        DataError::Parse { path: self.path.to_owned(), line: self.line, message: message.into() }
    }
}

/// A message of serde's without the names of our types.
fn in_words(message: &str) -> String {
    let message =
        message.replace("expected usize", "expected a whole number").replace("expected f32", "expected a number");
    let message =
        message.replace("expected a sequence", "expected a list").replace("expected a map", "expected an object");
    match message.split_once("expected struct ") {
        Some((before, rest)) => {
            let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            format!("{before}expected an object{}", &rest[end..])
        }
        None => message,
    }
}

/// Where in its layout a file is.
#[derive(Clone, Copy)]
enum State {
    Start,
    Lines,
    Array,
    End,
}

/// The objects of an input.
pub(super) struct Objects {
    input: Box<dyn BufRead + Send>,
    path: PathBuf,
    offsets: OffsetUnit,
    state: State,
    /// Line of the next byte, from 1.
    line: usize,
    /// The bytes of the last object.
    bytes: Vec<u8>,
}

impl Objects {
    pub fn new(input: Box<dyn BufRead + Send>, path: PathBuf, offsets: OffsetUnit) -> Self {
        Self { input, path, offsets, state: State::Start, line: 1, bytes: Vec::new() }
    }

    /// The next object; `None` at the end. After an error nothing more is to be asked for.
    pub fn next(&mut self) -> Result<Option<Object<'_>>, DataError> {
        if matches!(self.state, State::Start) {
            self.start()?;
        }
        let line = match self.state {
            State::Lines => self.read_line()?,
            State::Array => Some(self.read_element()?),
            State::Start | State::End => None,
        };
        line.map(|line| self.object(line)).transpose()
    }

    /// Finds the layout by the first byte that is no space.
    fn start(&mut self) -> Result<(), DataError> {
        self.state = match self.peek_past_space()? {
            None => State::End,
            Some(b'{') => State::Lines,
            Some(b'[') => {
                self.take()?;
                // An empty array is the one case in which no element stands before the bracket.
                if self.peek_past_space()? == Some(b']') {
                    self.take()?;
                    self.end_array()?;
                    State::End
                } else {
                    State::Array
                }
            }
            Some(byte) if byte.is_ascii() => {
                let found = char::from(byte);
                return Err(self.error(format!(
                    "expected a JSON object on each line or one array of objects, but the file begins with {found:?}"
                )));
            }
            Some(_) => return Err(self.not_utf8(self.line)),
        };
        Ok(())
    }

    /// Reads the next line that is not blank; its number, or `None` at the end.
    fn read_line(&mut self) -> Result<Option<usize>, DataError> {
        loop {
            self.bytes.clear();
            let line = self.line;
            loop {
                let chunk = chunk(&mut self.input, &self.path)?;
                if chunk.is_empty() {
                    break;
                }
                let end = memchr(b'\n', chunk);
                let used = end.map_or(chunk.len(), |end| end + 1);
                self.bytes.extend_from_slice(&chunk[..used]);
                self.input.consume(used);
                if self.bytes.len() > MAX_OBJECT_BYTES {
                    return Err(self.too_long());
                }
                if end.is_some() {
                    self.line += 1;
                    break;
                }
            }
            if self.bytes.is_empty() {
                return Ok(None);
            }
            // The line's end goes, so that a cut object is reported on its own line.
            self.bytes.truncate(self.bytes.trim_ascii_end().len());
            if !self.bytes.is_empty() {
                return Ok(Some(line));
            }
        }
    }

    /// Reads the bytes up to the comma or bracket that ends an element; whether they are an object is for the parser to say.
    fn read_element(&mut self) -> Result<usize, DataError> {
        self.bytes.clear();
        let begun = self.line;
        let mut scan = Scan::default();
        loop {
            let chunk = chunk(&mut self.input, &self.path)?;
            if chunk.is_empty() {
                return Err(self.error("the file ends inside its array; is it cut short?"));
            }
            let end = scan.end(chunk);
            let inside = &chunk[..end.unwrap_or(chunk.len())];
            self.bytes.extend_from_slice(inside);
            let last = end.map(|end| chunk[end]);
            let used = inside.len() + usize::from(last.is_some());
            self.input.consume(used);
            self.line = begun + scan.line_ends;
            if self.bytes.len() > MAX_OBJECT_BYTES {
                return Err(self.too_long());
            }
            match last {
                None => {}
                Some(b']') => {
                    self.end_array()?;
                    break;
                }
                Some(_) => break,
            }
        }
        let space = self.bytes.len() - self.bytes.trim_ascii_start().len();
        if space == self.bytes.len() {
            return Err(self.error("the array has a comma with no object beside it"));
        }
        let line = begun + memchr_iter(b'\n', &self.bytes[..space]).count();
        self.bytes.drain(..space);
        Ok(line)
    }

    /// After the closing bracket only space may come.
    fn end_array(&mut self) -> Result<(), DataError> {
        self.state = State::End;
        match self.peek_past_space()? {
            None => Ok(()),
            Some(_) => Err(self.error("the array ends here, but the file goes on")),
        }
    }

    /// The object that was read last.
    fn object(&self, line: usize) -> Result<Object<'_>, DataError> {
        match str::from_utf8(&self.bytes) {
            Ok(json) => Ok(Object::new(&self.path, line, json, self.offsets)),
            Err(error) => {
                let good = &self.bytes[..error.valid_up_to()];
                Err(self.not_utf8(line + memchr_iter(b'\n', good).count()))
            }
        }
    }

    fn peek(&mut self) -> Result<Option<u8>, DataError> {
        Ok(chunk(&mut self.input, &self.path)?.first().copied())
    }

    fn take(&mut self) -> Result<Option<u8>, DataError> {
        let byte = self.peek()?;
        if byte.is_some() {
            self.input.consume(1);
        }
        if byte == Some(b'\n') {
            self.line += 1;
        }
        Ok(byte)
    }

    fn peek_past_space(&mut self) -> Result<Option<u8>, DataError> {
        while self.peek()?.is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.take()?;
        }
        self.peek()
    }

    fn not_utf8(&self, line: usize) -> DataError {
        DataError::Encoding { path: self.path.clone(), line }
    }

    fn error(&self, message: impl Into<String>) -> DataError {
        DataError::Parse { path: self.path.clone(), line: self.line, message: message.into() }
    }

    fn too_long(&self) -> DataError {
        self.error(format!("an object has more than {MAX_OBJECT_BYTES} bytes"))
    }
}

/// The bytes at hand, of which there are none at the end alone.
fn chunk<'a>(input: &'a mut (dyn BufRead + Send), path: &Path) -> Result<&'a [u8], DataError> {
    let unreadable = |source| DataError::Read { path: path.to_owned(), source };
    while let Err(error) = input.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(unreadable(error));
        }
    }
    // What is at hand now is given again without reading.
    input.fill_buf().map_err(unreadable)
}

/// How far into an element of an array one has come.
#[derive(Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Line ends outside strings; JSON has none inside.
    line_ends: usize,
}

impl Scan {
    /// Where in `chunk`, which goes on where the last one ended, the comma or bracket behind the element stands.
    fn end(&mut self, chunk: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(&byte) = chunk.get(at) {
            if self.escaped {
                self.escaped = false;
            } else if self.in_string {
                at += memchr2(b'"', b'\\', &chunk[at..])?;
                match chunk[at] {
                    b'"' => self.in_string = false,
                    _ => self.escaped = true,
                }
            } else {
                match byte {
                    b'"' => self.in_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b',' | b']' if self.depth == 0 => return Some(at),
                    b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                    b'\n' => self.line_ends += 1,
                    _ => {}
                }
            }
            at += 1;
        }
        None
    }
}
