//! Search for all names of all entities in a text.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    str::FromStr,
};

use aho_corasick::{
    Anchored, PatternID,
    automaton::{Automaton, StateID},
    nfa::contiguous::NFA,
};
use rere_core::ByteSpan;

use crate::{
    DataError,
    text::{Folded, Folding, begins_word, ends_word},
};

/// Settings of an [`EntityMatcher`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MatcherSettings {
    /// Minimum number of characters of a folded name.
    pub min_characters: usize,
    /// How names and text may differ.
    pub folding: Folding,
}

impl Default for MatcherSettings {
    fn default() -> Self {
        Self { min_characters: 2, folding: Folding::NONE }
    }
}

impl MatcherSettings {
    /// Sets the minimum number of characters of a folded name.
    #[must_use]
    pub fn with_min_characters(self, characters: usize) -> Self {
        Self { min_characters: characters, ..self }
    }

    /// Sets how names and text may differ.
    #[must_use]
    pub fn with_folding(self, folding: Folding) -> Self {
        Self { folding, ..self }
    }
}

/// What a name of several entities means.
///
/// ```
/// use rere_data::AmbiguousNames;
///
/// assert_eq!("frequent".parse(), Ok(AmbiguousNames::Frequent));
/// assert!("first".parse::<AmbiguousNames>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AmbiguousNames {
    /// Any of the entities: the text gets the triples of each.
    #[default]
    Keep,
    /// None of them.
    Skip,
    /// The most frequent one: with the most facts in the knowledge base, or the first of several.
    Frequent,
}

/// Error of a name that is not that of an [`AmbiguousNames`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of keep, skip, frequent, found {0:?}")]
pub struct UnknownAmbiguousNames(String);

impl AmbiguousNames {
    /// All values.
    pub const ALL: [Self; 3] = [Self::Keep, Self::Skip, Self::Frequent];

    /// Returns the name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Skip => "skip",
            Self::Frequent => "frequent",
        }
    }
}

impl FromStr for AmbiguousNames {
    type Err = UnknownAmbiguousNames;

    fn from_str(name: &str) -> Result<Self, UnknownAmbiguousNames> {
        Self::ALL.into_iter().find(|value| value.name() == name).ok_or_else(|| UnknownAmbiguousNames(name.to_owned()))
    }
}

/// An occurrence of a name of entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntityMention<'a> {
    /// Span of the name in the text.
    pub span: ByteSpan,
    /// Numbers of the entities with this name, without repetitions.
    pub entities: &'a [usize],
}

/// Finds the names of entities in texts, with an Aho-Corasick automaton.
///
/// ```
/// use rere_data::{EntityMatcher, MatcherSettings};
///
/// let names = [vec!["Ada".to_owned()], vec!["New York".to_owned(), "NYC".to_owned()]];
/// let matcher = EntityMatcher::new(&names, MatcherSettings::default())?;
/// let text = "Adam met Ada in New York";
/// let mentions = matcher.mentions(text);
/// assert_eq!(mentions.len(), 2);
/// assert_eq!((mentions[1].span.slice(text), mentions[1].entities), (Ok("New York"), &[1][..]));
/// # Ok::<(), rere_data::DataError>(())
/// ```
#[derive(Debug)]
pub struct EntityMatcher {
    automaton: NFA,
    /// State before a name.
    start: StateID,
    /// States after the [`head`] of each name.
    ///
    /// There is no word boundary between ASCII letters and digits, so a name can only match if its head is the whole
    /// head of the text. One lookup per word replaces a step for each of its bytes.
    heads: HashMap<Box<[u8]>, StateID>,
    /// Entities of each name of the automaton.
    entities: Vec<Vec<usize>>,
    short: usize,
    ambiguous: usize,
    folding: Folding,
}

