//! Spans for mentions that have a surface only.

use std::{fmt, str::FromStr};

use rere_core::{ByteSpan, Mention, Sentence, Triple};
use serde::Serialize;

use crate::{
    error::describe,
    mention::list_mentions,
    text::{Folded, Folding, occurrences},
};

/// Returns the span of a mention if it has one, otherwise all occurrences of its surface.
pub(crate) fn mention_spans(text: &str, mention: &Mention) -> Vec<ByteSpan> {
    match mention.span {
        Some(span) if span.slice(text) == Ok(&mention.text) => vec![span],
        Some(_) => Vec::new(),
        None => occurrences(text, &mention.text),
    }
}

/// Which occurrence in the text a mention without a span gets.
///
/// ```
/// use rere_data::Occurrence;
///
/// assert_eq!("first".parse(), Ok(Occurrence::First));
/// let error = "last".parse::<Occurrence>().expect_err("no such name");
/// assert_eq!(error.to_string(), "expected one of all, first, nearest, found \"last\"");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Occurrence {
    /// All: a triple becomes one triple for each occurrence of its subject and of its object.
    All,
    /// The first of the subject, and the first of the object.
    First,
    /// The pair of a subject and an object with the fewest bytes between them; the first one of equally near pairs.
    /// Overlapping occurrences are used only if there are no others.
    #[default]
    Nearest,
}

/// Error of a name that is not that of an [`Occurrence`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected one of all, first, nearest, found {0:?}")]
pub struct UnknownOccurrence(String);

impl FromStr for Occurrence {
    type Err = UnknownOccurrence;

    fn from_str(name: &str) -> Result<Self, UnknownOccurrence> {
        match name {
            "all" => Ok(Self::All),
            "first" => Ok(Self::First),
            "nearest" => Ok(Self::Nearest),
            _ => Err(UnknownOccurrence(name.to_owned())),
        }
    }
}

/// Adds spans to mentions that have a surface only, sentence by sentence.
///
/// ```
/// use rere_core::{ByteSpan, Sentence, Triple};
/// use rere_data::{Occurrence, Folding, Locator};
///
/// let text = "Paris is old . Ada left paris for London .";
/// let mut sentence = Sentence::new(text).with_triples(vec![Triple::of("London", "left_for", "PARIS")]);
/// let mut locator = Locator::new(Occurrence::Nearest, Folding::NONE.with_case(true));
/// locator.locate(&mut sentence);
/// // The surface becomes that of the text.
/// assert_eq!(sentence.triples[0].object.text, "paris");
/// assert_eq!(sentence.triples[0].object.span, Some(ByteSpan::new(24, 29)));
/// assert_eq!((locator.report().located, locator.report().missing), (2, 0));
/// ```
#[derive(Debug, Clone)]
pub struct Locator {
    occurrence: Occurrence,
    folding: Folding,
    report: LocateReport,
}

/// Report of a [`Locator`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct LocateReport {
    /// Mentions without a span.
    pub mentions: usize,
    /// Mentions that got a span.
    pub located: usize,
    /// Located mentions with several occurrences.
    pub several: usize,
    /// Located mentions whose surface equals that of the text only after folding.
    pub folded: usize,
    /// Mentions that do not occur in their text; they are unchanged.
    pub missing: usize,
    /// The first missing mention: its surface and its sentence.
    pub first_missing: Option<String>,
}

impl Locator {
    /// Creates a locator that chooses among several occurrences by `occurrence`. Surfaces that do not occur as whole
    /// words are searched with `folding`.
    pub fn new(occurrence: Occurrence, folding: Folding) -> Self {
        Self { occurrence, folding, report: LocateReport::default() }
    }

    /// Returns the report on the sentences so far.
    pub fn report(&self) -> &LocateReport {
        &self.report
    }

    /// Adds spans to the mentions of a sentence. Existing spans are kept.
    pub fn locate(&mut self, sentence: &mut Sentence) {
        let folded = self.folding.apply(&sentence.text);
        let text = folded.original;
        let describe_sentence = || describe(sentence);
        let triples = self.locate_pairs(&folded, &sentence.triples, describe_sentence);
        let negatives = self.locate_pairs(&folded, &sentence.negatives, describe_sentence);
        let mut entities = Vec::with_capacity(sentence.entities.len());
        for entity in &sentence.entities {
            let mut spans = self.candidates(&folded, entity, describe_sentence);
            if self.occurrence != Occurrence::All {
                spans.truncate(1);
            }
            entities.extend(spans.into_iter().map(|span| mention_at(text, entity, span)));
        }
        drop(folded);
        list_mentions(&mut entities, &negatives, &triples);
        (sentence.triples, sentence.negatives, sentence.entities) = (triples, negatives, entities);
    }

