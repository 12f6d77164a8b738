//! The format of HRL's own code: `{"sentext", "relations": [{"rtext", "em1", "em2", "tags": […]}]}`, where the text is words
//! with a space between two, and each relation has a tag for each word. Texts may have more spaces, which make no words.

use std::collections::{HashMap, HashSet};

use rere_core::{ByteSpan, Mention, Sentence, TokenSpan, Triple};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::optional::with_id;
use super::{
    Format, Unsupported,
    fields::{Fields, Id, RetainedFields, known},
    json::Object,
    reader::Found,
    spec::{Content, Holds, Json, Mark::Has, Offsets, Spec},
    words::{Words, bytes, join, words_of},
    writer::Objects,
};
use crate::DataError;

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

/// Tags of the words of a mention: of the first, and of the others. 0 is the tag of words outside.
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
    let lost = &mut found.report.lost;
    let id = id.map(|Id(id)| id);
    let text = object.required(text, "sentext")?;
    let relations = relations.unwrap_or_default();
    let words = words_of(&text);
    let mut triples = Vec::with_capacity(relations.len());
    let mut others = Vec::new();
    for Relation { rtext, em1, em2, tags, other } in relations {
        lost.note_at(Unsupported::Field, other.len(), || object.name());
        if tags.len() != words.len() {
            let (tags, words) = (tags.len(), words.len());
            return Err(object.error(format!("a relation {rtext:?} has {tags} tags for {words} words")));
        }
        if let Some(tag) = tags.iter().find(|&&tag| tag > 6) {
            return Err(object.error(format!("a relation {rtext:?} has the tag {tag}; tags are 0 to 6")));
        }
        // If the tags mark a surface several times, the first time is the mention; if they do not, it has no offsets. Surfaces have
        // one space between words, whatever the text has.
        let mention = |surface: String, kind| {
            let same = |at: &ByteSpan| text[at.start..at.end].split_whitespace().eq(surface.split_whitespace());
            match marked(&tags, kind).filter_map(|span| bytes(&words, span)).find(same) {
                Some(span) => Mention::of(&text[span.start..span.end]).with_span(span),
                None => Mention::of(surface),
            }
        };
        let (subject, object) = (mention(em1, SUBJECT), mention(em2, OBJECT));
        triples.push(Triple::new(subject, rtext, object));
        others.extend(marked(&tags, OTHER).filter_map(|span| bytes(&words, span)));
    }
    others.sort_unstable();
    others.dedup();
    let joined = |span: &ByteSpan| {
        triples.iter().flat_map(|t| [&t.subject, &t.object]).any(|mention| mention.span == Some(*span))
    };
    others.retain(|span| !joined(span));
    let entity = |span: ByteSpan| Mention::of(&text[span.start..span.end]).with_span(span);
    let entities: Vec<Mention> = others.into_iter().map(entity).collect();
    found
        .sentences
        .push_back(with_id(Sentence::new(text).with_triples(triples).with_entities(entities).with_extra(extra), id));
    Ok(())
}

/// The words that are tagged as a mention of a kind.
fn marked(tags: &[u8], [first, inside]: [u8; 2]) -> impl Iterator<Item = TokenSpan> {
    let starts = tags.iter().enumerate().filter(move |&(_, &tag)| tag == first).map(|(start, _)| start);
    starts.map(move |start| {
        let more = tags[start + 1..].iter().take_while(|&&tag| tag == inside).count();
        TokenSpan::new(start, start + 1 + more)
    })
}

fn write(sentence: &Sentence, objects: &mut Objects) -> Result<(), DataError> {
    let lost = &mut objects.lost;
    let Words { words, mentions, triples, .. } = Words::of(sentence, lost);
    let join_words =
        |span: TokenSpan| join(words[span.start..span.end].iter().map(|w| &sentence.text[w.start..w.end])).0;
    let mut shown = vec![false; mentions.len()];
    // The order decides which of overlapping mentions is tagged; that of the text is the same when the tags are read again.
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
            // What overlaps another mention has no tags of its own.
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
    lost.note(Unsupported::Triple, triples.len() - relations.len(), sentence);
    // Mentions of triples are not missed here: a triple that is left out is counted itself.
    let joined: HashSet<usize> = triples.iter().flat_map(|&(subject, _, object)| [subject, object]).collect();
    let hidden = shown.iter().enumerate().filter(|&(number, shown)| !shown && !joined.contains(&number));
    lost.note(Unsupported::Entity, hidden.count(), sentence);
    let line = Line {
        id: sentence.id.as_deref(),
        sentext: join_words(TokenSpan::new(0, words.len())),
        relations,
        extra: RetainedFields::of(sentence, Format::HrlTags, lost),
    };
    objects.push(&line)
}
