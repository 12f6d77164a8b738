//! Where the surface of an entity stands in a text, and under which tokens.

use std::{fmt, str::FromStr};

use memchr::memmem::Finder;
use rere_core::{ByteSpan, Mention, Sentence, TokenSpan, Triple};
use serde::Serialize;

use crate::{
    Tokens,
    error::name,
    fold::{Folded, Folding},
    tokenize::is_character_border,
};

/// The places where `surface`, without space at its ends, stands in `text`, from left to right; they may overlap.
///
/// Only places on word borders count, so that `Rome` is not found in `Romeo`; where there is none, every place counts.
/// A border is a word's where the character outside is no letter or digit, or where the character on either side is of
/// a script that is written without spaces, as Chinese is. Characters are those that a reader sees, grapheme clusters of
/// UAX 29: a border cuts none, so that `cafe` is not found in `cafe\u{301}`, and marks count as the letter that they stand
/// on, so that `union` is not found in `re\u{301}union`. Upper and lower case differ. A blank surface stands nowhere.
pub fn occurrences(text: &str, surface: &str) -> Vec<ByteSpan> {
    let anywhere = exact_places(text, surface);
    first_of([on_borders(text, &anywhere), anywhere])
}

/// As [`occurrences`], with the places where the surface stands but for folding: those on word borders come before all that are
/// inside words.
pub(crate) fn folded_occurrences(text: &str, folded: &Folded, surface: &str, folding: Folding) -> Vec<ByteSpan> {
    let anywhere = exact_places(text, surface);
    let exact = on_borders(text, &anywhere);
    if !exact.is_empty() || folding == Folding::default() {
        return first_of([exact, anywhere]);
    }
    let surface = folding.apply(surface.trim()).text;
    let folded_anywhere: Vec<ByteSpan> = starts(&folded.text, &surface)
        .into_iter()
        .filter_map(|start| folded.original(start..start + surface.len()))
        .collect();
    first_of([on_borders(text, &folded_anywhere), anywhere, folded_anywhere])
}

/// The places where the surface stands as it is, on word borders or not.
fn exact_places(text: &str, surface: &str) -> Vec<ByteSpan> {
    let surface = surface.trim();
    starts(text, surface).into_iter().map(|start| ByteSpan::new(start, start + surface.len())).collect()
}

/// Those of several places that are on word borders.
fn on_borders(text: &str, places: &[ByteSpan]) -> Vec<ByteSpan> {
    places.iter().copied().filter(|&place| on_word_borders(text, place)).collect()
}

/// The first of several lists that is not empty.
fn first_of<const N: usize>(lists: [Vec<ByteSpan>; N]) -> Vec<ByteSpan> {
    lists.into_iter().find(|places| !places.is_empty()).unwrap_or_default()
}

/// Where `surface` begins in `text`, from left to right, at places that overlap too; nowhere where it is empty.
///
/// The time is linear in both, even where the surface repeats itself, as in `ananan`, and stands at every other byte.
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
        // No place that overlaps this one begins before a period has passed, and one begins there where the text goes on with
        // one period more. Where it does not, the next place is more than half a surface away, or the period is.
        let from = start + period;
        let goes_on = text[start + surface.len()..].starts_with(&surface[surface.len() - period..]);
        next = if goes_on { Some(from) } else { finder.find(&text[from..]).map(|at| from + at) };
    }
    starts
}

/// The fewest bytes by which `surface` can be moved to lie on itself where it still does; all of it where there are no fewer.
fn period(surface: &[u8]) -> usize {
    // For each beginning of the surface, the length of the longest shorter one that it ends with.
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
    begins_word(text, place.start)
        && ends_word(text, place.end)
        && is_character_border(text, place.start)
        && is_character_border(text, place.end)
}

/// Whether what begins at the byte `at` begins on a word border, as long as it cuts no user-perceived character.
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
    // What is no letter may be a mark on one. Between two marks a character would be cut; to look for its letter from each of
    // many would take long.
    !outside.is_alphanumeric()
        && (!is_mark(outside) || (!inside.is_some_and(is_mark) && base(before).is_none_or(parts)))
}

/// Whether what ends at the byte `at` ends on a word border, as long as it cuts no user-perceived character.
pub(crate) fn ends_word(text: &str, at: usize) -> bool {
    let (to, after) = text.split_at(at);
    after.chars().next().is_none_or(parts) || base(to).is_some_and(is_unspaced)
}