    /// Returns the triples with spans; with [`Occurrence::All`], several for one triple.
    fn locate_pairs(
        &mut self,
        folded: &Folded,
        triples: &[Triple],
        sentence: impl Fn() -> String + Copy,
    ) -> Vec<Triple> {
        let text = folded.original;
        let mut located = Vec::with_capacity(triples.len());
        for triple in triples {
            let [subjects, objects] = triple.mentions().map(|mention| self.candidates(folded, mention, sentence));
            let triple_at = |(subject, object): (Option<ByteSpan>, Option<ByteSpan>)| {
                let subject = mention_at(text, &triple.subject, subject);
                let object = mention_at(text, &triple.object, object);
                Triple::new(subject, triple.relation.clone(), object).with_score(triple.score)
            };
            match self.occurrence {
                Occurrence::First => located.push(triple_at((subjects[0], objects[0]))),
                Occurrence::Nearest => located.push(triple_at(nearest(&subjects, &objects))),
                Occurrence::All => {
                    let pairs =
                        subjects.iter().flat_map(|&subject| objects.iter().map(move |&object| (subject, object)));
                    located.extend(pairs.map(triple_at));
                }
            }
        }
        located
    }

    /// Returns the spans that a mention may get, at least one: `None` if it does not occur in the text.
    fn candidates(
        &mut self,
        folded: &Folded,
        mention: &Mention,
        sentence: impl Fn() -> String,
    ) -> Vec<Option<ByteSpan>> {
        if mention.span.is_some() {
            return vec![mention.span];
        }
        let spans = folded.occurrences(&mention.text);
        let report = &mut self.report;
        report.mentions += 1;
        if spans.is_empty() {
            report.missing += 1;
            report.first_missing.get_or_insert_with(|| format!("{:?} in {}", mention.text, sentence()));
            return vec![None];
        }
        report.located += 1;
        report.several += usize::from(spans.len() > 1);
        report.folded += usize::from(folded.original[spans[0].start..spans[0].end] != *mention.text.trim());
        spans.into_iter().map(Some).collect()
    }
}

/// Returns the mention with a span and the surface of the text there. A mention that has a span, or gets none, is
/// unchanged.
fn mention_at(text: &str, mention: &Mention, span: Option<ByteSpan>) -> Mention {
    let mut located = mention.clone();
    if let (None, Some(ByteSpan { start, end })) = (mention.span, span) {
        text[start..end].clone_into(&mut located.text);
        located.span = span;
    }
    located
}

/// Returns the spans of subject and object that are nearest to each other. The spans of a mention must ascend in start
/// and end.
fn nearest(subjects: &[Option<ByteSpan>], objects: &[Option<ByteSpan>]) -> (Option<ByteSpan>, Option<ByteSpan>) {
    let object_spans: Vec<ByteSpan> = objects.iter().copied().flatten().collect();
    let distance = |&(subject, object): &(ByteSpan, ByteSpan)| {
        object.start.saturating_sub(subject.end).max(subject.start.saturating_sub(object.end))
    };
    // Of the objects that do not overlap a subject, the last one before it and the first one after it are the nearest.
    let pairs = subjects.iter().copied().flatten().flat_map(|subject| {
        let before = object_spans.partition_point(|object| object.end <= subject.start).checked_sub(1);
        let after = object_spans.partition_point(|object| object.start < subject.end);
        let near = [before.map(|at| object_spans[at]), object_spans.get(after).copied()];
        near.into_iter().flatten().map(move |object| (subject, object))
    });
    // If all overlap, or one of the two does not occur, the first ones are used.
    match pairs.min_by_key(distance) {
        Some((subject, object)) => (Some(subject), Some(object)),
        None => (subjects.first().copied().flatten(), objects.first().copied().flatten()),
    }
}

