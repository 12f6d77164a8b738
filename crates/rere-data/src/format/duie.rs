//! Baidu's formats of DuIE 1.0 and 2.0: `{"text", "spo_list": [{"subject", "subject_type", "predicate", "object",
//! "object_type"}]}`, where 2.0 has an object for `object` and `object_type`, with the slot `@value` and perhaps
//! others.

use std::collections::HashMap;

use rere_core::{Mention, Sentence, Triple};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::{Map, Value};

use super::{
    Format, Unsupported,
    fields::{Fields, Id, RetainedFields, known},
    json::Object,
    optional::{with_id, with_type},
    reader::Found,
    spec::{Content, Holds, Json, Mark::Has, Spec, Types},
    writer::Objects,
};
use crate::{DataError, ParseErrorKind};

pub(super) const SPEC: Spec = Spec {
    name: "duie",
    source: "DuIE 1.0 and 2.0",
    content: Content::Json(Json {
        fields: &["id", "text", "spo_list"],
        identified_by: &[&[Has("spo_list")]],
        triples: Some("spo_list"),
        array: false,
        parse,
        write,
    }),
    holds: Holds { types: Types::All, ..Holds::SURFACES },
};

/// Slot of the object itself.
const VALUE: &str = "@value";

known! {
    struct Record {
        id "id": Id,
        text "text": String,
        spo_list "spo_list": Vec<Spo>,
    }
}

#[derive(Deserialize)]
struct Spo {
    subject: String,
    #[serde(default)]
    subject_type: Option<String>,
    predicate: String,
    object: Slots,
    #[serde(default)]
    object_type: Option<Slots>,
    #[serde(flatten)]
    other: HashMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a string or an object of strings with the slot `@value`")]
enum Slots {
    One(String),
    Many(Map<String, Value>),
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    text: &'a str,
    spo_list: Vec<SpoLine<'a>>,
    #[serde(flatten)]
    extra: RetainedFields<'a>,
}

#[derive(Serialize)]
struct SpoLine<'a> {
    subject: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_type: Option<&'a str>,
    predicate: &'a str,
    object: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    object_type: Option<&'a str>,
}

/// Reads each other slot than `@value` as a separate triple, whose relation is the predicate, an underscore and the
/// slot.
fn parse(object: &Object, found: &mut Found) -> Result<(), DataError> {
    let Fields { known: Record { id, text, spo_list }, extra } = object.parse()?;
    let unsupported = &mut found.report.unsupported;
    let id = id.map(|Id(id)| id);
    let text = object.required(text, "text")?;
    let spo_list = spo_list.unwrap_or_default();
    let mut triples = Vec::with_capacity(spo_list.len());
    for spo in spo_list {
        unsupported.note_at(Unsupported::Field, spo.other.len(), || object.name());
        let subject = with_type(Mention::of(spo.subject), spo.subject_type);
        let types = spo.object_type.map(slots);
        for (slot, surface) in slots(spo.object) {
            let Value::String(surface) = surface else {
                let message =
                    format!("`object` of {:?}: expected a string in the slot {slot:?}, found {surface}", spo.predicate);
                return Err(object.error(ParseErrorKind::WrongValue, message));
            };
            let entity_type = match types.as_ref().and_then(|types| types.get(&slot)) {
                None | Some(Value::Null) => None,
                Some(Value::String(name)) => Some(name.clone()),
                Some(other) => {
                    let message = format!(
                        "`object_type` of {:?}: expected a string in the slot {slot:?}, found {other}",
                        spo.predicate
                    );
                    return Err(object.error(ParseErrorKind::WrongValue, message));
                }
            };
            let relation = if slot == VALUE { spo.predicate.clone() } else { format!("{}_{slot}", spo.predicate) };
            let object = with_type(Mention::of(surface), entity_type);
            triples.push(Triple::new(subject.clone(), relation, object));
        }
    }
    found.sentences.push_back(with_id(Sentence::new(text).with_triples(triples).with_extra(extra), id));
    Ok(())
}

fn slots(slots: Slots) -> Map<String, Value> {
    match slots {
        Slots::One(value) => Map::from_iter([(VALUE.to_owned(), Value::String(value))]),
        Slots::Many(slots) => slots,
    }
}

/// Writes DuIE 1.0, with a string for each object.
fn write<'a>(sentence: &'a Sentence, objects: &mut Objects) -> Result<(), DataError> {
    let unsupported = &mut objects.unsupported;
    let spo = |triple: &'a Triple| SpoLine {
        subject: &triple.subject.text,
        subject_type: triple.subject.entity_type.as_deref(),
        predicate: &triple.relation,
        object: &triple.object.text,
        object_type: triple.object.entity_type.as_deref(),
    };
    let line = Line {
        id: sentence.id.as_deref(),
        text: &sentence.text,
        spo_list: sentence.triples.iter().map(spo).collect(),
        extra: RetainedFields::of(sentence, Format::Duie, unsupported),
    };
    objects.push(&line)
}
