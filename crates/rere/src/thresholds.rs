//! Decision thresholds of a system.

use rere_core::Probability;
use rere_decode::RelationThresholds;
use serde::{Deserialize, Serialize};

use crate::config::setters;

/// Decision thresholds of a system. They belong to the model and are chosen on the development set.
///
/// ```
/// use rere::{Probability, Thresholds};
///
/// let thresholds = Thresholds::default().with_triple(Probability::saturating(0.3));
/// assert_eq!(thresholds.least_triple(), Probability::saturating(0.3));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Thresholds {
    /// Least score of a result of the first step: a relation of the sentence, or a subject. A system with one step ignores it.
    pub detect: Probability,
    /// Least score of a result of the second step: the start or end of a subject or object.
    pub decode: Probability,
    /// Least score of a triple: one for all relations, or one per relation.
    pub triple: RelationThresholds,
}

impl Default for Thresholds {
    /// 0.5 for both steps, 0 for triples.
    fn default() -> Self {
        let half = Probability::saturating(0.5);
        Self { detect: half, decode: half, triple: Probability::ZERO.into() }
    }
}

impl Thresholds {
    setters! {
        /// Sets the threshold of the first step.
        with_detect(detect: Probability);
        /// Sets the threshold of the second step.
        with_decode(decode: Probability);
    }

    /// Sets the threshold of triples.
    #[must_use]
    pub fn with_triple(self, score: impl Into<RelationThresholds>) -> Self {
        Self { triple: score.into(), ..self }
    }

    /// Returns the values that are tried when thresholds are chosen: 0.05, 0.10, ... 0.95.
    pub fn candidates() -> Vec<Probability> {
        (1..20).map(|twentieth| Probability::saturating(twentieth as f32 / 20.0)).collect()
    }

    /// Returns candidates with equal thresholds of both steps.
    pub fn equal_candidates() -> Vec<Self> {
        Self::candidates().into_iter().map(|both| Self { detect: both, decode: both, ..Self::default() }).collect()
    }

    /// Returns candidates for the second step, with the lowest threshold of the first.
    pub fn decode_candidates() -> Vec<Self> {
        let at = |decode| Self { detect: Self::lowest(), decode, ..Self::default() };
        Self::candidates().into_iter().map(at).collect()
    }

    /// Returns the lowest of [`candidates`](Self::candidates). Lower scores need not be computed when thresholds are chosen.
    pub fn lowest() -> Probability {
        Probability::saturating(0.05)
    }

    /// Returns the lowest threshold of triples over all relations.
    pub fn least_triple(&self) -> Probability {
        match &self.triple {
            RelationThresholds::All(threshold) => *threshold,
            RelationThresholds::Each(thresholds) => thresholds.iter().copied().min().unwrap_or_default(),
        }
    }
}
