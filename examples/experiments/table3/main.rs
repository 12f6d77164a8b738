//! Reproduction of Table 3 of the RERE paper: systems and losses on data sets, from one settings file.
//!
//! ```text
//! cargo run --release --example table3 -- examples/settings/nyt11-hrl.toml
//! cargo run --release --example table3 -- --quick
//! ```
//!
//! The settings file has the data sets and the rows; `examples/experiment/settings.rs` says how it is written. Each row is trained
//! on each data set with each of its seeds. Thresholds are chosen on the development set, the triples of the test sentences are
//! extracted once and kept, and all scores come from them. The table is printed, and written as Markdown, CSV and JSON.
//!
//! A run can be stopped at any time: it continues where it was, and what is finished is not run again. A row that cannot be run
//! says why in the table.

mod paper;
mod report;
mod score;

use std::{collections::HashSet, path::Path, process::ExitCode};

use rere::Sentence;
use rere_data::{Aligner, Folding, KnowledgeBase, KnowledgeBaseOptions, MatcherSettings};
use rere_experiments::{
    Arguments, Data, DataSet, ExperimentError, KbFiles, Row, Store, chain, log_line, run_and_report, show_progress,
};

use crate::{
    report::Report,
    score::{RowResult, Run, count},
};

/// The settings of `--quick`.
const QUICK: &str = "examples/settings/quick.toml";

fn main() -> ExitCode {
    run_and_report(table3)
}

fn table3(arguments: &Arguments) -> Result<(), ExperimentError> {
    let (settings, store) = arguments.open(QUICK)?;
    let mut report = Report::default();
    for set in &settings.data {
        let data = settings.folder().and_then(|folder| Ok((Data::load(set, &folder)?, folder)));
        let results: Vec<RowResult> = settings
            .rows
            .iter()
            .map(|row| match (&data, &row.kb) {
                (Err(error), _) => not_run(row, error),
                (Ok((data, folder)), Some(kb)) => with_knowledge_base(row, kb, data, folder),
                (Ok((data, _)), None) => with_each_seed(row, set, data, &store),
            })
            .collect();
        report.add(set, &settings, &results)?;
    }
    report.finish(arguments)
}

fn not_run<'a>(row: &'a Row, error: &ExperimentError) -> RowResult<'a> {
    RowResult { row, runs: Vec::new(), problem: Some(format!("not run: {}", chain(error))) }
}

/// Trains and scores a row with each of its seeds.
fn with_each_seed<'a>(row: &'a Row, set: &DataSet, data: &Data, store: &Store) -> RowResult<'a> {
    let mut result = RowResult { row, runs: Vec::new(), problem: None };
    for &seed in &row.seeds {
        let name = format!("{}, {}, seed {seed}", set.name, row.name);
        let run = || -> Result<Run, ExperimentError> {
            let cell = store.cell(row.config(seed)?, data, |event| show_progress(&name, event))?;
            let counts = count(&data.test, &cell.predicted()?)?;
            Ok(Run { seed: Some(seed), cell: Some(cell), counts })
        };
        match run() {
            Ok(run) => result.runs.push(run),
            Err(error) => {
                log_line(format!("{name}: {}", chain(&error)));
                result.problem.get_or_insert(format!("not run with seed {seed}: {}", chain(&error)));
            }
        }
    }
    result
}

/// Labels the test sentences by a knowledge base. Relations that no training sentence has are left out, as in the paper.
fn with_knowledge_base<'a>(row: &'a Row, files: &KbFiles, data: &Data, folder: &Path) -> RowResult<'a> {
    let run = || -> Result<Run, ExperimentError> {
        let options = KnowledgeBaseOptions::default().with_entities(folder.join(&files.entities));
        let kb = KnowledgeBase::read(&folder.join(&files.triples), &options)?;
        let aligner = Aligner::new(
            kb,
            MatcherSettings::default().with_folding(if files.fold { Folding::ALL } else { Folding::NONE }),
        )?;
        let triples = data.corpus.train.iter().flat_map(|sentence| &sentence.triples);
        let known: HashSet<&str> = triples.map(|triple| triple.relation.as_str()).collect();
        let label = |sentence: &Sentence| {
            let found = aligner.align(&sentence.text).into_iter();
            sentence.clone().with_triples(found.filter(|triple| known.contains(triple.relation.as_str())))
        };
        let predicted: Vec<Sentence> = data.test.iter().map(label).collect();
        Ok(Run { seed: None, cell: None, counts: count(&data.test, &predicted)? })
    };
    match run() {
        Ok(run) => RowResult { row, runs: vec![run], problem: None },
        Err(error) => not_run(row, &error),
    }
}
