//! Merging of sentences with the same text.

use std::{
    collections::{BTreeSet, HashMap, HashSet, hash_map::Entry},
    fmt,
};

use rere_core::{Extra, Mention, Sentence, Triple};
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use sha2::{Digest, Sha256};

use crate::mention::without_entity;

/// Merges the sentences of a corpus that have the same text, such as those of a file with one line per triple.
///
/// Without merging, the triples of each sentence count as negatives of the others. A merged sentence replaces the first
/// one and has:
///
/// - all triples without repetitions. Mentions are equal if their surfaces, spans and types are; of triples that differ
///   only in entity ids or scores, the first one is kept
/// - all negatives without repetitions, except for those whose subject and object are in a triple
/// - all entities that are in no triple, without repetitions
/// - the first id, and the first value of each extra field
///
/// The merger holds the whole corpus in memory.
///
/// ```
/// use rere_core::{Sentence, Triple};
/// use rere_data::Merger;
///
/// let text = "Ilse runs Acme in Oslo .";
/// let mut merger = Merger::default();
/// for triple in [Triple::of("Ilse", "runs", "Acme"), Triple::of("Acme", "in", "Oslo")] {
///     merger.add(Sentence::new(text).with_triples(vec![triple]));
/// }
/// let (sentences, report) = merger.finish();
/// assert_eq!((sentences.len(), sentences[0].triples.len(), report.merged), (1, 2, 1));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Merger {
    sentences: Vec<Sentence>,
    /// Index of each sentence, by a digest of its text.
    numbers: HashMap<[u8; 32], usize>,
    /// Indices of the merged sentences.
    merged: BTreeSet<usize>,
    report: MergeReport,
}

/// Report of a [`Merger`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct MergeReport {
    /// Sentences read.
    pub sentences: usize,
    /// Sentences merged into an earlier one.
    pub merged: usize,
    /// Triples removed because the merged sentence has them already.
    pub repeated_triples: usize,
    /// Negatives removed because their subject and object are in a triple.
    pub joined_negatives: usize,
    /// Ids discarded because they differ from that of the merged sentence.
    pub other_ids: usize,
    /// Values of extra fields discarded because they differ from that of the merged sentence.
    pub other_values: usize,
}

impl Merger {
    /// Adds the next sentence of the corpus.
    pub fn add(&mut self, sentence: Sentence) {
        self.report.sentences += 1;
        let number = match self.numbers.entry(Sha256::digest(&sentence.text).into()) {
            Entry::Vacant(free) => {
                free.insert(self.sentences.len());
                return self.sentences.push(sentence);
            }
            Entry::Occupied(known) => *known.get(),
        };
        self.report.merged += 1;
        self.merged.insert(number);
        let Sentence { id, text: _, triples, entities, negatives, extra, .. } = sentence;
        let first = &mut self.sentences[number];
        // Repetitions are removed at the end, because a text may occur thousands of times.
        first.triples.extend(triples);
        first.entities.extend(entities);
        first.negatives.extend(negatives);
        match (&first.id, id) {
            (Some(first), Some(id)) => self.report.other_ids += usize::from(*first != id),
            (Some(_), None) => {}
            (None, id) => first.id = id,
        }
        self.report.other_values += merge_fields(&mut first.extra, &extra);
    }

    /// Returns the merged corpus, in the order of the first occurrence of each text, and the report.
    pub fn finish(mut self) -> (Vec<Sentence>, MergeReport) {
        for number in self.merged {
            let Sentence { triples, entities, negatives, .. } = &mut self.sentences[number];
            self.report.repeated_triples += remove_repeated(triples);
            remove_repeated(negatives);
            let pair = |t: &Triple| (without_entity(&t.subject), without_entity(&t.object));
            let pairs: HashSet<(Mention, Mention)> = triples.iter().map(pair).collect();
            let before = negatives.len();
            negatives.retain(|negative| !pairs.contains(&pair(negative)));
            self.report.joined_negatives += before - negatives.len();
            let mut known: HashSet<Mention> = triples.iter().flat_map(Triple::mentions).map(without_entity).collect();
            entities.retain(|entity| known.insert(without_entity(entity)));
        }
        (self.sentences, self.report)
    }
}

