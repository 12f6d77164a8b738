//! Areas under the curves, distances between them, and their pictures.

use std::fmt::Write;

use rere_eval::{CurvePoint, Spread, plot_precision_recall};
use rere_experiments::{Arguments, DataSet, ExperimentError, Settings, markdown_table, with_deviation};
use serde::Serialize;
use serde_json::json;

use crate::{
    Curve, QUICK, RowCurves,
    curve::{Difference, difference},
};

/// Results of all data sets. Areas, distances and precisions are in percent.
#[derive(Default)]
pub struct Report {
    areas: Vec<Area>,
    distances: Vec<Distance>,
    pairs: Vec<Pair>,
    markdown: String,
}

/// The area under the curves of a row for one share of removed triples.
#[derive(Debug, Serialize)]
struct Area {
    data: String,
    row: String,
    removed: f32,
    seeds: usize,
    /// Mean and standard deviation over the seeds.
    area: f64,
    deviation: Option<f64>,
    /// Mean of the highest recall of the curves.
    recall: f64,
}

/// How far the curves of a row are from each other.
#[derive(Debug, Serialize)]
struct Distance {
    data: String,
    row: String,
    /// Mean over all pairs of curves with one seed, and over the seeds.
    distance: f64,
    /// The largest area minus the smallest, mean over the seeds.
    areas: f64,
}

/// The curves of two rows for one share of removed triples.
#[derive(Debug, Serialize)]
struct Pair {
    data: String,
    a: String,
    b: String,
    removed: f32,
    /// Area of A minus area of B, mean over the seeds that both rows have; and so on.
    area: f64,
    precision: f64,
    /// Share of the common recall at which A is above B.
    above: f64,
}

const EXPLANATION: &str = "\
Curves by exact match on the test set. They begin with the triples at the model's thresholds of both steps, which were chosen on \
the development set, by their scores; triples that only lower thresholds find come after them. Area: average precision in \
percent; recall: the highest of the curve. Distance of two curves: the mean of the absolute difference of their precision, over the recall \
from 0 to the highest that both reach, in points; of a row: the mean over all pairs of its curves. A - B: the area of A minus that \
of B, and the mean difference of precision over the common recall, in points; above: the share of the common recall at which A has \
the higher precision. Means are over the seeds that are compared. The paper's claim is that RERE's curves lie above CasRel's and \
closer together. No test says whether a difference is more than noise.
";

impl Report {
    /// Adds the curves of a data set and writes their pictures.
    ///
    /// # Errors
    /// Returns an error if a picture cannot be drawn or written.
    pub fn add(
        &mut self,
        set: &DataSet,
        settings: &Settings,
        rows: &[RowCurves],
        arguments: &Arguments,
    ) -> Result<(), ExperimentError> {
        let areas: Vec<Area> = rows.iter().flat_map(|row| areas(set, settings, row)).collect();
        let distances: Vec<Distance> = rows.iter().filter_map(|row| distance(set, row)).collect();
        let find = |name: &str| rows.iter().find(|row| row.row.name == name);
        let compared: Vec<Vec<Pair>> = settings
            .pairs()
            .into_iter()
            .filter_map(|(a, b)| Some(pairs(set, settings, find(&a.name)?, find(&b.name)?)))
            .collect();
        for row in rows {
            picture(set, row, arguments)?;
        }
        self.markdown += &tables(set, rows, &areas, &distances, &compared);
        self.areas.extend(areas);
        self.distances.extend(distances);
        self.pairs.extend(compared.into_iter().flatten());
        Ok(())
    }

    /// Writes the files and prints the Markdown.
    ///
    /// # Errors
    /// Returns an error if a file cannot be written.
    pub fn finish(self, arguments: &Arguments) -> Result<(), ExperimentError> {
        let json = json!({ "areas": self.areas, "distances": self.distances, "pairs": self.pairs });
        arguments.write_results(QUICK, &format!("{}{EXPLANATION}", self.markdown), &self.areas, &json)
    }
}

/// Returns the mean; `None` without values.
fn mean(values: &[f64]) -> Option<f64> {
    Spread::of(values).map(|spread| spread.mean)
}

fn areas(set: &DataSet, settings: &Settings, row: &RowCurves) -> Vec<Area> {
    let area = |&removed| {
        let curves = || row.curves.iter().filter(move |curve| curve.removed == removed);
        let spread = Spread::of(&curves().map(|curve| 100.0 * curve.area).collect::<Vec<_>>())?;
        let recall = |curve: &Curve| curve.points.last().map_or(0.0, |point| 100.0 * point.score.recall);
        Some(Area {
            data: set.name.clone(),
            row: row.row.name.clone(),
            removed: removed.get(),
            seeds: spread.runs,
            area: spread.mean,
            deviation: spread.deviation,
            recall: mean(&curves().map(recall).collect::<Vec<_>>())?,
        })
    };
    settings.removed.iter().filter_map(area).collect()
}

