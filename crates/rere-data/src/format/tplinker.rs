//! TPLinker's format: `{"text", "relation_list": [{"subject", "subj_char_span": [start, end], "predicate", "object",
//! "obj_char_span"}], "entity_list": [{"text", "type", "char_span"}]}`, with half-open offsets in characters.

use std::collections::HashMap;

use rere_core::{CharSpan, Mention, Sentence, TextOffsets, Triple};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    Format, Unsupported,
    fields::{Exactly, Fields, Id, RetainedFields, known},
    json::Object,
    mentions::{listed, match_entities},
    optional::{with_id, with_type},
    reader::Found,
    spec::{Content, Holds, Json, Mark::Has, Offsets, Spec, Types},
    writer::Objects,
};
use crate::DataError;

pub(super) const SPEC: Spec = Spec {
    name: "tplinker",
    source: "TPLinker",
    content: Content::Json(Json {
        fields: &["id", "text", "relation_list", "entity_list"],
        identified_by: &[&[Has("relation_list")]],
        triples: Some("relation_list"),
        array: true,
        parse,
        write,
    }),
    holds: Holds { offsets: Offsets::Characters, types: Types::Except(UNTYPED), entities: true, ..Holds::SURFACES },
};

/// TPLinker's type of entities without a type.
const UNTYPED: &str = "DEFAULT";

known! {
    struct Record {
        id "id": Id,
        text "text": String,
        relation_list "relation_list": Vec<Relation>,
        entity_list "entity_list": Vec<Entity>,
    }
}

#[derive(Deserialize)]
struct Relation {
    subject: String,
    object: String,
    #[serde(default)]
    subj_char_span: Option<Exactly<usize, 2>>,
    #[serde(default)]
    obj_char_span: Option<Exactly<usize, 2>>,
    predicate: String,
    // Depends on the tokenizer.
    #[serde(default, rename = "subj_tok_span")]
    _subj_tok_span: IgnoredAny,
    #[serde(default, rename = "obj_tok_span")]
    _obj_tok_span: IgnoredAny,
    #[serde(flatten)]
    other: HashMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct Entity {
    text: String,
    #[serde(default, rename = "type")]
    entity_type: Option<String>,
    #[serde(default)]
    char_span: Option<Exactly<usize, 2>>,
    #[serde(default, rename = "tok_span")]
    _tok_span: IgnoredAny,
    #[serde(flatten)]
    other: HashMap<String, IgnoredAny>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    text: &'a str,
    relation_list: Vec<RelationLine<'a>>,
    entity_list: Vec<EntityLine<'a>>,
    #[serde(flatten)]
    extra: RetainedFields<'a>,
}

#[derive(Serialize)]
struct RelationLine<'a> {
    subject: &'a str,
    object: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subj_char_span: Option<(usize, usize)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    obj_char_span: Option<(usize, usize)>,
    predicate: &'a str,
}

#[derive(Serialize)]
struct EntityLine<'a> {
    text: &'a str,
    #[serde(rename = "type")]
    entity_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    char_span: Option<(usize, usize)>,
}

fn parse(object: &Object, found: &mut Found) -> Result<(), DataError> {
    let Fields { known: Record { id, text, relation_list, entity_list }, extra } = object.parse()?;
    let unsupported = &mut found.report.unsupported;
    let id = id.map(|Id(id)| id);
    let text = object.required(text, "text")?;
    let relation_list = object.required(relation_list, "relation_list")?;
    let entity_list = entity_list.unwrap_or_default();
    let other = relation_list.iter().map(|r| r.other.len()).chain(entity_list.iter().map(|e| e.other.len()));
    unsupported.note_at(Unsupported::Field, other.sum(), || object.name());
    let offsets = TextOffsets::new(&text, object.offsets);
    let mention = |surface: String, span: Option<Exactly<usize, 2>>| match span {
        None => Ok(Mention::of(surface)),
        Some(Exactly([start, end])) => object.mention(&offsets, CharSpan::new(start, end), Some(surface)),
    };
    let triples = relation_list.into_iter().map(|relation| {
        Ok(Triple::new(
            mention(relation.subject, relation.subj_char_span)?,
            relation.predicate,
            mention(relation.object, relation.obj_char_span)?,
        ))
    });
    let mut triples = triples.collect::<Result<Vec<_>, DataError>>()?;
    let listed = entity_list.into_iter().map(|entity| {
        let entity_type = entity.entity_type.filter(|name| name != UNTYPED);
        Ok(with_type(mention(entity.text, entity.char_span)?, entity_type))
    });
    let entities = match_entities(&mut triples, listed.collect::<Result<_, DataError>>()?, true);
    found
        .sentences
        .push_back(with_id(Sentence::new(text).with_triples(triples).with_entities(entities).with_extra(extra), id));
    Ok(())
}

fn write<'a>(sentence: &'a Sentence, objects: &mut Objects) -> Result<(), DataError> {
    let unsupported = &mut objects.unsupported;
    let offsets = TextOffsets::new(&sentence.text, objects.offsets);
    let char_span =
        |mention: &Mention| mention.span.map(|span| offsets.to_chars(span)).map(|CharSpan { start, end }| (start, end));
    let relation = |triple: &'a Triple| RelationLine {
        subject: &triple.subject.text,
        object: &triple.object.text,
        subj_char_span: char_span(&triple.subject),
        obj_char_span: char_span(&triple.object),
        predicate: &triple.relation,
    };
    let entity = |mention: &'a Mention| EntityLine {
        text: &mention.text,
        entity_type: mention.entity_type.as_deref().unwrap_or(UNTYPED),
        char_span: char_span(mention),
    };
    let line = Line {
        id: sentence.id.as_deref(),
        text: &sentence.text,
        relation_list: sentence.triples.iter().map(relation).collect(),
        entity_list: listed(sentence, |mention| (&mention.text, mention.span), unsupported)
            .into_iter()
            .map(entity)
            .collect(),
        extra: RetainedFields::of(sentence, Format::Tplinker, unsupported),
    };
    objects.push(&line)
}
