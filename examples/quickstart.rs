//! RERE in about a minute, without a download.
//!
//! ```text
//! cargo run --release --example quickstart [-- SEED]
//! ```
//!
//! Labels that are made with a knowledge base miss many true triples. To show what this does, 40 % of the training and
//! development triples of a small corpus are removed at random. The same small system is then trained from random weights with
//! two losses of the relation classifier: BCE, for which a missing label is false, and cPU, for which it may be true. Both
//! models are scored on test sentences whose labels are complete.

use std::{cmp::Reverse, env, error::Error, num::NonZeroU32, ops::ControlFlow, path::Path, time::Instant};

use rere::{
    Config, Corpus, Device, Event, ExtractOptions, Input, LoadOptions, Probability, Rere, Sentence, Thresholds,
    TrainOptions, Trainer, Triple, load,
};
use rere_data::{DropBy, TripleDropper};
use rere_eval::{Counts, Exact, Score, TripleMatcher, evaluate};

/// Share of the training and development triples that are removed.
const MISSING: f32 = 0.4;

/// The settings of both runs, with `LOSS` as the loss of the relation classifier. As in the authors' code, the entity extractor is
/// trained with BCE.
const SETTINGS: &str = r#"
    [encoder]
    random = { model_type = "bilstm", embedding_size = 64, direction_size = 64, layers = 1 }
    [rere.relation]
    epochs = 6
    learning_rate = 1e-2
    loss = LOSS
    [rere.entity]
    epochs = 6
    learning_rate = 1e-2
"#;

/// Name, settings and meaning of each loss. gamma and the prior (mu) of cPU are not those of the authors' code (0.04, and 1.05 times
/// the class prior), which learn too slowly here; docs/reproduction.md says how they were chosen.
const LOSSES: [(&str, &str, &str); 2] = [
    ("BCE", r#"{ name = "bce" }"#, "binary cross-entropy: a missing label is false"),
    (
        "cPU",
        r#"{ name = "cpu", gamma = 0.9, prior = 0.03 }"#,
        "collective positive-unlabelled loss: a missing label may be true",
    ),
];

/// Number of sentences shown whose triples are all found, and no others.
const SHOWN: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let seed = env::args().nth(1).map_or(Ok(NonZeroU32::MIN), |seed| seed.parse())?;
    let seed = u64::from(seed.get());
    let read = |file: &str| rere_data::read(&Path::new("datasets/small").join(file));
    let (train, dev, test) = (read("train.jsonl")?, read("dev.jsonl")?, read("test.jsonl")?);
    let corpus = Corpus { train: remove_triples(&train, 2 * seed - 1), dev: remove_triples(&dev, 2 * seed) };

    let percent = 100.0 * MISSING;
    println!("1. Data: the corpus datasets/small, with the labels that a knowledge base might give");
    println!("   {percent:.0} % of the labels are removed at random, as a knowledge base does not have every triple:");
    for (name, before, after) in [("training", &train, &corpus.train), ("development", &dev, &corpus.dev)] {
        let (sentences, before, after) = (before.len(), triples(before), triples(after));
        println!("   {name:<11} {sentences:>5} sentences, {after:>4} of {before:>4} triples left");
    }
    println!("   {:<11} {:>5} sentences, all {} triples kept", "test", test.len(), triples(&test));
    println!("\n2. Training: two models, which differ in the loss of the relation stage");
    println!("   relation stage: which relations does a sentence express? entity stage: which subjects and objects?");
    println!("   dev F1 is that of a stage alone on the development set, which decides which epoch is kept");

    let device = Device::flex();
    let models = Path::new("models/quickstart");
    let mut results = Vec::new();
    let mut first_model = None;
    for (name, loss, meaning) in LOSSES {
        println!("\n   {name}, {meaning}");
        let folder = models.join(name.to_lowercase());
        let mut config = Config::<Rere>::parse(&SETTINGS.replace("LOSS", loss))?;
        config.training.seed = seed;
        // An earlier quickstart may have been stopped.
        let mut options = TrainOptions::new(device.clone()).with_overwrite(true);
        // Settings and seed of the entity stage are the same in both runs: training it again would give the same weights.
        if let Some(model) = &first_model {
            options = options.with_trained_stage("entity", model);
        }
        Trainer::new(config, options).on_event(show_event).run(&corpus, &folder)?;
        let mut system = load(&folder, LoadOptions::new(device.clone()))?;
        let chosen = system.thresholds().clone();
        for (thresholds, kind) in [(Thresholds::default(), "0.5"), (chosen, "chosen")] {
            system.set_thresholds(thresholds);
            let inputs: Vec<Input> = test.iter().map(Input::from).collect();
            let found = system.extract(&inputs, &ExtractOptions::default())?;
            let predicted: Vec<Sentence> =
                test.iter().zip(found).map(|(sentence, found)| sentence.clone().with_triples(found)).collect();
            let score = Score::from_counts(evaluate(&test, &predicted, &Exact)?);
            results.push((name, kind, score, predicted));
        }
        first_model.get_or_insert(folder);
    }

    println!("\n3. Evaluation: the triples found in the test sentences, all {} labels known", triples(&test));
    println!("   thresholds: 0.5, or chosen on the development set; found: triples, correct: those that are labelled");
    println!(
        "   BCE learns how likely a triple is labelled, not how likely it is true: its scores are low, and 0.5 misses many\n"
    );
    println!("loss  thresholds  found  correct  precision %  recall %   F1 %");
    for (name, kind, score, _) in &results {
        let [p, r, f1] = [score.precision, score.recall, score.f1].map(|share| 100.0 * share);
        let Counts { true_positives, predicted, .. } = score.counts;
        println!("{name:<5} {kind:<10} {predicted:>6} {true_positives:>8} {p:>12.1} {r:>9.1} {f1:>6.1}");
    }
    if let Some((name, .., predicted)) = results.last() {
        println!(
            "\n4. Examples: test sentences and what the model trained with {name} finds (+ correct, - wrong, ? missed)"
        );
        show_examples(&test, predicted);
    }

    println!("\n5. Next ({:.0} s so far): extract from text of your own", started.elapsed().as_secs_f64());
    println!("   cargo build --release -p rere-cli");
    println!(
        "   echo 'Dora Lee was born in Haskminster .' | target/release/rere extract --model {}/cpu",
        models.display()
    );
    println!("   docs/guide.md goes from a text and a knowledge base to a model");
    Ok(())
}

