//! A second, naive implementation of nearest pairing, written from its definition.

use rere_core::TokenSpan;
use rere_decode::{SpanRule, TokenTriple};

/// Settings of the decoder.
#[derive(Debug, Clone)]
pub struct Setting {
    pub threshold: f32,
    pub rule: SpanRule,
    pub longest: usize,
    pub at_least_one: bool,
}

/// A span from the first to the last token, with its score.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Span {
    first: usize,
    last: usize,
    score: f32,
}

/// Returns the spans of the role whose starts are in `column` and whose ends are in the next one.
fn spans(rows: &[[f32; 4]], mask: Option<&[bool]>, column: usize, threshold: f32, setting: &Setting) -> Vec<Span> {
    let taken = |token: usize| mask.is_none_or(|mask| mask[token]);
    let (start, end) = (|token: usize| rows[token][column], |token: usize| rows[token][column + 1]);
    let mut spans = Vec::new();
    for first in (0..rows.len()).filter(|&token| taken(token) && start(token) >= threshold) {
        let ends: Vec<usize> = (first..rows.len())
            .take(setting.longest)
            .take_while(|&token| taken(token))
            .filter(|&token| end(token) >= threshold)
            .collect();
        let span =
            |last: usize| Span { first, last, score: if start(first) < end(last) { start(first) } else { end(last) } };
        match setting.rule {
            SpanRule::NearestEnd => spans.extend(ends.first().map(|&last| span(last))),
            SpanRule::BestEnd => {
                let best = ends.iter().map(|&last| end(last)).fold(f32::NEG_INFINITY, f32::max);
                spans.extend(ends.iter().find(|&&last| end(last) == best).map(|&last| span(last)));
            }
            _ => spans.extend(ends.iter().map(|&last| span(last))),
        }
    }
    if let SpanRule::Best(count) = setting.rule {
        let product = |span: &Span| start(span.first) * end(span.last);
        spans.sort_by(|a, b| product(b).total_cmp(&product(a)));
        spans.truncate(count);
        spans.sort_by_key(|span| (span.first, span.last));
    }
    spans
}

fn pairs(rows: &[[f32; 4]], mask: Option<&[bool]>, threshold: f32, setting: &Setting) -> Vec<TokenTriple> {
    let subjects = spans(rows, mask, 0, threshold, setting);
    let objects = spans(rows, mask, 2, threshold, setting);
    let same = |s: &Span, o: &Span| (s.first, s.last) == (o.first, o.last);
    let mut chosen: Vec<(Span, Span)> = Vec::new();
    for s in &subjects {
        let distance = |o: &Span| (s.last..o.first).len().max((o.last..s.first).len());
        let nearest =
            objects.iter().filter(|o| !same(s, o)).min_by_key(|o| (distance(o), o.first < s.first, o.first, o.last));
        chosen.extend(nearest.map(|o| (*s, *o)));
    }
    for o in &objects {
        chosen.extend(subjects.iter().rfind(|s| s.first < o.first).map(|s| (*s, *o)));
    }
    let mut found: Vec<TokenTriple> = Vec::new();
    for (s, o) in chosen {
        let triple = TokenTriple {
            relation: 0,
            subject: TokenSpan::new(s.first, s.last + 1),
            object: TokenSpan::new(o.first, o.last + 1),
            score: if s.score < o.score { s.score } else { o.score },
        };
        if !found.contains(&triple) {
            found.push(triple);
        }
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then((a.subject, a.object).cmp(&(b.subject, b.object))));
    found
}

/// Returns the triples of probabilities.
pub fn nearest(rows: &[[f32; 4]], mask: Option<&[bool]>, setting: &Setting) -> Vec<TokenTriple> {
    let found = pairs(rows, mask, setting.threshold, setting);
    if !setting.at_least_one || !found.is_empty() {
        return found;
    }
    let mut levels = rows.as_flattened().to_vec();
    levels.retain(|&score| 0.0 < score && score < setting.threshold);
    levels.sort_by(|a, b| b.total_cmp(a));
    levels.dedup();
    let found = levels.into_iter().map(|level| pairs(rows, mask, level, setting)).find(|found| !found.is_empty());
    found.and_then(|found| found.into_iter().reduce(better)).into_iter().collect()
}

/// Returns the better of two pairs.
fn better(a: TokenTriple, b: TokenTriple) -> TokenTriple {
    if a.score != b.score {
        return if a.score > b.score { a } else { b };
    }
    let ends = |triple: TokenTriple| [triple.subject, triple.object].map(|span| (span.start, span.end));
    if comes_first(ends(a), ends(b)) { a } else { b }
}

/// Returns whether `at_least_one` prefers the subject and object of `a` to those of `b` if their scores are equal.
pub fn comes_first(a: [(usize, usize); 2], b: [(usize, usize); 2]) -> bool {
    let distance =
        |[subject, object]: [(usize, usize); 2]| (subject.1 - 1..object.0).len().max((object.1 - 1..subject.0).len());
    if distance(a) != distance(b) {
        return distance(a) < distance(b);
    }
    for (of_a, of_b) in a.into_iter().zip(b) {
        if of_a.0 != of_b.0 {
            return of_a.0 < of_b.0;
        }
        if of_a.1 != of_b.1 {
            return of_a.1 > of_b.1;
        }
    }
    true
}
