//! Folding of differences between texts.

use std::{borrow::Cow, ops::Range};

use icu_normalizer::{
    ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed, properties::CanonicalCompositionBorrowed,
};
use rere_core::ByteSpan;

use super::{
    class::{
        CASED, COMPOSES, Class, IGNORABLE, MARK, SPACE, UNCOMPOSED, VARIANT, ascii_form, class, is_ignorable, lower,
    },
    is_character_border,
};

/// Differences between a surface and a text that are ignored.
///
/// ```
/// use rere_data::{Folding, Locator, Occurrence, Sentence, Triple};
///
/// let mut sentence = Sentence::new("ADA left O’Brien").with_triples([Triple::of("Ada", "left", "O'Brien")]);
/// Locator::new(Occurrence::First, Folding::ALL).locate(&mut sentence);
/// assert_eq!(sentence.triples[0].object.text, "O’Brien");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Folding {
    /// Case. Texts are compared in lower case, character by character; a final sigma equals a sigma.
    pub case: bool,
    /// White space. A run of white space equals one space.
    pub space: bool,
    /// Characters that look alike or are invisible:
    ///
    /// - composed and decomposed characters, such as `ë` and `e\u{308}` (canonical equivalence of UAX #15)
    /// - characters that Unicode ignores by default, such as zero-width spaces and joiners, byte order marks, soft
    ///   hyphens and variation selectors, are ignored
    /// - single quotation marks, apostrophes, primes and the acute accent equal `'`; other quotation marks and double
    ///   primes equal `"`. Backticks are unchanged, and two single quotation marks do not equal a double one
    /// - dashes, hyphens and minus signs (the Unicode property `Dash`) equal `-`
    pub characters: bool,
}

impl Folding {
    /// Ignores no differences. This is the default.
    pub const NONE: Self = Self { case: false, space: false, characters: false };
    /// Ignores all these differences.
    pub const ALL: Self = Self { case: true, space: true, characters: true };

    /// Sets whether to ignore case.
    #[must_use]
    pub fn with_case(self, case: bool) -> Self {
        Self { case, ..self }
    }

    /// Sets whether to ignore differences of white space.
    #[must_use]
    pub fn with_space(self, space: bool) -> Self {
        Self { space, ..self }
    }

    /// Sets whether to ignore differences between characters that look alike or are invisible.
    #[must_use]
    pub fn with_characters(self, characters: bool) -> Self {
        Self { characters, ..self }
    }

    /// Trims white space and ignorable characters.
    pub(crate) fn trim(self, surface: &str) -> &str {
        surface.trim_matches(|c: char| c.is_whitespace() || (self.characters && is_ignorable(c)))
    }

    pub(crate) fn apply(self, text: &str) -> Folded<'_> {
        let folded = |folded| Folded { folding: self, original: text, text: folded, changes: Vec::new() };
        if self == Self::NONE {
            return folded(Cow::Borrowed(text));
        }
        // Of ASCII characters, only the case changes.
        if text.is_ascii() && !(self.space && has_other_space(text)) {
            return folded(if self.case { Cow::Owned(text.to_ascii_lowercase()) } else { Cow::Borrowed(text) });
        }
        Folder::new(self, text).fold()
    }
}

/// Returns whether an ASCII text has white space other than single spaces.
fn has_other_space(text: &str) -> bool {
    text.contains("  ") || text.bytes().any(|byte| matches!(byte, b'\t'..=b'\r'))
}

/// A folded text, with a mapping to the original.
#[derive(Debug)]
pub(crate) struct Folded<'a> {
    pub folding: Folding,
    pub original: &'a str,
    pub text: Cow<'a, str>,
    /// Changes from left to right. Between them, characters have the same lengths in both texts.
    changes: Vec<Change>,
}

/// A part of the original and its folded form, which is empty if all characters are ignored.
#[derive(Debug)]
struct Change {
    original: Range<usize>,
    folded: Range<usize>,
}

