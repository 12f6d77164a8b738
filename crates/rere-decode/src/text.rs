//! Texts with their tokens.

use rere_core::{ByteSpan, TokenSpan};

use crate::{DecodeError, PointerScores};

/// A text and the byte span of each of its tokens, in the order of the text.
///
/// Tokens may overlap, for example if they share a character, and the text between tokens may belong to none.
///
/// ```
/// use rere_decode::{ByteSpan, TokenSpan, TokenizedText};
///
/// let tokens = [(0, 3), (4, 12), (13, 15)].map(|(start, end)| ByteSpan::new(start, end));
/// let sentence = TokenizedText::new("Ada Lovelace in London", &tokens)?;
/// assert_eq!(sentence.byte_span(TokenSpan::new(0, 2)), ByteSpan::new(0, 12));
/// # Ok::<(), rere_decode::DecodeError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct TokenizedText<'a> {
    text: &'a str,
    tokens: &'a [ByteSpan],
}

impl<'a> TokenizedText<'a> {
    /// Checks a text and its tokens.
    ///
    /// # Errors
    /// Returns [`DecodeError::TokenOutsideText`] if a span does not slice the text, and [`DecodeError::TokenOrder`] if
    /// a token starts before the previous one.
    pub fn new(text: &'a str, tokens: &'a [ByteSpan]) -> Result<Self, DecodeError> {
        // The fast path for valid tokens of an ASCII text, in which every byte is a character boundary, has no branch
        // for each token: a difference that is negative has its highest bit set, and so has a position that is too
        // large for any text.
        let pairs = tokens.iter().zip(tokens.iter().skip(1));
        let order = pairs.fold(0, |bad, (span, next)| bad | next.start.wrapping_sub(span.start));
        let inside = |bad, span: &ByteSpan| {
            let ends = text.len().wrapping_sub(span.end) | span.end.wrapping_sub(span.start);
            bad | ends | span.start | span.end
        };
        let valid = text.is_ascii() && tokens.iter().fold(order, inside).leading_zeros() > 0;
        if !valid {
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

    /// Returns the text.
    pub const fn text(self) -> &'a str {
        self.text
    }

    /// Returns the byte span of each token.
    pub const fn tokens(self) -> &'a [ByteSpan] {
        self.tokens
    }

    /// Checks that the scores are for as many tokens as the sentence has.
    ///
    /// # Errors
    /// Returns [`DecodeError::TokenCount`] if they are not.
    pub fn check(self, scores: PointerScores<'_>) -> Result<(), DecodeError> {
        if scores.tokens() == self.tokens.len() {
            Ok(())
        } else {
            Err(DecodeError::TokenCount { scores: scores.tokens(), tokens: self.tokens.len() })
        }
    }

    /// Returns the byte span of a run of tokens, without white space at its ends. It is empty if nothing else remains.
    /// A run that reaches past the last token ends there.
    pub fn byte_span(self, span: TokenSpan) -> ByteSpan {
        match self.tokens.get(span.start..span.end.min(self.tokens.len())) {
            Some([first, .., last]) => self.trimmed(ByteSpan::new(first.start, last.end.max(first.start))),
            Some([only]) => self.trimmed(*only),
            _ => ByteSpan::new(0, 0),
        }
    }

    /// Returns the text under `span`, whose ends must be ends of tokens or of characters inside them.
    pub(crate) fn slice(self, span: ByteSpan) -> &'a str {
        &self.text[span.start..span.end]
    }

    /// Returns `span` without white space at its ends; empty if nothing else remains.
    pub(crate) fn trimmed(self, span: ByteSpan) -> ByteSpan {
        let surface = self.slice(span);
        let start = span.start + (surface.len() - surface.trim_start().len());
        ByteSpan::new(start, start + surface.trim().len())
    }
}
