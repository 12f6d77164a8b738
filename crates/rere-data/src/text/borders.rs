//! Boundaries of words and of user-perceived characters.

use icu_properties::{
    CodePointMapData,
    props::{GraphemeClusterBreak, LineBreak, Script},
    script::ScriptWithExtensions,
};
use rere_core::ByteSpan;
use unicode_segmentation::GraphemeCursor;

/// Returns whether a span begins and ends on word boundaries, as [`occurrences`](super::occurrences) defines them; false if it
/// does not fit the text.
///
/// ```
/// use rere_data::{ByteSpan, on_word_borders};
///
/// assert!(on_word_borders("born in Lindau .", ByteSpan::new(8, 14)));
/// assert!(!on_word_borders("born in Lindau .", ByteSpan::new(8, 13)));
/// ```
pub fn on_word_borders(text: &str, span: ByteSpan) -> bool {
    span.slice(text).is_ok()
        && begins_word(text, span.start)
        && ends_word(text, span.end)
        && is_character_border(text, span.start)
        && is_character_border(text, span.end)
}

/// Returns whether a word can begin at the byte `at`. The caller checks that it is a [character
/// boundary](is_character_border).
pub(crate) fn begins_word(text: &str, at: usize) -> bool {
    let (before, from) = text.split_at(at);
    let inside = from.chars().next();
    let Some(outside) = before.chars().next_back() else { return true };
    let unspaced = || inside.is_some_and(is_unspaced);
    if outside.is_ascii() {
        return separates_words(outside) || unspaced();
    }
    if is_unspaced(outside) || unspaced() {
        return true;
    }
    // A character that is not a letter may be a mark on one. There is no character boundary between two marks;
    // searching for their letter would take quadratic time in a text of marks.
    !outside.is_alphanumeric()
        && (!is_mark(outside) || (!inside.is_some_and(is_mark) && last_base(before).is_none_or(separates_words)))
}

/// Returns whether a word can end at the byte `at`. The caller checks that it is a [character
/// boundary](is_character_border).
pub(crate) fn ends_word(text: &str, at: usize) -> bool {
    let (to, after) = text.split_at(at);
    after.chars().next().is_none_or(separates_words) || last_base(to).is_some_and(is_unspaced)
}

/// Returns whether there are word boundaries on both sides of this character, whatever its neighbours.
fn separates_words(c: char) -> bool {
    !c.is_alphanumeric() || is_unspaced(c)
}

/// Returns the last character of a text that is not a mark.
fn last_base(text: &str) -> Option<char> {
    text.chars().rev().find(|&c| !is_mark(c))
}

/// Returns whether a character belongs to the previous one, as accents and joiners do. Marks that are letters, such as
/// vowel signs, count as letters, which does not affect boundaries.
fn is_mark(c: char) -> bool {
    use GraphemeClusterBreak as Break;

    let class = CodePointMapData::<Break>::new();
    !c.is_ascii() && !c.is_alphanumeric() && matches!(class.get(c), Break::Extend | Break::ZWJ | Break::SpacingMark)
}

/// Returns whether `c` belongs to a script that does not separate words with spaces: Han, kana, Bopomofo, Tibetan, and
/// South-East Asian scripts that need a dictionary for line breaks (UAX #14), such as Thai. Digits of the latter are
/// excluded, so that numbers are not cut. Korean has spaces.
pub(crate) fn is_unspaced(c: char) -> bool {
    if c.is_ascii() {
        return false;
    }
    let is_han_or_kana = |script| matches!(script, Script::Han | Script::Hiragana | Script::Katakana);
    match CodePointMapData::<Script>::new().get(c) {
        // Letters of several scripts, such as the prolonged sound mark of kana. Punctuation always has boundaries.
        Script::Common | Script::Inherited => {
            let mut scripts = ScriptWithExtensions::new().get_script_extensions_val(c).iter();
            c.is_alphanumeric() && scripts.any(is_han_or_kana)
        }
        Script::Bopomofo | Script::Tibetan => true,
        script => is_han_or_kana(script) || CodePointMapData::<LineBreak>::new().get(c) == LineBreak::ComplexContext,
    }
}

/// Returns whether the byte `at` is not inside a user-perceived character (extended grapheme cluster, UAX #29) of
/// `text`.
pub(crate) fn is_character_border(text: &str, at: usize) -> bool {
    // The only user-perceived character with two ASCII characters is a line break.
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

    #[test]
    fn scripts_without_spaces_are_known() {
        // Letters and marks of Thai, Lao, Tibetan, Burmese, Khmer and Tai Tham; kana of all widths with iteration,
        // prolonged sound and voicing marks; Han of several blocks with iteration, closing and zero marks; Bopomofo.
        for c in "กัำຂ\u{eb1}ཀ\u{f71}မာကាᨠぁんァヶーヽゝㇰｦｰﾞ〱一々〆〇㐀豈𠀀𰀀ㄅ".chars()
        {
            assert!(is_unspaced(c), "{c:?}");
        }
        // Korean, Devanagari and Ethiopic have spaces. Digits and punctuation of all scripts are excluded.
        for c in "aéЖ한ㄱ\u{1112}हिአ5٣๕၅，。・「👩\u{301}\u{200b}ˇ".chars() {
            assert!(!is_unspaced(c), "{c:?}");
        }
    }

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
        fn character_boundaries_are_those_of_the_standard(text in any_text(), ascii in "[a1 \\x00\\r\\n\\x7f]{0,6}") {
            for text in [text.clone() + &ascii, ascii + &text] {
                for at in text.char_indices().map(|(at, _)| at).chain([text.len()]) {
                    let standard = GraphemeCursor::new(at, text.len(), true).is_boundary(&text, 0);
                    prop_assert_eq!(Ok(is_character_border(&text, at)), standard, "{:?} at {}", text, at);
                }
            }
        }
    }
}
