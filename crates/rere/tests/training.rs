//! Training from end to end on a small corpus: what is written, what a killed run leaves, what bad input does.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use burn::tensor::Device;
use rere::{Config, Corpus, Event, Precision, Rere, RereError, train};
use rere_core::{Extractor, Probability, Sentence, Triple};

const SETTINGS: &str = r#"
    [encoder]
    random = { model_type = "bert", hidden_size = 16, num_hidden_layers = 2, num_attention_heads = 2,
               intermediate_size = 32, max_position_embeddings = 48 }
    [relation]
    epochs = 2
    batch = 4
    learning_rate = 1e-3
    frozen_layers = 1
    loss = { name = "cpu" }
    [entity]
    epochs = 2
    batch = 4
    learning_rate = 1e-3
    [training]
    max_tokens = 48
    checkpoint_steps = 2
"#;

fn corpus() -> Corpus {
    let persons = ["Ada", "Bob Ray", "Cy", "Dora Lee", "Eve"];
    let cities = ["London", "New York", "北京", "Łódź"];
    let mut train = Vec::new();
    for (i, person) in persons.iter().enumerate() {
        for (j, city) in cities.iter().enumerate() {
            let mut sentence = match (i + j) % 3 {
                0 => Sentence::new(format!("{person} was born in {city} .")),
                1 => Sentence::new(format!("In {city} , where it rains , lives {person} .")),
                _ => Sentence::new(format!("{person} saw {city} .")),
            };
            match (i + j) % 3 {
                0 => sentence.triples.push(Triple::of(*person, "born in", *city)),
                1 => sentence.triples.push(Triple::of(*person, "lives in", *city)),
                _ => {}
            }
            train.push(sentence);
        }
    }
    Corpus { dev: train[..8].to_vec(), train }
}

fn config() -> Config {
    Config::parse(SETTINGS).expect("valid")
}

/// The device that the tests run on: the one that `RERE_DEVICE` names, `flex` where it is not set.
fn device() -> Device {
    rere::parse_device(&std::env::var("RERE_DEVICE").unwrap_or("flex".to_owned())).expect("a device of this build")
}

/// One test at a time: the random state of the flex backend is one for the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(config: &Config, corpus: &Corpus, folder: &Path, resume: bool) -> Result<Vec<Event>, RereError> {
    let mut events = Vec::new();
    train(config, corpus, folder, &device(), resume, &mut |event| events.push(event))?;
    Ok(events)
}

fn assert_same(a: &Path, b: &Path, message: &str) {
    for ((name, a), (_, b)) in files(a).iter().zip(&files(b)) {
        // Not assert_eq, which would print every byte.
        assert!(a == b, "{message}: {name} differs");
    }
}

/// All files of a model folder with their bytes.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let names =
        ["config.json", "training.json", "tokenizer.json", "relation/model.safetensors", "entity/model.safetensors"];
    names.iter().map(|name| ((*name).to_owned(), fs::read(folder.join(name)).expect("written"))).collect()
}

#[test]
fn the_same_seed_gives_the_same_model() {
    let _alone = alone();
    let (a, b, c) = (tempfile::tempdir(), tempfile::tempdir(), tempfile::tempdir());
    let (a, b, c) = (a.expect("a folder"), b.expect("a folder"), c.expect("a folder"));
    let events = run(&config(), &corpus(), a.path(), false).expect("trains");
    assert!(matches!(events.first(), Some(Event::Encoded(_))));
    assert!(matches!(events.last(), Some(Event::Thresholds(..))));
    run(&config(), &corpus(), b.path(), false).expect("trains");
    assert_same(a.path(), b.path(), "the same seed gave two models");
    let mut other = config();
    other.training.seed = 2;
    run(&other, &corpus(), c.path(), false).expect("trains");
    assert!(files(a.path())[3] != files(c.path())[3], "the seed has no effect");
    assert!(!a.path().join("checkpoint").exists());
}

