//! The pairing of the RERE paper, Section 4.2.

use rere_core::{Probability, TokenSpan};

use super::{PairingStrategy, ScoredPair, best_pairs, tie_break};
use crate::{
    DecodeError, Decoder, PointerScores, RelationThresholds, SpanRule, TokenTriple, TokenizedText,
    spans::{Hits, Run, SpanBuilder, SpanScratch, scan},
    triple::best_first,
};

/// Nearest pairing, as in the RERE paper (Section 4.2).
///
/// **Spans.** A token is a start or an end of a role if the score of that pointer is at or over the threshold. Each
/// start and the nearest end at or after it make a span with the lower score of the two. Two starts may share an end. A
/// start without an end after it makes no span, and neither does an end without a start. You can choose another rule
/// ([`SpanRule`]) and limit the length of spans.
///
/// **Pairs.** A subject is before an object if it starts before it. The distance of two spans is the number of tokens
/// from the last one of the first span to the first one of the second: 1 for neighbours, 0 for spans that overlap.
/// 1. Each subject is paired with the nearest object. Of equally near objects, one that does not start before the
///    subject is preferred, then the earlier one.
/// 2. Each object is paired with the last subject before it, so a subject gets all objects up to the next subject.
///
/// The paper leaves some cases open, which these rules settle:
/// - Several subjects in a row before one object all get it, by rule 1.
/// - An object before the first subject is paired only if it is the nearest object of a subject.
/// - If one role has no span, there are no pairs.
/// - A span that is both subject and object is not paired with itself: rule 1 takes the nearest other object, and
///   rule 2 the last subject that starts before it.
/// - A pair that both rules make counts once.
///
/// **Scores.** The score of a pair is the lower score of its spans, and so the lowest of four pointers: never under the
/// threshold, never over 1. The pairs depend on the threshold, so each threshold needs a run of its own.
///
/// As a [`Decoder`] it takes time proportional to the tokens and to the scores over the threshold, and allocates
/// nothing once the scratch has grown. As a [`PairingStrategy`] it returns the same pairs in bytes, without white space
/// at their ends. It discards a pair with a blank side, or with the same bytes on both (of tokens that share a
/// character).
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

/// Reusable memory of [`Nearest`].
#[derive(Debug, Default)]
pub struct NearestScratch {
    hits: Hits,
    spans: SpanScratch,
    subjects: Vec<Run>,
    objects: Vec<Run>,
    /// For each subject, its nearest object.
    nearest: Vec<Option<usize>>,
    levels: Vec<f32>,
    /// Pairs in tokens, before they are converted to bytes.
    triples: Vec<TokenTriple>,
}

impl Nearest {
    /// Creates a decoder with one threshold of pointers for all relations, or one for each.
    pub fn new(threshold: impl Into<RelationThresholds>) -> Self {
        let spans = SpanBuilder { rule: SpanRule::NearestEnd, longest: usize::MAX };
        Self { threshold: threshold.into(), at_least_one: false, spans }
    }

    /// Returns the best pair at the highest threshold over 0 that gives any, if nothing is found at the set threshold.
    ///
    /// Use it for sentences that are known to have the relation. The paper does not do this. Of equal scores it keeps
    /// the pair with the smallest distance; then the one whose subject starts first, the longest subject, the object
    /// that starts first, and the longest object. Nested spans with one end have equal scores: of
    /// `R & D Labs`, `& D Labs` and `D Labs` it keeps the whole name.
    #[must_use]
    pub fn at_least_one(self) -> Self {
        Self { at_least_one: true, ..self }
    }

    /// Sets the rule that matches starts with ends.
    #[must_use]
    pub fn with_spans(self, rule: SpanRule) -> Self {
        Self { spans: SpanBuilder { rule, ..self.spans }, ..self }
    }

    /// Limits spans to `longest` tokens: a start whose end is further away makes no span.
    #[must_use]
    pub fn with_longest(self, longest: usize) -> Self {
        Self { spans: SpanBuilder { longest, ..self.spans }, ..self }
    }

    /// Appends the pairs at a threshold, which is on the scale of the scores.
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
        // Both are sorted by their starts.
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

    /// Returns the best pair at the highest threshold under `threshold` and over 0 that gives any. Both are on the
    /// scale of the scores. `found` is used for intermediate pairs, and left as it was.
    fn best_under(
        &self,
        threshold: f32,
        scores: PointerScores<'_>,
        scratch: &mut NearestScratch,
        found: &mut Vec<TokenTriple>,
        is_pair: impl Fn(&TokenTriple) -> bool,
    ) -> Option<TokenTriple> {
        // Pairs change only when the threshold passes a score, and a pair needs a pointer in each column.
        let zero = scores.scale().threshold(Probability::default());
        let column_max = |column: usize| scores.rows().iter().map(|row| row[column]).fold(f32::NEG_INFINITY, f32::max);
        let highest = (0..4).map(column_max).fold(f32::INFINITY, f32::min);
        let mut levels = std::mem::take(&mut scratch.levels);
        levels.clear();
        let values = scores.rows().as_flattened().iter().copied();
        levels.extend(values.filter(|&score| zero < score && score < threshold && score <= highest));
        levels.sort_unstable_by(|a, b| b.total_cmp(a));
        levels.dedup();
        let from = found.len();
        let ends = |span: TokenSpan| (span.start, span.end);
        let tie_break = |triple: &TokenTriple| tie_break(ends(triple.subject), ends(triple.object));
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

/// Finds the nearest object of each subject. Both must be sorted by their starts and by their ends, and no two of a
/// role may have the same start.
fn nearest_of_ordered(subjects: &[Run], objects: &[Run], nearest: &mut Vec<Option<usize>>) {
    nearest.clear();
    // Objects before `passed` end before the subject, and those from `tied` to `passed` end at the same token. Objects
    // before `started` start before the subject.
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

/// Does the same for spans in any order, one by one.
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
        let Some(threshold) = self.threshold.get(scores.relation()) else { return };
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
        let Some(threshold) = self.threshold.get(scores.relation()) else { return Ok(()) };
        let threshold = scores.scale().threshold(threshold);
        let mut triples = std::mem::take(&mut scratch.triples);
        triples.clear();
        self.pairs_at(threshold, scores, scratch, &mut triples);
        let from = found.len();
        let in_bytes = |triple: &TokenTriple| {
            let (subject, object) = (sentence.byte_span(triple.subject), sentence.byte_span(triple.object));
            let is_pair = subject != object && !subject.is_empty() && !object.is_empty();
            is_pair.then_some(ScoredPair { subject, object, score: triple.score })
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
