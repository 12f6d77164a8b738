//! Judgements by hand: a random sample of facts, and the precision that the judgements of people give.

use std::{
    fmt,
    io::{BufRead, BufReader},
    path::Path,
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rere_data::{DataError, open};
use rere_eval::Interval;
use serde::Serialize;

use crate::{CorpusFact, FactsError};

/// Draws a random sample of a stream of facts, each with the same probability, in constant memory.
///
/// The seed and the order of the facts determine which.
#[derive(Debug, Clone)]
pub struct Sample {
    size: usize,
    seen: usize,
    rng: ChaCha8Rng,
    facts: Vec<(usize, CorpusFact)>,
}

impl Sample {
    /// Creates a sample of at most `size` facts.
    pub fn new(size: usize, seed: u64) -> Self {
        Self { size, seen: 0, rng: ChaCha8Rng::seed_from_u64(seed), facts: Vec::new() }
    }

    /// Considers the next fact (algorithm R, Vitter 1985).
    pub fn add(&mut self, fact: &CorpusFact) {
        let number = self.seen;
        self.seen += 1;
        if self.facts.len() < self.size {
            self.facts.push((number, fact.clone()));
        } else if self.size > 0 {
            let at = self.rng.random_range(0..self.seen);
            if let Some(place) = self.facts.get_mut(at) {
                *place = (number, fact.clone());
            }
        }
    }

    /// Returns the number of facts that were considered.
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// Returns the sample in the order of the facts.
    pub fn finish(mut self) -> Vec<CorpusFact> {
        self.facts.sort_by_key(|(number, _)| *number);
        self.facts.into_iter().map(|(_, fact)| fact).collect()
    }
}

/// Counts of judged facts, and their precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Judgements {
    /// Facts judged as right.
    pub right: usize,
    /// Facts judged as wrong.
    pub wrong: usize,
    /// Facts judged as unsure, which do not count.
    pub unsure: usize,
}

impl Judgements {
    /// Reads a tab-separated file with the columns subject, relation, object and verdict (right, wrong or unsure), as the page
    /// of facts saves it. The first line is the header.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or has no judgements, or a line has other columns or another verdict.
    pub fn read(path: &Path) -> Result<Self, FactsError> {
        let mut counts = Self::default();
        let unreadable = |source| DataError::Read { path: path.to_owned(), source };
        for (number, line) in (1..).zip(BufReader::new(open(path)?).lines()) {
            let line = line.map_err(unreadable)?;
            let columns: Vec<&str> = line.trim_end().split('\t').collect();
            let expected = |expected| FactsError::Judgement { path: path.to_owned(), line: number, expected };
            let [_, _, _, verdict] = columns[..] else {
                if line.trim().is_empty() {
                    continue;
                }
                return Err(expected("the tab-separated columns subject, relation, object, verdict"));
            };
            match verdict.trim() {
                "verdict" if number == 1 => {}
                "right" => counts.right += 1,
                "wrong" => counts.wrong += 1,
                "unsure" => counts.unsure += 1,
                _ => return Err(expected("a verdict of right, wrong or unsure")),
            }
        }
        if counts == Self::default() {
            return Err(FactsError::Judgement { path: path.to_owned(), line: 1, expected: "judgements, found none" });
        }
        Ok(counts)
    }

    /// Returns the share of right facts among those judged as right or wrong; 0 if there are none.
    pub fn precision(&self) -> f64 {
        self.right as f64 / (self.right + self.wrong).max(1) as f64
    }

    /// Returns the 95 % interval of the precision of all facts that the sample was drawn from (Wilson 1927).
    pub fn interval(&self) -> Interval {
        Interval::of_share(self.right, self.right + self.wrong)
    }
}

impl fmt::Display for Judgements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { right, wrong, unsure } = self;
        let Interval { low, high, .. } = self.interval();
        write!(
            f,
            "{right} right, {wrong} wrong, {unsure} unsure: precision {:.1} %, 95 % interval {:.1} to {:.1}",
            100.0 * self.precision(),
            100.0 * low,
            100.0 * high
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FactEntity, FactStatus};

    fn fact(number: usize) -> CorpusFact {
        let entity = |name: String| FactEntity { name, ids: Vec::new() };
        CorpusFact {
            subject: entity(number.to_string()),
            relation: "r".to_owned(),
            object: entity("o".to_owned()),
            score: 1.0,
            best: 1.0,
            sentences: 1,
            documents: 1,
            status: Some(FactStatus::New),
            conflicts: Vec::new(),
            evidence: Vec::new(),
        }
    }

    #[test]
    fn each_fact_has_the_same_chance() {
        let mut counts = [0; 10];
        for seed in 0..3000 {
            let mut sample = Sample::new(3, seed);
            (0..10).for_each(|number| sample.add(&fact(number)));
            assert_eq!(sample.seen(), 10);
            let names: Vec<usize> =
                sample.finish().iter().map(|fact| fact.subject.name.parse().expect("a number")).collect();
            assert!(names.len() == 3 && names.is_sorted());
            names.iter().for_each(|&name| counts[name] += 1);
        }
        // 900 expected, with a deviation of 25.
        assert!(counts.iter().all(|count| (800..1000).contains(count)), "{counts:?}");
    }

    #[test]
    fn judgements_are_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("judged.tsv");
        let read = |content: &str| {
            std::fs::write(&path, content).expect("written");
            Judgements::read(&path)
        };
        let rows = "a\tr\tb\tright\n".repeat(8) + "a\tr\tb\twrong\na\tr\tb\tunsure\n\na\tr\tb\twrong\n";
        let found = read(&format!("subject\trelation\tobject\tverdict\n{rows}")).expect("read");
        assert_eq!((found.right, found.wrong, found.unsure), (8, 2, 1));
        // statsmodels 0.14: proportion_confint(8, 10, method="wilson")
        let interval = found.interval();
        assert!((interval.low - 0.4901625).abs() < 1e-6 && (interval.high - 0.9433178).abs() < 1e-6, "{interval:?}");
        for (content, part) in
            [("a\tr\tb\tmaybe\n", "line 1: expected a verdict"), ("\na\tb\n", "line 2: expected the tab")]
        {
            let error = read(content).expect_err(content).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
