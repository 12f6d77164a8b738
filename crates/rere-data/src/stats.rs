//! Statistics of a corpus.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use rere_core::Sentence;
use serde::Serialize;

use crate::locate::mention_spans;

/// Statistics of a corpus, computed sentence by sentence in constant memory.
///
/// Two mentions are the same entity if their trimmed surfaces are equal.
///
/// ```
/// use rere_core::{Sentence, Triple};
/// use rere_data::Stats;
///
/// let mut stats = Stats::default();
/// let triples = vec![Triple::of("Ada", "born in", "London"), Triple::of("Ada", "lives in", "London")];
/// stats.add(&Sentence::new("Ada was born and lives in London").with_triples(triples));
/// assert_eq!((stats.sentences, stats.triples, stats.relations), (1, 2, 2));
/// assert_eq!(stats.overlaps.entity_pair_overlap, 1);
/// println!("{stats}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Sentences.
    pub sentences: usize,
    /// Sentences without triples.
    pub without_triples: usize,
    /// Triples, including repeated ones.
    pub triples: usize,
    /// Triples that repeat the subject, relation and object of an earlier triple of their sentence.
    pub duplicates: usize,
    /// Triples that cannot be labelled because their subject or object is not in the text or not at its span.
    pub not_found: usize,
    /// Distinct relations.
    pub relations: usize,
    /// Triples of each relation.
    pub by_relation: BTreeMap<String, usize>,
    /// Sentences by number of triples, including repeated ones: `0` to `4`, and `5+`.
    pub triples_per_sentence: BTreeMap<&'static str, usize>,
    /// How the triples of a sentence share entities.
    pub overlaps: Overlaps,
    /// Unicode code points per sentence.
    pub characters: Lengths,
    /// Words per sentence, separated by white space; a whole clause counts as one word in scripts without spaces.
    pub words: Lengths,
}

/// Numbers of sentences by overlap of their triples, as CopyRE defines it (Zeng et al. 2018, "Extracting relational
/// facts by an end-to-end neural model with copy mechanism"). A repeated triple counts once.
///
/// A sentence with triples is normal, or has one or both of the other types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Overlaps {
    /// No two triples share an entity.
    pub normal: usize,
    /// Two triples have the same two entities, in any direction.
    pub entity_pair_overlap: usize,
    /// Two triples share exactly one entity.
    pub single_entity_overlap: usize,
}

/// Distribution of lengths; serialised as its [`Summary`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(into = "Summary")]
pub struct Lengths(BTreeMap<usize, usize>);

/// Summary of a distribution of lengths; all 0 if it is empty.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// Mean.
    pub mean: f64,
    /// Minimum.
    pub min: usize,
    /// Median.
    pub median: usize,
    /// 95th percentile.
    pub p95: usize,
    /// Maximum.
    pub max: usize,
}

impl Stats {
    /// Adds a sentence.
    pub fn add(&mut self, sentence: &Sentence) {
        const COUNTS: [&str; 6] = ["0", "1", "2", "3", "4", "5+"];
        let triples = distinct(sentence);
        self.sentences += 1;
        self.without_triples += usize::from(triples.is_empty());
        self.triples += sentence.triples.len();
        self.duplicates += sentence.triples.len() - triples.len();
        for triple in &sentence.triples {
            let mut mentions = triple.mentions().into_iter();
            let is_missing = mentions.any(|mention| mention_spans(&sentence.text, mention).is_empty());
            self.not_found += usize::from(is_missing);
            *self.by_relation.entry(triple.relation.clone()).or_default() += 1;
        }
        self.relations = self.by_relation.len();
        *self.triples_per_sentence.entry(COUNTS[sentence.triples.len().min(5)]).or_default() += 1;
        self.overlaps.add(&triples);
        self.characters.add(sentence.text.chars().count());
        self.words.add(sentence.text.split_whitespace().count());
    }

    /// Returns the relations with their numbers of triples, the most frequent first, equal counts by name.
    pub fn by_frequency(&self) -> Vec<(&str, usize)> {
        let mut relations: Vec<_> = self.by_relation.iter().map(|(name, &count)| (name.as_str(), count)).collect();
        relations.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        relations
    }
}

