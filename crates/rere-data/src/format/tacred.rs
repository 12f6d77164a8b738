//! TACRED's format, with one pair per object: `{"id", "token", "subj_start", "subj_end", "subj_type", "obj_start",
//! "obj_end", "obj_type", "relation"}`. Starts and ends count words from 0, and the word at the end belongs to the
//! mention.

use rere_core::{Mention, Sentence, TokenSpan, Triple};
use serde::Serialize;

use super::{
    Format, Unsupported,
    fields::{Fields, Id, RetainedFields, known},
    json::Object,
    mentions::{UNTYPED, entity_type, pairs},
    optional::{with_id, with_type},
    reader::Found,
    spec::{Content, Holds, Json, Mark::Has, Offsets, Spec, Types},
    words::{Words, join_words, span_of_words},
    writer::Objects,
};
use crate::{DataError, ParseErrorKind};

pub(super) const SPEC: Spec = Spec {
    name: "tacred",
    source: "TACRED",
    content: Content::Json(Json {
        fields: &["id", "token", "subj_start", "subj_end", "obj_start", "obj_end", "subj_type", "obj_type", "relation"],
        identified_by: &[&[Has("token"), Has("subj_start"), Has("obj_start")]],
        triples: None,
        array: true,
        parse,
        write,
    }),
    holds: Holds {
        offsets: Offsets::NeedsWords,
        types: Types::Except(UNTYPED),
        entities: true,
        negatives: true,
        ..Holds::SURFACES
    },
};

known! {
    struct Record {
        id "id": Id,
        tokens "token": Vec<String>,
        subj_start "subj_start": usize,
        subj_end "subj_end": usize,
        obj_start "obj_start": usize,
        obj_end "obj_end": usize,
        subj_type "subj_type": String,
        obj_type "obj_type": String,
        relation "relation": String,
    }
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    relation: &'a str,
    token: &'a [&'a str],
    subj_start: usize,
    subj_end: usize,
    obj_start: usize,
    obj_end: usize,
    subj_type: &'a str,
    obj_type: &'a str,
    #[serde(flatten)]
    extra: &'a RetainedFields<'a>,
}

fn parse(object: &Object, found: &mut Found) -> Result<(), DataError> {
    let Fields { known: record, extra } = object.parse::<Fields<Record>>()?;
    let tokens = object.required(record.tokens, "token")?;
    let (text, words) = join_words(&tokens);
    let mention = |role: &str, start: Option<usize>, end: Option<usize>, type_name: Option<String>| {
        let start = object.required(start, &format!("{role}_start"))?;
        let end = object.required(end, &format!("{role}_end"))?;
        let Some(span) = end.checked_add(1).and_then(|end| span_of_words(&words, TokenSpan::new(start, end))) else {
            let count = words.len();
            let message =
                format!("`{role}_start`, `{role}_end`: expected words within 0..{count}, found words {start} to {end}");
            return Err(object.error(ParseErrorKind::WordOffsets, message));
        };
        let entity_type = type_name.and_then(entity_type);
        Ok(with_type(Mention::of(&text[span.start..span.end]).with_span(span), entity_type))
    };
    let subject = mention("subj", record.subj_start, record.subj_end, record.subj_type)?;
    let object_mention = mention("obj", record.obj_start, record.obj_end, record.obj_type)?;
    let mut sentence = with_id(Sentence::new(text).with_extra(extra), record.id.map(|Id(id)| id));
    match record.relation {
        Some(relation) => sentence.triples.push(Triple::new(subject, relation, object_mention)),
        None => sentence.entities.extend([subject, object_mention]),
    }
    found.sentences.push_back(sentence);
    Ok(())
}

fn write(sentence: &Sentence, objects: &mut Objects) -> Result<(), DataError> {
    let extra = RetainedFields::of(sentence, Format::Tacred, &mut objects.unsupported);
    let words = Words::of(sentence, &mut objects.unsupported);
    objects.unsupported.note(Unsupported::Negative, sentence.negatives.len() - words.negatives.len(), sentence);
    let token: Vec<&str> = words.words.iter().map(|word| &sentence.text[word.start..word.end]).collect();
    let ends: Vec<_> =
        words.triples.iter().chain(&words.negatives).map(|&(subject, _, object)| (subject, object)).collect();
    let type_of = |number: usize| words.mentions[number].1.entity_type.as_deref().unwrap_or(UNTYPED);
    let held = words.triples.iter().chain(&words.negatives).map(|&(_, triple, _)| triple);
    // Mentions without words were counted already.
    let has_words = |mention: &Mention| mention.span.is_some() && !mention.text.trim().is_empty();
    let pairs = pairs(sentence, held, has_words, &mut objects.unsupported);
    for ((id, triple), (subject, object)) in pairs.into_iter().zip(ends) {
        let [subj, obj] = [subject, object].map(|number| words.mentions[number].0);
        objects.push(&Line {
            id: id.as_deref(),
            relation: &triple.relation,
            token: &token,
            subj_start: subj.start,
            subj_end: subj.end - 1,
            obj_start: obj.start,
            obj_end: obj.end - 1,
            subj_type: type_of(subject),
            obj_type: type_of(object),
            extra: &extra,
        })?;
    }
    Ok(())
}
