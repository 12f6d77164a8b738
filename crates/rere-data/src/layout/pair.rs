//! P1: the mentions of a sentence, and the relations of each pair of them (pair classification).

use std::collections::{BTreeMap, BTreeSet};

use rere_core::TokenSpan;

use super::LocatedTriple;

/// All places of subjects and objects, in order, each once: the mentions whose pairs are classified.
pub fn pair_mentions(triples: &[LocatedTriple]) -> Vec<TokenSpan> {
    let places = triples.iter().flat_map(|triple| triple.subjects.iter().chain(&triple.objects));
    places.copied().collect::<BTreeSet<_>>().into_iter().collect()
}

/// The positive labels of the ordered pairs of different mentions: the subject's position among `mentions`, the object's, and the
/// relation, in order, each once. Every pair that is not listed has no relation.
///
/// `mentions` are those of [`pair_mentions`], or others that a system proposes. A triple has a label for each pair of its places
/// that are among them.
///
/// # What pairs cannot express
/// A mention is no pair with itself: a triple is lost if its subject and object have only one place and it is the same.
/// Everything else comes back as it was.
pub fn pair_labels(triples: &[LocatedTriple], mentions: &[TokenSpan]) -> Vec<(usize, usize, usize)> {
    let positions: BTreeMap<TokenSpan, usize> = mentions.iter().copied().zip(0..).collect();
    let at = |places: &[TokenSpan]| places.iter().filter_map(|place| positions.get(place).copied()).collect::<Vec<_>>();
    let mut labels = BTreeSet::new();
    for triple in triples {
        let objects = at(&triple.objects);
        for subject in at(&triple.subjects) {
            let others = objects.iter().filter(|&&object| object != subject);
            labels.extend(others.map(|&object| (subject, object, triple.relation)));
        }
    }
    labels.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_of_places_have_the_relations_of_their_triples() {
        let span = TokenSpan::new;
        let triples = [
            LocatedTriple { relation: 1, subjects: vec![span(0, 2), span(7, 8)], objects: vec![span(4, 6)] },
            LocatedTriple { relation: 0, subjects: vec![span(4, 6)], objects: vec![span(0, 2), span(4, 6)] },
            LocatedTriple { relation: 0, subjects: vec![span(0, 2)], objects: vec![span(4, 6)] },
        ];
        let mentions = pair_mentions(&triples);
        assert_eq!(mentions, [span(0, 2), span(4, 6), span(7, 8)]);
        assert_eq!(pair_labels(&triples, &mentions), [(0, 1, 0), (0, 1, 1), (1, 0, 0), (2, 1, 1)]);
        // Of mentions in any order, with one that no triple has and without one that a triple has.
        assert_eq!(pair_labels(&triples, &[span(4, 6), span(5, 6), span(0, 2)]), [(0, 2, 0), (2, 0, 0), (2, 0, 1)]);
        assert_eq!((pair_mentions(&[]), pair_labels(&[], &[])), (vec![], vec![]));
    }
}
