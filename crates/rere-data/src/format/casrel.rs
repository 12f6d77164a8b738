//! CasRel's format: `{"text", "triple_list": [[subject, relation, object], …]}`.

use rere_core::{Sentence, Triple};
use serde::Serialize;

use super::{
    Format, Lost, Room,
    fields::{Fields, Id, Kept, known},
    json::Object,
};
use crate::DataError;

pub(super) const FIELDS: &[&str] = &["id", "text", "triple_list"];

known! {
    struct Record {
        id "id": Id,
        text "text": String,
        triple_list "triple_list": Vec<(String, String, String)>,
    }
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    text: &'a str,
    triple_list: Vec<(&'a str, &'a str, &'a str)>,
    #[serde(flatten)]
    extra: Kept<'a>,
}

pub(super) fn parse(object: &Object) -> Result<Sentence, DataError> {
    let Fields { known: Record { id, text, triple_list }, extra } = object.parse()?;
    let Id(id) = id.unwrap_or_default();
    let text = object.required(text, "text")?;
    let triple_list = object.required(triple_list, "triple_list")?;
    let triples = triple_list.into_iter().map(|(subject, relation, object)| Triple::of(subject, relation, object));
    Ok(Sentence { id, text, triples: triples.collect(), extra, ..Sentence::default() })
}

pub(super) fn write<'a>(sentence: &'a Sentence, lost: &mut Lost) -> impl Serialize + use<'a> {
    lost.compare(sentence, &Room { places: false, types: |_| false, entities: false, scores: false });
    let triples = sentence.triples.iter();
    Line {
        id: sentence.id.as_deref(),
        text: &sentence.text,
        triple_list: triples.map(|t| (t.subject.text.as_str(), t.relation.as_str(), t.object.text.as_str())).collect(),
        extra: Kept::of(sentence, Format::Casrel, lost),
    }
}
