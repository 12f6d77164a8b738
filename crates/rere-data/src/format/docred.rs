//! DocRED's format: `{"title", "sents": [[word, …], …], "vertexSet": [[{"name", "sent_id", "pos": [start, end], "type"}, …], …],
//! "labels": [{"h", "t", "r", "evidence"}]}`. `pos` is a half-open range of the words of one sentence; a vertex is an
//! entity with all its mentions, `h` and `t` are numbers of vertices, all from 0.

use std::collections::HashMap;

use rere_core::{ByteSpan, Mention, Sentence, TokenSpan, Triple};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    Format, Loss, Lost, Room,
    fields::{Fields, Kept, known},
    json::Object,
    place::{UNTYPED, entity_type},
    words::{Words, bytes, join},
};
use crate::DataError;

pub(super) const FIELDS: &[&str] = &["title", "sents", "vertexSet", "labels"];

known! {
    struct Record {
        title "title": String,
        sents "sents": Vec<Vec<String>>,
        vertices "vertexSet": Vec<Vec<MentionRecord>>,
        labels "labels": Vec<Label>,
    }
}

#[derive(Deserialize)]
struct MentionRecord {
    /// The surface, perhaps with other spaces than between the words.
    name: String,
    sent_id: usize,
    pos: (usize, usize),
    #[serde(rename = "type")]
    entity_type: String,
    #[serde(flatten)]
    other: HashMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct Label {
    h: usize,
    t: usize,
    r: String,
    #[serde(default)]
    evidence: Vec<IgnoredAny>,
    #[serde(flatten)]
    other: HashMap<String, IgnoredAny>,
}

#[derive(Serialize)]
struct Line<'a> {
    title: &'a str,
    sents: [Vec<&'a str>; 1],
    #[serde(rename = "vertexSet")]
    vertices: Vec<[MentionLine<'a>; 1]>,
    labels: Vec<LabelLine<'a>>,
    #[serde(flatten)]
    extra: Kept<'a>,
}

#[derive(Serialize)]
struct MentionLine<'a> {
    name: &'a str,
    sent_id: usize,
    pos: (usize, usize),
    #[serde(rename = "type")]
    entity_type: &'a str,
}

#[derive(Serialize)]
struct LabelLine<'a> {
    h: usize,
    t: usize,
    r: &'a str,
    evidence: [usize; 0],
}

/// The sentences become one text. A relation holds between the two mentions of its entities that stand nearest to each
/// other; all mentions in no such pair are entities.
pub(super) fn parse(object: &Object, lost: &mut Lost) -> Result<Sentence, DataError> {
    let Fields { known: Record { title, sents, vertices, labels }, extra } = object.parse()?;
    let title = title.unwrap_or_default();
    let sents = object.required(sents, "sents")?;
    let vertices = object.required(vertices, "vertexSet")?;
    let labels = labels.unwrap_or_default();
    let (text, words) = join(sents.iter().flatten());
    let firsts: Vec<usize> = sents
        .iter()
        .scan(0, |next, sentence| {
            let first = *next;
            *next += sentence.len();
            Some(first)
        })
        .collect();
    let mut other = labels.iter().map(|label| label.other.len()).sum();
    let mut annotations: usize = labels.iter().filter(|label| !label.evidence.is_empty()).count();
    annotations += sents.len().saturating_sub(1);
    let mut spacing = false;
    let mut clusters: Vec<Vec<(Mention, ByteSpan)>> = Vec::with_capacity(vertices.len());
    for vertex in vertices {
        annotations += vertex.len().saturating_sub(1);
        let mut cluster = Vec::with_capacity(vertex.len());
        for mention in vertex {
            let (start, end) = mention.pos;
            let inside = sents.get(mention.sent_id).is_some_and(|sentence| end <= sentence.len());
            let first = firsts.get(mention.sent_id).filter(|_| inside);
            let Some(span) = first.and_then(|first| bytes(&words, TokenSpan::new(first + start.min(end), first + end)))
            else {
                let MentionRecord { name, sent_id, .. } = mention;
                let message =
                    format!("the mention {name:?} does not lie at words {start}..{end} of sentence {sent_id}");
                return Err(object.error(message));
            };
            other += mention.other.len();
            let surface = &text[span.start..span.end];
            spacing |= surface != mention.name;
            let mention =
                Mention { span: Some(span), entity_type: entity_type(mention.entity_type), ..Mention::of(surface) };
            cluster.push((mention, span));
        }
        clusters.push(cluster);
    }
    lost.note_at(Loss::Field, other, || object.name());
    lost.note_at(Loss::Annotation, annotations, || object.name());
    lost.note_at(Loss::Spacing, usize::from(spacing), || object.name());

    let mut joined: Vec<Vec<bool>> = clusters.iter().map(|cluster| vec![false; cluster.len()]).collect();
    let mut triples = Vec::with_capacity(labels.len());
    for Label { h, t, r, .. } in labels {
        let cluster = |number: usize| {
            clusters.get(number).filter(|cluster| !cluster.is_empty()).ok_or_else(|| {
                object
                    .error(format!("a label joins vertex {number}, which has no mention; there are {}", clusters.len()))
            })
        };
        let (heads, tails) = (cluster(h)?, cluster(t)?);
        let pairs = (0..heads.len()).flat_map(|head| (0..tails.len()).map(move |tail| (head, tail)));
        // The first of equally near pairs.
        let nearest = pairs.min_by_key(|&(head, tail)| {
            let (head, tail) = (heads[head].1, tails[tail].1);
            tail.start.saturating_sub(head.end).max(head.start.saturating_sub(tail.end))
        });
        if let Some((head, tail)) = nearest {
            (joined[h][head], joined[t][tail]) = (true, true);
            let (subject, object) = (heads[head].0.clone(), tails[tail].0.clone());
            triples.push(Triple { subject, relation: r, object, score: None });
        }
    }
    let mentions = clusters.into_iter().flatten().zip(joined.into_iter().flatten());
    let entities = mentions.filter(|(_, joined)| !joined).map(|((mention, _), _)| mention).collect();
    let id = (!title.is_empty()).then_some(title);
    Ok(Sentence { id, text, triples, entities, extra, ..Sentence::default() })
}

/// The whole text is one sentence, and each mention an entity of its own.
pub(super) fn write<'a>(sentence: &'a Sentence, lost: &mut Lost) -> impl Serialize + use<'a> {
    lost.compare(sentence, &Room { places: true, types: |name| name != UNTYPED, entities: true, scores: false });
    // An empty title reads as none.
    lost.note(Loss::Id, usize::from(sentence.id.as_deref() == Some("")), sentence);
    let words = Words::of(sentence, lost);
    let word = |word: &ByteSpan| &sentence.text[word.start..word.end];
    let vertex = |&(TokenSpan { start, end }, mention): &(_, &'a Mention)| {
        let entity_type = mention.entity_type.as_deref().unwrap_or(UNTYPED);
        [MentionLine { name: mention.text.trim(), sent_id: 0, pos: (start, end), entity_type }]
    };
    let label = |&(h, triple, t): &(_, &'a Triple, _)| LabelLine { h, t, r: &triple.relation, evidence: [] };
    Line {
        title: sentence.id.as_deref().unwrap_or_default(),
        sents: [words.words.iter().map(word).collect()],
        vertices: words.mentions.iter().map(vertex).collect(),
        labels: words.triples.iter().map(label).collect(),
        extra: Kept::of(sentence, Format::Docred, lost),
    }
}