impl EntityMatcher {
    /// Creates a matcher for the names of entity 0, of entity 1, and so on.
    ///
    /// # Errors
    /// Returns [`DataError::Names`] if the names are too many for an automaton.
    pub fn new(names: &[Vec<String>], settings: MatcherSettings) -> Result<Self, DataError> {
        let MatcherSettings { min_characters, folding } = settings;
        let mut numbers: HashMap<Cow<'_, str>, usize> = HashMap::new();
        let mut patterns: Vec<Cow<'_, str>> = Vec::new();
        let mut entities: Vec<Vec<usize>> = Vec::new();
        let mut short: HashSet<Cow<'_, str>> = HashSet::new();
        for (entity, name) in names.iter().enumerate().flat_map(|(entity, own)| own.iter().map(move |n| (entity, n))) {
            let name = folding.apply(folding.trim(name)).text;
            if name.chars().count() < min_characters.max(1) {
                short.insert(name);
                continue;
            }
            let number = *numbers.entry(name).or_insert_with_key(|name| {
                patterns.push(name.clone());
                entities.push(Vec::new());
                entities.len() - 1
            });
            // Two names of an entity may be equal after folding.
            if entities[number].last() != Some(&entity) {
                entities[number].push(entity);
            }
        }
        let automaton =
            NFA::new(patterns.iter().map(|name| name.as_bytes())).map_err(|error| DataError::Names(Box::new(error)))?;
        let start = automaton.start_state(Anchored::Yes).map_err(|error| DataError::Names(Box::new(error)))?;
        let after =
            |head: &[u8]| head.iter().fold(start, |state, &byte| automaton.next_state(Anchored::Yes, state, byte));
        let heads = patterns.iter().map(|name| head(name.as_bytes())).map(|head| (head.into(), after(head))).collect();
        let ambiguous = entities.iter().filter(|entities| entities.len() > 1).count();
        Ok(Self { automaton, start, heads, entities, short: short.len(), ambiguous, folding })
    }

    /// Decides what names of several entities mean. `frequency` is the number of facts of an entity.
    ///
    /// A skipped name is not found, nor is a shorter name inside it.
    pub(super) fn resolve(&mut self, ambiguous: AmbiguousNames, frequency: impl Fn(usize) -> usize) {
        for entities in self.entities.iter_mut().filter(|entities| entities.len() > 1) {
            match ambiguous {
                AmbiguousNames::Keep => {}
                AmbiguousNames::Skip => entities.clear(),
                AmbiguousNames::Frequent => {
                    // Of several, `max_by_key` would return the last.
                    let most = entities.iter().rev().copied().max_by_key(|&entity| frequency(entity));
                    *entities = most.into_iter().collect();
                }
            }
        }
    }

    /// Returns the number of distinct names.
    pub fn len(&self) -> usize {
        self.entities.len()
    }

    /// Returns whether there are no names.
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    /// Returns the number of distinct names left out because they are too short or blank.
    pub fn short(&self) -> usize {
        self.short
    }

    /// Returns the number of distinct names that several entities share.
    pub fn ambiguous(&self) -> usize {
        self.ambiguous
    }

    /// Returns the numbers of the entities with this name, with the folding of the matcher; none if the name is too
    /// short.
    pub fn entities(&self, name: &str) -> &[usize] {
        let name = self.folding.apply(self.folding.trim(name)).text;
        let next = |state, &byte: &u8| self.automaton.next_state(Anchored::Yes, state, byte);
        let state = name.as_bytes().iter().fold(self.start, next);
        let found = self.automaton.is_match(state).then(|| self.name(state, name.len())).flatten();
        found.map_or(&[], |name| &self.entities[name])
    }

    /// Returns the mentions in `text`, from left to right, without overlaps: the leftmost name on word boundaries, as
    /// [`occurrences`](crate::occurrences) defines them, and the longest of several.
    pub fn mentions(&self, text: &str) -> Vec<EntityMention<'_>> {
        let folded = self.folding.apply(text);
        let bytes = folded.text.as_bytes();
        let mut mentions = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let head = head(&bytes[at..]);
            // Names do not begin with a space.
            if bytes[at] == b' ' {
                at += 1;
            } else if let Some((mention, end)) = self.longest(&folded, at, head) {
                if !mention.entities.is_empty() {
                    mentions.push(mention);
                }
                at = end;
            } else {
                // There is no word boundary inside the head.
                at += head.len().max(1);
            }
        }
        mentions
    }

    /// Returns the longest name on word boundaries that begins with `head` at the byte `from` of the folded text, and
    /// its end.
    fn longest(&self, folded: &Folded<'_>, from: usize, head: &[u8]) -> Option<(EntityMention<'_>, usize)> {
        let text = folded.text.as_ref();
        let mut state = if head.is_empty() { self.start } else { *self.heads.get(head)? };
        if !text.is_char_boundary(from) || !begins_word(text, from) {
            return None;
        }
        let mut at = from + head.len();
        let mut longest = None;
        loop {
            if self.automaton.is_match(state)
                && let Some(name) = self.name(state, at - from)
                && ends_word(text, at)
                && let Some(end) = folded.original_end(at)
            {
                longest = Some((name, end, at));
            }
            let Some(&byte) = text.as_bytes().get(at) else { break };
            state = self.automaton.next_state(Anchored::Yes, state, byte);
            if self.automaton.is_dead(state) {
                break;
            }
            at += 1;
        }
        let (name, end, at) = longest?;
        let start = folded.original_start(from)?;
        Some((EntityMention { span: ByteSpan::new(start, end), entities: &self.entities[name] }, at))
    }

    /// Returns the name of `length` bytes that `state` matches. States also match shorter names that end there.
    fn name(&self, state: StateID, length: usize) -> Option<PatternID> {
        (0..self.automaton.match_len(state))
            .map(|index| self.automaton.match_pattern(state, index))
            .find(|&name| self.automaton.pattern_len(name) == length)
    }
}