/// Whether there is a word border beside this character, whatever is on the other side.
fn parts(c: char) -> bool {
    !c.is_alphanumeric() || is_unspaced(c)
}

/// The last character of a text that is no mark on the one before it.
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

/// Which of several places a mention gets that has none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Choice {
    /// All: a triple becomes one for each place of its subject and each of its object.
    All,
    /// The first of the subject, and the first of the object.
    First,
    /// The subject's and the object's that have the fewest bytes between them, of equally near ones the first. Those of two
    /// places that overlap are taken only where all do.
    #[default]
    Nearest,
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "all" => Ok(Self::All),
            "first" => Ok(Self::First),
            "nearest" => Ok(Self::Nearest),
            _ => Err(format!("{name:?} is none of all, first and nearest")),
        }
    }
}

/// Gives mentions that are surfaces alone their places in the text, one sentence after the other.
///
/// ```
/// use rere_core::{ByteSpan, Sentence, Triple};
/// use rere_data::{Choice, Folding, Locator};
///
/// let text = "Paris is old . Ada left paris for London .";
/// let mut sentence = Sentence { triples: vec![Triple::of("London", "left_for", "PARIS")], ..Sentence::new(text) };
/// let mut locator = Locator::new(Choice::Nearest, Folding { case: true, space: false });
/// locator.locate(&mut sentence);
/// // The surface becomes that of the text.
/// assert_eq!(sentence.triples[0].object.text, "paris");
/// assert_eq!(sentence.triples[0].object.span, Some(ByteSpan::new(24, 29)));
/// assert_eq!((locator.report().located, locator.report().missing), (2, 0));
/// ```
#[derive(Debug, Clone)]
pub struct Locator {
    choice: Choice,
    folding: Folding,
    report: LocateReport,
}

/// What a [`Locator`] has done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct LocateReport {
    /// Mentions that were looked for.
    pub mentions: usize,
    /// Those that have a place now.
    pub located: usize,
    /// Those of them with several places to choose from.
    pub several: usize,
    /// Those whose surface is not that of the text, but for folding.
    pub folded: usize,
    /// Those that stand nowhere in their text, and are left as they were.
    pub missing: usize,
    /// The first of these: its surface and its sentence.
    pub first_missing: Option<String>,
}

impl Locator {
    /// Chooses among places by `choice`; `folding` says what else counts as a surface that stands nowhere as a
    /// whole word as it is.
    pub fn new(choice: Choice, folding: Folding) -> Self {
        Self { choice, folding, report: LocateReport::default() }
    }

    /// What was done so far.
    pub fn report(&self) -> &LocateReport {
        &self.report
    }

    /// Gives the mentions of a sentence their places. Those that have one keep it.
    pub fn locate(&mut self, sentence: &mut Sentence) {
        let folded = self.folding.apply(&sentence.text);
        let text = &sentence.text;
        let call = || name(sentence);
        let mut triples = Vec::with_capacity(sentence.triples.len());
        let mut entities = Vec::with_capacity(sentence.entities.len());
        for triple in &sentence.triples {
            let [subjects, objects] =
                [&triple.subject, &triple.object].map(|mention| self.candidates(text, &folded, mention, call));
            let of = |(subject, object): (Place, Place)| Triple {
                subject: put(text, &triple.subject, subject),
                object: put(text, &triple.object, object),
                ..triple.clone()
            };
            match self.choice {
                Choice::First => triples.push(of((subjects[0], objects[0]))),
                Choice::Nearest => triples.push(of(nearest(&subjects, &objects))),
                Choice::All => {
                    let pairs =
                        subjects.iter().flat_map(|&subject| objects.iter().map(move |&object| (subject, object)));
                    triples.extend(pairs.map(of));
                }
            }
        }
        for entity in &sentence.entities {
            let mut places = self.candidates(text, &folded, entity, call);
            if self.choice != Choice::All {
                places.truncate(1);
            }
            entities.extend(places.into_iter().map(|place| put(text, entity, place)));
        }
        drop(folded);
        (sentence.triples, sentence.entities) = (triples, entities);
    }

