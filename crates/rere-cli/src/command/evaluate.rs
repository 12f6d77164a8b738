//! `rere evaluate`

use std::{collections::HashSet, path::PathBuf};

use rere_core::{RelationSet, Sentence, Triple};
use rere_eval::{Counts, Match, NamedScore, Score, align, check_relations, count_all, count_by_relation};

use super::{Outcome, read};

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
    /// All relations there are: a triple with another one, on either side, is an error.
    #[arg(long, value_delimiter = ',')]
    relations: Vec<String>,
    /// A line for each relation too.
    #[arg(long)]
    per_relation: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Scores predictions.
pub fn run(arguments: &Arguments) -> Outcome {
    let gold = read(&arguments.gold)?;
    let predicted = read(&arguments.pred)?;
    if arguments.relations.is_empty() {
        note_unknown_relations(&gold, &predicted);
    } else {
        let relations = RelationSet::from_names(arguments.relations.iter().map(String::as_str))?;
        for (path, sentences) in [(&arguments.gold, &gold), (&arguments.pred, &predicted)] {
            check_relations(sentences, &relations).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    let aligned = align(&gold, &predicted)?;
    if arguments.json {
        println!("{}", json(arguments, &aligned));
        return Ok(());
    }
    println!(
        "{:<9} {:>6} {:>9} {:>6} {:>9} {:>8} {:>8}",
        "match", "right", "predicted", "gold", "precision", "recall", "F1"
    );
    for matcher in &arguments.matches {
        println!("{}", line(&matcher.to_string(), Score::from_counts(count_all(&aligned, matcher))));
    }
    if arguments.per_relation {
        for matcher in &arguments.matches {
            println!("\n{matcher}, by relation");
            for (relation, counts) in count_by_relation(&aligned, matcher) {
                println!("{}  {relation}", line("", Score::from_counts(counts)));
            }
        }
    }
    Ok(())
}

/// `{"scores": [...]}`, an entry for each matcher, with `relations` in each where they are asked for.
fn json(arguments: &Arguments, aligned: &[(&Sentence, &Sentence)]) -> serde_json::Value {
    let scores = arguments.matches.iter().map(|matcher| {
        let mut score = serde_json::json!(NamedScore::new(*matcher, count_all(aligned, matcher)));
        if arguments.per_relation {
            let relations = count_by_relation(aligned, matcher).into_iter();
            score["relations"] = relations
                .map(|(name, counts)| (name.to_owned(), serde_json::json!(Score::from_counts(counts))))
                .collect();
        }
        score
    });
    serde_json::json!({ "scores": scores.collect::<Vec<_>>() })
}

/// A relation that is predicted and never gold may be a name that is spelt in two ways: say so, and count on.
fn note_unknown_relations(gold: &[Sentence], predicted: &[Sentence]) {
    let known: HashSet<&str> = relations(gold).collect();
    let unknown: Vec<&str> = relations(predicted).filter(|relation| !known.contains(relation)).collect();
    if !unknown.is_empty() {
        let mut names: Vec<&str> = unknown.clone();
        names.sort_unstable();
        names.dedup();
        eprintln!(
            "note: {} predicted triples have relations that no gold triple has, and count as wrong: {}",
            unknown.len(),
            names.join(", "),
        );
    }
}

fn relations(sentences: &[Sentence]) -> impl Iterator<Item = &str> {
    sentences.iter().flat_map(|sentence| &sentence.triples).map(|Triple { relation, .. }| relation.as_str())
}

fn line(name: &str, score: Score) -> String {
    let Counts { right, predicted, gold } = score.counts;
    let [p, r, f1] = [score.precision, score.recall, score.f1].map(|share| 100.0 * share);
    format!("{name:<9} {right:>6} {predicted:>9} {gold:>6} {p:>9.2} {r:>8.2} {f1:>8.2}")
}