#[test]
fn a_run_that_was_stopped_anywhere_ends_with_the_same_weights() {
    let _alone = alone();
    let mut config = config();
    config.entity.frozen_layers = Some(1);
    let whole = tempfile::tempdir().expect("a folder");
    let events = run(&config, &corpus(), whole.path(), false).expect("trains");
    let steps = events.iter().filter(|event| matches!(event, Event::Step { .. })).count();
    // The order of events within a run is fixed, so that each position is a moment to be stopped at.
    for stop in (1..events.len()).step_by(3) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut seen = 0;
        let stopped = catch_unwind(AssertUnwindSafe(|| {
            train(&config, &corpus(), folder.path(), &device(), false, &mut |_| {
                seen += 1;
                assert!(seen < stop, "stopped");
            })
        }));
        assert!(stopped.is_err());
        assert!(!folder.path().join("config.json").exists(), "a model that is not whole can be loaded");
        let rest = run(&config, &corpus(), folder.path(), true).expect("resumes");
        assert!(rest.iter().filter(|event| matches!(event, Event::Step { .. })).count() <= steps);
        assert_same(folder.path(), whole.path(), &format!("stopped at event {stop} of {}", events.len()));
    }
}

#[test]
fn states_of_frozen_layers_are_kept_where_they_have_room() {
    let _alone = alone();
    let losses = |events: &[Event]| -> Vec<f64> {
        events
            .iter()
            .filter_map(|event| if let Event::Epoch { loss, .. } = event { Some(*loss) } else { None })
            .collect()
    };
    let mut config = config();
    (config.relation.frozen_layers, config.entity.frozen_layers) = (Some(1), Some(1));
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let kept = run(&config, &corpus(), folders[0].path(), false).expect("trains");
    let last = |event: &&Event| matches!(event, Event::Frozen { done, examples, bytes: 1.. } if done == examples);
    assert_eq!(kept.iter().filter(last).count(), 2, "once a stage");
    config.training.frozen_cache_mib = 0;
    let computed = run(&config, &corpus(), folders[1].path(), false).expect("trains");
    let too_large = |event: &&Event| matches!(event, Event::FrozenTooLarge { bytes: 1.., most: 0 });
    assert_eq!(computed.iter().filter(too_large).count(), 2);
    assert!(!computed.iter().any(|event| matches!(event, Event::Frozen { .. })));
    // The batches, in which the states are computed, differ, and with them the order of sums.
    for (kept, computed) in losses(&kept).iter().zip(losses(&computed)) {
        assert!((kept - computed).abs() < 1e-4 * (1.0 + kept), "{kept} {computed}");
    }
}

#[test]
fn only_the_same_run_can_be_resumed() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let checkpoint = folder.path().join("checkpoint");
    fs::create_dir_all(&checkpoint).expect("a folder");
    fs::write(checkpoint.join("run"), "another run").expect("written");
    let error = run(&config(), &corpus(), folder.path(), true).expect_err("another run").to_string();
    assert!(error.contains("other settings"), "{error}");
    // Nothing to resume is a run of no steps: it starts.
    fs::remove_dir_all(&checkpoint).expect("removed");
    run(&config(), &corpus(), folder.path(), true).expect("trains");
    let error = run(&config(), &corpus(), folder.path(), true).expect_err("it is done").to_string();
    assert!(error.contains("has ended"), "{error}");
}

#[test]
fn a_model_survives_a_new_run_that_is_stopped() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let events = run(&config(), &corpus(), folder.path(), false).expect("trains").len();
    let before = files(folder.path());
    let mut other = config();
    other.training.seed = 2;
    let mut seen = 0;
    let stopped = catch_unwind(AssertUnwindSafe(|| {
        train(&other, &corpus(), folder.path(), &device(), false, &mut |_| {
            seen += 1;
            assert!(seen < events, "stopped at the last event");
        })
    }));
    assert!(stopped.is_err());
    assert!(files(folder.path()) == before, "the older model was touched");
}

