//! The pairing of the RERE paper, Section 4.2.

use rere_core::{ByteSpan, Probability};

use super::{PairingStrategy, ScoredPair, best_first};
use crate::{DecodeError, PointerScores, Role, RoleScores, TokenizedText};

/// Nearest pairing, as the RERE paper (Section 4.2) describes it.
///
/// **Spans.** A token is a start or an end of a role where that pointer's score is at or over the threshold. Each start
/// and the nearest end at or after it make a span; its score is the smaller of the two. Two starts may share an end.
/// A start with no end after it makes no span, and neither does an end with no start, or white space alone.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nearest {
    threshold: Probability,
    at_least_one: bool,
}

/// A run of tokens that one role's pointers mark.
struct Span {
    first: usize,
    last: usize,
    bytes: ByteSpan,
    score: f32,
}

impl Nearest {
    /// Pairs of pointers that are at or over `threshold`.
    pub const fn new(threshold: Probability) -> Self {
        Self { threshold, at_least_one: false }
    }

    /// Where nothing is found, the pairs at the highest threshold over 0 that gives any: for a sentence that has the
    /// relation, as far as is known. The paper does not have it.
    #[must_use]
    pub const fn at_least_one(self) -> Self {
        Self { at_least_one: true, ..self }
    }
}

impl PairingStrategy for Nearest {
    fn pair(&self, scores: PointerScores<'_>, sentence: TokenizedText<'_>) -> Result<Vec<ScoredPair>, DecodeError> {
        sentence.check(scores)?;
        let mut pairs = pairs_at(self.threshold.get(), scores, sentence);
        if self.at_least_one && pairs.is_empty() {
            // Pairs change only where the threshold passes a score.
            let mut levels = scores.levels_under(self.threshold.get());
            levels.sort_unstable_by(|a, b| b.total_cmp(a));
            levels.dedup();
            let mut tries = levels.into_iter().map(|level| pairs_at(level, scores, sentence));
            pairs = tries.find(|pairs| !pairs.is_empty()).unwrap_or_default();
        }
        Ok(best_first(pairs))
    }
}

/// What both rules make, some of it twice.
fn pairs_at(threshold: f32, scores: PointerScores<'_>, sentence: TokenizedText<'_>) -> Vec<ScoredPair> {
    let subjects = spans_at(threshold, scores.role(Role::Subject), sentence);
    let objects = spans_at(threshold, scores.role(Role::Object), sentence);
    let nearest_object = subjects.iter().filter_map(|subject| {
        let others = objects.iter().filter(|object| object.bytes != subject.bytes);
        let nearest = others.min_by_key(|object| (subject.distance(object), object.starts_before(subject)))?;
        Some((subject, nearest))
    });
    let subject_before = objects
        .iter()
        .filter_map(|object| Some((subjects.iter().rfind(|subject| subject.starts_before(object))?, object)));
    let pairs = nearest_object.chain(subject_before).map(|(subject, object)| ScoredPair {
        subject: subject.bytes,
        object: object.bytes,
        score: subject.score.min(object.score),
    });
    pairs.collect()
}

/// The spans of one role, in the order of their starts, which are all different.
fn spans_at(threshold: f32, scores: RoleScores<'_>, sentence: TokenizedText<'_>) -> Vec<Span> {
    let mut nearest_end = None;
    let mut spans = Vec::new();
    let tokens = sentence.tokens().iter().enumerate();
    for (((token, bytes), start), end) in tokens.zip(scores.starts()).zip(scores.ends()).rev() {
        if end >= threshold {
            nearest_end = Some((token, bytes.end, end));
        }
        if start >= threshold
            && let Some((last, end_byte, end)) = nearest_end
        {
            let bytes = sentence.trimmed(ByteSpan::new(bytes.start, end_byte));
            if !bytes.is_empty() {
                spans.push(Span { first: token, last, bytes, score: start.min(end) });
            }
        }
    }
    spans.reverse();
    spans
}

impl Span {
    fn starts_before(&self, other: &Self) -> bool {
        self.bytes.start < other.bytes.start
    }

    fn distance(&self, other: &Self) -> usize {
        self.first.saturating_sub(other.last).max(other.first.saturating_sub(self.last))
    }
}
