//! Two thresholds at once: on the score of the relation, and on that of the triple.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rere_core::Probability;
use serde::Serialize;

use super::relation::{best_of_each, f1_parts};
use crate::{Counts, Score};

/// What two thresholds are chosen by.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct JointScored {
    /// One item for each candidate triple: the score of its relation in the sentence, the score of the triple, and whether it is
    /// right.
    pub items: Vec<(f32, f32, bool)>,
    /// Number of gold triples, found or not.
    pub gold: usize,
}

/// A triple is kept where both scores are at or over these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct JointThresholds {
    /// For the score of the relation: what a sentence must have for its triples of the relation to be looked for.
    pub relation: Probability,
    /// For the score of the triple.
    pub triple: Probability,
}

/// The pair of thresholds with the highest micro F1, and the score there; `None` where it is best to keep nothing.
///
/// Exact: every pair of scores is tried, in O(n log n) for a round of the method of [`best_relation_thresholds`], of which there are
/// a few. A round takes the candidates by falling relation score into a tree over the triple scores that knows the best cut of
/// those that are in it. A triple must come once per sentence; of equal F1 that pair is taken which keeps the fewest.
/// Scores are taken as probabilities by [`Probability::saturating`].
///
/// [`best_relation_thresholds`]: crate::best_relation_thresholds
///
/// ```
/// use rere_eval::{JointScored, best_joint_thresholds};
///
/// // Neither score alone parts right from wrong.
/// let items = vec![(0.9, 0.8, true), (0.9, 0.2, false), (0.7, 0.6, true), (0.3, 0.9, false)];
/// let (thresholds, score) = best_joint_thresholds(&JointScored { items, gold: 2 });
/// let thresholds = thresholds.expect("something is kept");
/// assert_eq!((thresholds.relation.get(), thresholds.triple.get(), score.f1), (0.7, 0.6, 1.0));
/// ```
pub fn best_joint_thresholds(scored: &JointScored) -> (Option<JointThresholds>, Score) {
    let (mut thresholds, score) = best(std::slice::from_ref(&Candidates::of(scored)), scored.gold);
    (thresholds.pop().flatten(), score)
}

/// As [`best_joint_thresholds`], with a pair of thresholds for each relation, that have the highest micro F1 of all
/// relations together. What flatters a system in [`best_relation_thresholds`] does twice as much here: choose
/// on many sentences, and measure on others.
///
/// [`best_relation_thresholds`]: crate::best_relation_thresholds
pub fn best_joint_relation_thresholds<'a>(
    scored: &BTreeMap<&'a str, JointScored>,
) -> (BTreeMap<&'a str, Option<JointThresholds>>, Score) {
    let candidates: Vec<Candidates> = scored.values().map(Candidates::of).collect();
    let (thresholds, score) = best(&candidates, scored.values().map(|scored| scored.gold).sum());
    (scored.keys().copied().zip(thresholds).collect(), score)
}

/// The best thresholds of each group, and the score of all together.
fn best(groups: &[Candidates], gold: usize) -> (Vec<Option<JointThresholds>>, Score) {
    best_of_each(groups, gold, |candidates, counts| {
        let thresholds = candidates.best_at(counts);
        (thresholds, candidates.counts(thresholds))
    })
}

/// Candidates by falling relation score.
struct Candidates {
    items: Vec<Candidate>,
    /// The different triple scores, the highest first.
    triple_scores: Vec<Probability>,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    relation: Probability,
    /// Where the triple's score is among the different ones.
    rank: usize,
    right: bool,
}

impl Candidates {
    fn of(scored: &JointScored) -> Self {
        let mut triple_scores: Vec<_> =
            scored.items.iter().map(|&(_, triple, _)| Probability::saturating(triple)).collect();
        triple_scores.sort_unstable_by_key(|&score| Reverse(score));
        triple_scores.dedup();
        let candidate = |&(relation, triple, right): &(f32, f32, bool)| Candidate {
            relation: Probability::saturating(relation),
            rank: triple_scores.partition_point(|&score| score > Probability::saturating(triple)),
            right,
        };
        let mut items: Vec<_> = scored.items.iter().map(candidate).collect();
        items.sort_unstable_by_key(|item| Reverse(item.relation));
        Self { items, triple_scores }
    }

    /// The thresholds with the highest R W - P r, where r / W is half the F1 of `counts`; of equal ones those that keep the fewest.
    fn best_at(&self, counts: Counts) -> Option<JointThresholds> {
        let (right, whole) = f1_parts(counts);
        let mut cuts = Cuts::new(self.triple_scores.len());
        let mut best: (Cut, Option<JointThresholds>) = (Cut::default(), None);
        for equal in self.items.chunk_by(|a, b| a.relation == b.relation) {
            for item in equal {
                cuts.add(item.rank, if item.right { whole - right } else { -right });
            }
            let cut = cuts.best();
            if cut.is_better(best.0)
                && let Some(&triple) = cut.ranks.checked_sub(1).and_then(|rank| self.triple_scores.get(rank))
            {
                best = (cut, Some(JointThresholds { relation: equal[0].relation, triple }));
            }
        }
        best.1
    }

    /// Right and kept candidates.
    fn counts(&self, thresholds: Option<JointThresholds>) -> Counts {
        let Some(JointThresholds { relation, triple }) = thresholds else { return Counts::default() };
        let kept =
            self.items.iter().filter(|item| item.relation >= relation && self.triple_scores[item.rank] >= triple);
        kept.map(|item| Counts { true_positives: item.right.into(), predicted: 1, gold: 0 }).sum()
    }
}

/// A cut of the triple scores: those of the first ranks are kept.
#[derive(Debug, Clone, Copy, Default)]
struct Cut {
    /// What the kept ones are worth together.
    worth: i128,
    /// How many are kept.
    kept: usize,
    /// How many ranks are.
    ranks: usize,
}

impl Cut {
    fn is_better(self, other: Self) -> bool {
        (self.worth, Reverse(self.kept)) > (other.worth, Reverse(other.kept))
    }
}

/// A tree over ranks that knows the best cut. Node 1 is the root, the children of n are 2n and 2n + 1, and the leaves are the
/// second half.
struct Cuts {
    nodes: Vec<Node>,
    leaves: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Node {
    all: Cut,
    best: Cut,
}

impl Cuts {
    fn new(ranks: usize) -> Self {
        let leaves = ranks.next_power_of_two();
        let mut nodes = vec![Node::default(); 2 * leaves];
        for (number, node) in nodes.iter_mut().enumerate().skip(1) {
            // How many leaves are under it.
            node.all.ranks = leaves >> number.ilog2();
        }
        Self { nodes, leaves }
    }

    fn add(&mut self, rank: usize, worth: i128) {
        let mut number = self.leaves + rank;
        let leaf = &mut self.nodes[number];
        leaf.all.worth += worth;
        leaf.all.kept += 1;
        leaf.best = if leaf.all.is_better(Cut::default()) { leaf.all } else { Cut::default() };
        while number > 1 {
            number /= 2;
            let (left, right) = (self.nodes[2 * number], self.nodes[2 * number + 1]);
            let after = |cut: Cut| Cut {
                worth: left.all.worth + cut.worth,
                kept: left.all.kept + cut.kept,
                ranks: left.all.ranks + cut.ranks,
            };
            let (all, through) = (after(right.all), after(right.best));
            let best = if through.is_better(left.best) { through } else { left.best };
            self.nodes[number] = Node { all, best };
        }
    }

    fn best(&self) -> Cut {
        self.nodes[1].best
    }
}
