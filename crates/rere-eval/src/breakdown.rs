//! Scores of parts of a corpus: which sentences, or which triples, a system does well on.
//!
//! Every part has a line, with zeros where nothing is in it. Where a sentence is put depends on its gold side alone, so
//! that systems are compared on the same sentences.

use std::collections::{BTreeSet, HashSet};

use rere_core::{Mention, Sentence, Triple};

use crate::matcher::count_by;
use crate::{Counts, TripleMatcher, count};

/// The counts of each part, by its label.
pub type Breakdown = Vec<(String, Counts)>;

/// Borders for [`by_length`], in characters.
pub const LENGTHS: [usize; 5] = [50, 100, 150, 200, 300];

/// By the number of gold triples in the sentence: `0`, `1`, `2`, `3`, `4` and `5+`.
///
/// Each different triple, by subject string, relation and object string, counts once, whatever the matcher: so CopyR's
/// code forms these parts, but for its last one, which has the sentences without a triple too. The parts sum to the whole.
pub fn by_triples(aligned: &[(&Sentence, &Sentence)], matcher: &impl TripleMatcher) -> Breakdown {
    by_sentence(aligned, matcher, ["0", "1", "2", "3", "4", "5+"], |gold| vec![facts(gold).len().min(5)])
}

/// By how the gold triples of the sentence share entities, as CopyR's and CasRel's papers define it: `none` for sentences
/// without a triple, `normal`, `entity-pair-overlap` and `single-entity-overlap`.
///
/// Normal: no two triples share an entity. Entity pair overlap: two triples join the same two entities, in whatever
/// direction. Single entity overlap: two triples share an entity, and do not join the same two. An entity is its string,
/// and a repeated triple counts once, as in `rere stats`. A sentence may have both kinds of overlap, and is in both parts
/// then: the parts do not sum to the whole.
pub fn by_overlap(aligned: &[(&Sentence, &Sentence)], matcher: &impl TripleMatcher) -> Breakdown {
    const LABELS: [&str; 4] = ["none", "normal", "entity-pair-overlap", "single-entity-overlap"];
    by_sentence(aligned, matcher, LABELS, |gold| {
        let facts = facts(gold);
        if facts.is_empty() {
            return vec![0];
        }
        let pairs: BTreeSet<_> = facts.iter().map(|&(subject, _, object)| BTreeSet::from([subject, object])).collect();
        let entities: BTreeSet<_> = pairs.iter().flatten().collect();
        let same_pair = pairs.len() < facts.len();
        // Counted over different pairs, an entity comes again only where another pair has it.
        let shared = entities.len() < pairs.iter().map(BTreeSet::len).sum();
        match (same_pair, shared) {
            (false, false) => vec![1],
            (true, false) => vec![2],
            (false, true) => vec![3],
            (true, true) => vec![2, 3],
        }
    })
}

/// By the length of the sentence in characters (Unicode code points), which mean the same in a script without spaces.
///
/// `borders` are the first lengths of the second part and those after it, in any order; [`LENGTHS`] will do. The borders
/// 50 and 100 give `0-49`, `50-99` and `100+`. The parts sum to the whole.
pub fn by_length(
    aligned: &[(&Sentence, &Sentence)],
    matcher: &impl TripleMatcher,
    borders: impl IntoIterator<Item = usize>,
) -> Breakdown {
    // No sentence is shorter than 0: such a border would part off nothing.
    let borders: BTreeSet<usize> = borders.into_iter().filter(|&border| border > 0).collect();
    let starts: Vec<usize> = [0].into_iter().chain(borders.iter().copied()).collect();
    let ends = borders.iter().map(|border| Some(border - 1)).chain([None]);
    let labels = starts.iter().zip(ends).map(|(start, end)| match end {
        Some(end) => format!("{start}-{end}"),
        None => format!("{start}+"),
    });
    by_sentence(aligned, matcher, labels, |gold| {
        let length = gold.text.chars().count();
        vec![borders.iter().filter(|&&border| border <= length).count()]
    })
}

