//! Iteration over the JSON objects of a file, one per line or in one array.

use std::{
    io::{self, BufRead},
    path::{Path, PathBuf},
};

use memchr::{memchr, memchr_iter, memchr2};
use rere_core::{CharSpan, Mention, OffsetError, OffsetUnit, TextOffsets};
use serde::Deserialize;
use serde_json::error::Category;

use crate::{DataError, ParseErrorKind};

/// Maximum size of an object, so that a file without line ends cannot fill the memory.
const MAX_OBJECT_BYTES: usize = 64 << 20;

/// The unparsed JSON of an object.
pub(super) struct Object<'a> {
    path: &'a Path,
    /// Line of the file where the object begins, from 1.
    pub line: usize,
    /// Unit of offsets in characters.
    pub offsets: OffsetUnit,
    json: &'a str,
}

impl<'a> Object<'a> {
    /// Creates an object that is not from a JSON file. Errors name `line`.
    pub fn new(path: &'a Path, line: usize, json: &'a str, offsets: OffsetUnit) -> Self {
        Self { path, line, offsets, json }
    }

    pub fn parse<T: Deserialize<'a>>(&self) -> Result<T, DataError> {
        serde_json::from_str(self.json).map_err(|error| self.explain::<T>(&error))
    }

    /// Creates an error that names the field and the text found there.
    fn explain<T: Deserialize<'a>>(&self, error: &serde_json::Error) -> DataError {
        // serde_json's messages end with a position within the object; users need the line of the file.
        let text = error.to_string();
        let position = format!(" at line {} column {}", error.line(), error.column());
        let mut message = plain_message(text.strip_suffix(&position).unwrap_or(&text));
        if error.is_eof() {
            message.push_str("; expected a complete object, on one line or in an array");
        } else if error.is_syntax()
            && let Some(found) = self.token_at(error.line(), error.column())
        {
            message.push_str(&format!(", found {found:?}"));
        }
        // Tracking the path of fields takes time, so only invalid objects are parsed with it.
        let mut again = serde_json::Deserializer::from_str(self.json);
        if let Err(error) = serde_path_to_error::deserialize::<_, T>(&mut again) {
            let path = error.path().to_string();
            // An incomplete name is a question mark.
            if path != "." && path != "?" {
                message = format!("`{path}`: {message}");
            }
        }
        let line = self.line + error.line().saturating_sub(1);
        let kind = match error.classify() {
            Category::Eof => ParseErrorKind::Truncated,
            Category::Syntax | Category::Io => ParseErrorKind::Syntax,
            Category::Data if message.contains("missing field") => ParseErrorKind::MissingField,
            Category::Data => ParseErrorKind::WrongValue,
        };
        DataError::Parse { path: self.path.to_owned(), line, kind, message }
    }

    /// Returns the text at a line and column of the object, both from 1, up to the next JSON delimiter.
    fn token_at(&self, line: usize, column: usize) -> Option<&'a str> {
        const MAX_CHARS: usize = 40;
        let line = self.json.split('\n').nth(line.checked_sub(1)?)?;
        let rest = line.get(column.checked_sub(1)?..)?;
        let first = rest.chars().next()?.len_utf8();
        let end = rest[first..].find([',', ']', '}', ':', ' ', '"']).map_or(rest.len(), |end| first + end);
        let end = rest.char_indices().nth(MAX_CHARS).map_or(end, |(limit, _)| end.min(limit));
        rest.get(..end)
    }

    /// Returns the object's name in reports.
    pub fn name(&self) -> String {
        format!("line {}", self.line)
    }

    /// Returns the value of a required field.
    pub fn required<T>(&self, value: Option<T>, field: &str) -> Result<T, DataError> {
        value.ok_or_else(|| self.error(ParseErrorKind::MissingField, format!("missing field `{field}`")))
    }

    /// Returns the mention at these offsets. If the surface is given, the text must have it there.
    pub fn mention(
        &self,
        offsets: &TextOffsets,
        span: CharSpan,
        claimed: Option<String>,
    ) -> Result<Mention, DataError> {
        offsets.mention(span, claimed).map_err(|error| self.misplaced(error))
    }

    /// Returns the error of a mention whose surface the text does not have at its offsets.
    pub fn misplaced(&self, error: OffsetError) -> DataError {
        DataError::Offsets { path: self.path.to_owned(), line: self.line, error }
    }

    /// Returns an error at the line of the object.
    pub fn error(&self, kind: ParseErrorKind, message: impl Into<String>) -> DataError {
        DataError::Parse { path: self.path.to_owned(), line: self.line, kind, message: message.into() }
    }
}

