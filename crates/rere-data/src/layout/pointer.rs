//! Labels of P3, step two: the subjects and objects of a relation as four pointers (RERE paper, Eq. 4).

use rere_core::TokenSpan;

use super::{LocatedTriple, sorted};

/// Returns the first and last tokens of all mentions in one relation's triples: subject starts, subject ends, object
/// starts, object ends.
///
/// Positions are sorted, without repetitions. An end is the last token, not the token after it.
///
/// # Limits
/// Pointers cannot express
/// - a span inside which another one of the same relation and role ends, because decoding ends a span at the nearest
///   last token at or after its first token;
/// - which subject and object belong together if a relation has several. Decoding pairs the nearest ones, which loses
///   triples and yields wrong ones. A relation's only triple is always decoded if its subject and object have one span
///   each;
/// - a triple whose subject and object have only one span, which is the same.
pub fn pointer_marks<'a>(triples: impl IntoIterator<Item = &'a LocatedTriple>) -> [Vec<usize>; 4] {
    let (mut subjects, mut objects) = (Vec::new(), Vec::new());
    for triple in triples {
        subjects.extend_from_slice(&triple.subjects);
        objects.extend_from_slice(&triple.objects);
    }
    let ([subject_starts, subject_ends], [object_starts, object_ends]) = (span_marks(&subjects), span_marks(&objects));
    [subject_starts, subject_ends, object_starts, object_ends]
}

/// Returns the first and last tokens of spans, sorted, without repetitions.
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
