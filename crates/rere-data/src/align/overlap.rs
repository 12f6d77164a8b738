//! What several labellings of one corpus have in common, and what each of them misses.

use std::{collections::HashMap, fmt};

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
    /// LabellingCounts by all labellings.
    pub both: LabellingCounts,
    /// LabellingCounts by at least one.
    pub either: LabellingCounts,
}

/// What one labelling finds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Labelling {
    /// Its name.
    pub name: String,
    /// What it finds.
    pub found: LabellingCounts,
    /// 1 - own / either, of triples; 0 where there is none.
    pub false_negative_triples: f64,
    /// The same of relations.
    pub false_negative_relations: f64,
}

/// Numbers of different triples and relations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LabellingCounts {
    /// Triples, each once in a sentence.
    pub triples: usize,
    /// Relations.
    pub relations: usize,
}

impl Overlap {
    /// Compares labellings of one corpus. Each item is a sentence: its triples by each of the labellings, in the order of
    /// `names`; triples of more labellings than that are passed over. One sentence is held at a time.
    ///
    /// # Errors
    /// The first error among `sentences`.
    pub fn of<E>(
        names: Vec<String>,
        sentences: impl IntoIterator<Item = Result<Vec<Vec<Triple>>, E>>,
    ) -> Result<Self, E> {
        let count = names.len();
        let mut triples = OverlapCounts::new(count);
        let mut labelled: HashMap<String, Vec<bool>> = HashMap::new();
        for labellings in sentences {
            let labellings = labellings?;
            let mut found: HashMap<_, Vec<bool>> = HashMap::new();
            for (labelling, own) in labellings.iter().take(count).enumerate() {
                for Triple { subject, relation, object, .. } in own {
                    let key = (&subject.text, relation, &object.text);
                    found.entry(key).or_insert_with(|| vec![false; count])[labelling] = true;
                    labelled.entry(relation.clone()).or_insert_with(|| vec![false; count])[labelling] = true;
                }
            }
            found.values().for_each(|by| triples.add(by));
        }
        let mut relations = OverlapCounts::new(count);
        labelled.values().for_each(|by| relations.add(by));
        let labelling = |(at, name)| Labelling {
            name,
            found: LabellingCounts { triples: triples.own[at], relations: relations.own[at] },
            false_negative_triples: missed(triples.own[at], triples.either),
            false_negative_relations: missed(relations.own[at], relations.either),
        };
        Ok(Self {
            labellings: names.into_iter().enumerate().map(labelling).collect(),
            both: LabellingCounts { triples: triples.both, relations: relations.both },
            either: LabellingCounts { triples: triples.either, relations: relations.either },
        })
    }
}

/// Numbers of things that labellings find.
struct OverlapCounts {
    /// That each of them finds.
    own: Vec<usize>,
    /// That all find.
    both: usize,
    /// That any finds.
    either: usize,
}

impl OverlapCounts {
    fn new(labellings: usize) -> Self {
        Self { own: vec![0; labellings], both: 0, either: 0 }
    }

    /// Counts a thing by which of the labellings find it.
    fn add(&mut self, by: &[bool]) {
        self.own.iter_mut().zip(by).for_each(|(own, &by)| *own += usize::from(by));
        self.both += usize::from(by.iter().all(|&by| by));
        self.either += 1;
    }
}

fn missed(own: usize, either: usize) -> f64 {
    if either == 0 { 0.0 } else { 1.0 - own as f64 / either as f64 }
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>9} {:>9} {:>8} {:>9}  labelling", "triples", "relations", "FN", "FN")?;
        for Labelling { name, found, false_negative_triples, false_negative_relations } in &self.labellings {
            let LabellingCounts { triples, relations } = found;
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
    use std::convert::Infallible;

    use super::*;

    fn of<const N: usize>(names: &[&str], sentences: [Vec<Vec<Triple>>; N]) -> Overlap {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Overlap::of(names, sentences.map(Ok::<_, Infallible>)).unwrap_or_else(|error| match error {})
    }

    #[test]
    fn triples_and_relations_are_counted() {
        // By hand: sentence 0 has (a r b) in both, once twice; (a s b) only in the first; sentence 1 (a r b) in the second.
        let t = |relation| Triple::of("a", relation, "b");
        let sentences = [vec![vec![t("r"), t("r"), t("s")], vec![t("r")]], vec![vec![], vec![t("r"), t("u")]]];
        let overlap = of(&["A", "B"], sentences);
        let found = |triples, relations| LabellingCounts { triples, relations };
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
        let overlap = of(&["A"], [vec![vec![]]]);
        assert_eq!((overlap.either.triples, overlap.labellings[0].false_negative_triples), (0, 0.0));
    }

    #[test]
    fn labellings_are_those_with_a_name() {
        let t = || vec![Triple::of("a", "r", "b")];
        // The second sentence is short of a labelling, the third has one too many.
        let overlap = of(&["A", "B"], [vec![t(), t()], vec![t()], vec![vec![], t(), t()]]);
        assert_eq!(overlap.labellings.iter().map(|own| own.found.triples).collect::<Vec<_>>(), [2, 2]);
        assert_eq!((overlap.both.triples, overlap.either.triples), (1, 3));
    }

    #[test]
    fn the_first_error_ends_it() {
        let mut sentences = [Ok(vec![]), Err("first"), Err("second")].into_iter();
        assert_eq!(Overlap::of(vec!["A".to_owned()], sentences.by_ref()), Err("first"));
        assert_eq!(sentences.len(), 1);
    }
}