/// Removes the names of Rust types from a message of serde.
fn plain_message(message: &str) -> String {
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

/// Position in the layout of a file.
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

    /// Returns the next object; `None` at the end. It must not be called after an error.
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

    /// Determines the layout by the first byte that is not white space.
    fn start(&mut self) -> Result<(), DataError> {
        self.state = match self.peek_past_space()? {
            None => State::End,
            Some(b'{') => State::Lines,
            Some(b'[') => {
                self.take()?;
                // Only in an empty array no element precedes the bracket.
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
                let message = format!("expected a JSON object on each line or one array of objects, found {found:?}");
                return Err(self.error(ParseErrorKind::Syntax, message));
            }
            Some(_) => return Err(self.not_utf8(self.line)),
        };
        Ok(())
    }

    /// Reads the next line that is not blank, and returns its number; `None` at the end.
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
            // Without its line end, a truncated object is reported on its own line.
            self.bytes.truncate(self.bytes.trim_ascii_end().len());
            if !self.bytes.is_empty() {
                return Ok(Some(line));
            }
        }
    }

    /// Reads up to the comma or bracket that ends an element. The parser checks whether it is an object.
    fn read_element(&mut self) -> Result<usize, DataError> {
        self.bytes.clear();
        let begun = self.line;
        let mut scan = Scan::default();
        loop {
            let chunk = chunk(&mut self.input, &self.path)?;
            if chunk.is_empty() {
                return Err(self.error(
                    ParseErrorKind::Truncated,
                    "expected `]`, found the end of the file; the file may be truncated",
                ));
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
            return Err(self.error(ParseErrorKind::Syntax, "expected an object between commas, found nothing"));
        }
        let line = begun + memchr_iter(b'\n', &self.bytes[..space]).count();
        self.bytes.drain(..space);
        Ok(line)
    }

    /// Checks that only white space follows the closing bracket.
    fn end_array(&mut self) -> Result<(), DataError> {
        self.state = State::End;
        match self.peek_past_space()? {
            None => Ok(()),
            Some(_) => {
                Err(self
                    .error(ParseErrorKind::Syntax, "expected the end of the file after the array, found more content"))
            }
        }
    }

    /// Returns the last object that was read.
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

    fn error(&self, kind: ParseErrorKind, message: impl Into<String>) -> DataError {
        DataError::Parse { path: self.path.clone(), line: self.line, kind, message: message.into() }
    }

    fn too_long(&self) -> DataError {
        self.error(
            ParseErrorKind::TooLong,
            format!("expected an object of at most {MAX_OBJECT_BYTES} bytes, found a longer one"),
        )
    }
}

/// Returns the buffered bytes; none at the end of the input.
fn chunk<'a>(input: &'a mut (dyn BufRead + Send), path: &Path) -> Result<&'a [u8], DataError> {
    let unreadable = |source| DataError::Read { path: path.to_owned(), source };
    while let Err(error) = input.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(unreadable(error));
        }
    }
    // The buffer is filled now, so this does not read.
    input.fill_buf().map_err(unreadable)
}

/// Scanner for the end of an element of an array.
#[derive(Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Number of line ends outside strings; JSON has none inside.
    line_ends: usize,
}

impl Scan {
    /// Returns the position in `chunk` of the comma or bracket after the element. `chunk` continues the previous one.
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
