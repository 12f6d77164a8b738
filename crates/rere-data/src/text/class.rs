//! Classes of characters for folding.

use std::{char::ToLowercase, sync::LazyLock};

use icu_normalizer::properties::{
    CanonicalCombiningClassMapBorrowed, CanonicalCompositionBorrowed, CanonicalDecompositionBorrowed, Decomposed,
};
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{Dash, DefaultIgnorableCodePoint, GraphemeClusterBreak, QuotationMark},
};

/// Properties of a character, one bit each.
pub(super) type Class = u8;

/// White space.
pub(super) const SPACE: Class = 1;
/// Ignorable.
pub(super) const IGNORABLE: Class = 1 << 1;
/// Not in lower case.
pub(super) const CASED: Class = 1 << 2;
/// A non-ASCII quotation mark or dash.
pub(super) const VARIANT: Class = 1 << 3;
/// Not in composed form (NFC).
pub(super) const UNCOMPOSED: Class = 1 << 4;
/// May be reordered with adjacent marks.
pub(super) const MARK: Class = 1 << 5;
/// May compose with the previous character.
pub(super) const COMPOSES: Class = 1 << 6;

/// Classes of the characters of the Basic Multilingual Plane. The table is much faster than the Unicode lookups, which
/// folding would need for each character of a text.
static CLASSES: LazyLock<Vec<Class>> = LazyLock::new(|| {
    let mut classes: Vec<Class> = (0..=0xffff).map(|number| char::from_u32(number).map_or(0, new_class)).collect();
    for composed in '\0'..='\u{ffff}' {
        if let Decomposed::Expansion(first, second) = CanonicalDecompositionBorrowed::new().decompose(composed)
            && CanonicalCompositionBorrowed::new().compose(first, second) == Some(composed)
            && let Some(class) = classes.get_mut(second as usize)
        {
            *class |= COMPOSES;
        }
    }
    classes
});

pub(super) fn class(c: char) -> Class {
    CLASSES.get(c as usize).copied().unwrap_or_else(|| {
        // On the other planes all characters that may compose are treated as if they do, which only costs time.
        use GraphemeClusterBreak as Break;
        let may_compose =
            matches!(CodePointMapData::<Break>::new().get(c), Break::Extend | Break::SpacingMark | Break::V | Break::T);
        let class = new_class(c);
        if may_compose && class & IGNORABLE == 0 { class | COMPOSES } else { class }
    })
}

/// Returns the class of a character, except for compositions with other characters.
fn new_class(c: char) -> Class {
    let decomposed = CanonicalDecompositionBorrowed::new().decompose(c);
    let (is_composed, begins_with_mark) = match decomposed {
        Decomposed::Default => (true, false),
        Decomposed::Singleton(other) => (false, is_mark(other)),
        Decomposed::Expansion(first, second) => {
            (CanonicalCompositionBorrowed::new().compose(first, second) == Some(c), is_mark(first))
        }
    };
    [
        (SPACE, c.is_whitespace()),
        (IGNORABLE, is_ignorable(c)),
        (CASED, !lower(c).eq([c])),
        (VARIANT, ascii_form(c) != c),
        (UNCOMPOSED, !is_composed),
        (MARK, is_mark(c)),
        (COMPOSES, begins_with_mark),
    ]
    .into_iter()
    .fold(0, |class, (bit, is)| if is { class | bit } else { class })
}

/// Returns whether a character takes part in the canonical ordering of marks.
fn is_mark(c: char) -> bool {
    CanonicalCombiningClassMapBorrowed::new().get_u8(c) > 0
}

/// Returns whether Unicode ignores a character by default.
pub(super) fn is_ignorable(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Returns a character in lower case. A final sigma becomes `σ`, so that the result does not depend on neighbours.
pub(super) fn lower(c: char) -> ToLowercase {
    if c == 'ς' { 'σ' } else { c }.to_lowercase()
}

/// Returns the ASCII form of a quotation mark or a dash. Other characters are unchanged.
pub(super) fn ascii_form(c: char) -> char {
    match c {
        '\0'..='\x7f' => c,
        // Single quotation marks, letters used as apostrophes, primes, the acute accent and the Hebrew geresh.
        '\u{2018}'..='\u{201b}' | '\u{2039}' | '\u{203a}' | '\u{ff07}' => '\'',
        '\u{2b9}' | '\u{2bb}'..='\u{2bf}' | '\u{2032}' | '\u{2035}' | '\u{b4}' | '\u{5f3}' => '\'',
        // Double primes and the Hebrew gershayim.
        '\u{2ba}' | '\u{2033}' | '\u{2036}' | '\u{5f4}' => '"',
        _ if CodePointSetData::new::<QuotationMark>().contains(c) => '"',
        _ if CodePointSetData::new::<Dash>().contains(c) => '-',
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

    use super::*;

    /// Folding relies on this when it processes one character at a time.
    #[test]
    fn single_composed_characters_remain_composed() {
        let (nfc, nfd) = (ComposingNormalizerBorrowed::new_nfc(), DecomposingNormalizerBorrowed::new_nfd());
        for c in '\0'..=char::MAX {
            let text = c.to_string();
            assert_eq!(class(c) & UNCOMPOSED == 0, nfc.is_normalized(&text), "{c:?}");
            if class(c) & UNCOMPOSED != 0 {
                continue;
            }
            let decomposed = nfd.normalize(&text);
            let folded: String = decomposed.chars().map(ascii_form).collect();
            assert_eq!(nfc.normalize(&folded), ascii_form(c).to_string(), "{c:?}");
            let folded: String = decomposed.chars().flat_map(lower).collect();
            assert_eq!(nfc.normalize(&folded), lower(c).to_string(), "{c:?}");
        }
    }

    #[test]
    fn characters_that_compose_or_reorder_are_classified() {
        let (nfc, nfd) = (ComposingNormalizerBorrowed::new_nfc(), DecomposingNormalizerBorrowed::new_nfd());
        for c in '\0'..=char::MAX {
            let text = c.to_string();
            let parts: Vec<char> = nfd.normalize(&text).chars().collect();
            // Each split of the decomposition that composes to the character again.
            for end in 1..parts.len() {
                let [first, second] = [&parts[..end], &parts[end..]].map(|parts| parts.iter().collect::<String>());
                if nfc.normalize(&(nfc.normalize(&first).into_owned() + &second)) == text {
                    assert!(class(parts[end]) & COMPOSES != 0, "{:?} in {c:?}", parts[end]);
                }
            }
            assert!(!is_mark(parts[0]) || class(c) & (MARK | COMPOSES) != 0, "{c:?}");
        }
    }
}
