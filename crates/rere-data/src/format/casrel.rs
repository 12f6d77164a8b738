//! CasRel's format: `{"text", "triple_list": [[subject, relation, object], …]}`.

use rere_core::{Sentence, Triple};
use serde::Serialize;

use super::{
    Format,
    fields::{Exactly, Fields, Id, RetainedFields, known},
    json::Object,
    optional::with_id,
    reader::Found,
    spec::{Content, Holds, Json, Mark::Has, Spec},
    writer::Objects,
};
use crate::DataError;

pub(super) const SPEC: Spec = Spec {
    name: "casrel",
    source: "CasRel",
    content: Content::Json(Json {
        fields: &["id", "text", "triple_list"],
        identified_by: &[&[Has("triple_list")]],
        triples: Some("triple_list"),
        array: true,
        parse,
        write,
    }),
    holds: Holds::SURFACES,
};

known! {
    struct Record {
        id "id": Id,
        text "text": String,
        triple_list "triple_list": Vec<Exactly<String, 3>>,
    }
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    text: &'a str,
    triple_list: Vec<(&'a str, &'a str, &'a str)>,
    #[serde(flatten)]
    extra: RetainedFields<'a>,
}

fn parse(object: &Object, found: &mut Found) -> Result<(), DataError> {
    let Fields { known: Record { id, text, triple_list }, extra } = object.parse()?;
    let id = id.map(|Id(id)| id);
    let text = object.required(text, "text")?;
    let triple_list = object.required(triple_list, "triple_list")?;
    let triples =
        triple_list.into_iter().map(|Exactly([subject, relation, object])| Triple::of(subject, relation, object));
    found.sentences.push_back(with_id(Sentence::new(text).with_triples(triples).with_extra(extra), id));
    Ok(())
}

fn write(sentence: &Sentence, objects: &mut Objects) -> Result<(), DataError> {
    let unsupported = &mut objects.unsupported;
    let triples = sentence.triples.iter();
    let line = Line {
        id: sentence.id.as_deref(),
        text: &sentence.text,
        triple_list: triples.map(|t| (t.subject.text.as_str(), t.relation.as_str(), t.object.text.as_str())).collect(),
        extra: RetainedFields::of(sentence, Format::Casrel, unsupported),
    };
    objects.push(&line)
}
