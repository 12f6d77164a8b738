//! From pointers to spans: which starts go with which ends.

use rere_core::TokenSpan;

use crate::PointerScores;

/// Which end a start takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SpanRule {
    /// The nearest end at or after it (the RERE paper, Section 4.2). Two starts may share an end.
    #[default]
    NearestEnd,
    /// The end at or after it with the highest score, of equal ones the nearest: with the start given, that is the end
    /// with the best product of both.
    BestEnd,
    /// Every end at or after it, the pairs of a role with the best product of start and end, this many.
    Best(usize),
}

/// A score at or over the threshold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit {
    pub(crate) token: usize,
    /// On the scale of the scores.
    pub(crate) score: f32,
}

/// A run of tokens that one role's pointers mark.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Run {
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// The smaller of its two scores, on their scale.
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

/// The hits of each column, in the order of the tokens.
pub(crate) type Hits = [Vec<Hit>; 4];

/// Rows that are looked at together: nearly all hold no hit, which is seen without a branch for each score.
const BLOCK: usize = 4;

/// Finds all scores at or over `threshold`, on the scale of the scores.
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

/// How the spans of a role are made of its starts and ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpanBuilder {
    pub(crate) rule: SpanRule,
    /// The most tokens of a span.
    pub(crate) longest: usize,
}

/// Memory of [`SpanBuilder::build`].
#[derive(Debug, Default)]
pub(crate) struct SpanScratch {
    /// For each token the next one at or after it that is masked; empty without a mask.
    barriers: Vec<usize>,
    candidates: Vec<(f32, Run)>,
}

impl SpanScratch {
    /// Makes ready for the spans of a sentence.
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
    /// Replaces `runs` by the spans of a role, in the order of their starts, then of their ends. Under
    /// [`SpanRule::NearestEnd`] no two have the same start, and ends are in order as well.
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
            // What lies before this start lies before the later ones too.
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
            let place = |run: &Run| (run.first, run.last);
            candidates.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then_with(|| place(&a.1).cmp(&place(&b.1))));
            runs.extend(candidates.drain(..).take(count).map(|(_, run)| run));
            runs.sort_unstable_by_key(place);
        }
    }
}
