//! Random removal of triples, to study training on incomplete labels.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    str::FromStr,
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_core::{Probability, Sentence};
use serde::Serialize;

/// Unit of removal: which triples are kept or removed together.
///
/// ```
/// use rere_data::DropBy;
///
/// assert_eq!("pair".parse(), Ok(DropBy::Pair));
/// assert!("sentence".parse::<DropBy>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DropBy {
    /// Each triple on its own, as in Figure 3 of the RERE paper.
    #[default]
    Triple,
    /// The triples of one relation in a sentence. The first stage of RERE is then affected too.
    Relation,
    /// All triples of the corpus with the same subject and object surfaces, as if a knowledge base did not have the
    /// pair.
    Pair,
}

/// Error of a name that is not that of a [`DropBy`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of triple, relation, pair, found {0:?}")]
pub struct UnknownDropBy(String);

impl FromStr for DropBy {
    type Err = UnknownDropBy;

    fn from_str(name: &str) -> Result<Self, UnknownDropBy> {
        match name {
            "triple" => Ok(Self::Triple),
            "relation" => Ok(Self::Relation),
            "pair" => Ok(Self::Pair),
            _ => Err(UnknownDropBy(name.to_owned())),
        }
    }
}

/// Removes random triples, sentence by sentence.
///
/// The seed and the order of the sentences and of their triples determine which.
///
/// ```
/// use rere_core::{Probability, Sentence, Triple};
/// use rere_data::{DropBy, TripleDropper};
///
/// let mut sentences = vec![Sentence::new("…").with_triples(vec![Triple::of("Ada", "born in", "London")]); 100];
/// let mut dropper = TripleDropper::new(Probability::new(0.3)?, DropBy::Triple, 7);
/// // As in Figure 3, discard sentences that lose their last triple.
/// sentences.retain_mut(|sentence| dropper.drop_from(sentence));
/// assert_eq!(sentences.len(), 100 - dropper.report().dropped);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct TripleDropper {
    rate: f64,
    by: DropBy,
    rng: ChaCha8Rng,
    /// Whether each pair is removed, for [`DropBy::Pair`].
    pairs: HashMap<(String, String), bool>,
    report: DropReport,
}

/// Report of a [`TripleDropper`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct DropReport {
    /// Sentences read.
    pub sentences: usize,
    /// Sentences that lost all their triples.
    pub emptied: usize,
    /// Triples read.
    pub triples: usize,
    /// Triples removed.
    pub dropped: usize,
}

impl TripleDropper {
    /// Creates a dropper that removes each unit with probability `rate`.
    pub fn new(rate: Probability, by: DropBy, seed: u64) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(seed);
        Self { rate: rate.get().into(), by, rng, pairs: HashMap::new(), report: DropReport::default() }
    }

    /// Removes triples of the next sentence. Returns false if it had triples and has none now; Figure 3 of the paper
    /// discards such sentences.
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

    /// Returns the report on the sentences so far.
    pub fn report(&self) -> DropReport {
        self.report
    }
}

impl fmt::Display for DropReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sentences, emptied, triples, dropped } = self;
        write!(f, "{dropped} of {triples} triples removed; {emptied} of {sentences} sentences lost all triples")
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
    fn the_share_of_removed_triples_is_the_rate() {
        // 20,000 sentences with two triples each; the standard deviation is below 100 for each unit.
        let triples = (0..20_000u32).map(|n| [0, 1].map(|object| (n as u8, (n >> 8) as u8, object)).to_vec());
        let sentences = corpus(&triples.collect::<Vec<_>>());
        for rate in [0.1, 0.3, 0.5] {
            for by in [DropBy::Triple, DropBy::Relation] {
                let (_, report) = drop(&sentences, rate, by, 1);
                let expected = 40_000.0 * f64::from(rate);
                assert!((report.dropped as f64 - expected).abs() < 600.0, "{by:?} {rate}: {report}");
                // Both triples of a sentence have the same relation.
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
        assert!(left.iter().any(|sentence| sentence.triples.len() == 2), "relations are drawn separately");
        let (left, _) = drop(&sentences, 0.5, DropBy::Pair, 3);
        assert!(
            left.iter().all(|sentence| sentence.triples == left[0].triples),
            "a pair is removed everywhere or nowhere"
        );
    }

    proptest! {
        #[test]
        fn remaining_triples_keep_their_order(
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
                for (left, original) in left.iter().zip(&sentences) {
                    let mut rest = original.triples.iter();
                    prop_assert!(left.triples.iter().all(|triple| rest.any(|other| other == triple)));
                }
                prop_assert_eq!(&drop(&sentences, 0.0, by, seed).0, &sentences);
                prop_assert_eq!(count(&drop(&sentences, 1.0, by, seed).0), 0);
            }
        }
    }
}
