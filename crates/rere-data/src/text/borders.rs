//! Borders of words and of user-perceived characters.

use rere_core::ByteSpan;
use unicode_segmentation::GraphemeCursor;

/// Whether `place` begins and ends on word borders, as [`occurrences`](super::occurrences) defines them.
pub(crate) fn on_word_borders(text: &str, place: ByteSpan) -> bool {
    begins_word(text, place.start)
        && ends_word(text, place.end)
        && is_character_border(text, place.start)
        && is_character_border(text, place.end)
}

/// Whether there is a word border at the byte `at` for what follows. The caller checks that it is a [character border](is_character_border).
pub(crate) fn begins_word(text: &str, at: usize) -> bool {
    let (before, from) = text.split_at(at);
    let inside = from.chars().next();
    let Some(outside) = before.chars().next_back() else { return true };
    let unspaced = || inside.is_some_and(is_unspaced);
    if outside.is_ascii() {
        return parts(outside) || unspaced();
    }
    if is_unspaced(outside) || unspaced() {
        return true;
    }
    // A character that is not a letter may be a mark on one. Between two marks there is no character border, so that the search for
    // their letter is left out: it would take quadratic time in a text of marks.
    !outside.is_alphanumeric()
        && (!is_mark(outside) || (!inside.is_some_and(is_mark) && base(before).is_none_or(parts)))
}

/// Whether there is a word border at the byte `at` for what precedes. The caller checks that it is a [character border](is_character_border).
pub(crate) fn ends_word(text: &str, at: usize) -> bool {
    let (to, after) = text.split_at(at);
    after.chars().next().is_none_or(parts) || base(to).is_some_and(is_unspaced)
}

/// Whether there is a word border on both sides of this character, whatever is beside it.
fn parts(c: char) -> bool {
    !c.is_alphanumeric() || is_unspaced(c)
}

/// The last character of a text that is not a mark.
fn base(text: &str) -> Option<char> {
    text.chars().rev().find(|&c| !is_mark(c))
}

/// Whether a character belongs to the one before it, as accents and joiners do. Vowel signs that are letters need not be told
/// from other letters here.
fn is_mark(c: char) -> bool {
    if c.is_ascii() || c.is_alphanumeric() {
        return false;
    }
    // The standard's property has no function of its own, but a mark lets itself be parted from no letter.
    let mut bytes = [b'a'; 5];
    let end = 1 + c.encode_utf8(&mut bytes[1..]).len();
    str::from_utf8(&bytes[..end]).is_ok_and(|marked| !is_character_border(marked, 1))
}

/// Whether words with this character are not parted by spaces: Thai, Lao, Tibetan, Burmese, Khmer, kana and Han, by the
/// blocks of the Unicode standard. Korean has spaces.
pub(crate) fn is_unspaced(c: char) -> bool {
    matches!(
        u32::from(c),
        0x0E00..=0x0FFF // Thai, Lao, Tibetan
            | 0x1000..=0x109F // Myanmar
            | 0x1780..=0x17FF // Khmer
            | 0x3005..=0x3007 // ideographic iteration mark, closing mark and zero
            | 0x3040..=0x30FF // Hiragana, Katakana
            | 0x31F0..=0x31FF // Katakana phonetic extensions
            | 0x3400..=0x4DBF // Han, extension A
            | 0x4E00..=0x9FFF // Han
            | 0xF900..=0xFAFF // Han, compatibility
            | 0xFF66..=0xFF9F // halfwidth Katakana
            | 0x20000..=0x3FFFF // Han, the supplementary and tertiary planes
    )
}

/// Whether the byte `at` is not inside a user-perceived character (extended grapheme cluster of UAX #29) of `text`.
pub(crate) fn is_character_border(text: &str, at: usize) -> bool {
    // The only user-perceived character with two characters of ASCII is a line break.
    if let Some([before, after]) = at.checked_sub(1).and_then(|before| text.as_bytes().get(before..=at))
        && before.is_ascii()
        && after.is_ascii()
    {
        return [*before, *after] != *b"\r\n";
    }
    // The cursor returns an error only if it needs text outside the chunk, and the chunk is the whole text.
    GraphemeCursor::new(at, text.len(), true).is_boundary(text, 0).unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<char>(),
            proptest::sample::select(vec![
                'a', '\u{301}', '\u{200d}', '👩', '🇫', '北', '\r', '\n', ' ', '한', 'क', '्', 'ि'
            ])
        ];
        prop::collection::vec(piece, 0..24).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn borders_are_those_of_the_standard(text in any_text(), ascii in "[a1 \\x00\\r\\n\\x7f]{0,6}") {
            for text in [text.clone() + &ascii, ascii + &text] {
                for at in text.char_indices().map(|(at, _)| at).chain([text.len()]) {
                    let standard = GraphemeCursor::new(at, text.len(), true).is_boundary(&text, 0);
                    prop_assert_eq!(Ok(is_character_border(&text, at)), standard, "{:?} at {}", text, at);
                }
            }
        }
    }
}
