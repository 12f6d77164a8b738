//! Labels of PRGC, step three: subjects and objects that belong together (Zheng et al. 2021).

use std::collections::BTreeSet;

use super::LocatedTriple;

/// Returns the first tokens of subject and object of each triple, whatever its relation; sorted, without repetitions. Each
/// span of a subject corresponds to each other span of the object.
///
/// The other labels of PRGC are [`relation_labels`](crate::relation_labels) and
/// [`pointer_marks`](crate::pointer_marks).
///
/// # Limits
/// A triple is lost only if its subject and object have only one span, which is the same, or if the nearest end of a
/// pointer is that of another mention. However, decoding can yield additional triples: correspondences have no relation
/// and no ends, so subjects and objects of one relation are also joined if another triple joins mentions with these first tokens.
pub fn correspondences(triples: &[LocatedTriple]) -> Vec<(usize, usize)> {
    let mut pairs = BTreeSet::new();
    for LocatedTriple { subjects, objects, .. } in triples {
        for subject in subjects {
            let others = objects.iter().filter(|&object| object != subject);
            pairs.extend(others.map(|object| (subject.start, object.start)));
        }
    }
    pairs.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use rere_core::TokenSpan;

    use super::*;

    #[test]
    fn first_tokens_correspond() {
        let span = TokenSpan::new;
        let triples = [
            LocatedTriple { relation: 1, subjects: vec![span(0, 2), span(7, 8)], objects: vec![span(4, 6)] },
            LocatedTriple { relation: 0, subjects: vec![span(4, 6)], objects: vec![span(0, 2), span(4, 6)] },
            LocatedTriple { relation: 0, subjects: vec![span(0, 2)], objects: vec![span(4, 6)] },
        ];
        assert_eq!(correspondences(&triples), [(0, 4), (4, 0), (7, 4)]);
        assert_eq!(correspondences(&[]), []);
    }
}
