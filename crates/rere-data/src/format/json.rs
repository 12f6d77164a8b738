//! The JSON objects of a file, one at a time, whether they stand one a line or in one array.

use std::{
    io::{self, BufRead, Read},
    path::Path,
    sync::Arc,
};

use serde::de::DeserializeOwned;

use crate::DataError;

/// Longest object that is read: a sentence is far shorter, and a file without line ends must not fill the memory.
const MAX_OBJECT_BYTES: usize = 64 << 20;

/// One object's JSON, still to be parsed.
pub(super) struct Object {
    path: Arc<Path>,
    /// Line of the file where the object begins, from 1.
    pub line: usize,
    json: String,
}

impl Object {
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, DataError> {
        serde_json::from_str(&self.json).map_err(|error| {
            // serde_json ends its messages with a position inside the object; the file's own line is what helps.
            let text = error.to_string();
            let position = format!(" at line {} column {}", error.line(), error.column());
            let mut message = text.strip_suffix(&position).unwrap_or(&text).to_owned();
            if error.is_eof() {
                message.push_str("; an object must be whole, and stand on one line or in an array");
            }
            let line = self.line + error.line().saturating_sub(1);
            DataError::Parse { path: self.path.to_path_buf(), line, message }
        })
    }

    /// An error about the object as a whole.
    pub fn error(&self, message: impl Into<String>) -> DataError {
        DataError::Parse { path: self.path.to_path_buf(), line: self.line, message: message.into() }
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
    path: Arc<Path>,
    state: State,
    /// Line of the next byte, from 1.
    line: usize,
}

impl Objects {
    pub fn new(input: impl BufRead + Send + 'static, path: &Path) -> Self {
        Self { input: Box::new(input), path: Arc::from(path), state: State::Start, line: 1 }
    }

    /// The next object; `None` at the end. After an error nothing more is to be asked for.
    pub fn next(&mut self) -> Result<Option<Object>, DataError> {
        if matches!(self.state, State::Start) {
            self.start()?;
        }
        match self.state {
            State::Lines => self.next_line(),
            State::Array => self.next_element(),
            State::Start | State::End => Ok(None),
        }
    }

    /// Finds the layout by the first byte that is no space.
    fn start(&mut self) -> Result<(), DataError> {
        if self.peek()? == Some(0xEF) {
            // A byte order mark, as some editors put in front of UTF-8.
            let mut mark = [0; 3];
            let read = self.input.read_exact(&mut mark);
            if read.is_err() || mark != [0xEF, 0xBB, 0xBF] {
                return Err(self.not_utf8(self.line));
            }
        }
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
                    "a JSON object on each line, or one array of objects, is wanted, but the file begins with {found:?}"
                )));
            }
            Some(_) => return Err(self.not_utf8(self.line)),
        };
        Ok(())
    }

    fn next_line(&mut self) -> Result<Option<Object>, DataError> {
        loop {
            let mut bytes = Vec::new();
            let read = self.input.by_ref().take(MAX_OBJECT_BYTES as u64 + 1).read_until(b'\n', &mut bytes);
            if read.map_err(|source| self.unreadable(source))? == 0 {
                return Ok(None);
            }
            if bytes.len() > MAX_OBJECT_BYTES {
                return Err(self.too_long());
            }
            let line = self.line;
            self.line += 1;
            // The line's end goes, so that a cut object is reported on its own line.
            let json = bytes.trim_ascii_end();
            if !json.is_empty() {
                return self.object(json, line).map(Some);
            }
        }
    }

    /// The bytes up to the comma or bracket that ends an element; whether they are an object is for the parser to say.
    fn next_element(&mut self) -> Result<Option<Object>, DataError> {
        self.peek_past_space()?;
        let line = self.line;
        let mut bytes = Vec::new();
        let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
        loop {
            let Some(byte) = self.take()? else {
                return Err(self.error("the file ends inside its array; is it cut short?"));
            };
            if in_string {
                in_string = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
            } else {
                match byte {
                    b'"' => in_string = true,
                    b'{' | b'[' => depth += 1,
                    b',' if depth == 0 => break,
                    b']' if depth == 0 => {
                        self.end_array()?;
                        break;
                    }
                    b'}' | b']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            bytes.push(byte);
            if bytes.len() > MAX_OBJECT_BYTES {
                return Err(self.too_long());
            }
        }
        if bytes.trim_ascii().is_empty() {
            return Err(self.error("the array has a comma with no object beside it"));
        }
        self.object(&bytes, line).map(Some)
    }

    /// After the closing bracket only space may come.
    fn end_array(&mut self) -> Result<(), DataError> {
        self.state = State::End;
        match self.peek_past_space()? {
            None => Ok(()),
            Some(_) => Err(self.error("the array ends here, but the file goes on")),
        }
    }

    fn object(&self, bytes: &[u8], line: usize) -> Result<Object, DataError> {
        let json = str::from_utf8(bytes).map_err(|error| {
            let good = bytes.iter().take(error.valid_up_to());
            self.not_utf8(line + good.filter(|&&byte| byte == b'\n').count())
        })?;
        Ok(Object { path: Arc::clone(&self.path), line, json: json.to_owned() })
    }

    fn peek(&mut self) -> Result<Option<u8>, DataError> {
        loop {
            match self.input.fill_buf() {
                Ok(bytes) => return Ok(bytes.first().copied()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(DataError::Read { path: self.path.to_path_buf(), source }),
            }
        }
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

    fn unreadable(&self, source: io::Error) -> DataError {
        DataError::Read { path: self.path.to_path_buf(), source }
    }

    fn not_utf8(&self, line: usize) -> DataError {
        DataError::Encoding { path: self.path.to_path_buf(), line }
    }

    fn error(&self, message: impl Into<String>) -> DataError {
        DataError::Parse { path: self.path.to_path_buf(), line: self.line, message: message.into() }
    }

    fn too_long(&self) -> DataError {
        self.error(format!("an object has more than {MAX_OBJECT_BYTES} bytes"))
    }
}
