//! The results as Markdown, CSV and JSON.

use rere_eval::Match;
use rere_experiments::{Arguments, DataSet, ExperimentError, Settings, markdown_table, with_deviation};
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
        self.markdown +=
            &format!("## {}\n\n{}", set.name, set.note.as_ref().map_or(String::new(), |note| format!("{note}\n\n")));
        for (matcher, kind) in MATCHERS.into_iter().enumerate() {
            let quotes = settings.quoted.iter().map(|name| quoted(set, name, name, kind));
            let mut lines: Vec<Line> = quotes.filter(|line| line.paper_f1.is_some()).collect();
            for result in results {
                lines.push(line(set, result, matcher)?);
            }
            let compared = comparisons(set, &pairs, matcher)?;
            self.markdown += &tables(kind, &lines, &compared);
            self.lines.extend(lines);
            self.comparisons.extend(compared);
        }
        let problems = results.iter().filter_map(|result| Some((&result.row.name, result.problem.as_ref()?)));
        let problems: Vec<String> = problems.map(|(name, problem)| format!("- {name}: {problem}\n")).collect();
        if !problems.is_empty() {
            self.markdown += &format!("{}\n", problems.concat());
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
        let json = json!({ "lines": self.lines, "comparisons": self.comparisons, "runs": self.runs });
        arguments.write_results(QUICK, &format!("{}{EXPLANATION}", self.markdown), &self.lines, &json)
    }
}

const EXPLANATION: &str = "\
**Table.** Precision, recall and F1 in percent, micro averages over the triples of the test sentences, at thresholds that were \
chosen on the development set; means over the seeds, F1 ± standard deviation over the seeds. 95 %: interval of F1 over the test \
sentences (bootstrap of the counts, summed over the seeds). Counts: true positives/predicted/gold of each seed. dev F1: exact, on \
the development set. Paper: precision / recall / F1 of Table 3 of the RERE paper; a row without other figures is only quoted, \
and the paper quotes figures with one decimal from Wei et al. (ACL 2020). \
Seconds: training of all stages, and extraction from the test set; a stage that two rows share counts in both.

**Comparison.** F1 of the counts that are summed over the seeds that both rows have. Difference: A - B, with an interval by the \
paired bootstrap and p by approximate randomisation, both over the test sentences. A row is better if both methods say so at the \
level, 5 % divided by the number of comparisons in the table, and if it is better with each seed. The tests cover the choice of \
test sentences, not that of seeds: for it see the differences by seed and the standard deviations.
";

/// Returns the tables of a data set for one matcher.
fn tables(matcher: Match, lines: &[Line], comparisons: &[ComparisonLine]) -> String {
    let meaning = match matcher {
        Match::Exact => "exact: whole subject and object",
        _ => "partial: first word of subject and object",
    };
    let decimals =
        |number: Option<f64>, decimals| number.map_or(String::new(), |number| format!("{number:.decimals$}"));
    let lines = lines.iter().map(|line| {
        let f1 = match line.f1 {
            Some(f1) => with_deviation(f1, line.f1_deviation),
            None if line.note.is_empty() => "quoted".to_owned(),
            None => "not run".to_owned(),
        };
        let interval = line.f1_low.zip(line.f1_high).map(|(low, high)| format!("{low:.1} to {high:.1}"));
        let paper = [line.paper_precision, line.paper_recall, line.paper_f1].into_iter().flatten();
        [
            line.row.clone(),
            decimals(line.precision, 2),
            decimals(line.recall, 2),
            f1,
            interval.unwrap_or_default(),
            line.counts.clone(),
            decimals(line.dev_f1, 2),
            paper.map(|figure| format!("{figure:?}")).collect::<Vec<_>>().join(" / "),
            decimals(line.training_seconds, 0),
            decimals(line.extraction_seconds, 1),
        ]
    });
    let head = ["row", "precision", "recall", "F1", "95 %", "counts", "dev F1", "paper", "training s", "extraction s"];
    let table = markdown_table(head, lines);
    let level = comparisons.first().map_or(String::new(), |line| format!("{:.1} %", 100.0 * (1.0 - line.alpha)));
    let head = ["A", "B", "F1 of A", "F1 of B", "difference", &level, "by seed", "p", "result"];
    let compared = comparisons.iter().map(|line| {
        [
            line.a.clone(),
            line.b.clone(),
            format!("{:.2}", line.f1_a),
            format!("{:.2}", line.f1_b),
            format!("{:+.2}", line.difference),
            format!("{:+.2} to {:+.2}", line.low, line.high),
            line.by_seed.clone(),
            format!("{:.4}", line.p_value),
            line.verdict.clone(),
        ]
    });
    format!("### {meaning}\n\n{table}{}", markdown_table(head, compared))
}
