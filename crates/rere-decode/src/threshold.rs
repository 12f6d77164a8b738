//! From which score on a relation holds.

use rere_core::Probability;
use serde::{Deserialize, Serialize};

use crate::Scale;

/// The thresholds of relations: a score at or over its relation's counts. In files a number, or a list of numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RelationThresholds {
    /// One for all relations.
    All(Probability),
    /// One for each relation, in the order of the labels. A relation beyond the list is not looked for.
    Each(Vec<Probability>),
}

impl RelationThresholds {
    /// The threshold of a relation; none where it is not looked for.
    pub fn of(&self, relation: usize) -> Option<Probability> {
        match self {
            Self::All(threshold) => Some(*threshold),
            Self::Each(thresholds) => thresholds.get(relation).copied(),
        }
    }

    /// Replaces `levels` by the thresholds of that many relations, on a scale, and gives the lowest. The level of a
    /// relation that is not looked for is NaN: no score is at or over it.
    pub(crate) fn levels(&self, scale: Scale, relations: usize, levels: &mut Vec<f32>) -> f32 {
        levels.clear();
        match self {
            Self::All(threshold) => levels.resize(relations, scale.threshold(*threshold)),
            Self::Each(thresholds) => {
                levels.extend(thresholds.iter().take(relations).map(|&threshold| scale.threshold(threshold)));
                levels.resize(relations, f32::NAN);
            }
        }
        levels.iter().copied().fold(f32::INFINITY, f32::min)
    }
}

impl From<Probability> for RelationThresholds {
    fn from(threshold: Probability) -> Self {
        Self::All(threshold)
    }
}

impl From<Vec<Probability>> for RelationThresholds {
    fn from(thresholds: Vec<Probability>) -> Self {
        Self::Each(thresholds)
    }
}

impl From<&[Probability]> for RelationThresholds {
    fn from(thresholds: &[Probability]) -> Self {
        Self::Each(thresholds.to_vec())
    }
}
