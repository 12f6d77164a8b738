//! Counting right triples.

use std::collections::HashSet;

use rere_core::{RelationSet, Sentence, Triple};

use crate::{Counts, EvalError, TripleMatcher, align};

/// The counts of one sentence: triples with equal keys are one, on either side.
pub fn count(gold: &[Triple], predicted: &[Triple], matcher: &impl TripleMatcher) -> Counts {
    let keys = |triples| -> HashSet<_> { <[Triple]>::iter(triples).map(|triple| matcher.key(triple)).collect() };
    let (gold, predicted) = (keys(gold), keys(predicted));
    Counts { right: gold.intersection(&predicted).count(), predicted: predicted.len(), gold: gold.len() }
}

/// The summed counts of sentences that [`align`](align()) paired, gold first.
pub fn count_all(aligned: &[(&Sentence, &Sentence)], matcher: &impl TripleMatcher) -> Counts {
    aligned.iter().map(|(gold, predicted)| count(&gold.triples, &predicted.triples, matcher)).sum()
}

/// The summed counts of all sentences: [`align`](align()), then [`count_all`].
///
/// # Errors
/// As [`align`](align()).
pub fn evaluate(gold: &[Sentence], predicted: &[Sentence], matcher: &impl TripleMatcher) -> Result<Counts, EvalError> {
    Ok(count_all(&align(gold, predicted)?, matcher))
}

/// Sees that every relation of the sentences' triples is in the set.
///
/// # Errors
/// [`EvalError::UnknownRelation`] at the first triple whose relation is not.
pub fn check_relations(sentences: &[Sentence], relations: &RelationSet) -> Result<(), EvalError> {
    for (position, sentence) in (1..).zip(sentences) {
        for Triple { relation, .. } in &sentence.triples {
            if relations.label(relation).is_none() {
                let (id, relation) = (sentence.id.clone(), relation.clone());
                return Err(EvalError::UnknownRelation { position, id, relation });
            }
        }
    }
    Ok(())
}
