//! The results as Markdown, CSV and JSON.

use std::{fmt::Write, path::Path};

use rere_data::{DataError, replace_file};
use rere_eval::Match;
use rere_examples::experiment::{Arguments, DataSet, ExperimentError, Settings};
use serde_json::{Value, json};

use crate::{
    QUICK,
    score::{ComparisonLine, Line, MATCHERS, RowResult, Run, comparisons, line, quoted},
};

/// Results of all data sets.
#[derive(Default)]
pub struct Report {
    lines: Vec<Line>,
    comparisons: Vec<ComparisonLine>,
    /// What is known of each run, for JSON.
    runs: Vec<Value>,
    markdown: String,
}

impl Report {
    /// Adds the results of a data set.
    ///
    /// # Errors
    /// Returns an error if there are no test sentences.
    pub fn add(&mut self, set: &DataSet, settings: &Settings, results: &[RowResult]) -> Result<(), ExperimentError> {
        let result = |name: &str| results.iter().find(|result| result.row.name == name);
        let pairs = settings.pairs().into_iter();
        let pairs: Vec<_> = pairs.filter_map(|(a, b)| Some((result(&a.name)?, result(&b.name)?))).collect();
        for (matcher, kind) in MATCHERS.into_iter().enumerate() {
            let lines = settings.quoted.iter().map(|name| Ok(quoted(set, name, name, kind)));
            let lines = lines.chain(results.iter().map(|result| line(set, result, matcher)));
            let lines: Vec<Line> = lines.collect::<Result<_, _>>()?;
            let compared = comparisons(set, &pairs, matcher)?;
            self.markdown += &table(set, kind, &lines, &compared);
            self.lines.extend(lines);
            self.comparisons.extend(compared);
        }
        for result in results {
            let (data, row) = (&set.name, &result.row.name);
            let run = |run: &Run| {
                let folder = run.cell.as_ref().map(|cell| cell.folder.display().to_string());
                json!({ "data": data, "row": row, "seed": run.seed, "folder": folder, "cell": run.cell })
            };
            self.runs.extend(result.runs.iter().map(run));
        }
        Ok(())
    }

    /// Writes the files and prints the Markdown.
    ///
    /// # Errors
    /// Returns an error if a file cannot be written.
    pub fn finish(self, arguments: &Arguments) -> Result<(), ExperimentError> {
        let failed = |error: &dyn std::error::Error| ExperimentError::Output(error.to_string());
        let mut csv = csv::Writer::from_writer(Vec::new());
        self.lines.iter().try_for_each(|line| csv.serialize(line)).map_err(|error| failed(&error))?;
        let csv = csv.into_inner().map_err(|error| failed(&error))?;
        let json = json!({ "lines": self.lines, "comparisons": self.comparisons, "runs": self.runs });
        let json = serde_json::to_vec_pretty(&json).map_err(|error| failed(&error))?;
        let markdown = format!("{}{EXPLANATION}", self.markdown);
        for (ending, bytes) in [(".csv", csv.as_slice()), (".json", &json), (".md", markdown.as_bytes())] {
            write(&arguments.result(QUICK, ending), bytes)?;
        }
        println!("{markdown}\nwritten to {}, .csv and .json", arguments.result(QUICK, ".md").display());
        Ok(())
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ExperimentError> {
    Ok(replace_file(path, |file| std::io::Write::write_all(file, bytes).map_err(DataError::Output))?)
}

const EXPLANATION: &str = "\
**Table.** Precision, recall and F1 in percent, micro averages over the triples of the test sentences, at thresholds that were \
chosen on the development set; means over the seeds, F1 ± standard deviation over the seeds. 95 %: interval of F1 over the test \
sentences (bootstrap of the counts, summed over the seeds). Counts: true positives/predicted/gold of each seed. dev F1: exact, on \
the development set. Paper: precision / recall / F1 of Table 3 of the RERE paper; a row without other figures is only quoted. \
Seconds: training of all stages, and extraction from the test set; a stage that two rows share counts in both.

**Comparison.** F1 of the counts that are summed over the seeds that both rows have. Difference: A - B, with an interval by the \
paired bootstrap and p by approximate randomisation, both over the test sentences. A row is better if both methods say so at the \
level, 5 % divided by the number of comparisons in the table, and if it is better with each seed. The tests cover the choice of \
test sentences, not that of seeds: for it see the differences by seed and the standard deviations.
";

/// Returns the tables of a data set for one matcher.
fn table(set: &DataSet, matcher: Match, lines: &[Line], comparisons: &[ComparisonLine]) -> String {
    let meaning = match matcher {
        Match::Exact => "exact: whole subject and object",
        _ => "partial: first word of subject and object",
    };
    let mut text = format!("## {}, {meaning}\n\n", set.name);
    text += &set.note.as_ref().map(|note| format!("{note}\n\n")).unwrap_or_default();
    text += "| row | precision | recall | F1 | 95 % | counts | dev F1 | paper | training s | extraction s |\n\
             |---|---|---|---|---|---|---|---|---|---|\n";
    for line in lines {
        let [precision, recall, dev_f1] = [line.precision, line.recall, line.dev_f1].map(percent);
        let deviation = line.f1_deviation.map(|deviation| format!(" ± {deviation:.2}")).unwrap_or_default();
        let f1 = match line.f1 {
            Some(f1) => format!("{f1:.2}{deviation}"),
            None if line.note.is_empty() => "quoted".to_owned(),
            None => "not run".to_owned(),
        };
        let interval = line.f1_low.zip(line.f1_high).map(|(low, high)| format!("{low:.1} to {high:.1}"));
        let paper = [line.paper_precision, line.paper_recall, line.paper_f1].map(percent);
        let paper = if line.paper_f1.is_some() { paper.join(" / ") } else { String::new() };
        let training = line.training_seconds.map(|seconds| format!("{seconds:.0}")).unwrap_or_default();
        let extraction = line.extraction_seconds.map(|seconds| format!("{seconds:.1}")).unwrap_or_default();
        let (name, counts, interval) = (&line.row, &line.counts, interval.unwrap_or_default());
        let cells = [name, &precision, &recall, &f1, &interval, counts, &dev_f1, &paper, &training, &extraction];
        text += &row(&cells.map(String::as_str));
    }
    text.push('\n');
    for line in lines.iter().filter(|line| !line.note.is_empty()) {
        _ = writeln!(text, "- {}: {}", line.row, line.note);
    }
    if lines.iter().any(|line| !line.note.is_empty()) {
        text.push('\n');
    }
    if let Some(first) = comparisons.first() {
        let level = 100.0 * (1.0 - first.alpha);
        _ = writeln!(
            text,
            "| A | B | F1 of A | F1 of B | difference | {level:.1} % | by seed | p | |\n|---|---|---|---|---|---|---|---|---|"
        );
        for line in comparisons {
            let [a, b] = [line.f1_a, line.f1_b].map(|f1| format!("{f1:.2}"));
            let (difference, p) = (format!("{:+.2}", line.difference), format!("{:.4}", line.p_value));
            let interval = format!("{:+.2} to {:+.2}", line.low, line.high);
            text += &row(&[&line.a, &line.b, &a, &b, &difference, &interval, &line.by_seed, &p, &line.verdict]);
        }
        text.push('\n');
    }
    text
}

fn percent(share: Option<f64>) -> String {
    share.map(|share| format!("{share:.2}")).unwrap_or_default()
}

/// Returns a row of a Markdown table.
fn row(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | "))
}
