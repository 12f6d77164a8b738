//! Spans for mentions of which only the surface is known.

use std::{fmt, str::FromStr};

use rere_core::{ByteSpan, Mention, Sentence, Triple};
use serde::Serialize;

use crate::{
    error::name,
    mention::list_mentions,
    text::{Folded, Folding, occurrences},
};

/// The places of a mention: its span if it has one, otherwise all places of its surface.
pub(crate) fn places(text: &str, mention: &Mention) -> Vec<ByteSpan> {
    match mention.span {
        Some(span) if span.slice(text) == Ok(&mention.text) => vec![span],
        Some(_) => Vec::new(),
        None => occurrences(text, &mention.text),
    }
}

/// Which of several places a mention gets that has none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Occurrence {
    /// All: a triple becomes one for each place of its subject and each of its object.
    All,
    /// The first of the subject, and the first of the object.
    First,
    /// The subject's and the object's that have the fewest bytes between them, of equally near ones the first. Those of two
    /// places that overlap are taken only where all do.
    #[default]
    Nearest,
}

impl FromStr for Occurrence {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "all" => Ok(Self::All),
            "first" => Ok(Self::First),
            "nearest" => Ok(Self::Nearest),
            _ => Err(format!("{name:?} is none of all, first and nearest")),
        }
    }
}

/// Gives mentions that are surfaces alone their places in the text, one sentence after the other.
///
/// ```
/// use rere_core::{ByteSpan, Sentence, Triple};
/// use rere_data::{Occurrence, Folding, Locator};
///
/// let text = "Paris is old . Ada left paris for London .";
/// let mut sentence = Sentence::new(text).with_triples(vec![Triple::of("London", "left_for", "PARIS")]);
/// let mut locator = Locator::new(Occurrence::Nearest, (Folding::NONE).with_case(true));
/// locator.locate(&mut sentence);
/// // The surface becomes that of the text.
/// assert_eq!(sentence.triples[0].object.text, "paris");
/// assert_eq!(sentence.triples[0].object.span, Some(ByteSpan::new(24, 29)));
/// assert_eq!((locator.report().located, locator.report().missing), (2, 0));
/// ```
#[derive(Debug, Clone)]
pub struct Locator {
    choice: Occurrence,
    folding: Folding,
    report: LocateReport,
}

/// What a [`Locator`] has done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct LocateReport {
    /// Mentions that were looked for.
    pub mentions: usize,
    /// Those that have a place now.
    pub located: usize,
    /// Those of them with several places to choose from.
    pub several: usize,
    /// Those whose surface is not that of the text, but for folding.
    pub folded: usize,
    /// Those that stand nowhere in their text, and are left as they were.
    pub missing: usize,
    /// The first of these: its surface and its sentence.
    pub first_missing: Option<String>,
}

impl Locator {
    /// Chooses among places by `choice`; `folding` says what else counts as a surface that stands nowhere as a
    /// whole word as it is.
    pub fn new(choice: Occurrence, folding: Folding) -> Self {
        Self { choice, folding, report: LocateReport::default() }
    }

    /// What was done so far.
    pub fn report(&self) -> &LocateReport {
        &self.report
    }

    /// Gives the mentions of a sentence their places. Those that have one keep it.
    pub fn locate(&mut self, sentence: &mut Sentence) {
        let folded = self.folding.apply(&sentence.text);
        let text = folded.original;
        let call = || name(sentence);
        let triples = self.locate_pairs(&folded, &sentence.triples, call);
        let negatives = self.locate_pairs(&folded, &sentence.negatives, call);
        let mut entities = Vec::with_capacity(sentence.entities.len());
        for entity in &sentence.entities {
            let mut places = self.candidates(&folded, entity, call);
            if self.choice != Occurrence::All {
                places.truncate(1);
            }
            entities.extend(places.into_iter().map(|place| put(text, entity, place)));
        }
        drop(folded);
        list_mentions(&mut entities, &negatives, &triples);
        (sentence.triples, sentence.negatives, sentence.entities) = (triples, negatives, entities);
    }

