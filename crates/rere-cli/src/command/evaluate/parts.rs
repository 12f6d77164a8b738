//! Parts of a corpus that have scores of their own.

use std::str::FromStr;

use rere_core::Sentence;
use rere_eval::{
    Breakdown, LENGTHS, Match, SeenEntities, by_length, by_overlap, by_seen_entities, by_seen_pairs, by_triples,
};

/// What a corpus is parted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parts {
    Triples,
    Overlap,
    Length,
    SeenEntities,
    SeenPairs,
}

impl Parts {
    const ALL: [(Self, &str); 5] = [
        (Self::Triples, "triples"),
        (Self::Overlap, "overlap"),
        (Self::Length, "length"),
        (Self::SeenEntities, "seen-entities"),
        (Self::SeenPairs, "seen-pairs"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(parts, _)| *parts == self).map_or("", |(_, name)| name)
    }

    /// Whether the parts hang on what the training corpus has.
    pub fn want_training_corpus(self) -> bool {
        matches!(self, Self::SeenEntities | Self::SeenPairs)
    }

    pub fn of(self, aligned: &[(&Sentence, &Sentence)], matcher: &Match, seen: &SeenEntities) -> Breakdown {
        match self {
            Self::Triples => by_triples(aligned, matcher),
            Self::Overlap => by_overlap(aligned, matcher),
            Self::Length => by_length(aligned, matcher, LENGTHS),
            Self::SeenEntities => by_seen_entities(aligned, matcher, seen),
            Self::SeenPairs => by_seen_pairs(aligned, matcher, seen),
        }
    }
}

impl FromStr for Parts {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(parts, _)| parts);
        known.ok_or_else(|| format!("{name:?} is none of {}", Self::ALL.map(|(_, name)| name).join(", ")))
    }
}
