//! The sentences that a page keeps, and the counts of all.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    hash::BuildHasher,
};

use rere_core::{Probability, Sentence};
use rustc_hash::FxBuildHasher;
use serde::Serialize;

use super::drawing::{Drawing, Judged, Kind, percent};

/// Most sentences that a page keeps.
const SENTENCES: usize = 2000;

/// Most bytes of their texts, which a browser can open at once.
const BYTES: usize = 8 << 20;

/// Counts of all sentences.
#[derive(Debug, Clone, Default)]
pub(super) struct Totals {
    pub sentences: usize,
    /// Whether gold triples are known.
    pub is_evaluated: bool,
    has_scores: bool,
    relations: HashMap<String, usize, FxBuildHasher>,
    /// Triples by relation, percent of the score and kind.
    counts: BTreeMap<(usize, u8, Kind), usize>,
}

/// What the script of the page reads of the totals.
#[derive(Serialize)]
pub(super) struct TotalsData<'a> {
    sentences: usize,
    is_evaluated: bool,
    has_scores: bool,
    relations: Vec<&'a str>,
    counts: Vec<(usize, u8, Kind, usize)>,
}

impl Totals {
    /// Counts the triples of a sentence, and returns the index of the relation of each.
    pub(super) fn add(&mut self, judged: &[Judged]) -> Vec<usize> {
        self.sentences += 1;
        let mut relations = Vec::with_capacity(judged.len());
        for item in judged {
            let next = self.relations.len();
            let relation = match self.relations.get(&item.triple.relation) {
                Some(relation) => *relation,
                None => *self.relations.entry(item.triple.relation.clone()).or_insert(next),
            };
            relations.push(relation);
            self.has_scores |= item.kind != Kind::Missing && item.triple.score.is_some();
            *self.counts.entry((relation, percent(item.score()), item.kind)).or_default() += 1;
        }
        relations
    }

    pub(super) fn data(&self) -> TotalsData<'_> {
        let mut relations = vec![""; self.relations.len()];
        for (relation, &index) in &self.relations {
            relations[index] = relation;
        }
        TotalsData {
            sentences: self.sentences,
            is_evaluated: self.is_evaluated,
            has_scores: self.has_scores,
            relations,
            counts: self.counts.iter().map(|(&(relation, percent, kind), &n)| (relation, percent, kind, n)).collect(),
        }
    }
}

/// The most telling sentences.
#[derive(Debug, Clone, Default)]
pub(super) struct Selection {
    candidates: Vec<Candidate>,
    /// Bytes of the texts of the candidates.
    bytes: usize,
}

#[derive(Debug, Clone)]
struct Candidate {
    /// The kind and the relation of the triple that the sentence is kept for; `None` without triples.
    group: Option<(Kind, usize)>,
    /// The highest first.
    score: Probability,
    /// Decides between equal scores: without an order, so that an even sample is kept.
    lot: u64,
    drawing: Drawing,
}

impl Selection {
    /// Adds a sentence; `relations` are the indices of the relations of its triples.
    pub(super) fn add(&mut self, sentence: &Sentence, number: usize, judged: &[Judged], relations: &[usize]) {
        let most_telling = judged.iter().zip(relations).min_by_key(|(item, _)| (item.kind, Reverse(item.score())));
        let group = most_telling.map(|(item, &relation)| (item.kind, relation));
        let score = match most_telling {
            Some((item, _)) if matches!(item.kind, Kind::Wrong | Kind::Predicted) => item.score(),
            _ => Probability::ZERO,
        };
        let mut drawing = Drawing::new(sentence, judged, relations);
        drawing.number = number;
        self.bytes += drawing.text.len();
        self.candidates.push(Candidate { group, score, lot: FxBuildHasher.hash_one(number), drawing });
        if self.candidates.len() >= 2 * SENTENCES || self.bytes >= 2 * BYTES {
            self.prune();
        }
    }

    /// Sorts the candidates and discards those that are not kept. More sentences can only move a candidate back, so a
    /// discarded one would never be kept at the end.
    fn prune(&mut self) {
        self.candidates.sort_by_key(|candidate| (candidate.group, Reverse(candidate.score), candidate.lot));
        let mut order = Vec::with_capacity(self.candidates.len());
        for group in self.candidates.chunk_by(|a, b| a.group == b.group) {
            order.extend((0..group.len()).map(|rank| rank * step(group[0].group)));
        }
        let mut ordered: Vec<_> = order.into_iter().zip(self.candidates.drain(..)).collect();
        // Stable: candidates of equal turn keep the order of their groups, but those without triples come last.
        ordered.sort_by_key(|(turn, candidate)| (*turn, candidate.group.is_none()));
        self.bytes = 0;
        for (_, candidate) in ordered.into_iter().take(SENTENCES) {
            self.bytes += candidate.drawing.text.len();
            // A first text that is too long is kept: a page is not empty.
            if self.bytes > BYTES && !self.candidates.is_empty() {
                self.bytes -= candidate.drawing.text.len();
                break;
            }
            self.candidates.push(candidate);
        }
    }

    /// Returns the kept sentences, the most telling first.
    pub(super) fn finish(mut self) -> Vec<Drawing> {
        self.prune();
        self.candidates.into_iter().map(|candidate| candidate.drawing).collect()
    }
}

/// Returns the number of turns from one sentence of a group to the next.
fn step(group: Option<(Kind, usize)>) -> usize {
    match group {
        Some((Kind::Wrong | Kind::Predicted, _)) => 3,
        Some((Kind::Missing, _)) => 4,
        Some((Kind::Right, _)) => 6,
        None => 12,
    }
}