/// Removes triples that differ from an earlier one at most in score and entity ids, and returns their number.
fn remove_repeated(triples: &mut Vec<Triple>) -> usize {
    let before = triples.len();
    let mut known = HashSet::new();
    triples.retain(|t| known.insert((without_entity(&t.subject), t.relation.clone(), without_entity(&t.object))));
    before - triples.len()
}

/// Adds new fields, and returns how many existing ones have another value.
fn merge_fields(extra: &mut Extra, other: &Extra) -> usize {
    let mut differ = 0;
    for (name, value) in other.iter() {
        let own = extra.iter().find(|(own, _)| *own == name).map(|(_, own)| is_same(own, value));
        match own {
            Some(same) => differ += usize::from(!same),
            None => extra.insert(name, value.to_owned()),
        }
    }
    differ
}

/// Returns whether two pieces of JSON have the same value, whatever their layout.
fn is_same(left: &RawValue, right: &RawValue) -> bool {
    let value = |json: &RawValue| serde_json::from_str::<Value>(json.get()).ok();
    left.get() == right.get() || value(left).is_some_and(|left| Some(left) == value(right))
}

impl fmt::Display for MergeReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sentences, merged, repeated_triples, joined_negatives, other_ids, other_values } = self;
        writeln!(f, "{merged} sentences merged with an earlier one of the same text")?;
        for (count, what) in [
            (repeated_triples, "triples removed: repeated in the merged sentence"),
            (joined_negatives, "negatives removed: their subject and object are in a triple"),
            (other_ids, "ids removed: the merged sentence keeps the first one"),
            (other_values, "values of other fields removed: the merged sentence keeps the first one"),
        ] {
            if *count > 0 {
                writeln!(f, "{count} {what}")?;
            }
        }
        write!(f, "output: {} sentences", sentences - merged)
    }
}

#[cfg(test)]
mod tests {
    use rere_core::{ByteSpan, Probability};

    use super::*;
    use crate::{CleanSettings, Cleaner, ReadOptions, Reader};

    fn merged(sentences: impl IntoIterator<Item = Sentence>) -> (Vec<Sentence>, MergeReport) {
        let mut merger = Merger::default();
        sentences.into_iter().for_each(|sentence| merger.add(sentence));
        merger.finish()
    }

    #[test]
    fn a_text_with_one_line_per_triple_becomes_one_sentence() {
        let corpus = r#"
            {"text": "Ilse runs Acme in Oslo .", "triple_list": [["Ilse", "runs", "Acme"]]}
            {"text": "Acme is old .", "triple_list": []}
            {"text": "Ilse runs Acme in Oslo .", "triple_list": [["Acme", "in", "Oslo"]]}
            {"text": "Ilse runs Acme in Oslo .", "triple_list": [["Acme", "in", "Oslo"], ["Ilse", "runs", "Acme"]]}
        "#;
        let sentences = Reader::new(corpus.as_bytes(), "corpus", &ReadOptions::default())
            .expect("a format")
            .map(|sentence| sentence.expect("a sentence"));
        let (sentences, report) = merged(sentences);
        assert_eq!(sentences.len(), 2);
        assert_eq!(sentences[0].triples, [Triple::of("Ilse", "runs", "Acme"), Triple::of("Acme", "in", "Oslo")]);
        assert_eq!(sentences[1], Sentence::new("Acme is old ."));
        assert_eq!(
            report.to_string(),
            "2 sentences merged with an earlier one of the same text\n2 triples removed: repeated in the merged sentence\n\
             output: 2 sentences"
        );
        // A merged corpus is unchanged.
        let (again, report) = merged(sentences.clone());
        assert_eq!((again, report.merged), (sentences, 0));
    }

