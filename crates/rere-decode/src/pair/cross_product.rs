//! The pairing of the code that the authors of RERE published.

use std::collections::HashMap;

use rere_core::{ByteSpan, Probability};

use super::{PairingStrategy, ScoredPair, best_first};
use crate::{DecodeError, PointerScores, Role, RoleScores, TokenizedText};

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
struct Candidate<'a> {
    surface: &'a str,
    /// In characters.
    length: usize,
    /// Sum over the string's occurrences.
    score: f64,
    /// The occurrence that scores best, and its score.
    span: ByteSpan,
    best: f64,
}

/// A token that is likely to be a start, or an end.
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

    /// Where nothing is at or over the threshold, the pairs with the best score. The authors' code does not have it.
    #[must_use]
    pub const fn at_least_one(self) -> Self {
        Self { at_least_one: true, ..self }
    }
}

impl PairingStrategy for CrossProduct {
    fn pair(&self, scores: PointerScores<'_>, sentence: TokenizedText<'_>) -> Result<Vec<ScoredPair>, DecodeError> {
        sentence.check(scores)?;
        let subjects = entities(scores.role(Role::Subject), sentence);
        let objects = entities(scores.role(Role::Object), sentence);
        let mut pairs = Vec::with_capacity(subjects.len() * objects.len());
        for subject in &subjects {
            for object in objects.iter().filter(|object| object.surface != subject.surface) {
                let score = subject.score.min(object.score) as f32;
                pairs.push(ScoredPair { subject: subject.span, object: object.span, score });
            }
        }
        let mut pairs = best_first(pairs);
        let threshold = self.threshold.get();
        let least = match pairs.first() {
            Some(best) if self.at_least_one => best.score.min(threshold),
            _ => threshold,
        };
        pairs.retain(|pair| pair.score >= least);
        Ok(pairs)
    }
}

/// Steps 1 to 6.
fn entities<'a>(scores: RoleScores<'_>, sentence: TokenizedText<'a>) -> Vec<Candidate<'a>> {
    let starts = best_borders(scores.starts(), sentence);
    let ends = best_borders(scores.ends(), sentence);
    let mut living = merge(candidates(&starts, &ends, sentence));
    living.sort_by(|a, b| b.score.total_cmp(&a.score));
    living.truncate(BEST);
    living.retain(|entity| entity.score >= LEAST_SCORE && !entity.surface.is_empty());
    living
}

/// Step 1.
fn best_borders(scores: impl Iterator<Item = f32>, sentence: TokenizedText<'_>) -> Vec<Border> {
    let tokens = sentence.tokens().iter().zip(scores).enumerate();
    let borders = tokens.map(|(token, (&bytes, score))| Border { token, bytes, score: score.into() });
    let mut borders: Vec<Border> = borders.filter(|border| border.score >= LEAST_SCORE).collect();
    borders.sort_by(|a, b| b.score.total_cmp(&a.score));
    borders.truncate(BEST);
    borders
}

/// Steps 2 to 4: the different strings, in order of first appearance.
fn candidates<'a>(starts: &[Border], ends: &[Border], sentence: TokenizedText<'a>) -> Vec<Candidate<'a>> {
    let mut candidates: Vec<Candidate<'a>> = Vec::new();
    let mut position: HashMap<&'a str, usize> = HashMap::new();
    let mut add = |span: ByteSpan, score: f64| {
        let surface = sentence.slice(span);
        let new = Candidate { surface, length: surface.chars().count(), score, span, best: score };
        match position.get(surface).and_then(|&at| candidates.get_mut(at)) {
            None => {
                position.insert(surface, candidates.len());
                candidates.push(new);
            }
            Some(known) => {
                known.score += score;
                if score > known.best || (score == known.best && span < known.span) {
                    (known.span, known.best) = (span, score);
                }
            }
        }
    };
    for start in starts {
        for end in ends.iter().filter(|end| (start.token..start.token + LONGEST).contains(&end.token)) {
            let span = sentence.trimmed(ByteSpan::new(start.bytes.start, end.bytes.end));
            let surface = sentence.slice(span);
            let score = start.score * end.score;
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
    candidates
}

/// Step 5: of the strings that contain one another, the likelier. In order of length.
fn merge(mut candidates: Vec<Candidate<'_>>) -> Vec<Candidate<'_>> {
    candidates.sort_by_key(|candidate| candidate.length);
    let mut living: Vec<Candidate<'_>> = Vec::new();
    for candidate in candidates {
        // No string comes twice, so one that is contained is strictly shorter, and has had its turn.
        let inside = |other: &Candidate<'_>| candidate.surface.contains(other.surface);
        let (mut score, mut length) = (0.0, 0);
        for other in living.iter().filter(|other| inside(other)) {
            score += other.score;
            length += other.length;
        }
        if length > 0 {
            score *= (candidate.length as f64 / length as f64).min(1.0);
        }
        if score <= candidate.score {
            living.retain(|other| !inside(other));
            living.push(candidate);
        }
    }
    living
}
