//! Half-open ranges, one type for each unit.

use std::{fmt, ops::Range};

use serde::{Deserialize, Serialize};

/// Error of a span that does not fit its text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpanError {
    /// The span ends before it starts, or reaches past the end of the text.
    #[error("expected a {unit} span within 0..{length}, found {start}..{end}")]
    Outside {
        /// `byte`, `character` or `token`.
        unit: &'static str,
        /// First position of the span.
        start: usize,
        /// Position after the last one of the span.
        end: usize,
        /// Length of the text in the same unit.
        length: usize,
    },
    /// The byte span cuts a character in two.
    #[error("expected a byte span on character boundaries, found {start}..{end}")]
    InsideCharacter {
        /// First byte of the span.
        start: usize,
        /// Byte after the last one of the span.
        end: usize,
    },
}

macro_rules! span {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub struct $name {
            /// First position of the span.
            pub start: usize,
            /// Position after the last one of the span.
            pub end: usize,
        }

        impl $name {
            /// Creates the span `start..end`. It is checked when it is used with a text.
            pub const fn new(start: usize, end: usize) -> Self {
                Self { start, end }
            }

            /// Returns the number of positions; 0 if the span ends before it starts.
            pub const fn len(self) -> usize {
                self.end.saturating_sub(self.start)
            }

            /// Returns whether the span has no positions.
            pub const fn is_empty(self) -> bool {
                self.end <= self.start
            }

            /// Returns the span counted from the start of `outer`; `None` if it does not lie within `outer`.
            pub const fn within(self, outer: Self) -> Option<Self> {
                if outer.start <= self.start && self.end <= outer.end && self.start <= self.end {
                    Some(Self::new(self.start - outer.start, self.end - outer.start))
                } else {
                    None
                }
            }

            /// Returns whether the two spans share a position.
            pub const fn overlaps(self, other: Self) -> bool {
                self.start < other.end && other.start < self.end
            }
        }

        impl From<Range<usize>> for $name {
            fn from(Range { start, end }: Range<usize>) -> Self {
                Self { start, end }
            }
        }

        impl From<$name> for Range<usize> {
            fn from($name { start, end }: $name) -> Self {
                start..end
            }
        }

        /// Writes `start..end`.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}..{}", self.start, self.end)
            }
        }
    };
}

span! {
    /// Half-open range of bytes in a text's UTF-8, the unit in memory. For many spans of one text, use
    /// [`TextOffsets`](crate::TextOffsets).
    ///
    /// ```
    /// use rere_core::{ByteSpan, CharSpan};
    ///
    /// let text = "Zoë lives in 北京";
    /// let span = ByteSpan::from(14..20);
    /// assert_eq!(span.slice(text)?, "北京");
    /// assert_eq!(span.to_chars(text)?, CharSpan::new(13, 15));
    /// assert_eq!(span.to_string(), "14..20");
    /// # Ok::<(), rere_core::SpanError>(())
    /// ```
    ByteSpan
}
span! {
    /// Half-open range of a text's Unicode code points, the unit in files and in brat, spaCy and Python.
    CharSpan
}
span! {
    /// Half-open range of tokens in a tokenised text.
    TokenSpan
}

impl ByteSpan {
    /// Returns the part of `text` in the span.
    ///
    /// # Errors
    /// Returns an error if the span does not lie in the text or cuts a character in two.
    pub fn slice(self, text: &str) -> Result<&str, SpanError> {
        let Self { start, end } = self;
        if start > end || end > text.len() {
            return Err(SpanError::Outside { unit: "byte", start, end, length: text.len() });
        }
        text.get(start..end).ok_or(SpanError::InsideCharacter { start, end })
    }

    /// Converts the span to code points of `text`.
    ///
    /// # Errors
    /// Returns an error if the span does not lie in the text or cuts a character in two.
    pub fn to_chars(self, text: &str) -> Result<CharSpan, SpanError> {
        let inside = self.slice(text)?.chars().count();
        let start = text[..self.start].chars().count();
        Ok(CharSpan::new(start, start + inside))
    }
}

impl CharSpan {
    /// Converts the span to bytes of `text`.
    ///
    /// # Errors
    /// Returns an error if the span does not lie in the text.
    pub fn to_bytes(self, text: &str) -> Result<ByteSpan, SpanError> {
        let Self { start, end } = self;
        let mut borders = text.char_indices().map(|(byte, _)| byte).chain([text.len()]);
        // `nth` consumes, so the search for the end begins after the start.
        let found = (start <= end).then(|| {
            let first = borders.nth(start)?;
            let last = if end == start { first } else { borders.nth(end - start - 1)? };
            Some(ByteSpan::new(first, last))
        });
        found.flatten().ok_or_else(|| SpanError::Outside {
            unit: "character",
            start,
            end,
            length: text.chars().count(),
        })
    }
}

impl TokenSpan {
    /// Returns the bytes from the first to the last token. `tokens` are the byte spans of the text's tokens.
    ///
    /// # Errors
    /// Returns an error if the span is empty or ends after the last token.
    pub fn to_bytes(self, tokens: &[ByteSpan]) -> Result<ByteSpan, SpanError> {
        match tokens.get(self.start..self.end) {
            Some([first, .., last]) => Ok(ByteSpan::new(first.start, last.end)),
            Some([only]) => Ok(*only),
            _ => Err(SpanError::Outside { unit: "token", start: self.start, end: self.end, length: tokens.len() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spans_outside_the_text_are_errors() {
        assert!(ByteSpan::new(0, 4).slice("abc").is_err());
        assert!(ByteSpan::new(2, 1).slice("abc").is_err());
        assert_eq!(ByteSpan::new(0, 1).slice("é"), Err(SpanError::InsideCharacter { start: 0, end: 1 }));
        assert!(CharSpan::new(1, 3).to_bytes("éa").is_err());
        assert!(CharSpan::new(usize::MAX, 0).to_bytes("é").is_err());
        assert!(TokenSpan::new(1, 1).to_bytes(&[ByteSpan::new(0, 1); 2]).is_err());
        assert!(TokenSpan::new(1, 3).to_bytes(&[ByteSpan::new(0, 1); 2]).is_err());
    }

    #[test]
    fn characters_are_code_points() {
        // Python counts the same: len("👩\u200d🚀 ne\u0301 ") == 8.
        let text = "👩\u{200d}🚀 ne\u{301} 北京";
        let bytes = CharSpan::new(8, 10).to_bytes(text).expect("inside");
        assert_eq!(bytes.slice(text), Ok("北京"));
        assert_eq!(bytes.to_chars(text), Ok(CharSpan::new(8, 10)));
        assert_eq!(CharSpan::new(10, 10).to_bytes(text), Ok(ByteSpan::new(text.len(), text.len())));
    }

    proptest! {
        #[test]
        fn bytes_and_characters_convert_back(text in "\\PC{0,20}", a in 0usize..24, b in 0usize..24) {
            let span = CharSpan::new(a, b);
            let length = text.chars().count();
            match span.to_bytes(&text) {
                Ok(bytes) => {
                    prop_assert_eq!(bytes.to_chars(&text), Ok(span));
                    let expected: String = text.chars().skip(a).take(b - a).collect();
                    prop_assert_eq!(bytes.slice(&text), Ok(expected.as_str()));
                }
                Err(_) => prop_assert!(a > b || b > length),
            }
        }
    }
}
