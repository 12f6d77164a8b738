//! The pairing of the RERE paper, Section 4.2.

use rere_core::{Probability, TokenSpan};

use super::{PairingStrategy, ScoredPair, best_pairs, tie_break};
use crate::{
    DecodeError, Decoder, PointerScores, RelationThresholds, SpanRule, TokenTriple, TokenizedText,
    spans::{Hits, Run, SpanBuilder, SpanScratch, scan},
    triple::best_first,
};

/// Nearest pairing, as the RERE paper (Section 4.2) describes it.
///
/// **Spans.** A token is a start or an end of a role where that pointer's score is at or over the threshold. Each start
/// and the nearest end at or after it make a span; its score is the smaller of the two. Two starts may share an end.
/// A start with no end after it makes no span, and neither does an end with no start. Other ways to make spans, and a
/// limit of their length, can be set.
///
/// **Pairs.** A subject comes before an object where it starts before it. The distance of two spans is the number
/// of tokens from the last of one to the first of the other: 1 for neighbours, 0 where they overlap.
/// 1. Each subject is paired with the nearest object. At equal distance an object that starts before the subject yields
///    to one that does not, then the later yields to the earlier.
/// 2. Each object is paired with the last subject before it: all objects up to the next subject go to the
///    subject before.
///
/// What follows for the cases that the paper leaves open:
/// - Several subjects in a row before one object all get it, by rule 1.
/// - An object before the first subject is paired only where it is the nearest object of a subject.
/// - Where one role has no span, there are no pairs.
/// - A span that is both subject and object is not paired with itself: rule 1 takes the nearest other object, and
///   rule 2 the last subject that starts before it.
/// - A pair that both rules make stands once.
///
/// The score of a pair is the smaller of its spans' scores, that is the least of four pointers: never under the
/// threshold, never over 1. Which pairs there are depends on the threshold, so a sweep runs each threshold anew.
///
/// As a [`Decoder`] it takes time in proportion to the tokens and to what is over the threshold, and no memory once the
/// scratch has grown. As a [`PairingStrategy`] it gives the same pairs in bytes: white space at their borders is cut off,
/// and a pair with a blank side, or with twice the same bytes (of tokens that share a character), falls out.
///
/// ```
/// use rere_core::{Probability, TokenSpan};
/// use rere_decode::{Decoder, Nearest, PointerScores, Scale};
///
/// #[rustfmt::skip]
/// let logits = [
///      2.0, -3.0, -9.0, -9.0, // Ada       subject start
///     -4.0,  3.0, -9.0, -9.0, // Lovelace  subject end
///     -9.0, -9.0, -9.0, -9.0, // in
///     -9.0, -9.0,  1.0,  2.0, // London    object start and end
/// ];
/// let scores = PointerScores::on_scale(&logits, 4, Scale::Logit)?;
/// let mut found = Vec::new();
/// Nearest::new(Probability::new(0.5)?).decode(scores, &mut Default::default(), &mut found);
/// assert_eq!((found[0].subject, found[0].object), (TokenSpan::new(0, 2), TokenSpan::new(3, 4)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Nearest {
    threshold: RelationThresholds,
    at_least_one: bool,
    spans: SpanBuilder,
}

/// Memory of [`Nearest`].
#[derive(Debug, Default)]
pub struct NearestScratch {
    hits: Hits,
    spans: SpanScratch,
    subjects: Vec<Run>,
    objects: Vec<Run>,
    /// For each subject, which object is the nearest.
    nearest: Vec<Option<usize>>,
    levels: Vec<f32>,
    /// Pairs in tokens, of which pairs in bytes are made.
    triples: Vec<TokenTriple>,
}

impl Nearest {
    /// Pairs of pointers that are at or over `threshold`: one for all relations, or one for each.
    pub fn new(threshold: impl Into<RelationThresholds>) -> Self {
        let spans = SpanBuilder { rule: SpanRule::NearestEnd, longest: usize::MAX };
        Self { threshold: threshold.into(), at_least_one: false, spans }
    }

