//! P3, step two: the subjects and objects of a relation as four pointers (RERE's paper, Eq. 4).

use rere_core::TokenSpan;

use super::{LocatedTriple, sorted};

/// First and last tokens of all mentions of one relation's triples: subject starts, subject ends, object starts, object ends.
/// Each position once, in order; an end is the last token itself.
///
/// # What pointers cannot express
/// - A span inside which another one of its relation and role ends: decoding ends a span at the nearest last token at or after its
///   first.
/// - Which subject and object belong together if a relation has several. Decoding pairs the nearest ones, so that triples are lost
///   and others come up. The only triple of a relation always comes back if its subject and its object have one place each.
/// - A triple whose subject and object have only one place if it is the same.
pub fn pointer_marks<'a>(triples: impl IntoIterator<Item = &'a LocatedTriple>) -> [Vec<usize>; 4] {
    let (mut subjects, mut objects) = (Vec::new(), Vec::new());
    for triple in triples {
        subjects.extend_from_slice(&triple.subjects);
        objects.extend_from_slice(&triple.objects);
    }
    let ([subject_starts, subject_ends], [object_starts, object_ends]) = (span_marks(&subjects), span_marks(&objects));
    [subject_starts, subject_ends, object_starts, object_ends]
}

/// First and last tokens of spans, each once, in order.
pub fn span_marks(spans: &[TokenSpan]) -> [Vec<usize>; 2] {
    [sorted(spans.iter().map(|span| span.start)), sorted(spans.iter().filter_map(|span| span.end.checked_sub(1)))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_mentions_are_marked() {
        let span = |(start, end)| TokenSpan::new(start, end);
        let triple = |subjects: &[(usize, usize)], objects: &[(usize, usize)]| LocatedTriple {
            relation: 0,
            subjects: subjects.iter().copied().map(span).collect(),
            objects: objects.iter().copied().map(span).collect(),
        };
        let triples = [triple(&[(0, 2), (6, 7)], &[(3, 4)]), triple(&[(0, 1)], &[(3, 9), (8, 9)])];
        assert_eq!(pointer_marks(&triples), [vec![0, 6], vec![0, 1, 6], vec![3, 8], vec![3, 8]]);
    }
}
