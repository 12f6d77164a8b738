//! The facts of a knowledge base, sorted by subject and object.

use std::{collections::HashMap, ops::Range};

/// Facts between numbered entities.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Position of each subject's first fact, and the number of facts at the end.
    starts: Vec<usize>,
    objects: Vec<usize>,
    labels: Vec<usize>,
}

impl Facts {
    /// Creates the facts of subjects below `entities` from triples of subject, object and label, which may repeat. The
    /// labels of a pair keep their order.
    pub fn new(entities: usize, mut facts: Vec<[usize; 3]>) -> Self {
        facts.sort_by_key(|&[subject, object, _]| (subject, object));
        let mut starts = Vec::with_capacity(entities + 1);
        let (mut objects, mut labels) = (Vec::with_capacity(facts.len()), Vec::with_capacity(facts.len()));
        for pair in facts.chunk_by(|a, b| a[..2] == b[..2]) {
            let first = labels.len();
            starts.resize(pair[0][0] + 1, first);
            for &[_, object, label] in pair {
                if !labels[first..].contains(&label) {
                    objects.push(object);
                    labels.push(label);
                }
            }
        }
        starts.resize(entities + 1, labels.len());
        Self { starts, objects, labels }
    }

    /// Returns the number of facts.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    fn of_subject(&self, subject: usize) -> Range<usize> {
        match (self.starts.get(subject), self.starts.get(subject.saturating_add(1))) {
            (Some(&start), Some(&end)) => start..end,
            _ => 0..0,
        }
    }

    /// Returns the labels from `subject` to `object`.
    pub fn between(&self, subject: usize, object: usize) -> &[usize] {
        let of_subject = self.of_subject(subject);
        let objects = &self.objects[of_subject.clone()];
        let [start, end] =
            [objects.partition_point(|&own| own < object), objects.partition_point(|&own| own <= object)];
        &self.labels[of_subject.start + start..of_subject.start + end]
    }

    /// Returns the object and the label of each fact of `subject`, sorted by the object.
    pub fn of(&self, subject: usize) -> impl Iterator<Item = (usize, usize)> {
        let range = self.of_subject(subject);
        self.objects[range.clone()].iter().copied().zip(self.labels[range].iter().copied())
    }

    /// Returns the objects of `subject` that are keys of `among`, in any order, each with the labels of the relations.
    pub fn among<T>(&self, subject: usize, among: &HashMap<usize, T>) -> Vec<(usize, &[usize])> {
        let range = self.of_subject(subject);
        // A sentence names few entities, but a country has thousands of objects; for a book it may be the reverse.
        if among.len() < range.len() {
            let known = among.keys().map(|&object| (object, self.between(subject, object)));
            known.filter(|(_, labels)| !labels.is_empty()).collect()
        } else {
            let mut at = range.start;
            let pairs = self.objects[range].chunk_by(|a, b| a == b).map(|objects| {
                at += objects.len();
                (objects[0], &self.labels[at - objects.len()..at])
            });
            pairs.filter(|(object, _)| among.contains_key(object)).collect()
        }
    }

    /// Divides the facts into those for which `is_first` returns true, and the others.
    pub fn partition(self, mut is_first: impl FnMut(usize, usize, usize) -> bool) -> (Self, Self) {
        let (mut first, mut others) = (Self::default(), Self::default());
        for subject in 0..self.starts.len().saturating_sub(1) {
            for facts in [&mut first, &mut others] {
                facts.starts.push(facts.labels.len());
            }
            for (object, label) in self.of(subject) {
                let facts = if is_first(subject, label, object) { &mut first } else { &mut others };
                facts.objects.push(object);
                facts.labels.push(label);
            }
        }
        for facts in [&mut first, &mut others] {
            facts.starts.push(facts.labels.len());
        }
        (first, others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_found_by_subject_and_object() {
        let facts = Facts::new(5, vec![[3, 1, 7], [0, 2, 1], [3, 0, 2], [3, 1, 4], [3, 1, 7], [0, 2, 0]]);
        assert_eq!(facts.len(), 5);
        assert_eq!(
            (facts.between(3, 1), facts.between(0, 2), facts.between(3, 0)),
            (&[7, 4][..], &[1, 0][..], &[2][..])
        );
        for (subject, object) in [(0, 1), (1, 0), (4, 4), (5, 0), (usize::MAX, 0)] {
            assert_eq!(facts.between(subject, object), [0; 0]);
        }
        assert_eq!(facts.of(3).collect::<Vec<_>>(), [(0, 2), (1, 7), (1, 4)]);
        // Few keys are looked up, many are compared with the objects.
        for among in [vec![1], vec![0, 1, 2, 3, 4, 9]] {
            let mut found = facts.among(3, &among.iter().map(|&object| (object, ())).collect());
            found.sort_unstable();
            let all = [(0, &[2][..]), (1, &[7, 4][..])];
            assert_eq!(found, if among.len() == 1 { &all[1..] } else { &all[..] });
        }
        let (first, others) = facts.partition(|_, label, _| label < 3);
        assert_eq!((first.len(), others.len()), (3, 2));
        assert_eq!((first.between(3, 0), others.between(3, 0), others.between(3, 1)), (&[2][..], &[][..], &[7, 4][..]));
        assert_eq!(Facts::default().between(0, 0), [0; 0]);
    }
}