    /// If nothing is found, gives the one best pair at the highest threshold over 0 that gives any: for a sentence that has
    /// the relation, as far as is known. The paper does not have it.
    ///
    /// Of equal scores, which nested spans with one end have, it gives the pair with the smallest distance; then the
    /// subject that starts first, then the longest subject, then the object that starts first, then the longest object. So of
    /// `R & D Labs`, `& D Labs` and `D Labs` it gives the whole name.
    #[must_use]
    pub fn at_least_one(self) -> Self {
        Self { at_least_one: true, ..self }
    }

    /// Another way to make spans of starts and ends.
    #[must_use]
    pub fn with_spans(self, rule: SpanRule) -> Self {
        Self { spans: SpanBuilder { rule, ..self.spans }, ..self }
    }

    /// No span of more than `longest` tokens: a start whose end lies further off makes none.
    #[must_use]
    pub fn with_longest(self, longest: usize) -> Self {
        Self { spans: SpanBuilder { longest, ..self.spans }, ..self }
    }

    /// Appends the pairs at a threshold that is on the scale of the scores.
    fn pairs_at(
        &self,
        threshold: f32,
        scores: PointerScores<'_>,
        scratch: &mut NearestScratch,
        found: &mut Vec<TokenTriple>,
    ) {
        let NearestScratch { hits, spans, subjects, objects, nearest, .. } = scratch;
        scan(scores, threshold, hits);
        let [subject_starts, subject_ends, object_starts, object_ends] = hits;
        if [&*subject_starts, subject_ends, object_starts, object_ends].iter().any(|hits| hits.is_empty()) {
            return;
        }
        let scale = scores.scale();
        spans.set_mask(scores.mask());
        self.spans.build(subject_starts, subject_ends, |score| scale.probability(score), spans, subjects);
        self.spans.build(object_starts, object_ends, |score| scale.probability(score), spans, objects);
        if self.spans.rule == SpanRule::NearestEnd {
            nearest_of_ordered(subjects, objects, nearest);
        } else {
            nearest_of_any(subjects, objects, nearest);
        }

        let from = found.len();
        let mut push = |subject: Run, object: Run| {
            found.push(TokenTriple {
                relation: scores.relation(),
                subject: subject.span(),
                object: object.span(),
                score: scale.probability(subject.score.min(object.score)),
            });
        };
        for (&subject, object) in subjects.iter().zip(&*nearest) {
            if let Some(object) = object {
                push(subject, objects[*object]);
            }
        }
        // Both run in the order of their starts.
        let mut before = 0;
        for (number, &object) in objects.iter().enumerate() {
            while before < subjects.len() && subjects[before].first < object.first {
                before += 1;
            }
            if let Some(subject) = before.checked_sub(1)
                && nearest[subject] != Some(number)
            {
                push(subjects[subject], object);
            }
        }
        best_first(&mut found[from..]);
    }

    /// The best pair at the highest threshold under `threshold` and over 0 that gives any; both are on the scale of the
    /// scores. `found` gets pairs for the time being.
    fn best_under(
        &self,
        threshold: f32,
        scores: PointerScores<'_>,
        scratch: &mut NearestScratch,
        found: &mut Vec<TokenTriple>,
        is_pair: impl Fn(&TokenTriple) -> bool,
    ) -> Option<TokenTriple> {
        // Pairs change only where the threshold passes a score, and there is none without a pointer of each column.
        let zero = scores.scale().threshold(Probability::default());
        let most = |column: usize| scores.rows().iter().map(|row| row[column]).fold(f32::NEG_INFINITY, f32::max);
        let highest = (0..4).map(most).fold(f32::INFINITY, f32::min);
        let mut levels = std::mem::take(&mut scratch.levels);
        levels.clear();
        let values = scores.rows().as_flattened().iter().copied();
        levels.extend(values.filter(|&score| zero < score && score < threshold && score <= highest));
        levels.sort_unstable_by(|a, b| b.total_cmp(a));
        levels.dedup();
        let from = found.len();
        let borders = |span: TokenSpan| (span.start, span.end);
        let tie_break = |triple: &TokenTriple| tie_break(borders(triple.subject), borders(triple.object));
        let best = levels.iter().find_map(|&level| {
            found.truncate(from);
            self.pairs_at(level, scores, scratch, found);
            let pairs = found[from..].iter().filter(|triple| is_pair(triple));
            pairs.copied().min_by(|a, b| b.score.total_cmp(&a.score).then_with(|| tie_break(a).cmp(&tie_break(b))))
        });
        found.truncate(from);
        scratch.levels = levels;
        best
    }
}