impl fmt::Display for LocateReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mentions, located, several, folded, missing, first_missing } = self;
        write!(
            f,
            "{mentions} mentions without offsets: {located} located ({several} with several occurrences, {folded} by folding), \
             {missing} not found"
        )?;
        first_missing.as_ref().map_or(Ok(()), |first| write!(f, ", first {first}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Locates a triple and returns the start of the subject and of the object of each resulting triple.
    fn located(text: &str, subject: &str, object: &str, occurrence: Occurrence) -> Vec<(Option<usize>, Option<usize>)> {
        let mut sentence = Sentence::new(text).with_triples(vec![Triple::of(subject, "r", object)]);
        Locator::new(occurrence, Folding::NONE).locate(&mut sentence);
        let start = |mention: &Mention| mention.span.map(|span| span.start);
        sentence.triples.iter().map(|t| (start(&t.subject), start(&t.object))).collect()
    }

    #[test]
    fn an_occurrence_is_chosen() {
        let text = "a . b a . b";
        assert_eq!(located(text, "a", "b", Occurrence::First), [(Some(0), Some(4))]);
        assert_eq!(located(text, "a", "b", Occurrence::Nearest), [(Some(6), Some(4))]);
        let all = [(0, 4), (0, 10), (6, 4), (6, 10)].map(|(subject, object)| (Some(subject), Some(object)));
        assert_eq!(located(text, "a", "b", Occurrence::All), all);
        // Of equally near pairs the first; two occurrences of one surface, if there are two.
        assert_eq!(located("b a b", "a", "b", Occurrence::Nearest), [(Some(2), Some(0))]);
        assert_eq!(located("a b a", "a", "a", Occurrence::Nearest), [(Some(0), Some(4))]);
        assert_eq!(located("a b", "a", "a", Occurrence::Nearest), [(Some(0), Some(0))]);
        assert_eq!(located(text, "c", "b", Occurrence::Nearest), [(None, Some(4))]);
    }

    #[test]
    fn spans_are_kept_and_missing_mentions_reported() {
        let text = "Zoë  left PARIS , Paris";
        let placed = Mention::at(text, ByteSpan::new(11, 16)).expect("fits").with_entity_type("LOC");
        let mut sentence = Sentence::new(text)
            .with_triples(vec![
                {
                    let mut triple = Triple::of("zoë left", "r", "");
                    triple.object = placed.clone();
                    triple
                },
                Triple::of("Zoe", "r", "Paris"),
            ])
            .with_entities(vec![placed.clone(), Mention::of("ZOË LEFT").with_entity_type("PER")]);
        let mut locator = Locator::new(Occurrence::First, Folding { case: true, space: true, ..Folding::NONE });
        locator.locate(&mut sentence);
        assert_eq!(sentence.triples[0].subject, Mention::at(text, ByteSpan::new(0, 10)).expect("fits"));
        assert_eq!(sentence.triples[0].object, placed);
        // An exact occurrence is preferred to a folded one.
        assert_eq!(sentence.triples[1].object.span, Some(ByteSpan::new(19, 24)));
        assert_eq!(sentence.entities[1].entity_type.as_deref(), Some("PER"));
        assert_eq!(sentence.entities[1].text, "Zoë  left");
        let report = locator.report();
        assert_eq!((report.mentions, report.located, report.folded, report.missing), (4, 3, 2, 1));
        assert!(report.to_string().contains("first \"Zoe\" in \"Zoë  left PARIS , Paris\""), "{report}");
    }

    /// Returns the nearest of all pairs, by comparing each.
    fn nearest_of_all(
        subjects: &[Option<ByteSpan>],
        objects: &[Option<ByteSpan>],
    ) -> (Option<ByteSpan>, Option<ByteSpan>) {
        let pairs = subjects.iter().flat_map(|&subject| objects.iter().map(move |&object| (subject, object)));
        let distance = |&(subject, object): &(Option<ByteSpan>, Option<ByteSpan>)| match (subject, object) {
            (Some(subject), Some(object)) => {
                let between = object.start.saturating_sub(subject.end).max(subject.start.saturating_sub(object.end));
                (subject.overlaps(object), between)
            }
            _ => (false, 0),
        };
        pairs.min_by_key(distance).unwrap_or_default()
    }

    /// Generates the spans of a mention: none, one anywhere, or several that ascend in start and end.
    fn candidates() -> impl Strategy<Value = Vec<Option<ByteSpan>>> {
        let one = (0usize..30, 0usize..6).prop_map(|(start, length)| vec![Some(ByteSpan::new(start, start + length))]);
        let several = (prop::collection::btree_set(0usize..30, 2..12), 1usize..4).prop_map(|(borders, apart)| {
            let borders: Vec<usize> = borders.into_iter().collect();
            let ends = borders.iter().skip(apart.min(borders.len() - 1));
            borders.iter().zip(ends).map(|(&start, &end)| Some(ByteSpan::new(start, end))).collect()
        });
        prop_oneof![1 => Just(vec![None]), 2 => one, 5 => several]
    }

    proptest! {
        #[test]
        fn the_nearest_pair_is_that_of_a_full_comparison(subjects in candidates(), objects in candidates()) {
            prop_assert_eq!(nearest(&subjects, &objects), nearest_of_all(&subjects, &objects));
        }

        #[test]
        fn located_mentions_slice_the_text(
            text in "[ab北éÉeİ .\t👩\u{301}\0\r\n\u{feff}\u{200b}\u{2019}\u{2014}]{0,12}",
            surfaces in "[ab北éÉei .\u{301}\r\n\u{200b}'-]{0,3}",
            case: bool,
            space: bool,
            characters: bool,
        ) {
            for occurrence in [Occurrence::All, Occurrence::First, Occurrence::Nearest] {
                let folding = Folding { case, space, characters };
                let triples = vec![Triple::of(surfaces.clone(), "r", "a")];
                let mut sentence = Sentence::new(text.clone()).with_triples(triples);
                let mut locator = Locator::new(occurrence, folding);
                locator.locate(&mut sentence);
                let report = locator.report();
                prop_assert_eq!(report.located + report.missing, report.mentions);
                for mention in sentence.triples.iter().flat_map(Triple::mentions) {
                    match mention.span {
                        Some(span) => prop_assert_eq!(span.slice(&text), Ok(mention.text.as_str())),
                        None => prop_assert!(mention.text.trim().is_empty() || !text.contains(mention.text.trim())),
                    }
                }
            }
        }

    }
}
