//! Labels removed on purpose, to see what a system makes of those that are left.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    str::FromStr,
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_core::{Probability, Sentence};
use serde::Serialize;

/// Which triples stay or go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DropBy {
    /// Each triple on its own: Figure 3 of the RERE paper.
    #[default]
    Triple,
    /// A sentence's triples of one relation: what is missing is then missing for the first stage of RERE too.
    Relation,
    /// All triples of the corpus with one subject and one object, by their surfaces: what a knowledge base that does not know
    /// the pair would leave out.
    Pair,
}

impl FromStr for DropBy {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "triple" => Ok(Self::Triple),
            "relation" => Ok(Self::Relation),
            "pair" => Ok(Self::Pair),
            _ => Err(format!("{name:?} is none of triple, relation and pair")),
        }
    }
}

/// Removes triples of one sentence after the other, drawn by a seed.
///
/// Which are drawn depends on the order of the sentences and of their triples.
///
/// ```
/// use rere_core::{Probability, Sentence, Triple};
/// use rere_data::{DropBy, TripleDropper};
///
/// let mut sentences = vec![Sentence::new("…").with_triples(vec![Triple::of("Ada", "born in", "London")]); 100];
/// let mut dropper = TripleDropper::new(Probability::new(0.3)?, DropBy::Triple, 7);
/// // As in Figure 3, a sentence that loses its last triple goes.
/// sentences.retain_mut(|sentence| dropper.drop_from(sentence));
/// assert_eq!(sentences.len(), 100 - dropper.report().dropped);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct TripleDropper {
    rate: f64,
    by: DropBy,
    rng: ChaCha8Rng,
    /// Whether a pair goes, where its triples go together; grows with the number of pairs.
    pairs: HashMap<(String, String), bool>,
    report: DropReport,
}

/// What a [`TripleDropper`] has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct DropReport {
    /// Sentences seen.
    pub sentences: usize,
    /// Sentences that lost their last triple.
    pub emptied: usize,
    /// Triples seen.
    pub triples: usize,
    /// Triples removed.
    pub dropped: usize,
}

impl TripleDropper {
    /// Removes with probability `rate`.
    pub fn new(rate: Probability, by: DropBy, seed: u64) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Self { rate: rate.get().into(), by, rng, pairs: HashMap::new(), report: DropReport::default() }
    }

    /// Removes triples of the next sentence. False where it had a triple and has none now; in the paper's Figure 3 such
    /// a sentence is left out.
    pub fn drop_from(&mut self, sentence: &mut Sentence) -> bool {
        let Self { rate, by, rng, pairs, report } = self;
        let before = sentence.triples.len();
        let mut draw = || rng.random_bool(*rate);
        match by {
            DropBy::Triple => sentence.triples.retain(|_| !draw()),
            DropBy::Relation => {
                let mut seen = HashSet::new();
                let mut gone = HashSet::new();
                for triple in &sentence.triples {
                    if seen.insert(triple.relation.clone()) && draw() {
                        gone.insert(triple.relation.clone());
                    }
                }
                sentence.triples.retain(|triple| !gone.contains(&triple.relation));
            }
            DropBy::Pair => sentence.triples.retain(|triple| {
                let pair = (triple.subject.text.clone(), triple.object.text.clone());
                !*pairs.entry(pair).or_insert_with(&mut draw)
            }),
        }
        let after = sentence.triples.len();
        let emptied = before > 0 && after == 0;
        report.sentences += 1;
        report.emptied += usize::from(emptied);
        report.triples += before;
        report.dropped += before - after;
        !emptied
    }

    /// What has been done so far.
    pub fn report(&self) -> DropReport {
        self.report
    }
}