impl Folded<'_> {
    /// Returns the span in the original of a range of the folded text; `None` if the range cuts a user-perceived
    /// character of either text or the folded form of a character.
    pub fn original_span(&self, range: Range<usize>) -> Option<ByteSpan> {
        Some(ByteSpan::new(self.original_start(range.start)?, self.original_end(range.end)?))
    }

    /// Returns the position in the original of a start at the byte `at` of the folded text, after ignored characters.
    pub fn original_start(&self, at: usize) -> Option<usize> {
        let before = self.changes.partition_point(|change| change.folded.end <= at);
        let start = self.original_after(before, at)?;
        is_character_border(self.original, start).then_some(start)
    }

    /// Returns the position in the original of an end at the byte `at` of the folded text, before ignored characters,
    /// except for those that belong to the user-perceived character there, such as variation selectors.
    pub fn original_end(&self, at: usize) -> Option<usize> {
        let before = self.changes.partition_point(|change| change.folded.start < at);
        let end = self.original_after(before, at)?;
        let uncounted = self.changes.get(before).filter(|change| change.folded.end == at);
        let uncounted = &self.original[end..uncounted.map_or(end, |change| change.original.end)];
        let mut ends = uncounted.char_indices().map(|(at, _)| end + at).chain([end + uncounted.len()]);
        ends.find(|&end| is_character_border(self.original, end))
    }

    /// Returns the byte of the original for the byte `at` of the folded text, which lies after the first `before`
    /// changes and before the others.
    fn original_after(&self, before: usize, at: usize) -> Option<usize> {
        let (changed, unchanged) = self.changes.split_at(before);
        let change = changed.last().map_or((0, 0), |change| (change.folded.end, change.original.end));
        let cut = unchanged.first().is_some_and(|change| change.folded.start < at);
        let is_border = !cut && self.text.is_char_boundary(at) && is_character_border(&self.text, at);
        at.checked_sub(change.0).filter(|_| is_border).map(|bytes| change.1 + bytes)
    }
}

/// State of the folding of a text.
struct Folder<'a> {
    folding: Folding,
    /// The character classes that matter for the folding.
    mask: Class,
    original: &'a str,
    /// The original is folded up to this byte.
    done: usize,
    folded: String,
    changes: Vec<Change>,
}

impl<'a> Folder<'a> {
    fn new(folding: Folding, original: &'a str) -> Self {
        let Folding { case, space, characters } = folding;
        let of_characters = IGNORABLE | VARIANT | UNCOMPOSED | MARK | COMPOSES;
        let mask = [(case, CASED), (space, SPACE), (characters, of_characters)]
            .into_iter()
            .fold(0, |mask, (counts, class)| if counts { mask | class } else { mask });
        let folded = String::with_capacity(original.len());
        Self { folding, mask, original, done: 0, folded, changes: Vec::new() }
    }

