//! Generates sentences from the patterns and the names.
//!
//! A sentence has an optional opener, one whole sentence or several predicates of one person, and an optional tail. Each slot gets
//! an entity that the sentence does not name yet, and its span is recorded.

use std::collections::{BTreeMap, BTreeSet};

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_core::{ByteSpan, Mention, Sentence, Triple};
use serde_json::{Value, json};

use crate::names::{BOOKS_OF_CITIES, COMPANIES_OF_CITIES, Names, UNIVERSITIES};
use crate::patterns::{
    EMPTY_PREDICATES, EMPTY_SENTENCES, OPENERS, PREDICATES, Pattern, RELATIONS, SENTENCES, TAILS, WORDS,
};

/// The seed of the committed corpus.
pub const SEED: u64 = 2022;
/// The parts of the corpus in the order of generation, with their numbers of sentences.
pub const PARTS: [(&str, usize); 3] = [("train", 3000), ("dev", 400), ("test", 600)];
/// One in this many names is kept out of the training part. Coprime to the lengths of the lists that names are made of, so that no
/// ending or form is kept out completely.
const HELD_OUT: usize = 11;

/// Generates the sentences of each of [`PARTS`]. All texts are different, within a part and between parts.
pub fn corpus(seed: u64) -> [Vec<Sentence>; 3] {
    let names = Names::new();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut seen = BTreeSet::new();
    PARTS.map(|(part, count)| {
        let mut sentences = Vec::with_capacity(count);
        while sentences.len() < count {
            let mut sentence = Writer::new(&names, part == "train", &mut rng).sentence();
            if seen.insert(sentence.text.clone()) {
                sentence.id = Some(format!("small-{part}-{}", sentences.len() + 1));
                sentences.push(sentence);
            }
        }
        sentences
    })
}

/// Formats sentences as JSON lines in the rere format, with spans in code points.
pub fn to_json_lines(sentences: &[Sentence]) -> String {
    sentences.iter().map(|sentence| format!("{}\n", to_json(sentence))).collect()
}

fn to_json(sentence: &Sentence) -> Value {
    let mention = |mention: &Mention| {
        let bytes = mention.span.expect("the writer notes every span");
        let span = bytes.to_chars(&sentence.text).expect("the writer's spans lie in its text");
        json!({ "text": mention.text, "start": span.start, "end": span.end })
    };
    let triples: Vec<Value> = sentence
        .triples
        .iter()
        .map(|triple| {
            let (subject, object) = (mention(&triple.subject), mention(&triple.object));
            json!({ "subject": subject, "relation": triple.relation, "object": object })
        })
        .collect();
    json!({ "id": sentence.id, "text": sentence.text, "triples": triples })
}

/// Returns the relation of a pattern's first triple.
fn relation((_, triples): Pattern) -> Option<&'static str> {
    triples.split(' ').nth(1)
}

/// A sentence in the making.
struct Writer<'a> {
    names: &'a Names,
    training: bool,
    rng: &'a mut ChaCha8Rng,
    text: String,
    triples: Vec<Triple>,
    /// All entities that the sentence names.
    named: Vec<String>,
}

/// The first mention of each slot of a pattern.
type Slots = BTreeMap<String, Mention>;

impl<'a> Writer<'a> {
    fn new(names: &'a Names, training: bool, rng: &'a mut ChaCha8Rng) -> Self {
        Self { names, training, rng, text: String::new(), triples: vec![], named: vec![] }
    }

    fn sentence(mut self) -> Sentence {
        if self.rng.random_bool(0.3) {
            let opener = self.any(OPENERS);
            self.pattern(opener, Slots::new());
        }
        match (self.rng.random_bool(0.85), self.rng.random_bool(0.55)) {
            (true, true) => {
                let mut predicates = vec![self.saying(PREDICATES)];
                for _ in 0..self.rng.random_range(1..=2) {
                    let says = self.rng.random_bool(0.85);
                    let next = if says { self.saying(PREDICATES) } else { self.any(EMPTY_PREDICATES) };
                    // A person has each relation once, as a person is born once.
                    if !says || predicates.iter().all(|other| relation(*other) != relation(next)) {
                        predicates.push(next);
                    }
                }
                let first = self.rng.random_range(0..predicates.len());
                predicates.swap(0, first);
                self.predicates(&predicates);
            }
            (true, false) => {
                let pattern = self.saying(SENTENCES);
                self.pattern(pattern, Slots::new());
            }
            (false, true) => {
                let predicates = [self.any(EMPTY_PREDICATES), self.any(EMPTY_PREDICATES)];
                self.predicates(&predicates);
            }
            (false, false) => {
                let pattern = self.any(EMPTY_SENTENCES);
                self.pattern(pattern, Slots::new());
            }
        }
        if self.rng.random_bool(0.4) {
            let tail = self.any(TAILS);
            self.pattern(tail, Slots::new());
        }
        self.text.push('.');
        // Entities already begin with a capital, so no mention changes; and upper case keeps the length of ASCII letters.
        if let Some(first) = self.text.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        {
            let mut sentence = Sentence::default().with_triples(self.triples);
            sentence.text = self.text;
            sentence
        }
    }

    /// Draws any of the patterns.
    fn any(&mut self, patterns: &[Pattern]) -> Pattern {
        *patterns.choose(self.rng).expect("no table is empty")
    }

