//! Offsets in files, and the mentions that they mark.

use std::{cell::OnceCell, fmt, str::FromStr};

use rere_core::{ByteSpan, CharSpan, Mention};

use super::json::Object;
use crate::DataError;

/// What the offsets of a file count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OffsetUnit {
    /// Unicode code points, as Python's string indices do.
    #[default]
    CodePoints,
    /// UTF-16 code units, as JavaScript's and Java's string indices do: a character outside the Basic Multilingual Plane, such
    /// as most emoji, counts as two.
    Utf16,
}

impl OffsetUnit {
    /// All units.
    pub const ALL: [Self; 2] = [Self::CodePoints, Self::Utf16];

    /// The name in options.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CodePoints => "code-points",
            Self::Utf16 => "utf16",
        }
    }
}

impl fmt::Display for OffsetUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CodePoints => "Unicode code points",
            Self::Utf16 => "UTF-16 code units",
        })
    }
}

/// A name that no unit of offsets has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of {known}, found {0:?}", known = OffsetUnit::ALL.map(OffsetUnit::name).join(", "))]
pub struct UnknownOffsetUnit(String);

impl FromStr for OffsetUnit {
    type Err = UnknownOffsetUnit;

    fn from_str(name: &str) -> Result<Self, UnknownOffsetUnit> {
        Self::ALL.into_iter().find(|unit| unit.name() == name).ok_or_else(|| UnknownOffsetUnit(name.to_owned()))
    }
}

/// A text with the places that offsets count, so that many offsets in a long text are converted quickly.
pub(super) struct Borders<'a> {
    text: &'a str,
    unit: OffsetUnit,
    /// The byte of each offset, the text's end included; `None` if every offset is its byte. Found when it is asked for: many
    /// sentences have no offsets.
    bytes: OnceCell<Option<Vec<usize>>>,
}

impl<'a> Borders<'a> {
    pub fn of(text: &'a str, unit: OffsetUnit) -> Self {
        Self { text, unit, bytes: OnceCell::new() }
    }

    /// The same for code points, but `\r\n` counts as one.
    pub fn with_line_ends_as_one(text: &'a str) -> Self {
        let follows = |at: usize, c: char| c == '\n' && text[..at].ends_with('\r');
        let bytes = text.char_indices().filter(|&(at, c)| !follows(at, c)).map(|(at, _)| at).chain([text.len()]);
        Self { text, unit: OffsetUnit::CodePoints, bytes: OnceCell::from(Some(bytes.collect())) }
    }

    fn borders(&self) -> Option<&Vec<usize>> {
        let find = || {
            let starts = self.text.char_indices();
            let end = [self.text.len()];
            (!self.text.is_ascii()).then(|| match self.unit {
                OffsetUnit::CodePoints => starts.map(|(at, _)| at).chain(end).collect(),
                // The second unit of a character is given its second byte, which is a border of no character.
                OffsetUnit::Utf16 => {
                    starts.flat_map(|(at, c)| (0..c.len_utf16()).map(move |unit| at + unit)).chain(end).collect()
                }
            })
        };
        self.bytes.get_or_init(find).as_ref()
    }

    /// A span of the file in bytes; `None` if it does not lie in the text.
    pub fn bytes(&self, CharSpan { start, end }: CharSpan) -> Option<ByteSpan> {
        let byte = |at: usize| match self.borders() {
            Some(bytes) => bytes.get(at).copied(),
            None => (at <= self.text.len()).then_some(at),
        };
        (start <= end).then_some(())?;
        Some(ByteSpan::new(byte(start)?, byte(end)?))
    }

    /// A span of the text in the file's unit; its ends must be borders of characters.
    pub fn characters(&self, span: ByteSpan) -> CharSpan {
        let character = |at: usize| match self.borders() {
            Some(bytes) => bytes.partition_point(|&border| border < at),
            None => at,
        };
        CharSpan::new(character(span.start), character(span.end))
    }

    /// What the text has at a span of the file; `None` if the span does not lie in the text.
    pub fn slice(&self, span: CharSpan) -> Option<&'a str> {
        self.bytes(span)?.slice(self.text).ok()
    }

    /// The mention at a span of the file. If the file gives its surface too, the two must agree.
    pub fn mention(&self, span: CharSpan, claimed: Option<String>, at: &Object) -> Result<Mention, DataError> {
        let bytes = self.bytes(span);
        let found = bytes.and_then(|span| span.slice(self.text).ok());
        match (found, claimed) {
            (Some(found), None) => Ok(Mention { span: bytes, ..Mention::of(found) }),
            (Some(found), Some(claimed)) if found == claimed => Ok(Mention { span: bytes, ..Mention::of(claimed) }),
            (_, claimed) => Err(self.wrong(span, claimed.unwrap_or_default(), at)),
        }
    }

    /// The error about a mention that does not have the text at its offsets.
    pub fn wrong(&self, span: CharSpan, claimed: String, at: &Object) -> DataError {
        let others = OffsetUnit::ALL.into_iter().filter(|&unit| unit != self.unit);
        let fits = |&unit: &OffsetUnit| Borders::of(self.text, unit).slice(span) == Some(&claimed);
        DataError::Offsets {
            path: at.path().to_owned(),
            line: at.line,
            start: span.start,
            end: span.end,
            fits: others.filter(|_| !claimed.is_empty()).find(fits),
            found: self.slice(span).map(str::to_owned),
            length: self.characters(ByteSpan::new(0, self.text.len())).end,
            claimed,
            unit: self.unit,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn borders_agree_with_the_conversions_of_spans(text in "[aé北👩\u{301}]{0,8}", start in 0usize..10, end in 0usize..10) {
            let span = CharSpan::new(start, end);
            let borders = Borders::of(&text, OffsetUnit::CodePoints);
            let bytes = borders.bytes(span);
            prop_assert_eq!(bytes, span.to_bytes(&text).ok());
            if let Some(bytes) = bytes {
                prop_assert_eq!(borders.characters(bytes), span);
            }
        }

        /// The standard library's UTF-16 is the second source.
        #[test]
        fn utf16_agrees_with_the_standard_library(text in "[aé北👩🚒\u{301}]{0,8}", start in 0usize..12, end in 0usize..12) {
            let units: Vec<u16> = text.encode_utf16().collect();
            let expected = units.get(start..end).and_then(|part| String::from_utf16(part).ok());
            let borders = Borders::of(&text, OffsetUnit::Utf16);
            let span = CharSpan::new(start, end);
            // An empty span between the two units of a character slices nothing out of the standard library's text.
            prop_assume!(start != end);
            prop_assert_eq!(borders.slice(span), expected.as_deref());
            if let Some(bytes) = borders.bytes(span).filter(|_| expected.is_some()) {
                prop_assert_eq!(borders.characters(bytes), span);
            }
        }
    }

    #[test]
    fn line_ends_count_as_one() {
        let text = "é\r\nb\n\rc\r\n";
        let borders = Borders::with_line_ends_as_one(text);
        let slices: Vec<_> = (0..8).map(|at| borders.slice(CharSpan::new(at, at + 1))).collect();
        let expected = ["é", "\r\n", "b", "\n", "\r", "c", "\r\n"].map(Some);
        assert_eq!(slices[..7], expected);
        assert_eq!(slices[7], None);
    }
}
