//! Counts of parts of a corpus: which sentences or triples a system handles well.
//!
//! Each part has an entry, with zeros if it is empty. The gold side alone decides which part a sentence belongs to, so
//! that systems are compared on the same sentences.

use std::collections::{BTreeSet, HashSet};

use rere_core::{Mention, Sentence, Triple};

use crate::matcher::count_by;
use crate::{Counts, TripleMatcher, count};

/// The label and the counts of each part.
pub type Breakdown = Vec<(String, Counts)>;

/// Usual boundaries for [`by_length`], in characters.
pub const LENGTHS: [usize; 5] = [50, 100, 150, 200, 300];

/// Groups sentences by their number of gold triples: `0`, `1`, `2`, `3`, `4` and `5+`.
///
/// Distinct triples, by subject string, relation and object string, are counted, whatever the matcher. CopyR's code
/// forms the same parts, except that its last one also holds the sentences without a triple. The counts of the parts
/// sum to those of the corpus.
///
/// ```
/// use rere_eval::{Exact, Sentence, Triple, by_triples};
///
/// let none = Sentence::new("It rained .");
/// let one = Sentence::new("Ada left London .").with_triples([Triple::of("Ada", "left", "London")]);
/// let parts = by_triples(&[(&none, &one), (&one, &one)], &Exact);
/// assert_eq!((parts[0].0.as_str(), parts[0].1.predicted, parts[0].1.gold), ("0", 1, 0));
/// assert_eq!((parts[1].0.as_str(), parts[1].1.predicted, parts[1].1.gold), ("1", 1, 1));
/// ```
pub fn by_triples(pairs: &[(&Sentence, &Sentence)], matcher: &impl TripleMatcher) -> Breakdown {
    by_sentence(pairs, matcher, ["0", "1", "2", "3", "4", "5+"], |gold| vec![distinct(gold).len().min(5)])
}

/// Groups sentences by how their gold triples share entities: `none`, `normal`, `entity-pair-overlap` and
/// `single-entity-overlap`.
///
/// The definitions are those of the papers on CopyR and CasRel:
///
/// - none: the sentence has no triple.
/// - normal: no two triples share an entity.
/// - entity pair overlap: two triples have the same two entities, in either direction.
/// - single entity overlap: two triples share an entity, but do not have the same two.
///
/// An entity is its string, and a repeated triple counts once, as in `rere stats`. A sentence with both kinds of
/// overlap is in both parts, so the parts do not sum to the corpus.
pub fn by_overlap(pairs: &[(&Sentence, &Sentence)], matcher: &impl TripleMatcher) -> Breakdown {
    const LABELS: [&str; 4] = ["none", "normal", "entity-pair-overlap", "single-entity-overlap"];
    by_sentence(pairs, matcher, LABELS, |gold| {
        let triples = distinct(gold);
        if triples.is_empty() {
            return vec![0];
        }
        let entity_pairs: BTreeSet<_> =
            triples.iter().map(|&(subject, _, object)| BTreeSet::from([subject, object])).collect();
        let entities: BTreeSet<_> = entity_pairs.iter().flatten().collect();
        let same_pair = entity_pairs.len() < triples.len();
        // Each entity is once in `entities`, but in several distinct pairs only if these share it.
        let shared = entities.len() < entity_pairs.iter().map(BTreeSet::len).sum();
        match (same_pair, shared) {
            (false, false) => vec![1],
            (true, false) => vec![2],
            (false, true) => vec![3],
            (true, true) => vec![2, 3],
        }
    })
}

/// Groups sentences by their length in characters (Unicode code points).
///
/// Characters mean the same in a script without spaces, words do not. `boundaries` are the lowest lengths of the second
/// and the following parts, in any order, such as [`LENGTHS`]. The boundaries 50 and 100 give `0-49`, `50-99` and
/// `100+`. The counts of the parts sum to those of the corpus.
///
/// ```
/// use rere_eval::{Exact, Sentence, Triple, by_length};
///
/// let gold = Sentence::new("Ada left London .").with_triples([Triple::of("Ada", "left", "London")]);
/// let parts = by_length(&[(&gold, &gold)], &Exact, [10, 20]);
/// let labels: Vec<&str> = parts.iter().map(|(label, _)| label.as_str()).collect();
/// assert_eq!(labels, ["0-9", "10-19", "20+"]);
/// assert_eq!(parts[1].1.true_positives, 1);
/// ```
pub fn by_length(
    pairs: &[(&Sentence, &Sentence)],
    matcher: &impl TripleMatcher,
    boundaries: impl IntoIterator<Item = usize>,
) -> Breakdown {
    // A boundary of 0 would make an empty part: no sentence is shorter.
    let boundaries: BTreeSet<usize> = boundaries.into_iter().filter(|&boundary| boundary > 0).collect();
    let starts: Vec<usize> = [0].into_iter().chain(boundaries.iter().copied()).collect();
    let ends = boundaries.iter().map(|boundary| Some(boundary - 1)).chain([None]);
    let labels = starts.iter().zip(ends).map(|(start, end)| match end {
        Some(end) => format!("{start}-{end}"),
        None => format!("{start}+"),
    });
    by_sentence(pairs, matcher, labels, |gold| {
        let length = gold.text.chars().count();
        vec![boundaries.iter().filter(|&&boundary| boundary <= length).count()]
    })
}

