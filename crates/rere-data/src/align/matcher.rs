//! All names of all entities, found in a text at once.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
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

/// Which names are looked for, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MatcherSettings {
    /// Characters that a name must have, when folded.
    pub min_characters: usize,
    /// What names and text may differ in.
    pub folding: Folding,
}

impl Default for MatcherSettings {
    fn default() -> Self {
        Self { min_characters: 2, folding: Folding::NONE }
    }
}

impl MatcherSettings {
    /// Sets the fewest characters of a name.
    #[must_use]
    pub fn with_min_characters(self, characters: usize) -> Self {
        Self { min_characters: characters, ..self }
    }

    /// Sets what names and text may differ in.
    #[must_use]
    pub fn with_folding(self, folding: Folding) -> Self {
        Self { folding, ..self }
    }
}

/// A place where an entity is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityMention<'a> {
    /// Where the name stands in the text.
    pub span: ByteSpan,
    /// The entities with this name, by number, each once.
    pub entities: &'a [usize],
}

/// Finds the names of entities in texts, by an automaton of Aho and Corasick over all of them.
#[derive(Debug)]
pub struct EntityMatcher {
    automaton: NFA,
    /// Where the automaton stands before a name.
    start: StateID,
    /// Where it stands after the [`head`] of a name.
    ///
    /// Between letters and digits of ASCII there is no word border, so that a name stands on borders only where its head
    /// is the whole head of the text there: one look-up for a word, in place of steps for each of its bytes.
    heads: HashMap<Box<[u8]>, StateID>,
    /// Entities with each name of the automaton.
    entities: Vec<Vec<usize>>,
    short: usize,
    folding: Folding,
}

impl EntityMatcher {
    /// A matcher of `names`, those of entity 0, of entity 1, and so on.
    ///
    /// # Errors
    /// Where the names are too many for an automaton ([`DataError::Names`]).
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
            // Two names of an entity may be the same but for folding.
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
        Ok(Self { automaton, start, heads, entities, short: short.len(), folding })
    }

    /// Number of different names that are looked for.
    pub fn len(&self) -> usize {
        self.entities.len()
    }

    /// Whether no name is looked for.
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    /// Number of different names left out as too short or blank.
    pub fn short(&self) -> usize {
        self.short
    }

    /// The mentions in `text`, from left to right, none overlapping another: of the names that stand on word borders,
    /// as [`occurrences`](crate::occurrences) defines them, always the leftmost, and of these the longest.
    pub fn mentions(&self, text: &str) -> Vec<EntityMention<'_>> {
        let folded = self.folding.apply(text);
        let bytes = folded.text.as_bytes();
        let mut mentions = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let head = head(&bytes[at..]);
            // Names have no space at their ends, which is much of a text.
            if bytes[at] == b' ' {
                at += 1;
            } else if let Some((mention, end)) = self.longest(&folded, at, head) {
                mentions.push(mention);
                at = end;
            } else {
                // Inside the head there is no border that a name could begin on.
                at += head.len().max(1);
            }
        }
        mentions
    }

    /// The longest name that stands on word borders from the byte `from` of the folded text, where `head` is, and its end.
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

    /// The name of `length` bytes that `state` stands for; states stand for names that only end what was read, too.
    fn name(&self, state: StateID, length: usize) -> Option<PatternID> {
        (0..self.automaton.match_len(state))
            .map(|index| self.automaton.match_pattern(state, index))
            .find(|&name| self.automaton.pattern_len(name) == length)
    }
}

/// The letters and digits of ASCII that `text` begins with.
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

    /// Surfaces and entities of the mentions.
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
    fn the_leftmost_and_longest_name_wins() {
        let names = ["New York", "New York City", "York City Council"];
        assert_eq!(surfaces(&names, false, "in New York City Council , New York"), ["New York City", "New York"]);
        assert_eq!(surfaces(&names, false, "a York City Council"), ["York City Council"]);
        assert!(surfaces(&names, false, "new york").is_empty());
    }

    #[test]
    fn names_stand_on_word_borders() {
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
    fn case_is_folded_with_the_text_s_own_places() {
        // "İ" has two characters in lower case and 3 bytes for its 2, so that all behind it moves.
        assert_eq!(surfaces(&["İstanbul", "ANKARA"], true, "İİ İSTANBUL , Ankara"), ["İSTANBUL", "Ankara"]);
        // Half of what "İ" becomes is no place in the text.
        assert!(surfaces(&["ai"], true, "Aİ").is_empty());
        assert!(surfaces(&["\u{307}b"], true, "İb").is_empty());
        assert_eq!(surfaces(&["STRAẞE", "Köln"], true, "straße KÖLN"), ["straße", "KÖLN"]);
        assert!(surfaces(&["strasse"], true, "Straße").is_empty());
        assert_eq!(surfaces(&["Kelvin"], true, "\u{212a}elvin"), ["\u{212a}elvin"]);
    }

    #[test]
    fn a_mark_is_no_word_border() {
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
    fn white_space_is_folded_with_the_text_s_own_places() {
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
    fn characters_are_folded_with_the_text_s_own_places() {
        let text = "\u{feff}Zo\u{200b}ë met Zoe\u{308} O\u{2019}Brien , Jean\u{2013}Luc\u{200b} and Zoes\u{200b}";
        let names: &[&[&str]] =
            &[&["Zoë", "\u{200b}Zoe\u{308} "], &["Zoe\u{308} O'Brien"], &["Jean-Luc"], &["Zoe", "é", "e\u{301}"]];
        let settings = MatcherSettings { folding: Folding::ALL, ..MatcherSettings::default() };
        let matcher = matcher(names, settings);
        // A name of one character is short in its decomposed form too.
        assert_eq!((matcher.len(), matcher.short()), (4, 1));
        let mentions = matcher.mentions(text).into_iter();
        let surfaces: Vec<_> = mentions.map(|m| (m.span.slice(text).expect("fits"), m.entities)).collect();
        assert_eq!(
            surfaces,
            [("Zo\u{200b}ë", &[0][..]), ("Zoe\u{308} O\u{2019}Brien", &[1]), ("Jean\u{2013}Luc", &[2])]
        );
    }

    #[test]
    fn short_names_are_counted() {
        let settings = MatcherSettings { min_characters: 3, ..MatcherSettings::default() };
        let matcher = matcher(&[&["US", "U.S.", " "], &["北京"], &["U.S."]], settings);
        assert_eq!((matcher.len(), matcher.short(), matcher.is_empty()), (1, 3, false));
        assert_eq!(matcher.mentions("US U.S. 北京")[0].entities, [0, 2]);
        // Each once, as those that are long enough.
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
    fn heads_are_whole() {
        // Of one head, with and without more behind; behind other letters and digits; beside scripts without spaces.
        let names = ["New York", "New", "New-York", "York's", "York2"];
        assert_eq!(surfaces(&names, false, "New York New-York Newer York's"), ["New York", "New-York", "York's"]);
        assert_eq!(surfaces(&names, false, "York2 York23 York 2 New"), ["York2", "New"]);
        assert_eq!(surfaces(&["b2", "北b", "b"], false, "éb2 北b2 b2北 北b"), ["b2", "b2", "北b"]);
        assert_eq!(surfaces(&["(b)", "'b", "b"], false, "(b) a'b 'b'"), ["(b)", "'b"]);
    }

    /// Every span by itself, then at each place of the text the longest name there.
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
        fn the_automaton_finds_what_a_slow_search_finds(
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
