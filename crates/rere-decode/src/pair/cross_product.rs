//! The pairing of the code that the RERE authors published.

use std::hash::BuildHasher;

use hashbrown::{HashTable, hash_table::Entry};
use memchr::{memchr, memmem::Finder};
use rere_core::{ByteSpan, Probability};
use rustc_hash::FxBuildHasher;

use super::{PairingStrategy, ScoredPair, best_pairs, tie_break};
use crate::{
    DecodeError, PointerScores, Scale, TokenizedText,
    spans::{Hit, Hits, scan},
};

/// Number of starts, of ends and of entities of a role that are kept.
const BEST: usize = 40;
/// Lowest score of a start, of an end and of an entity.
const LEAST_SCORE: f64 = 0.1;
/// Most tokens of an entity.
const LONGEST: usize = 40;
/// Closes a title; an entity does not cross it.
const TITLE_END: char = '\u{300b}';
/// Separates the items of a list.
const LIST_MARK: char = '\u{3001}';
/// Full-width and ASCII comma; in a string with one of them [`LIST_MARK`] does not mark a list.
const COMMAS: [char; 2] = ['\u{ff0c}', ','];

/// Cross-product pairing, as in the RERE authors' code, which gave the published scores.
///
/// It pairs each subject string with each different object string. The entities of one role, with start scores S and
/// end scores E, are found as follows:
/// 1. Take the 40 best starts and the 40 best ends (equal scores in token order), without those under 0.1.
/// 2. Each start makes a string with each end that is not before it, if they span at most 40 tokens. The string is the
///    text under them, trimmed; its score is S × E.
/// 3. Discard a string with `》` (U+300B). A string that `、` (U+3001) splits into more than two parts and that has no
///    comma (`，` or `,`) is a list: its trimmed parts replace it, each with an equal share of the score.
/// 4. Add up the scores of equal strings, **so a score can exceed 1**.
/// 5. Go from the shortest string to the longest, in characters (equal lengths in order of appearance: the best start
///    first, then the best end). For a string x let A be the sum of the scores, and L the sum of the lengths, of the
///    remaining shorter strings that x contains. Multiply A by min(1, length of x / L). If A is over the score of x,
///    discard x; otherwise discard the strings in it.
/// 6. The 40 best remaining strings are the entities of the role (equal scores in the order of step 5), without those
///    under 0.1. A string that trimming left empty counts up to this step, but is no entity.
///
/// The span of an entity is the occurrence of its string with the best score (S × E, or the share of it); of equal ones
/// the first in the text. The score of a pair is the lower score of its two strings. A pair is kept if its score is at
/// or over the threshold.
///
/// # Many thresholds
///
/// The threshold only filters the finished pairs. To try many thresholds, run once with `Probability::default()`, which
/// is 0, and filter by `pair.score >= threshold`: the pairs are exactly those of a run with each threshold.
///
/// # Example
///
/// ```
/// use rere_decode::{ByteSpan, CrossProduct, PairingStrategy, PointerScores, Probability, TokenizedText};
///
/// let tokens = [(0, 3), (4, 6), (7, 13)].map(|(start, end)| ByteSpan::new(start, end));
/// let sentence = TokenizedText::new("Ada in London", &tokens)?;
/// let scores = [1.0, 0.5, 0.0, 0.0, /**/ 0.0, 0.0, 0.0, 0.0, /**/ 0.0, 0.0, 0.5, 0.5];
/// let scores = PointerScores::new(&scores, tokens.len())?;
///
/// let pairs = CrossProduct::new(Probability::new(0.2)?).pair(scores, sentence)?;
/// assert_eq!(pairs.len(), 1);
/// assert_eq!((pairs[0].subject, pairs[0].object, pairs[0].score), (tokens[0], tokens[2], 0.25));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrossProduct {
    threshold: Probability,
    at_least_one: bool,
}

/// A string of the text that may be an entity.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    /// Number of other strings that appeared before it.
    number: usize,
    /// Length in characters.
    length: usize,
    /// Sum over the string's occurrences.
    score: f64,
    /// Occurrence with the best score, and that score.
    span: ByteSpan,
    best: f64,
}

/// A likely start or end of an entity.
#[derive(Debug, Clone, Copy)]
struct Boundary {
    token: usize,
    bytes: ByteSpan,
    score: f64,
}

impl CrossProduct {
    /// Creates a strategy that keeps the pairs with a score at or over a threshold.
    pub const fn new(threshold: Probability) -> Self {
        Self { threshold, at_least_one: false }
    }

    /// Keeps the pair with the best score if none is at or over the threshold. The authors' code does not do this.
    ///
    /// Of equal scores it keeps the pair with the fewest bytes from one span to the other; then the one whose subject
    /// starts first, the longest subject, the object that starts first, and the longest object.
    #[must_use]
    pub const fn at_least_one(self) -> Self {
        Self { at_least_one: true, ..self }
    }
}

