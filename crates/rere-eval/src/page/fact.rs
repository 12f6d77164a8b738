//! Facts with their evidence.

use rere_core::{Probability, Sentence};
use serde::Serialize;

use super::drawing::{Drawing, Judged, Kind, percent};

/// A fact of a [`Page`](super::Page): a triple of entities that sentences support.
///
/// ```
/// use rere_eval::page::{Page, PageEvidence, PageFact};
/// use rere_eval::{Probability, Sentence, Triple};
///
/// let triple = Triple::of("Ada", "born in", "London").with_score(Probability::saturating(0.9));
/// let sentence = Sentence::new("Ada was born in London .").with_triples([triple]);
/// let fact = PageFact::new("Ada Lovelace", "born in", "London", Probability::saturating(0.97))
///     .with_status("new")
///     .with_support(3, 2)
///     .with_evidence([PageEvidence::new(sentence).with_source("letters.txt, line 12")]);
/// let html = Page::new("Facts").with_facts([fact]).finish();
/// assert!(html.contains("letters.txt, line 12"));
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PageFact {
    /// Name of the subject.
    pub subject: String,
    /// Name of the relation.
    pub relation: String,
    /// Name of the object.
    pub object: String,
    /// Score of all evidence together.
    pub score: Probability,
    /// Status that readers can filter by, such as `new` or `known`; empty for none.
    pub status: String,
    /// Number of sentences that support the fact; 0 if it is not known.
    pub sentences: usize,
    /// Number of documents that support the fact; 0 if it is not known.
    pub documents: usize,
    /// A fact that contradicts this one, in words.
    pub conflict: Option<String>,
    /// Sentences that support the fact, the best first. The page shows the first, and the others on request.
    pub evidence: Vec<PageEvidence>,
}

/// A sentence that supports a [`PageFact`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PageEvidence {
    /// The text, with the triples that support the fact.
    pub sentence: Sentence,
    /// Source of the sentence, such as the name of a document.
    pub source: Option<String>,
}

impl PageFact {
    /// Creates a fact without status, support and evidence.
    pub fn new(
        subject: impl Into<String>,
        relation: impl Into<String>,
        object: impl Into<String>,
        score: Probability,
    ) -> Self {
        Self {
            subject: subject.into(),
            relation: relation.into(),
            object: object.into(),
            score,
            status: String::new(),
            sentences: 0,
            documents: 0,
            conflict: None,
            evidence: Vec::new(),
        }
    }

    /// Sets the status.
    #[must_use]
    pub fn with_status(self, status: impl Into<String>) -> Self {
        Self { status: status.into(), ..self }
    }

    /// Sets the numbers of sentences and of documents that support the fact.
    #[must_use]
    pub fn with_support(self, sentences: usize, documents: usize) -> Self {
        Self { sentences, documents, ..self }
    }

    /// Sets the note on a conflict, or removes it.
    #[must_use]
    pub fn with_conflict(self, conflict: impl Into<Option<String>>) -> Self {
        Self { conflict: conflict.into(), ..self }
    }

    /// Sets the evidence, the best first.
    #[must_use]
    pub fn with_evidence(self, evidence: impl IntoIterator<Item = PageEvidence>) -> Self {
        Self { evidence: evidence.into_iter().collect(), ..self }
    }

    pub(super) fn data(&self) -> Data<'_> {
        Data {
            subject: &self.subject,
            relation: &self.relation,
            object: &self.object,
            percent: percent(self.score),
            score: self.score.get(),
            status: &self.status,
            sentences: self.sentences,
            documents: self.documents,
            conflict: self.conflict.as_deref(),
            evidence: self.evidence.iter().map(PageEvidence::drawing).collect(),
        }
    }
}

impl PageEvidence {
    /// Creates evidence from a text with the triples that support the fact.
    pub fn new(sentence: Sentence) -> Self {
        Self { sentence, source: None }
    }

    /// Sets where the sentence is from.
    #[must_use]
    pub fn with_source(self, source: impl Into<String>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    fn drawing(&self) -> Drawing {
        let judged: Vec<_> = self.sentence.triples.iter().map(|triple| Judged::new(Kind::Predicted, triple)).collect();
        // The relation is that of the fact, so its number is not used.
        let mut drawing = Drawing::new(&self.sentence, &judged, &vec![0; judged.len()]);
        drawing.label = self.source.clone().or(drawing.label);
        drawing
    }
}

/// What the script of the page reads of a fact.
#[derive(Serialize)]
pub(super) struct Data<'a> {
    subject: &'a str,
    relation: &'a str,
    object: &'a str,
    percent: u8,
    score: f32,
    status: &'a str,
    sentences: usize,
    documents: usize,
    conflict: Option<&'a str>,
    evidence: Vec<Drawing>,
}
