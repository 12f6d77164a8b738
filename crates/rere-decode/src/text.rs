//! A sentence as the decoder sees it.

use rere_core::{ByteSpan, TokenSpan};

use crate::{DecodeError, PointerScores};

/// A text and the byte span of each of its tokens, in the order of the text.
///
/// Tokens may overlap, as those that share one character do, and text between tokens may belong to none.
#[derive(Debug, Clone, Copy)]
pub struct TokenizedText<'a> {
    text: &'a str,
    tokens: &'a [ByteSpan],
}

impl<'a> TokenizedText<'a> {
    /// The text with its tokens.
    ///
    /// # Errors
    /// [`DecodeError::TokenOutsideText`] where a span does not slice the text, and [`DecodeError::TokenOrder`] where
    /// a token starts before the one in front of it.
    pub fn new(text: &'a str, tokens: &'a [ByteSpan]) -> Result<Self, DecodeError> {
        // In ASCII every byte is a border of characters, and nearly always all is well: seen without a branch each. A
        // difference that should be 0 or more has its highest bit set where it is not, as has a number that no text is
        // long enough for.
        let pairs = tokens.iter().zip(tokens.iter().skip(1));
        let order = pairs.fold(0, |bad, (span, next)| bad | next.start.wrapping_sub(span.start));
        let inside = |bad, span: &ByteSpan| {
            let ends = text.len().wrapping_sub(span.end) | span.end.wrapping_sub(span.start);
            bad | ends | span.start | span.end
        };
        let good = text.is_ascii() && tokens.iter().fold(order, inside).leading_zeros() > 0;
        if !good {
            Self::check_each(text, tokens)?;
        }
        Ok(Self { text, tokens })
    }

    fn check_each(text: &str, tokens: &[ByteSpan]) -> Result<(), DecodeError> {
        let mut previous = 0;
        for (token, span) in tokens.iter().enumerate() {
            span.slice(text).map_err(|source| DecodeError::TokenOutsideText { token, source })?;
            if span.start < previous {
                return Err(DecodeError::TokenOrder { token });
            }
            previous = span.start;
        }
        Ok(())
    }

    /// The original text.
    pub const fn text(self) -> &'a str {
        self.text
    }

    /// The byte span of each token.
    pub const fn tokens(self) -> &'a [ByteSpan] {
        self.tokens
    }

    /// Whether the scores are for as many tokens as the sentence has.
    ///
    /// # Errors
    /// [`DecodeError::TokenCount`] where they are not.
    pub fn check(self, scores: PointerScores<'_>) -> Result<(), DecodeError> {
        if scores.tokens() == self.tokens.len() {
            Ok(())
        } else {
            Err(DecodeError::TokenCount { scores: scores.tokens(), tokens: self.tokens.len() })
        }
    }

    /// The bytes of a run of the sentence's tokens, without the white space at its borders; empty where there is nothing
    /// else. A run that reaches past the last token ends there.
    pub fn bytes(self, span: TokenSpan) -> ByteSpan {
        match self.tokens.get(span.start..span.end.min(self.tokens.len())) {
            Some([first, .., last]) => self.trimmed(ByteSpan::new(first.start, last.end.max(first.start))),
            Some([only]) => self.trimmed(*only),
            _ => ByteSpan::new(0, 0),
        }
    }

    /// The text under `span`, whose borders are borders of tokens or of characters inside them.
    pub(crate) fn slice(self, span: ByteSpan) -> &'a str {
        &self.text[span.start..span.end]
    }

    /// `span` without the white space at its borders; empty where there is nothing else.
    pub(crate) fn trimmed(self, span: ByteSpan) -> ByteSpan {
        let surface = self.slice(span);
        let start = span.start + (surface.len() - surface.trim_start().len());
        ByteSpan::new(start, start + surface.trim().len())
    }
}