/// Returns the ASCII letters and digits at the beginning of `text`.
fn head(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_alphanumeric());
    &text[..end.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::{on_word_borders, slow};

    fn matcher(names: &[&[&str]], settings: MatcherSettings) -> EntityMatcher {
        let names: Vec<Vec<String>> = names.iter().map(|own| own.iter().map(|&n| n.to_owned()).collect()).collect();
        EntityMatcher::new(&names, settings).expect("a matcher")
    }

    /// Returns surfaces and entities of the mentions.
    fn found(names: &[&[&str]], fold_case: bool, text: &str) -> Vec<(String, Vec<usize>)> {
        let folding = Folding { case: fold_case, ..Folding::NONE };
        let matcher = matcher(names, MatcherSettings { folding, ..MatcherSettings::default() });
        let mentions = matcher.mentions(text).into_iter();
        mentions.map(|m| (m.span.slice(text).expect("fits").to_owned(), m.entities.to_vec())).collect()
    }

    fn surfaces(names: &[&str], fold_case: bool, text: &str) -> Vec<String> {
        found(&[names], fold_case, text).into_iter().map(|(surface, _)| surface).collect()
    }

    #[test]
    fn the_leftmost_longest_name_is_found() {
        let names = ["New York", "New York City", "York City Council"];
        assert_eq!(surfaces(&names, false, "in New York City Council , New York"), ["New York City", "New York"]);
        assert_eq!(surfaces(&names, false, "a York City Council"), ["York City Council"]);
        assert!(surfaces(&names, false, "new york").is_empty());
    }

    #[test]
    fn names_are_found_on_word_boundaries() {
        assert_eq!(surfaces(&["Rome"], false, "Romeo left Rome"), ["Rome"]);
        // The longer name ends inside a word, the shorter one does not.
        assert_eq!(surfaces(&["New York", "New York Time"], false, "the New York Times"), ["New York"]);
        // So does the one that begins first.
        assert_eq!(surfaces(&["n Rome", "Rome"], false, "in Rome"), ["Rome"]);
        assert!(surfaces(&["cafe"], false, "cafe\u{301}").is_empty());
    }

    #[test]
    fn chinese_names() {
        let names = ["北京", "北京大学", "大学", "京"];
        assert_eq!(surfaces(&names, false, "他在北京大学，北京2013年的大学"), ["北京大学", "北京", "大学"]);
    }

    #[test]
    fn a_name_of_several_entities() {
        let names: &[&[&str]] = &[&["Paris", "PARIS"], &["Paris", "Texas"], &[]];
        assert_eq!(found(names, false, "Paris"), [("Paris".to_owned(), vec![0, 1])]);
        assert_eq!(found(names, true, "pARIS"), [("pARIS".to_owned(), vec![0, 1])]);
    }

    #[test]
    fn spans_are_those_of_the_text_if_case_is_folded() {
        // "İ" has two characters and 3 instead of 2 bytes in lower case, which shifts the text after it.
        assert_eq!(surfaces(&["İstanbul", "ANKARA"], true, "İİ İSTANBUL , Ankara"), ["İSTANBUL", "Ankara"]);
        // A part of the folded "İ" has no span in the text.
        assert!(surfaces(&["ai"], true, "Aİ").is_empty());
        assert!(surfaces(&["\u{307}b"], true, "İb").is_empty());
        assert_eq!(surfaces(&["STRAẞE", "Köln"], true, "straße KÖLN"), ["straße", "KÖLN"]);
        assert!(surfaces(&["strasse"], true, "Straße").is_empty());
        assert_eq!(surfaces(&["Kelvin"], true, "\u{212a}elvin"), ["\u{212a}elvin"]);
    }

    #[test]
    fn marks_are_not_word_boundaries() {
        assert_eq!(surfaces(&["union"], false, "Re\u{301}union"), [""; 0]);
        assert_eq!(surfaces(&["union"], false, "Re\u{301} union"), ["union"]);
        assert_eq!(surfaces(&["நாடு", "தமிழ்"], false, "தமிழ்நாடு நாடு"), ["நாடு"]);
        assert_eq!(
            surfaces(&["葛\u{e0100}", "京"], false, "葛\u{e0100}a葛\u{e0100}京"),
            ["葛\u{e0100}", "葛\u{e0100}"]
        );
    }

    #[test]
    fn a_final_sigma_is_folded() {
        assert_eq!(surfaces(&["Οδυσσευς"], true, "ΟΔΥΣΣΕΥΣ"), ["ΟΔΥΣΣΕΥΣ"]);
        assert!(surfaces(&["Οδυσσευς"], false, "ΟΔΥΣΣΕΥΣ").is_empty());
    }

    #[test]
    fn spans_are_those_of_the_text_if_white_space_is_folded() {
        let text = "in New  York\u{a0} , New\r\nYork\tCity and New York";
        let folding = Folding { space: true, ..Folding::NONE };
        let settings = MatcherSettings { folding, ..MatcherSettings::default() };
        let names: &[&[&str]] = &[&["New York", " New \n York"], &["York City"]];
        let matcher = matcher(names, settings);
        let mentions = matcher.mentions(text).into_iter();
        let surfaces: Vec<_> = mentions.map(|m| (m.span.slice(text).expect("fits"), m.entities)).collect();
        assert_eq!(surfaces, [("New  York", &[0][..]), ("New\r\nYork", &[0]), ("New York", &[0])]);
        assert_eq!(matcher.len(), 2);
        assert_eq!(self::surfaces(&["New York"], false, text), ["New York"]);
    }

    #[test]
    fn spans_are_those_of_the_text_if_characters_are_folded() {
        let text = "\u{feff}Zo\u{200b}ë met Zoe\u{308} O\u{2019}Brien , Jean\u{2013}Luc\u{200b} and Zoes\u{200b}";
        let names: &[&[&str]] =
            &[&["Zoë", "\u{200b}Zoe\u{308} "], &["Zoe\u{308} O'Brien"], &["Jean-Luc"], &["Zoe", "é", "e\u{301}"]];
        let settings = MatcherSettings { folding: Folding::ALL, ..MatcherSettings::default() };
        let matcher = matcher(names, settings);
        // A name of one character is also too short in decomposed form.
        assert_eq!((matcher.len(), matcher.short()), (4, 1));
        let mentions = matcher.mentions(text).into_iter();
        let surfaces: Vec<_> = mentions.map(|m| (m.span.slice(text).expect("fits"), m.entities)).collect();
        assert_eq!(
            surfaces,
            [("Zo\u{200b}ë", &[0][..]), ("Zoe\u{308} O\u{2019}Brien", &[1]), ("Jean\u{2013}Luc", &[2])]
        );
    }

    #[test]
    fn names_are_looked_up() {
        let names: &[&[&str]] = &[&["Ada Lovelace", "Ada"], &["London", "A"], &["ADA"]];
        let plain = matcher(names, MatcherSettings::default());
        for (name, entities) in
            [("Ada", &[0][..]), (" Ada ", &[0]), ("Ada Lovelace", &[0]), ("London", &[1]), ("ADA", &[2])]
        {
            assert_eq!(plain.entities(name), entities, "{name}");
        }
        for name in ["", "A", "Ad", "Adam", "Ada Love", "ada", "da", "xAda"] {
            assert_eq!(plain.entities(name), [0; 0], "{name}");
        }
        let folded = matcher(names, MatcherSettings::default().with_folding(Folding::ALL));
        assert_eq!(folded.entities("aDA\u{200b}"), [0, 2]);
        assert_eq!((plain.ambiguous(), folded.ambiguous()), (0, 1));
    }

    #[test]
    fn ambiguous_names_are_resolved() {
        let names: &[&[&str]] = &[&["New York"], &["New York", "NYC"], &["York"], &["New York", "NYC"]];
        let resolved = |ambiguous, facts: [usize; 4]| {
            let mut matcher = matcher(names, MatcherSettings::default());
            matcher.resolve(ambiguous, |entity| facts[entity]);
            assert_eq!((matcher.ambiguous(), matcher.entities("York")), (2, &[2][..]));
            let mentions = matcher.mentions("New York , York , NYC");
            mentions.iter().map(|mention| mention.entities.to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(resolved(AmbiguousNames::Keep, [0; 4]), [vec![0, 1, 3], vec![2], vec![1, 3]]);
        // York inside New York is not found.
        assert_eq!(resolved(AmbiguousNames::Skip, [0; 4]), [[2]]);
        assert_eq!(resolved(AmbiguousNames::Frequent, [1, 2, 9, 3]), [[3], [2], [3]]);
        assert_eq!(resolved(AmbiguousNames::Frequent, [3, 2, 9, 2]), [[0], [2], [1]]);
    }

    #[test]
    fn short_names_are_counted() {
        let settings = MatcherSettings { min_characters: 3, ..MatcherSettings::default() };
        let matcher = matcher(&[&["US", "U.S.", " "], &["北京"], &["U.S."]], settings);
        assert_eq!((matcher.len(), matcher.short(), matcher.is_empty()), (1, 3, false));
        assert_eq!(matcher.mentions("US U.S. 北京")[0].entities, [0, 2]);
        // Each name counts once.
        let folded = MatcherSettings { folding: Folding { case: true, ..Folding::NONE }, ..settings };
        let names = [&["US", "USA"][..], &["us", "UK"], &["US", "usa"]];
        let counts = |settings| {
            let matcher = self::matcher(&names, settings);
            (matcher.len(), matcher.short())
        };
        assert_eq!((counts(settings), counts(folded)), ((2, 3), (1, 2)));
        let nothing = EntityMatcher::new(&[], MatcherSettings::default()).expect("a matcher");
        assert!(nothing.is_empty() && nothing.mentions("US").is_empty());
    }

    #[test]
    fn heads_of_names_match_whole_heads() {
        // Names with the same head; after other letters and digits; next to scripts without spaces.
        let names = ["New York", "New", "New-York", "York's", "York2"];
        assert_eq!(surfaces(&names, false, "New York New-York Newer York's"), ["New York", "New-York", "York's"]);
        assert_eq!(surfaces(&names, false, "York2 York23 York 2 New"), ["York2", "New"]);
        assert_eq!(surfaces(&["b2", "北b", "b"], false, "éb2 北b2 b2北 北b"), ["b2", "b2", "北b"]);
        assert_eq!(surfaces(&["(b)", "'b", "b"], false, "(b) a'b 'b'"), ["(b)", "'b"]);
    }

    /// Compares each span with each name, and keeps the longest name at each position.
    fn slow(names: &[String], folding: Folding, text: &str) -> Vec<(ByteSpan, Vec<usize>)> {
        let names: Vec<String> = names.iter().map(|name| slow::fold(folding.trim(name), folding)).collect();
        let whole = slow::fold(text, folding);
        let mut mentions: Vec<(ByteSpan, Vec<usize>)> = Vec::new();
        for (span, range) in slow::spans(text, folding) {
            let entities: Vec<usize> =
                (0..names.len()).filter(|&entity| names[entity] == whole[range.clone()]).collect();
            if entities.is_empty() || !on_word_borders(&whole, ByteSpan::new(range.start, range.end)) {
                continue;
            }
            match mentions.last_mut() {
                Some(last) if last.0.start == span.start => *last = (span, entities),
                Some(last) if span.start < last.0.end => {}
                _ => mentions.push((span, entities)),
            }
        }
        mentions
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]
        #[test]
        fn mentions_are_those_of_a_full_comparison(
            names in prop::collection::vec("[abAk2İßΣ北ée \u{307}\u{301}\u{200b}\u{200d}'\u{2019}-]{0,4}", 0..8),
            text in "[abAk2\u{212a}İßẞσς北éei\u{307}\u{301}\u{600}\u{200b}\u{200d}\u{ad}\u{e0100} .\r\n'\u{2019}\u{2bc}\u{2013}-]{0,20}",
            case: bool,
            space: bool,
            characters: bool,
        ) {
            let each: Vec<Vec<String>> = names.iter().map(|name| vec![name.clone()]).collect();
            let folding = Folding { case, space, characters };
            let settings = MatcherSettings { min_characters: 1, folding };
            let matcher = EntityMatcher::new(&each, settings).expect("a matcher");
            let found: Vec<_> = matcher.mentions(&text).into_iter().map(|m| (m.span, m.entities.to_vec())).collect();
            prop_assert_eq!(found, slow(&names, folding, &text));
        }
    }
}
