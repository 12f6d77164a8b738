//! Labels of P1: the relations of each pair of mentions (pair classification).

use std::collections::{BTreeMap, BTreeSet};

use rere_core::TokenSpan;

use super::LocatedTriple;

/// Returns the spans of all subjects and objects, sorted, without repetitions. Pair classification classifies their
/// pairs.
pub fn pair_mentions(triples: &[LocatedTriple]) -> Vec<TokenSpan> {
    let spans = triples.iter().flat_map(|triple| triple.subjects.iter().chain(&triple.objects));
    spans.copied().collect::<BTreeSet<_>>().into_iter().collect()
}

/// Returns the positive labels of ordered pairs of mentions: the positions of subject and object in `mentions`, and the
/// relation; sorted, without repetitions. All other pairs have no relation.
///
/// `mentions` are those of [`pair_mentions`], or others that a system proposes. A triple has a label for each pair of
/// its spans among them.
///
/// # Limits
/// A triple is lost if its subject and object have only one span, which is the same. All other triples can be
/// expressed.
pub fn pair_labels(triples: &[LocatedTriple], mentions: &[TokenSpan]) -> Vec<(usize, usize, usize)> {
    let positions: BTreeMap<TokenSpan, usize> = mentions.iter().copied().zip(0..).collect();
    let positions_of =
        |spans: &[TokenSpan]| spans.iter().filter_map(|span| positions.get(span).copied()).collect::<Vec<_>>();
    let mut labels = BTreeSet::new();
    for triple in triples {
        let objects = positions_of(&triple.objects);
        for subject in positions_of(&triple.subjects) {
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
    fn pairs_have_the_relations_of_their_triples() {
        let span = TokenSpan::new;
        let triples = [
            LocatedTriple { relation: 1, subjects: vec![span(0, 2), span(7, 8)], objects: vec![span(4, 6)] },
            LocatedTriple { relation: 0, subjects: vec![span(4, 6)], objects: vec![span(0, 2), span(4, 6)] },
            LocatedTriple { relation: 0, subjects: vec![span(0, 2)], objects: vec![span(4, 6)] },
        ];
        let mentions = pair_mentions(&triples);
        assert_eq!(mentions, [span(0, 2), span(4, 6), span(7, 8)]);
        assert_eq!(pair_labels(&triples, &mentions), [(0, 1, 0), (0, 1, 1), (1, 0, 0), (2, 1, 1)]);
        // Mentions in another order, with one that is in no triple and without one that is in a triple.
        assert_eq!(pair_labels(&triples, &[span(4, 6), span(5, 6), span(0, 2)]), [(0, 2, 0), (2, 0, 0), (2, 0, 1)]);
        assert_eq!((pair_mentions(&[]), pair_labels(&[], &[])), (vec![], vec![]));
    }
}
