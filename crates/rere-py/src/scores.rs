//! Scores of predictions.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use rere_eval::{Match, Score, Side, TripleMatcher, count_all, count_by_relation, count_each, pair_sentences};
use serde_json::json;

use crate::{
    corpus::{sentences, to_json},
    error::OrRaise,
    process,
};

/// Returns micro precision, recall and F1 as JSON, of all triples and of each relation.
#[pyfunction]
pub fn evaluate(py: Python<'_>, gold: &str, predicted: &str, matcher: &str) -> PyResult<String> {
    process::enter()?;
    let matcher: Match = matcher.parse().or_raise()?;
    py.detach(|| {
        let (gold, predicted) = (sentences(gold)?, sentences(predicted)?);
        let pairs = pair_sentences(&gold, &predicted).or_raise()?;
        matcher.check((1..).zip(&gold), Side::Gold).or_raise()?;
        matcher.check((1..).zip(&predicted), Side::Predicted).or_raise()?;
        let by_relation: BTreeMap<_, _> = count_by_relation(&pairs, &matcher)
            .into_iter()
            .map(|(relation, counts)| (relation, Score::from_counts(counts)))
            .collect();
        to_json(&json!({"all": Score::from_counts(count_all(&pairs, &matcher)), "by_relation": by_relation}))
    })
}

/// Returns the comparison of two systems as JSON.
#[pyfunction]
#[allow(clippy::too_many_arguments, reason = "they are the arguments of the Python function")]
pub fn compare(
    py: Python<'_>,
    gold: &str,
    a: &str,
    b: &str,
    matcher: &str,
    rounds: usize,
    seed: u64,
    alpha: f64,
) -> PyResult<String> {
    process::enter()?;
    let matcher: Match = matcher.parse().or_raise()?;
    py.detach(|| {
        let gold = sentences(gold)?;
        matcher.check((1..).zip(&gold), Side::Gold).or_raise()?;
        let count = |predicted: &str| {
            let predicted = sentences(predicted)?;
            matcher.check((1..).zip(&predicted), Side::Predicted).or_raise()?;
            Ok::<_, PyErr>(count_each(&pair_sentences(&gold, &predicted).or_raise()?, &matcher))
        };
        to_json(&rere_eval::compare(&count(a)?, &count(b)?, rounds, seed, alpha).or_raise()?)
    })
}
