//! What a format has no place for.

use std::{collections::BTreeMap, fmt};

use rere_core::{Mention, Sentence};
use serde::Serialize;

use super::spec::{EntityIds, Holds, Offsets, Types};
use crate::{error::name, mention::ends};

/// A kind of content that one format holds and another does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Unsupported {
    /// A sentence that the format cannot express: one without a pair, or one that cannot be told from the one before it.
    Sentence,
    /// A sentence that is written once for each of its pairs.
    Repetition,
    /// A triple that the format cannot express: it needs offsets and a mention has none, or spans that do not overlap.
    Triple,
    /// A pair that is labelled as without a relation.
    Negative,
    /// An entity beside the triples that the format has no room for, or that has no offsets and needs them.
    Entity,
    /// The offsets of a mention, of which only the surface stays.
    Offsets,
    /// The surface that a source gives a mention, if it differs from the text at its offsets, which stays.
    Surface,
    /// The type of a mention.
    EntityType,
    /// The id of the entity that a mention is of.
    EntityId,
    /// The score of a triple.
    Score,
    /// The id of a sentence.
    Id,
    /// White space: of a text whose words are written one by one, or at the ends of a mention.
    Spacing,
    /// White space in the name of a relation or a type, which became an underscore.
    Name,
    /// A field that has no meaning here and is not kept.
    Field,
    /// An annotation without counterpart here: an event, an attribute, evidence, a discontinuous mention, a border between
    /// sentences.
    Annotation,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sentence => "sentences left out or joined with the one before",
            Self::Repetition => "sentences written once for each of their pairs",
            Self::Triple => "triples left out",
            Self::Negative => "pairs without a relation left out",
            Self::Entity => "entities left out",
            Self::Offsets => "mentions without their offsets",
            Self::Surface => "mentions with the surface of the text in place of another one",
            Self::EntityType => "mentions without their type",
            Self::EntityId => "mentions without the id of their entity",
            Self::Score => "triples without their score",
            Self::Id => "sentences without their id",
            Self::Spacing => "sentences with other white space",
            Self::Name => "names with underscores for white space",
            Self::Field => "other fields left out",
            Self::Annotation => "annotations without a counterpart left out",
        })
    }
}

/// What could not be carried over: how often, and where first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct UnsupportedCounts(BTreeMap<Unsupported, Count>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Count {
    count: usize,
    /// Id of the first sentence concerned, how its text begins, or its line.
    first: String,
}

impl UnsupportedCounts {
    /// Whether nothing was lost.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How often something was lost.
    pub fn count(&self, loss: Unsupported) -> usize {
        self.0.get(&loss).map_or(0, |row| row.count)
    }

    /// Adds what another part of the work has lost.
    pub fn add(&mut self, other: Self) {
        for (loss, Count { count, first }) in other.0 {
            self.0.entry(loss).or_insert(Count { count: 0, first }).count += count;
        }
    }

    /// Counts `count` losses of a sentence.
    pub(super) fn note(&mut self, loss: Unsupported, count: usize, sentence: &Sentence) {
        self.note_at(loss, count, || name(sentence));
    }

    /// The same where the sentence is not made yet; `place` says where.
    pub(super) fn note_at(&mut self, loss: Unsupported, count: usize, place: impl FnOnce() -> String) {
        if count > 0 {
            self.0.entry(loss).or_insert_with(|| Count { count: 0, first: place() }).count += count;
        }
    }

    /// Counts what a format has no room for.
    pub(super) fn compare(&mut self, sentence: &Sentence, holds: &Holds) {
        let entities: &[_] = if holds.entities { &sentence.entities } else { &[] };
        let negatives: &[_] = if holds.negatives { &sentence.negatives } else { &[] };
        self.note(Unsupported::Entity, sentence.entities.len() - entities.len(), sentence);
        self.note(Unsupported::Negative, sentence.negatives.len() - negatives.len(), sentence);
        let pairs = || sentence.triples.iter().chain(negatives);
        let mentions = || ends(&sentence.triples).chain(ends(negatives)).chain(entities);
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
        for (at, (loss, Count { count, first })) in self.0.iter().enumerate() {
            let end = if at == 0 { "" } else { "\n" };
            write!(f, "{end}{count} {loss}, first in {first}")?;
        }
        Ok(())
    }
}
