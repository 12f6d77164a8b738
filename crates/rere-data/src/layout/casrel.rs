//! Labels of P2: the subjects of a sentence, then the objects of each subject and relation (CasRel, Wei et al. 2020).

use std::collections::BTreeSet;

use rere_core::TokenSpan;

use super::LocatedTriple;

/// Returns the spans of all subjects, sorted, without repetitions. Their [`span_marks`](super::span_marks) are the
/// labels of step one.
///
/// # Limits
/// Decoding ends a span at the nearest last token at or after its first token. Therefore a triple is lost if
/// - another subject ends inside its subject;
/// - another object of the same subject and relation ends inside its object, which is then cut there;
/// - its subject and object have only one span, which is the same.
pub fn casrel_subjects(triples: &[LocatedTriple]) -> Vec<TokenSpan> {
    let subjects: BTreeSet<TokenSpan> = triples.iter().flat_map(|triple| triple.subjects.iter().copied()).collect();
    subjects.into_iter().collect()
}

/// Returns the labels of step two for one subject: pairs of token and column, sorted, without repetitions.
///
/// Column `2r` is the first token of an object of relation `r`, and column `2r + 1` its last token. Objects with the
/// subject's span are left out.
pub fn casrel_objects(triples: &[LocatedTriple], subject: TokenSpan) -> Vec<(usize, usize)> {
    let of_subject = triples.iter().filter(|triple| triple.subjects.contains(&subject));
    let objects = of_subject.flat_map(|triple| triple.objects.iter().map(|&object| (triple.relation, object)));
    let marks: BTreeSet<(usize, usize)> = objects
        .filter(|&(_, object)| object != subject && !object.is_empty())
        .flat_map(|(relation, object)| [(object.start, 2 * relation), (object.end - 1, 2 * relation + 1)])
        .collect();
    marks.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_those_of_the_subject() {
        let span = TokenSpan::new;
        let triples = [
            LocatedTriple { relation: 1, subjects: vec![span(0, 2), span(7, 8)], objects: vec![span(4, 6)] },
            LocatedTriple { relation: 0, subjects: vec![span(0, 2)], objects: vec![span(0, 2), span(9, 10)] },
        ];
        assert_eq!(casrel_subjects(&triples), [span(0, 2), span(7, 8)]);
        assert_eq!(casrel_objects(&triples, span(0, 2)), [(4, 2), (5, 3), (9, 0), (9, 1)]);
        assert_eq!(casrel_objects(&triples, span(7, 8)), [(4, 2), (5, 3)]);
        assert_eq!(casrel_objects(&triples, span(4, 6)), []);
    }
}
