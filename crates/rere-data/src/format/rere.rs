//! The rere format: `{"id", "text", "triples": [{"subject": {"text", "start", "end", "type", "entity"}, "relation", "object",
//! "score"}], "entities": [{"text", …}], "negatives": [{"subject", "relation", "object"}]}`.

use std::borrow::Cow;

use rere_core::{CharSpan, Mention, Probability, Sentence, Triple};
use serde::{Deserialize, Serialize};

use super::{
    Format, OffsetUnit,
    fields::{Fields, Id, Kept, known},
    json::Object,
    reader::Found,
    spec::{Content, Holds, Json, Mark::Has, Spec},
    writer::Objects,
    offsets::Borders,
};
use crate::DataError;

pub(super) const SPEC: Spec = Spec {
    name: "rere",
    source: "ours",
    content: Content::Json(Json {
        fields: &["id", "text", "triples", "entities", "negatives"],
        identified_by: &[&[Has("triples")]],
        triples: Some("triples"),
        array: false,
        parse,
        write,
    }),
    holds: Holds::ALL,
};

known! {
    struct Record<'de> {
        id "id": Id,
        text "text": String,
        triples "triples": Vec<TripleRecord<'de>>,
        entities "entities": Vec<MentionRecord<'de>>,
        negatives "negatives": Vec<TripleRecord<'de>>,
    }
}

/// A sentence to be written, with other fields behind those of the format.
#[derive(Serialize)]
pub(super) struct Line<'a, Extra> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    text: &'a str,
    triples: Vec<TripleRecord<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entities: Vec<MentionRecord<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    negatives: Vec<TripleRecord<'a>>,
    #[serde(flatten)]
    extra: Extra,
}

/// Fields of a triple or a mention that are not listed here are errors, because a [`Triple`] has no place to keep them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TripleRecord<'a> {
    #[serde(borrow)]
    subject: MentionRecord<'a>,
    #[serde(borrow)]
    relation: Cow<'a, str>,
    #[serde(borrow)]
    object: MentionRecord<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<Probability>,
}

/// `start..end` is half-open.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MentionRecord<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<usize>,
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    entity_type: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entity: Option<Cow<'a, str>>,
}

fn parse(object: &Object, found: &mut Found) -> Result<(), DataError> {
    let Fields { known: Record { id, text, triples, entities, negatives }, extra } = object.parse()?;
    let id = id.map(|Id(id)| id);
    let text = object.required(text, "text")?;
    let borders = Borders::of(&text, object.offsets);
    let of = |record| triple(record, &borders, object);
    let triples = triples.unwrap_or_default().into_iter().map(of).collect::<Result<_, _>>()?;
    let negatives = negatives.unwrap_or_default().into_iter().map(of).collect::<Result<_, _>>()?;
    let entities = entities.unwrap_or_default().into_iter().map(|entity| mention(entity, &borders, object));
    let entities = entities.collect::<Result<_, _>>()?;
    found.sentences.push_back(Sentence { id, triples, entities, negatives, text, extra });
    Ok(())
}

fn triple(record: TripleRecord, borders: &Borders, object: &Object) -> Result<Triple, DataError> {
    Ok(Triple {
        subject: mention(record.subject, borders, object)?,
        relation: record.relation.into_owned(),
        object: mention(record.object, borders, object)?,
        score: record.score,
    })
}

fn mention(record: MentionRecord, borders: &Borders, object: &Object) -> Result<Mention, DataError> {
    let surface = record.text.into_owned();
    let mention = match (record.start, record.end) {
        (None, None) => Mention::of(surface),
        (Some(start), Some(end)) => borders.mention(CharSpan::new(start, end), Some(surface), object)?,
        _ => return Err(object.error(format!("the mention {surface:?} has only one of `start` and `end`"))),
    };
    let [entity_type, entity] = [record.entity_type, record.entity].map(|name| name.map(Cow::into_owned));
    Ok(Mention { entity_type, entity, ..mention })
}

fn write(sentence: &Sentence, objects: &mut Objects) -> Result<(), DataError> {
    let extra = Kept::of(sentence, Format::Rere, &mut objects.lost);
    objects.push(&line(sentence, objects.offsets, extra))
}

pub(super) fn line<Extra>(sentence: &Sentence, offsets: OffsetUnit, extra: Extra) -> Line<'_, Extra> {
    let borders = Borders::of(&sentence.text, offsets);
    let mention = |mention| {
        let mention: &Mention = mention;
        let span = mention.span.map(|span| borders.characters(span));
        MentionRecord {
            text: Cow::Borrowed(&mention.text),
            start: span.map(|span| span.start),
            end: span.map(|span| span.end),
            entity_type: mention.entity_type.as_deref().map(Cow::Borrowed),
            entity: mention.entity.as_deref().map(Cow::Borrowed),
        }
    };
    let triple = |triple| {
        let triple: &Triple = triple;
        TripleRecord {
            subject: mention(&triple.subject),
            relation: Cow::Borrowed(&triple.relation),
            object: mention(&triple.object),
            score: triple.score,
        }
    };
    Line {
        id: sentence.id.as_deref(),
        text: &sentence.text,
        triples: sentence.triples.iter().map(triple).collect(),
        entities: sentence.entities.iter().map(mention).collect(),
        negatives: sentence.negatives.iter().map(triple).collect(),
        extra,
    }
}
