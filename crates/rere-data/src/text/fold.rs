//! What counts as the same text.

use std::{borrow::Cow, char::ToLowercase, ops::Range};

use rere_core::ByteSpan;

/// Differences between a surface and a text that do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Folding {
    /// Upper and lower case: both are compared in lower case, character by character. The sigma that Greek has at the ends of
    /// words is any other.
    pub case: bool,
    /// White space: any length and kind of it is one space.
    pub space: bool,
}

/// A folded text, with the way back to the text as it was.
#[derive(Debug)]
pub(crate) struct Folded<'a> {
    pub text: Cow<'a, str>,
    /// For each byte of the folded text, and for its end, where in the text the character stands that begins there; `None` for
    /// bytes inside what a character has become. `None` in place of the whole where nothing has moved.
    places: Option<Vec<Option<usize>>>,
}

impl Folding {
    pub(crate) fn apply(self, text: &str) -> Folded<'_> {
        if self == Self::default() {
            return Folded { text: Cow::Borrowed(text), places: None };
        }
        if text.is_ascii() && !(self.space && has_other_space(text)) {
            let text = if self.case { Cow::Owned(text.to_ascii_lowercase()) } else { Cow::Borrowed(text) };
            return Folded { text, places: None };
        }
        let mut folded = String::with_capacity(text.len());
        let mut places = Vec::with_capacity(text.len() + 1);
        let mut after_space = false;
        for (at, c) in text.char_indices() {
            let space = self.space && c.is_whitespace();
            // The rest of a run of spaces belongs to its first one.
            if space && after_space {
                continue;
            }
            after_space = space;
            places.resize(folded.len(), None);
            places.push(Some(at));
            match (space, self.case) {
                (true, _) => folded.push(' '),
                (false, true) => folded.extend(lower(c)),
                (false, false) => folded.push(c),
            }
        }
        places.resize(folded.len(), None);
        places.push(Some(text.len()));
        Folded { text: Cow::Owned(folded), places: Some(places) }
    }
}

/// A character in lower case. What `Σ` becomes does not depend on where it stands, and so neither may what `ς` becomes.
fn lower(c: char) -> ToLowercase {
    if c == 'ς' { 'σ' } else { c }.to_lowercase()
}

/// Whether a text of ASCII has white space other than one space at a time.
fn has_other_space(text: &str) -> bool {
    text.contains("  ") || text.bytes().any(|byte| matches!(byte, b'\t'..=b'\r'))
}

impl Folded<'_> {
    /// Where in the text the character stands that begins at the byte `at` of the folded text; none where none begins there.
    pub fn place(&self, at: usize) -> Option<usize> {
        match &self.places {
            None => self.text.is_char_boundary(at).then_some(at),
            Some(places) => *places.get(at)?,
        }
    }

    /// Where a range of the folded text stands in the text; none where it cuts what a character has become.
    pub fn original(&self, range: Range<usize>) -> Option<ByteSpan> {
        Some(ByteSpan::new(self.place(range.start)?, self.place(range.end)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_sigma_is_a_sigma() {
        let folding = Folding { case: true, space: false };
        let [upper, lower] = ["ΟΔΥΣΣΕΥΣ", "οδυσσευς"].map(|word| folding.apply(word).text.into_owned());
        assert_eq!(upper, lower);
    }

    proptest! {
        /// That a text of ASCII takes a shorter way makes no difference.
        #[test]
        fn ascii_is_folded_as_other_text(text in "[aB \t\r\n\x0b\x0c\x1c.]{0,8}", case: bool, space: bool) {
            let folding = Folding { case, space };
            let other = format!("{text}é");
            let (ascii, other) = (folding.apply(&text), folding.apply(&other));
            prop_assert_eq!(format!("{}é", ascii.text), other.text.as_ref());
            for at in 0..ascii.text.len() {
                prop_assert_eq!(ascii.place(at), other.place(at));
            }
        }
    }
}
