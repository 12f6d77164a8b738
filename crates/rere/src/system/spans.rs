//! Spans and subsets of scores that several systems share.

use std::collections::BTreeSet;

use burn::tensor::{Device, Tensor, TensorData};
use rere_core::{Probability, TokenSpan};
use rere_data::SENTENCE_EXTRA;
use rere_decode::{CasRel, CasRelScratch, Scale, ScoredSpan, TableScores};

/// The first token of the sentence in a row, after `[CLS]`.
pub(super) const FIRST: usize = 1;

/// Returns the states of a batch's text tokens, `[rows, tokens, hidden]`, from those of inputs `[CLS] text [SEP]`. The tokens of
/// shorter rows are followed by states that mean nothing.
pub(super) fn sentence_states(hidden: Tensor<3>) -> Tensor<3> {
    let [_, width, _] = hidden.dims();
    hidden.narrow(1, FIRST, width - SENTENCE_EXTRA)
}

/// The most spans of a window; the best are kept. An untrained network may mark every token.
const MOST_SPANS: usize = 40;

/// Returns the spans of logits of starts and ends, `[tokens, 2]`, at all given thresholds; none if a score is NaN.
pub(super) fn spans_at(logits: &[f32], thresholds: &[Probability]) -> Vec<TokenSpan> {
    let Ok(table) = TableScores::new(logits, logits.len() / 2, 2, Scale::Logit) else { return Vec::new() };
    let (mut scratch, mut found) = (CasRelScratch::default(), Vec::<ScoredSpan>::new());
    for &threshold in thresholds {
        // The table has two columns, so this cannot fail.
        _ = CasRel::new(threshold, threshold).subjects(table, &mut scratch, &mut found);
    }
    found.sort_by(|a, b| b.score.cmp(&a.score).then(a.span.cmp(&b.span)));
    let mut seen = BTreeSet::new();
    found.into_iter().map(|subject| subject.span).filter(|&span| seen.insert(span)).take(MOST_SPANS).collect()
}

/// Returns the weight of each token of a row in the mean of each span, `[rows, most, width]`. A row with fewer than `most`
/// spans has zeros for the others, and so has an empty span. `first` is the position of the sentence in a row.
pub(super) fn mean_weights(
    spans: &[Vec<TokenSpan>],
    most: usize,
    width: usize,
    first: usize,
    device: &Device,
) -> Tensor<3> {
    let mut weights = vec![0f32; spans.len() * most * width];
    for (row, spans) in spans.iter().enumerate() {
        for (number, span) in spans.iter().enumerate() {
            let first = (row * most + number) * width + first;
            weights[first + span.start..first + span.end].fill(1.0 / span.len() as f32);
        }
    }
    Tensor::from_data(TensorData::new(weights, [spans.len(), most, width]), device)
}

/// Keeps the `most` items with the highest scores, in their order; of equal ones the first. NaN counts as the highest score, so
/// that it is reported.
pub(super) fn keep_best<T>(items: &mut Vec<T>, most: usize, score: impl Fn(&T) -> f32) {
    let Some(last) = most.checked_sub(1).filter(|_| items.len() > most) else { return };
    let key = |item: &T| {
        let score = score(item);
        if score.is_nan() { f32::INFINITY } else { score }
    };
    let mut scores: Vec<f32> = items.iter().map(key).collect();
    let (better, &mut least, _) = scores.select_nth_unstable_by(last, |a, b| b.total_cmp(a));
    let mut equal = most - better.iter().filter(|&&score| score > least).count();
    items.retain(|item| {
        let score = key(item);
        let is_equal = score == least && equal > 0;
        equal -= usize::from(is_equal);
        score > least || is_equal
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_kept_in_their_order() {
        let kept = |items: &[f32], most| {
            let mut items = items.to_vec();
            keep_best(&mut items, most, |&score| score);
            items
        };
        assert_eq!(kept(&[0.3, 0.9, 0.1, 0.5], 2), [0.9, 0.5]);
        assert_eq!(kept(&[0.3, 0.9], 2), [0.3, 0.9]);
        assert_eq!(kept(&[], 2), [0f32; 0]);
        assert_eq!(kept(&[0.3, 0.9, 0.3, 0.1], 2), [0.3, 0.9]);
        assert_eq!(kept(&[0.3; 5], 2), [0.3, 0.3]);
        assert!(kept(&[0.3, f32::NAN, 0.9], 1)[0].is_nan());
    }
}
