//! Counts of triples, and the comparison of the keys of one sentence.

use std::{
    fmt,
    hash::{BuildHasher, Hash},
    iter::Sum,
    ops::{Add, AddAssign},
};

use rustc_hash::FxBuildHasher;
use serde::Serialize;

/// Numbers of true positives, predicted and gold triples.
///
/// Counts of sentences can be added and summed:
///
/// ```
/// use rere_eval::Counts;
///
/// let first = Counts { true_positives: 1, predicted: 2, gold: 1 };
/// let second = Counts { true_positives: 0, predicted: 1, gold: 3 };
/// let sum: Counts = [first, second].into_iter().sum();
/// assert_eq!(sum, first + second);
/// assert_eq!(sum.to_string(), "1 true positive, 3 predicted, 4 gold");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
pub struct Counts {
    /// Triples that are both predicted and gold.
    pub true_positives: usize,
    /// Predicted triples.
    pub predicted: usize,
    /// Gold triples.
    pub gold: usize,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.true_positives == 1 { "" } else { "s" };
        write!(f, "{} true positive{plural}, {} predicted, {} gold", self.true_positives, self.predicted, self.gold)
    }
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

/// Calls `each` with the counts of each class. Each side is a list of keys and classes. An item without a key is
/// counted, but is never a true positive.
///
/// If `repeats` is false, equal keys of a side count once. Otherwise each counts, and matches at most one of the other
/// side. A key has the class of its gold items, or of its predicted ones if it is not gold, so that equal keys are
/// counted together; if the classes differ it has the greatest. The order of the items does not matter. `each` can get
/// a class several times.
pub(crate) fn tally<K: Ord + Hash, C: Copy + Ord>(
    gold: impl IntoIterator<Item = (Option<K>, C)>,
    predicted: impl IntoIterator<Item = (Option<K>, C)>,
    repeats: bool,
    mut each: impl FnMut(C, Counts),
) {
    let (gold, predicted) = (gold.into_iter(), predicted.into_iter());
    // Sentences have few triples: sorting them is faster than filling a hash table, and sorting by hash is faster than
    // by string. Among equal keys the gold ones come first, and of these the one of the greatest class last.
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
    let limit = if repeats { usize::MAX } else { 1 };
    for equal in keyed.chunk_by(|a, b| a.0 == b.0 && a.1 == b.1) {
        let gold = equal.partition_point(|(_, _, is_predicted, _)| !is_predicted);
        let last = if gold > 0 { gold } else { equal.len() } - 1;
        let (gold, predicted) = (gold.min(limit), (equal.len() - gold).min(limit));
        each(equal[last].3, Counts { true_positives: gold.min(predicted), predicted, gold });
    }
}