/// Entities and pairs of entities in the triples of a training corpus.
///
/// They are strings without surrounding white space. Neither the direction of a pair nor the relation matters.
///
/// ```
/// use rere_eval::{Counts, Exact, SeenEntities, Sentence, Triple, by_seen_entities};
///
/// let with = |triples| Sentence::new("Ada left London and Bob left Paris").with_triples(triples);
/// let train = [with(vec![Triple::of("Ada", "born in", "London")])];
/// let gold = with(vec![Triple::of("Ada", "left", "London"), Triple::of("Bob", "left", "Paris")]);
/// let parts = by_seen_entities(&[(&gold, &gold)], &Exact, &SeenEntities::of(&train));
/// let one = Counts { true_positives: 1, predicted: 1, gold: 1 };
/// let none = Counts::default();
/// assert_eq!(parts, [("both-seen".into(), one), ("one-seen".into(), none), ("neither-seen".into(), one)]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct SeenEntities<'a> {
    entities: HashSet<&'a str>,
    pairs: HashSet<[&'a str; 2]>,
}

impl<'a> SeenEntities<'a> {
    /// Collects the entities of the sentences' triples.
    pub fn of(train: impl IntoIterator<Item = &'a Sentence>) -> Self {
        let mut seen = Self::default();
        for triple in train.into_iter().flat_map(|sentence| &sentence.triples) {
            let pair = entity_pair(triple);
            seen.entities.extend(pair);
            seen.pairs.insert(pair);
        }
        seen
    }

    /// Returns whether the entity is in a training triple.
    pub fn has_entity(&self, mention: &Mention) -> bool {
        self.entities.contains(mention.text.trim())
    }

    /// Returns whether a training triple has both entities of the triple.
    pub fn has_pair(&self, triple: &Triple) -> bool {
        self.pairs.contains(&entity_pair(triple))
    }
}

/// Groups triples by which of their entities are known from training: `both-seen`, `one-seen` and `neither-seen`.
///
/// It groups gold and predicted triples, not sentences. A prediction that equals a gold triple is in the part of the
/// gold triple, whatever its own strings, so that the counts of the parts sum to those of the corpus. Of equal gold
/// triples with different strings, the one with the most known entities decides.
pub fn by_seen_entities(
    pairs: &[(&Sentence, &Sentence)],
    matcher: &impl TripleMatcher,
    seen: &SeenEntities<'_>,
) -> Breakdown {
    by_triple(pairs, matcher, ["both-seen", "one-seen", "neither-seen"], |triple| {
        triple.mentions().into_iter().filter(|mention| seen.has_entity(mention)).count()
    })
}

/// Groups triples by whether their pair of entities is known from training: `pair-seen` and `pair-unseen`.
///
/// Triples are grouped as by [`by_seen_entities`].
pub fn by_seen_pairs(
    pairs: &[(&Sentence, &Sentence)],
    matcher: &impl TripleMatcher,
    seen: &SeenEntities<'_>,
) -> Breakdown {
    by_triple(pairs, matcher, ["pair-seen", "pair-unseen"], |triple| usize::from(seen.has_pair(triple)))
}

/// Adds the counts of each sentence to its parts; `parts` returns their indices among the labels.
fn by_sentence<L: Into<String>>(
    pairs: &[(&Sentence, &Sentence)],
    matcher: &impl TripleMatcher,
    labels: impl IntoIterator<Item = L>,
    parts: impl Fn(&Sentence) -> Vec<usize>,
) -> Breakdown {
    let mut breakdown = empty(labels);
    for (gold, predicted) in pairs {
        let counts = count(gold, &predicted.triples, matcher);
        for part in parts(gold) {
            add(&mut breakdown, part, counts);
        }
    }
    breakdown
}

/// Adds each triple to a part by how many known things it has; the part of the most is the first.
fn by_triple<const N: usize>(
    pairs: &[(&Sentence, &Sentence)],
    matcher: &impl TripleMatcher,
    labels: [&str; N],
    known: impl Fn(&Triple) -> usize,
) -> Breakdown {
    let mut breakdown = empty(labels);
    for (gold, predicted) in pairs {
        count_by(gold, &predicted.triples, matcher, &known, |known, counts| {
            add(&mut breakdown, N.saturating_sub(known + 1), counts);
        });
    }
    breakdown
}

fn empty<L: Into<String>>(labels: impl IntoIterator<Item = L>) -> Breakdown {
    labels.into_iter().map(|label| (label.into(), Counts::default())).collect()
}

fn add(breakdown: &mut Breakdown, part: usize, counts: Counts) {
    if let Some((_, sum)) = breakdown.get_mut(part) {
        *sum += counts;
    }
}

/// Subject, relation and object of each distinct triple, by strings.
fn distinct(sentence: &Sentence) -> BTreeSet<(&str, &str, &str)> {
    let triples = sentence.triples.iter();
    triples.map(|triple| (triple.subject.text.trim(), triple.relation.as_str(), triple.object.text.trim())).collect()
}

/// The two entities of a triple, sorted.
fn entity_pair(triple: &Triple) -> [&str; 2] {
    let mut pair = [triple.subject.text.trim(), triple.object.text.trim()];
    pair.sort_unstable();
    pair
}
