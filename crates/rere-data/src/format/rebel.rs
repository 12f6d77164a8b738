//! The format of REBEL's triplets, `{"text", "triplets": [{"head", "type", "tail"}]}`, and of mREBEL's, with `head_type`
//! and `tail_type`.

use std::collections::HashMap;

use rere_core::{Mention, Sentence, Triple};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    Format, Unsupported,
    fields::{Fields, Id, RetainedFields, known},
    json::Object,
    optional::{with_id, with_type},
    reader::Found,
    spec::{Content, Holds, Json, Mark::Has, Spec, Types},
    writer::Objects,
};
use crate::DataError;

pub(super) const SPEC: Spec = Spec {
    name: "rebel",
    source: "REBEL and mREBEL",
    content: Content::Json(Json {
        fields: &["id", "text", "triplets"],
        identified_by: &[&[Has("triplets")]],
        triples: Some("triplets"),
        array: false,
        parse,
        write,
    }),
    holds: Holds { types: Types::All, ..Holds::SURFACES },
};

known! {
    struct Record {
        id "id": Id,
        text "text": String,
        triplets "triplets": Vec<Triplet>,
    }
}

#[derive(Deserialize)]
struct Triplet {
    head: String,
    head_type: Option<String>,
    #[serde(rename = "type")]
    relation: String,
    tail: String,
    tail_type: Option<String>,
    #[serde(flatten)]
    other: HashMap<String, IgnoredAny>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    text: &'a str,
    triplets: Vec<TripletLine<'a>>,
    #[serde(flatten)]
    extra: RetainedFields<'a>,
}

#[derive(Serialize)]
struct TripletLine<'a> {
    head: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    head_type: Option<&'a str>,
    #[serde(rename = "type")]
    relation: &'a str,
    tail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tail_type: Option<&'a str>,
}

fn parse(object: &Object, found: &mut Found) -> Result<(), DataError> {
    let Fields { known: Record { id, text, triplets }, extra } = object.parse()?;
    let id = id.map(|Id(id)| id);
    let text = object.required(text, "text")?;
    let triplets = triplets.unwrap_or_default();
    let other = triplets.iter().map(|triplet| triplet.other.len()).sum();
    found.report.unsupported.note_at(Unsupported::Field, other, || object.name());
    let triples = triplets.into_iter().map(|triplet| {
        Triple::new(
            with_type(Mention::of(triplet.head), triplet.head_type),
            triplet.relation,
            with_type(Mention::of(triplet.tail), triplet.tail_type),
        )
    });
    found.sentences.push_back(with_id(Sentence::new(text).with_triples(triples).with_extra(extra), id));
    Ok(())
}

fn write<'a>(sentence: &'a Sentence, objects: &mut Objects) -> Result<(), DataError> {
    let triplet = |triple: &'a Triple| TripletLine {
        head: &triple.subject.text,
        head_type: triple.subject.entity_type.as_deref(),
        relation: &triple.relation,
        tail: &triple.object.text,
        tail_type: triple.object.entity_type.as_deref(),
    };
    let line = Line {
        id: sentence.id.as_deref(),
        text: &sentence.text,
        triplets: sentence.triples.iter().map(triplet).collect(),
        extra: RetainedFields::of(sentence, Format::Rebel, &mut objects.unsupported),
    };
    objects.push(&line)
}
