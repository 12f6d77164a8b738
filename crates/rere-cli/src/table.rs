//! Scores as a table for people, as JSON, CSV or Markdown.

use rere_eval::{Score, ScoreIntervals};
use serde_json::{Map, Value, json};

/// How rows are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    Table,
    Json,
    Csv,
    Markdown,
}

/// A score, and of what it is.
pub struct Row {
    pub matcher: String,
    /// `all`, `relation`, or what else the corpus is parted by.
    pub part: String,
    /// Which relation or part; empty for the whole.
    pub name: String,
    pub score: Score,
    pub intervals: Option<ScoreIntervals>,
}

/// Prints rows to standard output. JSON gets the fields of `more` too.
pub fn print(rows: &[Row], layout: Layout, more: Map<String, Value>) -> Result<(), Box<dyn std::error::Error>> {
    match layout {
        Layout::Table => table(rows),
        Layout::Json => {
            let mut object = json!({ "scores": scores(rows) });
            more.into_iter().for_each(|(name, value)| object[name] = value);
            println!("{object}");
        }
        Layout::Csv => {
            let mut writer = csv::Writer::from_writer(std::io::stdout());
            writer.write_record(COLUMNS)?;
            rows.iter().try_for_each(|row| writer.write_record(cells(row)))?;
            writer.flush()?;
        }
        Layout::Markdown => {
            println!("| {} |\n|{}", COLUMNS.join(" | "), "---|".repeat(COLUMNS.len()));
            for row in rows {
                println!("| {} |", cells(row).map(|cell| cell.replace('|', "\\|")).join(" | "));
            }
        }
    }
    Ok(())
}

const COLUMNS: [&str; 11] =
    ["match", "part", "name", "right", "predicted", "gold", "precision", "recall", "F1", "F1 low", "F1 high"];

fn cells(row: &Row) -> [String; 11] {
    let Score { counts, precision, recall, f1 } = row.score;
    let percent = |share: f64| format!("{:.2}", 100.0 * share);
    let [low, high] = row.intervals.map_or_else(Default::default, |i| [i.f1.low, i.f1.high].map(percent));
    let [right, predicted, gold] = [counts.right, counts.predicted, counts.gold].map(|count| count.to_string());
    let [precision, recall, f1] = [precision, recall, f1].map(percent);
    let [matcher, part, name] = [&row.matcher, &row.part, &row.name].map(Clone::clone);
    [matcher, part, name, right, predicted, gold, precision, recall, f1, low, high]
}

/// The wholes first, then the parts under a headline each.
fn table(rows: &[Row]) {
    println!(
        "{:<10} {:>6} {:>9} {:>6} {:>9} {:>8} {:>8}",
        "match", "right", "predicted", "gold", "precision", "recall", "F1"
    );
    for row in rows.iter().filter(|row| row.part == "all") {
        println!("{}", line(&row.matcher, row));
    }
    for part in rows.chunk_by(|a, b| (&a.matcher, &a.part) == (&b.matcher, &b.part)) {
        if let Some(Row { matcher, part: name, .. }) = part.first().filter(|row| row.part != "all") {
            println!("\n{matcher}, by {name}");
            part.iter().for_each(|row| println!("{}  {}", line("", row), row.name));
        }
    }
}

fn line(name: &str, row: &Row) -> String {
    let [_, _, _, right, predicted, gold, precision, recall, f1, low, high] = cells(row);
    let interval = if low.is_empty() { String::new() } else { format!("  [{low}, {high}]") };
    format!("{name:<10} {right:>6} {predicted:>9} {gold:>6} {precision:>9} {recall:>8} {f1:>8}{interval}")
}

/// An entry for each matcher; its parts are in it, by name.
fn scores(rows: &[Row]) -> Vec<Value> {
    let mut entries: Vec<Value> = Vec::new();
    for row in rows {
        let mut value = json!(row.score);
        if let Some(intervals) = row.intervals {
            value["intervals"] =
                json!({ "precision": intervals.precision, "recall": intervals.recall, "f1": intervals.f1 });
        }
        if row.part == "all" {
            let mut entry = json!({ "match": row.matcher });
            if let (Value::Object(entry), Value::Object(value)) = (&mut entry, value) {
                entry.extend(value);
            }
            entries.push(entry);
        } else if let Some(entry) = entries.last_mut() {
            let part = if row.part == "relation" { "relations" } else { &row.part };
            entry[part][&row.name] = value;
        }
    }
    entries
}
