//! Matchers that compare strings, wherever they stand.

use rere_core::Mention;

use super::TripleMatcher;
use crate::MissingField;

/// Equal relation, subject string and object string, without white space around the strings.
///
/// The rows marked (exact) in Table 3 of the RERE paper. A triple that a sentence repeats is one, on either side; so are
/// two triples whose strings are equal and stand at different places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exact;

impl TripleMatcher for Exact {
    /// The string.
    type MentionKey<'a> = &'a str;

    fn mention_key<'a>(&self, mention: &'a Mention) -> Result<&'a str, MissingField> {
        Ok(trimmed(&mention.text))
    }
}

/// Equal relation, first word of the subject and first word of the object; words are what white space separates.
///
/// As the code of CasRel and of TPLinker compares, and the rows without a mark in Table 3 of the RERE paper. Triples of a
/// sentence that are equal so are one, on either side, as in CasRel's code: `New York` and `New Jersey` with the same
/// relation and object count once. A string without a word is the empty string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partial;

impl TripleMatcher for Partial {
    /// The first word.
    type MentionKey<'a> = &'a str;

    fn mention_key<'a>(&self, mention: &'a Mention) -> Result<&'a str, MissingField> {
        Ok(first_word(&mention.text))
    }
}

/// Equal relation, last word of the subject and last word of the object; words are what white space separates.
///
/// For CopyR and what is compared with it: its data and its predictions have only the last word of each entity (Zeng et
/// al. 2018). Triples of a sentence that are equal so are one, on either side, as in CopyR's code. That code compares
/// where the last word stands, not which word it is: the two differ where a sentence has the word twice. A string without
/// a word is the empty string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastWord;

impl TripleMatcher for LastWord {
    /// The last word.
    type MentionKey<'a> = &'a str;

    fn mention_key<'a>(&self, mention: &'a Mention) -> Result<&'a str, MissingField> {
        Ok(mention.text.split_whitespace().next_back().unwrap_or_default())
    }
}

/// Whether a byte is a character that is not white space by itself; of other bytes it is not known.
fn is_visible(byte: u8) -> bool {
    byte > b' ' && byte.is_ascii()
}

/// `text.trim()`, which takes its time to see that there is nothing to trim.
pub(super) fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if is_visible(*first) && is_visible(*last) => text,
        _ => text.trim(),
    }
}

/// What comes before the first white space, that at the begin passed over.
fn first_word(text: &str) -> &str {
    let visible = text.bytes().take_while(|&byte| is_visible(byte)).count();
    match text.as_bytes().get(visible) {
        None => text,
        Some(b' ') if visible > 0 => &text[..visible],
        Some(_) => text.split_whitespace().next().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{first_word, trimmed};

    proptest! {
        #[test]
        fn as_the_standard_library(text in "[ab \\t\u{b}\u{7f}\u{a0}\u{3000}é北]{0,6}") {
            prop_assert_eq!(trimmed(&text), text.trim());
            prop_assert_eq!(first_word(&text), text.split_whitespace().next().unwrap_or_default());
        }
    }
}
