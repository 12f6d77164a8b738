//! CasRel's format: `{"text", "triple_list": [[subject, relation, object], …]}`.

use rere_core::{Sentence, Triple};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::json::Object;
use crate::DataError;

#[derive(Deserialize)]
struct Record {
    #[serde(default, deserialize_with = "super::id")]
    id: Option<String>,
    text: String,
    triple_list: Vec<(String, String, String)>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

pub(super) fn parse(object: &Object) -> Result<Sentence, DataError> {
    let Record { id, text, triple_list, extra } = object.parse()?;
    if extra.contains_key("triples") {
        return Err(object.error("an object has both `triples` and `triple_list`; which of them holds cannot be told"));
    }
    let triples = triple_list.into_iter().map(|(subject, relation, object)| Triple::of(subject, relation, object));
    Ok(Sentence { id, text, triples: triples.collect(), extra })
}