    /// Triples with the places of their mentions; several for one if all places are wanted.
    fn locate_pairs(
        &mut self,
        folded: &Folded,
        triples: &[Triple],
        sentence: impl Fn() -> String + Copy,
    ) -> Vec<Triple> {
        let text = folded.original;
        let mut located = Vec::with_capacity(triples.len());
        for triple in triples {
            let [subjects, objects] =
                [&triple.subject, &triple.object].map(|mention| self.candidates(folded, mention, sentence));
            let of = |(subject, object): (Place, Place)| {
                Triple::new(
                    put(text, &triple.subject, subject),
                    triple.relation.clone(),
                    put(text, &triple.object, object),
                )
                .with_score(triple.score)
            };
            match self.choice {
                Occurrence::First => located.push(of((subjects[0], objects[0]))),
                Occurrence::Nearest => located.push(of(nearest(&subjects, &objects))),
                Occurrence::All => {
                    let pairs =
                        subjects.iter().flat_map(|&subject| objects.iter().map(move |&object| (subject, object)));
                    located.extend(pairs.map(of));
                }
            }
        }
        located
    }

    /// The places of a mention, one at least: `None` where it stands nowhere.
    fn candidates(&mut self, folded: &Folded, mention: &Mention, sentence: impl Fn() -> String) -> Vec<Place> {
        if mention.span.is_some() {
            return vec![mention.span];
        }
        let places = folded.occurrences(&mention.text);
        let report = &mut self.report;
        report.mentions += 1;
        if places.is_empty() {
            report.missing += 1;
            report.first_missing.get_or_insert_with(|| format!("{:?} in {}", mention.text, sentence()));
            return vec![None];
        }
        report.located += 1;
        report.several += usize::from(places.len() > 1);
        report.folded += usize::from(folded.original[places[0].start..places[0].end] != *mention.text.trim());
        places.into_iter().map(Some).collect()
    }
}

/// Where a mention stands, if it does.
type Place = Option<ByteSpan>;

/// The mention at one of its candidates; a mention that has a place, or gets none, stays as it is.
fn put(text: &str, mention: &Mention, place: Place) -> Mention {
    match place {
        Some(span) if mention.span.is_none() => {
            let (entity_type, entity) = (mention.entity_type.clone(), mention.entity.clone());
            {
                let mut mention = Mention::of(&text[span.start..span.end]).with_span(place);
                mention.entity_type = entity_type;
                mention.entity = entity;
                mention
            }
        }
        _ => mention.clone(),
    }
}

