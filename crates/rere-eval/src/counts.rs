//! Counts of triples, and counting equal keys of one sentence.

use std::{
    hash::{BuildHasher, Hash},
    iter::Sum,
    ops::{Add, AddAssign},
};

use rustc_hash::FxBuildHasher;
use serde::Serialize;

/// Numbers of triples, no triple of a sentence counted twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
pub struct Counts {
    /// Triples that are both predicted and gold.
    pub true_positives: usize,
    /// Predicted triples.
    pub predicted: usize,
    /// Gold triples.
    pub gold: usize,
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            true_positives: self.true_positives + other.true_positives,
            predicted: self.predicted + other.predicted,
            gold: self.gold + other.gold,
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Add::add)
    }
}

/// Gives `each` counts by class. Each side is a list of keys and classes; an item without a key counts, and is right
/// nowhere.
///
/// Where `repeats` is false, equal keys of a side are one; else each counts, and makes one of the other side right.
/// A key has the class of its gold items, or of its predicted ones where it is not gold, so that equal keys are counted
/// together; of different classes it has the greatest. The order of the items does not matter. A class may come several
/// times.
pub(crate) fn tally<K: Ord + Hash, C: Copy + Ord>(
    gold: impl IntoIterator<Item = (Option<K>, C)>,
    predicted: impl IntoIterator<Item = (Option<K>, C)>,
    repeats: bool,
    mut each: impl FnMut(C, Counts),
) {
    let (gold, predicted) = (gold.into_iter(), predicted.into_iter());
    // Sentences have few triples: sorting them takes less than a table of them, and sorting by a hash less than by strings. Of
    // equal keys the gold ones come first, those of the greatest class last.
    let mut keyed = Vec::with_capacity(gold.size_hint().0 + predicted.size_hint().0);
    for (key, class) in gold {
        match key {
            Some(key) => keyed.push((FxBuildHasher.hash_one(&key), key, false, class)),
            None => each(class, Counts { gold: 1, ..Counts::default() }),
        }
    }
    for (key, class) in predicted {
        match key {
            Some(key) => keyed.push((FxBuildHasher.hash_one(&key), key, true, class)),
            None => each(class, Counts { predicted: 1, ..Counts::default() }),
        }
    }
    keyed.sort_unstable();
    let most = if repeats { usize::MAX } else { 1 };
    for equal in keyed.chunk_by(|a, b| a.0 == b.0 && a.1 == b.1) {
        let gold = equal.partition_point(|(_, _, is_predicted, _)| !is_predicted);
        let last = if gold > 0 { gold } else { equal.len() } - 1;
        let (gold, predicted) = (gold.min(most), (equal.len() - gold).min(most));
        each(equal[last].3, Counts { true_positives: gold.min(predicted), predicted, gold });
    }
}
