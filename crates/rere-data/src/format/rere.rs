//! The rere format: `{"id", "text", "triples": [{"subject": {"text", "start", "end", "type"}, "relation", "object", "score"}],
//! "entities": [{"text", …}]}`.

use std::borrow::Cow;

use rere_core::{CharSpan, Mention, Probability, Sentence, Triple};
use serde::{Deserialize, Serialize};

use super::{
    Format, Lost,
    fields::{Fields, Id, Kept, known},
    json::Object,
    place::Borders,
};
use crate::DataError;

pub(super) const FIELDS: &[&str] = &["id", "text", "triples", "entities"];

known! {
    struct Record<'de> {
        id "id": Id,
        text "text": String,
        triples "triples": Vec<TripleRecord<'de>>,
        entities "entities": Vec<MentionRecord<'de>>,
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

/// `start..end` is half-open in Unicode code points.
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
}

pub(super) fn parse(object: &Object) -> Result<Sentence, DataError> {
    let Fields { known: Record { id, text, triples, entities }, extra } = object.parse()?;
    let Id(id) = id.unwrap_or_default();
    let text = object.required(text, "text")?;
    let triples = triples.unwrap_or_default();
    let entities = entities.unwrap_or_default();
    let borders = Borders::of(&text);
    let triples = triples.into_iter().map(|triple| {
        Ok(Triple {
            subject: mention(triple.subject, &borders, object)?,
            relation: triple.relation.into_owned(),
            object: mention(triple.object, &borders, object)?,
            score: triple.score,
        })
    });
    let triples = triples.collect::<Result<_, DataError>>()?;
    let entities = entities.into_iter().map(|entity| mention(entity, &borders, object)).collect::<Result<_, _>>()?;
    Ok(Sentence { id, triples, entities, text, extra, ..Sentence::default() })
}

fn mention(record: MentionRecord, borders: &Borders, object: &Object) -> Result<Mention, DataError> {
    let surface = record.text.into_owned();
    let mention = match (record.start, record.end) {
        (None, None) => Mention::of(surface),
        (Some(start), Some(end)) => borders.mention(CharSpan::new(start, end), Some(surface), object)?,
        _ => return Err(object.error(format!("the mention {surface:?} has only one of `start` and `end`"))),
    };
    Ok(Mention { entity_type: record.entity_type.map(Cow::into_owned), ..mention })
}

pub(super) fn write<'a>(sentence: &'a Sentence, lost: &mut Lost) -> Line<'a, Kept<'a>> {
    line(sentence, Kept::of(sentence, Format::Rere, lost))
}

pub(super) fn line<Extra>(sentence: &Sentence, extra: Extra) -> Line<'_, Extra> {
    let borders = Borders::of(&sentence.text);
    let mention = |mention| {
        let mention: &Mention = mention;
        let span = mention.span.map(|span| borders.characters(span));
        MentionRecord {
            text: Cow::Borrowed(&mention.text),
            start: span.map(|span| span.start),
            end: span.map(|span| span.end),
            entity_type: mention.entity_type.as_deref().map(Cow::Borrowed),
        }
    };
    let triples = sentence.triples.iter().map(|triple| TripleRecord {
        subject: mention(&triple.subject),
        relation: Cow::Borrowed(&triple.relation),
        object: mention(&triple.object),
        score: triple.score,
    });
    Line {
        id: sentence.id.as_deref(),
        text: &sentence.text,
        triples: triples.collect(),
        entities: sentence.entities.iter().map(mention).collect(),
        extra,
    }
}