    /// The places of a mention, one at least: `None` where it stands nowhere.
    fn candidates(
        &mut self,
        text: &str,
        folded: &Folded,
        mention: &Mention,
        sentence: impl Fn() -> String,
    ) -> Vec<Place> {
        if mention.span.is_some() {
            return vec![mention.span];
        }
        let places = folded_occurrences(text, folded, &mention.text, self.folding);
        let report = &mut self.report;
        report.mentions += 1;
        if places.is_empty() {
            report.missing += 1;
            report.first_missing.get_or_insert_with(|| format!("{:?} in {}", mention.text, sentence()));
            return vec![None];
        }
        report.located += 1;
        report.several += usize::from(places.len() > 1);
        report.folded += usize::from(text[places[0].start..places[0].end] != *mention.text.trim());
        places.into_iter().map(Some).collect()
    }
}

/// Where a mention stands, if it does.
type Place = Option<ByteSpan>;

/// The mention at one of its candidates; a mention that has a place, or gets none, stays as it is.
fn put(text: &str, mention: &Mention, place: Place) -> Mention {
    match place {
        Some(span) if mention.span.is_none() => {
            Mention { text: text[span.start..span.end].to_owned(), span: place, ..mention.clone() }
        }
        _ => mention.clone(),
    }
}

/// The places of subject and object that are nearest to each other. Of several places of one mention, each begins and ends
/// behind the one before it.
fn nearest(subjects: &[Place], objects: &[Place]) -> (Place, Place) {
    let others: Vec<ByteSpan> = objects.iter().copied().flatten().collect();
    let distance = |&(subject, object): &(ByteSpan, ByteSpan)| {
        object.start.saturating_sub(subject.end).max(subject.start.saturating_sub(object.end))
    };
    // Of the objects that do not overlap a subject, the last before it and the first behind it are the nearest.
    let pairs = subjects.iter().copied().flatten().flat_map(|subject| {
        let before = others.partition_point(|object| object.end <= subject.start).checked_sub(1);
        let behind = others.partition_point(|object| object.start < subject.end);
        let near = [before.map(|at| others[at]), others.get(behind).copied()];
        near.into_iter().flatten().map(move |object| (subject, object))
    });
    // Where all overlap, or one of the two stands nowhere, the first are as near as any.
    match pairs.min_by_key(distance) {
        Some((subject, object)) => (Some(subject), Some(object)),
        None => (subjects.first().copied().flatten(), objects.first().copied().flatten()),
    }
}

