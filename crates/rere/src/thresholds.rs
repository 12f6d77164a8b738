//! Decision thresholds of a system.

use rere_core::Probability;
use rere_decode::RelationThresholds;
use serde::{Deserialize, Serialize};

/// Decision thresholds of a system. They belong to the model, and are chosen on development sentences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Thresholds {
    /// Least score of what the first step finds: relations of a sentence, or subjects. A system of one step has no use for it.
    pub detect: Probability,
    /// Least score of what the second step marks: the starts and ends of subjects and objects.
    pub decode: Probability,
    /// Least score of a triple, one for all relations or one for each.
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
    /// Sets the least score of what the first step finds.
    #[must_use]
    pub fn with_detect(self, score: Probability) -> Self {
        Self { detect: score, ..self }
    }

    /// Sets the least score of what the second step marks.
    #[must_use]
    pub fn with_decode(self, score: Probability) -> Self {
        Self { decode: score, ..self }
    }

    /// Sets the least score of a triple.
    #[must_use]
    pub fn with_triple(self, score: impl Into<RelationThresholds>) -> Self {
        Self { triple: score.into(), ..self }
    }

    /// The values that are tried when thresholds are chosen: 0.05, 0.10, ... 0.95.
    pub fn candidates() -> Vec<Probability> {
        (1..20).map(|twentieth| Probability::saturating(twentieth as f32 / 20.0)).collect()
    }

    /// The lowest of [`candidates`](Self::candidates). What scores less is not worth the work when thresholds are chosen.
    pub fn lowest() -> Probability {
        Probability::saturating(0.05)
    }

    /// Least score of any triple.
    pub fn least_triple(&self) -> Probability {
        match &self.triple {
            RelationThresholds::All(threshold) => *threshold,
            RelationThresholds::Each(thresholds) => thresholds.iter().copied().min().unwrap_or_default(),
        }
    }
}
