//! Which wrong predictions are labels that are missing.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use rere_core::Sentence;
use serde::Serialize;

use crate::{TripleMatcher, score::ratio};

/// Predictions and gold triples beside a fuller labelling of the same sentences, such as the labels before a filter, those of a second
/// knowledge base, or those of a person who looked again. No triple of a sentence is counted twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct MissingCounts {
    /// Predicted triples that are gold.
    pub true_positives: usize,
    /// Predicted triples that are not gold, but in the fuller labelling: right, and counted as wrong.
    pub missing: usize,
    /// Predicted triples.
    pub predicted: usize,
    /// Gold triples.
    pub gold: usize,
    /// Triples that are gold or in the fuller labelling.
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

impl Sum for MissingCounts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Add::add)
    }
}

impl MissingCounts {
    /// Precision by the gold triples alone; 0/0 is 0.
    pub fn precision(self) -> f64 {
        ratio(self.true_positives, self.predicted)
    }

    /// Precision where missing labels count as right. A lower bound: the fuller labelling may miss some too.
    pub fn corrected_precision(self) -> f64 {
        ratio(self.true_positives + self.missing, self.predicted)
    }

    /// Share of the triples of either labelling that are not gold (RERE's paper, Table 1); a lower bound.
    pub fn false_negative_rate(self) -> f64 {
        ratio(self.either - self.gold, self.either)
    }
}

/// The counts of all sentences together, and of each relation that any of the three sides has.
///
/// Each sentence comes three times: gold, as predicted, and as the fuller labelling has it; [`pair_sentences`](crate::pair_sentences())
/// pairs them. Where a matcher compares less than the whole triple, a triple of the fuller labelling counts once with the
/// gold triples that it equals. A triple that lacks what is compared is not seen: [check](TripleMatcher::check) before.
/// What a triple of the fuller labelling means is said by the gold sentence, as for a predicted one.
///
/// ```
/// use rere_core::{Sentence, Triple};
/// use rere_eval::{Exact, missing_labels};
///
/// let with = |triples: &[(&str, &str, &str)]| {
///     let triples = triples.iter().map(|&(subject, relation, object)| Triple::of(subject, relation, object));
///     Sentence::new("Ada was born in London .").with_triples(triples)
/// };
/// let gold = with(&[("Ada", "born_in", "London")]);
/// let full = with(&[("Ada", "born_in", "London"), ("Ada", "lived_in", "London")]);
/// let predicted = with(&[("Ada", "lived_in", "London"), ("London", "born_in", "Ada")]);
/// let (all, by_relation) = missing_labels([[&gold, &predicted, &full]], &Exact);
/// assert_eq!((all.precision(), all.corrected_precision(), all.false_negative_rate()), (0.0, 0.5, 0.5));
/// assert_eq!(by_relation["lived_in"].false_negative_rate(), 1.0);
/// ```
pub fn missing_labels<'a>(
    sentences: impl IntoIterator<Item = [&'a Sentence; 3]>,
    matcher: &impl TripleMatcher,
) -> (MissingCounts, BTreeMap<&'a str, MissingCounts>) {
    let mut by_relation: BTreeMap<&str, MissingCounts> = BTreeMap::new();
    for sides in sentences {
        let triples = sides.into_iter().flat_map(|sentence| &sentence.triples);
        let relations: BTreeSet<&str> = triples.map(|triple| triple.relation.as_str()).collect();
        let [gold_sentence, predicted_sentence, full_sentence] = sides;
        for relation in relations {
            let own =
                |sentence: &'a Sentence| sentence.triples.iter().filter(move |triple| triple.relation == relation);
            let keys = |sentence| -> BTreeSet<_> {
                own(sentence).filter_map(|triple| matcher.predicted_key(triple, gold_sentence).ok()).collect()
            };
            let gold: BTreeSet<_> = own(gold_sentence).filter_map(|triple| matcher.key(triple).ok()).collect();
            let (predicted, full) = (keys(predicted_sentence), keys(full_sentence));
            let counts = by_relation.entry(relation).or_default();
            counts.true_positives += predicted.intersection(&gold).count();
            counts.missing += predicted.difference(&gold).filter(|&key| full.contains(key)).count();
            counts.predicted += predicted.len();
            counts.gold += gold.len();
            counts.either += gold.union(&full).count();
        }
    }
    (by_relation.values().copied().sum(), by_relation)
}
