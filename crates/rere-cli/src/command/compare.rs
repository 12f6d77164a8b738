//! `rere compare`

use std::path::PathBuf;

use rere_eval::{
    Counts, Match, Side, TripleMatcher, average_precision, compare, count_each, pair_sentences, plot_precision_recall,
    precision_recall_curve, scored,
};

use super::{Conventions, Outcome, check_standard_input, read, read_gold, say, write_picture};

/// Options of `rere compare`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Predictions of system A, in any known format.
    #[arg(value_name = "A")]
    a: PathBuf,
    /// Predictions of system B for the same sentences.
    #[arg(value_name = "B")]
    b: PathBuf,
    /// Gold triples.
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
    #[arg(long, default_value_t = 10_000)]
    rounds: usize,
    /// Seed of both.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often a winner may be named among systems that are equal.
    #[arg(long, value_name = "P", default_value_t = 0.05)]
    alpha: f64,
    /// A file for the precision-recall curves of both, such as curves.svg; it is written as SVG and beside it as PNG. The
    /// predictions need scores.
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    conventions: Conventions,
}

/// Says which of two systems is better, if any.
pub fn run(arguments: &Arguments) -> Outcome {
    check_standard_input([&arguments.gold, &arguments.a, &arguments.b].map(PathBuf::as_path))?;
    let options = arguments.conventions.options(None);
    let gold = read_gold(&arguments.gold, &options)?;
    let (a, b) = (read(&arguments.a, &options)?, read(&arguments.b, &options)?);
    let matcher = arguments.matcher;
    matcher.check((1..).zip(&gold), Side::Gold)?;
    let mut systems = Vec::with_capacity(2);
    for (path, predicted) in [(&arguments.a, &a), (&arguments.b, &b)] {
        let named = |error| format!("{}: {error}", path.display());
        matcher.check((1..).zip(predicted), Side::Predicted).map_err(named)?;
        systems.push((path.display().to_string(), pair_sentences(&gold, predicted).map_err(named)?));
    }
    let [a, b] = [&systems[0].1, &systems[1].1].map(|aligned| count_each(aligned, &matcher));
    let comparison = compare(&a, &b, arguments.rounds, arguments.seed, arguments.alpha)?;
    if let Some(file) = &arguments.plot {
        let mut curves = Vec::with_capacity(2);
        for (path, aligned) in &systems {
            let scored = scored(aligned, &matcher).map_err(|error| format!("{path}: {error}"))?;
            let curve = precision_recall_curve(scored.items, scored.gold);
            curves.push((format!("{path}, average precision {:.3}", average_precision(&curve)), curve));
        }
        let named: Vec<_> = curves.iter().map(|(name, curve)| (name.as_str(), curve.as_slice())).collect();
        write_picture(file, &plot_precision_recall(&named)?)?;
    }
    if arguments.json {
        say(serde_json::json!(comparison))?;
    } else {
        for ((path, _), (name, score)) in systems.iter().zip([("A", comparison.a), ("B", comparison.b)]) {
            let Counts { true_positives: right, predicted, gold } = score.counts;
            let [precision, recall, f1] = [score.precision, score.recall, score.f1].map(|share| 100.0 * share);
            say(format!(
                "{name}  {right}/{predicted}/{gold}  precision {precision:.2}  recall {recall:.2}  F1 {f1:.2}  {path}"
            ))?;
        }
        say(comparison)?;
    }
    Ok(())
}
