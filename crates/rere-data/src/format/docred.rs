//! DocRED's format: `{"title", "sents": [[word, …], …], "vertexSet": [[{"name", "sent_id", "pos": [start, end], "type"}, …], …],
//! "labels": [{"h", "t", "r", "evidence"}]}`. `pos` is a half-open range of the words of one sentence; a vertex is an
//! entity with all its mentions, `h` and `t` are numbers of vertices, all from 0.

use std::collections::HashMap;

use rere_core::{Mention, Sentence, TokenSpan, Triple};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::optional::{with_id, with_type};
use super::{
    Format, Unsupported,
    fields::{Exactly, Fields, RetainedFields, known},
    json::Object,
    mentions::{Clusters, UNTYPED, clusters, entity_type},
    reader::Found,
    spec::{Content, EntityIds, Holds, Json, Mark::Has, Offsets, Spec, Types},
    words::{Words, bytes, join},
    writer::Objects,
};
use crate::DataError;

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
    /// The surface, perhaps with other spaces than between the words.
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

/// The sentences become one text. A relation holds between the two mentions of its entities that are nearest to each other;
/// all mentions in no such pair are entities. Mentions of an entity that has several have the number of its vertex as its id.
fn parse(object: &Object, found: &mut Found) -> Result<(), DataError> {
    let Fields { known: Record { title, sents, vertices, labels }, extra } = object.parse()?;
    let lost = &mut found.report.lost;
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
            let Some((tokens, span)) = tokens.and_then(|tokens| Some((tokens, bytes(&words, tokens)?))) else {
                let length = sents.get(sent_id).map_or(0, Vec::len);
                return Err(object.error(format!(
                    "the mention {name:?} has words {start}..{end} of sentence {sent_id}, which has {length} words"
                )));
            };
            let surface = &text[span.start..span.end];
            if surface != name {
                let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
                if letters(surface) != letters(&name) {
                    return Err(object.error(format!(
                        "the mention {name:?} has words {start}..{end} of sentence {sent_id}, where the text has {surface:?}; words are \
                         half-open and count from 0 in each sentence"
                    )));
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
    lost.note_at(Unsupported::Field, other, || object.name());
    lost.note_at(Unsupported::Annotation, annotations, || object.name());
    lost.note_at(Unsupported::Spacing, usize::from(spacing), || object.name());

    let mut joined: Vec<Vec<bool>> = clusters.iter().map(|cluster| vec![false; cluster.len()]).collect();
    let mut triples = Vec::with_capacity(labels.len());
    for Label { h, t, r, .. } in labels {
        let [heads, tails] = [h, t].map(|number| clusters.get(number).map_or(&[][..], Vec::as_slice));
        let Some((head, tail)) = nearest(heads, tails) else {
            let (number, count) = (if heads.is_empty() { h } else { t }, clusters.len());
            return Err(object.error(format!("a label joins vertex {number}, which has no mention; there are {count}")));
        };
        (joined[h][head], joined[t][tail]) = (true, true);
        let (subject, object) = (heads[head].1.clone(), tails[tail].1.clone());
        triples.push(Triple::new(subject, r, object));
    }
    let mentions = clusters.into_iter().flatten().zip(joined.into_iter().flatten());
    let mut entities: Vec<Mention> = mentions.filter(|(_, joined)| !joined).map(|((_, mention), _)| mention).collect();
    // In the order of the text, whatever the order of the vertices.
    entities.sort_by(|a, b| (a.span, a).cmp(&(b.span, b)));
    let id = (!title.is_empty()).then_some(title);
    found
        .sentences
        .push_back(with_id(Sentence::new(text).with_triples(triples).with_entities(entities).with_extra(extra), id));
    Ok(())
}

/// The mentions of two entities that have the fewest words between them, of equally near ones the first in the text. One mention
/// with itself is taken only if there are no others. `None` if an entity has no mention.
fn nearest<M>(heads: &[(TokenSpan, M)], tails: &[(TokenSpan, M)]) -> Option<(usize, usize)> {
    let pairs = (0..heads.len()).flat_map(|head| (0..tails.len()).map(move |tail| (head, tail)));
    pairs.min_by_key(|&(head, tail)| {
        let (head, tail) = (heads[head].0, tails[tail].0);
        let between = tail.start.saturating_sub(head.end).max(head.start.saturating_sub(tail.end));
        (head == tail, between, head, tail)
    })
}

/// The whole text is one sentence.
fn write<'a>(sentence: &'a Sentence, objects: &mut Objects) -> Result<(), DataError> {
    let lost = &mut objects.lost;
    // An empty title reads as none.
    lost.note(Unsupported::Id, usize::from(sentence.id.as_deref() == Some("")), sentence);
    let Words { words, mentions, triples, .. } = Words::of(sentence, lost);
    let all: Vec<&Mention> = mentions.iter().map(|(_, mention)| *mention).collect();
    let entities: Vec<Option<&str>> = all.iter().map(|mention| mention.entity.as_deref()).collect();
    let clusters: Vec<Vec<(TokenSpan, usize)>> = clusters(sentence, &all, &entities, Clusters::All, lost)
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
    lost.note(Unsupported::Offsets, moved, sentence);
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
        extra: RetainedFields::of(sentence, Format::Docred, lost),
    };
    objects.push(&line)
}
