//! A sentence of evidence in columns.

use rere_core::{CharSpan, Mention, Sentence};
use rere_data::document_name;
use serde::Serialize;

use crate::fact::decimal;

/// What all formats but JSON lines hold of a sentence of evidence. Offsets are code points.
#[derive(Default, Serialize)]
pub(super) struct Evidence<'a> {
    pub text: &'a str,
    pub subject_surface: Option<&'a str>,
    pub subject_start: Option<usize>,
    pub subject_end: Option<usize>,
    pub object_surface: Option<&'a str>,
    pub object_start: Option<usize>,
    pub object_end: Option<usize>,
    pub score: Option<f64>,
    pub sentence_id: Option<&'a str>,
    pub document: Option<String>,
    pub start: Option<u64>,
}

impl<'a> Evidence<'a> {
    pub fn of(sentence: &'a Sentence) -> Self {
        let triple = sentence.triples.first();
        let surface = |mention: Option<&'a Mention>| mention.map(|mention| mention.text.as_str());
        // The writer has checked the spans.
        let span = |mention: Option<&Mention>| mention?.span?.to_chars(&sentence.text).ok();
        let offsets = |span: Option<CharSpan>| (span.map(|span| span.start), span.map(|span| span.end));
        let [subject, object] = [triple.map(|triple| &triple.subject), triple.map(|triple| &triple.object)];
        let (subject_start, subject_end) = offsets(span(subject));
        let (object_start, object_end) = offsets(span(object));
        Self {
            text: &sentence.text,
            subject_surface: surface(subject),
            subject_start,
            subject_end,
            object_surface: surface(object),
            object_start,
            object_end,
            score: triple.and_then(|triple| triple.score).map(decimal),
            sentence_id: sentence.id.as_deref(),
            document: document_name(sentence),
            start: sentence.extra.get("start").ok().flatten(),
        }
    }
}