#[test]
fn what_is_extracted_slices_the_text() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    run(&config(), &corpus(), folder.path(), false).expect("trains");
    let mut system = Rere::load(folder.path(), &device()).expect("loads");
    // An untrained system with low thresholds finds something everywhere.
    let low = Probability::new(0.01).expect("in [0, 1]");
    system.set_thresholds(rere::Thresholds { relation: low, entity: low, triple: Probability::default() });
    let long = "Ada was born in London . ".repeat(40);
    let texts = ["", "   ", "👩\u{200d}🚀 né\u{301} 北京\tx\u{0}y\r\n", "Ada was born in London .", long.as_str()];
    let sentences: Vec<Sentence> = texts.iter().map(|text| Sentence::new(*text)).collect();
    let found = system.extract(&sentences).expect("extracts");
    assert_eq!(found.len(), texts.len());
    assert!(found[0].is_empty() && found[1].is_empty());
    assert!(found.iter().any(|triples| !triples.is_empty()));
    for (text, triples) in texts.iter().zip(&found) {
        for triple in triples {
            for mention in [&triple.subject, &triple.object] {
                let span = mention.span.expect("a place");
                assert_eq!(span.slice(text), Ok(mention.text.as_str()));
            }
            assert!(triple.score.is_some());
        }
        assert!(triples.is_sorted_by(|a, b| a.score >= b.score));
    }
    // The long text does not fit the encoder; its windows reach its end.
    let last = found[4].iter().flat_map(|t| [&t.subject, &t.object]).filter_map(|m| m.span).map(|s| s.end).max();
    assert!(last.is_some());
    let alone: Vec<_> = sentences.iter().map(|s| system.extract(std::slice::from_ref(s)).expect("extracts")).collect();
    for (together, alone) in found.iter().zip(alone) {
        let names = |triples: &[Triple]| -> Vec<String> {
            let mut names: Vec<_> =
                triples.iter().map(|t| format!("{} {} {}", t.subject.text, t.relation, t.object.text)).collect();
            names.sort();
            names
        };
        assert_eq!(names(together), names(&alone[0]), "the rest of a batch has no effect");
    }
}

#[test]
fn corpora_that_cannot_be_used_are_errors() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrong = Sentence::new("Ada was born in London .");
    wrong.id = Some("s7".into());
    wrong.triples.push(Triple::of("Ada", "born in", "Paris"));
    let mut broken = corpus();
    broken.train.push(wrong);
    let error = run(&config(), &broken, folder.path(), false).expect_err("Paris is not there").to_string();
    assert!(error.contains("Paris") && error.contains("s7"), "{error}");
    let mut skip = config();
    skip.data.missing = rere_data::Missing::Skip;
    let events = run(&skip, &broken, folder.path(), false).expect("the triple is left out");
    let Some(Event::Encoded(report)) = events.first() else { panic!("no report") };
    assert_eq!(report.object_not_found, 1);

    let empty = Corpus { train: vec![Sentence::new("Nothing .")], dev: vec![] };
    let error = run(&config(), &empty, folder.path(), false).expect_err("no triple");
    assert!(matches!(error, RereError::Corpus(_)), "{error}");
}

#[test]
fn damaged_model_folders_are_errors() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    run(&config(), &corpus(), folder.path(), false).expect("trains");
    let load = || Rere::load(folder.path(), &device()).map(|_| ());
    load().expect("whole");
    for name in ["config.json", "tokenizer.json", "relation/model.safetensors", "entity/model.safetensors"] {
        let path = folder.path().join(name);
        let whole = fs::read(&path).expect("read");
        fs::write(&path, &whole[..whole.len() / 2]).expect("written");
        let error = load().expect_err("cut short").to_string();
        assert!(error.contains(name.rsplit('/').next().expect("a name")), "{error}");
        fs::remove_file(&path).expect("removed");
        let error = load().expect_err("missing").to_string();
        assert!(error.contains(name.rsplit('/').next().expect("a name")), "{error}");
        fs::write(&path, whole).expect("written");
    }
    load().expect("whole again");

    // Files of different models.
    let path = folder.path().join("config.json");
    let whole = fs::read_to_string(&path).expect("read");
    for (key, value, expected) in [
        ("\"max_tokens\": 48", "\"max_tokens\": 5000", "the encoder reads at most 48"),
        ("\"vocab_size\": ", "\"vocab_size\": 1, \"was\": ", "do not belong together"),
    ] {
        assert!(whole.contains(key), "{whole}");
        fs::write(&path, whole.replace(key, value)).expect("written");
        let error = load().expect_err("parts of two models").to_string();
        assert!(error.contains(expected), "{error}");
    }
    fs::write(&path, whole).expect("written");

    // A NaN among the weights: nothing would be over a threshold.
    for (stage, expected) in [("relation", "no numbers"), ("entity", "cannot be decoded")] {
        let path = folder.path().join(stage).join("model.safetensors");
        let whole = fs::read(&path).expect("read");
        let mut damaged = whole.clone();
        let header = u64::from_le_bytes(damaged[..8].try_into().expect("8 bytes")) as usize;
        damaged[8 + header..].chunks_exact_mut(4).for_each(|weight| weight.copy_from_slice(&f32::NAN.to_le_bytes()));
        fs::write(&path, damaged).expect("written");
        let mut system = Rere::load(folder.path(), &device()).expect("loads");
        system.set_thresholds(rere::Thresholds { relation: Probability::default(), ..system.thresholds() });
        let error = system.extract(&corpus().dev).expect_err("no numbers");
        let messages = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let messages: Vec<String> = messages.map(ToString::to_string).collect();
        assert!(messages.iter().any(|message| message.contains(expected)), "{stage}: {messages:?}");
        fs::write(&path, whole).expect("written");
    }
}