    #[test]
    fn entities_and_negatives_in_triples_are_removed() {
        let text = "a b c";
        let at = |start| Mention::at(text, ByteSpan::new(start, start + 1)).expect("fits");
        let pair = |subject, relation: &str, object| Triple::new(at(subject), relation, at(object));
        let typed = at(0).with_entity_type("PER");
        let negative = |subject, object| {
            Sentence::new(text)
                .with_negatives(vec![pair(subject, "NA", object)])
                .with_entities(vec![at(subject), at(object)])
        };
        let positive = Sentence::new(text).with_triples(vec![pair(0, "r", 2)]).with_entities(vec![typed.clone()]);
        let (sentences, report) =
            merged([negative(0, 2), negative(2, 0), negative(0, 4), positive, negative(0, 4), negative(0, 2)]);
        assert_eq!(sentences.len(), 1);
        assert_eq!(sentences[0].triples, [pair(0, "r", 2)]);
        // The reverse direction is another pair, and another type makes another mention.
        assert_eq!(sentences[0].negatives, [pair(2, "NA", 0), pair(0, "NA", 4)]);
        assert_eq!(sentences[0].entities, [at(4), typed]);
        assert_eq!((report.merged, report.repeated_triples, report.joined_negatives), (5, 0, 1));
    }

    #[test]
    fn the_first_id_score_and_value_are_kept() {
        let scored = |score| Triple::of("a", "r", "b").with_score(Probability::new(score).ok());
        let sentence = |id: Option<&str>, score, fields: &[(&str, &str)]| {
            let mut extra = Extra::default();
            for &(name, json) in fields {
                extra.insert(name, RawValue::from_string(json.to_owned()).expect("JSON"));
            }
            let mut sentence = Sentence::new("a b").with_triples(vec![scored(score)]).with_extra(extra);
            sentence.id = id.map(str::to_owned);
            sentence
        };
        let (sentences, report) = merged([
            sentence(None, 0.25, &[("page", "[1, 2]")]),
            sentence(Some("one"), 0.5, &[("page", "[1,2]"), ("source", "\"x\"")]),
            sentence(Some("two"), 0.75, &[("page", "3"), ("source", "\"x\"")]),
            sentence(Some("one"), 0.25, &[]),
        ]);
        assert_eq!(sentences, [sentence(Some("one"), 0.25, &[("page", "[1,2]"), ("source", "\"x\"")])]);
        assert_eq!((report.other_ids, report.other_values, report.repeated_triples), (1, 1, 3));
    }

    #[test]
    fn many_sentences_with_the_same_text_are_merged_quickly() {
        let line = |number: usize| {
            Sentence::new("a b")
                .with_triples(vec![Triple::of("a", format!("r{}", number % 50_000), "b")])
                .with_entities(vec![Mention::of(number.to_string())])
        };
        let (sentences, report) = merged((0..100_000).map(line));
        assert_eq!((sentences[0].triples.len(), sentences[0].entities.len()), (50_000, 100_000));
        assert_eq!(report.repeated_triples, 50_000);
    }

    #[test]
    fn a_merged_corpus_can_be_cleaned() {
        let with = |text: &str, triples: &[Triple]| Sentence::new(text).with_triples(triples.to_vec());
        let triple = Triple::of("a", "r", "b");
        // The first sentence has no triples before merging.
        let (sentences, _) = merged([with("a b", &[]), with("c", &[]), with("a b", std::slice::from_ref(&triple))]);
        let mut cleaner = Cleaner::new(CleanSettings { empty: true, ..CleanSettings::default() });
        let mut left = sentences;
        left.retain_mut(|sentence| cleaner.clean(sentence));
        assert_eq!(left, [with("a b", &[triple])]);
    }
}
