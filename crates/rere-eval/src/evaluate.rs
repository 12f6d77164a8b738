//! Counting right triples.

use std::collections::{BTreeMap, HashSet};

use rere_core::{RelationSet, Sentence, Triple};

use crate::{Counts, EvalError, TripleMatcher, align};

/// The counts of one sentence: triples with equal keys are one, on either side.
pub fn count<'a>(
    gold: impl IntoIterator<Item = &'a Triple>,
    predicted: impl IntoIterator<Item = &'a Triple>,
    matcher: &impl TripleMatcher,
) -> Counts {
    let gold: HashSet<_> = gold.into_iter().map(|triple| matcher.key(triple)).collect();
    let predicted: HashSet<_> = predicted.into_iter().map(|triple| matcher.key(triple)).collect();
    Counts { right: gold.intersection(&predicted).count(), predicted: predicted.len(), gold: gold.len() }
}

/// The summed counts of sentences that [`align`](align()) paired, gold first.
pub fn count_all(aligned: &[(&Sentence, &Sentence)], matcher: &impl TripleMatcher) -> Counts {
    aligned.iter().map(|(gold, predicted)| count(&gold.triples, &predicted.triples, matcher)).sum()
}

/// The summed counts of each relation that either side has.
pub fn count_by_relation<'a>(
    aligned: &[(&'a Sentence, &'a Sentence)],
    matcher: &impl TripleMatcher,
) -> BTreeMap<&'a str, Counts> {
    let mut counts: BTreeMap<&str, Counts> = BTreeMap::new();
    for (gold, predicted) in aligned {
        let relations: HashSet<&str> =
            gold.triples.iter().chain(&predicted.triples).map(|triple| triple.relation.as_str()).collect();
        for relation in relations {
            let of = |sentence: &'a Sentence| sentence.triples.iter().filter(move |triple| triple.relation == relation);
            *counts.entry(relation).or_default() += count(of(gold), of(predicted), matcher);
        }
    }
    counts
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
