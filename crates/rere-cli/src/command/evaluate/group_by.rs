//! Parts of a corpus that are scored separately.

use std::{error::Error, fmt, str::FromStr};

use rere_core::Sentence;
use rere_eval::{
    Breakdown, LENGTHS, Match, SeenEntities, by_length, by_overlap, by_seen_entities, by_seen_pairs, by_triples,
};

/// Criterion by which a corpus is divided into parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    Triples,
    Overlap,
    Length,
    SeenEntities,
    SeenPairs,
}

impl GroupBy {
    const ALL: [(Self, &str); 5] = [
        (Self::Triples, "triples"),
        (Self::Overlap, "overlap"),
        (Self::Length, "length"),
        (Self::SeenEntities, "seen-entities"),
        (Self::SeenPairs, "seen-pairs"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(group_by, _)| *group_by == self).map_or("", |(_, name)| name)
    }

    /// Tells whether the parts depend on the training corpus.
    pub fn needs_training_corpus(self) -> bool {
        matches!(self, Self::SeenEntities | Self::SeenPairs)
    }

    /// Counts each part.
    pub fn count(self, pairs: &[(&Sentence, &Sentence)], matcher: &Match, seen: &SeenEntities) -> Breakdown {
        match self {
            Self::Triples => by_triples(pairs, matcher),
            Self::Overlap => by_overlap(pairs, matcher),
            Self::Length => by_length(pairs, matcher, LENGTHS),
            Self::SeenEntities => by_seen_entities(pairs, matcher, seen),
            Self::SeenPairs => by_seen_pairs(pairs, matcher, seen),
        }
    }
}

impl FromStr for GroupBy {
    type Err = UnknownGroupBy;

    fn from_str(name: &str) -> Result<Self, UnknownGroupBy> {
        let known = Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(group_by, _)| group_by);
        known.ok_or_else(|| UnknownGroupBy { name: name.to_owned() })
    }
}

/// A name that is not a [`GroupBy`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownGroupBy {
    name: String,
}

impl fmt::Display for UnknownGroupBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = GroupBy::ALL.map(|(_, name)| name).join(", ");
        write!(f, "expected one of {known}, found {:?}", self.name)
    }
}

impl Error for UnknownGroupBy {}
