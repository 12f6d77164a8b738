//! Labels of TPLinker: links between tokens (Wang et al. 2020).

use std::collections::BTreeSet;

use super::LocatedTriple;

/// Returns the marked cells of a handshaking table: a pair of tokens `(i, j)` with `i <= j`, and a column; sorted,
/// without repetitions.
///
/// Column 0 marks the first and last token of an entity. Relation `r` has four columns, for the first or last tokens of
/// a triple's subject and object:
///
/// | column | `i` is of | `j` is of | tokens |
/// |---|---|---|---|
/// | 1 + 4r | subject | object | first |
/// | 2 + 4r | object | subject | first |
/// | 3 + 4r | subject | object | last |
/// | 4 + 4r | object | subject | last |
///
/// If the two tokens are the same, columns 1 + 4r and 3 + 4r are marked. Each span of a subject is linked with each
/// other span of the object. `rere_decode::handshake_row` returns the row of a pair.
///
/// # Limits
/// A triple is lost only if its subject and object have only one span, which is the same. However, decoding can yield
/// additional triples: cells do not record their triples, so a subject and an object are also joined if one triple of
/// the relation links their first tokens and another one their last tokens. This needs two entities with the same first
/// token and two with the same last token.
pub fn handshake_cells(triples: &[LocatedTriple]) -> Vec<((usize, usize), usize)> {
    let mut cells = BTreeSet::new();
    for LocatedTriple { relation, subjects, objects } in triples {
        for span in subjects.iter().chain(objects).filter(|span| !span.is_empty()) {
            cells.insert(((span.start, span.end - 1), 0));
        }
        for subject in subjects.iter().filter(|span| !span.is_empty()) {
            for object in objects.iter().filter(|&span| !span.is_empty() && span != subject) {
                cells.insert(link(subject.start, object.start, 1 + 4 * relation));
                cells.insert(link(subject.end - 1, object.end - 1, 3 + 4 * relation));
            }
        }
    }
    cells.into_iter().collect()
}

/// Returns the cell that links a token of a subject with one of an object: in column `forward`, or in the next column
/// if the object's token comes first.
fn link(subject: usize, object: usize, forward: usize) -> ((usize, usize), usize) {
    if subject <= object { ((subject, object), forward) } else { ((object, subject), forward + 1) }
}

#[cfg(test)]
mod tests {
    use rere_core::TokenSpan;

    use super::*;

    #[test]
    fn cells_are_those_of_the_paper() {
        let span = TokenSpan::new;
        let triples = [
            // The object is before the subject; one span of the object is that of the subject.
            LocatedTriple { relation: 0, subjects: vec![span(3, 5)], objects: vec![span(0, 1), span(3, 5)] },
            // The object is inside the subject and has the same last token.
            LocatedTriple { relation: 1, subjects: vec![span(3, 5)], objects: vec![span(4, 5)] },
        ];
        let cells = [
            ((0, 0), 0), // object
            ((0, 3), 2),
            ((0, 4), 4),
            ((3, 4), 0), // subject
            ((3, 4), 5),
            ((4, 4), 0), // object in the subject
            ((4, 4), 7),
        ];
        assert_eq!(handshake_cells(&triples), cells);
        assert_eq!(handshake_cells(&[]), []);
    }
}
