//! Label Studio's tasks, as in its JSON export and import: `{"id", "data": {"text"}, "annotations": [{"result":
//! […]}]}`, or `predictions` with `score` and `model_version`. A result is a region, `{"id", "type": "labels", "value":
//! {"start", "end", "text", "labels"}}`, or a relation, `{"type": "relation", "from_id", "to_id", "direction",
//! "labels"}`. Offsets are half-open in characters.

use std::collections::HashMap;

use rere_core::{CharSpan, Extra, Mention, Probability, Sentence, TextOffsets, Triple};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::{
    Format, Unsupported, UnsupportedCounts,
    fields::{Fields, Id, NumberOrString, RetainedFields, known},
    json::Object,
    mentions::{MentionsWithOffsets, UNTYPED, annotation_ids, entity_type, unjoined},
    optional::{with_entity, with_id, with_type},
    reader::Found,
    spec::{
        Content, EntityIds, Holds, Json,
        Mark::{Has, Lacks},
        Offsets, Spec, Types,
    },
    writer::Objects,
};
use crate::{DataError, ParseErrorKind};

pub(super) const SPEC: Spec = Spec {
    name: "label-studio",
    source: "Label Studio",
    content: Content::Json(Json {
        // The fields of `data`, which also has the other fields of a sentence.
        fields: &["text", MODEL_VERSION],
        identified_by: &[
            &[Has("data"), Has("annotations")],
            &[Has("data"), Has("predictions")],
            &[Has("data"), Lacks("text")],
        ],
        triples: None,
        array: true,
        parse,
        write,
    }),
    holds: Holds {
        offsets: Offsets::NeedsCharacters,
        types: Types::Except(UNTYPED),
        entities: true,
        scores: true,
        entity_ids: EntityIds::All,
        ..Holds::SURFACES
    },
};

/// Field of a sentence with the version of the model that predicted its triples.
const MODEL_VERSION: &str = "prediction_model_version";

/// Version of predictions if the sentence has none.
const UNNAMED: &str = "rere";

/// Prefix of generated ids of regions.
const PREFIX: &str = "m";

known! {
    struct Record {
        id "id": Id,
        data "data": Extra,
        annotations "annotations": Vec<Completion>,
        predictions "predictions": Vec<Completion>,
    }
}

/// The results of one annotator or model for a task. Other fields are the program's own records.
#[derive(Deserialize)]
struct Completion {
    result: Option<Vec<Item>>,
    was_cancelled: Option<bool>,
    ground_truth: Option<bool>,
    score: Option<f32>,
    model_version: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    id: Option<Id>,
    #[serde(rename = "type")]
    kind: Option<String>,
    value: Option<Box<RawValue>>,
    from_id: Option<Id>,
    to_id: Option<Id>,
    direction: Option<String>,
    labels: Option<Vec<String>>,
    score: Option<f32>,
    meta: Option<IgnoredAny>,
}

/// The value of a region.
#[derive(Deserialize)]
struct Region {
    start: usize,
    end: usize,
    text: Option<String>,
    labels: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<NumberOrString<'a>>,
    data: Data<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<[AnnotationLine<'a>; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    predictions: Option<[PredictionLine<'a>; 1]>,
}

#[derive(Serialize)]
struct Data<'a> {
    text: &'a str,
    #[serde(flatten)]
    extra: RetainedFields<'a>,
}

#[derive(Serialize)]
struct AnnotationLine<'a> {
    result: Vec<ItemLine<'a>>,
}

