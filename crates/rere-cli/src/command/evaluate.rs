//! `rere evaluate`

use std::{collections::BTreeMap, path::PathBuf};

use rere_core::Sentence;
use rere_eval::{Counts, Match, NamedScore, Score, align, count, count_all};

use super::Outcome;

/// Options of `rere evaluate`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Gold triples, in any known format.
    #[arg(long, value_name = "FILE")]
    gold: PathBuf,
    /// Predicted triples, in any known format.
    #[arg(long, value_name = "FILE")]
    pred: PathBuf,
    /// When two triples are equal: exact or partial; may be given several times.
    #[arg(long = "match", value_name = "MATCH", default_value = "exact")]
    matches: Vec<Match>,
    /// A line for each relation too.
    #[arg(long)]
    per_relation: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Scores predictions.
pub fn run(arguments: &Arguments) -> Outcome {
    let gold = rere_data::read(&arguments.gold)?;
    let predicted = rere_data::read(&arguments.pred)?;
    let aligned = align(&gold, &predicted)?;
    let scores: Vec<NamedScore> =
        arguments.matches.iter().map(|matcher| NamedScore::new(*matcher, count_all(&aligned, matcher))).collect();
    if arguments.json {
        println!("{}", serde_json::json!({ "scores": scores }));
        return Ok(());
    }
    println!(
        "{:<9} {:>6} {:>9} {:>6} {:>9} {:>8} {:>8}",
        "match", "right", "predicted", "gold", "precision", "recall", "F1"
    );
    for named in &scores {
        println!("{}", line(&named.matcher.to_string(), named.score));
    }
    if arguments.per_relation {
        for matcher in &arguments.matches {
            println!("\n{matcher}, by relation");
            for (relation, counts) in by_relation(&aligned, *matcher) {
                println!("{}  {relation}", line("", Score::from_counts(counts)));
            }
        }
    }
    Ok(())
}

fn line(name: &str, score: Score) -> String {
    let Counts { right, predicted, gold } = score.counts;
    let [p, r, f1] = [score.precision, score.recall, score.f1].map(|share| 100.0 * share);
    format!("{name:<9} {right:>6} {predicted:>9} {gold:>6} {p:>9.2} {r:>8.2} {f1:>8.2}")
}

fn by_relation<'a>(aligned: &[(&'a Sentence, &'a Sentence)], matcher: Match) -> BTreeMap<&'a str, Counts> {
    let mut counts: BTreeMap<&str, Counts> = BTreeMap::new();
    for (gold, predicted) in aligned {
        let both = gold.triples.iter().chain(&predicted.triples);
        let relations: std::collections::BTreeSet<&str> = both.map(|triple| triple.relation.as_str()).collect();
        for relation in relations {
            let of = |sentence: &Sentence| -> Vec<_> {
                sentence.triples.iter().filter(|triple| triple.relation == relation).cloned().collect()
            };
            *counts.entry(relation).or_default() += count(&of(gold), &of(predicted), &matcher);
        }
    }
    counts
}
