//! doccano's exports: `{"id", "text", "entities": [{"id", "label", "start_offset", "end_offset"}], "relations": [{"id",
//! "from_id", "to_id", "type"}]}` of projects with relations, and `{"id", "text", "label": [[start, end, type], …]}` of
//! those without.

use std::collections::HashMap;

use rere_core::{CharSpan, Sentence, TextOffsets, Triple};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::Value;

use super::{
    Format, Unsupported,
    fields::{Fields, Id, NumberOrString, RetainedFields, known},
    json::Object,
    mentions::{MentionsWithOffsets, UNTYPED, annotation_ids, entity_type, unjoined},
    optional::{with_entity, with_id, with_type},
    reader::Found,
    spec::{
        Content, EntityIds, Holds, Json,
        Mark::{Has, HasRows},
        Offsets, Spec, Types,
    },
    writer::Objects,
};
use crate::{DataError, ParseErrorKind};

pub(super) const SPEC: Spec = Spec {
    name: "doccano",
    source: "doccano",
    content: Content::Json(Json {
        fields: &["id", "text", "label", "entities", "relations"],
        identified_by: &[&[Has("text"), Has("entities"), Has("relations")], &[Has("text"), HasRows("label")]],
        triples: None,
        array: false,
        parse,
        write,
    }),
    holds: Holds {
        offsets: Offsets::NeedsCharacters,
        types: Types::Except(UNTYPED),
        entities: true,
        entity_ids: EntityIds::All,
        ..Holds::SURFACES
    },
};

known! {
    struct Record {
        id "id": Id,
        text "text": String,
        label "label": Vec<Vec<Value>>,
        entities "entities": Vec<Entity>,
        relations "relations": Vec<Relation>,
    }
}

#[derive(Deserialize)]
struct Entity {
    id: Option<Id>,
    label: Option<String>,
    start_offset: usize,
    end_offset: usize,
    #[serde(flatten)]
    other: HashMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct Relation {
    // The number of the relation in the file.
    #[serde(default, rename = "id")]
    _id: IgnoredAny,
    from_id: Id,
    to_id: Id,
    #[serde(rename = "type")]
    relation: String,
    #[serde(flatten)]
    other: HashMap<String, IgnoredAny>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<NumberOrString<'a>>,
    text: &'a str,
    entities: Vec<EntityLine<'a>>,
    relations: Vec<RelationLine<'a>>,
    #[serde(flatten)]
    extra: RetainedFields<'a>,
}

#[derive(Serialize)]
struct EntityLine<'a> {
    id: NumberOrString<'a>,
    label: &'a str,
    start_offset: usize,
    end_offset: usize,
}

#[derive(Serialize)]
struct RelationLine<'a> {
    id: usize,
    from_id: NumberOrString<'a>,
    to_id: NumberOrString<'a>,
    #[serde(rename = "type")]
    relation: &'a str,
}

fn parse(object: &Object, found: &mut Found) -> Result<(), DataError> {
    let Fields { known: Record { id, text, label, entities, relations }, extra } = object.parse()?;
    let unsupported = &mut found.report.unsupported;
    let id = id.map(|Id(id)| id);
    let text = object.required(text, "text")?;
    let offsets = TextOffsets::new(&text, object.offsets);
    let mut listed = Vec::new();
    for row in label.into_iter().flatten() {
        let (Some(span), Some(Value::String(name)), 3) = (span(&row), row.get(2), row.len()) else {
            let message = format!("`label`: expected [start, end, type], found {}", Value::from(row));
            return Err(object.error(ParseErrorKind::WrongValue, message));
        };
        let mention = object.mention(&offsets, span, None)?;
        listed.push(with_type(mention, entity_type(name.clone())));
    }
    let mut other = 0;
    let mut numbers: HashMap<String, usize> = HashMap::new();
    for entity in entities.into_iter().flatten() {
        other += entity.other.len();
        let mention = object.mention(&offsets, CharSpan::new(entity.start_offset, entity.end_offset), None)?;
        let number = listed.len();
        if let Some(Id(id)) = &entity.id
            && numbers.insert(id.clone(), number).is_some()
        {
            return Err(
                object.error(ParseErrorKind::Duplicate, format!("expected unique ids of entities, found {id} twice"))
            );
        }
        let entity_id = entity.id.map(|Id(id)| id);
        listed.push(with_entity(with_type(mention, entity.label.and_then(entity_type)), entity_id));
    }
    let mut joined = vec![false; listed.len()];
    let mut triples = Vec::new();
    for Relation { from_id, to_id, relation, other: more, .. } in relations.into_iter().flatten() {
        other += more.len();
        let mut end = |Id(id): &Id| match numbers.get(id) {
            Some(&number) => {
                joined[number] = true;
                Ok(listed[number].clone())
            }
            None => {
                let message = format!("expected the id of an entity in a relation, found {id}");
                Err(object.error(ParseErrorKind::UnknownReference, message))
            }
        };
        triples.push(Triple::new(end(&from_id)?, relation, end(&to_id)?));
    }
    unsupported.note_at(Unsupported::Field, other, || object.name());
    let entities = unjoined(listed, joined);
    found
        .sentences
        .push_back(with_id(Sentence::new(text).with_triples(triples).with_entities(entities).with_extra(extra), id));
    Ok(())
}

/// Returns the span at the beginning of a row.
fn span(row: &[Value]) -> Option<CharSpan> {
    let number = |at: usize| usize::try_from(row.get(at)?.as_u64()?).ok();
    Some(CharSpan::new(number(0)?, number(1)?))
}

fn write(sentence: &Sentence, objects: &mut Objects) -> Result<(), DataError> {
    let offsets = TextOffsets::new(&sentence.text, objects.offsets);
    let unsupported = &mut objects.unsupported;
    let located = MentionsWithOffsets::of(sentence, unsupported);
    let is_number = |id: &str| id.parse::<u64>().is_ok_and(|number| number.to_string() == id);
    let ids = annotation_ids(sentence, &located, "", is_number, unsupported);
    let entities = located.mentions.iter().zip(&ids).map(|((span, mention), id)| {
        let CharSpan { start, end } = offsets.to_chars(*span);
        let label = mention.entity_type.as_deref().unwrap_or(UNTYPED);
        EntityLine { id: NumberOrString(id), label, start_offset: start, end_offset: end }
    });
    let relations = located.triples.iter().enumerate().map(|(id, (subject, triple, object))| RelationLine {
        id,
        from_id: NumberOrString(&ids[*subject]),
        to_id: NumberOrString(&ids[*object]),
        relation: &triple.relation,
    });
    let line = Line {
        id: sentence.id.as_deref().map(NumberOrString),
        text: &sentence.text,
        entities: entities.collect(),
        relations: relations.collect(),
        extra: RetainedFields::of(sentence, Format::Doccano, unsupported),
    };
    objects.push(&line)
}
