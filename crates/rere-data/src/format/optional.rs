//! Setters for optional fields.

use rere_core::{Mention, Sentence};

pub(super) fn with_id(mut sentence: Sentence, id: Option<String>) -> Sentence {
    sentence.id = id;
    sentence
}

pub(super) fn with_type(mut mention: Mention, entity_type: Option<String>) -> Mention {
    mention.entity_type = entity_type;
    mention
}

pub(super) fn with_entity(mut mention: Mention, entity: Option<String>) -> Mention {
    mention.entity = entity;
    mention
}
