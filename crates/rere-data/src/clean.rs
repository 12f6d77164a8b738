//! Cleaning of corpora.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use rere_core::{Mention, Sentence};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{locate::mention_spans, mention::without_entity, text::Folding};

/// Settings of a [`Cleaner`]. The default changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CleanSettings {
    /// The relations to keep; `None` for all.
    pub relations: Option<HashSet<String>>,
    /// Replace surfaces that the text has as whole words only after folding. They become those of the text.
    pub folding: Folding,
    /// Discard triples whose subject or object is not in the text.
    pub missing: bool,
    /// Discard sentences without triples.
    pub empty: bool,
    /// Discard repeated triples of a sentence, and sentences with the same text, triples and negatives as an earlier
    /// one.
    pub duplicates: bool,
}

impl CleanSettings {
    /// Restricts the triples to these relations.
    #[must_use]
    pub fn with_relations<N: Into<String>>(self, names: impl IntoIterator<Item = N>) -> Self {
        Self { relations: Some(names.into_iter().map(Into::into).collect()), ..self }
    }

    /// Sets how surfaces may differ from the text; they are replaced by those of the text.
    #[must_use]
    pub fn with_folding(self, folding: Folding) -> Self {
        Self { folding, ..self }
    }

    /// Sets whether to discard triples whose subject or object is not in the text.
    #[must_use]
    pub fn with_missing(self, missing: bool) -> Self {
        Self { missing, ..self }
    }

    /// Sets whether to discard sentences without triples.
    #[must_use]
    pub fn with_empty(self, empty: bool) -> Self {
        Self { empty, ..self }
    }

    /// Sets whether to discard repeated triples and sentences.
    #[must_use]
    pub fn with_duplicates(self, duplicates: bool) -> Self {
        Self { duplicates, ..self }
    }
}

/// Cleans a corpus, sentence by sentence.
///
/// ```
/// use rere_core::{Sentence, Triple};
/// use rere_data::{CleanSettings, Cleaner, Folding};
///
/// let settings = CleanSettings::default().with_relations(["born_in"]).with_folding(Folding::ALL).with_empty(true);
/// let mut sentence = Sentence::new("ada was born in london .")
///     .with_triples([Triple::of("Ada", "born_in", "London"), Triple::of("ada", "lived_in", "london")]);
/// let mut cleaner = Cleaner::new(settings);
/// assert!(cleaner.clean(&mut sentence), "the sentence is kept");
/// assert_eq!(sentence.triples, [Triple::of("ada", "born_in", "london")]);
/// assert_eq!(cleaner.report().other_relations["lived_in"], 1);
/// ```
#[derive(Debug, Clone)]
pub struct Cleaner {
    settings: CleanSettings,
    /// Digests of the previous sentences, 32 bytes each.
    seen: HashSet<[u8; 32]>,
    report: CleanReport,
}

/// Report of a [`Cleaner`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct CleanReport {
    /// Sentences read.
    pub sentences: usize,
    /// Triples read.
    pub triples: usize,
    /// Triples discarded because of their relation, by relation.
    pub other_relations: HashMap<String, usize>,
    /// Surfaces replaced by those of the text.
    pub surfaces: usize,
    /// Triples discarded because their subject or object is not in the text.
    pub missing: usize,
    /// Triples discarded because their sentence has them already.
    pub duplicate_triples: usize,
    /// Sentences discarded because they have no triples.
    pub empty: usize,
    /// Sentences discarded because an earlier one has the same text, triples and negatives.
    pub duplicate_sentences: usize,
    /// Triples of these sentences.
    pub triples_of_duplicates: usize,
}

impl Cleaner {
    /// Creates a cleaner, which applies the settings in the order of their fields.
    pub fn new(settings: CleanSettings) -> Self {
        Self { settings, seen: HashSet::new(), report: CleanReport::default() }
    }

    /// Returns the report on the sentences so far.
    pub fn report(&self) -> &CleanReport {
        &self.report
    }

