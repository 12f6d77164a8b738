//! Where the surface of an entity stands in a text, and under which tokens.

use rere_core::{ByteSpan, Mention, TokenSpan};

use crate::{Tokens, tokenize::is_character_border};

/// The places where `surface`, without space at its ends, stands in `text`, from left to right; they may overlap.
///
/// Only places on word borders count, so that `Rome` is not found in `Romeo`; where there is none, every place counts.
/// A border is a word's where the character outside is no letter or digit, or where the character on either side is of
/// a script that is written without spaces, as Chinese is. Upper and lower case differ. A blank surface stands nowhere.
pub fn occurrences(text: &str, surface: &str) -> Vec<ByteSpan> {
    let surface = surface.trim();
    let Some(first) = surface.chars().next() else { return Vec::new() };
    let mut places = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(surface)) {
        let start = from + at;
        places.push(ByteSpan::new(start, start + surface.len()));
        from = start + first.len_utf8();
    }
    let on_borders: Vec<ByteSpan> = places.iter().copied().filter(|&place| on_word_borders(text, place)).collect();
    if on_borders.is_empty() { places } else { on_borders }
}

/// A mention with a span stands there and nowhere else; one without stands wherever its surface occurs.
pub(crate) fn places(text: &str, mention: &Mention) -> Vec<ByteSpan> {
    match mention.span {
        Some(span) if span.slice(text) == Ok(&mention.text) => vec![span],
        Some(_) => Vec::new(),
        None => occurrences(text, &mention.text),
    }
}

/// Whether `place` begins and ends on word borders, as [`occurrences`] defines them.
pub(crate) fn on_word_borders(text: &str, place: ByteSpan) -> bool {
    let (before, rest) = text.split_at(place.start);
    let (inside, after) = rest.split_at(place.len());
    let separate = |inside: Option<char>, outside: Option<char>| {
        outside.is_none_or(|c| !c.is_alphanumeric() || is_unspaced(c)) || inside.is_some_and(is_unspaced)
    };
    separate(inside.chars().next(), before.chars().next_back())
        && separate(inside.chars().next_back(), after.chars().next())
        && is_character_border(text, place.start)
        && is_character_border(text, place.end)
}

/// Whether words with this character are not parted by spaces: Thai, Lao, Tibetan, Burmese, Khmer, kana and Han, by the
/// blocks of the Unicode standard. Korean has spaces.
fn is_unspaced(c: char) -> bool {
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

/// A mention in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Located {
    /// The fewest tokens that cover the mention.
    pub tokens: TokenSpan,
    /// Whether these tokens cover nothing beside the mention.
    pub aligned: bool,
}

/// The tokens under a byte span of the text that `tokens` come from; `None` where no token has a byte of it.
///
/// ```
/// use rere_core::{ByteSpan, TokenSpan};
/// use rere_data::{Tokenizer, to_tokens};
///
/// let text = "born in New York-based";
/// let tokens = Tokenizer::train_words([text], 1, 100)?.encode(text)?;
/// let located = to_tokens(ByteSpan::new(8, 16), &tokens).expect("two words");
/// assert_eq!(located.tokens, TokenSpan::new(2, 4));
/// assert!(located.aligned);
/// # Ok::<(), rere_data::DataError>(())
/// ```
pub fn to_tokens(span: ByteSpan, tokens: &Tokens) -> Option<Located> {
    // An empty span would overlap the token that it lies in.
    let covers = |token: &ByteSpan| !token.is_empty() && !span.is_empty() && token.overlaps(span);
    let start = tokens.spans.iter().position(covers)?;
    let end = tokens.spans.iter().rposition(covers)? + 1;
    // Between the mention's end and the token's there can be only space and dropped characters, as long as no token
    // reaches over the mention.
    let aligned = tokens.spans[start..end]
        .iter()
        .filter(|token| !token.is_empty())
        .all(|token| span.start <= token.start && token.end <= span.end);
    Some(Located { tokens: TokenSpan::new(start, end), aligned })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn starts(text: &str, surface: &str) -> Vec<usize> {
        occurrences(text, surface).into_iter().map(|place| text[..place.start].chars().count()).collect()
    }

    #[test]
    fn word_borders_come_first() {
        assert_eq!(starts("Romeo left Rome , Rome-born", "Rome"), [11, 18]);
        assert_eq!(starts("Romeo left", "Rome"), [0]);
        assert_eq!(starts("in 12013 and 2013", " 2013 "), [13]);
        assert!(starts("rome", "Rome").is_empty());
        assert!(starts("a b", " ").is_empty());
        assert!(starts("", "a").is_empty());
        // A combining accent makes another character of the one before it.
        assert_eq!(starts("cafe\u{301} cafe", "cafe"), [6]);
        // Hindi writes vowels as marks on the consonant before.
        assert_eq!(starts("हिन्दी हिन्द", "हिन्द"), [7]);
    }

    #[test]
    fn scripts_without_spaces_have_borders_everywhere() {
        assert_eq!(starts("他在北京大学，北京2013年", "北京"), [2, 7]);
        assert_eq!(starts("成立于2013年", "2013年"), [3]);
        assert_eq!(starts("東京タワーと東京", "東京"), [0, 6]);
        // Korean has spaces, but puts particles right behind the word: nothing stands on borders, so all places count.
        assert_eq!(starts("서울에서 서울은", "서울"), [0, 5]);
    }

    #[test]
    fn places_may_overlap() {
        assert_eq!(starts("an an an", "an an"), [0, 3]);
        assert_eq!(starts("北北北", "北北"), [0, 1]);
    }

    #[test]
    fn tokens_under_a_span() {
        let spans = [(0, 3), (3, 3), (4, 7), (4, 7), (9, 12)].map(|(start, end)| ByteSpan::new(start, end));
        let tokens = Tokens { ids: vec![0; spans.len()], spans: spans.to_vec() };
        let located = |start, end| {
            to_tokens(ByteSpan::new(start, end), &tokens).map(|l| (l.tokens.start, l.tokens.end, l.aligned))
        };
        assert_eq!(located(0, 3), Some((0, 1, true)));
        assert_eq!(located(0, 4), Some((0, 1, true)));
        assert_eq!(located(1, 3), Some((0, 1, false)));
        // Both tokens of one character, and the empty token only in between.
        assert_eq!(located(4, 7), Some((2, 4, true)));
        assert_eq!(located(2, 10), Some((0, 5, false)));
        assert_eq!(located(0, 12), Some((0, 5, true)));
        assert_eq!(located(3, 4), None);
        assert_eq!(located(5, 5), None);
        assert_eq!(located(13, 20), None);
    }

    proptest! {
        #[test]
        fn every_place_slices_to_the_surface(text in "[ab北é .\u{301}]{0,12}", surface in "[ab北é .\u{301}]{0,3}") {
            let places = occurrences(&text, &surface);
            let surface = surface.trim();
            // All places, found another way.
            let starts = |at: &usize| !surface.is_empty() && text[*at..].starts_with(surface);
            let all: Vec<usize> = text.char_indices().map(|(at, _)| at).filter(starts).collect();
            prop_assert_eq!(places.is_empty(), all.is_empty());
            for place in places {
                prop_assert_eq!(place.slice(&text), Ok(surface));
                prop_assert!(all.contains(&place.start));
            }
        }
    }
}