impl Overlaps {
    fn add(&mut self, triples: &BTreeSet<Fact>) {
        let pairs: BTreeSet<BTreeSet<&str>> = triples.iter().map(|&(s, _, o)| BTreeSet::from([s, o])).collect();
        let entities: BTreeSet<&str> = pairs.iter().flatten().copied().collect();
        let same_pair = pairs.len() < triples.len();
        let shared = entities.len() < pairs.iter().map(BTreeSet::len).sum();
        self.normal += usize::from(!triples.is_empty() && !same_pair && !shared);
        self.entity_pair_overlap += usize::from(same_pair);
        self.single_entity_overlap += usize::from(shared);
    }
}

impl Lengths {
    fn add(&mut self, length: usize) {
        *self.0.entry(length).or_default() += 1;
    }

    /// Returns the summary of the distribution.
    pub fn summary(&self) -> Summary {
        let number: usize = self.0.values().sum();
        if number == 0 {
            return Summary::default();
        }
        let total: usize = self.0.iter().map(|(length, count)| length * count).sum();
        Summary {
            mean: total as f64 / number as f64,
            min: self.percentile(0, number),
            median: self.percentile(50, number),
            p95: self.percentile(95, number),
            max: self.percentile(100, number),
        }
    }

    /// Returns the smallest length that at least one and `percent` percent of all `number` lengths do not exceed.
    fn percentile(&self, percent: usize, number: usize) -> usize {
        let rank = (number * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let reaches = |&(_, count): &(&usize, &usize)| {
            seen += count;
            seen >= rank
        };
        self.0.iter().find(reaches).map_or(0, |(&length, _)| length)
    }
}

impl From<Lengths> for Summary {
    fn from(lengths: Lengths) -> Self {
        lengths.summary()
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Overlaps { normal, entity_pair_overlap, single_entity_overlap } = self.overlaps;
        for (count, what) in [
            (self.sentences, "sentences"),
            (self.without_triples, "sentences without triples"),
            (self.triples, "triples"),
            (self.duplicates, "triples repeated within their sentence"),
            (self.not_found, "triples whose subject or object is not in the text"),
            (self.relations, "relations"),
            (normal, "sentences: normal, no shared entity"),
            (entity_pair_overlap, "sentences: entity pair overlap"),
            (single_entity_overlap, "sentences: single entity overlap"),
        ] {
            writeln!(f, "{count:>9}  {what}")?;
        }
        for (triples, sentences) in &self.triples_per_sentence {
            writeln!(f, "{sentences:>9}  sentences with {triples} triples")?;
        }
        writeln!(f, "\n{:>9} {:>9} {:>9} {:>9} {:>9}  per sentence", "mean", "min", "median", "95 %", "max")?;
        for (lengths, unit) in [(&self.characters, "characters"), (&self.words, "words")] {
            let Summary { mean, min, median, p95, max } = lengths.summary();
            writeln!(f, "{mean:>9.2} {min:>9} {median:>9} {p95:>9} {max:>9}  {unit}")?;
        }
        write!(f, "\n{:>9}  relation", "triples")?;
        self.by_frequency().iter().try_for_each(|(relation, count)| write!(f, "\n{count:>9}  {relation}"))
    }
}

/// Surfaces of subject, relation and object.
pub(crate) type Fact<'a> = (&'a str, &'a str, &'a str);