#[test]
fn thresholds_are_those_of_what_was_looked_at() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    run(&config(), &corpus(), folder.path(), false).expect("trains");
    let system = Rere::load(folder.path(), &device()).expect("loads");
    let dev = corpus().dev;
    let lowest = rere::Thresholds::LOWEST_RELATION;
    let scored = system.score(&dev, lowest).expect("scored");
    // What the system finds at a threshold of triples under the lowest of relations is taken for gold, so that the best
    // threshold is as low.
    let low = Probability::saturating(lowest / 50.0);
    let found = rere::Thresholds { relation: Probability::saturating(lowest), triple: low, ..system.thresholds() };
    let mut gold = dev.clone();
    for (sentence, triples) in gold.iter_mut().zip(system.decode_at(&scored, &dev, found).expect("decoded")) {
        sentence.triples = triples;
    }
    let (best, f1) = system.best_thresholds(&scored, &gold).expect("decoded").expect("there are triples");
    assert!(best.relation.get() >= lowest, "{best:?}");
    // The F1 that is told is that of the system at these thresholds.
    let mut system = system;
    system.set_thresholds(best);
    let mut predicted = dev.clone();
    for (sentence, triples) in predicted.iter_mut().zip(system.extract(&dev).expect("extracted")) {
        sentence.triples = triples;
    }
    let counts = rere_eval::evaluate(&gold, &predicted, &rere_eval::Exact).expect("the same sentences");
    assert!((rere_eval::Score::from_counts(counts).f1 - f1).abs() < 1e-9, "{counts:?} {f1}");

    // Nothing right to be found: the thresholds say nothing, and stay the usual ones.
    gold.iter_mut().flat_map(|sentence| &mut sentence.triples).for_each(|triple| triple.relation = "other".to_owned());
    let nothing = system.best_thresholds(&scored, &gold).expect("decoded").expect("there are triples");
    assert_eq!(nothing, (rere::Thresholds::default(), 0.0));
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_an_error_and_keeps_its_model() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "not a folder").expect("written");
    let error = run(&config(), &corpus(), &file.join("model"), false).expect_err("under a file");
    assert!(matches!(error, RereError::Io { .. }), "{error}");
    assert_eq!(fs::read_to_string(&file).expect("still there"), "not a folder");
}

#[test]
fn a_run_that_is_stopped_while_its_model_takes_its_place_goes_on() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    run(&config(), &corpus(), folder.path(), false).expect("trains");
    let whole = files(folder.path());
    // As it is when the first of the files has been moved: the rest still stands under the checkpoint.
    let other = tempfile::tempdir().expect("a folder");
    let stopped = catch_unwind(AssertUnwindSafe(|| {
        train(&config(), &corpus(), other.path(), &device(), false, &mut |event| {
            assert!(!matches!(event, Event::Thresholds(..)), "stopped");
        })
    }));
    assert!(stopped.is_err());
    let new = other.path().join("checkpoint/model");
    for (name, bytes) in &whole {
        fs::write(new.join(name), bytes).expect("written");
    }
    fs::create_dir_all(other.path().join("relation")).expect("a folder");
    let moved = "relation/model.safetensors";
    fs::rename(new.join(moved), other.path().join(moved)).expect("moved");
    // The same, once all of them have been moved.
    let last = tempfile::tempdir().expect("a folder");
    copy(other.path(), last.path());
    for (name, _) in &whole {
        let to = last.path().join(name);
        fs::create_dir_all(to.parent().expect("a parent")).expect("a folder");
        _ = fs::rename(last.path().join("checkpoint/model").join(name), to);
    }
    run(&config(), &corpus(), other.path(), true).expect("goes on");
    assert_same(folder.path(), other.path(), "moved");
    assert!(!other.path().join("checkpoint").exists());
    let error = run(&config(), &corpus(), last.path(), true).expect_err("nothing is left to do").to_string();
    assert!(error.contains("has ended"), "{error}");
    assert_same(folder.path(), last.path(), "all moved");
    assert!(!last.path().join("checkpoint").exists());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let to = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).expect("copied");
        }
    }
}

