//! Scores of the rows, and their comparison.

use rere::Sentence;
use rere_eval::{
    Counts, EvalError, Exact, Match, Partial, Score, SignificanceError, Spread, Verdict, bootstrap, compare,
    count_each, pair_sentences,
};
use rere_experiments::{Cell, DataSet, Row};
use serde::Serialize;

use crate::paper;

/// The matchers of the table: the paper's rows "(exact)", and its other rows.
pub const MATCHERS: [Match; 2] = [Match::Exact, Match::Partial];

/// Rounds of the bootstrap and of the randomisation, and their seed.
const ROUNDS: usize = 10_000;
const SEED: u64 = 1;

/// Share of equal rows that may be called different, over all comparisons of a data set and matcher together.
const ALPHA: f64 = 0.05;

/// A row on a data set.
pub struct RowResult<'a> {
    pub row: &'a Row,
    /// One run for each seed; one for a knowledge base.
    pub runs: Vec<Run>,
    /// Why the row was not run with all of its seeds.
    pub problem: Option<String>,
}

/// The triples that were found in the test sentences in one run.
pub struct Run {
    pub seed: Option<u64>,
    /// The trained system; `None` for a knowledge base.
    pub cell: Option<Cell>,
    /// The counts of each sentence, by matcher.
    pub counts: [Vec<Counts>; MATCHERS.len()],
}

/// A line of the table. Shares are in percent.
#[derive(Debug, Default, Serialize)]
pub struct Line {
    pub data: String,
    pub matcher: String,
    pub row: String,
    /// Number of runs behind the means; 0 if the row was not run.
    pub runs: usize,
    /// Means over the runs.
    pub precision: Option<f64>,
    pub recall: Option<f64>,
    pub f1: Option<f64>,
    /// Standard deviation of F1 over the seeds.
    pub f1_deviation: Option<f64>,
    /// 95 % interval of F1 over the test sentences.
    pub f1_low: Option<f64>,
    pub f1_high: Option<f64>,
    /// True positives / predicted / gold of each run.
    pub counts: String,
    pub dev_f1: Option<f64>,
    pub training_seconds: Option<f64>,
    pub extraction_seconds: Option<f64>,
    pub paper_precision: Option<f64>,
    pub paper_recall: Option<f64>,
    pub paper_f1: Option<f64>,
    pub note: String,
}

/// Two rows compared. Shares are in percent.
#[derive(Debug, Serialize)]
pub struct ComparisonLine {
    pub data: String,
    pub matcher: String,
    pub a: String,
    pub b: String,
    pub f1_a: f64,
    pub f1_b: f64,
    /// F1 of A minus F1 of B.
    pub difference: f64,
    /// The difference with each seed that both rows have.
    pub by_seed: String,
    pub low: f64,
    pub high: f64,
    pub p_value: f64,
    /// The level of the test and of the interval.
    pub alpha: f64,
    pub verdict: String,
}

/// Counts the triples of each test sentence.
///
/// # Errors
/// Returns an error if the sentences are not those of the test set.
pub fn count(gold: &[Sentence], predicted: &[Sentence]) -> Result<[Vec<Counts>; MATCHERS.len()], EvalError> {
    let pairs = pair_sentences(gold, predicted)?;
    Ok([count_each(&pairs, &Exact), count_each(&pairs, &Partial)])
}