/// Returns the triples of a sentence as surfaces, without repetitions.
pub(crate) fn distinct(sentence: &Sentence) -> BTreeSet<Fact<'_>> {
    let triples = sentence.triples.iter();
    triples.map(|triple| (triple.subject.text.trim(), triple.relation.as_str(), triple.object.text.trim())).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rere_core::{ByteSpan, Triple};

    use super::*;

    fn sentence(text: &str, triples: &[[&str; 3]]) -> Sentence {
        let triples = triples.iter().map(|&[s, r, o]| Triple::of(s, r, o));
        Sentence::new(text).with_triples(triples)
    }

    fn stats<'a>(sentences: impl IntoIterator<Item = &'a Sentence>) -> Stats {
        let mut stats = Stats::default();
        sentences.into_iter().for_each(|sentence| stats.add(sentence));
        stats
    }

    #[test]
    fn stats_match_hand_counts() {
        let corpus = [
            sentence("Ada and Bob left", &[]),
            sentence("Ada was born in London", &[["Ada", "born", "London"], [" Ada", "born", "London"]]),
            sentence("鲁迅是浙江绍兴人", &[["鲁迅", "出生地", "绍兴"], ["鲁迅", "born", "浙江"]]),
            sentence("Ada", &[["Ada", "born", "Paris"]]),
        ];
        let stats = stats(&corpus);
        assert_eq!((stats.sentences, stats.without_triples), (4, 1));
        assert_eq!((stats.triples, stats.duplicates, stats.not_found, stats.relations), (5, 1, 1, 2));
        assert_eq!(stats.by_frequency(), [("born", 4), ("出生地", 1)]);
        assert_eq!(stats.triples_per_sentence, BTreeMap::from([("0", 1), ("1", 1), ("2", 2)]));
        assert_eq!(stats.overlaps, Overlaps { normal: 2, entity_pair_overlap: 0, single_entity_overlap: 1 });
        // 16, 22, 8 and 3 characters; 4, 5, 1 and 1 words.
        assert_eq!(stats.characters.summary(), Summary { mean: 12.25, min: 3, median: 8, p95: 22, max: 22 });
        assert_eq!(stats.words.summary(), Summary { mean: 2.75, min: 1, median: 1, p95: 5, max: 5 });
        let table = stats.to_string();
        assert!(table.contains("        4  born\n        1  出生地"), "{table}");
        assert_eq!(serde_json::json!(stats)["words"]["mean"], 2.75);
    }

    #[test]
    fn stats_of_overlaps() {
        let overlaps = |triples: &[[&str; 3]]| {
            let Overlaps { normal, entity_pair_overlap, single_entity_overlap } =
                stats([&sentence("", triples)]).overlaps;
            [normal, entity_pair_overlap, single_entity_overlap]
        };
        assert_eq!(overlaps(&[]), [0, 0, 0]);
        assert_eq!(overlaps(&[["a", "r", "b"], ["c", "r", "d"]]), [1, 0, 0]);
        assert_eq!(overlaps(&[["a", "r", "b"], ["a", "q", "b"]]), [0, 1, 0]);
        assert_eq!(overlaps(&[["a", "r", "b"], ["b", "r", "a"]]), [0, 1, 0]);
        assert_eq!(overlaps(&[["a", "r", "b"], ["c", "r", "a"]]), [0, 0, 1]);
        assert_eq!(overlaps(&[["a", "r", "b"], ["a", "q", "b"], ["b", "r", "c"]]), [0, 1, 1]);
        // A triple of an entity with itself has one entity.
        assert_eq!(overlaps(&[["a", "r", "a"]]), [1, 0, 0]);
        assert_eq!(overlaps(&[["a", "r", "a"], ["a", "r", "b"]]), [0, 0, 1]);
    }

    #[test]
    fn stats_check_spans_of_mentions() {
        let mut sentence = sentence("Ada saw Ada", &[["Ada", "saw", "Ada"]]);
        sentence.triples[0].subject.span = Some(ByteSpan::new(0, 3));
        assert_eq!(stats([&sentence]).not_found, 0);
        sentence.triples[0].subject.span = Some(ByteSpan::new(1, 4));
        assert_eq!(stats([&sentence]).not_found, 1);
    }

    #[test]
    fn stats_of_an_empty_corpus() {
        let stats = Stats::default();
        assert_eq!(stats.words.summary(), Summary::default());
        assert!(stats.to_string().contains("0  sentences\n"));
    }

    proptest! {
        #[test]
        fn stats_do_not_depend_on_the_order(
            corpus in prop::collection::vec(
                ("[ab ]{0,6}", prop::collection::vec(("[ab]", "[rq]", "[ab]"), 0..7)).prop_map(|(text, triples)| {
                    let triples = triples.into_iter().map(|(s, r, o)| Triple::of(s, r, o));
                    Sentence::new(text).with_triples(triples)
                }),
                0..8,
            ),
        ) {
            let forwards = stats(&corpus);
            prop_assert_eq!(&forwards, &stats(corpus.iter().rev()));
            prop_assert_eq!(forwards.triples_per_sentence.values().sum::<usize>(), corpus.len());
            prop_assert_eq!(forwards.by_relation.values().sum::<usize>(), forwards.triples);
        }
    }
}
