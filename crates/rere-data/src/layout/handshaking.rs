//! The links of token pairs (TPLinker, Wang et al. 2020).

use std::collections::BTreeSet;

use super::LocatedTriple;

/// The marked cells of a handshaking table: pair of tokens `(i, j)` with `i <= j`, and column, in order, each once.
///
/// Column 0 marks the first and the last token of an entity. Relation `r` has four more, for the first (or last) tokens of a
/// triple's subject and object:
///
/// | column | `i` is of | `j` is of | tokens |
/// |---|---|---|---|
/// | 1 + 4r | subject | object | first |
/// | 2 + 4r | object | subject | first |
/// | 3 + 4r | subject | object | last |
/// | 4 + 4r | object | subject | last |
///
/// If the two tokens are the same, columns 1 + 4r and 3 + 4r are marked. Each place of a subject is linked with each place of
/// the object, but for the place that is the subject itself. `rere_decode::handshake_row` gives the row of a pair.
///
/// # What the table cannot express
/// No triple is lost, unless its subject and object have only one place and it is the same. But triples can come up that are not
/// there. A cell says which tokens are linked, not by which triple, so a subject and an object of the table are joined when one
/// triple of the relation links their first tokens and another one their last tokens. This needs two entities with the same first
/// token and two with the same last token.
pub fn handshake_cells(triples: &[LocatedTriple]) -> Vec<((usize, usize), usize)> {
    let mut cells = BTreeSet::new();
    for LocatedTriple { relation, subjects, objects } in triples {
        for place in subjects.iter().chain(objects).filter(|place| !place.is_empty()) {
            cells.insert(((place.start, place.end - 1), 0));
        }
        for subject in subjects.iter().filter(|place| !place.is_empty()) {
            for object in objects.iter().filter(|&place| !place.is_empty() && place != subject) {
                cells.insert(link(subject.start, object.start, 1 + 4 * relation));
                cells.insert(link(subject.end - 1, object.end - 1, 3 + 4 * relation));
            }
        }
    }
    cells.into_iter().collect()
}

/// The cell that links a token of a subject with one of an object: in column `forward`, or in the next if the object's comes
/// first.
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
            // The object before the subject; one place of the object is the subject itself.
            LocatedTriple { relation: 0, subjects: vec![span(3, 5)], objects: vec![span(0, 1), span(3, 5)] },
            // The subject before the object, one in the other: the same last token.
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