/// Reusable memory of [`CrossProduct`].
#[derive(Debug, Default)]
pub struct CrossProductScratch {
    hits: Hits,
    roles: [RoleScratch; 2],
    positions: HashTable<usize>,
    remaining: Occurrences,
    inside: Vec<usize>,
    is_kept: Vec<bool>,
}

/// The memory for one role.
#[derive(Debug, Default)]
struct RoleScratch {
    starts: Vec<Boundary>,
    ends: Vec<Boundary>,
    /// All strings, and after step 6 the entities.
    strings: Vec<Candidate>,
}

impl PairingStrategy for CrossProduct {
    type Scratch = CrossProductScratch;

    fn pair_into(
        &self,
        scores: PointerScores<'_>,
        sentence: TokenizedText<'_>,
        scratch: &mut CrossProductScratch,
        found: &mut Vec<ScoredPair>,
    ) -> Result<(), DecodeError> {
        sentence.check(scores)?;
        let CrossProductScratch { hits, roles, positions, remaining, inside, is_kept } = scratch;
        scan(scores, scores.scale().threshold(Probability::saturating(LEAST_SCORE as f32)), hits);
        if hits.iter().any(Vec::is_empty) {
            return Ok(());
        }
        for (RoleScratch { starts, ends, strings }, hits) in roles.iter_mut().zip(hits.chunks(2)) {
            best_boundaries(&hits[0], scores.scale(), sentence, starts);
            best_boundaries(&hits[1], scores.scale(), sentence, ends);
            collect_candidates(starts, ends, sentence, positions, strings);
            discard_nested(strings, sentence, remaining, inside, is_kept);
            keep_entities(strings);
        }
        let [subjects, objects] = roles;
        let from = found.len();
        for subject in &subjects.strings {
            let surface = sentence.slice(subject.span);
            for object in objects.strings.iter().filter(|object| sentence.slice(object.span) != surface) {
                let score = subject.score.min(object.score) as f32;
                found.push(ScoredPair { subject: subject.span, object: object.span, score });
            }
        }
        best_pairs(found, from);
        // The pairs are sorted, best score first.
        let kept = found[from..].partition_point(|pair| pair.score >= self.threshold.get());
        let best = if kept == 0 && self.at_least_one { best_pair(&found[from..]) } else { None };
        found.truncate(from + kept);
        found.extend(best);
        Ok(())
    }
}

/// Returns the best pair after the tie-break. The pairs are sorted, best score first.
fn best_pair(pairs: &[ScoredPair]) -> Option<ScoredPair> {
    let best = pairs.iter().take_while(|pair| pair.score == pairs[0].score);
    let ends = |span: ByteSpan| (span.start, span.end);
    best.min_by_key(|pair| tie_break(ends(pair.subject), ends(pair.object))).copied()
}

/// Step 1.
fn best_boundaries(hits: &[Hit], scale: Scale, sentence: TokenizedText<'_>, boundaries: &mut Vec<Boundary>) {
    boundaries.clear();
    boundaries.extend(hits.iter().map(|hit| Boundary {
        token: hit.token,
        bytes: sentence.tokens()[hit.token],
        score: scale.probability(hit.score).into(),
    }));
    boundaries.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.token.cmp(&b.token)));
    boundaries.truncate(BEST);
}

/// Step 6.
fn keep_entities(strings: &mut Vec<Candidate>) {
    let order = |string: &Candidate| (string.length, string.number);
    strings.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then_with(|| order(a).cmp(&order(b))));
    strings.truncate(BEST);
    strings.retain(|entity| entity.score >= LEAST_SCORE && entity.length > 0);
}

