//! The pairing of the code that the authors of RERE published.

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

/// How many starts, how many ends and how many entities of a role are kept.
const BEST: usize = 40;
/// The least score of a start, of an end and of an entity.
const LEAST_SCORE: f64 = 0.1;
/// The most tokens that an entity spans.
const LONGEST: usize = 40;
/// Closes a title: an entity does not reach across it.
const TITLE_END: char = '\u{300b}';
/// Separates the items of a list.
const LIST_MARK: char = '\u{3001}';
/// Full-width and ASCII; where one stands, [`LIST_MARK`] is not taken for the mark of a list.
const COMMAS: [char; 2] = ['\u{ff0c}', ','];

/// Every subject string with every different object string, as the code of RERE's authors does; the published scores
/// come from it.
///
/// For one role, with start scores S and end scores E:
/// 1. The 40 best starts and the 40 best ends are taken (equal scores in token order), less those under 0.1.
/// 2. Each start makes a string with each end that is not before it, if at most 40 tokens are spanned: the original
///    text under them, trimmed, with score S × E.
/// 3. A string with `》` (U+300B) is left out. One that `、` (U+3001) cuts into more than two parts and that has
///    no comma (`，` or `,`) is a list: its trimmed parts stand for it, each with an equal share of the score.
/// 4. The scores of equal strings are added up, **so a score can exceed 1**.
/// 5. From the shortest string to the longest, in characters (equal lengths in order of appearance, the best start
///    first, then the best end): let A be the sum of the scores and L that of the lengths of the living, shorter
///    strings that x contains, and A shrink by min(1, length of x / L). Where A > score of x, x dies, else
///    those in it do.
/// 6. The 40 best of the living are the entities of the role (equal scores in the order of step 5), less those
///    under 0.1. A string left empty by trimming counts up to here and is no entity.
///
/// An entity's span is where its string scores best (S × E, or the share of it); equal scores: the first in the text.
/// The score of a pair is the smaller of its two strings' scores; a pair at or over the threshold is kept.
///
/// # Sweeping the threshold
///
/// The threshold is only a filter on the score of the finished pairs. So one run at threshold 0
/// (`Probability::default()`), filtered by `pair.score >= threshold`, gives exactly the pairs of a run at each
/// threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrossProduct {
    threshold: Probability,
    at_least_one: bool,
}

/// A string of the text that may be an entity.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    /// How many other strings appeared before it.
    number: usize,
    /// In characters.
    length: usize,
    /// Sum over the string's occurrences.
    score: f64,
    /// The occurrence that scores best, and its score.
    span: ByteSpan,
    best: f64,
}

/// A token that is likely to be a start, or an end.
#[derive(Debug, Clone, Copy)]
struct Border {
    token: usize,
    bytes: ByteSpan,
    score: f64,
}

impl CrossProduct {
    /// Pairs with a score at or over `threshold`.
    pub const fn new(threshold: Probability) -> Self {
        Self { threshold, at_least_one: false }
    }

    /// If nothing is at or over the threshold, keeps the one pair with the best score. The authors' code does not have it.
    ///
    /// Of equal scores it keeps the pair with the fewest bytes from one span to the other; then the subject that
    /// starts first, then the longest subject, then the object that starts first, then the longest object.
    #[must_use]
    pub const fn at_least_one(self) -> Self {
        Self { at_least_one: true, ..self }
    }
}

/// Memory of [`CrossProduct`].
#[derive(Debug, Default)]
pub struct CrossProductScratch {
    hits: Hits,
    roles: [Role; 2],
    positions: HashTable<usize>,
    living: Living,
    inside: Vec<usize>,
    alive: Vec<bool>,
}

/// One role's part of the memory.
#[derive(Debug, Default)]
struct Role {
    starts: Vec<Border>,
    ends: Vec<Border>,
    /// First all strings, in the end the entities.
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
        let CrossProductScratch { hits, roles, positions, living, inside, alive } = scratch;
        scan(scores, scores.scale().threshold(Probability::saturating(LEAST_SCORE as f32)), hits);
        if hits.iter().any(Vec::is_empty) {
            return Ok(());
        }
        for (Role { starts, ends, strings }, hits) in roles.iter_mut().zip(hits.chunks(2)) {
            best_borders(&hits[0], scores.scale(), sentence, starts);
            best_borders(&hits[1], scores.scale(), sentence, ends);
            candidates(starts, ends, sentence, positions, strings);
            merge(strings, sentence, living, inside, alive);
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
        // The best come first.
        let kept = found[from..].partition_point(|pair| pair.score >= self.threshold.get());
        let best = if kept == 0 && self.at_least_one { best_pair(&found[from..]) } else { None };
        found.truncate(from + kept);
        found.extend(best);
        Ok(())
    }
}

/// The pair that stands for all if none reaches the threshold; the best come first.
fn best_pair(pairs: &[ScoredPair]) -> Option<ScoredPair> {
    let best = pairs.iter().take_while(|pair| pair.score == pairs[0].score);
    let borders = |span: ByteSpan| (span.start, span.end);
    best.min_by_key(|pair| tie_break(borders(pair.subject), borders(pair.object))).copied()
}

