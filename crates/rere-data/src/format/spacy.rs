//! JSON of spaCy users and of Prodigy: `{"text", "spans": [{"start", "end", "label"}], "relations": [{"head_span":
//! {"start", "end", "label"}, "child_span", "label"}]}`, with half-open offsets in characters.

use std::collections::HashMap;

use rere_core::{ByteSpan, CharSpan, Mention, Sentence, TextOffsets, Triple};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    Format, Unsupported,
    fields::{Fields, Id, RetainedFields, known},
    json::Object,
    mentions::{MentionsWithOffsets, UNTYPED, entity_type, match_entities},
    optional::{with_id, with_type},
    reader::Found,
    spec::{Content, Holds, Json, Mark::Has, Offsets, Spec, Types},
    writer::Objects,
};
use crate::DataError;

pub(super) const SPEC: Spec = Spec {
    name: "spacy",
    source: "spaCy and Prodigy",
    content: Content::Json(Json {
        fields: &["id", "text", "spans", "relations", ANSWER],
        identified_by: &[&[Has("spans")]],
        triples: None,
        array: false,
        parse,
        write,
    }),
    holds: Holds {
        offsets: Offsets::NeedsCharacters,
        types: Types::Except(UNTYPED),
        entities: true,
        ..Holds::SURFACES
    },
};

/// Field of a Prodigy task with the annotator's decision.
const ANSWER: &str = "answer";

/// Answer of an accepted task.
const ACCEPT: &str = "accept";

known! {
    struct Record {
        id "id": Id,
        text "text": String,
        spans "spans": Vec<Span>,
        relations "relations": Vec<Relation>,
    }
}

#[derive(Deserialize)]
struct Span {
    start: usize,
    end: usize,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    text: Option<String>,
    // Redundant, because spans have offsets.
    #[serde(default, rename = "token_start")]
    _token_start: IgnoredAny,
    #[serde(default, rename = "token_end")]
    _token_end: IgnoredAny,
    #[serde(flatten)]
    other: HashMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct Relation {
    head_span: Span,
    child_span: Span,
    label: String,
    #[serde(default, rename = "head")]
    _head: IgnoredAny,
    #[serde(default, rename = "child")]
    _child: IgnoredAny,
    #[serde(flatten)]
    other: HashMap<String, IgnoredAny>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    text: &'a str,
    spans: Vec<SpanLine<'a>>,
    relations: Vec<RelationLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'static str>,
    #[serde(flatten)]
    extra: RetainedFields<'a>,
}

#[derive(Serialize, Clone, Copy)]
struct SpanLine<'a> {
    start: usize,
    end: usize,
    label: &'a str,
}

#[derive(Serialize)]
struct RelationLine<'a> {
    head_span: SpanLine<'a>,
    child_span: SpanLine<'a>,
    label: &'a str,
}

fn parse(object: &Object, found: &mut Found) -> Result<(), DataError> {
    let Fields { known: Record { id, text, spans, relations }, extra } = object.parse()?;
    // Prodigy's files contain rejected and skipped tasks.
    if extra.get::<String>(ANSWER).is_ok_and(|answer| answer.is_some_and(|answer| answer != ACCEPT)) {
        found.report.rejected += 1;
        return Ok(());
    }
    let unsupported = &mut found.report.unsupported;
    let id = id.map(|Id(id)| id);
    let text = object.required(text, "text")?;
    let spans = spans.unwrap_or_default();
    let relations = relations.unwrap_or_default();
    let offsets = TextOffsets::new(&text, object.offsets);
    let mut mention = |span: Span| {
        unsupported.note_at(Unsupported::Field, span.other.len(), || object.name());
        let mention = object.mention(&offsets, CharSpan::new(span.start, span.end), span.text)?;
        Ok::<_, DataError>(with_type(mention, span.label.and_then(entity_type)))
    };
    let listed = spans.into_iter().map(&mut mention).collect::<Result<Vec<_>, _>>()?;
    let mut triples = Vec::with_capacity(relations.len());
    let mut other = 0;
    for relation in relations {
        other += relation.other.len();
        let (subject, object) = (mention(relation.head_span)?, mention(relation.child_span)?);
        triples.push(Triple::new(subject, relation.label, object));
    }
    unsupported.note_at(Unsupported::Field, other, || object.name());
    let entities = match_entities(&mut triples, listed, false);
    found
        .sentences
        .push_back(with_id(Sentence::new(text).with_triples(triples).with_entities(entities).with_extra(extra), id));
    Ok(())
}

fn write<'a>(sentence: &'a Sentence, objects: &mut Objects) -> Result<(), DataError> {
    let unsupported = &mut objects.unsupported;
    let offsets = TextOffsets::new(&sentence.text, objects.offsets);
    let located = MentionsWithOffsets::of(sentence, unsupported);
    let span = |&(span, mention): &(ByteSpan, &'a Mention)| {
        let CharSpan { start, end } = offsets.to_chars(span);
        SpanLine { start, end, label: mention.entity_type.as_deref().unwrap_or(UNTYPED) }
    };
    let spans: Vec<_> = located.mentions.iter().map(span).collect();
    let relation = |&(subject, triple, object): &(usize, &'a Triple, usize)| RelationLine {
        head_span: spans[subject],
        child_span: spans[object],
        label: &triple.relation,
    };
    // The reader skips sentences with another answer.
    let is_accepted = sentence.extra.get::<String>(ANSWER).is_ok_and(|answer| answer.is_some_and(|it| it == ACCEPT));
    let line = Line {
        id: sentence.id.as_deref(),
        text: &sentence.text,
        relations: located.triples.iter().map(relation).collect(),
        spans,
        answer: is_accepted.then_some(ACCEPT),
        extra: RetainedFields::beside(sentence, Format::Spacy, is_accepted.then_some(ANSWER), unsupported),
    };
    objects.push(&line)
}
