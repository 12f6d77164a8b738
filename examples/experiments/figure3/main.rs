//! Reproduction of Figure 3 of the RERE paper: precision-recall curves of systems from whose training triples a share is removed.
//!
//! ```text
//! cargo run --release --example figure3 -- examples/settings/figure3-nyt11-hrl.toml
//! cargo run --release --example figure3 -- --quick
//! ```
//!
//! The settings file is one of `table3` with a list `removed`: each row, a system with its losses, is trained with each share of the
//! triples removed. Each training triple is removed with that probability, and so are sentences that lose their last triple; the
//! development and the test set are complete. Tables are printed, and
//! written as Markdown, CSV and JSON, with a picture of the curves of each row. What `table3` or an earlier run has trained in the
//! same folder is not trained again.

mod curve;
mod report;

use std::process::ExitCode;

use rere::Probability;
use rere_eval::{CurvePoint, Exact, average_precision, pair_sentences, precision_recall_curve, scored};
use rere_experiments::{
    Arguments, Data, DataSet, ExperimentError, Row, Store, chain, log_line, run_and_report, show_progress,
};

use crate::report::Report;

/// The settings of `--quick`.
const QUICK: &str = "examples/settings/figure3-quick.toml";

/// The curves of a row on a data set.
struct RowCurves<'a> {
    row: &'a Row,
    curves: Vec<Curve>,
    /// Why some curve is missing.
    problem: Option<String>,
}

/// A precision-recall curve on the test set, by exact match.
struct Curve {
    /// Share of the training triples that were removed.
    removed: Probability,
    seed: u64,
    points: Vec<CurvePoint>,
    /// Area under the curve (average precision).
    area: f64,
}

fn main() -> ExitCode {
    run_and_report(figure3)
}

fn figure3(arguments: &Arguments) -> Result<(), ExperimentError> {
    let (settings, store) = arguments.open(QUICK)?;
    let mut report = Report::default();
    for set in &settings.data {
        let data = settings.folder().and_then(|folder| Data::load(set, &folder));
        let of_row = |row| match &data {
            Ok(data) => curves(row, set, data, &settings.removed, &store),
            Err(error) => RowCurves { row, curves: Vec::new(), problem: Some(chain(error)) },
        };
        let rows: Vec<RowCurves> = settings.rows.iter().map(of_row).collect();
        report.add(set, &settings, &rows, arguments)?;
    }
    report.finish(arguments)
}

/// Trains a row with each share of the training triples removed and with each of its seeds.
fn curves<'a>(row: &'a Row, set: &DataSet, data: &Data, shares: &[Probability], store: &Store) -> RowCurves<'a> {
    let mut found = RowCurves { row, curves: Vec::new(), problem: None };
    for (&removed, &seed) in shares.iter().flat_map(|share| row.seeds.iter().map(move |seed| (share, seed))) {
        let name = format!("{}, {}, {:.0} % removed, seed {seed}", set.name, row.name, 100.0 * removed.get());
        let curve = || -> Result<Curve, ExperimentError> {
            let cell = store
                .cell(row.config(seed)?, &data.clone().without(removed, seed), |event| show_progress(&name, event))?;
            let predicted = store.curve(&cell, data)?;
            let scored = scored(&pair_sentences(&data.test, &predicted)?, &Exact)?;
            let points = precision_recall_curve(scored.items, scored.gold);
            Ok(Curve { removed, seed, area: average_precision(&points), points })
        };
        match curve() {
            Ok(curve) => found.curves.push(curve),
            Err(error) => {
                log_line(format!("{name}: {}", chain(&error)));
                found.problem.get_or_insert(format!(
                    "{:.0} % removed, seed {seed}: {}",
                    100.0 * removed.get(),
                    chain(&error)
                ));
            }
        }
    }
    found
}
