//! Labels of P3, step one: the relations of a sentence (RERE paper, Eq. 3).

use super::{LocatedTriple, sorted};

/// Returns the labels of the relations of a sentence, sorted, without repetitions.
pub fn relation_labels(triples: &[LocatedTriple]) -> Vec<usize> {
    sorted(triples.iter().map(|triple| triple.relation))
}

#[cfg(test)]
mod tests {
    use rere_core::TokenSpan;

    use super::*;

    #[test]
    fn each_relation_once() {
        let triple = |relation| {
            let spans = vec![TokenSpan::new(0, 1)];
            LocatedTriple { relation, subjects: spans.clone(), objects: spans }
        };
        assert_eq!(relation_labels(&[triple(3), triple(1), triple(3)]), [1, 3]);
        assert_eq!(relation_labels(&[]), [0usize; 0]);
    }
}