/// Entities and pairs of entities in the triples of a training corpus, by their strings, without white space around them.
///
/// The direction of a pair does not matter, nor does the relation.
///
/// ```
/// use rere_core::{Sentence, Triple};
/// use rere_eval::{Counts, Exact, SeenEntities, by_seen_entities};
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
    /// What the triples of the sentences join.
    pub fn of(train: impl IntoIterator<Item = &'a Sentence>) -> Self {
        let mut seen = Self::default();
        for triple in train.into_iter().flat_map(|sentence| &sentence.triples) {
            let pair = pair(triple);
            seen.entities.extend(pair);
            seen.pairs.insert(pair);
        }
        seen
    }

    /// Whether a training triple joins the entity.
    pub fn has_entity(&self, mention: &Mention) -> bool {
        self.entities.contains(mention.text.trim())
    }

    /// Whether a training triple joins the two entities of the triple.
    pub fn has_pair(&self, triple: &Triple) -> bool {
        self.pairs.contains(&pair(triple))
    }
}

/// By which entities of a triple are known from training: `both-seen`, `one-seen` and `neither-seen`.
///
/// Triples are parted, gold and predicted, not sentences. A prediction that equals a gold triple goes where the gold one
/// goes, whatever its own strings, so that the parts sum to the whole; of equal gold triples with different strings the
/// one that is best known says where.
pub fn by_seen_entities(
    aligned: &[(&Sentence, &Sentence)],
    matcher: &impl TripleMatcher,
    seen: &SeenEntities<'_>,
) -> Breakdown {
    by_triple(aligned, matcher, ["both-seen", "one-seen", "neither-seen"], |triple| {
        [&triple.subject, &triple.object].into_iter().filter(|mention| seen.has_entity(mention)).count()
    })
}

/// By whether the pair of entities of a triple is known from training: `pair-seen` and `pair-unseen`; as
/// [`by_seen_entities`].
pub fn by_seen_pairs(
    aligned: &[(&Sentence, &Sentence)],
    matcher: &impl TripleMatcher,
    seen: &SeenEntities<'_>,
) -> Breakdown {
    by_triple(aligned, matcher, ["pair-seen", "pair-unseen"], |triple| usize::from(seen.has_pair(triple)))
}

/// Puts each sentence into the parts that `parts` names by their positions among the labels.
fn by_sentence<L: Into<String>>(
    aligned: &[(&Sentence, &Sentence)],
    matcher: &impl TripleMatcher,
    labels: impl IntoIterator<Item = L>,
    parts: impl Fn(&Sentence) -> Vec<usize>,
) -> Breakdown {
    let mut breakdown = empty(labels);
    for (gold, predicted) in aligned {
        let counts = count(gold, &predicted.triples, matcher);
        for part in parts(gold) {
            add(&mut breakdown, part, counts);
        }
    }
    breakdown
}

/// Puts each triple into a part by how much of it is known, most of it first.
fn by_triple<const N: usize>(
    aligned: &[(&Sentence, &Sentence)],
    matcher: &impl TripleMatcher,
    labels: [&str; N],
    known: impl Fn(&Triple) -> usize,
) -> Breakdown {
    let mut breakdown = empty(labels);
    for (gold, predicted) in aligned {
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

/// Subject, relation and object of each different triple, by strings.
fn facts(sentence: &Sentence) -> BTreeSet<(&str, &str, &str)> {
    let triples = sentence.triples.iter();
    triples.map(|triple| (triple.subject.text.trim(), triple.relation.as_str(), triple.object.text.trim())).collect()
}

/// The two entities of a triple, in the order of their strings.
fn pair(triple: &Triple) -> [&str; 2] {
    let mut pair = [triple.subject.text.trim(), triple.object.text.trim()];
    pair.sort_unstable();
    pair
}
