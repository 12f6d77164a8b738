//! Files of a knowledge base: detection of their format, and their lines.

use std::{
    io::{BufRead, Cursor, Read},
    path::{Path, PathBuf},
};

use crate::{
    DataError, ParseErrorKind,
    file::{BYTE_ORDER_MARK, bare_extension, read_line, read_start},
    format::binary_content,
    input_name, open,
};

/// Format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SourceFormat {
    /// A table whose cells are separated by this character.
    Table(char),
    /// A triple per line.
    NTriples,
    Turtle,
}

/// Kind and message of a [`DataError::Parse`].
pub(super) type LineError = (ParseErrorKind, String);

/// A text file whose format is known.
pub(super) struct Input {
    input: Box<dyn BufRead + Send>,
    pub path: PathBuf,
    pub format: SourceFormat,
}

impl Input {
    /// Opens a file, skips a byte order mark, and detects the format by the name and the first line.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let mut input = open(path)?;
        let path = input_name(path).to_owned();
        let mut start =
            read_start(&mut input, is_enough).map_err(|source| DataError::Read { path: path.clone(), source })?;
        if let Some(found) = binary_content(&start) {
            return Err(DataError::NoText { path, found });
        }
        if start.starts_with(BYTE_ORDER_MARK) {
            start.drain(..BYTE_ORDER_MARK.len());
        }
        let format = match detect(&start, bare_extension(&path).as_deref()) {
            Ok(format) => format,
            Err(found) => {
                let message = format!(
                    "expected a table (TSV or CSV), N-Triples or Turtle, found {found}; convert the file to one of them"
                );
                return Err(DataError::Parse { path, line: 1, kind: ParseErrorKind::Syntax, message });
            }
        };
        Ok(Self { input: Box::new(Cursor::new(start).chain(input)), path, format })
    }

    /// Returns the content as a stream.
    pub fn into_reader(self) -> Box<dyn BufRead + Send> {
        self.input
    }

    /// Calls `process` for the bytes of each line without its end, with its number from 1.
    pub fn for_each_line(
        mut self,
        mut process: impl FnMut(usize, &[u8]) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        let mut bytes = Vec::new();
        for line in 1.. {
            let Some(text) = read_line(&mut self.input, &self.path, line, &mut bytes)? else { break };
            process(line, text)?;
        }
        Ok(())
    }

    /// Calls `process` for the text of each line that is not blank, and adds the line's number to its error.
    pub fn for_each_text(self, mut process: impl FnMut(&str) -> Result<(), LineError>) -> Result<(), DataError> {
        let path = self.path.clone();
        self.for_each_line(|line, bytes| {
            let text = str::from_utf8(bytes).map_err(|_| DataError::Encoding { path: path.clone(), line })?;
            // A line of tabs is not blank, but has empty columns.
            if text.trim_matches(' ').is_empty() {
                return Ok(());
            }
            process(text).map_err(|(kind, message)| DataError::Parse { path: path.clone(), line, kind, message })
        })
    }
}

/// Returns whether the first bytes of an input hold a complete line that is neither blank nor a comment.
fn is_enough(start: &[u8]) -> bool {
    let end = memchr::memrchr(b'\n', start).unwrap_or_default();
    content_lines(&start[..end]).next().is_some()
}

/// Returns the lines that are neither blank nor a comment of RDF, trimmed.
fn content_lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty() && line[0] != b'#')
}

/// Detects the format by the first bytes and by the extension of the name. The error is the format that was found
/// instead.
fn detect(start: &[u8], extension: Option<&str>) -> Result<SourceFormat, &'static str> {
    let content = content_lines(start).next().unwrap_or_default();
    let begins =
        |prefix: &str| content.len() >= prefix.len() && content[..prefix.len()].eq_ignore_ascii_case(prefix.as_bytes());
    if ["<?xml", "<rdf:", "<!doctype", "<html"].into_iter().any(begins) {
        return Err("XML");
    }
    if begins("{\"") || begins("[{") || begins("[[") || matches!(content, b"{" | b"[") {
        return Err("JSON");
    }
    match extension {
        Some("nt" | "nq") => return Ok(SourceFormat::NTriples),
        Some("ttl" | "turtle") => return Ok(SourceFormat::Turtle),
        Some("tsv" | "tab") => return Ok(SourceFormat::Table('\t')),
        Some("csv") => {}
        _ if ["@prefix", "@base", "prefix ", "base "].into_iter().any(begins) => return Ok(SourceFormat::Turtle),
        _ if (begins("<") || begins("_:")) && content.ends_with(b".") => return Ok(SourceFormat::NTriples),
        _ => {}
    }
    // In a table, a line that begins with # is a row.
    let row = start.split(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let count = |separator: char| row.iter().filter(|&&byte| char::from(byte) == separator).count();
    let [tabs, commas, semicolons] = ['\t', ',', ';'].map(count);
    // Names have commas, but no tabs.
    Ok(SourceFormat::Table(match extension {
        _ if tabs > 0 && (extension != Some("csv") || commas.max(semicolons) == 0) => '\t',
        _ if semicolons > commas => ';',
        Some("csv") => ',',
        _ if commas > 0 => ',',
        _ => '\t',
    }))
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::{SourceFormat::*, *};

    #[test]
    fn formats_are_detected() {
        for (content, extension, expected) in [
            ("a\tr\tb", None, Ok(Table('\t'))),
            ("a,r,b", None, Ok(Table(','))),
            ("a, b\tr\tc", None, Ok(Table('\t'))),
            ("a;r;b", None, Ok(Table(';'))),
            ("a", None, Ok(Table('\t'))),
            ("", None, Ok(Table('\t'))),
            ("a", Some("csv"), Ok(Table(','))),
            ("a, b;r;c", Some("csv"), Ok(Table(';'))),
            ("a\tr\tb", Some("csv"), Ok(Table('\t'))),
            ("\"a\tb\",r,c", Some("csv"), Ok(Table(','))),
            ("a,r,b", Some("tsv"), Ok(Table('\t'))),
            ("#a,r,b\n<a> <b> <c> .", None, Ok(NTriples)),
            ("# no triple\n\n_:a <b> <c> .\r\n", None, Ok(NTriples)),
            ("#1\tr\tb\nc\tr\td", None, Ok(Table('\t'))),
            ("<a>\tr\t<b>", None, Ok(Table('\t'))),
            ("<a>\tr\t<b>", Some("nt"), Ok(NTriples)),
            ("@prefix : <a> .", None, Ok(Turtle)),
            ("PREFIX : <a>", None, Ok(Turtle)),
            (":a :b :c .", Some("ttl"), Ok(Turtle)),
            ("<?xml version=\"1.0\"?>", None, Err("XML")),
            ("\n{\"a\": 1}", Some("ttl"), Err("JSON")),
            ("[\n{", None, Err("JSON")),
        ] {
            assert_eq!(detect(content.as_bytes(), extension), expected, "{content:?} {extension:?}");
        }
    }

    #[test]
    fn the_start_has_a_line_of_content() {
        let text = format!("{}<a> <b> <c> .\nx", "# comment\n\n".repeat(1000));
        let start = read_start(&mut BufReader::with_capacity(7, text.as_bytes()), is_enough).expect("read");
        assert!(start.ends_with(b".\n") || start.ends_with(b"x"), "{}", start.len());
        let long = "a".repeat(1 << 17);
        assert!(
            read_start(&mut BufReader::with_capacity(64, long.as_bytes()), is_enough).expect("read").len() < 1 << 17
        );
    }
}