/// Step 1.
fn best_borders(hits: &[Hit], scale: Scale, sentence: TokenizedText<'_>, borders: &mut Vec<Border>) {
    borders.clear();
    borders.extend(hits.iter().map(|hit| Border {
        token: hit.token,
        bytes: sentence.tokens()[hit.token],
        score: scale.probability(hit.score).into(),
    }));
    borders.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then(a.token.cmp(&b.token)));
    borders.truncate(BEST);
}

/// Step 6.
fn keep_entities(living: &mut Vec<Candidate>) {
    let place = |string: &Candidate| (string.length, string.number);
    living.sort_unstable_by(|a, b| b.score.total_cmp(&a.score).then_with(|| place(a).cmp(&place(b))));
    living.truncate(BEST);
    living.retain(|entity| entity.score >= LEAST_SCORE && entity.length > 0);
}

/// Steps 2 to 4: the different strings, in order of first appearance.
fn candidates(
    starts: &[Border],
    ends: &[Border],
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
            Entry::Vacant(place) => {
                place.insert(candidates.len());
                let length = surface.chars().count();
                candidates.push(Candidate { number: candidates.len(), length, score, span, best: score });
            }
            Entry::Occupied(place) => {
                let known = &mut candidates[*place.get()];
                known.score += score;
                if score > known.best || (score == known.best && span < known.span) {
                    (known.span, known.best) = (span, score);
                }
            }
        }
    };
    // Both marks begin with this byte.
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

/// Step 5: of the strings that contain one another, the likelier. In order of length.
fn merge(
    candidates: &mut Vec<Candidate>,
    sentence: TokenizedText<'_>,
    living: &mut Living,
    inside: &mut Vec<usize>,
    alive: &mut Vec<bool>,
) {
    if candidates.len() < 2 {
        return;
    }
    candidates.sort_unstable_by_key(|candidate| (candidate.length, candidate.number));
    living.places.clear();
    // Nothing is looked for beside the candidates.
    let first = candidates.iter().map(|candidate| candidate.span.start).min().unwrap_or(0);
    let last = candidates.iter().map(|candidate| candidate.span.end).max().unwrap_or(0);
    for (number, candidate) in candidates.iter().enumerate() {
        // No string comes twice, so one that is contained is strictly shorter, and has had its turn.
        living.inside(candidate.span, inside);
        let (mut score, mut length) = (0.0, 0);
        for &other in &*inside {
            score += candidates[other].score;
            length += candidates[other].length;
        }
        if length > 0 {
            score *= (candidate.length as f64 / length as f64).min(1.0);
        }
        if score <= candidate.score {
            living.remove(inside);
            if number + 1 < candidates.len() {
                living.push(number, candidate.span, sentence.slice(ByteSpan::new(first, last)), first);
            } else {
                // Nothing comes after it that could contain it.
                living.places.push(Place { number, span: candidate.span });
            }
        }
    }
    alive.clear();
    alive.resize(candidates.len(), false);
    living.places.iter().for_each(|place| alive[place.number] = true);
    let mut alive = alive.iter();
    candidates.retain(|_| alive.next() == Some(&true));
}

/// Where the living strings stand in the text: each is looked for once, and not in every longer one.
#[derive(Debug, Default)]
struct Living {
    /// In the order of the strings; a string has one for each of its occurrences.
    places: Vec<Place>,
}

/// An occurrence of a string.
#[derive(Debug)]
struct Place {
    number: usize,
    span: ByteSpan,
}

impl Living {
    /// Adds the string under `span` wherever it stands in `text`, which begins at the byte `first`.
    fn push(&mut self, number: usize, span: ByteSpan, text: &str, first: usize) {
        let surface = &text.as_bytes()[span.start - first..span.end - first];
        if surface.is_empty() {
            // It is contained in everything, wherever it stands.
            return self.places.push(Place { number, span: ByteSpan::new(usize::MAX, 0) });
        }
        // Occurrences may overlap.
        let finder = Finder::new(surface);
        let mut from = 0;
        while let Some(at) = finder.find(&text.as_bytes()[from..]) {
            let start = first + from + at;
            self.places.push(Place { number, span: ByteSpan::new(start, start + surface.len()) });
            from += at + 1;
        }
    }

    /// Replaces `numbers` by those of the strings that the text under a span contains, in order.
    fn inside(&self, span: ByteSpan, numbers: &mut Vec<usize>) {
        numbers.clear();
        let inside = |place: &&Place| place.span.start >= span.start && place.span.end <= span.end;
        numbers.extend(self.places.iter().filter(inside).map(|place| place.number));
        numbers.dedup();
    }

    /// Takes strings out, whose numbers are in order.
    fn remove(&mut self, numbers: &[usize]) {
        if !numbers.is_empty() {
            self.places.retain(|place| numbers.binary_search(&place.number).is_err());
        }
    }
}
