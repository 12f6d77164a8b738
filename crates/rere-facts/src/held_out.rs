//! Evaluation against facts of the knowledge base that were hidden.

use std::fmt;

use rere_eval::{Calibration, CurvePoint, calibration, precision_recall_curve};
use serde::Serialize;

use crate::{CorpusFact, FactStatus};

/// Evaluates facts against a knowledge base of which a share is [hidden](rere_data::KnowledgeBase::hide), as is usual for
/// distant supervision (Mintz et al. 2009).
///
/// A fact that the knowledge base does not have counts as wrong, although it may be true, so precision is a lower bound.
#[derive(Debug, Clone, Default)]
pub struct HeldOut {
    /// Score and status of each fact, by decreasing score.
    facts: Vec<(f32, FactStatus)>,
    /// Hidden facts that a sentence of the corpus could state.
    hidden: usize,
}

impl HeldOut {
    /// Creates an evaluation. `hidden` is the number of hidden facts whose two entities are named in one sentence of the corpus:
    /// others cannot be found.
    pub fn new(hidden: usize) -> Self {
        Self { facts: Vec::new(), hidden }
    }

    /// Adds the next fact, by decreasing score. A fact without a status is ignored.
    pub fn add(&mut self, fact: &CorpusFact) {
        if let Some(status) = fact.status {
            self.facts.push((fact.score as f32, status));
        }
    }

    /// Computes the result, with precisions after each of `ranks` facts. Ranks beyond the last fact are left out.
    pub fn finish(&self, ranks: &[usize]) -> HeldOutResult {
        let known = |status: FactStatus| status != FactStatus::New;
        let found: Vec<FactStatus> = self.facts.iter().map(|(_, status)| *status).collect();
        let unknown: Vec<FactStatus> = found.iter().copied().filter(|&status| status != FactStatus::Known).collect();
        let precision = |facts: &[FactStatus], is_correct: &dyn Fn(FactStatus) -> bool| {
            let rank = |&rank: &usize| {
                let first = facts.get(..rank).filter(|first| !first.is_empty())?;
                let correct = first.iter().filter(|&&status| is_correct(status)).count();
                Some(PrecisionAt { rank, precision: correct as f64 / rank as f64 })
            };
            ranks.iter().filter_map(rank).collect()
        };
        let is_hidden = |status| status == FactStatus::Hidden;
        let hidden_found = unknown.iter().filter(|&&status| is_hidden(status)).count();
        let not_known = self.facts.iter().filter(|(_, status)| *status != FactStatus::Known);
        let curve = precision_recall_curve(not_known.map(|&(score, status)| (score, is_hidden(status))), self.hidden);
        HeldOutResult {
            facts: found.len(),
            known: found.iter().filter(|&&status| status == FactStatus::Known).count(),
            hidden_found,
            hidden: self.hidden,
            precision: precision(&found, &known),
            hidden_precision: precision(&unknown, &is_hidden),
            curve,
            calibration: calibration(self.facts.iter().map(|&(score, status)| (score, known(status))), 10),
        }
    }
}

/// Result of a [`HeldOut`] evaluation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HeldOutResult {
    /// Facts.
    pub facts: usize,
    /// Facts that the knowledge base has, without the hidden ones.
    pub known: usize,
    /// Hidden facts among the facts.
    pub hidden_found: usize,
    /// Hidden facts that the corpus could state.
    pub hidden: usize,
    /// Share of the best facts that the knowledge base has, hidden or not.
    pub precision: Vec<PrecisionAt>,
    /// Share of hidden facts among the best facts that are hidden or new.
    pub hidden_precision: Vec<PrecisionAt>,
    /// Precision and recall of the hidden facts among those that are hidden or new, by the least score.
    pub curve: Vec<CurvePoint>,
    /// Scores of all facts, compared with the share that the knowledge base has, hidden or not.
    pub calibration: Calibration,
}

/// Precision of the facts with the best scores.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PrecisionAt {
    /// Number of facts.
    pub rank: usize,
    /// Share of them that is correct.
    pub precision: f64,
}

impl fmt::Display for HeldOutResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { facts, known, hidden_found, hidden, .. } = self;
        let recall = 100.0 * *hidden_found as f64 / (*hidden).max(1) as f64;
        writeln!(f, "{facts} facts: {known} known, {hidden_found} hidden, {} new", facts - known - hidden_found)?;
        writeln!(f, "recall of hidden facts that the corpus could state: {hidden_found} of {hidden} ({recall:.1} %)")?;
        for (list, which, correct) in [
            (&self.precision, "best facts", "in the knowledge base, hidden or not"),
            (&self.hidden_precision, "best facts that are not known", "hidden"),
        ] {
            for PrecisionAt { rank, precision } in list {
                writeln!(f, "of the {rank} {which}, {:.1} % are {correct}", 100.0 * precision)?;
            }
        }
        write!(f, "calibration error of the combined score: {:.1} %", 100.0 * self.calibration.expected_error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FactEntity;

    fn fact(score: f64, status: FactStatus) -> CorpusFact {
        let entity = || FactEntity { name: "a".to_owned(), ids: Vec::new() };
        CorpusFact {
            subject: entity(),
            relation: "r".to_owned(),
            object: entity(),
            score,
            best: score,
            sentences: 1,
            documents: 1,
            status: Some(status),
            conflicts: Vec::new(),
            evidence: Vec::new(),
        }
    }

    #[test]
    fn values_by_hand() {
        use FactStatus::{Hidden, Known, New};
        let mut held_out = HeldOut::new(4);
        for (score, status) in [(1.0, Known), (0.9, Hidden), (0.8, New), (0.7, Known), (0.6, Hidden), (0.5, New)] {
            held_out.add(&fact(score, status));
        }
        let result = held_out.finish(&[2, 4, 5, 100]);
        let precisions: Vec<(usize, f64)> = result.precision.iter().map(|at| (at.rank, at.precision)).collect();
        assert_eq!(precisions, [(2, 1.0), (4, 0.75), (5, 0.8)]);
        let precisions: Vec<(usize, f64)> = result.hidden_precision.iter().map(|at| (at.rank, at.precision)).collect();
        assert_eq!(precisions, [(2, 0.5), (4, 0.5)]);
        let curve: Vec<_> = result.curve.iter().map(|point| (point.score.recall, point.score.precision)).collect();
        assert_eq!(curve, [(0.25, 1.0), (0.25, 0.5), (0.5, 2.0 / 3.0), (0.5, 0.5)]);
        assert_eq!((result.facts, result.known, result.hidden_found, result.hidden), (6, 2, 2, 4));
        assert!(result.to_string().contains("2 of 4 (50.0 %)"), "{result}");
    }

    #[test]
    fn nothing_found_is_no_division_by_zero() {
        let result = HeldOut::new(0).finish(&[0, 10]);
        assert_eq!((result.facts, result.precision.len(), result.curve.len()), (0, 0, 0));
        assert!(!result.to_string().contains("NaN"));
    }
}
