//! Errors in the input of an evaluation.

use std::fmt;

/// Gold or predicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The gold triples.
    Gold,
    /// The triples of a system.
    Predicted,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Gold => "gold",
            Self::Predicted => "predicted",
        })
    }
}

/// A field that a matcher compares and that a mention lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MissingField {
    /// [`Mention::span`](rere_core::Mention::span).
    Offsets,
    /// [`Mention::entity_type`](rere_core::Mention::entity_type).
    Type,
}

impl fmt::Display for MissingField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Offsets => "offsets",
            Self::Type => "an entity type",
        })
    }
}

/// Sentences or lists of triples that cannot be evaluated. Their positions are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// The sentences of one side have ids, those of the other have none.
    #[error("only the {side} sentences have ids: give ids to both sides, or remove them to pair by order")]
    IdsOnOneSide {
        /// The side with ids.
        side: Side,
    },
    /// Some sentences of a side have an id, others have none.
    #[error("{side} sentence {position} has {} id, unlike the first: give an id to each sentence, or to none",
        if *has_id { "an" } else { "no" })]
    MixedIds {
        /// The side.
        side: Side,
        /// The first sentence that differs from sentence 1.
        position: usize,
        /// Whether that sentence has an id.
        has_id: bool,
    },
    /// Two sentences of a side have the same id.
    #[error("{side} sentence {position} has the id {id:?} of sentence {first}: give each sentence its own id")]
    DuplicateId {
        /// The side.
        side: Side,
        /// The id.
        id: String,
        /// The first sentence with the id.
        first: usize,
        /// The second sentence with the id.
        position: usize,
    },
    /// A gold sentence has no prediction, not even an empty one.
    #[error(
        "gold sentence {position} ({id:?}) is not among the predictions: predict every sentence, with an empty list \
         if there are no triples"
    )]
    MissingSentence {
        /// The id of the sentence.
        id: String,
        /// The position of the gold sentence.
        position: usize,
    },
    /// A predicted sentence is not among the gold sentences.
    #[error("predicted sentence {position} ({id:?}) is not in the gold file: predict the sentences of this gold file")]
    UnknownSentence {
        /// The id of the sentence.
        id: String,
        /// The position of the predicted sentence.
        position: usize,
    },
    /// Two sentences with the same id have different texts.
    #[error(
        "gold sentence {gold} and predicted sentence {predicted} have the id {id:?} but different texts: \
         predict the texts of this gold file, unchanged"
    )]
    TextOfId {
        /// The id.
        id: String,
        /// The position of the gold sentence.
        gold: usize,
        /// The position of the predicted sentence.
        predicted: usize,
    },
    /// Without ids, two sentences at the same position have different texts.
    #[error(
        "gold and predicted sentence {position} have different texts: without ids both files must have the same \
         sentences in the same order"
    )]
    TextAt {
        /// The first position with different texts.
        position: usize,
    },
    /// Without ids, the sides have different numbers of sentences; all texts agree up to the end of the shorter side.
    #[error(
        "{gold} gold and {predicted} predicted sentences: without ids both files must have the same sentences in the \
         same order, and sentence {} is on one side only", .gold.min(.predicted) + 1)]
    SentenceCount {
        /// Number of gold sentences.
        gold: usize,
        /// Number of predicted sentences.
        predicted: usize,
    },
    /// Two lists of lists of triples have different lengths.
    #[error(
        "{gold} gold and {predicted} predicted lists of triples: give one list per text on both sides, in the \
         same order, and an empty list if a text has no triples"
    )]
    ListCount {
        /// Number of gold lists.
        gold: usize,
        /// Number of predicted lists.
        predicted: usize,
    },
    /// A mention lacks a field that the matcher compares.
    #[error("{side} {} has the mention {surface:?} without {field}: {}",
        sentence_name(*.position, .id.as_deref()), remedy(*.field))]
    MissingField {
        /// The side.
        side: Side,
        /// The position of the sentence or list.
        position: usize,
        /// The id of the sentence, if it has one.
        id: Option<String>,
        /// The surface of the mention.
        surface: String,
        /// The missing field.
        field: MissingField,
    },
    /// A triple has a relation that is not in the relation set.
    #[error(
        "{} has a triple with the relation {relation:?}, which is not in the relation set: correct the triple, or add \
         the relation to the set", sentence_name(*.position, .id.as_deref()))]
    UnknownRelation {
        /// The position of the sentence.
        position: usize,
        /// The id of the sentence, if it has one.
        id: Option<String>,
        /// The name of the relation.
        relation: String,
    },
    /// A predicted triple has no score, but scores are needed.
    #[error(
        "predicted {} has a triple with the relation {relation:?} and no score: have the system give each triple a \
         score", sentence_name(*.position, .id.as_deref()))]
    NoScore {
        /// The position of the sentence.
        position: usize,
        /// The id of the sentence, if it has one.
        id: Option<String>,
        /// The relation of the triple.
        relation: String,
    },
}

/// `sentence 3 ("nyt11-3")`, or `sentence 3`.
fn sentence_name(position: usize, id: Option<&str>) -> String {
    match id {
        Some(id) => format!("sentence {position} ({id:?})"),
        None => format!("sentence {position}"),
    }
}

/// What to do about a missing field.
const fn remedy(field: MissingField) -> &'static str {
    match field {
        MissingField::Offsets => "add offsets (`rere convert --locate`), or use a matcher that compares strings",
        MissingField::Type => "give types to the mentions of both sides, or use the matcher `boundaries`",
    }
}