/// Removes each triple with the probability [`MISSING`]. A sentence stays even if it loses all triples: in training it looks as if
/// it expressed no relation.
fn remove_triples(sentences: &[Sentence], seed: u64) -> Vec<Sentence> {
    let mut dropper = TripleDropper::new(Probability::saturating(MISSING), DropBy::Triple, seed);
    let mut sentences = sentences.to_vec();
    for sentence in &mut sentences {
        dropper.drop_from(sentence);
    }
    sentences
}

fn triples(sentences: &[Sentence]) -> usize {
    sentences.iter().map(|sentence| sentence.triples.len()).sum()
}

fn show_event(event: &Event) -> ControlFlow<()> {
    match event {
        Event::Stage { stage, .. } => println!("   {stage} stage"),
        Event::StageTaken { stage } => {
            println!("   {stage} stage: taken from the BCE model, whose settings for this stage are the same")
        }
        Event::Epoch { epoch, loss, dev_f1, .. } => {
            println!("     epoch {epoch}: loss {loss:.4}, dev F1 {:.1}", 100.0 * dev_f1.unwrap_or_default());
        }
        _ => {}
    }
    ControlFlow::Continue(())
}

/// Prints the sentences with the most triples of those whose triples are all found, and no others; then the first sentence of
/// which at least one triple is found and at least one is wrong or missed.
fn show_examples(test: &[Sentence], predicted: &[Sentence]) {
    let correct = |gold: &Sentence, found: &Sentence| found.triples.iter().filter(|triple| has(gold, triple)).count();
    let has_mistake = |gold: &Sentence, found: &Sentence| {
        let correct = correct(gold, found);
        gold.triples.len() > correct || found.triples.len() > correct
    };
    let pairs = || test.iter().zip(predicted);
    let mut solved: Vec<_> = pairs().filter(|(gold, found)| !has_mistake(gold, found)).collect();
    // The sort is stable: of equal numbers of triples, the first sentences of the file are shown.
    solved.sort_by_key(|(gold, _)| Reverse(gold.triples.len()));
    println!("\n   The {SHOWN} sentences with the most triples of the {} without a mistake:", solved.len());
    for (gold, found) in solved.into_iter().take(SHOWN) {
        show_sentence(gold, found);
    }
    if let Some((gold, found)) = pairs().find(|(gold, found)| correct(gold, found) > 0 && has_mistake(gold, found)) {
        println!("\n   The first sentence that is only partly correct:");
        show_sentence(gold, found);
    }
}

/// Whether a sentence has a triple, by exact match.
fn has(sentence: &Sentence, triple: &Triple) -> bool {
    sentence.triples.iter().any(|other| Exact.key(other) == Exact.key(triple))
}

fn show_sentence(gold: &Sentence, found: &Sentence) {
    println!("\n   {}", gold.text);
    for triple in &found.triples {
        show_triple(if has(gold, triple) { '+' } else { '-' }, triple);
    }
    for triple in gold.triples.iter().filter(|triple| !has(found, triple)) {
        show_triple('?', triple);
    }
}

fn show_triple(mark: char, Triple { subject, relation, object, score, .. }: &Triple) {
    let score = score.map_or(String::new(), |score| format!("   score {score:.2}"));
    println!("   {mark} {} | {relation} | {}{score}", subject.text, object.text);
}
