//! Scores as a text table, JSON, CSV or Markdown.

use rere_data::DataError;
use rere_eval::{Counts, Score, ScoreIntervals};
use serde_json::{Map, Value, json};

use crate::command::print_line;

/// Output format of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    Table,
    Json,
    Csv,
    Markdown,
}

/// Precision, recall and F1 of a system, or of a part of its triples.
pub struct Row {
    /// File of the predictions.
    pub system: String,
    pub matcher: String,
    /// `all`, `relation`, or another way to divide the corpus.
    pub part: String,
    /// Name of the relation or part; empty for `all`.
    pub name: String,
    pub measures: Measures,
}

/// Measures from 0 to 1.
#[derive(Debug, Clone, Copy)]
pub struct Measures {
    /// The counts they are computed from; `None` for means.
    pub counts: Option<Counts>,
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
    pub intervals: Option<ScoreIntervals>,
    /// Standard deviation of F1 over systems.
    pub f1_deviation: Option<f64>,
}

impl Measures {
    pub fn from_counts(counts: Counts) -> Self {
        let score = Score::from_counts(counts);
        Self { counts: Some(counts), ..Self::from_means(score.precision, score.recall, score.f1) }
    }

    pub fn from_means(precision: f64, recall: f64, f1: f64) -> Self {
        Self { counts: None, precision, recall, f1, intervals: None, f1_deviation: None }
    }
}

/// Prints rows to standard output, in JSON also `json_fields`.
pub fn print_scores(
    rows: &[Row],
    layout: Layout,
    json_fields: Map<String, Value>,
) -> Result<(), Box<dyn std::error::Error>> {
    match layout {
        Layout::Table => print_table(rows)?,
        Layout::Json => {
            let mut object = json!({ "scores": scores_as_json(rows) });
            json_fields.into_iter().for_each(|(name, value)| object[name] = value);
            print_line(object)?;
        }
        Layout::Csv => {
            let mut writer = csv::Writer::from_writer(std::io::stdout());
            writer.write_record(COLUMNS)?;
            rows.iter().try_for_each(|row| writer.write_record(cells(row)))?;
            writer.flush()?;
        }
        Layout::Markdown => {
            print_line(format!("| {} |\n|{}", COLUMNS.join(" | "), "---|".repeat(COLUMNS.len())))?;
            for row in rows {
                print_line(format!("| {} |", cells(row).map(|cell| cell.replace('|', "\\|")).join(" | ")))?;
            }
        }
    }
    Ok(())
}

const COLUMNS: [&str; 13] = [
    "system",
    "match",
    "part",
    "name",
    "true_positives",
    "predicted",
    "gold",
    "precision",
    "recall",
    "F1",
    "F1 low",
    "F1 high",
    "F1 deviation",
];

/// Returns the cells of [`COLUMNS`].
fn cells(row: &Row) -> [String; 13] {
    let Measures { counts, precision, recall, f1, intervals, f1_deviation } = row.measures;
    let percent = |measure: f64| format!("{:.2}", 100.0 * measure);
    let [low, high] = intervals.map_or_else(Default::default, |i| [i.f1.low, i.f1.high].map(percent));
    let counts = counts.map(|Counts { true_positives, predicted, gold }| {
        [true_positives, predicted, gold].map(|count| count.to_string())
    });
    let [true_positives, predicted, gold] = counts.unwrap_or_default();
    let [precision, recall, f1] = [precision, recall, f1].map(percent);
    let [system, matcher, part, name] = [&row.system, &row.matcher, &row.part, &row.name].map(Clone::clone);
    let deviation = f1_deviation.map_or_else(String::new, percent);
    [system, matcher, part, name, true_positives, predicted, gold, precision, recall, f1, low, high, deviation]
}

/// Prints the rows of whole systems first, then the parts, each under a heading. Systems are named if there are
/// several.
fn print_table(rows: &[Row]) -> Result<(), DataError> {
    let several = rows.iter().any(|row| row.system != rows[0].system);
    print_line(format!(
        "{:<10} {:>6} {:>9} {:>6} {:>9} {:>8} {:>8}",
        "match", "TP", "predicted", "gold", "precision", "recall", "F1"
    ))?;
    for row in rows.iter().filter(|row| row.part == "all") {
        let system = if several { format!("  {}", row.system) } else { String::new() };
        print_line(format!("{}{system}", table_line(&row.matcher, row)))?;
    }
    for part in rows.chunk_by(|a, b| (&a.system, &a.matcher, &a.part) == (&b.system, &b.matcher, &b.part)) {
        if let Some(Row { system, matcher, part: name, .. }) = part.first().filter(|row| row.part != "all") {
            // The mean of the relations follows them, under the same heading.
            if name != "macro" {
                let system = if several { format!("{system}, ") } else { String::new() };
                print_line(format!("\n{system}{matcher}, by {name}"))?;
            }
            part.iter().try_for_each(|row| print_line(format!("{}  {}", table_line("", row), row.name)))?;
        }
    }
    Ok(())
}

/// Returns a line of the text table.
fn table_line(name: &str, row: &Row) -> String {
    let [.., true_positives, predicted, gold, precision, recall, f1, low, high, deviation] = cells(row);
    let interval = if low.is_empty() { String::new() } else { format!("  [{low}, {high}]") };
    let deviation = if deviation.is_empty() { String::new() } else { format!("  ± {deviation}") };
    format!(
        "{name:<10} {true_positives:>6} {predicted:>9} {gold:>6} {precision:>9} {recall:>8} \
         {f1:>8}{interval}{deviation}"
    )
}

/// Returns an object for each system and matcher, which also holds its parts by name.
fn scores_as_json(rows: &[Row]) -> Vec<Value> {
    let mut entries: Vec<Value> = Vec::new();
    for row in rows {
        let Measures { counts, precision, recall, f1, intervals, f1_deviation } = row.measures;
        let mut value = json!({});
        if row.part == "all" {
            value = json!({ "system": row.system, "match": row.matcher });
        }
        if let Some(Counts { true_positives, predicted, gold }) = counts {
            (value["true_positives"], value["predicted"], value["gold"]) =
                (json!(true_positives), json!(predicted), json!(gold));
        }
        (value["precision"], value["recall"], value["f1"]) = (json!(precision), json!(recall), json!(f1));
        if let Some(intervals) = intervals {
            value["intervals"] =
                json!({ "precision": intervals.precision, "recall": intervals.recall, "f1": intervals.f1 });
        }
        if let Some(deviation) = f1_deviation {
            value["f1_deviation"] = json!(deviation);
        }
        match (row.part.as_str(), entries.last_mut()) {
            ("macro", Some(entry)) => entry["macro"] = value,
            ("relation", Some(entry)) => entry["relations"][&row.name] = value,
            (part, Some(entry)) if part != "all" => entry[part][&row.name] = value,
            _ => entries.push(value),
        }
    }
    entries
}