/// Returns the line of a row for one matcher.
///
/// # Errors
/// Returns an error if there are no test sentences.
pub fn line(set: &DataSet, result: &RowResult, matcher: usize) -> Result<Line, SignificanceError> {
    let RowResult { row, runs, problem } = result;
    let scores: Vec<Score> =
        runs.iter().map(|run| run.counts[matcher].iter().copied().sum::<Counts>().into()).collect();
    let spread = |of: fn(&Score) -> f64| Spread::of(&scores.iter().map(|score| 100.0 * of(score)).collect::<Vec<_>>());
    let f1 = spread(|score| score.f1);
    let interval = match runs.as_slice() {
        [] => None,
        runs => Some(bootstrap(&summed(&runs.iter().collect::<Vec<_>>(), matcher, runs.len()), ROUNDS, SEED, 0.95)?.f1),
    };
    let cells = || runs.iter().filter_map(|run| run.cell.as_ref());
    let mean = |of: fn(&Cell) -> f64| Spread::of(&cells().map(of).collect::<Vec<_>>()).map(|spread| spread.mean);
    let of_run =
        |Score { counts, .. }: &Score| format!("{}/{}/{}", counts.true_positives, counts.predicted, counts.gold);
    Ok(Line {
        runs: runs.len(),
        precision: spread(|score| score.precision).map(|spread| spread.mean),
        recall: spread(|score| score.recall).map(|spread| spread.mean),
        f1: f1.map(|spread| spread.mean),
        f1_deviation: f1.and_then(|spread| spread.deviation),
        f1_low: interval.map(|interval| 100.0 * interval.low),
        f1_high: interval.map(|interval| 100.0 * interval.high),
        counts: scores.iter().map(of_run).collect::<Vec<_>>().join(", "),
        dev_f1: mean(|cell| 100.0 * cell.dev_f1.unwrap_or_default()),
        training_seconds: mean(|cell| cell.training_seconds.values().sum()),
        extraction_seconds: mean(|cell| cell.extraction_seconds),
        note: problem.clone().unwrap_or_default(),
        ..quoted(set, &row.name, row.paper(), MATCHERS[matcher])
    })
}

/// Returns the line of a row that has only the paper's figures.
pub fn quoted(set: &DataSet, name: &str, paper: &str, matcher: Match) -> Line {
    let figures = set.paper.as_deref().and_then(|column| paper::figures(paper, column, matcher));
    let figure = |at: usize| figures.map(|figures| figures[at]);
    Line {
        data: set.name.clone(),
        matcher: matcher.to_string(),
        row: name.to_owned(),
        paper_precision: figure(0),
        paper_recall: figure(1),
        paper_f1: figure(2),
        ..Line::default()
    }
}

/// Compares pairs of rows. Rows that were not run are left out.
///
/// The counts of each sentence are summed over the seeds that both rows have, because seeds can differ by more than rows. Without
/// a common seed they are summed over all runs of each row.
///
/// # Errors
/// Returns an error if there are no test sentences.
pub fn comparisons(
    set: &DataSet,
    pairs: &[(&RowResult, &RowResult)],
    matcher: usize,
) -> Result<Vec<ComparisonLine>, SignificanceError> {
    let pairs: Vec<_> = pairs.iter().filter(|(a, b)| !a.runs.is_empty() && !b.runs.is_empty()).collect();
    let alpha = ALPHA / pairs.len().max(1) as f64;
    pairs.iter().map(|(a, b)| comparison(set, a, b, matcher, alpha)).collect()
}

fn comparison(
    set: &DataSet,
    a: &RowResult,
    b: &RowResult,
    matcher: usize,
    alpha: f64,
) -> Result<ComparisonLine, SignificanceError> {
    let same_seed: Vec<(&Run, &Run)> =
        a.runs.iter().filter_map(|run| Some((run, b.runs.iter().find(|other| other.seed == run.seed)?))).collect();
    let (runs_a, runs_b) = if same_seed.is_empty() {
        (a.runs.iter().collect(), b.runs.iter().collect())
    } else {
        same_seed.iter().copied().unzip::<_, _, Vec<_>, Vec<_>>()
    };
    let copies = runs_a.len() * runs_b.len();
    let found = compare(&summed(&runs_a, matcher, copies), &summed(&runs_b, matcher, copies), ROUNDS, SEED, alpha)?;
    let f1 = |run: &Run| 100.0 * Score::from_counts(run.counts[matcher].iter().copied().sum()).f1;
    let by_seed: Vec<f64> = same_seed.iter().map(|(a, b)| f1(a) - f1(b)).collect();
    let with_each_seed = |sign: f64| by_seed.iter().all(|difference| sign * difference > 0.0);
    Ok(ComparisonLine {
        data: set.name.clone(),
        matcher: MATCHERS[matcher].to_string(),
        a: a.row.name.clone(),
        b: b.row.name.clone(),
        f1_a: 100.0 * found.a.f1,
        f1_b: 100.0 * found.b.f1,
        difference: 100.0 * found.difference,
        by_seed: by_seed.iter().map(|difference| format!("{difference:+.2}")).collect::<Vec<_>>().join(", "),
        low: 100.0 * found.interval.low,
        high: 100.0 * found.interval.high,
        p_value: found.p_value,
        alpha,
        verdict: match found.verdict {
            Verdict::ABetter if with_each_seed(1.0) => format!("{} is better", a.row.name),
            Verdict::BBetter if with_each_seed(-1.0) => format!("{} is better", b.row.name),
            Verdict::ABetter | Verdict::BBetter => "seeds disagree".to_owned(),
            Verdict::NoDifference => "may be noise".to_owned(),
        },
    })
}