/// Steps 2 to 4: collects the different strings, in order of first appearance.
fn collect_candidates(
    starts: &[Boundary],
    ends: &[Boundary],
    sentence: TokenizedText<'_>,
    positions: &mut HashTable<usize>,
    candidates: &mut Vec<Candidate>,
) {
    candidates.clear();
    positions.clear();
    let hash = |span: ByteSpan| FxBuildHasher.hash_one(sentence.slice(span));
    let mut add = |span: ByteSpan, score: f64| {
        let surface = sentence.slice(span);
        let same = |&number: &usize| sentence.slice(candidates[number].span) == surface;
        match positions.entry(hash(span), same, |&number| hash(candidates[number].span)) {
            Entry::Vacant(entry) => {
                entry.insert(candidates.len());
                let length = surface.chars().count();
                candidates.push(Candidate { number: candidates.len(), length, score, span, best: score });
            }
            Entry::Occupied(entry) => {
                let known = &mut candidates[*entry.get()];
                known.score += score;
                if score > known.best || (score == known.best && span < known.span) {
                    (known.span, known.best) = (span, score);
                }
            }
        }
    };
    // The UTF-8 of both marks begins with this byte.
    let may_have_marks = memchr(0xe3, sentence.text().as_bytes()).is_some();
    for start in starts {
        for end in ends.iter().filter(|end| (start.token..start.token + LONGEST).contains(&end.token)) {
            let span = sentence.trimmed(ByteSpan::new(start.bytes.start, end.bytes.end));
            let score = start.score * end.score;
            if !may_have_marks {
                add(span, score);
                continue;
            }
            let surface = sentence.slice(span);
            if surface.contains(TITLE_END) {
                continue;
            }
            let parts = surface.split(LIST_MARK).count();
            if parts > 2 && !surface.contains(COMMAS) {
                let mut part_start = span.start;
                for part in surface.split(LIST_MARK) {
                    let part_end = part_start + part.len();
                    add(sentence.trimmed(ByteSpan::new(part_start, part_end)), score / parts as f64);
                    part_start = part_end + LIST_MARK.len_utf8();
                }
            } else {
                add(span, score);
            }
        }
    }
}

/// Step 5: keeps the likelier of strings that contain one another, and sorts them by length.
fn discard_nested(
    candidates: &mut Vec<Candidate>,
    sentence: TokenizedText<'_>,
    remaining: &mut Occurrences,
    inside: &mut Vec<usize>,
    is_kept: &mut Vec<bool>,
) {
    if candidates.len() < 2 {
        return;
    }
    candidates.sort_unstable_by_key(|candidate| (candidate.length, candidate.number));
    remaining.0.clear();
    // Only the part of the text that the candidates cover is searched.
    let first = candidates.iter().map(|candidate| candidate.span.start).min().unwrap_or(0);
    let last = candidates.iter().map(|candidate| candidate.span.end).max().unwrap_or(0);
    for (number, candidate) in candidates.iter().enumerate() {
        // All strings are different, so one that is contained is shorter and was handled before.
        remaining.inside(candidate.span, inside);
        let (mut score, mut length) = (0.0, 0);
        for &other in &*inside {
            score += candidates[other].score;
            length += candidates[other].length;
        }
        if length > 0 {
            score *= (candidate.length as f64 / length as f64).min(1.0);
        }
        if score <= candidate.score {
            remaining.remove(inside);
            if number + 1 < candidates.len() {
                remaining.push_all(number, candidate.span, sentence.slice(ByteSpan::new(first, last)), first);
            } else {
                // No later string could contain it, so one occurrence is enough.
                remaining.0.push(Occurrence { number, span: candidate.span });
            }
        }
    }
    is_kept.clear();
    is_kept.resize(candidates.len(), false);
    remaining.0.iter().for_each(|occurrence| is_kept[occurrence.number] = true);
    let mut is_kept = is_kept.iter();
    candidates.retain(|_| is_kept.next() == Some(&true));
}

/// The occurrences of strings in the text, sorted by the numbers of the strings.
///
/// With them each string is searched for once, and not in each longer string.
#[derive(Debug, Default)]
struct Occurrences(Vec<Occurrence>);

/// An occurrence of a string.
#[derive(Debug)]
struct Occurrence {
    number: usize,
    span: ByteSpan,
}

impl Occurrences {
    /// Adds all occurrences of the string under `span` in `text`, which begins at the byte `first`.
    fn push_all(&mut self, number: usize, span: ByteSpan, text: &str, first: usize) {
        let surface = &text.as_bytes()[span.start - first..span.end - first];
        if surface.is_empty() {
            // Every span contains the empty string.
            return self.0.push(Occurrence { number, span: ByteSpan::new(usize::MAX, 0) });
        }
        // Occurrences may overlap.
        let finder = Finder::new(surface);
        let mut from = 0;
        while let Some(at) = finder.find(&text.as_bytes()[from..]) {
            let start = first + from + at;
            self.0.push(Occurrence { number, span: ByteSpan::new(start, start + surface.len()) });
            from += at + 1;
        }
    }

    /// Replaces `numbers` by the sorted numbers of the strings that the text under a span contains.
    fn inside(&self, span: ByteSpan, numbers: &mut Vec<usize>) {
        numbers.clear();
        let is_inside = |at: &&Occurrence| at.span.start >= span.start && at.span.end <= span.end;
        numbers.extend(self.0.iter().filter(is_inside).map(|occurrence| occurrence.number));
        numbers.dedup();
    }

    /// Removes strings by their sorted numbers.
    fn remove(&mut self, numbers: &[usize]) {
        if !numbers.is_empty() {
            self.0.retain(|occurrence| numbers.binary_search(&occurrence.number).is_err());
        }
    }
}