fn distance(set: &DataSet, row: &RowCurves) -> Option<Distance> {
    let (mut distances, mut areas) = (Vec::new(), Vec::new());
    for seed in &row.row.seeds {
        let curves: Vec<&Curve> = row.curves.iter().filter(|curve| curve.seed == *seed).collect();
        for (at, a) in curves.iter().enumerate() {
            let others = curves[..at].iter();
            distances.extend(others.filter_map(|b| Some(100.0 * difference(&a.points, &b.points)?.distance)));
        }
        let each = || curves.iter().map(|curve| 100.0 * curve.area);
        areas.push(each().fold(f64::MIN, f64::max) - each().fold(f64::MAX, f64::min));
    }
    let (data, name) = (set.name.clone(), row.row.name.clone());
    Some(Distance { data, row: name, distance: mean(&distances)?, areas: mean(&areas)? })
}

fn pairs(set: &DataSet, settings: &Settings, a: &RowCurves, b: &RowCurves) -> Vec<Pair> {
    let pair = |&removed| {
        let same = |curve: &&Curve| curve.removed == removed;
        let of_seed = |seed: u64| b.curves.iter().filter(same).find(|curve| curve.seed == seed);
        let curves = a.curves.iter().filter(same).filter_map(|curve| Some((curve, of_seed(curve.seed)?)));
        let both: Vec<_> =
            curves.filter_map(|(a, b)| Some((a.area - b.area, difference(&a.points, &b.points)?))).collect();
        let mean = |of: &dyn Fn(&(f64, _)) -> f64| mean(&both.iter().map(|both| 100.0 * of(both)).collect::<Vec<_>>());
        Some(Pair {
            data: set.name.clone(),
            a: a.row.name.clone(),
            b: b.row.name.clone(),
            removed: removed.get(),
            area: mean(&|(area, _)| *area)?,
            precision: mean(&|(_, difference): &(f64, Difference)| difference.mean)?,
            above: mean(&|(_, difference)| difference.above)?,
        })
    };
    settings.removed.iter().filter_map(pair).collect()
}

/// Draws the curves of a row with its first seed.
fn picture(set: &DataSet, row: &RowCurves, arguments: &Arguments) -> Result<(), ExperimentError> {
    let Some(first) = row.curves.first() else { return Ok(()) };
    let curves = row.curves.iter().filter(|curve| curve.seed == first.seed);
    let named: Vec<(String, &[CurvePoint])> =
        curves.map(|curve| (format!("{:.0} % removed", 100.0 * curve.removed.get()), &*curve.points)).collect();
    let svg = plot_precision_recall(&named.iter().map(|(name, points)| (name.as_str(), *points)).collect::<Vec<_>>())?;
    let name = format!("{}-{}", set.name, row.row.name).to_lowercase().replace(|c: char| !c.is_alphanumeric(), "-");
    arguments.write_result(QUICK, &format!("-{name}.svg"), svg.as_bytes())
}

fn tables(set: &DataSet, rows: &[RowCurves], areas: &[Area], distances: &[Distance], pairs: &[Vec<Pair>]) -> String {
    let mut text = format!("## {}\n\n", set.name);
    text += &set.note.as_ref().map(|note| format!("{note}\n\n")).unwrap_or_default();
    let share = |removed: f32| format!("{:.0} %", 100.0 * removed);
    let lines = areas.iter().map(|Area { row, removed, area, deviation, recall, .. }| {
        [row.clone(), share(*removed), with_deviation(*area, *deviation), format!("{recall:.2}")]
    });
    text += &markdown_table(["row", "removed", "area", "recall"], lines);
    for row in rows {
        text += &row.problem.as_ref().map(|problem| format!("- {}: {problem}\n\n", row.row.name)).unwrap_or_default();
    }
    let lines = distances
        .iter()
        .map(|Distance { row, distance, areas, .. }| [row.clone(), format!("{distance:.2}"), format!("{areas:.2}")]);
    text += &markdown_table(["row", "distance of its curves", "largest - smallest area"], lines);
    let lines = pairs.iter().flatten().map(|Pair { a, b, removed, area, precision, above, .. }| {
        let (area, precision, above) = (format!("{area:+.2}"), format!("{precision:+.2}"), format!("{above:.0} %"));
        [a.clone(), b.clone(), share(*removed), area, precision, above]
    });
    text += &markdown_table(["A", "B", "removed", "A - B, area", "A - B, precision", "A above"], lines);
    for pairs in pairs {
        let Some(Pair { a, b, .. }) = pairs.first() else { continue };
        let above = pairs.iter().filter(|pair| pair.area > 0.0 && pair.precision > 0.0).count();
        _ = writeln!(text, "- {a} lies above {b} in {above} of {} cases, by area and by mean precision.", pairs.len());
        let distance = |name: &str| distances.iter().find(|distance| distance.row == name).map(|found| found.distance);
        if let (Some(of_a), Some(of_b)) = (distance(a), distance(b)) {
            let word = if of_a < of_b { "closer together" } else { "not closer together" };
            _ = writeln!(text, "- The curves of {a} are {word} than those of {b}: {of_a:.2} and {of_b:.2} points.");
        }
    }
    text + "\n"
}
