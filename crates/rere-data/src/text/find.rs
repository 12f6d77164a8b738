//! Occurrences of a surface in a text.

use memchr::memmem::Finder;
use rere_core::ByteSpan;

use super::{Folded, Folding, begins_word, ends_word, on_word_borders};

/// Returns the occurrences of the trimmed `surface` in `text`, from left to right. They may overlap.
///
/// If there are occurrences on word boundaries, only these are returned, otherwise all. There is a word boundary if the
/// character outside is not a letter or digit, or if the character on either side belongs to a script without spaces,
/// such as Chinese. User-perceived characters (extended grapheme clusters, UAX #29) are not cut, so `cafe` is not a
/// word in `cafe\u{301}`. Marks count as their letter, so `union` is not a word in `re\u{301}union`. Case matters. A
/// blank surface has no occurrences.
///
/// ```
/// use rere_data::{ByteSpan, occurrences};
///
/// assert_eq!(occurrences("Romeo left Rome", "Rome"), [ByteSpan::new(11, 15)]);
/// assert_eq!(occurrences("Romeo left", "Rome"), [ByteSpan::new(0, 4)]);
/// ```
pub fn occurrences(text: &str, surface: &str) -> Vec<ByteSpan> {
    let anywhere = exact_occurrences(text, surface);
    first_not_empty([on_borders(text, &anywhere), anywhere])
}

impl Folded<'_> {
    /// Returns the occurrences of a surface, like [`occurrences`], including those that equal it only after folding.
    /// Occurrences on word boundaries are preferred.
    pub fn occurrences(&self, surface: &str) -> Vec<ByteSpan> {
        let anywhere = exact_occurrences(self.original, surface);
        let exact = on_borders(self.original, &anywhere);
        if !exact.is_empty() || self.folding == Folding::NONE {
            return first_not_empty([exact, anywhere]);
        }
        let surface = self.folding.apply(self.folding.trim(surface)).text;
        let (mut words, mut folded_anywhere) = (Vec::new(), Vec::new());
        for start in starts(&self.text, &surface) {
            let end = start + surface.len();
            if let Some(span) = self.original_span(start..end) {
                folded_anywhere.push(span);
                if begins_word(&self.text, start) && ends_word(&self.text, end) {
                    words.push(span);
                }
            }
        }
        first_not_empty([words, anywhere, folded_anywhere])
    }
}

/// Returns all occurrences of the trimmed surface without folding.
fn exact_occurrences(text: &str, surface: &str) -> Vec<ByteSpan> {
    let surface = surface.trim();
    starts(text, surface).into_iter().map(|start| ByteSpan::new(start, start + surface.len())).collect()
}

/// Returns the spans that are on word boundaries.
fn on_borders(text: &str, spans: &[ByteSpan]) -> Vec<ByteSpan> {
    spans.iter().copied().filter(|&span| on_word_borders(text, span)).collect()
}

/// Returns the first list that is not empty.
fn first_not_empty<const N: usize>(lists: [Vec<ByteSpan>; N]) -> Vec<ByteSpan> {
    lists.into_iter().find(|spans| !spans.is_empty()).unwrap_or_default()
}

/// Returns the bytes of `text` at which `surface` begins, including overlapping occurrences. An empty surface has none.
///
/// It takes linear time, even if the surface is periodic, such as `ananan`.
fn starts(text: &str, surface: &str) -> Vec<usize> {
    let (text, surface) = (text.as_bytes(), surface.as_bytes());
    let mut starts = Vec::new();
    if surface.is_empty() {
        return starts;
    }
    let finder = Finder::new(surface);
    let mut next = finder.find(text);
    let period = next.map_or(0, |_| period(surface));
    while let Some(start) = next {
        starts.push(start);
        // The next overlapping occurrence begins one period later if the text continues with one more period.
        // Otherwise, the next occurrence is more than half a surface away, or the period is longer than that.
        let from = start + period;
        let continues = text[start + surface.len()..].starts_with(&surface[surface.len() - period..]);
        next = if continues { Some(from) } else { finder.find(&text[from..]).map(|at| from + at) };
    }
    starts
}

