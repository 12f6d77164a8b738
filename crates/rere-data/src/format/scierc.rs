//! The format of SciERC, in which DyGIE++ and PURE read it: `{"doc_key", "sentences": [[word, …], …], "ner": [[[start,
//! end, type], …], …], "relations": [[[start, end, start, end, relation], …], …], "clusters"}`, with a list of mentions
//! and of relations per sentence. Starts and ends count words of the document from 0, and the word at the end belongs
//! to the mention.

use std::collections::{BTreeSet, HashMap, HashSet};

use rere_core::{ByteSpan, Mention, Sentence, TokenSpan, Triple};
use serde::Serialize;
use serde_json::Value;

use super::{
    Format, Unsupported,
    fields::{Exactly, Fields, Id, RetainedFields, known},
    json::Object,
    mentions::{Clusters, UNTYPED, clusters, entity_type, unjoined},
    optional::{with_entity, with_id, with_type},
    reader::Found,
    spec::{Content, EntityIds, Holds, Json, Mark::Has, Offsets, Spec, Types},
    words::{Words, join_words, span_of_words},
    writer::Objects,
};
use crate::{DataError, ParseErrorKind};

pub(super) const SPEC: Spec = Spec {
    name: "scierc",
    source: "SciERC, DyGIE++ and PURE",
    content: Content::Json(Json {
        fields: &["doc_key", "sentences", "ner", "relations", "clusters", "predicted_ner", "predicted_relations"],
        identified_by: &[&[Has("sentences")]],
        triples: None,
        array: false,
        parse,
        write,
    }),
    holds: Holds {
        offsets: Offsets::NeedsWords,
        types: Types::Except(UNTYPED),
        entities: true,
        entity_ids: EntityIds::Clusters,
        ..Holds::SURFACES
    },
};

known! {
    struct Record {
        doc_key "doc_key": Id,
        sentences "sentences": Vec<Vec<String>>,
        ner "ner": Vec<Vec<Vec<Value>>>,
        relations "relations": Vec<Vec<Vec<Value>>>,
        clusters "clusters": Vec<Vec<Exactly<usize, 2>>>,
        predicted_ner "predicted_ner": Vec<Vec<Vec<Value>>>,
        predicted_relations "predicted_relations": Vec<Vec<Vec<Value>>>,
    }
}

