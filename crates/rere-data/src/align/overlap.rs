//! What several labellings of one corpus have in common, and what each of them misses.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    hash::Hash,
};

use rere_core::Triple;
use serde::Serialize;

/// Table 1 of the paper: the triples and relations that each labelling of a corpus finds, that all find, that any finds.
///
/// The false negative rate of a labelling is what it misses of that which any labelling finds; as none finds everything,
/// it is a lower bound. Triples are the same where sentence, surfaces and relation are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overlap {
    /// The labellings, in the order given.
    pub labellings: Vec<Labelling>,
    /// Found by all labellings.
    pub both: Found,
    /// Found by at least one.
    pub either: Found,
}

/// What one labelling finds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Labelling {
    /// Its name.
    pub name: String,
    /// What it finds.
    pub found: Found,
    /// 1 - own / either, of triples; 0 where there is none.
    pub false_negative_triples: f64,
    /// The same of relations.
    pub false_negative_relations: f64,
}

/// Numbers of different triples and relations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Triples, each once in a sentence.
    pub triples: usize,
    /// Relations.
    pub relations: usize,
}

impl Overlap {
    /// Compares labellings, each with its name and its triples for every sentence of one corpus.
    pub fn of(labellings: &[(String, Vec<Vec<Triple>>)]) -> Self {
        let triples = sets(labellings, |sentence, triple| {
            (sentence, triple.subject.text.as_str(), triple.relation.as_str(), triple.object.text.as_str())
        });
        let relations = sets(labellings, |_, triple| triple.relation.as_str());
        let ((both_triples, either_triples), (both_relations, either_relations)) =
            (shared(&triples), shared(&relations));
        let sizes = triples.iter().map(HashSet::len).zip(relations.iter().map(HashSet::len));
        let labellings = labellings.iter().zip(sizes).map(|((name, _), (triples, relations))| Labelling {
            name: name.clone(),
            found: Found { triples, relations },
            false_negative_triples: missed(triples, either_triples),
            false_negative_relations: missed(relations, either_relations),
        });
        Self {
            labellings: labellings.collect(),
            both: Found { triples: both_triples, relations: both_relations },
            either: Found { triples: either_triples, relations: either_relations },
        }
    }
}

/// For each labelling the different keys of its triples.
fn sets<'a, K: Hash + Eq>(
    labellings: &'a [(String, Vec<Vec<Triple>>)],
    key: impl Fn(usize, &'a Triple) -> K,
) -> Vec<HashSet<K>> {
    let keys = |sentences: &'a Vec<Vec<Triple>>| {
        let triples = sentences.iter().enumerate().flat_map(|(at, triples)| triples.iter().map(move |t| (at, t)));
        triples.map(|(sentence, triple)| key(sentence, triple)).collect()
    };
    labellings.iter().map(|(_, sentences)| keys(sentences)).collect()
}

/// Number of keys that are in all sets, and in any.
fn shared<K: Hash + Eq>(sets: &[HashSet<K>]) -> (usize, usize) {
    let mut uses: HashMap<&K, usize> = HashMap::new();
    for key in sets.iter().flatten() {
        *uses.entry(key).or_default() += 1;
    }
    (uses.values().filter(|&&count| count == sets.len()).count(), uses.len())
}

fn missed(own: usize, either: usize) -> f64 {
    if either == 0 { 0.0 } else { 1.0 - own as f64 / either as f64 }
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9} {:>9} {:>8} {:>9}  labelling", "triples", "relations", "FN", "FN")?;
        for Labelling { name, found, false_negative_triples, false_negative_relations } in &self.labellings {
            let Found { triples, relations } = found;
            let rates = format!("{false_negative_triples:>8.3} {false_negative_relations:>9.3}");
            write!(f, "\n{triples:>9} {relations:>9} {rates}  {name}")?;
        }
        for (found, name) in
            [(self.both, if self.labellings.len() > 2 { "all" } else { "both" }), (self.either, "either")]
        {
            write!(f, "\n{:>9} {:>9} {:>8} {:>9}  {name}", found.triples, found.relations, "", "")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triples_and_relations_are_counted() {
        // By hand: sentence 0 has (a r b) in both, once twice; (a s b) only in the first; sentence 1 (a r b) in the second.
        let t = |relation| Triple::of("a", relation, "b");
        let first = vec![vec![t("r"), t("r"), t("s")], vec![]];
        let second = vec![vec![t("r")], vec![t("r"), t("u")]];
        let overlap = Overlap::of(&[("A".to_owned(), first), ("B".to_owned(), second)]);
        let found = |triples, relations| Found { triples, relations };
        assert_eq!(overlap.labellings[0].found, found(2, 2));
        assert_eq!(overlap.labellings[1].found, found(3, 2));
        assert_eq!((overlap.both, overlap.either), (found(1, 1), found(4, 3)));
        assert_eq!(overlap.labellings[0].false_negative_triples, 0.5);
        assert_eq!(overlap.labellings[1].false_negative_triples, 0.25);
        assert!((overlap.labellings[0].false_negative_relations - 1.0 / 3.0).abs() < 1e-12);
        let table = overlap.to_string();
        let cells: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(cells[1], ["2", "2", "0.500", "0.333", "A"]);
        assert_eq!(cells[3], ["1", "1", "both"]);
        assert_eq!(serde_json::json!(overlap)["either"], serde_json::json!({"triples": 4, "relations": 3}));
    }

    #[test]
    fn nothing_found_is_nothing_missed() {
        let overlap = Overlap::of(&[("A".to_owned(), vec![vec![]])]);
        assert_eq!((overlap.either.triples, overlap.labellings[0].false_negative_triples), (0, 0.0));
    }
}