/// The places of subject and object that are nearest to each other. Of several places of one mention, each begins and ends
/// behind the one before it.
fn nearest(subjects: &[Place], objects: &[Place]) -> (Place, Place) {
    let others: Vec<ByteSpan> = objects.iter().copied().flatten().collect();
    let distance = |&(subject, object): &(ByteSpan, ByteSpan)| {
        object.start.saturating_sub(subject.end).max(subject.start.saturating_sub(object.end))
    };
    // Of the objects that do not overlap a subject, the last before it and the first behind it are the nearest.
    let pairs = subjects.iter().copied().flatten().flat_map(|subject| {
        let before = others.partition_point(|object| object.end <= subject.start).checked_sub(1);
        let behind = others.partition_point(|object| object.start < subject.end);
        let near = [before.map(|at| others[at]), others.get(behind).copied()];
        near.into_iter().flatten().map(move |object| (subject, object))
    });
    // Where all overlap, or one of the two stands nowhere, the first are as near as any.
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
            "{mentions} mentions without a place: {located} located ({several} of them at one of several places, {folded} of \
             them by folding), {missing} found nowhere"
        )?;
        first_missing.as_ref().map_or(Ok(()), |first| write!(f, ", first {first}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Start of the subject and of the object of each triple, after locating.
    fn located(text: &str, subject: &str, object: &str, choice: Occurrence) -> Vec<(Option<usize>, Option<usize>)> {
        let mut sentence = Sentence::new(text).with_triples(vec![Triple::of(subject, "r", object)]);
        Locator::new(choice, Folding::NONE).locate(&mut sentence);
        let start = |mention: &Mention| mention.span.map(|span| span.start);
        sentence.triples.iter().map(|t| (start(&t.subject), start(&t.object))).collect()
    }

    #[test]
    fn a_place_is_chosen() {
        let text = "a . b a . b";
        assert_eq!(located(text, "a", "b", Occurrence::First), [(Some(0), Some(4))]);
        assert_eq!(located(text, "a", "b", Occurrence::Nearest), [(Some(6), Some(4))]);
        let all = [(0, 4), (0, 10), (6, 4), (6, 10)].map(|(subject, object)| (Some(subject), Some(object)));
        assert_eq!(located(text, "a", "b", Occurrence::All), all);
        // Of equally near ones the first; of one surface two places, where there are two.
        assert_eq!(located("b a b", "a", "b", Occurrence::Nearest), [(Some(2), Some(0))]);
        assert_eq!(located("a b a", "a", "a", Occurrence::Nearest), [(Some(0), Some(4))]);
        assert_eq!(located("a b", "a", "a", Occurrence::Nearest), [(Some(0), Some(0))]);
        assert_eq!(located(text, "c", "b", Occurrence::Nearest), [(None, Some(4))]);
    }

    #[test]
    fn places_are_kept_and_misses_reported() {
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
        // The surface as it is comes before the folded one.
        assert_eq!(sentence.triples[1].object.span, Some(ByteSpan::new(19, 24)));
        assert_eq!(sentence.entities[1].entity_type.as_deref(), Some("PER"));
        assert_eq!(sentence.entities[1].text, "Zoë  left");
        let report = locator.report();
        assert_eq!((report.mentions, report.located, report.folded, report.missing), (4, 3, 2, 1));
        assert!(report.to_string().contains("first \"Zoe\" in \"Zoë  left PARIS , Paris\""), "{report}");
    }

    /// The nearest of all pairs, one after the other.
    fn nearest_of_all(subjects: &[Place], objects: &[Place]) -> (Place, Place) {
        let pairs = subjects.iter().flat_map(|&subject| objects.iter().map(move |&object| (subject, object)));
        let distance = |&(subject, object): &(Place, Place)| match (subject, object) {
            (Some(subject), Some(object)) => {
                let between = object.start.saturating_sub(subject.end).max(subject.start.saturating_sub(object.end));
                (subject.overlaps(object), between)
            }
            _ => (false, 0),
        };
        pairs.min_by_key(distance).unwrap_or_default()
    }

    /// The candidates of a mention: none, one anywhere, or several that begin and end one behind the other.
    fn candidates() -> impl Strategy<Value = Vec<Place>> {
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
        fn the_nearest_are_those_of_all_pairs(subjects in candidates(), objects in candidates()) {
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
            for choice in [Occurrence::All, Occurrence::First, Occurrence::Nearest] {
                let folding = Folding { case, space, characters };
                let triples = vec![Triple::of(surfaces.clone(), "r", "a")];
                let mut sentence = Sentence::new(text.clone()).with_triples(triples);
                let mut locator = Locator::new(choice, folding);
                locator.locate(&mut sentence);
                let report = locator.report();
                prop_assert_eq!(report.located + report.missing, report.mentions);
                for mention in sentence.triples.iter().flat_map(|triple| [&triple.subject, &triple.object]) {
                    match mention.span {
                        Some(span) => prop_assert_eq!(span.slice(&text), Ok(mention.text.as_str())),
                        None => prop_assert!(mention.text.trim().is_empty() || !text.contains(mention.text.trim())),
                    }
                }
            }
        }

    }
}
