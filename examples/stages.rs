//! Where a trained system loses its points: each stage alone, and the whole.
//!
//! ```text
//! cargo run --release --example stages -- MODEL DEV TEST
//! ```
//!
//! The relation classifier is scored on the relations of each sentence, the entity extractor on the pairs of the gold
//! relations, the whole on triples. Each stage is shown at the thresholds of the model, which were chosen for the whole
//! system, and at those that are best for the stage alone on DEV. Nothing is chosen on TEST.

use std::{collections::BTreeSet, env, error::Error, path::Path};

use burn::tensor::Device;
use rere::{Rere, Thresholds};
use rere_core::{Extractor, Sentence, Triple};
use rere_eval::{Counts, Exact, Partial, Score, best_threshold, counts_at, evaluate};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [model, dev, test] = arguments.as_slice() else {
        return Err("three arguments are wanted: MODEL DEV TEST".into());
    };
    let system = Rere::load(Path::new(model), &Device::flex())?;
    let dev = rere_data::read(Path::new(dev))?;
    let test = rere_data::read(Path::new(test))?;
    let chosen = system.thresholds();

    println!("{:<40}   thresholds  right  predicted  gold  precision  recall     F1", "on the test set");
    let on_test = relations(&system, &test)?;
    let on_dev = relations(&system, &dev)?;
    let best = best_threshold(on_dev.scored, on_dev.gold).ok_or("DEV has no sentence")?.0;
    for (name, threshold) in [("the model's", chosen.relation), ("best alone on DEV", best)] {
        let counts = counts_at(&on_test.scored, on_test.gold, threshold);
        show(&format!("relations, {name}"), &format!("{threshold:.3}"), counts);
    }

    let on_dev = system.score_given(&dev, &gold_relations(&system, &dev))?;
    let best = system.best_thresholds(&on_dev, &dev)?.ok_or("DEV has no triple")?.0;
    let on_test = system.score_given(&test, &gold_relations(&system, &test))?;
    for (name, thresholds) in [("the model's", chosen), ("best alone on DEV", best)] {
        let predicted = with_triples(&test, system.decode_at(&on_test, &test, thresholds)?);
        show(&format!("pairs of gold relations, {name}"), &decoding(thresholds), evaluate(&test, &predicted, &Exact)?);
    }

    let predicted = with_triples(&test, system.extract(&test)?);
    show("triples, exact", &decoding(chosen), evaluate(&test, &predicted, &Exact)?);
    show("triples, partial", &decoding(chosen), evaluate(&test, &predicted, &Partial)?);
    Ok(())
}

/// The score of each relation of each sentence and whether the sentence has it, and how many there are to be found. A
/// relation that the model does not know is one that is not found.
struct Relations {
    scored: Vec<(f32, bool)>,
    gold: usize,
}

fn relations(system: &Rere, sentences: &[Sentence]) -> Result<Relations, Box<dyn Error>> {
    let mut relations = Relations { scored: Vec::new(), gold: 0 };
    for (sentence, scores) in sentences.iter().zip(system.relation_scores(sentences)?) {
        let names: BTreeSet<&str> = sentence.triples.iter().map(|triple| triple.relation.as_str()).collect();
        relations.gold += names.len();
        let known = system.relations().iter().map(|relation| names.contains(relation.name.as_str()));
        relations.scored.extend(scores.into_iter().zip(known));
    }
    Ok(relations)
}

/// The labels of each sentence's gold relations, as far as the model knows them.
fn gold_relations(system: &Rere, sentences: &[Sentence]) -> Vec<Vec<usize>> {
    let labels = |sentence: &Sentence| -> BTreeSet<usize> {
        sentence.triples.iter().filter_map(|triple| system.relations().label(&triple.relation)).collect()
    };
    sentences.iter().map(|sentence| labels(sentence).into_iter().collect()).collect()
}

fn with_triples(sentences: &[Sentence], triples: Vec<Vec<Triple>>) -> Vec<Sentence> {
    let sentences = sentences.iter().zip(triples);
    sentences.map(|(sentence, triples)| Sentence { triples, ..sentence.clone() }).collect()
}

/// The thresholds of pointers and of triples.
fn decoding(thresholds: Thresholds) -> String {
    format!("{:.2}, {:.3}", thresholds.entity, thresholds.triple)
}

fn show(name: &str, thresholds: &str, counts: Counts) {
    let Score { counts: Counts { right, predicted, gold }, precision, recall, f1 } = Score::from_counts(counts);
    let [p, r, f1] = [precision, recall, f1].map(|share| 100.0 * share);
    println!("{name:<40} {thresholds:>12} {right:>6} {predicted:>10} {gold:>5} {p:>10.2} {r:>7.2} {f1:>6.2}");
}
