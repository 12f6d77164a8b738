//! Labels of examples as arrays, for whatever computes a loss.

use ndarray::{Array2, Array3, Axis, Slice};

use crate::{EntityExample, RelationExample};

/// Targets of the relation classifier (RERE's paper, Eq. 3): `[examples, relations]`, 1 where a sentence has a relation, else 0.
///
/// # Panics
/// Where an example has a label that is not below `relations`.
pub fn relation_targets(examples: &[&RelationExample], relations: usize) -> Array2<f32> {
    let mut targets = Array2::zeros((examples.len(), relations));
    for (row, example) in examples.iter().enumerate() {
        for &label in &example.labels {
            targets[[row, label]] = 1.0;
        }
    }
    targets
}

/// Targets of the entity extractor (RERE's paper, Eq. 4), and which of them count: both `[examples, width, 4]`, where `width` is that
/// of the padded inputs and the last axis is subject starts, subject ends, object starts and object ends. Only the
/// sentence's own tokens count, not query, special tokens and padding.
///
/// # Panics
/// Where an example is longer than `width`.
pub fn entity_targets(examples: &[&EntityExample], width: usize) -> (Array3<f32>, Array3<bool>) {
    let shape = (examples.len(), width, 4);
    let (mut targets, mut mask) = (Array3::zeros(shape), Array3::from_elem(shape, false));
    for (row, example) in examples.iter().enumerate() {
        let mut own = mask.index_axis_mut(Axis(0), row);
        own.slice_axis_mut(Axis(0), Slice::from(example.context.clone())).fill(true);
        for (pointer, marks) in example.targets.iter().enumerate() {
            for token in marks {
                targets[[row, example.context.start + token, pointer]] = 1.0;
            }
        }
    }
    (targets, mask)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn relations_are_columns() {
        let example = |labels: &[usize]| RelationExample { sentence: 0, ids: vec![], labels: labels.to_vec() };
        let (one, none) = (example(&[0, 2]), example(&[]));
        assert_eq!(relation_targets(&[&one, &none], 3), array![[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]);
        assert_eq!(relation_targets(&[], 3).shape(), [0, 3]);
    }

    #[test]
    fn tokens_are_counted_from_the_context() {
        let example = EntityExample {
            sentence: 0,
            relation: 0,
            ids: vec![0; 6],
            context: 3..5,
            targets: [vec![0], vec![1], vec![], vec![0, 1]],
        };
        let (targets, mask) = entity_targets(&[&example], 7);
        let marks = [targets[[0, 3, 0]], targets[[0, 4, 1]], targets[[0, 3, 3]], targets[[0, 4, 3]]];
        assert_eq!((marks, targets.sum()), ([1.0; 4], 4.0));
        for pointer in 0..4 {
            let own: Vec<bool> = (0..7).map(|token| mask[[0, token, pointer]]).collect();
            assert_eq!(own, [false, false, false, true, true, false, false]);
        }
    }
}