#[derive(Serialize)]
struct PredictionLine<'a> {
    model_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f32>,
    result: Vec<ItemLine<'a>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ItemLine<'a> {
    Region {
        id: &'a str,
        from_name: &'static str,
        to_name: &'static str,
        r#type: &'static str,
        value: RegionLine<'a>,
    },
    Relation {
        from_id: &'a str,
        to_id: &'a str,
        r#type: &'static str,
        direction: &'static str,
        labels: [&'a str; 1],
        #[serde(skip_serializing_if = "Option::is_none")]
        score: Option<Probability>,
    },
}

#[derive(Serialize)]
struct RegionLine<'a> {
    start: usize,
    end: usize,
    text: &'a str,
    labels: [&'a str; 1],
}

/// Reads the ground truth or else the first of the annotations that were not cancelled; without annotations, the first
/// prediction.
fn parse(object: &Object, found: &mut Found) -> Result<(), DataError> {
    let Fields { known: Record { id, data, annotations, predictions }, extra: records } = object.parse()?;
    let unsupported = &mut found.report.unsupported;
    let mut extra = object.required(data, "data")?;
    let text = take_text(&mut extra, object)?;
    let annotations = annotations.unwrap_or_default();
    let predictions = predictions.unwrap_or_default();
    let (count, is_annotated) = (annotations.len(), !annotations.is_empty());
    let mut valid: Vec<Completion> = annotations.into_iter().filter(|it| it.was_cancelled != Some(true)).collect();
    if is_annotated && valid.is_empty() {
        found.report.rejected += 1;
        return Ok(());
    }
    let truth = valid.iter().position(|it| it.ground_truth == Some(true)).unwrap_or_default();
    let mut others = count.saturating_sub(1) + predictions.len();
    let chosen = match valid.is_empty() {
        false => Some(valid.swap_remove(truth)),
        true => {
            others = predictions.len().saturating_sub(1);
            predictions.into_iter().next()
        }
    };
    // The program's own records of a task: dates, counts, users.
    unsupported.note_at(Unsupported::Field, records.len(), || object.name());
    unsupported.note_at(Unsupported::Annotation, others, || object.name());
    if let Some(version) = chosen.as_ref().and_then(|it| it.model_version.as_deref()).filter(|it| *it != UNNAMED) {
        extra.set(MODEL_VERSION, version).map_err(|error| DataError::Output(error.into()))?;
    }
    let mut sentence = with_id(Sentence::new(text).with_extra(extra), id.map(|Id(id)| id));
    if let Some(chosen) = chosen {
        read_results(chosen, &mut sentence, object, unsupported)?;
    }
    found.sentences.push_back(sentence);
    Ok(())
}

/// Removes and returns the text of a task: the field `text`, or the only string.
fn take_text(data: &mut Extra, object: &Object) -> Result<String, DataError> {
    let is_string = |json: &RawValue| json.get().starts_with('"');
    let strings: Vec<String> =
        data.iter().filter(|(_, json)| is_string(json)).map(|(name, _)| name.to_owned()).collect();
    let name = match strings.as_slice() {
        names if names.iter().any(|name| name == "text") => "text",
        [name] => name,
        _ => {
            let found: Vec<String> = data.iter().map(|(name, _)| format!("`{name}`")).collect();
            let message = format!("expected a string `text` in `data`, found {}", found.join(", "));
            return Err(object.error(ParseErrorKind::MissingField, message));
        }
    };
    let invalid = |error| object.error(ParseErrorKind::WrongValue, format!("`data.{name}`: {error}"));
    let text = data.get(name).map_err(invalid)?;
    data.remove(name);
    object.required(text, "data.text")
}

fn read_results(
    completion: Completion,
    sentence: &mut Sentence,
    object: &Object,
    unsupported: &mut UnsupportedCounts,
) -> Result<(), DataError> {
    let offsets = TextOffsets::new(&sentence.text, object.offsets);
    let results = completion.result.unwrap_or_default();
    let mut listed: Vec<Mention> = Vec::new();
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let (mut other, mut types, mut scores, mut notes) = (0, 0, 0, 0);
    let mut relations = Vec::new();
    for item in results {
        match item.kind.as_deref() {
            Some("relation") => relations.push(item),
            Some("labels") => {
                let Some(value) = &item.value else {
                    return Err(
                        object.error(ParseErrorKind::MissingField, "missing field `value` of a result of type labels")
                    );
                };
                let region: Region = serde_json::from_str(value.get()).map_err(|error| {
                    let message = format!("`value` of a result of type labels: {error}");
                    object.error(ParseErrorKind::WrongValue, message)
                })?;
                let span = CharSpan::new(region.start, region.end);
                // Exports write line ends as a backslash and an n.
                let claimed = region.text.map(|text| match offsets.slice(span) {
                    Some(found) if found == text.replace("\\n", "\n") => found.to_owned(),
                    _ => text,
                });
                let mention = object.mention(&offsets, span, claimed)?;
                let labels = region.labels.unwrap_or_default();
                types += labels.len().saturating_sub(1);
                let number = listed.len();
                let entity = item.id.map(|Id(id)| id);
                if let Some(id) = &entity
                    && numbers.insert(id.clone(), number).is_some()
                {
                    let message = format!("expected unique ids of regions, found {id:?} twice");
                    return Err(object.error(ParseErrorKind::Duplicate, message));
                }
                scores += usize::from(item.score.is_some());
                notes += usize::from(item.meta.is_some());
                let entity_type = labels.into_iter().next().and_then(entity_type);
                listed.push(with_entity(with_type(mention, entity_type), entity));
            }
            // Choices, free text and other results.
            _ => other += 1,
        }
    }
    // The scores of relations are preferred to the score of the whole prediction.
    let scored_each = relations.iter().any(|item| item.score.is_some());
    let probability = |score: f32| {
        let invalid = |error| object.error(ParseErrorKind::WrongValue, format!("`score`: {error}"));
        Probability::new(score).map_err(invalid)
    };
    let mut joined = vec![false; listed.len()];
    for item in relations {
        let end = |id: Option<Id>| {
            let Id(id) = object.required(id, "from_id` or `to_id")?;
            Ok::<_, DataError>(numbers.get(&id).copied())
        };
        let (Some(from), Some(to)) = (end(item.from_id)?, end(item.to_id)?) else {
            // A region of another type, such as a part of an image.
            other += 1;
            continue;
        };
        let score = if scored_each { item.score } else { completion.score };
        let score = score.map(probability).transpose()?;
        let labels = item.labels.unwrap_or_default();
        // A relation without a name cannot be a triple.
        other += usize::from(labels.is_empty());
        let pairs: &[(usize, usize)] = match item.direction.as_deref() {
            Some("left") => &[(to, from)],
            Some("bi") => &[(from, to), (to, from)],
            _ => &[(from, to)],
        };
        for relation in labels {
            (joined[from], joined[to]) = (true, true);
            let triple = |&(subject, object): &(usize, usize)| {
                Triple::new(listed[subject].clone(), relation.clone(), listed[object].clone()).with_score(score)
            };
            sentence.triples.extend(pairs.iter().map(triple));
        }
    }
    // Scores of regions, and the score of a prediction without triples.
    scores += usize::from(completion.score.is_some() && sentence.triples.is_empty());
    unsupported.note_at(Unsupported::Score, scores, || object.name());
    unsupported.note_at(Unsupported::Field, notes, || object.name());
    unsupported.note_at(Unsupported::Annotation, other, || object.name());
    unsupported.note_at(Unsupported::EntityType, types, || object.name());
    sentence.entities = unjoined(listed, joined);
    Ok(())
}

/// Writes a task with a prediction if triples have scores, and with an annotation if there are other triples or
/// entities.
fn write<'a>(sentence: &'a Sentence, objects: &mut Objects) -> Result<(), DataError> {
    let offsets = TextOffsets::new(&sentence.text, objects.offsets);
    let unsupported = &mut objects.unsupported;
    let located = MentionsWithOffsets::of(sentence, unsupported);
    let ids = annotation_ids(sentence, &located, PREFIX, |id| !id.is_empty(), unsupported);
    let region = |(number, id)| {
        let ((span, mention), id): ((_, &Mention), &String) = (located.mentions[number], id);
        let CharSpan { start, end } = offsets.to_chars(span);
        let labels = [mention.entity_type.as_deref().unwrap_or(UNTYPED)];
        let value = RegionLine { start, end, text: &mention.text, labels };
        ItemLine::Region { id, from_name: "label", to_name: "text", r#type: "labels", value }
    };
    let relation = |(subject, triple, object): &(usize, &'a Triple, usize)| ItemLine::Relation {
        from_id: &ids[*subject],
        to_id: &ids[*object],
        r#type: "relation",
        direction: "right",
        labels: [&triple.relation],
        score: triple.score,
    };
    let mut result: Vec<ItemLine> = ids.iter().enumerate().map(region).collect();
    result.extend(located.triples.iter().map(relation));
    let scores: Vec<f32> = sentence.triples.iter().filter_map(|triple| Some(triple.score?.get())).collect();
    let version: Option<String> = sentence.extra.get(MODEL_VERSION).ok().flatten();
    let written = version.as_deref().filter(|version| *version != UNNAMED).map(|_| MODEL_VERSION);
    let (mut annotations, mut predictions) = (None, None);
    if !scores.is_empty() || version.is_some() {
        let score = (!scores.is_empty()).then(|| scores.iter().sum::<f32>() / scores.len() as f32);
        let model_version = version.as_deref().unwrap_or(UNNAMED);
        predictions = Some([PredictionLine { model_version, score, result }]);
    } else if !result.is_empty() {
        annotations = Some([AnnotationLine { result }]);
    }
    let line = Line {
        id: sentence.id.as_deref().map(NumberOrString),
        data: Data {
            text: &sentence.text,
            extra: RetainedFields::beside(sentence, Format::LabelStudio, written, unsupported),
        },
        annotations,
        predictions,
    };
    objects.push(&line)
}
