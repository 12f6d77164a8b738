//! Two thresholds at once: one on the score of the relation, one on the score of the triple.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use rere_core::Probability;
use serde::Serialize;

use super::relation::{best_of_each, f1_fraction};
use crate::{Counts, Score};

/// Candidate triples with two scores, the input of [`best_joint_thresholds`].
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct JointScoredPredictions {
    /// For each candidate triple the score of its relation in the sentence, the score of the triple, and whether the
    /// triple is correct.
    pub items: Vec<(f32, f32, bool)>,
    /// Number of gold triples, found or not.
    pub gold: usize,
}

/// A pair of thresholds; a triple is kept if it reaches both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct JointThresholds {
    /// Least score of the relation: triples of the relation are searched only in sentences that reach it.
    pub relation: Probability,
    /// Least score of the triple.
    pub triple: Probability,
}

/// Returns the pair of thresholds with the highest micro F1, and the score there.
///
/// The pair is `None` if it is best to keep nothing. Of pairs with equal F1 the one that keeps the fewest triples is
/// returned. A sentence must have each triple only once. Scores become probabilities by [`Probability::saturating`].
///
/// The result is exact: it is the best of all pairs of scores. The method of [`best_relation_thresholds`] needs a few
/// rounds, each in O(n log n): a round adds the candidates by decreasing relation score to a tree over the triple
/// scores, which maintains the best threshold on the triple scores added so far.
///
/// [`best_relation_thresholds`]: crate::best_relation_thresholds
///
/// ```
/// use rere_eval::{JointScoredPredictions, best_joint_thresholds};
///
/// // Neither score alone separates correct from wrong triples.
/// let items = vec![(0.9, 0.8, true), (0.9, 0.2, false), (0.7, 0.6, true), (0.3, 0.9, false)];
/// let (thresholds, score) = best_joint_thresholds(&JointScoredPredictions { items, gold: 2 });
/// let thresholds = thresholds.expect("something is kept");
/// assert_eq!((thresholds.relation.get(), thresholds.triple.get(), score.f1), (0.7, 0.6, 1.0));
/// ```
pub fn best_joint_thresholds(scored: &JointScoredPredictions) -> (Option<JointThresholds>, Score) {
    let (mut thresholds, score) = best_of_groups(std::slice::from_ref(&Candidates::of(scored)), scored.gold);
    (thresholds.pop().flatten(), score)
}

/// Returns the pairs of thresholds, one for each relation, with the highest micro F1 of all relations together.
///
/// Like [`best_joint_thresholds`], but per relation. This overfits twice as much as [`best_relation_thresholds`]:
/// choose on many sentences, and measure on others.
///
/// [`best_relation_thresholds`]: crate::best_relation_thresholds
pub fn best_joint_relation_thresholds<'a>(
    scored: &BTreeMap<&'a str, JointScoredPredictions>,
) -> (BTreeMap<&'a str, Option<JointThresholds>>, Score) {
    let candidates: Vec<Candidates> = scored.values().map(Candidates::of).collect();
    let (thresholds, score) = best_of_groups(&candidates, scored.values().map(|scored| scored.gold).sum());
    (scored.keys().copied().zip(thresholds).collect(), score)
}

/// Returns the best thresholds of each group, and the score of all groups together.
fn best_of_groups(groups: &[Candidates], gold: usize) -> (Vec<Option<JointThresholds>>, Score) {
    best_of_each(groups, gold, |candidates, counts| {
        let thresholds = candidates.best_at(counts);
        (thresholds, candidates.counts(thresholds))
    })
}

/// Candidates by decreasing relation score.
struct Candidates {
    items: Vec<Candidate>,
    /// The distinct triple scores, the highest first.
    triple_scores: Vec<Probability>,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    relation: Probability,
    /// Index of the triple's score among the distinct ones.
    rank: usize,
    correct: bool,
}

impl Candidates {
    fn of(scored: &JointScoredPredictions) -> Self {
        let mut triple_scores: Vec<_> =
            scored.items.iter().map(|&(_, triple, _)| Probability::saturating(triple)).collect();
        triple_scores.sort_unstable_by_key(|&score| Reverse(score));
        triple_scores.dedup();
        let candidate = |&(relation, triple, correct): &(f32, f32, bool)| Candidate {
            relation: Probability::saturating(relation),
            rank: triple_scores.partition_point(|&score| score > Probability::saturating(triple)),
            correct,
        };
        let mut items: Vec<_> = scored.items.iter().map(candidate).collect();
        items.sort_unstable_by_key(|item| Reverse(item.relation));
        Self { items, triple_scores }
    }

    /// Returns the thresholds with the highest R t - P r, where r / t is half the F1 of `counts`. Of equal ones it
    /// returns those that keep the fewest triples.
    fn best_at(&self, counts: Counts) -> Option<JointThresholds> {
        let (true_positives, total) = f1_fraction(counts);
        let mut cuts = Cuts::new(self.triple_scores.len());
        let mut best: (Cut, Option<JointThresholds>) = (Cut::default(), None);
        for equal in self.items.chunk_by(|a, b| a.relation == b.relation) {
            for item in equal {
                cuts.add(item.rank, if item.correct { total - true_positives } else { -true_positives });
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

    /// Counts the candidates that are kept.
    fn counts(&self, thresholds: Option<JointThresholds>) -> Counts {
        let Some(JointThresholds { relation, triple }) = thresholds else { return Counts::default() };
        let kept =
            self.items.iter().filter(|item| item.relation >= relation && self.triple_scores[item.rank] >= triple);
        kept.map(|item| Counts { true_positives: item.correct.into(), predicted: 1, gold: 0 }).sum()
    }
}

/// A cut of the triple scores: it keeps the candidates of the first ranks.
#[derive(Debug, Clone, Copy, Default)]
struct Cut {
    /// Sum of the worths of the kept candidates.
    worth: i128,
    /// Number of kept candidates.
    kept: usize,
    /// Number of kept ranks.
    ranks: usize,
}

impl Cut {
    fn is_better(self, other: Self) -> bool {
        (self.worth, Reverse(self.kept)) > (other.worth, Reverse(other.kept))
    }
}

/// A binary tree over ranks that maintains the best cut. Node 1 is the root, the children of n are 2n and 2n + 1, and
/// the leaves are the second half.
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
            // The number of leaves below the node.
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
