//! Counts of one system by one matcher, taken batch by batch.

use std::collections::BTreeMap;

use rere_core::Sentence;
use rere_eval::{
    Breakdown, Counts, EvalError, MacroScore, Match, MissingCounts, ScoreIntervals, ScoredPredictions, SeenEntities,
    SignificanceError, bootstrap, count_by_relation, count_each, count_entities, count_relations, missing_labels,
    scored,
};

use super::Arguments;
use crate::score_table::{Measures, Row};

/// Counts of one system by one matcher.
pub struct MatcherCounts<'a> {
    arguments: &'a Arguments,
    pub matcher: Match,
    by_sentence: Vec<Counts>,
    /// For each relation, the indices of the sentences that have it, with their counts.
    by_relation: BTreeMap<String, Vec<(usize, Counts)>>,
    relations: Counts,
    entities: Counts,
    /// In the order of `--by`.
    breakdowns: Vec<Breakdown>,
    /// For the plots.
    pub scored: ScoredPredictions,
    /// Missing labels of each relation, by the fuller labelling.
    pub missing: BTreeMap<String, MissingCounts>,
}

impl<'a> MatcherCounts<'a> {
    pub fn new(arguments: &'a Arguments, matcher: Match) -> Self {
        Self {
            arguments,
            matcher,
            by_sentence: Vec::new(),
            by_relation: BTreeMap::new(),
            relations: Counts::default(),
            entities: Counts::default(),
            breakdowns: Vec::new(),
            scored: ScoredPredictions::default(),
            missing: BTreeMap::new(),
        }
    }

    /// Counts more pairs of gold and predicted sentences; `full` has the fuller labelling of the same sentences, or is
    /// empty.
    pub fn add(
        &mut self,
        pairs: &[(&Sentence, &Sentence)],
        full: &[Sentence],
        seen: &SeenEntities,
    ) -> Result<(), EvalError> {
        let (arguments, matcher) = (self.arguments, &self.matcher);
        if arguments.per_relation {
            for (index, pair) in (self.by_sentence.len()..).zip(pairs) {
                for (relation, counts) in count_by_relation(&[*pair], matcher) {
                    match self.by_relation.get_mut(relation) {
                        Some(sentences) => sentences.push((index, counts)),
                        None => _ = self.by_relation.insert(relation.to_owned(), vec![(index, counts)]),
                    }
                }
            }
        }
        self.by_sentence.extend(count_each(pairs, matcher));
        if arguments.pieces {
            self.relations += count_relations(pairs);
            self.entities += count_entities(pairs, matcher);
        }
        let breakdowns: Vec<_> = arguments.by.iter().map(|group_by| group_by.count(pairs, matcher, seen)).collect();
        if self.breakdowns.is_empty() {
            self.breakdowns = breakdowns;
        } else {
            let sums = self.breakdowns.iter_mut().flatten();
            sums.zip(breakdowns.into_iter().flatten()).for_each(|((_, sum), (_, counts))| *sum += counts);
        }
        if arguments.plot.is_some() {
            let ScoredPredictions { items, gold } = scored(pairs, matcher)?;
            self.scored.items.extend(items);
            self.scored.gold += gold;
        }
        let sides = pairs.iter().zip(full).map(|(&(gold, predicted), full)| [gold, predicted, full]);
        let (_, by_relation) = missing_labels(sides, matcher);
        for (relation, counts) in by_relation {
            *self.missing.entry(relation.to_owned()).or_default() += counts;
        }
        Ok(())
    }

    /// Returns the missing labels of all relations together, by the fuller labelling.
    pub fn all_missing(&self) -> MissingCounts {
        self.missing.values().copied().sum()
    }

    /// Returns the row of all triples, then the rows that options ask for.
    pub fn rows(&self, system: &str) -> Result<Vec<Row>, SignificanceError> {
        let row = |part: &str, name: &str, measures: Measures| Row {
            system: system.to_owned(),
            matcher: self.matcher.to_string(),
            part: part.to_owned(),
            name: name.to_owned(),
            measures,
        };
        let mut rows = vec![row("all", "", self.measures(&self.by_sentence)?)];
        if self.arguments.pieces {
            rows.push(row("pieces", "relations", Measures::from_counts(self.relations)));
            rows.push(row("pieces", "entities", Measures::from_counts(self.entities)));
        }
        if self.arguments.per_relation {
            for (relation, counts) in &self.by_relation {
                rows.push(row("relation", relation, self.measures(&self.dense(counts))?));
            }
            let sums = self.by_relation.values().map(|counts| counts.iter().map(|(_, counts)| *counts).sum());
            let mean = MacroScore::of(sums);
            let name = format!("mean of {} relations with gold triples", mean.parts);
            rows.push(row("macro", &name, Measures::from_means(mean.precision, mean.recall, mean.f1)));
        }
        for (group_by, breakdown) in self.arguments.by.iter().zip(&self.breakdowns) {
            rows.extend(
                breakdown.iter().map(|(name, counts)| row(group_by.name(), name, Measures::from_counts(*counts))),
            );
        }
        Ok(rows)
    }

    /// Returns the confidence intervals of each relation, sorted by the number of gold triples, largest first.
    pub fn relation_intervals(&self, rounds: usize) -> Result<Vec<(&str, ScoreIntervals)>, SignificanceError> {
        let mut intervals = Vec::with_capacity(self.by_relation.len());
        for (relation, counts) in &self.by_relation {
            intervals.push((relation.as_str(), bootstrap(&self.dense(counts), rounds, self.arguments.seed, 0.95)?));
        }
        intervals.sort_by_key(|(_, of_relation)| std::cmp::Reverse(of_relation.score.counts.gold));
        Ok(intervals)
    }

    /// Returns the measures of counts by sentence, with confidence intervals if `--bootstrap` is given.
    fn measures(&self, by_sentence: &[Counts]) -> Result<Measures, SignificanceError> {
        let mut measures = Measures::from_counts(by_sentence.iter().copied().sum());
        if let Some(rounds) = self.arguments.bootstrap {
            measures.intervals = Some(bootstrap(by_sentence, rounds, self.arguments.seed, 0.95)?);
        }
        Ok(measures)
    }

    /// Returns the counts of every sentence, which are zero for those that are not given.
    fn dense(&self, sparse: &[(usize, Counts)]) -> Vec<Counts> {
        let mut dense = vec![Counts::default(); self.by_sentence.len()];
        for (index, counts) in sparse {
            dense[*index] = *counts;
        }
        dense
    }
}
