//! What one matcher counts of one system, a lot of sentences at a time.

use std::collections::BTreeMap;

use rere_core::Sentence;
use rere_eval::{
    Breakdown, Counts, EvalError, MacroScore, Match, MissingCounts, ScoreIntervals, ScoredPredictions, SeenEntities,
    SignificanceError, bootstrap, count_by_relation, count_each, count_entities, count_relations, missing_labels,
    scored,
};

use super::Arguments;
use crate::table::{Row, Share};

/// The counts so far.
pub struct Tally<'a> {
    arguments: &'a Arguments,
    pub matcher: Match,
    /// Of each sentence.
    each: Vec<Counts>,
    /// Of each relation, with the numbers of the sentences that have it.
    by_relation: BTreeMap<String, Vec<(usize, Counts)>>,
    relations: Counts,
    entities: Counts,
    /// In the order of `--by`.
    parts: Vec<Breakdown>,
    /// For curves.
    pub scored: ScoredPredictions,
    /// Of each relation, beside the fuller labelling.
    pub missing: BTreeMap<String, MissingCounts>,
}

impl<'a> Tally<'a> {
    pub fn new(arguments: &'a Arguments, matcher: Match) -> Self {
        Self {
            arguments,
            matcher,
            each: Vec::new(),
            by_relation: BTreeMap::new(),
            relations: Counts::default(),
            entities: Counts::default(),
            parts: Vec::new(),
            scored: ScoredPredictions::default(),
            missing: BTreeMap::new(),
        }
    }

    /// Counts more sentences, gold first; `full` has the fuller labelling of the same sentences, or nothing.
    pub fn add(
        &mut self,
        aligned: &[(&Sentence, &Sentence)],
        full: &[Sentence],
        seen: &SeenEntities,
    ) -> Result<(), EvalError> {
        let (arguments, matcher) = (self.arguments, &self.matcher);
        if arguments.per_relation {
            for (number, pair) in (self.each.len()..).zip(aligned) {
                for (relation, counts) in count_by_relation(&[*pair], matcher) {
                    match self.by_relation.get_mut(relation) {
                        Some(of_relation) => of_relation.push((number, counts)),
                        None => _ = self.by_relation.insert(relation.to_owned(), vec![(number, counts)]),
                    }
                }
            }
        }
        self.each.extend(count_each(aligned, matcher));
        if arguments.pieces {
            self.relations += count_relations(aligned);
            self.entities += count_entities(aligned, matcher);
        }
        let parts: Vec<_> = arguments.by.iter().map(|parts| parts.of(aligned, matcher, seen)).collect();
        if self.parts.is_empty() {
            self.parts = parts;
        } else {
            let sums = self.parts.iter_mut().flatten();
            sums.zip(parts.into_iter().flatten()).for_each(|((_, sum), (_, counts))| *sum += counts);
        }
        if arguments.plot.is_some() {
            let ScoredPredictions { items, gold } = scored(aligned, matcher)?;
            self.scored.items.extend(items);
            self.scored.gold += gold;
        }
        let sides = aligned.iter().zip(full).map(|(&(gold, predicted), full)| [gold, predicted, full]);
        let (_, by_relation) = missing_labels(sides, matcher);
        for (relation, counts) in by_relation {
            *self.missing.entry(relation.to_owned()).or_default() += counts;
        }
        Ok(())
    }

    /// Of all relations together, beside the fuller labelling.
    pub fn all_missing(&self) -> MissingCounts {
        self.missing.values().copied().sum()
    }

    /// The whole first, then what else was asked for.
    pub fn rows(&self, system: &str) -> Result<Vec<Row>, SignificanceError> {
        let row = |part: &str, name: &str, share: Share| Row {
            system: system.to_owned(),
            matcher: self.matcher.to_string(),
            part: part.to_owned(),
            name: name.to_owned(),
            share,
        };
        let mut rows = vec![row("all", "", self.share(&self.each)?)];
        if self.arguments.pieces {
            rows.push(row("pieces", "relations", Share::of(self.relations)));
            rows.push(row("pieces", "entities", Share::of(self.entities)));
        }
        if self.arguments.per_relation {
            for (relation, counts) in &self.by_relation {
                rows.push(row("relation", relation, self.share(&self.dense(counts))?));
            }
            let sums = self.by_relation.values().map(|counts| counts.iter().map(|(_, counts)| *counts).sum());
            let mean = MacroScore::of(sums);
            let name = format!("mean of {} relations with gold triples", mean.parts);
            rows.push(row("macro", &name, Share::mean(mean.precision, mean.recall, mean.f1)));
        }
        for (parts, breakdown) in self.arguments.by.iter().zip(&self.parts) {
            rows.extend(breakdown.iter().map(|(name, counts)| row(parts.name(), name, Share::of(*counts))));
        }
        Ok(rows)
    }

    /// The intervals of each relation, that with the most gold triples first.
    pub fn relation_intervals(&self, rounds: usize) -> Result<Vec<(&str, ScoreIntervals)>, SignificanceError> {
        let mut bars = Vec::with_capacity(self.by_relation.len());
        for (relation, counts) in &self.by_relation {
            bars.push((relation.as_str(), bootstrap(&self.dense(counts), rounds, self.arguments.seed, 0.95)?));
        }
        bars.sort_by_key(|(_, intervals)| std::cmp::Reverse(intervals.score.counts.gold));
        Ok(bars)
    }

    /// The score of counts by sentence, with its intervals where they are asked for.
    fn share(&self, each: &[Counts]) -> Result<Share, SignificanceError> {
        let share = Share::of(each.iter().copied().sum());
        let Some(rounds) = self.arguments.bootstrap else { return Ok(share) };
        Ok(Share { intervals: Some(bootstrap(each, rounds, self.arguments.seed, 0.95)?), ..share })
    }

    /// The counts of every sentence, where most have none.
    fn dense(&self, sparse: &[(usize, Counts)]) -> Vec<Counts> {
        let mut dense = vec![Counts::default(); self.each.len()];
        for (number, counts) in sparse {
            dense[*number] = *counts;
        }
        dense
    }
}
