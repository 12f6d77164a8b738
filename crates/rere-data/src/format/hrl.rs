//! The format of CopyR and of redistributed HRL data: `{"sentText", "relationMentions": [{"em1Text", "em2Text",
//! "label"}], "entityMentions": [{"text", "label"}]}`.

use std::collections::HashMap;

use rere_core::{Mention, Sentence, Triple};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    Format, Unsupported,
    fields::{Fields, Id, RetainedFields, known},
    json::Object,
    mentions::{UNTYPED, entity_type, listed, match_entities},
    optional::{with_id, with_type},
    reader::Found,
    spec::{Content, Holds, Json, Mark::Has, Spec, Types},
    writer::Objects,
};
use crate::DataError;

pub(super) const SPEC: Spec = Spec {
    name: "hrl",
    source: "CopyR; redistributed HRL data",
    content: Content::Json(Json {
        fields: &["id", "sentText", "relationMentions", "entityMentions"],
        identified_by: &[&[Has("relationMentions")], &[Has("sentText")]],
        triples: Some("relationMentions"),
        array: false,
        parse,
        write,
    }),
    holds: Holds { types: Types::Except(UNTYPED), entities: true, ..Holds::SURFACES },
};

known! {
    struct Record {
        id "id": Id,
        text "sentText": String,
        relations "relationMentions": Vec<Relation>,
        entities "entityMentions": Vec<Entity>,
    }
}

#[derive(Deserialize)]
struct Relation {
    #[serde(rename = "em1Text")]
    subject: String,
    #[serde(rename = "em2Text")]
    object: String,
    label: String,
    #[serde(flatten)]
    other: HashMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct Entity {
    text: String,
    #[serde(default)]
    label: Option<String>,
    /// Includes `start`, which numbers the mentions in these data and is not an offset.
    #[serde(flatten)]
    other: HashMap<String, IgnoredAny>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "sentText")]
    text: &'a str,
    #[serde(rename = "relationMentions")]
    relations: Vec<RelationLine<'a>>,
    #[serde(rename = "entityMentions")]
    entities: Vec<EntityLine<'a>>,
    #[serde(flatten)]
    extra: RetainedFields<'a>,
}

#[derive(Serialize)]
struct RelationLine<'a> {
    #[serde(rename = "em1Text")]
    subject: &'a str,
    #[serde(rename = "em2Text")]
    object: &'a str,
    label: &'a str,
}

#[derive(Serialize)]
struct EntityLine<'a> {
    text: &'a str,
    label: &'a str,
}

fn parse(object: &Object, found: &mut Found) -> Result<(), DataError> {
    let Fields { known: Record { id, text, relations, entities }, extra } = object.parse()?;
    let unsupported = &mut found.report.unsupported;
    let id = id.map(|Id(id)| id);
    let text = object.required(text, "sentText")?;
    let relations = relations.unwrap_or_default();
    let entities = entities.unwrap_or_default();
    let other: usize = relations.iter().map(|r| r.other.len()).chain(entities.iter().map(|e| e.other.len())).sum();
    unsupported.note_at(Unsupported::Field, other, || object.name());
    let mut triples: Vec<_> = relations.into_iter().map(|r| Triple::of(r.subject, r.label, r.object)).collect();
    let listed =
        entities.into_iter().map(|entity| with_type(Mention::of(entity.text), entity.label.and_then(entity_type)));
    let entities = match_entities(&mut triples, listed.collect(), true);
    found
        .sentences
        .push_back(with_id(Sentence::new(text).with_triples(triples).with_entities(entities).with_extra(extra), id));
    Ok(())
}

fn write<'a>(sentence: &'a Sentence, objects: &mut Objects) -> Result<(), DataError> {
    let unsupported = &mut objects.unsupported;
    let relation = |triple: &'a Triple| RelationLine {
        subject: &triple.subject.text,
        object: &triple.object.text,
        label: &triple.relation,
    };
    let entity = |mention: &'a Mention| EntityLine {
        text: &mention.text,
        label: mention.entity_type.as_deref().unwrap_or(UNTYPED),
    };
    let line = Line {
        id: sentence.id.as_deref(),
        text: &sentence.text,
        relations: sentence.triples.iter().map(relation).collect(),
        entities: listed(sentence, |mention| &mention.text, unsupported).into_iter().map(entity).collect(),
        extra: RetainedFields::of(sentence, Format::Hrl, unsupported),
    };
    objects.push(&line)
}