    /// Cleans a sentence and returns whether to keep it.
    pub fn clean(&mut self, sentence: &mut Sentence) -> bool {
        let Self { settings, seen, report } = self;
        report.sentences += 1;
        report.triples += sentence.triples.len();
        if let Some(relations) = &settings.relations {
            sentence.triples.retain(|triple| {
                let is_kept = relations.contains(&triple.relation);
                if !is_kept {
                    *report.other_relations.entry(triple.relation.clone()).or_default() += 1;
                }
                is_kept
            });
        }
        if settings.folding != Folding::NONE {
            report.surfaces += restore_surfaces(sentence, settings.folding);
        }
        if settings.missing {
            let before = sentence.triples.len();
            let is_found = |mention: &Mention| !mention_spans(&sentence.text, mention).is_empty();
            sentence.triples.retain(|triple| is_found(&triple.subject) && is_found(&triple.object));
            report.missing += before - sentence.triples.len();
        }
        if settings.duplicates {
            let before = sentence.triples.len();
            let mut own = HashSet::new();
            // Triples that differ only in score or entity ids are equal; the first one is kept.
            sentence
                .triples
                .retain(|t| own.insert((without_entity(&t.subject), t.relation.clone(), without_entity(&t.object))));
            report.duplicate_triples += before - sentence.triples.len();
        }
        if settings.empty && sentence.triples.is_empty() {
            report.empty += 1;
            return false;
        }
        let is_kept = !settings.duplicates || seen.insert(digest(sentence));
        if !is_kept {
            report.duplicate_sentences += 1;
            report.triples_of_duplicates += sentence.triples.len();
        }
        is_kept
    }
}

/// Replaces surfaces that the text has only after folding by that of the first occurrence, and returns how many
/// changed.
fn restore_surfaces(sentence: &mut Sentence, folding: Folding) -> usize {
    let folded = folding.apply(&sentence.text);
    let pairs = sentence.triples.iter_mut().chain(&mut sentence.negatives);
    let of_pairs = pairs.flat_map(|triple| [&mut triple.subject, &mut triple.object]);
    let mut changed = 0;
    for mention in of_pairs.chain(&mut sentence.entities).filter(|mention| mention.span.is_none()) {
        let first = folded.occurrences(&mention.text).into_iter().next();
        let surface = first.map_or("", |span| &folded.original[span.start..span.end]);
        if !surface.is_empty() && surface != mention.text.trim() {
            surface.clone_into(&mut mention.text);
            changed += 1;
        }
    }
    changed
}

/// Returns a digest of the text, the triples and the negatives of a sentence, whatever their order.
fn digest(sentence: &Sentence) -> [u8; 32] {
    let [triples, negatives] = [&sentence.triples, &sentence.negatives].map(|pairs| {
        let mut pairs: Vec<_> =
            pairs.iter().map(|t| (without_entity(&t.subject), &t.relation, without_entity(&t.object))).collect();
        pairs.sort_unstable();
        pairs
    });
    // Debug output quotes strings, so different sentences have different outputs.
    Sha256::digest(format!("{:?}{triples:?}{negatives:?}", sentence.text)).into()
}

impl fmt::Display for CleanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let other: usize = self.other_relations.values().sum();
        writeln!(f, "input: {} sentences, {} triples", self.sentences, self.triples)?;
        for (count, what) in [
            (other, format!("triples removed: of {} other relations", self.other_relations.len())),
            (self.surfaces, "surfaces replaced by those of the text".to_owned()),
            (self.missing, "triples removed: subject or object not in the text".to_owned()),
            (self.duplicate_triples, "triples removed: repeated in their sentence".to_owned()),
            (self.empty, "sentences removed: without triples".to_owned()),
            (
                self.duplicate_sentences,
                format!("sentences removed: repeated, with {} triples", self.triples_of_duplicates),
            ),
        ] {
            if count > 0 {
                writeln!(f, "{count} {what}")?;
            }
        }
        let triples = self.triples - other - self.missing - self.duplicate_triples - self.triples_of_duplicates;
        let sentences = self.sentences - self.empty - self.duplicate_sentences;
        write!(f, "output: {sentences} sentences, {triples} triples")
    }
}

#[cfg(test)]
mod tests {
    use rere_core::{ByteSpan, Triple};

    use super::*;

    fn cleaned(settings: CleanSettings, corpus: &[Sentence]) -> (Vec<Sentence>, CleanReport) {
        let mut cleaner = Cleaner::new(settings);
        let mut corpus = corpus.to_vec();
        corpus.retain_mut(|sentence| cleaner.clean(sentence));
        (corpus, cleaner.report().clone())
    }

    fn sentence(text: &str, triples: &[(&str, &str, &str)]) -> Sentence {
        let triples = triples.iter().map(|(subject, relation, object)| Triple::of(*subject, *relation, *object));
        Sentence::new(text).with_triples(triples)
    }