    /// Draws a relation by the weights of [`RELATIONS`], then a pattern whose first triple has it.
    fn saying(&mut self, patterns: &[Pattern]) -> Pattern {
        loop {
            let (drawn, _) = RELATIONS.choose_weighted(self.rng, |(_, weight)| *weight).expect("weights are positive");
            let of_relation: Vec<Pattern> =
                patterns.iter().filter(|pattern| relation(**pattern) == Some(drawn)).copied().collect();
            // Not every relation has predicates.
            if let Some(pattern) = of_relation.choose(self.rng) {
                return *pattern;
            }
        }
    }

    /// Writes predicates of one person: "P a", "P a and b", "P a, b and c".
    fn predicates(&mut self, predicates: &[Pattern]) {
        let mut slots = Slots::new();
        self.slot("p", &mut slots);
        for (i, predicate) in predicates.iter().enumerate() {
            self.text.push_str(if i == 0 {
                " "
            } else if i + 1 == predicates.len() {
                " and "
            } else {
                ", "
            });
            self.pattern(*predicate, slots.clone());
        }
    }

    /// Writes a pattern and records its triples; `slots` are already filled.
    fn pattern(&mut self, (text, triples): Pattern, mut slots: Slots) {
        let chosen = self.choose(text);
        let mut rest = chosen.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (slot, after) = after.split_once('}').expect("a slot of a pattern is closed");
            self.text.push_str(before);
            self.slot(slot, &mut slots);
            rest = after;
        }
        self.text.push_str(rest);
        for triple in triples.split("; ").filter(|triple| !triple.is_empty()) {
            let [subject, relation, object] = triple.split(' ').collect::<Vec<_>>()[..] else {
                unreachable!("a triple of a pattern is subject, relation, object: {triple}")
            };
            let slot = |name: &str| {
                slots.get(name).cloned().unwrap_or_else(|| panic!("a pattern has no slot {name}: {chosen}"))
            };
            let (subject, object) = (slot(subject), slot(object));
            self.triples.push(Triple::new(subject, relation, object));
        }
    }

    /// Returns the pattern's text with one choice of each `[a|b]`.
    fn choose(&mut self, text: &str) -> String {
        let mut chosen = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('[') {
            let (choices, after) = after.split_once(']').expect("a choice of a pattern is closed");
            let choices: Vec<&str> = choices.split('|').collect();
            chosen += before;
            chosen += choices.choose(self.rng).expect("a split gives one part at least");
            rest = after;
        }
        chosen + rest
    }

    /// Fills a slot: with a word of a list, a year, an entity that the pattern has named before, or a new one.
    fn slot(&mut self, slot: &str, slots: &mut Slots) {
        if let Some((_, words)) = WORDS.iter().find(|(name, _)| *name == slot) {
            self.text.push_str(words.choose(self.rng).expect("no list is empty"));
            return;
        }
        if slot == "year" {
            let year = self.rng.random_range(1920..2020);
            self.text.push_str(&year.to_string());
            return;
        }
        let (slot, city) = slot.split_once(':').map_or((slot, None), |(slot, city)| (slot, Some(city)));
        let surface = self.entity(slot, city, slots);
        let article = ["University of ", "Bank of "].iter().any(|name| surface.starts_with(name));
        if article || surface.ends_with("Institute of Technology") {
            self.text.push_str("the ");
        }
        let start = self.text.len();
        self.text.push_str(&surface);
        let span = ByteSpan::new(start, self.text.len());
        slots.entry(slot.to_owned()).and_modify(|mention| mention.span = mention.span.or(Some(span)));
    }

    /// Returns the name of the entity in a slot. A new one differs from all that the sentence names; `city` is the slot of the city
    /// that it is named after.
    fn entity(&mut self, slot: &str, city: Option<&str>, slots: &mut Slots) -> String {
        if let Some(mention) = slots.get(slot) {
            return mention.text.clone();
        }
        let city = city.map(|city| self.entity(city, None, slots));
        let surface = loop {
            let surface = self.name(slot, city.as_deref());
            let unlike = |named: &String| !surface.contains(named.as_str()) && !named.contains(&surface);
            if self.named.iter().filter(|named| Some(*named) != city.as_ref()).all(unlike) {
                break surface;
            }
        };
        self.named.push(surface.clone());
        slots.insert(slot.to_owned(), Mention::of(surface.clone()));
        surface
    }

    /// Draws a name for a slot, whose first letter is the kind of entity.
    fn name(&mut self, slot: &str, city: Option<&str>) -> String {
        let names = self.names;
        match (&slot[..1], city) {
            ("u", Some(city)) => self.after(city, UNIVERSITIES),
            ("o", Some(city)) => self.after(city, COMPANIES_OF_CITIES),
            ("b", Some(city)) => self.after(city, BOOKS_OF_CITIES),
            ("u", None) => self.one_of(&names.universities),
            ("o", None) => self.one_of(&names.companies),
            ("b", None) => self.one_of(&names.books),
            ("c", None) => self.one_of(&names.cities),
            ("n", None) => self.one_of(&names.countries),
            ("p", None) if self.rng.random_bool(0.02) => self.one_of(&names.chinese_persons),
            ("p", None) => format!("{} {}", self.one_of(&names.first_names), self.one_of(&names.last_names)),
            _ => unreachable!("no kind of entity: {slot}"),
        }
    }

    fn after(&mut self, city: &str, forms: &[&str]) -> String {
        forms.choose(self.rng).expect("no list is empty").replace('*', city)
    }

    /// Draws a name of the list; in training, not one that is kept out.
    fn one_of(&mut self, names: &[String]) -> String {
        loop {
            let i = self.rng.random_range(0..names.len());
            if !(self.training && i % HELD_OUT == HELD_OUT / 2) {
                return names[i].clone();
            }
        }
    }
}
