//! False positives that are missing labels.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use rere_core::Sentence;
use serde::Serialize;

use crate::{TripleMatcher, score::ratio};

/// Counts of predicted and gold triples, checked against a more complete labelling of the same sentences.
///
/// Such a labelling may be the labels before a filter, those of a second knowledge base, or those of a second
/// annotator. No triple of a sentence is counted twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct MissingCounts {
    /// Triples that are both predicted and gold.
    pub true_positives: usize,
    /// Predicted triples that only the more complete labelling has: correct, but counted as false positives.
    pub missing: usize,
    /// Predicted triples.
    pub predicted: usize,
    /// Gold triples.
    pub gold: usize,
    /// Triples that are gold or in the more complete labelling.
    pub either: usize,
}

impl Add for MissingCounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            true_positives: self.true_positives + other.true_positives,
            missing: self.missing + other.missing,
            predicted: self.predicted + other.predicted,
            gold: self.gold + other.gold,
            either: self.either + other.either,
        }
    }
}

impl AddAssign for MissingCounts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl fmt::Display for MissingCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { true_positives, missing, predicted, gold, either } = self;
        let plural = if *true_positives == 1 { "" } else { "s" };
        write!(
            f,
            "{true_positives} true positive{plural}, {missing} missing, {predicted} predicted, {gold} gold, \
             {either} in either labelling"
        )
    }
}

impl Sum for MissingCounts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Add::add)
    }
}

impl MissingCounts {
    /// Returns the precision by the gold triples alone; 0/0 is 0.
    pub fn precision(self) -> f64 {
        ratio(self.true_positives, self.predicted)
    }

    /// Returns the precision with missing labels as true positives. It is a lower bound: the more complete labelling
    /// may lack labels too.
    pub fn corrected_precision(self) -> f64 {
        ratio(self.true_positives + self.missing, self.predicted)
    }

    /// Returns the share of the triples of either labelling that are not gold (RERE's paper, Table 1); a lower bound.
    pub fn false_negative_rate(self) -> f64 {
        ratio(self.either - self.gold, self.either)
    }
}

/// Counts the missing labels of all sentences together, and of each relation on any of the three sides.
///
/// Give each sentence three times: gold, predicted, and with the more complete labelling;
/// [`pair_sentences`](crate::pair_sentences()) pairs them. If the matcher compares only a part of the mentions, a
/// triple of the more complete labelling counts once with the gold triples that it equals. Mentions of the more
/// complete labelling are read by the gold sentence, as predicted ones are. A triple that lacks a compared field is
/// ignored: [check](TripleMatcher::check) the sentences first.
///
/// ```
/// use rere_eval::{Exact, Sentence, Triple, missing_labels};
///
/// let with = |triples: &[(&str, &str, &str)]| {
///     let triples = triples.iter().map(|&(subject, relation, object)| Triple::of(subject, relation, object));
///     Sentence::new("Ada was born in London .").with_triples(triples)
/// };
/// let gold = with(&[("Ada", "born_in", "London")]);
/// let complete = with(&[("Ada", "born_in", "London"), ("Ada", "lived_in", "London")]);
/// let predicted = with(&[("Ada", "lived_in", "London"), ("London", "born_in", "Ada")]);
/// let (all, by_relation) = missing_labels([[&gold, &predicted, &complete]], &Exact);
/// assert_eq!((all.precision(), all.corrected_precision(), all.false_negative_rate()), (0.0, 0.5, 0.5));
/// assert_eq!(by_relation["lived_in"].false_negative_rate(), 1.0);
/// assert_eq!(all.to_string(), "0 true positives, 1 missing, 2 predicted, 1 gold, 2 in either labelling");
/// ```
pub fn missing_labels<'a>(
    sentences: impl IntoIterator<Item = [&'a Sentence; 3]>,
    matcher: &impl TripleMatcher,
) -> (MissingCounts, BTreeMap<&'a str, MissingCounts>) {
    let mut by_relation: BTreeMap<&str, MissingCounts> = BTreeMap::new();
    for sides in sentences {
        let triples = sides.into_iter().flat_map(|sentence| &sentence.triples);
        let relations: BTreeSet<&str> = triples.map(|triple| triple.relation.as_str()).collect();
        let [gold_sentence, predicted_sentence, complete_sentence] = sides;
        for relation in relations {
            let own =
                |sentence: &'a Sentence| sentence.triples.iter().filter(move |triple| triple.relation == relation);
            let keys = |sentence| -> BTreeSet<_> {
                own(sentence).filter_map(|triple| matcher.predicted_key(triple, gold_sentence).ok()).collect()
            };
            let gold: BTreeSet<_> = own(gold_sentence).filter_map(|triple| matcher.key(triple).ok()).collect();
            let (predicted, complete) = (keys(predicted_sentence), keys(complete_sentence));
            let counts = by_relation.entry(relation).or_default();
            counts.true_positives += predicted.intersection(&gold).count();
            counts.missing += predicted.difference(&gold).filter(|&key| complete.contains(key)).count();
            counts.predicted += predicted.len();
            counts.gold += gold.len();
            counts.either += gold.union(&complete).count();
        }
    }
    (by_relation.values().copied().sum(), by_relation)
}