    fn fold(mut self) -> Folded<'a> {
        let mut at = 0;
        while let Some(c) = self.original[at..].chars().next() {
            let class = self.class(c);
            at = if class & SPACE != 0 {
                self.fold_space(at)
            } else if class & IGNORABLE != 0 {
                self.drop_ignorable(at)
            } else {
                self.fold_character(at, c, class)
            };
        }
        let Self { folding, original, done, mut folded, changes, .. } = self;
        folded.push_str(&original[done..]);
        Folded { folding, original, text: Cow::Owned(folded), changes }
    }

    fn class(&self, c: char) -> Class {
        class(c) & self.mask
    }

    /// Folds the character `c` at the byte `at`, with the marks after it if they compose or are reordered. Returns the
    /// end.
    fn fold_character(&mut self, at: usize, c: char, class: Class) -> usize {
        let is_mark = class & (MARK | COMPOSES) != 0;
        let is_base = !is_mark && class & UNCOMPOSED == 0;
        let alone = at + c.len_utf8();
        let end = self.end_of_marks(alone, is_base);
        if end > alone || class & UNCOMPOSED != 0 {
            if is_base && let Some(composed) = self.composed_in_order(at..end) {
                self.replace(at..end, [composed]);
                return end;
            }
            let composed = self.composed(at..end);
            let own = if class & CASED != 0 { lower(c).collect() } else { ascii_form(c).to_string() };
            if !is_base || !composed.starts_with(&own) {
                self.replace(at..end, composed.chars());
                return end;
            }
        }
        if class & CASED != 0 {
            self.replace(at..alone, lower(c));
        } else if class & VARIANT != 0 {
            self.replace(at..alone, [ascii_form(c)]);
        }
        alone
    }

    /// Returns the end of the marks after the byte `start`, or `start` if they change nothing.
    fn end_of_marks(&self, start: usize, after_base: bool) -> usize {
        // ASCII characters are not marks.
        if self.original.as_bytes().get(start).is_none_or(u8::is_ascii) {
            return start;
        }
        let (mut marks, mut composes, mut end) = (usize::from(!after_base), false, start);
        for (offset, c) in self.original[start..].char_indices() {
            let class = self.class(c);
            if class & (MARK | COMPOSES) != 0 {
                marks += 1;
                composes |= class & COMPOSES != 0;
                end = start + offset + c.len_utf8();
            } else if class & IGNORABLE == 0 {
                break;
            }
        }
        // A single mark that does not compose is unchanged after a base.
        if composes || marks > 1 { end } else { start }
    }

    /// Returns the folded character that a part of the original composes to if each mark composes with the previous
    /// characters. It is a fast path for most decomposed texts.
    fn composed_in_order(&self, part: Range<usize>) -> Option<char> {
        let mut counted = self.original[part].chars().filter(|&c| !is_ignorable(c));
        let base = ascii_form(counted.next()?);
        let mut lower = lower(base);
        let base = if self.folding.case { lower.next().filter(|_| lower.len() == 0)? } else { base };
        counted.try_fold(base, |c, mark| CanonicalCompositionBorrowed::new().compose(c, mark))
    }

    /// Returns the composed form of a part of the original, folded.
    fn composed(&self, part: Range<usize>) -> String {
        let counted = self.original[part].chars().filter(|&c| !is_ignorable(c));
        // Decomposed characters are folded, so that all equivalent texts have the same result.
        let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize_iter(counted).map(ascii_form);
        let nfc = ComposingNormalizerBorrowed::new_nfc();
        if self.folding.case {
            nfc.normalize_iter(decomposed.flat_map(lower)).collect()
        } else {
            nfc.normalize_iter(decomposed).collect()
        }
    }

    /// Folds a run of white space and returns its end.
    fn fold_space(&mut self, start: usize) -> usize {
        let mut end = start;
        for (offset, c) in self.original[start..].char_indices() {
            let class = self.class(c);
            if class & SPACE != 0 {
                end = start + offset + c.len_utf8();
            } else if class & IGNORABLE == 0 {
                break;
            }
        }
        if self.original[start..end] != *" " {
            self.replace(start..end, [' ']);
        }
        end
    }

    /// Drops a run of ignorable characters and returns its end.
    fn drop_ignorable(&mut self, start: usize) -> usize {
        let rest = &self.original[start..];
        let end = start + rest.find(|c| self.class(c) & IGNORABLE == 0).unwrap_or(rest.len());
        self.replace(start..end, []);
        end
    }

    /// Replaces a part of the original.
    fn replace(&mut self, part: Range<usize>, by: impl IntoIterator<Item = char>) {
        self.folded.push_str(&self.original[self.done..part.start]);
        self.done = part.end;
        let start = self.folded.len();
        self.folded.extend(by);
        let [old, new] = [&self.original[part.clone()], &self.folded[start..]];
        let is_one = |text: &str| text.chars().nth(1).is_none();
        // If a character keeps its length, no mapping is needed.
        if old.len() != new.len() || !(old == new || (is_one(old) && is_one(new))) {
            self.changes.push(Change { original: part, folded: start..self.folded.len() });
        }
    }
}

/// A reference implementation, which folds whole texts and compares all spans.
#[cfg(test)]
pub(crate) mod slow {
    use unicode_normalization::UnicodeNormalization;

    use super::*;

    pub fn fold(text: &str, folding: Folding) -> String {
        let mut text = text.to_owned();
        if folding.characters {
            text = text.nfd().filter(|&c| !is_ignorable(c)).map(ascii_form).collect();
        }
        if folding.case {
            text = text.to_lowercase().replace('ς', "σ");
        }
        if folding.characters {
            text = text.nfc().collect();
        }
        if folding.space {
            let ends = [text.starts_with(char::is_whitespace), text.ends_with(char::is_whitespace)];
            let words: Vec<&str> = text.split_whitespace().collect();
            let [begin, end] = ends.map(|space| if space { " " } else { "" });
            text = if words.is_empty() { begin.to_owned() } else { format!("{begin}{}{end}", words.join(" ")) };
        }
        text
    }