#[test]
fn a_run_goes_on_wherever_its_cache_lies() {
    let _alone = alone();
    let caches = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let cached = |cache: &tempfile::TempDir| {
        let mut config = config();
        config.data.cache = Some(cache.path().to_owned());
        config
    };
    let folder = tempfile::tempdir().expect("a folder");
    let stopped = catch_unwind(AssertUnwindSafe(|| {
        train(&cached(&caches[0]), &corpus(), folder.path(), &device(), false, &mut |event| {
            assert!(!matches!(event, Event::Epoch { .. }), "stopped");
        })
    }));
    assert!(stopped.is_err());
    run(&cached(&caches[1]), &corpus(), folder.path(), true).expect("goes on");
}

#[test]
fn bce_needs_no_class_prior() {
    let _alone = alone();
    // One relation that every sentence has: all labels of the relation classifier are positive.
    let one = |mut corpus: Corpus| {
        corpus.train.retain(|sentence| sentence.triples.iter().any(|triple| triple.relation == "born in"));
        corpus
    };
    let folder = tempfile::tempdir().expect("a folder");
    let error = run(&config(), &one(corpus()), folder.path(), false).expect_err("cPU needs one");
    assert!(matches!(error, RereError::Loss { .. }), "{error}");
    let mut bce = config();
    bce.relation.loss = rere::LossConfig::Bce {};
    run(&bce, &one(corpus()), folder.path(), false).expect("trains");
}

#[test]
fn a_development_set_without_triples_keeps_the_last_epoch() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let mut corpus = corpus();
    corpus.dev.iter_mut().for_each(|sentence| sentence.triples.clear());
    run(&config(), &corpus, folder.path(), false).expect("trains");
    let record = fs::read_to_string(folder.path().join("training.json")).expect("written");
    let record: rere::TrainingRecord = serde_json::from_str(&record).expect("JSON");
    assert!(record.stages.iter().all(|stage| stage.kept == stage.epochs.len()), "{:?}", record.stages);
    assert_eq!(record.dev_f1, None);
}

/// A system trained on the device finds the same triples on the pure Rust backend, with the same scores but for rounding.
#[cfg(feature = "flex")]
#[test]
fn every_backend_extracts_the_same() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let corpus = corpus();
    run(&config(), &corpus, folder.path(), false).expect("trained");
    let scored = |device: &Device| {
        let mut system = Rere::load(folder.path(), device).expect("loads");
        // So low that there is something to compare, whatever little was learnt.
        let low = Probability::saturating(0.05);
        system.set_thresholds(rere::Thresholds { relation: low, entity: low, triple: Probability::default() });
        system.extract(&corpus.train).expect("extracts")
    };
    let (here, there) = (scored(&Device::flex()), scored(&device()));
    assert!(here.iter().map(Vec::len).sum::<usize>() > 20);
    for (here, there) in here.iter().zip(&there) {
        let unscored = |triples: &[Triple]| -> Vec<Triple> {
            triples.iter().map(|triple| Triple { score: None, ..triple.clone() }).collect()
        };
        assert_eq!(unscored(here), unscored(there));
        for (here, there) in here.iter().zip(there) {
            let [here, there] = [here, there].map(|triple| triple.score.expect("a score").get());
            assert!((here - there).abs() < 1e-4, "{here} {there}");
        }
    }
}

#[test]
fn an_lstm_has_32_bits_alone() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let mut config =
        Config::parse("[encoder.random]\nmodel_type = \"bilstm\"\nembedding_size = 8\ndirection_size = 8\nlayers = 1")
            .expect("valid");
    (config.relation.epochs, config.entity.epochs) = (1, 1);
    run(&config, &corpus(), folder.path(), false).expect("trained");
    let mut system = Rere::load(folder.path(), &device()).expect("a model");
    system.set_precision(Precision::F32).expect("as it is");
    let error = system.set_precision(Precision::Bf16).expect_err("no such LSTM").to_string();
    assert_eq!(error, "precision \"bf16\": an LSTM computes with 32 bits alone: use f32");
}
