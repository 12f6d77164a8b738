//! Comparison of several labellings of one corpus.

use std::{collections::HashMap, fmt};

use rere_core::Triple;
use serde::Serialize;

/// Numbers of triples and relations in each of several labellings of a corpus, in all, and in any (Table 1 of the RERE
/// paper).
///
/// The false negative rate of a labelling is the share that it misses of the triples in any labelling. It is a lower
/// bound, because no labelling is complete. Triples are equal if their sentences, surfaces and relations are.
///
/// ```
/// use rere_data::{Overlap, Triple};
///
/// let born = || Triple::of("Ada", "born in", "London");
/// let lived = || Triple::of("Ada", "lived in", "London");
/// // One sentence in two labellings.
/// let sentences = [Ok::<_, std::convert::Infallible>(vec![vec![born()], vec![born(), lived()]])];
/// let overlap = Overlap::of(vec!["A".into(), "B".into()], sentences)?;
/// assert_eq!((overlap.both.triples, overlap.either.triples), (1, 2));
/// assert_eq!(overlap.labellings[0].false_negative_triples, 0.5);
/// # Ok::<(), std::convert::Infallible>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Overlap {
    /// The labellings, in the order given.
    pub labellings: Vec<Labelling>,
    /// Counts of what all labellings have.
    pub both: LabellingCounts,
    /// Counts of what at least one labelling has.
    pub either: LabellingCounts,
}

/// Counts of one labelling.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Labelling {
    /// Name of the labelling.
    pub name: String,
    /// Counts of its triples and relations.
    pub found: LabellingCounts,
    /// False negative rate of triples, `1 - own / either`; 0 if there are no triples.
    pub false_negative_triples: f64,
    /// False negative rate of relations.
    pub false_negative_relations: f64,
}

/// Numbers of distinct triples and relations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LabellingCounts {
    /// Triples, without repetitions within a sentence.
    pub triples: usize,
    /// Relations.
    pub relations: usize,
}

impl Overlap {
    /// Compares labellings of one corpus, in constant memory.
    ///
    /// Each item of `sentences` holds the triples of a sentence in each labelling, in the order of `names`; further
    /// labellings are ignored.
    ///
    /// # Errors
    /// Returns the first error of `sentences`.
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
            found.values().for_each(|is_in| triples.add(is_in));
        }
        let mut relations = OverlapCounts::new(count);
        labelled.values().for_each(|is_in| relations.add(is_in));
        let labelling = |(at, name)| Labelling {
            name,
            found: LabellingCounts { triples: triples.own[at], relations: relations.own[at] },
            false_negative_triples: false_negative_rate(triples.own[at], triples.either),
            false_negative_relations: false_negative_rate(relations.own[at], relations.either),
        };
        Ok(Self {
            labellings: names.into_iter().enumerate().map(labelling).collect(),
            both: LabellingCounts { triples: triples.both, relations: relations.both },
            either: LabellingCounts { triples: triples.either, relations: relations.either },
        })
    }
}

/// Counts of triples, or of relations, in several labellings.
struct OverlapCounts {
    /// Count of each labelling.
    own: Vec<usize>,
    /// Count of what all have.
    both: usize,
    /// Count of what any has.
    either: usize,
}

impl OverlapCounts {
    fn new(labellings: usize) -> Self {
        Self { own: vec![0; labellings], both: 0, either: 0 }
    }

    /// Counts a triple or a relation, given whether each labelling has it.
    fn add(&mut self, is_in: &[bool]) {
        self.own.iter_mut().zip(is_in).for_each(|(own, &is_in)| *own += usize::from(is_in));
        self.both += usize::from(is_in.iter().all(|&is_in| is_in));
        self.either += 1;
    }
}

fn false_negative_rate(own: usize, either: usize) -> f64 {
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
        // Counted by hand: sentence 0 has (a r b) in both, (a s b) only in the first; sentence 1 has (a r b) in the
        // second.
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
    fn rates_of_empty_labellings_are_0() {
        let overlap = of(&["A"], [vec![vec![]]]);
        assert_eq!((overlap.either.triples, overlap.labellings[0].false_negative_triples), (0, 0.0));
    }

    #[test]
    fn labellings_without_a_name_are_ignored() {
        let t = || vec![Triple::of("a", "r", "b")];
        // The second sentence lacks a labelling, the third has one too many.
        let overlap = of(&["A", "B"], [vec![t(), t()], vec![t()], vec![vec![], t(), t()]]);
        assert_eq!(overlap.labellings.iter().map(|own| own.found.triples).collect::<Vec<_>>(), [2, 2]);
        assert_eq!((overlap.both.triples, overlap.either.triples), (1, 3));
    }

    #[test]
    fn the_first_error_is_returned() {
        let mut sentences = [Ok(vec![]), Err("first"), Err("second")].into_iter();
        assert_eq!(Overlap::of(vec!["A".to_owned()], sentences.by_ref()), Err("first"));
        assert_eq!(sentences.len(), 1);
    }
}
