//! Counting equal keys of one sentence.

use std::collections::HashMap;
use std::hash::Hash;

use crate::Counts;

/// Counts by class. Each side is a list of keys and classes; an item without a key counts, and is right nowhere.
///
/// Where `repeats` is false, equal keys of a side are one; else each counts, and makes one of the other side right.
/// A key has the class of its gold items, or of its predicted ones where it is not gold, so that equal keys are counted
/// together; of different classes it has the greatest. The order of the items does not matter. A class may come several
/// times in the result.
pub(crate) fn tally<K: Eq + Hash, C: Copy + Ord>(
    gold: impl IntoIterator<Item = (Option<K>, C)>,
    predicted: impl IntoIterator<Item = (Option<K>, C)>,
    repeats: bool,
) -> Vec<(C, Counts)> {
    let mut counts = Vec::new();
    // How often a key is gold and how often predicted, and its class there.
    let mut keyed: HashMap<K, [(usize, Option<C>); 2]> = HashMap::new();
    let mut add = |key, side: usize, class| {
        let (times, known) = &mut keyed.entry(key).or_default()[side];
        *times += 1;
        *known = (*known).max(Some(class));
    };
    for (key, class) in gold {
        match key {
            Some(key) => add(key, 0, class),
            None => counts.push((class, Counts { gold: 1, ..Counts::default() })),
        }
    }
    for (key, class) in predicted {
        match key {
            Some(key) => add(key, 1, class),
            None => counts.push((class, Counts { predicted: 1, ..Counts::default() })),
        }
    }
    let most = if repeats { usize::MAX } else { 1 };
    counts.extend(keyed.into_values().filter_map(|[(gold, of_gold), (predicted, of_predicted)]| {
        let (gold, predicted) = (gold.min(most), predicted.min(most));
        Some((of_gold.or(of_predicted)?, Counts { right: gold.min(predicted), predicted, gold }))
    }));
    counts
}
