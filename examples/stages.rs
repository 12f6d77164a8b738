//! Scores of each stage alone and of the whole system, for error analysis.
//!
//! ```text
//! cargo run --release --example stages -- MODEL DEV TEST
//! ```
//!
//! The relation classifier is scored on the relations of each sentence, the entity extractor on the pairs of the gold relations,
//! and the whole system on triples. Each stage is scored at the thresholds of the model, which were chosen for the whole system,
//! and at the best thresholds for the stage alone on DEV. Nothing is chosen on TEST.

use std::{
    collections::{BTreeSet, HashSet},
    env,
    error::Error,
    path::Path,
};

use rere::{
    Device, ExtractOptions, Extractor, Input, LoadOptions, Probability, Rere, Sentence, Thresholds, Trained, Triple,
};
use rere_eval::{Counts, Exact, Partial, Score, TripleMatcher, best_threshold, counts_at, evaluate};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [model, dev, test] = arguments.as_slice() else {
        return Err("expected three arguments: MODEL DEV TEST".into());
    };
    let system = Trained::<Rere>::load(Path::new(model), &LoadOptions::new(Device::flex()))?;
    let dev = rere_data::read(Path::new(dev))?;
    let test = rere_data::read(Path::new(test))?;
    let chosen = system.thresholds().clone();

    println!("{:<40}   thresholds     TP  predicted  gold  precision  recall     F1", "on the test set");
    let on_test = relations(&system, &test)?;
    let on_dev = relations(&system, &dev)?;
    let best = best_threshold(on_dev.scored, on_dev.gold).ok_or("DEV has no sentence")?.0;
    for (name, threshold) in [("the model's", chosen.detect.max(chosen.least_triple())), ("best alone on DEV", best)] {
        let counts = counts_at(&on_test.scored, on_test.gold, threshold);
        show(&format!("relations, {name}"), &format!("{threshold:.3}"), counts);
    }

    let best = best_given(&system, &dev)?;
    let relations = gold_relations(&system, &test);
    let found = system.extract_given(&texts(&test), &relations, &[chosen.clone(), best.clone()])?;
    for ((name, thresholds), triples) in [("the model's", &chosen), ("best alone on DEV", &best)].into_iter().zip(found)
    {
        let predicted = with_triples(&test, triples);
        show(&format!("pairs of gold relations, {name}"), &decoding(thresholds), evaluate(&test, &predicted, &Exact)?);
    }

    let inputs: Vec<Input> = test.iter().map(Input::from).collect();
    let predicted = with_triples(&test, system.extract(&inputs, &ExtractOptions::default())?);
    show("triples, exact", &decoding(&chosen), evaluate(&test, &predicted, &Exact)?);
    show("triples, partial", &decoding(&chosen), evaluate(&test, &predicted, &Partial)?);
    Ok(())
}

/// The score of each relation in each sentence with whether the sentence has it, and the number of gold relations. A relation that
/// the model does not know counts as not found.
struct Relations {
    scored: Vec<(f32, bool)>,
    gold: usize,
}

fn relations(system: &Trained<Rere>, sentences: &[Sentence]) -> Result<Relations, Box<dyn Error>> {
    let mut relations = Relations { scored: Vec::new(), gold: 0 };
    for (sentence, scores) in sentences.iter().zip(system.relation_scores(&texts(sentences))?) {
        let names: BTreeSet<&str> = sentence.triples.iter().map(|triple| triple.relation.as_str()).collect();
        relations.gold += names.len();
        let known = system.info().relations.iter().map(|relation| names.contains(relation.name.as_str()));
        relations.scored.extend(scores.into_iter().zip(known));
    }
    Ok(relations)
}

/// Returns the best thresholds for the pairs of the gold relations.
fn best_given(system: &Trained<Rere>, dev: &[Sentence]) -> Result<Thresholds, Box<dyn Error>> {
    let gold: Vec<HashSet<_>> =
        dev.iter().map(|sentence| sentence.triples.iter().map(|triple| Exact.key(triple)).collect()).collect();
    let count = gold.iter().map(HashSet::len).sum();
    let at = |decode| Thresholds::default().with_decode(decode).with_triple(Probability::ZERO);
    let candidates: Vec<Thresholds> = Thresholds::candidates().into_iter().map(at).collect();
    let found = system.extract_given(&texts(dev), &gold_relations(system, dev), &candidates)?;
    let scored = candidates.into_iter().zip(found).filter_map(|(candidate, triples)| {
        let judged = gold.iter().zip(&triples).flat_map(|(gold, triples)| {
            triples.iter().map(|triple| (triple.score.unwrap_or_default().get(), gold.contains(&Exact.key(triple))))
        });
        let (triple, score) = best_threshold(judged, count)?;
        Some((candidate.with_triple(triple), score.f1))
    });
    let best = scored.max_by(|(_, a), (_, b)| a.total_cmp(b)).ok_or("DEV has no triple")?;
    Ok(best.0)
}

fn texts(sentences: &[Sentence]) -> Vec<&str> {
    sentences.iter().map(|sentence| sentence.text.as_str()).collect()
}

/// Returns the labels of the gold relations of each sentence that the model knows.
fn gold_relations(system: &Trained<Rere>, sentences: &[Sentence]) -> Vec<Vec<usize>> {
    let labels = |sentence: &Sentence| -> BTreeSet<usize> {
        sentence.triples.iter().filter_map(|triple| system.info().relations.label(&triple.relation)).collect()
    };
    sentences.iter().map(|sentence| labels(sentence).into_iter().collect()).collect()
}

fn with_triples(sentences: &[Sentence], triples: Vec<Vec<Triple>>) -> Vec<Sentence> {
    let sentences = sentences.iter().zip(triples);
    sentences.map(|(sentence, triples)| sentence.clone().with_triples(triples)).collect()
}

/// Formats the thresholds of pointers and of triples.
fn decoding(thresholds: &Thresholds) -> String {
    format!("{:.2}, {:.3}", thresholds.decode, thresholds.least_triple())
}

fn show(name: &str, thresholds: &str, counts: Counts) {
    let Score { counts: Counts { true_positives, predicted, gold }, precision, recall, f1 } =
        Score::from_counts(counts);
    let [p, r, f1] = [precision, recall, f1].map(|share| 100.0 * share);
    println!("{name:<40} {thresholds:>12} {true_positives:>6} {predicted:>10} {gold:>5} {p:>10.2} {r:>7.2} {f1:>6.2}");
}
