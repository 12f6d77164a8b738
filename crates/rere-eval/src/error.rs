//! What can be wrong with the input of an evaluation.

use std::fmt;

/// Which of the two files, or corpora.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The triples that hold.
    Gold,
    /// The triples that a system found.
    Predicted,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gold => "gold",
            Self::Predicted => "predicted",
        })
    }
}

/// A field that a matcher compares and that a mention can lack.
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
        f.write_str(match self {
            Self::Offsets => "offsets",
            Self::Type => "an entity type",
        })
    }
}

/// Sentences that cannot be evaluated. Sentences are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// The sentences of one side have ids, those of the other have none.
    #[error("only the {side} sentences have ids: give ids to both sides, or remove them to go by order")]
    IdsOnOneSide {
        /// The side with ids.
        side: Side,
    },
    /// Some sentences of one side have an id, and some have none.
    #[error("{side} sentence {position} has {} id, unlike the first: give an id to each sentence, or to none",
        if *has_id { "an" } else { "no" })]
    MixedIds {
        /// The side.
        side: Side,
        /// The first sentence that is unlike sentence 1.
        position: usize,
        /// Whether that sentence has an id.
        has_id: bool,
    },
    /// Two sentences of one side have the same id.
    #[error("{side} sentence {position} has the id {id:?} of sentence {first}: give each sentence its own id")]
    DuplicateId {
        /// The side.
        side: Side,
        /// The id.
        id: String,
        /// The sentence that had the id first.
        first: usize,
        /// The sentence that has it again.
        position: usize,
    },
    /// A gold sentence has no prediction, not even an empty one.
    #[error(
        "gold sentence {position} ({id:?}) is not among the predictions: predict every sentence, \
         with no triples where there are none"
    )]
    MissingSentence {
        /// Id of the sentence.
        id: String,
        /// Which gold sentence.
        position: usize,
    },
    /// A prediction is for a sentence that the gold side does not have.
    #[error("predicted sentence {position} ({id:?}) is not in the gold file: predict the sentences of this gold file")]
    UnknownSentence {
        /// Id of the sentence.
        id: String,
        /// Which predicted sentence.
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
        /// Which gold sentence.
        gold: usize,
        /// Which predicted sentence.
        predicted: usize,
    },
    /// Without ids, two sentences at the same position have different texts.
    #[error(
        "gold and predicted sentence {position} have different texts: without ids both files must have the same \
         sentences in the same order"
    )]
    TextAt {
        /// The first position where the texts differ.
        position: usize,
    },
    /// Without ids, the sides have different numbers of sentences; all texts agree up to the end of the shorter one.
    #[error(
        "{gold} gold and {predicted} predicted sentences: without ids both files must have the same sentences in the \
         same order, and sentence {} is on one side only", .gold.min(.predicted) + 1)]
    SentenceCount {
        /// Number of gold sentences.
        gold: usize,
        /// Number of predicted sentences.
        predicted: usize,
    },
    /// A mention lacks what the matcher compares.
    #[error("{side} {} has the mention {surface:?} without {lack}: {}",
        sentence_name(*.position, .id.as_deref()), remedy(*.lack))]
    Lacks {
        /// The side.
        side: Side,
        /// Which sentence.
        position: usize,
        /// Its id, where it has one.
        id: Option<String>,
        /// The mention's surface.
        surface: String,
        /// What it lacks.
        lack: MissingField,
    },
    /// A triple has a relation that is not in the set.
    #[error(
        "{} has a triple with the relation {relation:?}, which is not in the relation set: correct the triple, or add \
         the relation to the set", sentence_name(*.position, .id.as_deref()))]
    UnknownRelation {
        /// Which sentence.
        position: usize,
        /// Its id, where it has one.
        id: Option<String>,
        /// The relation's name.
        relation: String,
    },
    /// A predicted triple has no score where scores are wanted.
    #[error(
        "predicted {} has a triple with the relation {relation:?} and no score: have the system give each triple its \
         score", sentence_name(*.position, .id.as_deref()))]
    NoScore {
        /// Which sentence.
        position: usize,
        /// Its id, where it has one.
        id: Option<String>,
        /// The triple's relation.
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

/// What to do about it.
const fn remedy(lack: MissingField) -> &'static str {
    match lack {
        MissingField::Offsets => "add offsets (`rere convert --locate`), or use a matcher that compares strings",
        MissingField::Type => "give types to the mentions of both sides, or use the matcher boundaries",
    }
}