    #[test]
    fn the_default_settings_change_nothing() {
        let corpus = [sentence("a", &[("b", "r", "B"), ("b", "r", "B")]), sentence("", &[]), sentence("", &[])];
        assert_eq!(cleaned(CleanSettings::default(), &corpus).0, corpus);
    }

    #[test]
    fn each_step_counts_what_it_removes() {
        let corpus = [
            sentence("A b", &[("A", "r", "b"), ("a", "r", "b"), ("A", "s", "b"), ("A", "t", "b"), ("c", "r", "b")]),
            sentence("A b", &[("A", "s", "b")]),
            sentence("A b", &[("b", "r", "A"), ("A", "r", "b")]),
            sentence("A b", &[("A", "r", "b"), ("b", "r", "A")]),
            sentence("A b", &[("A", "r", "b")]),
        ];
        let settings = CleanSettings {
            relations: Some(["r".to_owned()].into()),
            folding: Folding { case: true, ..Folding::NONE },
            missing: true,
            empty: true,
            duplicates: true,
        };
        let (left, report) = cleaned(settings.clone(), &corpus);
        assert_eq!(left, [sentence("A b", &[("A", "r", "b")]), corpus[2].clone()]);
        let removed = (report.surfaces, report.missing, report.duplicate_triples, report.empty);
        assert_eq!(removed, (1, 1, 1, 1));
        assert_eq!((report.duplicate_sentences, report.triples_of_duplicates), (2, 3));
        assert_eq!(report.other_relations, HashMap::from([("s".to_owned(), 2), ("t".to_owned(), 1)]));
        assert!(report.to_string().ends_with("\noutput: 2 sentences, 3 triples"), "{report}");
        // A clean corpus is unchanged.
        let (again, report) = cleaned(settings, &left);
        assert_eq!(again, left);
        assert_eq!(report.to_string(), "input: 2 sentences, 3 triples\noutput: 2 sentences, 3 triples");
    }

    #[test]
    fn triples_that_differ_in_characters_are_not_missing() {
        let text = "Zoe\u{308} met O\u{2019}Brien and \u{201c}X\u{201d} in Sa\u{ad}int\u{2013}De\u{301}nis .";
        let triples = [("Zoë", "met", "O'Brien"), ("\"X\"", "in", "saint-dénis"), ("\u{200b}Zoë", "in", "Saint Denis")];
        let negative = Triple::of("Zoë", "no_relation", "\"x\"");
        let corpus = sentence(text, &triples).with_negatives(vec![negative]);
        let settings = CleanSettings { folding: Folding::ALL, missing: true, ..CleanSettings::default() };
        let (left, report) = cleaned(settings, std::slice::from_ref(&corpus));
        let of_text =
            [("Zoe\u{308}", "met", "O\u{2019}Brien"), ("\u{201c}X\u{201d}", "in", "Sa\u{ad}int\u{2013}De\u{301}nis")];
        assert_eq!(left[0].triples, sentence(text, &of_text).triples);
        assert_eq!(left[0].negatives, [Triple::of("Zoe\u{308}", "no_relation", "\u{201c}X\u{201d}")]);
        // A letter without its accent is another letter.
        assert_eq!((report.surfaces, report.missing), (7, 1));
    }

    #[test]
    fn sentences_with_other_negatives_are_not_duplicates() {
        let negative = |object| Sentence::new("a b c").with_negatives(vec![Triple::of("a", "NA", object)]);
        let settings = CleanSettings { duplicates: true, ..CleanSettings::default() };
        let corpus = [negative("b"), negative("c"), negative("b")];
        assert_eq!(cleaned(settings, &corpus).0, corpus[..2]);
    }

    #[test]
    fn triples_with_other_spans_are_not_duplicates() {
        let mention = |start| Mention::at("a a b", ByteSpan::new(start, start + 1)).expect("fits");
        let triples = [0, 2].map(|start| {
            let mut triple = Triple::of("", "r", "b");
            triple.subject = mention(start);
            triple
        });
        let twice = Sentence::new("a a b").with_triples(triples.to_vec());
        let settings = CleanSettings { duplicates: true, missing: true, ..CleanSettings::default() };
        assert_eq!(cleaned(settings, std::slice::from_ref(&twice)).0, [twice]);
    }
}
