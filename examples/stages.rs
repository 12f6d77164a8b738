//! Where a trained system loses its points: each stage alone, and the whole.
//!
//! ```text
//! cargo run --release --example stages -- MODEL DEV TEST
//! ```
//!
//! The relation classifier is scored on the relations of each sentence, the entity extractor on the pairs of the gold
//! relations, the whole on triples. Each stage is shown at the threshold of the model, which was chosen for the whole
//! system, and at the one that is best for the stage alone on DEV. Nothing is chosen on TEST.

use std::{collections::BTreeSet, env, error::Error, path::Path};

use burn::tensor::Device;
use rere::{Rere, Thresholds};
use rere_core::{Extractor, Probability, Sentence, Triple};
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

    println!("{:<44} threshold  right  predicted  gold  precision  recall     F1", "on the test set");
    let on_test = relations(&system, &test)?;
    let on_dev = relations(&system, &dev)?;
    let best = best_threshold(on_dev.scored, on_dev.gold).ok_or("DEV has no sentence")?.0;
    for (name, threshold) in [("the model's", chosen.relation), ("best alone on DEV", best)] {
        show(&format!("relations, {name}"), threshold, counts_at(&on_test.scored, on_test.gold, threshold));
    }

    let thresholds = Thresholds::entity_candidates();
    let f1 = |counts: &Counts| Score::from_counts(*counts).f1;
    let on_dev = pairs(&system, &dev, &thresholds)?;
    let best = thresholds.iter().zip(&on_dev).max_by(|(_, a), (_, b)| f1(a).total_cmp(&f1(b)));
    let thresholds = [chosen.entity, *best.ok_or("no threshold")?.0];
    for (name, (threshold, counts)) in
        ["the model's", "best alone on DEV"].iter().zip(thresholds.iter().zip(pairs(&system, &test, &thresholds)?))
    {
        show(&format!("pairs of gold relations, {name}"), *threshold, counts);
    }

    let predicted = with_triples(&test, system.extract(&test)?);
    show("triples, exact", chosen.entity, evaluate(&test, &predicted, &Exact)?);
    show("triples, partial", chosen.entity, evaluate(&test, &predicted, &Partial)?);
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

/// The counts of the pairs that the entity extractor finds for the gold relations, at each of the thresholds.
fn pairs(system: &Rere, sentences: &[Sentence], thresholds: &[Probability]) -> Result<Vec<Counts>, Box<dyn Error>> {
    let labels = |sentence: &Sentence| -> Vec<usize> {
        let triples = sentence.triples.iter();
        let labels: BTreeSet<usize> = triples.filter_map(|triple| system.relations().label(&triple.relation)).collect();
        labels.into_iter().collect()
    };
    let scored = system.score_given(sentences, &sentences.iter().map(labels).collect::<Vec<_>>())?;
    let counts = |threshold: &Probability| -> Result<Counts, Box<dyn Error>> {
        let predicted = with_triples(sentences, system.decode_at(&scored, sentences, *threshold)?);
        Ok(evaluate(sentences, &predicted, &Exact)?)
    };
    thresholds.iter().map(counts).collect()
}

fn with_triples(sentences: &[Sentence], triples: Vec<Vec<Triple>>) -> Vec<Sentence> {
    let sentences = sentences.iter().zip(triples);
    sentences.map(|(sentence, triples)| Sentence { triples, ..sentence.clone() }).collect()
}

fn show(name: &str, threshold: Probability, counts: Counts) {
    let Score { counts: Counts { right, predicted, gold }, precision, recall, f1 } = Score::from_counts(counts);
    let [p, r, f1] = [precision, recall, f1].map(|share| 100.0 * share);
    println!("{name:<44} {threshold:>9.3} {right:>6} {predicted:>10} {gold:>5} {p:>10.2} {r:>7.2} {f1:>6.2}");
}
