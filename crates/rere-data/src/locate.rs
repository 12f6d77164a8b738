//! Where the surface of an entity stands in a text, and under which tokens.

use std::{fmt, str::FromStr};

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
    on_borders_or_all(text, places)
}

/// As [`occurrences`]; where there is none, the places where the surface stands but for folding.
pub(crate) fn folded_occurrences(text: &str, folded: &Folded, surface: &str, folding: Folding) -> Vec<ByteSpan> {
    let places = occurrences(text, surface);
    if !places.is_empty() || folding == Folding::default() {
        return places;
    }
    let surface = folding.apply(surface.trim()).text;
    let step = surface.chars().next().map_or(1, char::len_utf8);
    let (mut places, mut from) = (Vec::new(), 0);
    while let Some(at) = folded.text.get(from..).and_then(|rest| rest.find(surface.as_ref()))
        && !surface.is_empty()
    {
        let start = from + at;
        places.extend(folded.original(start..start + surface.len()));
        from = start + step;
    }
    on_borders_or_all(text, places)
}

/// Of several places those on word borders, where there are such.
fn on_borders_or_all(text: &str, places: Vec<ByteSpan>) -> Vec<ByteSpan> {
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
    begins_word(text, place.start)
        && ends_word(text, place.end)
        && is_character_border(text, place.start)
        && is_character_border(text, place.end)
}

/// Whether what begins at the byte `at` begins on a word border, as long as it cuts no user-perceived character.
pub(crate) fn begins_word(text: &str, at: usize) -> bool {
    let (before, from) = text.split_at(at);
    are_parted(from.chars().next(), before.chars().next_back())
}

/// Whether what ends at the byte `at` ends on a word border, as long as it cuts no user-perceived character.
pub(crate) fn ends_word(text: &str, at: usize) -> bool {
    let (to, after) = text.split_at(at);
    are_parted(to.chars().next_back(), after.chars().next())
}

fn are_parted(inside: Option<char>, outside: Option<char>) -> bool {
    outside.is_none_or(|c| !c.is_alphanumeric() || is_unspaced(c)) || inside.is_some_and(is_unspaced)
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
    /// Chooses among places by `choice`; `folding` says what else counts as a surface that stands nowhere as it is.
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
        let call = || name(sentence);
        let mut triples = Vec::with_capacity(sentence.triples.len());
        let mut entities = Vec::with_capacity(sentence.entities.len());
        for triple in &sentence.triples {
            let [subjects, objects] = [&triple.subject, &triple.object]
                .map(|mention| self.candidates(&sentence.text, &folded, mention, call));
            let of = |subject: &Mention, object: &Mention| Triple {
                subject: subject.clone(),
                object: object.clone(),
                ..triple.clone()
            };
            match self.choice {
                Choice::First => triples.push(of(&subjects[0], &objects[0])),
                Choice::Nearest => {
                    let (subject, object) = nearest(&subjects, &objects);
                    triples.push(of(&subjects[subject], &objects[object]));
                }
                Choice::All => {
                    triples
                        .extend(subjects.iter().flat_map(|subject| objects.iter().map(|object| of(subject, object))));
                }
            }
        }
        for entity in &sentence.entities {
            let mut places = self.candidates(&sentence.text, &folded, entity, call);
            if self.choice != Choice::All {
                places.truncate(1);
            }
            entities.append(&mut places);
        }
        drop(folded);
        (sentence.triples, sentence.entities) = (triples, entities);
    }

    /// The mention at each of its places, one at least: a mention that stands nowhere is given back as it is.
    fn candidates(
        &mut self,
        text: &str,
        folded: &Folded,
        mention: &Mention,
        sentence: impl Fn() -> String,
    ) -> Vec<Mention> {
        if mention.span.is_some() {
            return vec![mention.clone()];
        }
        let places = folded_occurrences(text, folded, &mention.text, self.folding);
        let report = &mut self.report;
        report.mentions += 1;
        if places.is_empty() {
            report.missing += 1;
            report.first_missing.get_or_insert_with(|| format!("{:?} in {}", mention.text, sentence()));
            return vec![mention.clone()];
        }
        report.located += 1;
        report.several += usize::from(places.len() > 1);
        report.folded += usize::from(text[places[0].start..places[0].end] != *mention.text.trim());
        let at = |span: ByteSpan| Mention {
            text: text[span.start..span.end].to_owned(),
            span: Some(span),
            entity_type: mention.entity_type.clone(),
        };
        places.into_iter().map(at).collect()
    }
}

/// Numbers of the subject and the object that stand nearest to each other.
fn nearest(subjects: &[Mention], objects: &[Mention]) -> (usize, usize) {
    let pairs = (0..subjects.len()).flat_map(|subject| (0..objects.len()).map(move |object| (subject, object)));
    let distance = |&(subject, object): &(usize, usize)| match (subjects[subject].span, objects[object].span) {
        (Some(subject), Some(object)) => {
            let between = object.start.saturating_sub(subject.end).max(subject.start.saturating_sub(object.end));
            (subject.overlaps(object), between)
        }
        _ => (false, 0),
    };
    pairs.min_by_key(distance).unwrap_or_default()
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

    proptest! {
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