#[derive(Serialize)]
struct Line<'a> {
    doc_key: &'a str,
    sentences: [Vec<&'a str>; 1],
    ner: [Vec<(usize, usize, &'a str)>; 1],
    relations: [Vec<RelationRow<'a>>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    clusters: Vec<BTreeSet<Ends>>,
    #[serde(flatten)]
    extra: RetainedFields<'a>,
}

/// First and last word of the subject and of the object, and the relation between them.
type RelationRow<'a> = (usize, usize, usize, usize, &'a str);

/// First and last word of a mention.
type Ends = [usize; 2];

/// Reads one sentence per sentence of the document. Its id is the document's, with the number of the sentence from 0 if
/// there are several.
fn parse(object: &Object, found: &mut Found) -> Result<(), DataError> {
    let Fields { known: record, extra } = object.parse::<Fields<Record>>()?;
    let Record { doc_key, sentences, mut ner, mut relations, clusters, predicted_ner, predicted_relations } = record;
    let unsupported = &mut found.report.unsupported;
    let sentences = object.required(sentences, "sentences")?;
    let count = sentences.len();
    // Programs write predictions in addition to the gold labels; in such a file the predictions are read.
    if predicted_ner.is_some() || predicted_relations.is_some() {
        unsupported.note_at(Unsupported::Field, usize::from(ner.is_some()) + usize::from(relations.is_some()), || {
            object.name()
        });
        (ner, relations) = (predicted_ner, predicted_relations);
    }
    for (name, list) in [("ner", &ner), ("relations", &relations)] {
        if let Some(list) = list
            && list.len() != count
        {
            let found = list.len();
            let message = format!("`{name}`: expected a list for each of the {count} sentences, found {found} lists");
            return Err(object.error(ParseErrorKind::WrongValue, message));
        }
    }
    let mut entity_of: HashMap<Ends, usize> = HashMap::new();
    for (entity, cluster) in clusters.iter().flatten().enumerate() {
        cluster.iter().for_each(|&Exactly(ends)| _ = entity_of.entry(ends).or_insert(entity));
    }
    // Boundaries between sentences, and fields of a document that is split.
    unsupported.note_at(Unsupported::Annotation, count.saturating_sub(1), || object.name());
    unsupported.note_at(Unsupported::Field, if count == 1 { 0 } else { extra.len() }, || object.name());
    let mut extra = Some(extra).filter(|_| count == 1);
    let (mut more, mut first, mut linked) = (0, 0, 0);
    let mut lists = [ner, relations].map(|list| list.unwrap_or_default().into_iter());
    for (number, tokens) in sentences.iter().enumerate() {
        let [ner, relations] = [0, 1].map(|list| lists[list].next().unwrap_or_default());
        let (text, words) = join_words(tokens);
        let span_of = |[start, end]: Ends| -> Result<ByteSpan, DataError> {
            let inside = |at: usize| at.checked_sub(first);
            let tokens =
                inside(start).zip(inside(end)).map(|(start, end)| TokenSpan::new(start, end.saturating_add(1)));
            tokens.and_then(|tokens| span_of_words(&words, tokens)).ok_or_else(|| {
                let last = (first + words.len()).saturating_sub(1);
                let message = format!(
                    "expected words from {first} to {last} of the document in sentence {number}, found {start} to {end}"
                );
                object.error(ParseErrorKind::WordOffsets, message)
            })
        };
        // Mentions of a cluster are the same entity if they are in the same sentence.
        let rows = ner.iter().map(|row| (0, row)).chain(relations.iter().flat_map(|row| [(0, row), (2, row)]));
        let all: HashSet<Ends> = rows.filter_map(|(at, row)| ends(row.get(at)?, row.get(at + 1)?)).collect();
        let mut members: HashMap<usize, usize> = HashMap::new();
        all.iter().filter_map(|ends| entity_of.get(ends)).for_each(|entity| *members.entry(*entity).or_default() += 1);
        let entity = |ends: &Ends| entity_of.get(ends).filter(|entity| members[*entity] > 1);
        linked += all.iter().filter_map(entity).count();
        let mut mentions: Vec<(Ends, Mention)> = Vec::with_capacity(ner.len());
        for row in &ner {
            let [start, end, name, rest @ ..] = row.as_slice() else {
                return Err(wrong_row(object, "[start, end, type]", row));
            };
            let (Some(ends), Some(name)) = (ends(start, end), name.as_str()) else {
                return Err(wrong_row(object, "[start, end, type]", row));
            };
            more += rest.len();
            let entity_type = entity_type(name.to_owned());
            mentions.push((ends, mention(&text, span_of(ends)?, entity_type, entity(&ends))));
        }
        let mut joined = vec![false; mentions.len()];
        let mut triples = Vec::with_capacity(relations.len());
        for row in &relations {
            const WANTED: &str = "[start, end, start, end, relation]";
            let [a, b, c, d, name, rest @ ..] = row.as_slice() else { return Err(wrong_row(object, WANTED, row)) };
            let (Some(head), Some(tail), Some(name)) = (ends(a, b), ends(c, d), name.as_str()) else {
                return Err(wrong_row(object, WANTED, row));
            };
            more += rest.len();
            let mut end = |ends: Ends| match mentions.iter().position(|(own, _)| *own == ends) {
                Some(number) => {
                    joined[number] = true;
                    Ok(mentions[number].1.clone())
                }
                None => Ok::<_, DataError>(mention(&text, span_of(ends)?, None, entity(&ends))),
            };
            let (subject, object) = (end(head)?, end(tail)?);
            triples.push(Triple::new(subject, name, object));
        }
        let entities = unjoined(mentions.into_iter().map(|(_, mention)| mention), joined);
        let id = doc_key.as_ref().map(|Id(key)| if count == 1 { key.clone() } else { format!("{key}#{number}") });
        let extra = extra.take().unwrap_or_default();
        found.sentences.push_back(with_id(
            Sentence::new(text).with_triples(triples).with_entities(entities).with_extra(extra),
            id,
        ));
        first += words.len();
    }
    unsupported.note_at(Unsupported::Field, more, || object.name());
    // Cluster members that are not mentions, or whose cluster has no other mention in the sentence.
    let lists = clusters.iter().flatten().enumerate();
    let links: HashSet<(usize, Ends)> =
        lists.flat_map(|(entity, cluster)| cluster.iter().map(move |&Exactly(ends)| (entity, ends))).collect();
    let unlinked = links.len().saturating_sub(linked);
    unsupported.note_at(Unsupported::Annotation, unlinked, || object.name());
    Ok(())
}

fn mention(text: &str, span: ByteSpan, entity_type: Option<String>, entity: Option<&usize>) -> Mention {
    let surface = &text[span.start..span.end];
    with_entity(with_type(Mention::of(surface).with_span(span), entity_type), entity.map(usize::to_string))
}

fn ends(start: &Value, end: &Value) -> Option<Ends> {
    let word = |value: &Value| usize::try_from(value.as_u64()?).ok();
    Some([word(start)?, word(end)?])
}

fn wrong_row(object: &Object, wanted: &str, row: &[Value]) -> DataError {
    object.error(ParseErrorKind::WrongValue, format!("expected {wanted}, found {}", Value::from(row)))
}

/// Writes a document of one sentence. Without an id, its key is the number of the sentence in the file.
fn write<'a>(sentence: &'a Sentence, objects: &mut Objects) -> Result<(), DataError> {
    let number = objects.next_number().to_string();
    let unsupported = &mut objects.unsupported;
    let words = Words::of(sentence, unsupported);
    let all: Vec<&Mention> = words.mentions.iter().map(|(_, mention)| *mention).collect();
    let ends: Vec<Ends> = words.mentions.iter().map(|(TokenSpan { start, end }, _)| [*start, end - 1]).collect();
    // If two mentions have the same words, relations and clusters refer to the first.
    let mut first: HashMap<Ends, usize> = HashMap::new();
    (0..all.len()).for_each(|number| _ = first.entry(ends[number]).or_insert(number));
    let is_other = |number: &usize| all[first[&ends[*number]]] != all[*number];
    let joined = words.triples.iter().flat_map(|&(subject, _, object)| [subject, object]);
    unsupported.note(Unsupported::EntityType, joined.filter(is_other).count(), sentence);
    // Mentions with the same words cannot be different entities.
    let mut entity_of: HashMap<Ends, Option<&str>> = HashMap::new();
    let entity = |(number, mention): (usize, &&'a Mention)| match mention.entity.as_deref() {
        Some(entity) => {
            let own = *entity_of.entry(ends[number]).or_insert(Some(entity));
            own.filter(|own| *own == entity)
        }
        None => None,
    };
    let entities: Vec<Option<&str>> = all.iter().enumerate().map(entity).collect();
    let without = all.iter().zip(&entities).filter(|(mention, entity)| entity.is_none() && mention.entity.is_some());
    unsupported.note(Unsupported::EntityId, without.count(), sentence);
    let clusters = clusters(sentence, &ends, &entities, Clusters::Several, unsupported);
    let relation = |&(subject, triple, object): &(usize, &'a Triple, usize)| {
        let ([a, b], [c, d]) = (ends[subject], ends[object]);
        (a, b, c, d, triple.relation.as_str())
    };
    let ner = |(number, mention): (usize, &&'a Mention)| {
        let [start, end] = ends[number];
        (start, end, mention.entity_type.as_deref().unwrap_or(UNTYPED))
    };
    let line = Line {
        doc_key: sentence.id.as_deref().unwrap_or(&number),
        sentences: [words.words.iter().map(|word| &sentence.text[word.start..word.end]).collect()],
        ner: [all.iter().enumerate().map(ner).collect()],
        relations: [words.triples.iter().map(relation).collect()],
        clusters: clusters.into_iter().map(|list| list.into_iter().map(|number| ends[number]).collect()).collect(),
        extra: RetainedFields::of(sentence, Format::Scierc, unsupported),
    };
    objects.push(&line)
}