/// For each subject the nearest object, where both are in the order of their starts and of their ends, and no two of a
/// role have the same start.
fn nearest_of_ordered(subjects: &[Run], objects: &[Run], nearest: &mut Vec<Option<usize>>) {
    nearest.clear();
    // Objects before `passed` end before the subject, and the last of them share their end from `tied` on. Those before
    // `started` start before it.
    let (mut passed, mut tied, mut started) = (0, 0, 0);
    for &subject in subjects {
        while passed < objects.len() && objects[passed].last < subject.first {
            if objects[passed].last != objects[tied].last {
                tied = passed;
            }
            passed += 1;
        }
        while started < objects.len() && objects[started].first < subject.first {
            started += 1;
        }
        let itself = started < objects.len() && objects[started].same_tokens(subject);
        let after = Some(started + usize::from(itself)).filter(|&object| object < objects.len());
        let before = match passed {
            _ if passed < started => Some(passed),
            0 => None,
            _ => Some(tied),
        };
        nearest.push(match (before, after) {
            (Some(before), Some(after)) => {
                let closer = distance(subject, objects[before]) < distance(subject, objects[after]);
                Some(if closer { before } else { after })
            }
            (before, after) => before.or(after),
        });
    }
}

/// The same for spans of any order, one by one.
fn nearest_of_any(subjects: &[Run], objects: &[Run], nearest: &mut Vec<Option<usize>>) {
    nearest.clear();
    nearest.extend(subjects.iter().map(|&subject| {
        let others = objects.iter().enumerate().filter(|(_, object)| !object.same_tokens(subject));
        let best = others.min_by_key(|(_, object)| (distance(subject, **object), object.first < subject.first));
        best.map(|(object, _)| object)
    }));
}

fn distance(a: Run, b: Run) -> usize {
    a.first.saturating_sub(b.last).max(b.first.saturating_sub(a.last))
}

impl Decoder for Nearest {
    type Input<'a> = PointerScores<'a>;
    type Scratch = NearestScratch;

    fn decode(&self, scores: PointerScores<'_>, scratch: &mut NearestScratch, found: &mut Vec<TokenTriple>) {
        let from = found.len();
        let Some(threshold) = self.threshold.of(scores.relation()) else { return };
        let threshold = scores.scale().threshold(threshold);
        self.pairs_at(threshold, scores, scratch, found);
        if self.at_least_one && found.len() == from {
            let best = self.best_under(threshold, scores, scratch, found, |_| true);
            found.extend(best);
        }
    }
}

impl PairingStrategy for Nearest {
    type Scratch = NearestScratch;

    fn pair_into(
        &self,
        scores: PointerScores<'_>,
        sentence: TokenizedText<'_>,
        scratch: &mut NearestScratch,
        found: &mut Vec<ScoredPair>,
    ) -> Result<(), DecodeError> {
        sentence.check(scores)?;
        let Some(threshold) = self.threshold.of(scores.relation()) else { return Ok(()) };
        let threshold = scores.scale().threshold(threshold);
        let mut triples = std::mem::take(&mut scratch.triples);
        triples.clear();
        self.pairs_at(threshold, scores, scratch, &mut triples);
        let from = found.len();
        let in_bytes = |triple: &TokenTriple| {
            let (subject, object) = (sentence.bytes(triple.subject), sentence.bytes(triple.object));
            let apart = subject != object && !subject.is_empty() && !object.is_empty();
            apart.then_some(ScoredPair { subject, object, score: triple.score })
        };
        found.extend(triples.iter().filter_map(in_bytes));
        if self.at_least_one && found.len() == from {
            let is_pair = |triple: &TokenTriple| in_bytes(triple).is_some();
            let best = self.best_under(threshold, scores, scratch, &mut triples, is_pair);
            found.extend(best.as_ref().and_then(in_bytes));
        }
        scratch.triples = triples;
        best_pairs(found, from);
        Ok(())
    }
}
