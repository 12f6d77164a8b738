//! Decision thresholds of relations.

use rere_core::Probability;
use serde::{Deserialize, Serialize};

use crate::Scale;

/// The decision threshold of each relation: a score counts if it is at or over it.
///
/// In settings it is a number, or a list of numbers.
///
/// ```
/// use rere_decode::{Probability, RelationThresholds};
///
/// let (low, high) = (Probability::new(0.3)?, Probability::new(0.7)?);
/// assert_eq!(RelationThresholds::from(low).get(5), Some(low));
///
/// let each = RelationThresholds::from(vec![low, high]);
/// assert_eq!((each.get(1), each.get(2)), (Some(high), None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RelationThresholds {
    /// One for all relations.
    All(Probability),
    /// One for each relation, in the order of the labels. Relations beyond the list are excluded.
    Each(Vec<Probability>),
}

impl RelationThresholds {
    /// Returns the threshold of a relation, or `None` if the relation is excluded.
    pub fn get(&self, relation: usize) -> Option<Probability> {
        match self {
            Self::All(threshold) => Some(*threshold),
            Self::Each(thresholds) => thresholds.get(relation).copied(),
        }
    }

    /// Replaces `levels` by the thresholds of `relations` relations on a scale, and returns the lowest. The level of an
    /// excluded relation is NaN: no score is at or over it.
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
