//! Which predicted sentence belongs to which gold sentence.

use std::collections::HashMap;

use rere_core::Sentence;

use crate::{EvalError, Side};

/// Each gold sentence with its predicted one, in the order of the gold sentences.
///
/// By id where the sentences have ids, in any order; by order where no sentence of either side has one. Both sides
/// must have the same sentences with the same texts. Do this once, then count with as many matchers as wanted.
///
/// # Errors
/// Every way in which the sides do not agree is an [`EvalError`] of its own; nothing is left out.
pub fn align<'a>(
    gold: &'a [Sentence],
    predicted: &'a [Sentence],
) -> Result<Vec<(&'a Sentence, &'a Sentence)>, EvalError> {
    match (has_ids(gold, Side::Gold)?, has_ids(predicted, Side::Predicted)?) {
        (Some(true), Some(false)) => Err(EvalError::IdsOnOneSide { side: Side::Gold }),
        (Some(false), Some(true)) => Err(EvalError::IdsOnOneSide { side: Side::Predicted }),
        (Some(true), _) | (_, Some(true)) => by_id(gold, predicted),
        _ => by_order(gold, predicted),
    }
}

/// Whether all sentences of a side have ids, or none; `None` where there are no sentences.
fn has_ids(sentences: &[Sentence], side: Side) -> Result<Option<bool>, EvalError> {
    let Some(first) = sentences.first() else { return Ok(None) };
    match sentences.iter().position(|sentence| sentence.id.is_some() != first.id.is_some()) {
        Some(unlike) => Err(EvalError::MixedIds { side, position: unlike + 1, has_id: first.id.is_none() }),
        None => Ok(Some(first.id.is_some())),
    }
}

fn by_id<'a>(gold: &'a [Sentence], predicted: &'a [Sentence]) -> Result<Vec<(&'a Sentence, &'a Sentence)>, EvalError> {
    let gold_at = positions(gold, Side::Gold)?;
    let predicted_at = positions(predicted, Side::Predicted)?;
    let unknown = with_ids(predicted).find(|(_, id, _)| !gold_at.contains_key(id));
    if let Some((position, id, _)) = unknown {
        return Err(EvalError::UnknownSentence { id: id.to_owned(), position });
    }
    with_ids(gold)
        .map(|(position, id, sentence)| match predicted_at.get(id) {
            Some((_, prediction)) if prediction.text == sentence.text => Ok((sentence, *prediction)),
            Some(&(predicted, _)) => Err(EvalError::TextOfId { id: id.to_owned(), gold: position, predicted }),
            None => Err(EvalError::MissingSentence { id: id.to_owned(), position }),
        })
        .collect()
}

/// Position (from 1), id and sentence.
fn with_ids(sentences: &[Sentence]) -> impl Iterator<Item = (usize, &str, &Sentence)> {
    (1..).zip(sentences).filter_map(|(position, sentence)| Some((position, sentence.id.as_deref()?, sentence)))
}

fn positions(sentences: &[Sentence], side: Side) -> Result<HashMap<&str, (usize, &Sentence)>, EvalError> {
    let mut positions = HashMap::with_capacity(sentences.len());
    for (position, id, sentence) in with_ids(sentences) {
        if let Some((first, _)) = positions.insert(id, (position, sentence)) {
            return Err(EvalError::DuplicateId { side, id: id.to_owned(), first, position });
        }
    }
    Ok(positions)
}

fn by_order<'a>(
    gold: &'a [Sentence],
    predicted: &'a [Sentence],
) -> Result<Vec<(&'a Sentence, &'a Sentence)>, EvalError> {
    let pairs: Vec<_> = gold.iter().zip(predicted).collect();
    // First where the sides part, as that tells more than their numbers do.
    if let Some(different) = pairs.iter().position(|(gold, predicted)| gold.text != predicted.text) {
        return Err(EvalError::TextAt { position: different + 1 });
    }
    if gold.len() != predicted.len() {
        return Err(EvalError::SentenceCount { gold: gold.len(), predicted: predicted.len() });
    }
    Ok(pairs)
}
