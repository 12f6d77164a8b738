//! DocRED's format: `{"title", "sents": [[word, …], …], "vertexSet": [[{"name", "sent_id", "pos": [start, end],
//! "type"}, …], …], "labels": [{"h", "t", "r", "evidence"}]}`. `pos` is a half-open range of the words of one sentence;
//! a vertex is an entity with all its mentions, `h` and `t` are numbers of vertices, all from 0.

use std::collections::HashMap;

use rere_core::{Mention, Sentence, TokenSpan, Triple};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    Format, Unsupported,
    fields::{Exactly, Fields, RetainedFields, known},
    json::Object,
    mentions::{Clusters, UNTYPED, clusters, entity_type},
    optional::{with_id, with_type},
    reader::Found,
    spec::{Content, EntityIds, Holds, Json, Mark::Has, Offsets, Spec, Types},
    words::{Words, join_words, span_of_words},
    writer::Objects,
};
use crate::{DataError, ParseErrorKind};

pub(super) const SPEC: Spec = Spec {
    name: "docred",
    source: "DocRED",
    content: Content::Json(Json {
        fields: &["title", "sents", "vertexSet", "labels"],
        identified_by: &[&[Has("vertexSet")]],
        triples: None,
        array: true,
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
        title "title": String,
        sents "sents": Vec<Vec<String>>,
        vertices "vertexSet": Vec<Vec<MentionRecord>>,
        labels "labels": Vec<Label>,
    }
}

#[derive(Deserialize)]
struct MentionRecord {
    /// The surface, whose white space may differ from that between the words.
    name: String,
    sent_id: usize,
    pos: Exactly<usize, 2>,
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
    evidence: Option<Vec<IgnoredAny>>,
    #[serde(flatten)]
    other: HashMap<String, IgnoredAny>,
}

#[derive(Serialize)]
struct Line<'a> {
    title: &'a str,
    sents: [Vec<&'a str>; 1],
    #[serde(rename = "vertexSet")]
    vertices: Vec<Vec<MentionLine<'a>>>,
    labels: Vec<LabelLine<'a>>,
    #[serde(flatten)]
    extra: RetainedFields<'a>,
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

/// Joins the sentences to one text. A relation holds between the nearest mentions of its two entities; all mentions
/// outside such pairs are entities. If an entity has several mentions, the number of its vertex is their entity id.
fn parse(object: &Object, found: &mut Found) -> Result<(), DataError> {
    let Fields { known: Record { title, sents, vertices, labels }, extra } = object.parse()?;
    let unsupported = &mut found.report.unsupported;
    let title = title.unwrap_or_default();
    let sents = object.required(sents, "sents")?;
    let vertices = object.required(vertices, "vertexSet")?;
    let labels = labels.unwrap_or_default();
    let (text, words) = join_words(sents.iter().flatten());
    let firsts: Vec<usize> = sents
        .iter()
        .scan(0, |next, sentence| {
            let first = *next;
            *next += sentence.len();
            Some(first)
        })
        .collect();
    let mut other = labels.iter().map(|label| label.other.len()).sum();
    let mut annotations: usize =
        labels.iter().filter(|label| label.evidence.as_ref().is_some_and(|lines| !lines.is_empty())).count();
    annotations += sents.len().saturating_sub(1);
    let mut spacing = false;
    let mut clusters: Vec<Vec<(TokenSpan, Mention)>> = Vec::with_capacity(vertices.len());
    for (number, vertex) in vertices.into_iter().enumerate() {
        let mut cluster: Vec<(TokenSpan, Mention)> = Vec::with_capacity(vertex.len());
        for MentionRecord { name, sent_id, pos: Exactly([start, end]), entity_type: type_name, other: more } in vertex {
            let of_sentence = sents.get(sent_id).filter(|sentence| start <= end && end <= sentence.len());
            let tokens = of_sentence.map(|_| TokenSpan::new(firsts[sent_id] + start, firsts[sent_id] + end));
            let Some((tokens, span)) = tokens.and_then(|tokens| Some((tokens, span_of_words(&words, tokens)?))) else {
                let length = sents.get(sent_id).map_or(0, Vec::len);
                let message = format!(
                    "the mention {name:?} has words {start}..{end} of sentence {sent_id}, but it has {length} words"
                );
                return Err(object.error(ParseErrorKind::WordOffsets, message));
            };
            let surface = &text[span.start..span.end];
            if surface != name {
                let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
                if letters(surface) != letters(&name) {
                    let message = format!(
                        "the mention {name:?} has words {start}..{end} of sentence {sent_id}, but the text has {surface:?} there; words \
                         are half-open and count from 0 in each sentence"
                    );
                    return Err(object.error(ParseErrorKind::WordOffsets, message));
                }
                spacing = true;
            }
            other += more.len();
            let entity_type = entity_type(type_name);
            let mention = with_type(Mention::of(surface).with_span(span), entity_type);
            cluster.push((tokens, mention));
        }
        if cluster.iter().any(|(_, mention)| *mention != cluster[0].1) {
            cluster.iter_mut().for_each(|(_, mention)| mention.entity = Some(number.to_string()));
        }
        clusters.push(cluster);
    }
    unsupported.note_at(Unsupported::Field, other, || object.name());
    unsupported.note_at(Unsupported::Annotation, annotations, || object.name());
    unsupported.note_at(Unsupported::Spacing, usize::from(spacing), || object.name());

    let mut joined: Vec<Vec<bool>> = clusters.iter().map(|cluster| vec![false; cluster.len()]).collect();
    let mut triples = Vec::with_capacity(labels.len());
    for Label { h, t, r, .. } in labels {
        let [heads, tails] = [h, t].map(|number| clusters.get(number).map_or(&[][..], Vec::as_slice));
        let Some((head, tail)) = nearest(heads, tails) else {
            let (number, count) = (if heads.is_empty() { h } else { t }, clusters.len());
            let message = format!("expected a vertex with mentions in a label, found vertex {number} of {count}");
            return Err(object.error(ParseErrorKind::UnknownReference, message));
        };
        (joined[h][head], joined[t][tail]) = (true, true);
        let (subject, object) = (heads[head].1.clone(), tails[tail].1.clone());
        triples.push(Triple::new(subject, r, object));
    }
    let mentions = clusters.into_iter().flatten().zip(joined.into_iter().flatten());
    let mut entities: Vec<Mention> = mentions.filter(|(_, joined)| !joined).map(|((_, mention), _)| mention).collect();
    // Sorted, so that the order does not depend on that of the vertices.
    entities.sort_by(|a, b| (a.span, a).cmp(&(b.span, b)));
    let id = (!title.is_empty()).then_some(title);
    found
        .sentences
        .push_back(with_id(Sentence::new(text).with_triples(triples).with_entities(entities).with_extra(extra), id));
    Ok(())
}

/// Returns the nearest mentions of two entities, the first ones in the text of equally near pairs. A mention is paired
/// with itself only if there are no others. `None` if an entity has no mentions.
fn nearest<M>(heads: &[(TokenSpan, M)], tails: &[(TokenSpan, M)]) -> Option<(usize, usize)> {
    let pairs = (0..heads.len()).flat_map(|head| (0..tails.len()).map(move |tail| (head, tail)));
    pairs.min_by_key(|&(head, tail)| {
        let (head, tail) = (heads[head].0, tails[tail].0);
        let between = tail.start.saturating_sub(head.end).max(head.start.saturating_sub(tail.end));
        (head == tail, between, head, tail)
    })
}

/// Writes the text as one sentence.
fn write<'a>(sentence: &'a Sentence, objects: &mut Objects) -> Result<(), DataError> {
    let unsupported = &mut objects.unsupported;
    // An empty title is read as none.
    unsupported.note(Unsupported::Id, usize::from(sentence.id.as_deref() == Some("")), sentence);
    let Words { words, mentions, triples, .. } = Words::of(sentence, unsupported);
    let all: Vec<&Mention> = mentions.iter().map(|(_, mention)| *mention).collect();
    let entities: Vec<Option<&str>> = all.iter().map(|mention| mention.entity.as_deref()).collect();
    let clusters: Vec<Vec<(TokenSpan, usize)>> = clusters(sentence, &all, &entities, Clusters::All, unsupported)
        .into_iter()
        .map(|list| list.into_iter().map(|number| (mentions[number].0, number)).collect())
        .collect();
    let mut vertex_of = vec![0; mentions.len()];
    for (vertex, list) in clusters.iter().enumerate() {
        list.iter().for_each(|&(_, number)| vertex_of[number] = vertex);
    }
    let mut moved = 0;
    let label = |&(subject, triple, object): &(usize, &'a Triple, usize)| {
        let [h, t] = [subject, object].map(|number| vertex_of[number]);
        let pair = nearest(&clusters[h], &clusters[t]).map(|(head, tail)| (clusters[h][head].1, clusters[t][tail].1));
        moved += usize::from(pair != Some((subject, object)));
        LabelLine { h, t, r: &triple.relation, evidence: [] }
    };
    let labels = triples.iter().map(label).collect();
    // Other mentions of the same entities are nearer to each other than those of the triple.
    unsupported.note(Unsupported::Offsets, moved, sentence);
    let vertex = |list: &Vec<(TokenSpan, usize)>| {
        let mention = |&(TokenSpan { start, end }, number): &(TokenSpan, usize)| MentionLine {
            name: all[number].text.trim(),
            sent_id: 0,
            pos: (start, end),
            entity_type: all[number].entity_type.as_deref().unwrap_or(UNTYPED),
        };
        list.iter().map(mention).collect()
    };
    let line = Line {
        title: sentence.id.as_deref().unwrap_or_default(),
        sents: [words.iter().map(|word| &sentence.text[word.start..word.end]).collect()],
        vertices: clusters.iter().map(vertex).collect(),
        labels,
        extra: RetainedFields::of(sentence, Format::Docred, unsupported),
    };
    objects.push(&line)
}
