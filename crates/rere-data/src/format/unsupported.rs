//! Content that a format cannot hold.

use std::{collections::BTreeMap, fmt};

use rere_core::{Mention, Sentence, Triple};
use serde::Serialize;

use super::spec::{EntityIds, Holds, Offsets, Types};
use crate::error::describe;

/// Kind of content that a format cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Unsupported {
    /// A sentence that the format cannot express, because it has no pair or would be read as a part of the previous
    /// one.
    Sentence,
    /// A sentence that is written once for each of its pairs.
    Repetition,
    /// A triple that the format cannot express, for example because a mention has no offsets or the mentions overlap.
    Triple,
    /// A pair without a relation.
    Negative,
    /// An entity outside triples that the format cannot hold, or that lacks required offsets.
    Entity,
    /// The offsets of a mention, whose surface is kept.
    Offsets,
    /// The given surface of a mention, if it differs from the text at its offsets, which is kept.
    Surface,
    /// The type of a mention.
    EntityType,
    /// The entity id of a mention.
    EntityId,
    /// The score of a triple.
    Score,
    /// The id of a sentence.
    Id,
    /// White space between the words of a text or at the ends of a mention.
    Spacing,
    /// White space in the name of a relation or a type, which is replaced by an underscore.
    Name,
    /// An unrecognised field.
    Field,
    /// Another annotation: an event, an attribute, evidence, a discontinuous mention, a boundary between sentences.
    Annotation,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sentence => "sentences left out or merged with the previous one",
            Self::Repetition => "sentences written once for each of their pairs",
            Self::Triple => "triples left out",
            Self::Negative => "pairs without a relation left out",
            Self::Entity => "entities left out",
            Self::Offsets => "mentions without their offsets",
            Self::Surface => "mentions with their given surface replaced by that of the text",
            Self::EntityType => "mentions without their type",
            Self::EntityId => "mentions without their entity id",
            Self::Score => "triples without their score",
            Self::Id => "sentences without their id",
            Self::Spacing => "sentences with changed white space",
            Self::Name => "names with white space replaced by underscores",
            Self::Field => "other fields left out",
            Self::Annotation => "unsupported annotations left out",
        })
    }
}

/// Counts of content that a format cannot hold, each with its first occurrence.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct UnsupportedCounts(BTreeMap<Unsupported, Count>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Count {
    count: usize,
    /// Id, beginning of the text, or line of the first sentence concerned.
    first: String,
}

impl UnsupportedCounts {
    /// Returns whether all content is supported.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the count of a kind of content.
    pub fn count(&self, kind: Unsupported) -> usize {
        self.0.get(&kind).map_or(0, |row| row.count)
    }

    /// Adds other counts.
    pub fn add(&mut self, other: Self) {
        for (kind, Count { count, first }) in other.0 {
            self.0.entry(kind).or_insert(Count { count: 0, first }).count += count;
        }
    }

    /// Adds a count for a sentence.
    pub(super) fn note(&mut self, kind: Unsupported, count: usize, sentence: &Sentence) {
        self.note_at(kind, count, || describe(sentence));
    }

    /// Adds a count for a sentence that does not exist yet; `location` describes it.
    pub(super) fn note_at(&mut self, kind: Unsupported, count: usize, location: impl FnOnce() -> String) {
        if count > 0 {
            self.0.entry(kind).or_insert_with(|| Count { count: 0, first: location() }).count += count;
        }
    }

    /// Counts the content of a sentence that a format cannot hold.
    pub(super) fn compare(&mut self, sentence: &Sentence, holds: &Holds) {
        let entities: &[_] = if holds.entities { &sentence.entities } else { &[] };
        let negatives: &[_] = if holds.negatives { &sentence.negatives } else { &[] };
        self.note(Unsupported::Entity, sentence.entities.len() - entities.len(), sentence);
        self.note(Unsupported::Negative, sentence.negatives.len() - negatives.len(), sentence);
        let pairs = || sentence.triples.iter().chain(negatives);
        let mentions = || pairs().flat_map(Triple::mentions).chain(entities);
        if holds.offsets == Offsets::No {
            self.note(Unsupported::Offsets, mentions().filter(|mention| mention.span.is_some()).count(), sentence);
        }
        if holds.types != Types::All {
            let untyped =
                |mention: &&Mention| mention.entity_type.as_deref().is_some_and(|name| !holds.types.hold(name));
            self.note(Unsupported::EntityType, mentions().filter(untyped).count(), sentence);
        }
        if holds.entity_ids == EntityIds::No {
            self.note(Unsupported::EntityId, mentions().filter(|mention| mention.entity.is_some()).count(), sentence);
        }
        if !holds.scores {
            self.note(Unsupported::Score, pairs().filter(|triple| triple.score.is_some()).count(), sentence);
        }
        if !holds.extra {
            self.note(Unsupported::Field, sentence.extra.len(), sentence);
        }
        if !holds.ids {
            self.note(Unsupported::Id, usize::from(sentence.id.is_some()), sentence);
        }
    }
}

impl fmt::Display for UnsupportedCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (kind, Count { count, first })) in self.0.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            write!(f, "{end}{count} {kind}, first in {first}")?;
        }
        Ok(())
    }
}
