//! Simulated corpora with known true scores: intervals contain them as often as they should, and equal systems rarely
//! win.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use rere_eval::{Counts, Verdict, approximate_randomisation, bootstrap, compare, paired_bootstrap};

const CORPORA: u64 = 1000;
const SENTENCES: usize = 369;
const ROUNDS: usize = 500;

/// A share of 95 % in 1,000 corpora has a standard deviation of 0.7 %.
const TOLERANCE: f64 = 0.02;

/// The number of false positives of a sentence: 0 in 5 of 10 sentences, 1 in 4, 2 in 1; 0.6 on average.
fn false_positives(rng: &mut ChaCha8Rng) -> usize {
    [0, 0, 0, 0, 0, 1, 1, 1, 1, 2][rng.random_range(0..10)]
}

/// Two systems on one corpus. A sentence has one to three gold triples. System A finds each triple with a probability
/// of 0.9 in the easy half of the sentences and 0.4 in the others. System B's probabilities are lower by `worse`.
fn corpus(seed: u64, worse: f64) -> (Vec<Counts>, Vec<Counts>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let sentence = |_| {
        let gold = rng.random_range(1..=3);
        let skill = if rng.random_bool(0.5) { 0.9 } else { 0.4 };
        let mut system = |skill| {
            let true_positives = (0..gold).filter(|_| rng.random_bool(skill)).count();
            Counts { true_positives, predicted: true_positives + false_positives(&mut rng), gold }
        };
        (system(skill), system(skill - worse))
    };
    (0..SENTENCES).map(sentence).unzip()
}

/// The true precision, recall and F1 of a system, from means per sentence: 2 gold triples, 0.6 false positives.
fn truth(worse: f64) -> [f64; 3] {
    let true_positives = 2.0 * (0.65 - worse);
    [true_positives / (true_positives + 0.6), true_positives / 2.0, 2.0 * true_positives / (true_positives + 0.6 + 2.0)]
}

/// The share of corpora, by their seeds, for which `holds` is true.
fn share(holds: impl Fn(u64) -> bool + Sync) -> f64 {
    (0..CORPORA).into_par_iter().filter(|&seed| holds(seed)).count() as f64 / CORPORA as f64
}

#[test]
fn intervals_contain_the_true_score() {
    let truth = truth(0.0);
    let held: Vec<[bool; 3]> = (0..CORPORA)
        .into_par_iter()
        .map(|seed| {
            let found = bootstrap(&corpus(seed, 0.0).0, ROUNDS, seed, 0.95).expect("intervals");
            let intervals = [found.precision, found.recall, found.f1];
            std::array::from_fn(|at| intervals[at].contains(truth[at]))
        })
        .collect();
    for (at, measure) in ["precision", "recall", "F1"].into_iter().enumerate() {
        let share = held.iter().filter(|held| held[at]).count() as f64 / CORPORA as f64;
        println!("{measure}: {share}");
        assert!((share - 0.95).abs() <= TOLERANCE, "{measure}: {share}");
    }
}

#[test]
fn intervals_of_a_difference_contain_the_true_one() {
    for worse in [0.0, 0.05] {
        let difference = truth(0.0)[2] - truth(worse)[2];
        let share = share(|seed| {
            let (a, b) = corpus(seed, worse);
            let found = paired_bootstrap(&a, &b, ROUNDS, seed, 0.95).expect("a difference");
            found.interval.contains(difference)
        });
        println!("worse by {worse}: {share}");
        assert!((share - 0.95).abs() <= TOLERANCE, "worse by {worse}: {share}");
    }
}

#[test]
fn equal_systems_rarely_differ() {
    for alpha in [0.05, 0.2] {
        let p_under = share(|seed| {
            let (a, b) = corpus(seed, 0.0);
            approximate_randomisation(&a, &b, ROUNDS, seed).expect("a p-value") <= alpha
        });
        println!("p under {alpha}: {p_under}");
        // A share of 20 % has a standard deviation of 1.3 %.
        assert!((p_under - alpha).abs() <= 2.0 * TOLERANCE * (0.5 + alpha), "p under {alpha}: {p_under}");
    }
    // Koehn's and Berg-Kirkpatrick's p are one-sided towards the better system: p is under alpha for a share of twice
    // alpha of equal systems.
    let one_sided = share(|seed| {
        let (a, b) = corpus(seed, 0.0);
        paired_bootstrap(&a, &b, ROUNDS, seed, 0.95).expect("a difference").p_value <= 0.05
    });
    println!("one-sided p: {one_sided}");
    assert!((one_sided - 0.1).abs() <= 0.03, "{one_sided}");
}

#[test]
fn only_the_better_system_wins() {
    let verdict = |seed, worse| {
        let (a, b) = corpus(seed, worse);
        compare(&a, &b, ROUNDS, seed, 0.05).expect("a comparison").verdict
    };
    let named = share(|seed| verdict(seed, 0.0) != Verdict::NoDifference);
    println!("winners among equals: {named}");
    assert!(named <= 0.05 + TOLERANCE, "{named}");
    let found = share(|seed| verdict(seed, 0.1) == Verdict::ABetter);
    println!("better by a tenth and found: {found}");
    assert!(found > 0.95, "{found}");
    assert_eq!(share(|seed| verdict(seed, 0.1) == Verdict::BBetter), 0.0);
}
