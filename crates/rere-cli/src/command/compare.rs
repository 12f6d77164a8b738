//! `rere compare`

use std::path::PathBuf;

use rere_eval::{
    Counts, Match, Side, TripleMatcher, average_precision, compare, count_each, pair_sentences, plot_precision_recall,
    precision_recall_curve, scored,
};

use super::{CommandResult, ConventionArguments, check_standard_input, print_line, read_corpus, read_gold, write_plot};

/// Options of `rere compare`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Predictions of system A, in any known format.
    #[arg(value_name = "A")]
    a: PathBuf,
    /// Predictions of system B for the same sentences, in any known format.
    #[arg(value_name = "B")]
    b: PathBuf,
    /// Gold triples, in any known format.
    #[arg(long, value_name = "FILE")]
    gold: PathBuf,
    #[arg(
        long = "match",
        value_name = "MATCH",
        default_value = "exact",
        help = format!("When two triples are equal: {}", Match::names())
    )]
    matcher: Match,
    /// Rounds of the paired bootstrap and of approximate randomisation.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    rounds: usize,
    /// Seed of both.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Significance level: how often equal systems may be reported as different.
    #[arg(long, value_name = "P", default_value_t = 0.05)]
    alpha: f64,
    /// File for the precision-recall curves of both, such as curves.svg; written as SVG and as PNG. Predictions need
    /// scores.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    conventions: ConventionArguments,
}

const EXAMPLES: &str = "\
Examples:
  Test whether one system has a better F1:
    rere compare a.jsonl b.jsonl --gold gold.jsonl
  By the first words of entities, with a plot:
    rere compare a.jsonl b.jsonl --gold gold.jsonl --match partial --plot curves.svg";

/// Compares two systems by significance tests.
pub fn run(arguments: &Arguments) -> CommandResult {
    check_standard_input([&arguments.gold, &arguments.a, &arguments.b].map(PathBuf::as_path))?;
    let options = arguments.conventions.options(None);
    let gold = read_gold(&arguments.gold, &options)?;
    let (a, b) = (read_corpus(&arguments.a, &options)?, read_corpus(&arguments.b, &options)?);
    let matcher = arguments.matcher;
    matcher.check((1..).zip(&gold), Side::Gold)?;
    let mut systems = Vec::with_capacity(2);
    for (path, predicted) in [(&arguments.a, &a), (&arguments.b, &b)] {
        let with_path = |error| format!("{}: {error}", path.display());
        matcher.check((1..).zip(predicted), Side::Predicted).map_err(with_path)?;
        systems.push((path.display().to_string(), pair_sentences(&gold, predicted).map_err(with_path)?));
    }
    let [a, b] = [&systems[0].1, &systems[1].1].map(|pairs| count_each(pairs, &matcher));
    let comparison = compare(&a, &b, arguments.rounds, arguments.seed, arguments.alpha)?;
    if let Some(file) = &arguments.plot {
        let mut curves = Vec::with_capacity(2);
        for (path, pairs) in &systems {
            let scored = scored(pairs, &matcher).map_err(|error| format!("{path}: {error}"))?;
            let curve = precision_recall_curve(scored.items, scored.gold);
            curves.push((format!("{path}, average precision {:.3}", average_precision(&curve)), curve));
        }
        let labelled: Vec<_> = curves.iter().map(|(name, curve)| (name.as_str(), curve.as_slice())).collect();
        write_plot(file, &plot_precision_recall(&labelled)?)?;
    }
    if arguments.json {
        print_line(serde_json::json!(comparison))?;
    } else {
        for ((path, _), (name, score)) in systems.iter().zip([("A", comparison.a), ("B", comparison.b)]) {
            let Counts { true_positives, predicted, gold } = score.counts;
            let [precision, recall, f1] = [score.precision, score.recall, score.f1].map(|share| 100.0 * share);
            print_line(format!(
                "{name}  true positives {true_positives}  predicted {predicted}  gold {gold}  \
                 precision {precision:.2}  recall {recall:.2}  F1 {f1:.2}  {path}"
            ))?;
        }
        print_line(comparison)?;
    }
    Ok(())
}