impl fmt::Display for LocateReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mentions, located, several, folded, missing, first_missing } = self;
        write!(
            f,
            "{mentions} mentions without a place: {located} located ({several} of them at one of several places, {folded} of \
             them by folding), {missing} found nowhere"
        )?;
        first_missing.as_ref().map_or(Ok(()), |first| write!(f, ", first {first}"))
    }
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
    if span.is_empty() {
        return None;
    }
    let covers = |token: &ByteSpan| !token.is_empty() && token.overlaps(span);
    // Tokens are in the order of their starts and, but for empty ones, of their ends.
    let end = tokens.spans.partition_point(|token| token.start < span.end);
    let from = tokens.spans.partition_point(|token| token.start < span.start);
    let before = tokens.spans[..from].iter().rposition(|token| !token.is_empty() && token.end <= span.start);
    let from = before.map_or(0, |before| before + 1);
    let near = tokens.spans.get(from..end)?;
    let start = from + near.iter().position(covers)?;
    let end = from + near.iter().rposition(covers)? + 1;
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
    use crate::{CleanSettings, Cleaner, Tokenizer};

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
    fn a_mark_is_no_word_border() {
        // A name behind an accented letter, with the accent as a mark of its own, and one behind an accented letter of one piece.
        assert_eq!(starts("Re\u{301}union union", "union"), [9]);
        assert_eq!(starts("Réunion union", "union"), [8]);
        // The mark that takes a Tamil consonant's vowel, several marks, and the joiner inside a Persian word.
        assert_eq!(starts("தமிழ்நாடு நாடு", "நாடு"), [10]);
        assert_eq!(starts("e\u{323}\u{301}a a", "a"), [5]);
        assert_eq!(starts("می\u{200c}خواهم خواهم", "خواهم"), [9]);
        // Marks on what is no letter: a space, an emoji with its joiner, the beginning of the text.
        assert_eq!(starts("a xa - \u{301}a 👩\u{200d}🚀\u{fe0f}a", "a"), [0, 8, 14]);
        assert_eq!(starts("\u{301}a xa", "a"), [1]);
        // Scripts without spaces have borders beside marks too: a voicing mark, a variant of a Han character.
        assert_eq!(starts("か\u{3099}京x葛\u{e0100}a京", "京"), [2, 7]);
        assert_eq!(starts("葛\u{e0100}a", "葛\u{e0100}"), [0]);
        assert_eq!(starts("x葛a葛\u{e0100}a", "葛\u{e0100}"), [3]);
    }

    #[test]
    fn marks_without_end_are_passed_over_in_time() {
        let text = "\u{301}".repeat(200_000) + "a";
        assert_eq!(occurrences(&text, "\u{301}").len(), 200_000);
        assert_eq!(starts(&text, "a"), [200_000]);
    }

    fn folded(text: &str, surface: &str) -> Vec<(usize, usize)> {
        let folding = Folding { case: true, space: true };
        let places = folded_occurrences(text, &folding.apply(text), surface, folding);
        places.into_iter().map(|place| (place.start, place.end)).collect()
    }

    #[test]
    fn words_come_before_parts_of_words() {
        assert_eq!(folded("Canada : Ada left Paris", "ada"), [(9, 12)]);
        assert_eq!(folded("a house in the US", "us"), [(15, 17)]);
        // On borders as it is, on borders folded, inside a word as it is, inside a word folded.
        assert_eq!(folded("Canada ADA ada", "ada"), [(11, 14)]);
        assert_eq!(folded("Canada CANADA", "ada"), [(3, 6)]);
        assert_eq!(folded("CANADA", "ada"), [(3, 6)]);
        assert!(folded("CANADA", "eda").is_empty());

        let mut sentence =
            Sentence { triples: vec![Triple::of("us", "r", "house")], ..Sentence::new("a house in the US") };
        let settings = CleanSettings { folding: Folding { case: true, space: false }, ..CleanSettings::default() };
        assert!(Cleaner::new(settings).clean(&mut sentence));
        assert_eq!(sentence.triples, [Triple::of("US", "r", "house")]);
    }

    #[test]
    fn a_final_sigma_is_folded() {
        assert_eq!(folded("ΟΔΥΣΣΕΥΣ", "Οδυσσευς"), [(0, 16)]);
        assert_eq!(folded("Οδυσσευς", "ΟΔΥΣΣΕΥΣ"), [(0, 16)]);
    }

    #[test]
    fn places_may_overlap() {
        assert_eq!(starts("an an an", "an an"), [0, 3]);
        assert_eq!(starts("北北北", "北北"), [0, 1]);
    }

    #[test]
    fn long_texts_are_searched_in_time() {
        let text = "a".repeat(1 << 19);
        assert_eq!(occurrences(&text, &text[..1 << 18]).len(), (1 << 18) + 1);
        let text = "ab".repeat(1 << 18);
        assert_eq!(occurrences(&text, &text[..1 << 18]).len(), (1 << 17) + 1);
        // All pairs would be many thousand millions.
        let mut sentence =
            Sentence { triples: vec![Triple::of("a", "r", "b")], ..Sentence::new("a . b . ".repeat(100_000)) };
        Locator::new(Choice::Nearest, Folding::default()).locate(&mut sentence);
        assert_eq!(sentence.triples[0].object.span, Some(ByteSpan::new(4, 5)));
    }

    #[test]
    fn places_in_long_texts_are_found_among_tokens_in_time() {
        let spans: Vec<ByteSpan> = (0..200_000).map(|at| ByteSpan::new(2 * at, 2 * at + 1)).collect();
        let tokens = Tokens { ids: vec![0; spans.len()], spans };
        for (at, &span) in tokens.spans.iter().enumerate() {
            assert_eq!(to_tokens(span, &tokens), Some(Located { tokens: TokenSpan::new(at, at + 1), aligned: true }));
        }
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

    /// Start of the subject and of the object of each triple, after locating.
    fn located(text: &str, subject: &str, object: &str, choice: Choice) -> Vec<(Option<usize>, Option<usize>)> {
        let mut sentence = Sentence { triples: vec![Triple::of(subject, "r", object)], ..Sentence::new(text) };
        Locator::new(choice, Folding::default()).locate(&mut sentence);
        let start = |mention: &Mention| mention.span.map(|span| span.start);
        sentence.triples.iter().map(|t| (start(&t.subject), start(&t.object))).collect()
    }

    #[test]
    fn a_place_is_chosen() {
        let text = "a . b a . b";
        assert_eq!(located(text, "a", "b", Choice::First), [(Some(0), Some(4))]);
        assert_eq!(located(text, "a", "b", Choice::Nearest), [(Some(6), Some(4))]);
        let all = [(0, 4), (0, 10), (6, 4), (6, 10)].map(|(subject, object)| (Some(subject), Some(object)));
        assert_eq!(located(text, "a", "b", Choice::All), all);
        // Of equally near ones the first; of one surface two places, where there are two.
        assert_eq!(located("b a b", "a", "b", Choice::Nearest), [(Some(2), Some(0))]);
        assert_eq!(located("a b a", "a", "a", Choice::Nearest), [(Some(0), Some(4))]);
        assert_eq!(located("a b", "a", "a", Choice::Nearest), [(Some(0), Some(0))]);
        assert_eq!(located(text, "c", "b", Choice::Nearest), [(None, Some(4))]);
    }

    #[test]
    fn places_are_kept_and_misses_reported() {
        let text = "Zoë  left PARIS , Paris";
        let placed =
            Mention { entity_type: Some("LOC".into()), ..Mention::at(text, ByteSpan::new(11, 16)).expect("fits") };
        let mut sentence = Sentence {
            triples: vec![
                Triple { object: placed.clone(), ..Triple::of("zoë left", "r", "") },
                Triple::of("Zoe", "r", "Paris"),
            ],
            entities: vec![placed.clone(), Mention { entity_type: Some("PER".into()), ..Mention::of("ZOË LEFT") }],
            ..Sentence::new(text)
        };
        let mut locator = Locator::new(Choice::First, Folding { case: true, space: true });
        locator.locate(&mut sentence);
        assert_eq!(sentence.triples[0].subject, Mention::at(text, ByteSpan::new(0, 10)).expect("fits"));
        assert_eq!(sentence.triples[0].object, placed);
        // The surface as it is comes before the folded one.
        assert_eq!(sentence.triples[1].object.span, Some(ByteSpan::new(19, 24)));
        assert_eq!(sentence.entities[1].entity_type.as_deref(), Some("PER"));
        assert_eq!(sentence.entities[1].text, "Zoë  left");
        let report = locator.report();
        assert_eq!((report.mentions, report.located, report.folded, report.missing), (4, 3, 2, 1));
        assert!(report.to_string().contains("first \"Zoe\" in \"Zoë  left PARIS , Paris\""), "{report}");
    }

    /// The nearest of all pairs, one after the other.
    fn nearest_of_all(subjects: &[Place], objects: &[Place]) -> (Place, Place) {
        let pairs = subjects.iter().flat_map(|&subject| objects.iter().map(move |&object| (subject, object)));
        let distance = |&(subject, object): &(Place, Place)| match (subject, object) {
            (Some(subject), Some(object)) => {
                let between = object.start.saturating_sub(subject.end).max(subject.start.saturating_sub(object.end));
                (subject.overlaps(object), between)
            }
            _ => (false, 0),
        };
        pairs.min_by_key(distance).unwrap_or_default()
    }

    /// As [`to_tokens`], by one token after the other.
    fn to_tokens_one_by_one(span: ByteSpan, tokens: &Tokens) -> Option<Located> {
        let covers = |token: &ByteSpan| !token.is_empty() && !span.is_empty() && token.overlaps(span);
        let start = tokens.spans.iter().position(covers)?;
        let end = tokens.spans.iter().rposition(covers)? + 1;
        let inside = |token: &ByteSpan| token.is_empty() || (span.start <= token.start && token.end <= span.end);
        Some(Located { tokens: TokenSpan::new(start, end), aligned: tokens.spans[start..end].iter().all(inside) })
    }

    /// The candidates of a mention: none, one anywhere, or several that begin and end one behind the other.
    fn candidates() -> impl Strategy<Value = Vec<Place>> {
        let one = (0usize..30, 0usize..6).prop_map(|(start, length)| vec![Some(ByteSpan::new(start, start + length))]);
        let several = (prop::collection::btree_set(0usize..30, 2..12), 1usize..4).prop_map(|(borders, apart)| {
            let borders: Vec<usize> = borders.into_iter().collect();
            let ends = borders.iter().skip(apart.min(borders.len() - 1));
            borders.iter().zip(ends).map(|(&start, &end)| Some(ByteSpan::new(start, end))).collect()
        });
        prop_oneof![1 => Just(vec![None]), 2 => one, 5 => several]
    }

    /// Tokens in the order of their starts and of their ends, and empty ones between.
    fn tokens() -> impl Strategy<Value = Tokens> {
        prop::collection::vec((0usize..3, prop_oneof![Just(0), 1usize..5]), 0..12).prop_map(|steps| {
            let (mut start, mut end) = (0, 0);
            let spans: Vec<ByteSpan> = steps
                .into_iter()
                .map(|(step, length)| {
                    start += step;
                    end = if length == 0 { end } else { end.max(start + length) };
                    ByteSpan::new(start, if length == 0 { start } else { end })
                })
                .collect();
            Tokens { ids: vec![0; spans.len()], spans }
        })
    }

    proptest! {
        #[test]
        fn the_nearest_are_those_of_all_pairs(subjects in candidates(), objects in candidates()) {
            prop_assert_eq!(nearest(&subjects, &objects), nearest_of_all(&subjects, &objects));
        }

        /// What the search for the nearest rests on.
        #[test]
        fn places_begin_and_end_in_order(
            text in "[abAİi\u{307}éÉ北 \t]{0,16}",
            surface in "[abİi\u{307}é北 ]{1,4}",
            case: bool,
            space: bool,
        ) {
            let folding = Folding { case, space };
            let places = folded_occurrences(&text, &folding.apply(&text), &surface, folding);
            prop_assert!(places.is_sorted_by(|a, b| a.start < b.start && a.end < b.end), "{:?}", places);
        }

        #[test]
        fn tokens_are_found_as_one_by_one(tokens in tokens(), start in 0usize..30, length in 0usize..8) {
            let span = ByteSpan::new(start, start + length);
            prop_assert_eq!(to_tokens(span, &tokens), to_tokens_one_by_one(span, &tokens));
        }

        #[test]
        fn tokens_of_texts_are_found_as_one_by_one(text in "[aÉ北é .,\t👩\u{200d}\u{301}\u{fb01}\0\r\n]{0,10}") {
            let words = Tokenizer::train_words(["a"], 1, 100).expect("a tokenizer");
            let tokens = words.encode(&text).expect("tokens");
            for (start, end) in (0..=text.len()).flat_map(|start| (start..=text.len()).map(move |end| (start, end))) {
                let span = ByteSpan::new(start, end);
                prop_assert_eq!(to_tokens(span, &tokens), to_tokens_one_by_one(span, &tokens));
            }
        }

        #[test]
        fn every_beginning_is_found(text in "[ab]{0,40}", surface in "[ab]{0,8}", times in 1usize..4) {
            let (text, surface) = (text.repeat(times), surface.repeat(times));
            let begins = |at: &usize| !surface.is_empty() && text[*at..].starts_with(&surface);
            let all: Vec<usize> = (0..text.len()).filter(begins).collect();
            prop_assert_eq!(super::starts(&text, &surface), all);
        }

        #[test]
        fn located_mentions_slice_the_text(
            text in "[ab北éÉİ .\t👩\u{301}\0\r\n\u{feff}]{0,12}",
            surfaces in "[ab北éÉi .\u{301}\r\n]{0,3}",
            case: bool,
            space: bool,
        ) {
            for choice in [Choice::All, Choice::First, Choice::Nearest] {
                let folding = Folding { case, space };
                let triples = vec![Triple::of(surfaces.clone(), "r", "a")];
                let mut sentence = Sentence { triples, ..Sentence::new(text.clone()) };
                let mut locator = Locator::new(choice, folding);
                locator.locate(&mut sentence);
                let report = locator.report();
                prop_assert_eq!(report.located + report.missing, report.mentions);
                for mention in sentence.triples.iter().flat_map(|triple| [&triple.subject, &triple.object]) {
                    match mention.span {
                        Some(span) => prop_assert_eq!(span.slice(&text), Ok(mention.text.as_str())),
                        None => prop_assert!(mention.text.trim().is_empty() || !text.contains(mention.text.trim())),
                    }
                }
            }
        }

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