    /// Returns the spans on character boundaries of a text and of its folded form, each with its range in the folded
    /// form. Ignorable characters are at their ends only if they belong to the character there.
    pub fn spans(text: &str, folding: Folding) -> Vec<(ByteSpan, Range<usize>)> {
        let whole = fold(text, folding);
        let borders: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let is_ignorable = |c| folding.characters && is_ignorable(c);
        let mut spans: Vec<(ByteSpan, Range<usize>)> = Vec::new();
        for (number, &start) in borders.iter().enumerate() {
            for &end in &borders[number + 1..] {
                let [before, inside, after] =
                    [&text[..start], &text[start..end], &text[end..]].map(|s| fold(s, folding));
                let range = before.len()..before.len() + inside.len();
                let known = spans.last().is_some_and(|(span, last)| span.start == start && *last == range);
                if !inside.is_empty()
                    && !known
                    && before + &inside + &after == whole
                    && !text[start..].starts_with(is_ignorable)
                    && [start, end].into_iter().all(|at| is_character_border(text, at))
                    && [range.start, range.end].into_iter().all(|at| is_character_border(&whole, at))
                {
                    spans.push((ByteSpan::new(start, end), range));
                }
            }
        }
        spans
    }

    /// Returns all combinations of foldings.
    pub fn foldings() -> impl Iterator<Item = Folding> {
        (0..8).map(|bits| Folding { case: bits & 1 > 0, space: bits & 2 > 0, characters: bits & 4 > 0 })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    use super::{slow::foldings, *};

    const CHARACTERS: Folding = Folding { characters: true, ..Folding::NONE };

    fn folded(text: &str, folding: Folding) -> String {
        folding.apply(text).text.into_owned()
    }

    #[test]
    fn a_final_sigma_equals_a_sigma() {
        let [upper, lower] = ["ΟΔΥΣΣΕΥΣ", "οδυσσευς"].map(|word| folded(word, Folding { case: true, ..Folding::NONE }));
        assert_eq!(upper, lower);
    }

    #[test]
    fn characters_that_look_alike_are_equal() {
        for (one, other) in [
            ("Zoë", "Zoe\u{308}"),
            ("Zoë", "Zo\u{200b}e\u{308}\u{feff}"),
            ("ệ", "e\u{302}\u{323}"),
            ("ệ", "e\u{323}\u{200d}\u{302}"),
            ("\u{212b}\u{2126}", "\u{c5}\u{3a9}"),
            ("한글", "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"),
            ("क़\u{93f}", "\u{958}\u{93f}"),
            ("ো", "\u{9c7}\u{9be}"),
            ("が", "か\u{3099}"),
            ("inter\u{ad}nation\u{2060}al", "international"),
            ("葛\u{e0100}", "葛"),
            ("می\u{200c}خواهم", "میخواهم"),
            ("O\u{2019}Brien O\u{2bc}Brien O\u{b4}Brien O\u{1ffd}Brien", "O'Brien O'Brien O'Brien O'Brien"),
            ("\u{201c}X\u{201d} \u{201e}X\u{201c} «X» 「X」", "\"X\" \"X\" \"X\" \"X\""),
            ("\u{2018}X\u{2019} ‹X› \u{201a}X\u{2018} 5\u{2032}10\u{2033} צה\u{5f4}ל", "'X' 'X' 'X' 5'10\" צה\"ל"),
            ("Jean\u{2013}Luc \u{2014} a\u{2010}b\u{2011}c \u{2212}1 תל\u{5be}אביב", "Jean-Luc - a-b-c -1 תל-אביב"),
        ] {
            assert_eq!(folded(one, CHARACTERS), folded(other, CHARACTERS));
            assert_ne!(
                folded(one, Folding { case: true, space: true, characters: false }),
                folded(other, Folding::NONE)
            );
        }
        // Other characters remain different, including compatibility characters.
        for (one, other) in
            [("e", "é"), ("\"", "'"), ("''", "\""), ("`", "'"), ("ー", "-"), ("_", "-"), ("ﬁ", "fi"), ("２", "2")]
        {
            assert_ne!(folded(one, Folding::ALL), folded(other, Folding::ALL));
        }
    }

    #[test]
    fn folding_a_character_is_idempotent() {
        for c in '\u{80}'..=char::MAX {
            let text = c.to_string();
            for folding in [Folding::ALL, CHARACTERS] {
                let once = folded(&text, folding);
                assert!(once == text || folded(&once, folding) == once, "{c:?}");
                assert_eq!(folded(&String::from_iter(c.nfd()), folding), once, "{c:?}");
            }
        }
    }

    #[test]
    fn long_runs_are_folded_quickly() {
        for run in ["\u{301}", "\u{200b}", "\u{200d}", "\u{323}\u{301}", "e\u{200b}", " \u{200b}", "\u{94d}\u{200d}"] {
            let run = run.repeat(200_000);
            let text = format!("a{run}b");
            let folded = Folding::ALL.apply(&text);
            assert_eq!(folded.original_span(0..folded.text.len()), Some(ByteSpan::new(0, text.len())));
        }
    }

    /// Letters with case and accents, marks that are reordered, jamo, Indic vowels, ignorable characters, quotation
    /// marks, dashes, white space, and characters whose length changes.
    const ALPHABET: &str = "[aEéÉeİiΣςßẞ\u{212a}\u{212b}\u{301}\u{323}\u{307}\u{344}가ᄀ\u{1161}\u{11a8}\u{1160}\u{928}\u{93c}\u{94d}\u{9c7}\u{9be}\
        か\u{3099}北\u{f73}👩\u{200d}\u{200b}\u{feff}\u{ad}\u{34f}\u{fe0f}\u{e0100}'\"`\u{2018}\u{201d}\u{2bc}«\u{b4}\u{1ffd}\u{2013}\u{2212}. \t\u{a0}\u{2000}\r\n-]";

    fn any_text(length: usize) -> impl Strategy<Value = String> {
        proptest::string::string_regex(&format!("({ALPHABET}|\\PC){{0,{length}}}")).expect("an expression")
    }

    proptest! {
        /// The fast path of ASCII texts has the same result.
        #[test]
        fn ascii_is_folded_like_other_texts(text in "[aB \t\r\n\x0b\x0c\x1c.'\"`-]{0,8}") {
            for folding in foldings() {
                let other = format!("{text}北");
                let (ascii, other) = (folding.apply(&text), folding.apply(&other));
                prop_assert_eq!(format!("{}北", ascii.text), other.text.as_ref());
                for at in 0..ascii.text.len() {
                    prop_assert_eq!(ascii.original_start(at), other.original_start(at));
                    prop_assert_eq!(ascii.original_end(at), other.original_end(at));
                }
            }
        }

        #[test]
        fn folding_agrees_with_the_reference(text in any_text(16)) {
            for folding in foldings() {
                prop_assert_eq!(folded(&text, folding), slow::fold(&text, folding));
            }
        }

        #[test]
        fn folding_is_idempotent(text in any_text(16)) {
            for folding in foldings() {
                let once = folded(&text, folding);
                prop_assert_eq!(folded(&once, folding), once);
            }
        }

        #[test]
        fn equivalent_texts_are_equal(text in any_text(16), at in any::<prop::sample::Index>()) {
            for folding in foldings().filter(|folding| folding.characters) {
                let expected = folded(&text, folding);
                let [nfc, nfd] = [text.nfc().collect::<String>(), text.nfd().collect()];
                prop_assert_eq!(ComposingNormalizerBorrowed::new_nfc().normalize(&text), nfc.as_str());
                prop_assert_eq!(folded(&nfc, folding), expected.as_str());
                prop_assert_eq!(folded(&nfd, folding), expected.as_str());
                let mut characters: Vec<char> = text.chars().collect();
                characters.insert(at.index(characters.len() + 1), '\u{200b}');
                prop_assert_eq!(folded(&String::from_iter(characters), folding), expected);
            }
        }

        #[test]
        fn spans_are_those_of_the_reference(text in any_text(10)) {
            for folding in foldings() {
                let folded = folding.apply(&text);
                let spans = slow::spans(&text, folding);
                for (start, end) in (0..=folded.text.len()).flat_map(|start| (start + 1..=folded.text.len()).map(move |end| (start, end))) {
                    let slow = spans.iter().find(|(_, range)| *range == (start..end)).map(|(span, _)| *span);
                    prop_assert_eq!(folded.original_span(start..end), slow, "{}..{} of {:?} by {:?}", start, end, folded.text, folding);
                }
            }
        }
    }
}
