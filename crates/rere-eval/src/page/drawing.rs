//! What the script of the page draws of a text.

use rere_core::{ByteSpan, Mention, OffsetUnit, Probability, Sentence, TextOffsets, Triple};
use serde::Serialize;

/// Whether a triple is right; the kind that tells most comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// Predicted and not gold.
    Wrong,
    /// Gold and not predicted.
    Missing,
    /// Predicted and gold.
    Right,
    /// Predicted, and nothing is known of gold.
    Predicted,
}

/// A triple with its kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Judged<'a> {
    pub kind: Kind,
    pub triple: &'a Triple,
    /// The gold triple that a right prediction matches.
    pub gold: Option<&'a Triple>,
}

impl<'a> Judged<'a> {
    pub(super) fn new(kind: Kind, triple: &'a Triple) -> Self {
        Self { kind, triple, gold: None }
    }

    /// Returns the score, which is 1 if the triple has none.
    pub(super) fn score(&self) -> Probability {
        self.triple.score.unwrap_or(Probability::ONE)
    }
}

/// A text with triples. Offsets count UTF-16 code units, as JavaScript does.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Drawing {
    /// Position in the corpus, from 1; 0 for evidence.
    #[serde(skip_serializing_if = "is_zero")]
    pub number: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    pub text: String,
    /// Starts and ends.
    mentions: Vec<(usize, usize)>,
    triples: Vec<DrawnTriple>,
}

#[derive(Debug, Clone, Serialize)]
struct DrawnTriple {
    kind: Kind,
    /// Index among the relations of the page.
    relation: usize,
    subject: DrawnMention,
    object: DrawnMention,
    percent: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f32>,
    /// Surfaces of the gold subject and object, if they differ from the predicted ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    gold: Option<[String; 2]>,
}

/// A mention of a triple: in the text, or its surface if the text does not have it.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum DrawnMention {
    Index(usize),
    Surface(String),
}

impl Drawing {
    /// Draws triples over the text of a sentence; `relations` are the indices of their relations.
    pub(super) fn new(sentence: &Sentence, judged: &[Judged], relations: &[usize]) -> Self {
        let offsets = TextOffsets::new(&sentence.text, OffsetUnit::Utf16);
        let mut mentions = Vec::new();
        let mut draw = |mention: &Mention| {
            let Some(span) = locate(&sentence.text, mention) else {
                return DrawnMention::Surface(mention.text.clone());
            };
            let span = offsets.to_chars(span);
            let span = (span.start, span.end);
            DrawnMention::Index(mentions.iter().position(|other| *other == span).unwrap_or_else(|| {
                mentions.push(span);
                mentions.len() - 1
            }))
        };
        let triples = judged.iter().zip(relations);
        let triples = triples.map(|(judged, &relation)| DrawnTriple {
            kind: judged.kind,
            relation,
            subject: draw(&judged.triple.subject),
            object: draw(&judged.triple.object),
            percent: percent(judged.score()),
            score: judged.triple.score.map(Probability::get),
            gold: judged.gold.and_then(|gold| {
                let surfaces = |triple: &Triple| triple.mentions().map(|mention| mention.text.clone());
                Some(surfaces(gold)).filter(|gold| *gold != surfaces(judged.triple))
            }),
        });
        let triples = triples.collect();
        Self { number: 0, label: sentence.id.clone(), text: sentence.text.clone(), mentions, triples }
    }
}

/// Returns the span of a mention, or of the first occurrence of its surface if it has no span in this text.
fn locate(text: &str, mention: &Mention) -> Option<ByteSpan> {
    let is_in_text = |span: &ByteSpan| !span.is_empty() && span.slice(text).is_ok();
    mention.span.filter(is_in_text).or_else(|| {
        let surface = mention.text.trim();
        let start = text.find(surface).filter(|_| !surface.is_empty())?;
        Some(ByteSpan::new(start, start + surface.len()))
    })
}

/// Returns the greatest number of percent that a score reaches, as the page's slider counts.
pub(super) fn percent(score: Probability) -> u8 {
    // In f32, as `0.29` is read: a score of 0.29 reaches 29 percent.
    let reaches = |percent: &u8| score.get() >= f32::from(*percent) / 100.0;
    (0..=100).rev().find(reaches).unwrap_or(0)
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_reaches_its_percent() {
        for percents in 0..=100_u8 {
            let score: f32 = format!("{}.{:02}", percents / 100, percents % 100).parse().expect("a number");
            assert_eq!(percent(Probability::saturating(score)), percents);
            assert_eq!(percent(Probability::saturating(score.next_down())), percents.saturating_sub(1));
        }
    }
}