impl fmt::Display for DropReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sentences, emptied, triples, dropped } = self;
        write!(f, "{dropped} of {triples} triples removed; {emptied} of {sentences} sentences lost their last one")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rere_core::Triple;

    use super::*;

    const ALL: [DropBy; 3] = [DropBy::Triple, DropBy::Relation, DropBy::Pair];

    fn corpus(triples: &[Vec<(u8, u8, u8)>]) -> Vec<Sentence> {
        let triple = |&(subject, relation, object): &(u8, u8, u8)| {
            Triple::of(format!("s{subject}"), format!("r{relation}"), format!("o{object}"))
        };
        let sentence = |triples: &Vec<_>| Sentence::new("a").with_triples(triples.iter().map(triple));
        triples.iter().map(sentence).collect()
    }

    fn drop(sentences: &[Sentence], rate: f32, by: DropBy, seed: u64) -> (Vec<Sentence>, DropReport) {
        let mut dropper = TripleDropper::new(Probability::new(rate).expect("a probability"), by, seed);
        let mut left = sentences.to_vec();
        left.iter_mut().for_each(|sentence| _ = dropper.drop_from(sentence));
        (left, dropper.report())
    }

    #[test]
    fn the_rate_is_met() {
        // 20,000 sentences with two triples each; the standard deviation is below 100 in each unit.
        let triples = (0..20_000u32).map(|n| [0, 1].map(|object| (n as u8, (n >> 8) as u8, object)).to_vec());
        let sentences = corpus(&triples.collect::<Vec<_>>());
        for rate in [0.1, 0.3, 0.5] {
            for by in [DropBy::Triple, DropBy::Relation] {
                let (_, report) = drop(&sentences, rate, by, 1);
                let expected = 40_000.0 * f64::from(rate);
                assert!((report.dropped as f64 - expected).abs() < 600.0, "{by:?} {rate}: {report}");
                // Both triples of a sentence have one relation.
                let emptied = if by == DropBy::Relation { rate } else { rate * rate };
                assert!(
                    (report.emptied as f64 - 20_000.0 * f64::from(emptied)).abs() < 400.0,
                    "{by:?} {rate}: {report}"
                );
            }
        }
    }

    #[test]
    fn units_stay_together() {
        let sentences = corpus(&vec![vec![(0, 0, 0), (0, 0, 1), (1, 1, 0), (0, 1, 0)]; 50]);
        let (left, _) = drop(&sentences, 0.5, DropBy::Relation, 3);
        for sentence in &left {
            for relation in ["r0", "r1"] {
                let count = sentence.triples.iter().filter(|triple| triple.relation == relation).count();
                assert!([0, 2].contains(&count));
            }
        }
        assert!(left.iter().any(|sentence| sentence.triples.len() == 2), "relations are drawn one by one");
        let (left, _) = drop(&sentences, 0.5, DropBy::Pair, 3);
        assert!(left.iter().all(|sentence| sentence.triples == left[0].triples), "a pair goes everywhere or nowhere");
    }

    proptest! {
        #[test]
        fn what_is_left_is_a_part_in_order(
            triples in proptest::collection::vec(proptest::collection::vec((0u8..3, 0u8..3, 0u8..3), 0..5), 0..20),
            rate in 0f32..=1.0,
            seed: u64,
        ) {
            let sentences = corpus(&triples);
            for by in ALL {
                let (left, report) = drop(&sentences, rate, by, seed);
                prop_assert_eq!(&left, &drop(&sentences, rate, by, seed).0);
                let count = |sentences: &[Sentence]| sentences.iter().map(|s| s.triples.len()).sum::<usize>();
                prop_assert_eq!(report.dropped, count(&sentences) - count(&left));
                for (left, whole) in left.iter().zip(&sentences) {
                    let mut rest = whole.triples.iter();
                    prop_assert!(left.triples.iter().all(|triple| rest.any(|other| other == triple)));
                }
                prop_assert_eq!(&drop(&sentences, 0.0, by, seed).0, &sentences);
                prop_assert_eq!(count(&drop(&sentences, 1.0, by, seed).0), 0);
            }
        }
    }
}