/// Returns the period of `surface`: the smallest shift, at most its length, at which it matches itself.
fn period(surface: &[u8]) -> usize {
    // For each prefix, the length of the longest proper prefix that is also its suffix.
    let mut overlaps = vec![0; surface.len()];
    let mut overlap = 0;
    for at in 1..surface.len() {
        while overlap > 0 && surface[at] != surface[overlap] {
            overlap = overlaps[overlap - 1];
        }
        overlap += usize::from(surface[at] == surface[overlap]);
        overlaps[at] = overlap;
    }
    surface.len() - overlap
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rere_core::{Sentence, Triple};

    use super::*;
    use crate::{
        CleanSettings, Cleaner, Locator, Occurrence,
        text::fold::slow::{self, foldings},
    };

    fn starts(text: &str, surface: &str) -> Vec<usize> {
        occurrences(text, surface).into_iter().map(|span| text[..span.start].chars().count()).collect()
    }

    #[test]
    fn words_are_preferred() {
        assert_eq!(starts("Romeo left Rome , Rome-born", "Rome"), [11, 18]);
        assert_eq!(starts("Romeo left", "Rome"), [0]);
        assert_eq!(starts("in 12013 and 2013", " 2013 "), [13]);
        assert!(starts("rome", "Rome").is_empty());
        assert!(starts("a b", " ").is_empty());
        assert!(starts("", "a").is_empty());
        // A combining accent changes the previous character.
        assert_eq!(starts("cafe\u{301} cafe", "cafe"), [6]);
        // Hindi writes vowels as marks on the previous consonant.
        assert_eq!(starts("हिन्दी हिन्द", "हिन्द"), [7]);
    }

    #[test]
    fn scripts_without_spaces_have_boundaries_everywhere() {
        assert_eq!(starts("他在北京大学，北京2013年", "北京"), [2, 7]);
        assert_eq!(starts("成立于2013年", "2013年"), [3]);
        assert_eq!(starts("東京タワーと東京", "東京"), [0, 6]);
        // Korean has spaces, but particles follow the word directly: there is no word boundary, so all occurrences are
        // returned.
        assert_eq!(starts("서울에서 서울은", "서울"), [0, 5]);
    }

    #[test]
    fn marks_are_not_word_boundaries() {
        // After a letter with a combining accent, and after a precomposed letter.
        assert_eq!(starts("Re\u{301}union union", "union"), [9]);
        assert_eq!(starts("Réunion union", "union"), [8]);
        // The virama of Tamil, several marks, and the joiner inside a Persian word.
        assert_eq!(starts("தமிழ்நாடு நாடு", "நாடு"), [10]);
        assert_eq!(starts("e\u{323}\u{301}a a", "a"), [5]);
        assert_eq!(starts("می\u{200c}خواهم خواهم", "خواهم"), [9]);
        // Marks after other characters than letters: a space, an emoji with its joiner, the beginning of the text.
        assert_eq!(starts("a xa - \u{301}a 👩\u{200d}🚀\u{fe0f}a", "a"), [0, 8, 14]);
        assert_eq!(starts("\u{301}a xa", "a"), [1]);
        // Scripts without spaces also have boundaries next to marks: a voicing mark, a variant of a Han character.
        assert_eq!(starts("か\u{3099}京x葛\u{e0100}a京", "京"), [2, 7]);
        assert_eq!(starts("葛\u{e0100}a", "葛\u{e0100}"), [0]);
        assert_eq!(starts("x葛a葛\u{e0100}a", "葛\u{e0100}"), [3]);
    }

    #[test]
    fn long_runs_of_marks_are_searched_quickly() {
        let text = "\u{301}".repeat(200_000) + "a";
        assert_eq!(occurrences(&text, "\u{301}").len(), 200_000);
        assert_eq!(starts(&text, "a"), [200_000]);
    }

    fn folded(text: &str, surface: &str) -> Vec<(usize, usize)> {
        Folding::ALL.apply(text).occurrences(surface).into_iter().map(|span| (span.start, span.end)).collect()
    }

    #[test]
    fn words_are_preferred_to_parts_of_words() {
        assert_eq!(folded("Canada : Ada left Paris", "ada"), [(9, 12)]);
        assert_eq!(folded("a house in the US", "us"), [(15, 17)]);
        // An exact word, a folded word, an exact part of a word, a folded part of a word.
        assert_eq!(folded("Canada ADA ada", "ada"), [(11, 14)]);
        assert_eq!(folded("Canada CANADA", "ada"), [(3, 6)]);
        assert_eq!(folded("CANADA", "ada"), [(3, 6)]);
        assert!(folded("CANADA", "eda").is_empty());

        let mut sentence = Sentence::new("a house in the US").with_triples(vec![Triple::of("us", "r", "house")]);
        let settings = CleanSettings { folding: Folding { case: true, ..Folding::NONE }, ..CleanSettings::default() };
        assert!(Cleaner::new(settings).clean(&mut sentence));
        assert_eq!(sentence.triples, [Triple::of("US", "r", "house")]);
    }

    #[test]
    fn a_final_sigma_is_folded() {
        assert_eq!(folded("ΟΔΥΣΣΕΥΣ", "Οδυσσευς"), [(0, 16)]);
        assert_eq!(folded("Οδυσσευς", "ΟΔΥΣΣΕΥΣ"), [(0, 16)]);
    }

    #[test]
    fn differences_of_characters_are_folded() {
        assert_eq!(folded("by Zo\u{200b}ë .", "Zoë"), [(3, 10)]);
        assert_eq!(folded("by Zoe\u{308} .", "Zoë"), [(3, 8)]);
        assert_eq!(folded("by Zoë .", "zoe\u{308}"), [(3, 7)]);
        assert_eq!(folded("by O\u{2019}Brien .", "O'Brien"), [(3, 12)]);
        assert_eq!(folded("by Jean\u{2013}Luc .", "Jean-Luc"), [(3, 13)]);
        assert_eq!(folded("by \u{201c}X\u{201d} .", "\"X\""), [(3, 10)]);
        assert_eq!(folded("\u{1112}\u{1161}\u{11ab} 한", "한"), [(10, 13)]);
        assert_eq!(folded("\u{1112}\u{1161}\u{11ab}", "한"), [(0, 9)]);
        // Ignorable characters are not at the ends of a mention, unless they belong to the character there.
        assert_eq!(folded("\u{feff}\u{200b}ADA\u{200b}\u{feff} .", "\u{200b}ada\u{200b}"), [(6, 9)]);
        assert_eq!(folded("X葛\u{e0100} .", "x葛"), [(0, 8)]);
        // A part of a character is not a mention.
        assert!(folded("CAFÉ CAFE\u{301} CAFE\u{200b}\u{301}", "cafe").is_empty());
        assert!(folded("한", "\u{1112}\u{1161}").is_empty());
        assert!(folded("👩\u{200d}🚀", "👩\u{fe0f}").is_empty());
        // Ignorable characters do not separate words.
        assert_eq!(folded("INTER\u{ad}NATIONAL NATIONAL", "national"), [(16, 24)]);
    }

    #[test]
    fn occurrences_may_overlap() {
        assert_eq!(starts("an an an", "an an"), [0, 3]);
        assert_eq!(starts("北北北", "北北"), [0, 1]);
    }

    #[test]
    fn long_texts_are_searched_quickly() {
        let text = "a".repeat(1 << 19);
        assert_eq!(occurrences(&text, &text[..1 << 18]).len(), (1 << 18) + 1);
        let text = "ab".repeat(1 << 18);
        assert_eq!(occurrences(&text, &text[..1 << 18]).len(), (1 << 17) + 1);
        // There are 10^10 pairs.
        let mut sentence = Sentence::new("a . b . ".repeat(100_000)).with_triples(vec![Triple::of("a", "r", "b")]);
        Locator::new(Occurrence::Nearest, Folding::default()).locate(&mut sentence);
        assert_eq!(sentence.triples[0].object.span, Some(ByteSpan::new(4, 5)));
    }

    proptest! {
        /// The search for the nearest pair relies on this.
        #[test]
        fn occurrences_ascend_in_start_and_end(
            text in "[abAİi\u{307}éÉe\u{301}北\u{200b}\u{200d}'\u{2019} \t]{0,16}",
            surface in "[abİi\u{307}ée\u{301}北\u{200b}\u{2019} ]{1,4}",
        ) {
            for folding in foldings() {
                let spans = folding.apply(&text).occurrences(&surface);
                prop_assert!(spans.is_sorted_by(|a, b| a.start < b.start && a.end < b.end), "{:?}", spans);
            }
        }

        #[test]
        fn folded_occurrences_are_those_of_a_full_comparison(
            text in "[abAée\u{301}北\u{200b}\u{200d}'\u{2019}\u{2013} \t-]{0,12}",
            surface in "[abée\u{301}北\u{200b}\u{2019} -]{1,4}",
        ) {
            for folding in foldings() {
                let folded = folding.apply(&text);
                let surface_folded = slow::fold(folding.trim(&surface), folding);
                let spans = slow::spans(&text, folding).into_iter().filter(|(_, range)| {
                    !surface_folded.is_empty() && folded.text[range.clone()] == surface_folded
                });
                let (words, parts): (Vec<_>, Vec<_>) = spans.partition(|(_, range)| {
                    on_word_borders(&folded.text, ByteSpan::new(range.start, range.end))
                });
                let exact = occurrences(&text, &surface);
                let spans = folded.occurrences(&surface);
                if exact.iter().any(|&span| on_word_borders(&text, span)) || folding == Folding::NONE {
                    prop_assert_eq!(spans, exact);
                } else if !words.is_empty() {
                    prop_assert_eq!(spans, words.into_iter().map(|(span, _)| span).collect::<Vec<_>>());
                } else if !exact.is_empty() {
                    prop_assert_eq!(spans, exact);
                } else {
                    prop_assert_eq!(spans, parts.into_iter().map(|(span, _)| span).collect::<Vec<_>>());
                }
            }
        }

        #[test]
        fn all_starts_are_found(text in "[ab]{0,40}", surface in "[ab]{0,8}", times in 1usize..4) {
            let (text, surface) = (text.repeat(times), surface.repeat(times));
            let begins = |at: &usize| !surface.is_empty() && text[*at..].starts_with(&surface);
            let all: Vec<usize> = (0..text.len()).filter(begins).collect();
            prop_assert_eq!(super::starts(&text, &surface), all);
        }

        #[test]
        fn occurrences_slice_to_the_surface(text in "[ab北é .\u{301}]{0,12}", surface in "[ab北é .\u{301}]{0,3}") {
            let spans = occurrences(&text, &surface);
            let surface = surface.trim();
            // All occurrences, found by comparing each position.
            let starts = |at: &usize| !surface.is_empty() && text[*at..].starts_with(surface);
            let all: Vec<usize> = text.char_indices().map(|(at, _)| at).filter(starts).collect();
            prop_assert_eq!(spans.is_empty(), all.is_empty());
            for span in spans {
                prop_assert_eq!(span.slice(&text), Ok(surface));
                prop_assert!(all.contains(&span.start));
            }
        }
    }
}