/// Sums the counts of each sentence over runs, each taken so often that there are `copies` runs. Two rows with different numbers
/// of runs then have the same weight, and no F1 changes.
fn summed(runs: &[&Run], matcher: usize, copies: usize) -> Vec<Counts> {
    let times = copies / runs.len().max(1);
    let sentences = runs.first().map_or(0, |run| run.counts[matcher].len());
    let sum = |sentence: usize| -> Counts {
        let counts: Counts = runs.iter().map(|run| run.counts[matcher][sentence]).sum();
        let Counts { true_positives, predicted, gold } = counts;
        Counts { true_positives: times * true_positives, predicted: times * predicted, gold: times * gold }
    };
    (0..sentences).map(sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> DataSet {
        let text = "name = \"d\"\ntrain = \"\"\ntest = \"\"\npaper = \"NYT11-HRL\"";
        toml::from_str(text).expect("a data set")
    }

    fn row(name: &str) -> Row {
        toml::from_str(&format!("name = {name:?}\nsystem = \"rere\"")).expect("a row")
    }

    /// A run that finds the triple of the first so many of 200 sentences, and a wrong one in each.
    fn run(seed: u64, found: usize) -> Run {
        let counts = |at: usize| Counts { true_positives: usize::from(at < found), predicted: 2, gold: 1 };
        let counts: Vec<Counts> = (0..200).map(counts).collect();
        Run { seed: Some(seed), cell: None, counts: [counts.clone(), counts] }
    }

    #[test]
    fn a_line_has_means_and_deviation_over_the_seeds_and_the_figures_of_the_paper() {
        let row = row("RERE");
        // By hand: precision 30 % and 60 %, recall 60 % and 120 / 200, F1 = 2 * found / 600.
        let result = RowResult { row: &row, runs: vec![run(1, 90), run(2, 150)], problem: None };
        let line = line(&set(), &result, 0).expect("a line");
        let is = |found: Option<f64>, expected: f64| found.is_some_and(|found| (found - expected).abs() < 1e-9);
        assert!(is(line.f1, 40.0) && is(line.f1_deviation, 200f64.sqrt()) && is(line.recall, 60.0), "{line:?}");
        assert!(is(line.precision, 30.0) && line.f1_low < line.f1 && line.f1 < line.f1_high, "{line:?}");
        assert_eq!((line.counts.as_str(), line.runs), ("90/400/200, 150/400/200", 2));
        assert_eq!((line.paper_f1, line.dev_f1), (Some(55.47), None));
    }

    #[test]
    fn rows_are_compared_with_the_seeds_that_both_have() {
        let (first, second) = (row("a"), row("b"));
        let compared = |a: Vec<Run>, b: Vec<Run>| {
            let result = |row, runs| RowResult { row, runs, problem: None };
            let (a, b) = (result(&first, a), result(&second, b));
            comparisons(&set(), &[(&a, &b)], 0).expect("compared").remove(0)
        };
        // Seed 2 of a is much better, but b does not have it.
        let line = compared(vec![run(1, 90), run(2, 180)], vec![run(1, 90)]);
        assert_eq!((line.difference, line.by_seed.as_str(), line.verdict.as_str()), (0.0, "+0.00", "may be noise"));
        let line = compared(vec![run(1, 150), run(2, 180)], vec![run(2, 120), run(1, 90)]);
        assert_eq!((line.by_seed.as_str(), line.verdict.as_str()), ("+20.00, +20.00", "a is better"));
        let line = compared(vec![run(1, 60), run(2, 90)], vec![run(1, 150), run(2, 89)]);
        assert_eq!((line.by_seed.as_str(), line.verdict.as_str()), ("-30.00, +0.33", "seeds disagree"));
        // Without a common seed, each row has the same weight: 50 % of 2 runs, 60 % of 1.
        let line = compared(vec![run(1, 90), run(2, 150)], vec![run(3, 150)]);
        assert!((line.f1_a - 40.0).abs() < 1e-9 && (line.f1_b - 50.0).abs() < 1e-9 && line.by_seed.is_empty());
    }
}
