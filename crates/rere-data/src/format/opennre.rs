//! OpenNRE's format, with one pair per object: `{"text", "h": {"id", "name", "pos": [start, end]}, "t": {…},
//! "relation"}`, where `pos` is half-open in characters; or with `token`, a list of words, in place of `text`, and
//! `pos` in words.

use std::collections::HashMap;

use rere_core::{ByteSpan, CharSpan, Mention, Sentence, TextOffsets, TokenSpan, Triple};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    Format, Unsupported,
    fields::{Exactly, Fields, Id, RetainedFields, known},
    json::Object,
    mentions::pairs,
    optional::{with_entity, with_id},
    reader::Found,
    spec::{Content, EntityIds, Holds, Json, Mark::Has, Offsets, Spec},
    words::{join_words, span_of_words},
    writer::Objects,
};
use crate::{DataError, ParseErrorKind, text::occurrences};

pub(super) const SPEC: Spec = Spec {
    name: "opennre",
    source: "OpenNRE",
    content: Content::Json(Json {
        fields: &["id", "text", "token", "h", "t", "relation"],
        identified_by: &[&[Has("h"), Has("t")]],
        triples: None,
        array: false,
        parse,
        write,
    }),
    holds: Holds {
        offsets: Offsets::Characters,
        entities: true,
        entity_ids: EntityIds::All,
        negatives: true,
        ..Holds::SURFACES
    },
};

known! {
    struct Record {
        id "id": Id,
        text "text": String,
        tokens "token": Vec<String>,
        head "h": End,
        tail "t": End,
        relation "relation": String,
    }
}

/// The subject or the object.
#[derive(Deserialize)]
struct End {
    id: Option<Id>,
    name: Option<String>,
    pos: Option<Exactly<usize, 2>>,
    #[serde(flatten)]
    other: HashMap<String, IgnoredAny>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    text: &'a str,
    h: EndLine<'a>,
    t: EndLine<'a>,
    relation: &'a str,
    #[serde(flatten)]
    extra: &'a RetainedFields<'a>,
}

#[derive(Serialize)]
struct EndLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pos: Option<[usize; 2]>,
}

fn parse(object: &Object, found: &mut Found) -> Result<(), DataError> {
    let Fields { known: Record { id, text, tokens, head, tail, relation }, extra } = object.parse()?;
    let unsupported = &mut found.report.unsupported;
    let id = id.map(|Id(id)| id);
    let (text, words) = match (text, tokens) {
        (Some(text), None) => (text, None),
        (None, Some(tokens)) => {
            let (text, words) = join_words(&tokens);
            (text, Some(words))
        }
        (Some(_), Some(_)) => {
            let message = "expected `text` or `token`, found both, so the unit of `pos` is unknown";
            return Err(object.error(ParseErrorKind::WrongValue, message));
        }
        (None, None) => return Err(object.error(ParseErrorKind::MissingField, "missing field `text` or `token`")),
    };
    let offsets = TextOffsets::new(&text, object.offsets);
    let mut surfaces = 0;
    let mut mention = |end: End| {
        unsupported.note_at(Unsupported::Field, end.other.len(), || object.name());
        let entity = end.id.map(|Id(id)| id);
        let Some(Exactly([start, end_of])) = end.pos else {
            let name = object.required(end.name, "name")?;
            return Ok(with_entity(Mention::of(name), entity));
        };
        let span: Option<ByteSpan> = match &words {
            Some(words) => span_of_words(words, TokenSpan::new(start, end_of)),
            None => offsets.to_bytes(CharSpan::new(start, end_of)),
        };
        let name = end.name.unwrap_or_default();
        let Some(surface) = span.and_then(|span| span.slice(&text).ok()) else {
            return Err(match &words {
                Some(words) => {
                    let count = words.len();
                    let message =
                        format!("the mention {name:?} has words {start}..{end_of}, but there are {count} words");
                    object.error(ParseErrorKind::WordOffsets, message)
                }
                None => object.misplaced(offsets.error(CharSpan::new(start, end_of), name)),
            });
        };
        if !name.is_empty() && surface != name {
            // A name that occurs elsewhere in the text indicates wrong offsets; another one may be a name from a
            // knowledge base.
            let is_elsewhere = !occurrences(&text, &name).is_empty();
            if is_elsewhere {
                return Err(match words {
                    Some(_) => {
                        let message = format!(
                            "the mention {name:?} has words {start}..{end_of}, but the text has {surface:?} there"
                        );
                        object.error(ParseErrorKind::WordOffsets, message)
                    }
                    None => object.misplaced(offsets.error(CharSpan::new(start, end_of), name)),
                });
            }
            surfaces += 1;
        }
        Ok(with_entity(Mention::of(surface).with_span(span), entity))
    };
    let subject = mention(object.required(head, "h")?)?;
    let object_mention = mention(object.required(tail, "t")?)?;
    unsupported.note_at(Unsupported::Surface, surfaces, || object.name());
    let mut sentence = with_id(Sentence::new(text).with_extra(extra), id);
    match relation {
        Some(relation) => sentence.triples.push(Triple::new(subject, relation, object_mention)),
        None => sentence.entities.extend([subject, object_mention]),
    }
    found.sentences.push_back(sentence);
    Ok(())
}

fn write(sentence: &Sentence, objects: &mut Objects) -> Result<(), DataError> {
    let extra = RetainedFields::of(sentence, Format::Opennre, &mut objects.unsupported);
    let offsets = TextOffsets::new(&sentence.text, objects.offsets);
    let end = |mention| {
        let Mention { text, span, entity, .. }: &Mention = mention;
        let pos = span.map(|span| offsets.to_chars(span)).map(|CharSpan { start, end }| [start, end]);
        EndLine { id: entity.as_deref(), name: text, pos }
    };
    for (id, triple) in
        pairs(sentence, sentence.triples.iter().chain(&sentence.negatives), |_| true, &mut objects.unsupported)
    {
        let [h, t] = triple.mentions().map(end);
        objects.push(&Line {
            id: id.as_deref(),
            text: &sentence.text,
            h,
            t,
            relation: &triple.relation,
            extra: &extra,
        })?;
    }
    Ok(())
}
