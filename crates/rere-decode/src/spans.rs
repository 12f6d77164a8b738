//! Spans from start and end pointers.

use rere_core::TokenSpan;

use crate::PointerScores;

/// The rule that matches starts with ends.
///
/// ```
/// use rere_decode::{Decoder, Nearest, PointerScores, Probability, SpanRule, TokenSpan};
///
/// #[rustfmt::skip]
/// let scores = [
///     0.9, 0.0, 0.0, 0.0, // subject start
///     0.0, 0.6, 0.0, 0.0, // subject end, the nearest
///     0.0, 0.8, 0.0, 0.0, // subject end, the best
///     0.0, 0.0, 0.7, 0.7, // object
/// ];
/// let scores = PointerScores::new(&scores, 4)?;
/// let nearest = Nearest::new(Probability::new(0.5)?);
/// for (rule, subject) in [(SpanRule::NearestEnd, TokenSpan::new(0, 2)), (SpanRule::BestEnd, TokenSpan::new(0, 3))] {
///     let mut found = Vec::new();
///     nearest.clone().with_spans(rule).decode(scores, &mut Default::default(), &mut found);
///     assert_eq!(found[0].subject, subject);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SpanRule {
    /// Each start takes the nearest end at or after it (the RERE paper, Section 4.2). Two starts may share an end.
    #[default]
    NearestEnd,
    /// Each start takes the end at or after it with the highest score; of equal ones the nearest.
    BestEnd,
    /// Each start takes every end at or after it. Of all spans of a role, the given number with the best product of start
    /// and end are kept.
    Best(usize),
}

/// A score at or over the threshold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit {
    pub(crate) token: usize,
    /// On the scale of the scores.
    pub(crate) score: f32,
}

/// A run of tokens that the pointers of one role mark.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Run {
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// Lower one of its two scores, on their scale.
    pub(crate) score: f32,
}

impl Run {
    pub(crate) fn span(self) -> TokenSpan {
        TokenSpan::new(self.first, self.last + 1)
    }

    pub(crate) fn same_tokens(self, other: Self) -> bool {
        (self.first, self.last) == (other.first, other.last)
    }
}

/// Hits of each column, in the order of the tokens.
pub(crate) type Hits = [Vec<Hit>; 4];

/// Rows that are compared together. Nearly all blocks are under the threshold, so one branch for each is enough.
const BLOCK: usize = 4;

/// Finds all scores at or over `threshold`, which is on the scale of the scores.
pub(crate) fn scan(scores: PointerScores<'_>, threshold: f32, hits: &mut Hits) {
    hits.iter_mut().for_each(Vec::clear);
    let (blocks, rest) = scores.rows().as_chunks::<BLOCK>();
    for (block, rows) in blocks.iter().enumerate() {
        if rows.as_flattened().iter().fold(false, |any, &score| any | (score >= threshold)) {
            scan_rows(rows, block * BLOCK, threshold, hits);
        }
    }
    scan_rows(rest, blocks.len() * BLOCK, threshold, hits);
    if let Some(mask) = scores.mask() {
        hits.iter_mut().for_each(|hits| hits.retain(|hit| mask[hit.token]));
    }
}

fn scan_rows(rows: &[[f32; 4]], first: usize, threshold: f32, hits: &mut Hits) {
    for (token, row) in (first..).zip(rows) {
        for (hits, &score) in hits.iter_mut().zip(row) {
            if score >= threshold {
                hits.push(Hit { token, score });
            }
        }
    }
}

/// A span rule and the longest span.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpanBuilder {
    pub(crate) rule: SpanRule,
    /// Most tokens of a span.
    pub(crate) longest: usize,
}

/// Reusable memory of [`SpanBuilder::build`].
#[derive(Debug, Default)]
pub(crate) struct SpanScratch {
    /// For each token, the next excluded one at or after it; empty without a mask.
    barriers: Vec<usize>,
    candidates: Vec<(f32, Run)>,
}

impl SpanScratch {
    /// Sets the mask of a sentence.
    pub(crate) fn set_mask(&mut self, mask: Option<&[bool]>) {
        self.barriers.clear();
        let Some(mask) = mask else { return };
        self.barriers.resize(mask.len(), mask.len());
        let mut next = mask.len();
        for (token, barrier) in self.barriers.iter_mut().enumerate().rev() {
            next = if mask[token] { next } else { token };
            *barrier = next;
        }
    }
}

impl SpanBuilder {
    /// Replaces `runs` by the spans of a role, sorted by start, then by end. With [`SpanRule::NearestEnd`] no two have
    /// the same start, and the ends are in order as well.
    pub(crate) fn build(
        self,
        starts: &[Hit],
        ends: &[Hit],
        probability: impl Fn(f32) -> f32,
        scratch: &mut SpanScratch,
        runs: &mut Vec<Run>,
    ) {
        runs.clear();
        let SpanScratch { barriers, candidates } = scratch;
        let run = |start: Hit, end: Hit| Run { first: start.token, last: end.token, score: start.score.min(end.score) };
        let fits = |start: Hit, end: Hit| {
            end.token - start.token < self.longest
                && barriers.get(start.token).is_none_or(|&barrier| end.token < barrier)
        };
        let mut ends = ends;
        for &start in starts {
            // Ends before this start are before the later starts too.
            while let [end, rest @ ..] = ends
                && end.token < start.token
            {
                ends = rest;
            }
            let within = ends.iter().copied().take_while(|&end| fits(start, end));
            match self.rule {
                SpanRule::NearestEnd => runs.extend(within.take(1).map(|end| run(start, end))),
                SpanRule::BestEnd => {
                    let best = within.reduce(|best, end| if end.score > best.score { end } else { best });
                    runs.extend(best.map(|end| run(start, end)));
                }
                SpanRule::Best(_) => {
                    let product = |end: Hit| probability(start.score) * probability(end.score);
                    candidates.extend(within.map(|end| (product(end), run(start, end))));
                }
            }
        }
        if let SpanRule::Best(count) = self.rule {
            let tokens = |run: &Run| (run.first, run.last);
            candidates.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then_with(|| tokens(&a.1).cmp(&tokens(&b.1))));
            runs.extend(candidates.drain(..).take(count).map(|(_, run)| run));
            runs.sort_unstable_by_key(tokens);
        }
    }
}
