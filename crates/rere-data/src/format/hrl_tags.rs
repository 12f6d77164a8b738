//! The format of HRL's own code: `{"sentext", "relations": [{"rtext", "em1", "em2", "tags": […]}]}`, where the text is
//! words separated by spaces, and each relation has a tag for each word.

use std::collections::{HashMap, HashSet};

use rere_core::{ByteSpan, Mention, Sentence, TokenSpan, Triple};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    Format, Unsupported,
    fields::{Fields, Id, RetainedFields, known},
    json::Object,
    optional::with_id,
    reader::Found,
    spec::{Content, Holds, Json, Mark::Has, Offsets, Spec},
    words::{Words, join_words as join, span_of_words, words_of},
    writer::Objects,
};
use crate::{DataError, ParseErrorKind};

pub(super) const SPEC: Spec = Spec {
    name: "hrl-tags",
    source: "HRL's own code",
    content: Content::Json(Json {
        fields: &["id", "sentext", "relations"],
        identified_by: &[&[Has("sentext")]],
        triples: None,
        array: false,
        parse,
        write,
    }),
    holds: Holds { offsets: Offsets::NeedsWords, entities: true, ..Holds::SURFACES },
};

/// Tags of the first word of a mention and of its other words. Words outside mentions have tag 0.
const SUBJECT: [u8; 2] = [4, 1];
const OBJECT: [u8; 2] = [5, 2];
const OTHER: [u8; 2] = [6, 3];

known! {
    struct Record {
        id "id": Id,
        text "sentext": String,
        relations "relations": Vec<Relation>,
    }
}

#[derive(Deserialize)]
struct Relation {
    rtext: String,
    em1: String,
    em2: String,
    tags: Vec<u8>,
    #[serde(flatten)]
    other: HashMap<String, IgnoredAny>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    sentext: String,
    relations: Vec<RelationLine<'a>>,
    #[serde(flatten)]
    extra: RetainedFields<'a>,
}

#[derive(Serialize)]
struct RelationLine<'a> {
    rtext: &'a str,
    em1: String,
    em2: String,
    tags: Vec<u8>,
}

fn parse(object: &Object, found: &mut Found) -> Result<(), DataError> {
    let Fields { known: Record { id, text, relations }, extra } = object.parse()?;
    let unsupported = &mut found.report.unsupported;
    let id = id.map(|Id(id)| id);
    let text = object.required(text, "sentext")?;
    let relations = relations.unwrap_or_default();
    let words = words_of(&text);
    let mut triples = Vec::with_capacity(relations.len());
    let mut others = Vec::new();
    for Relation { rtext, em1, em2, tags, other } in relations {
        unsupported.note_at(Unsupported::Field, other.len(), || object.name());
        if tags.len() != words.len() {
            let (tags, words) = (tags.len(), words.len());
            let message =
                format!("relation {rtext:?}: expected a tag for each of the {words} words, found {tags} tags");
            return Err(object.error(ParseErrorKind::WrongValue, message));
        }
        if let Some(tag) = tags.iter().find(|&&tag| tag > 6) {
            let message = format!("relation {rtext:?}: expected tags from 0 to 6, found {tag}");
            return Err(object.error(ParseErrorKind::WrongValue, message));
        }
        // The first tagged occurrence of the surface is the mention; without one, the mention has no offsets. Surfaces
        // have one space between words, whatever the text has.
        let mention = |surface: String, kind| {
            let same = |at: &ByteSpan| text[at.start..at.end].split_whitespace().eq(surface.split_whitespace());
            match marked(&tags, kind).filter_map(|span| span_of_words(&words, span)).find(same) {
                Some(span) => Mention::of(&text[span.start..span.end]).with_span(span),
                None => Mention::of(surface),
            }
        };
        let (subject, object) = (mention(em1, SUBJECT), mention(em2, OBJECT));
        triples.push(Triple::new(subject, rtext, object));
        others.extend(marked(&tags, OTHER).filter_map(|span| span_of_words(&words, span)));
    }
    others.sort_unstable();
    others.dedup();
    let joined = |span: &ByteSpan| triples.iter().flat_map(Triple::mentions).any(|mention| mention.span == Some(*span));
    others.retain(|span| !joined(span));
    let entity = |span: ByteSpan| Mention::of(&text[span.start..span.end]).with_span(span);
    let entities: Vec<Mention> = others.into_iter().map(entity).collect();
    found
        .sentences
        .push_back(with_id(Sentence::new(text).with_triples(triples).with_entities(entities).with_extra(extra), id));
    Ok(())
}

/// Iterates over the mentions that are tagged with these tags.
fn marked(tags: &[u8], [first, inside]: [u8; 2]) -> impl Iterator<Item = TokenSpan> {
    let starts = tags.iter().enumerate().filter(move |&(_, &tag)| tag == first).map(|(start, _)| start);
    starts.map(move |start| {
        let more = tags[start + 1..].iter().take_while(|&&tag| tag == inside).count();
        TokenSpan::new(start, start + 1 + more)
    })
}

fn write(sentence: &Sentence, objects: &mut Objects) -> Result<(), DataError> {
    let unsupported = &mut objects.unsupported;
    let Words { words, mentions, triples, .. } = Words::of(sentence, unsupported);
    let join_words =
        |span: TokenSpan| join(words[span.start..span.end].iter().map(|w| &sentence.text[w.start..w.end])).0;
    let mut shown = vec![false; mentions.len()];
    // The order determines which of overlapping mentions is tagged. That of the text does not change when the tags are
    // read.
    let mut order: Vec<usize> = (0..mentions.len()).collect();
    order.sort_by_key(|&number| mentions[number].0);
    let mut relations = Vec::with_capacity(triples.len());
    for &(subject, triple, object) in &triples {
        let (em1, em2) = (mentions[subject].0, mentions[object].0);
        if em1.overlaps(em2) {
            continue;
        }
        let mut tags = vec![0; words.len()];
        let mut mark = |number: usize, [first, inside]: [u8; 2]| {
            let TokenSpan { start, end } = mentions[number].0;
            // A mention that overlaps another one is not tagged.
            if tags[start..end].iter().all(|&tag| tag == 0) {
                tags[start..end].fill(inside);
                tags[start] = first;
                shown[number] = true;
            }
        };
        mark(subject, SUBJECT);
        mark(object, OBJECT);
        order.iter().for_each(|&number| mark(number, OTHER));
        relations.push(RelationLine { rtext: &triple.relation, em1: join_words(em1), em2: join_words(em2), tags });
    }
    unsupported.note(Unsupported::Triple, triples.len() - relations.len(), sentence);
    // Mentions of triples are not counted, because omitted triples are counted themselves.
    let joined: HashSet<usize> = triples.iter().flat_map(|&(subject, _, object)| [subject, object]).collect();
    let hidden = shown.iter().enumerate().filter(|&(number, shown)| !shown && !joined.contains(&number));
    unsupported.note(Unsupported::Entity, hidden.count(), sentence);
    let line = Line {
        id: sentence.id.as_deref(),
        sentext: join_words(TokenSpan::new(0, words.len())),
        relations,
        extra: RetainedFields::of(sentence, Format::HrlTags, unsupported),
    };
    objects.push(&line)
}
