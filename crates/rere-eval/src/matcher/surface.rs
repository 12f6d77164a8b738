//! Matchers that compare strings, whatever their offsets.

use rere_core::Mention;

use super::TripleMatcher;
use crate::MissingField;

/// Compares relation, subject string and object string, without surrounding white space.
///
/// Table 3 of the RERE paper marks these rows (exact). Repeated triples of a sentence count once on either side, also
/// if equal strings have different offsets.
///
/// ```
/// use rere_eval::{Exact, Triple, evaluate_lists};
///
/// let gold = [[Triple::of("New York", "in", "US")]];
/// assert_eq!(evaluate_lists(&gold, &[[Triple::of(" New York ", "in", "US")]], &Exact)?.true_positives, 1);
/// assert_eq!(evaluate_lists(&gold, &[[Triple::of("York", "in", "US")]], &Exact)?.true_positives, 0);
/// # Ok::<(), rere_eval::EvalError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exact;

impl TripleMatcher for Exact {
    /// The string.
    type MentionKey<'a> = &'a str;

    fn mention_key<'a>(&self, mention: &'a Mention) -> Result<&'a str, MissingField> {
        Ok(trimmed(&mention.text))
    }
}

/// Compares relation, first word of the subject and first word of the object. White space separates words.
///
/// This is how the code of CasRel and of TPLinker compares; the unmarked rows in Table 3 of the RERE paper use it too.
/// Equal triples of a sentence count once on either side, as in CasRel's code: `New York` and `New Jersey` with the
/// same relation and object count once. The first word of an empty string is the empty string.
///
/// ```
/// use rere_eval::{Partial, Triple, evaluate_lists};
///
/// let gold = [[Triple::of("New York", "in", "United States")]];
/// assert_eq!(evaluate_lists(&gold, &[[Triple::of("New Jersey", "in", "United")]], &Partial)?.true_positives, 1);
/// assert_eq!(evaluate_lists(&gold, &[[Triple::of("York", "in", "United States")]], &Partial)?.true_positives, 0);
/// # Ok::<(), rere_eval::EvalError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partial;

impl TripleMatcher for Partial {
    /// The first word.
    type MentionKey<'a> = &'a str;

    fn mention_key<'a>(&self, mention: &'a Mention) -> Result<&'a str, MissingField> {
        Ok(first_word(&mention.text))
    }
}

/// Compares relation, last word of the subject and last word of the object. White space separates words.
///
/// Use it for CopyR and systems compared with it: its data and its predictions have only the last word of each entity
/// (Zeng et al. 2018). Equal triples of a sentence count once on either side, as in CopyR's code. That code compares
/// the position of the last word, not the word: the two differ if a sentence has the word twice. The last word of an
/// empty string is the empty string.
///
/// ```
/// use rere_eval::{LastWord, Triple, evaluate_lists};
///
/// let gold = [[Triple::of("New York", "in", "United States")]];
/// assert_eq!(evaluate_lists(&gold, &[[Triple::of("York", "in", "States")]], &LastWord)?.true_positives, 1);
/// assert_eq!(evaluate_lists(&gold, &[[Triple::of("New", "in", "United")]], &LastWord)?.true_positives, 0);
/// # Ok::<(), rere_eval::EvalError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastWord;

impl TripleMatcher for LastWord {
    /// The last word.
    type MentionKey<'a> = &'a str;

    fn mention_key<'a>(&self, mention: &'a Mention) -> Result<&'a str, MissingField> {
        Ok(mention.text.split_whitespace().next_back().unwrap_or_default())
    }
}

/// Returns whether a byte is an ASCII character above the space, none of which is white space.
fn is_visible(byte: u8) -> bool {
    byte > b' ' && byte.is_ascii()
}

/// Does what `text.trim()` does, but is faster if there is nothing to trim.
pub(super) fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if is_visible(*first) && is_visible(*last) => text,
        _ => text.trim(),
    }
}

/// Returns the first word, without white space before it.
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
