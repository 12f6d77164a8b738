//! SpERT's format, in which CoNLL04, ADE and SciERC are also distributed: `{"tokens", "entities": [{"type", "start",
//! "end"}], "relations": [{"type", "head", "tail"}], "orig_id"}`. Entities are half-open ranges of tokens, `head` and
//! `tail` are numbers of entities, all from 0.

use std::collections::HashMap;

use rere_core::{Mention, Sentence, TokenSpan, Triple};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    Format, Unsupported,
    fields::{Fields, Id, RetainedFields, known},
    json::Object,
    mentions::{UNTYPED, entity_type, unjoined},
    optional::{with_id, with_type},
    reader::Found,
    spec::{
        Content, Holds, Json,
        Mark::{Has, Lacks},
        Offsets, Spec, Types,
    },
    words::{Words, join_words, span_of_words},
    writer::Objects,
};
use crate::{DataError, ParseErrorKind};

pub(super) const SPEC: Spec = Spec {
    name: "spert",
    source: "SpERT; CoNLL04, ADE",
    content: Content::Json(Json {
        fields: &["orig_id", "tokens", "entities", "relations"],
        identified_by: &[&[Has("tokens"), Lacks("text")]],
        triples: None,
        array: true,
        parse,
        write,
    }),
    holds: Holds { offsets: Offsets::NeedsWords, types: Types::Except(UNTYPED), entities: true, ..Holds::SURFACES },
};

known! {
    struct Record {
        id "orig_id": Id,
        tokens "tokens": Vec<String>,
        entities "entities": Vec<Entity>,
        relations "relations": Vec<Relation>,
    }
}

#[derive(Deserialize)]
struct Entity {
    #[serde(rename = "type")]
    entity_type: String,
    start: usize,
    end: usize,
    #[serde(flatten)]
    other: HashMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct Relation {
    #[serde(rename = "type")]
    relation: String,
    head: usize,
    tail: usize,
    #[serde(flatten)]
    other: HashMap<String, IgnoredAny>,
}

#[derive(Serialize)]
struct Line<'a> {
    tokens: Vec<&'a str>,
    entities: Vec<EntityLine<'a>>,
    relations: Vec<RelationLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    orig_id: Option<&'a str>,
    #[serde(flatten)]
    extra: RetainedFields<'a>,
}

#[derive(Serialize)]
struct EntityLine<'a> {
    #[serde(rename = "type")]
    entity_type: &'a str,
    start: usize,
    end: usize,
}

#[derive(Serialize)]
struct RelationLine<'a> {
    #[serde(rename = "type")]
    relation: &'a str,
    head: usize,
    tail: usize,
}

fn parse(object: &Object, found: &mut Found) -> Result<(), DataError> {
    let Fields { known: Record { id, tokens, entities, relations }, extra } = object.parse()?;
    let unsupported = &mut found.report.unsupported;
    let id = id.map(|Id(id)| id);
    let tokens = object.required(tokens, "tokens")?;
    let entities = entities.unwrap_or_default();
    let relations = relations.unwrap_or_default();
    let other = relations.iter().map(|r| r.other.len()).chain(entities.iter().map(|e| e.other.len()));
    unsupported.note_at(Unsupported::Field, other.sum(), || object.name());
    let (text, words) = join_words(&tokens);
    let mut listed = Vec::with_capacity(entities.len());
    for Entity { entity_type: name, start, end, .. } in entities {
        let Some(span) = span_of_words(&words, TokenSpan::new(start, end)) else {
            let count = words.len();
            let message = format!("expected an entity within the tokens 0..{count}, found {start}..{end}");
            return Err(object.error(ParseErrorKind::WordOffsets, message));
        };
        listed.push(with_type(Mention::of(&text[span.start..span.end]).with_span(span), entity_type(name)));
    }
    let mut joined = vec![false; listed.len()];
    let mut triples = Vec::with_capacity(relations.len());
    for Relation { relation, head, tail, .. } in relations {
        let mut entity = |number: usize| match listed.get(number) {
            Some(mention) => {
                joined[number] = true;
                Ok(mention.clone())
            }
            None => {
                let message =
                    format!("expected one of the {} entities in a relation, found entity {number}", listed.len());
                Err(object.error(ParseErrorKind::UnknownReference, message))
            }
        };
        triples.push(Triple::new(entity(head)?, relation, entity(tail)?));
    }
    let entities = unjoined(listed, joined);
    found
        .sentences
        .push_back(with_id(Sentence::new(text).with_triples(triples).with_entities(entities).with_extra(extra), id));
    Ok(())
}

fn write<'a>(sentence: &'a Sentence, objects: &mut Objects) -> Result<(), DataError> {
    let unsupported = &mut objects.unsupported;
    let words = Words::of(sentence, unsupported);
    let entity = |&(TokenSpan { start, end }, mention): &(_, &'a Mention)| EntityLine {
        entity_type: mention.entity_type.as_deref().unwrap_or(UNTYPED),
        start,
        end,
    };
    let relation = |&(head, triple, tail): &(_, &'a Triple, _)| RelationLine { relation: &triple.relation, head, tail };
    let line = Line {
        tokens: words.words.iter().map(|word| &sentence.text[word.start..word.end]).collect(),
        entities: words.mentions.iter().map(entity).collect(),
        relations: words.triples.iter().map(relation).collect(),
        orig_id: sentence.id.as_deref(),
        extra: RetainedFields::of(sentence, Format::Spert, unsupported),
    };
    objects.push(&line)
}
