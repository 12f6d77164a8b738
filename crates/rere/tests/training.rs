//! Training end to end on a small corpus: written files, stopped runs, bad input.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    num::NonZeroUsize,
    ops::ControlFlow,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rere::{
    AnyConfig, ByteSpan, CasRel, Config, ConfigProblem, Constraints, Corpus, CorpusProblem, Device, Event,
    ExtractOptions, Extractor, FolderProblem, Input, LoadOptions, Mention, NovelTagging, Pair, Precision,
    PrecisionCost, Prgc, Probability, Rere, RereError, SearchRecord, Sentence, StageConfig, System, Thresholds,
    TpLinker, TrainOptions, Trained, TrainedSystem, Trainer, TrainingRecord, Triple, Warning, load,
};
use rere_loss::PerClass;

const SETTINGS: &str = r#"
    [encoder]
    random = { model_type = "bert", hidden_size = 16, num_hidden_layers = 2, num_attention_heads = 2,
               intermediate_size = 32, max_position_embeddings = 48 }
    [rere.relation]
    epochs = 2
    batch = 4
    learning_rate = 1e-3
    frozen_layers = 1
    loss = { name = "cpu" }
    [rere.entity]
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

fn config() -> Config<Rere> {
    Config::parse(SETTINGS).expect("valid")
}

/// Returns settings of a system with one network, which finds something after these steps.
fn one_network<S: System>(stage: &str, epochs: usize, learning_rate: f64) -> Config<S> {
    let settings = format!(
        r#"
        system = "{name}"
        [encoder]
        random = {{ model_type = "bert", hidden_size = 16, num_hidden_layers = 2, num_attention_heads = 2,
                   intermediate_size = 32, max_position_embeddings = 48 }}
        [{name}.{stage}]
        epochs = {epochs}
        batch = 4
        learning_rate = {learning_rate}
        [training]
        max_tokens = 48
        checkpoint_steps = 2
        "#,
        name = S::NAME
    );
    Config::parse(&settings).expect("valid")
}

fn casrel() -> Config<CasRel> {
    let mut config = one_network::<CasRel>("tagger", 3, 1e-3);
    config.system.tagger.frozen_layers = Some(1);
    config
}

fn tplinker() -> Config<TpLinker> {
    one_network("tagger", 25, 1e-2)
}

fn prgc() -> Config<Prgc> {
    one_network("network", 12, 1e-2)
}

fn pair() -> Config<Pair> {
    one_network("network", 12, 1e-2)
}

fn novel_tagging() -> Config<NovelTagging> {
    one_network("tagger", 8, 2e-2)
}

/// Calls a function with the settings of each system.
macro_rules! for_each_system {
    ($check:ident) => {
        $check(&config());
        $check(&casrel());
        $check(&tplinker());
        $check(&prgc());
        $check(&pair());
        $check(&novel_tagging());
    };
}

/// Returns a corpus without the triples of a relation.
fn without(corpus: Corpus, relation: &str) -> Corpus {
    let strip = |sentences: Vec<Sentence>| -> Vec<Sentence> {
        let mut sentences = sentences;
        sentences.iter_mut().for_each(|sentence| sentence.triples.retain(|triple| triple.relation != relation));
        sentences
    };
    Corpus { train: strip(corpus.train), dev: strip(corpus.dev) }
}

/// The device of the tests, from `RERE_DEVICE`; `flex` if it is not set.
fn device() -> Device {
    rere::parse_device(&std::env::var("RERE_DEVICE").unwrap_or("flex".to_owned())).expect("a device of this build")
}

/// Lets one test run at a time, because the flex backend has one random state per process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn options(resume: bool) -> TrainOptions {
    TrainOptions::new(device()).with_resume(resume)
}

fn run<S: System>(config: &Config<S>, corpus: &Corpus, folder: &Path, resume: bool) -> Result<Vec<Event>, RereError> {
    let mut events = Vec::new();
    let on_event = |event: &Event| {
        events.push(event.clone());
        ControlFlow::Continue(())
    };
    Trainer::new(config.clone(), options(resume)).on_event(on_event).run(corpus, folder)?;
    Ok(events)
}

/// Runs until an event for which `stop` returns true.
fn run_until<S: System>(config: &Config<S>, corpus: &Corpus, folder: &Path, mut stop: impl FnMut(&Event) -> bool) {
    let on_event = |event: &Event| if stop(event) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let stopped = Trainer::new(config.clone(), options(false)).on_event(on_event).run(corpus, folder);
    assert!(matches!(stopped, Err(RereError::Interrupted)), "{stopped:?}");
}

/// A trained system, loaded.
fn trained<S: System>(folder: &Path) -> Trained<S> {
    Trained::load(folder, &LoadOptions::new(device())).expect("loads")
}

fn extract(system: &dyn Extractor, sentences: &[Sentence]) -> Vec<Vec<Triple>> {
    let inputs: Vec<Input> = sentences.iter().map(Input::from).collect();
    system.extract(&inputs, &ExtractOptions::default()).expect("extracts")
}

/// Thresholds at which an untrained system finds something everywhere.
fn low(at: f32) -> Thresholds {
    let low = Probability::saturating(at);
    Thresholds::default().with_detect(low).with_decode(low)
}

fn assert_same(a: &Path, b: &Path, message: &str) {
    let (a, b) = (files(a), files(b));
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&a), names(&b), "{message}");
    for ((name, a), (_, b)) in a.iter().zip(&b) {
        // Not assert_eq, which would print every byte.
        assert!(a == b, "{message}: {name} differs");
    }
}

/// All files of a model folder with their bytes.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(files(&path).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            found.push((name, fs::read(&path).expect("read")));
        }
    }
    found.sort();
    found
}

#[test]
fn the_same_seed_gives_the_same_model() {
    let _alone = alone();
    let (a, b, c) = (tempfile::tempdir(), tempfile::tempdir(), tempfile::tempdir());
    let (a, b, c) = (a.expect("a folder"), b.expect("a folder"), c.expect("a folder"));
    let events = run(&config(), &corpus(), a.path(), false).expect("trains");
    assert!(matches!(events[..2], [Event::Started { resumed: false }, Event::Located(_)]), "{:?}", &events[..2]);
    assert!(events.iter().any(|event| matches!(event, Event::Thresholds { .. })));
    run(&config(), &corpus(), b.path(), false).expect("trains");
    assert_same(a.path(), b.path(), "the same seed gave two models");
    let mut other = config();
    other.training.seed = 2;
    run(&other, &corpus(), c.path(), false).expect("trains");
    let weights = |folder: &Path| fs::read(folder.join("relation/model.safetensors")).expect("written");
    assert!(weights(a.path()) != weights(c.path()), "the seed has no effect");
    assert!(!a.path().join("checkpoint").exists());
    let names: Vec<String> = files(a.path()).into_iter().map(|(name, _)| name).collect();
    let expected =
        ["config.json", "entity/model.safetensors", "relation/model.safetensors", "tokenizer.json", "training.json"];
    assert_eq!(names, expected);
}

/// Stops runs at every third event, resumes them, and compares the models with that of a whole run.
fn stop_and_resume<S: System>(config: &Config<S>) {
    let whole = tempfile::tempdir().expect("a folder");
    let events = run(config, &corpus(), whole.path(), false).expect("trains");
    let steps = events.iter().filter(|event| matches!(event, Event::Step { .. })).count();
    // The order of events is fixed, so that a run can be stopped at each position.
    for stop in (1..events.len()).step_by(3) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut seen = 0;
        run_until(config, &corpus(), folder.path(), |_| {
            seen += 1;
            seen == stop
        });
        assert!(!folder.path().join("config.json").exists(), "an incomplete model has a config.json");
        let error = load(folder.path(), LoadOptions::new(device())).err().expect("incomplete").to_string();
        assert!(error.contains("was stopped") && error.contains("--resume"), "{error}");
        let rest = run(config, &corpus(), folder.path(), true).expect("resumes");
        assert!(rest.iter().filter(|event| matches!(event, Event::Step { .. })).count() <= steps);
        assert_same(folder.path(), whole.path(), &format!("stopped at event {stop} of {}", events.len()));
    }
}

#[test]
fn a_run_that_was_stopped_anywhere_ends_with_the_same_weights() {
    let _alone = alone();
    stop_and_resume(&casrel());
    stop_and_resume(&one_network::<TpLinker>("tagger", 2, 1e-3));
    stop_and_resume(&one_network::<Prgc>("network", 2, 1e-3));
    stop_and_resume(&one_network::<Pair>("network", 2, 1e-3));
    stop_and_resume(&one_network::<NovelTagging>("tagger", 2, 1e-3));
    let mut config = config();
    config.system.entity.frozen_layers = Some(1);
    stop_and_resume(&config);
}

#[test]
fn a_run_that_was_stopped_while_it_estimated_a_prior_ends_with_the_same_weights() {
    let _alone = alone();
    let mut config = config();
    let loss = r#"{ "name": "cpu", "prior": "estimated" }"#;
    config.system.relation.loss = serde_json::from_str(loss).expect("settings");
    stop_and_resume(&config);
    let folder = tempfile::tempdir().expect("a folder");
    let events = run(&config, &corpus(), folder.path(), false).expect("trains");
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Prior { .. })).count(), 1);
    let record = record(folder.path());
    let label = &record.stages[0].labels[0];
    let estimated = label.estimated.as_ref().expect("estimated");
    assert_eq!((estimated.estimator.as_str(), estimated.value.len()), ("best-bin", 1));
    assert!(estimated.low[0] <= estimated.value[0] && estimated.value[0] <= estimated.high[0], "{estimated:?}");
    // A prior is never 0 or 1, whatever the estimate from a handful of labels.
    let Some(PerClass::All(prior)) = label.loss_prior else { panic!("{label:?}") };
    assert!((prior - estimated.value[0]).abs() < 1e-5 && 0.0 < prior && prior < 1.0, "{label:?}");
    assert!(record.stages[1].labels[0].estimated.is_none());
}

fn record(folder: &Path) -> TrainingRecord {
    let record = fs::read_to_string(folder.join("training.json")).expect("written");
    serde_json::from_str(&record).expect("JSON")
}

#[test]
fn a_model_that_is_probably_not_usable_gives_warnings() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    // Nothing on the development set can be found: the relation of its triples is in no training sentence.
    let mut corpus = corpus();
    corpus
        .dev
        .iter_mut()
        .flat_map(|sentence| &mut sentence.triples)
        .for_each(|triple| triple.relation = "x".to_owned());
    let events = run(&config(), &corpus, folder.path(), false).expect("trains");
    let few = |event: &&Event| matches!(event, Event::Warning(Warning::FewSteps { steps: 10, .. }));
    assert_eq!(events.iter().filter(few).count(), 1, "20 sentences in batches of 4, twice");
    let bad =
        |event: &Event| matches!(event, Event::Warning(Warning::FindsLittle { .. } | Warning::ThresholdAtFloor { .. }));
    assert!(events.iter().any(bad), "{:?}", events.last());
}

#[test]
fn states_of_frozen_layers_are_stored_if_they_are_small_enough() {
    let _alone = alone();
    let losses = |events: &[Event]| -> Vec<f64> {
        events
            .iter()
            .filter_map(|event| if let Event::Epoch { loss, .. } = event { Some(*loss) } else { None })
            .collect()
    };
    let mut config = config();
    (config.system.relation.frozen_layers, config.system.entity.frozen_layers) = (Some(1), Some(1));
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let stored = run(&config, &corpus(), folders[0].path(), false).expect("trains");
    let last = |event: &&Event| matches!(event, Event::Frozen { done, examples, bytes: 1.., .. } if done == examples);
    assert_eq!(stored.iter().filter(last).count(), 2, "once per stage");
    config.training.frozen_cache_mib = 0;
    let computed = run(&config, &corpus(), folders[1].path(), false).expect("trains");
    let too_large = |event: &&Event| matches!(event, Event::FrozenTooLarge { bytes: 1.., most: 0, .. });
    assert_eq!(computed.iter().filter(too_large).count(), 2);
    assert!(!computed.iter().any(|event| matches!(event, Event::Frozen { .. })));
    // The states are computed in different batches, which changes the order of sums.
    for (stored, computed) in losses(&stored).iter().zip(losses(&computed)) {
        assert!((stored - computed).abs() < 1e-4 * (1.0 + stored), "{stored} {computed}");
    }
}

#[test]
fn only_the_same_run_can_be_resumed() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let checkpoint = folder.path().join("checkpoint");
    fs::create_dir_all(&checkpoint).expect("a folder");
    fs::write(checkpoint.join("run"), "another run").expect("written");
    fs::create_dir(checkpoint.join("relation-00000001")).expect("a checkpoint");
    let error = run(&config(), &corpus(), folder.path(), true).expect_err("another run");
    assert!(matches!(error, RereError::Folder { problem: FolderProblem::OtherRun, .. }), "{error}");
    // A stopped run is not discarded by accident.
    let error = run(&config(), &corpus(), folder.path(), false).expect_err("a stopped run");
    assert!(matches!(error, RereError::Stopped { .. }), "{error}");
    let overwrite = options(false).with_overwrite(true);
    Trainer::new(config(), overwrite).run(&corpus(), folder.path()).expect("trains");
    // A run that has ended succeeds at once, so that a scheduler can retry it.
    let before = files(folder.path());
    let events = run(&config(), &corpus(), folder.path(), true).expect("it is done");
    assert!(matches!(events.as_slice(), [Event::Finished]), "{events:?}");
    assert!(files(folder.path()) == before);
    let mut other = config();
    other.training.seed = 2;
    let error = run(&other, &corpus(), folder.path(), true).expect_err("another model");
    assert!(matches!(error, RereError::Folder { problem: FolderProblem::OtherModel, .. }), "{error}");
    // Without anything to resume, the run starts.
    let empty = tempfile::tempdir().expect("a folder");
    run(&config(), &corpus(), empty.path(), true).expect("trains");
}

#[test]
fn two_runs_cannot_write_one_folder() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let mut second = None;
    let on_event = |event: &Event| {
        if second.is_none() && matches!(event, Event::Step { .. }) {
            second = Some(Trainer::new(casrel(), options(false)).run(&corpus(), folder.path()));
        }
        ControlFlow::Continue(())
    };
    Trainer::new(config(), options(false)).on_event(on_event).run(&corpus(), folder.path()).expect("trains");
    assert!(matches!(second, Some(Err(RereError::InUse { .. }))), "{second:?}");
}

#[test]
fn a_model_survives_a_new_run_that_is_stopped() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    run(&config(), &corpus(), folder.path(), false).expect("trains");
    let before = files(folder.path());
    run_until(&casrel(), &corpus(), folder.path(), |event| matches!(event, Event::Thresholds { .. }));
    for (name, bytes) in &before {
        assert!(fs::read(folder.path().join(name)).is_ok_and(|now| now == *bytes), "{name} was touched");
    }
    // After the run, nothing of the older model is left.
    run(&casrel(), &corpus(), folder.path(), true).expect("resumes");
    let names: Vec<String> = files(folder.path()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["config.json", "tagger/model.safetensors", "tokenizer.json", "training.json"]);
    assert_eq!(load(folder.path(), LoadOptions::new(device())).expect("loads").info().system, "casrel");
}

/// Checks properties of extraction that hold for every system and any text.
fn check_extraction<S: System>(config: &Config<S>) {
    let folder = tempfile::tempdir().expect("a folder");
    run(config, &corpus(), folder.path(), false).expect("trains");
    let mut system = trained::<S>(folder.path());
    system.set_thresholds(low(0.01));
    let long = "Ada was born in London . ".repeat(40);
    let texts = ["", "   ", "👩\u{200d}🚀 né\u{301} 北京\tx\u{0}y\r\n", "Ada was born in London .", long.as_str()];
    let sentences: Vec<Sentence> = texts.iter().map(|text| Sentence::new(*text)).collect();
    let found = extract(&system, &sentences);
    assert_eq!(found.len(), texts.len());
    assert!(found[0].is_empty() && found[1].is_empty());
    assert!(found.iter().any(|triples| !triples.is_empty()), "{}", S::NAME);
    for (text, triples) in texts.iter().zip(&found) {
        for triple in triples {
            for mention in triple.mentions() {
                let span = mention.span.expect("a span");
                assert_eq!(span.slice(text), Ok(mention.text.as_str()));
            }
            assert!(triple.score.is_some());
        }
        assert!(triples.is_sorted_by(|a, b| a.score >= b.score));
    }
    // The long text does not fit the encoder: triples are also found beyond its first window of at most 45 tokens.
    let ends = found[4].iter().flat_map(Triple::mentions).filter_map(|m| m.span).map(|span| span.end);
    let first_window = "Ada was born in London . ".len() * 45 / 6;
    system.set_constraints(Constraints::default().with_overlap(true));
    let distinct: Vec<String> = (0..40).map(|number| format!("x{number} was born in London .")).collect();
    let far = extract(&system, &[Sentence::new(distinct.join(" "))]).remove(0);
    let last = far.iter().flat_map(Triple::mentions).filter_map(|m| m.span).map(|span| span.end).max();
    // Tags of words that were not in training are O.
    if S::NAME != NovelTagging::NAME {
        assert!(
            last > Some(first_window) && ends.max().is_some(),
            "{last:?}: the windows after the first are not read"
        );
    }
    system.set_constraints(Constraints::default());
    let alone: Vec<_> = sentences.iter().map(|s| extract(&system, std::slice::from_ref(s))).collect();
    for (together, alone) in found.iter().zip(alone) {
        let names = |triples: &[Triple]| -> Vec<String> {
            let mut names: Vec<_> =
                triples.iter().map(|t| format!("{} {} {}", t.subject.text, t.relation, t.object.text)).collect();
            names.sort();
            names
        };
        assert_eq!(names(together), names(&alone[0]), "the rest of a batch has an effect");
    }

    // A higher least score only removes triples, whatever the other options.
    let names = |triples: &[Triple]| -> Vec<String> {
        triples.iter().map(|t| format!("{} {} {}", t.subject.text, t.relation, t.object.text)).collect()
    };
    let inputs: Vec<Input> = sentences.iter().map(Input::from).collect();
    let relation = system.info().relations.get(0).expect("a relation").name.clone();
    for constraints in [
        Constraints::default(),
        Constraints::default().with_overlap(true).with_longest(2),
        Constraints::default().with_most(3).with_one_to_one(vec![relation.clone()]),
    ] {
        let base = ExtractOptions::default().with_constraints(constraints);
        let mut before: Option<Vec<Vec<Triple>>> = None;
        for twentieth in 0..=20 {
            let least = Probability::saturating(twentieth as f32 / 20.0);
            let found = system.extract(&inputs, &base.clone().with_min_score(least)).expect("extracts");
            assert!(found.iter().flatten().all(|triple| triple.score >= Some(least)));
            if let Some(before) = &before {
                for (more, fewer) in before.iter().zip(&found) {
                    let kept: Vec<_> = more.iter().filter(|triple| triple.score >= Some(least)).cloned().collect();
                    assert_eq!(names(&kept), names(fewer), "at {least}");
                }
            }
            before = Some(found);
        }
    }
    // Only triples of the wanted relations.
    let one = ExtractOptions::default().with_relations([&relation]);
    let of_one = system.extract(&inputs, &one).expect("extracts");
    assert!(of_one.iter().flatten().all(|triple| triple.relation == relation));
    for (all, one) in found.iter().zip(&of_one) {
        let of_relation: Vec<_> = all.iter().filter(|triple| triple.relation == relation).cloned().collect();
        assert_eq!(names(&of_relation), names(one));
    }
    let unknown = ExtractOptions::default().with_relations(["no such relation"]);
    assert!(matches!(system.extract(&inputs, &unknown), Err(rere::ExtractError::UnknownRelation { .. })));
    // Only given mentions.
    let mentions = [rere::Mention::of("Ada"), rere::Mention::of("London")];
    let chosen = Input::from(texts[3]).with_mentions(&mentions);
    for triple in system.extract(&[chosen], &ExtractOptions::default()).expect("extracts").remove(0) {
        assert!(["Ada", "London"].contains(&triple.subject.text.as_str()), "{triple:?}");
        assert!(["Ada", "London"].contains(&triple.object.text.as_str()), "{triple:?}");
    }
}

#[test]
fn extracted_triples_slice_the_text_and_follow_the_options() {
    let _alone = alone();
    for_each_system!(check_extraction);
}

/// Checks that several threads can use a system at the same time.
fn check_threads<S: System>(config: &Config<S>) {
    let folder = tempfile::tempdir().expect("a folder");
    run(config, &corpus(), folder.path(), false).expect("trains");
    let mut system = load(folder.path(), LoadOptions::new(device())).expect("loads");
    system.set_thresholds(low(0.01));
    let shared: Arc<dyn Extractor> = Arc::from(system as Box<dyn Extractor>);
    let sentences = corpus().train;
    let expected = extract(&*shared, &sentences);
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (shared, sentences) = (Arc::clone(&shared), sentences.clone());
            std::thread::spawn(move || extract(&*shared, &sentences))
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().expect("no panic"), expected);
    }
}

#[test]
fn threads_can_share_an_extractor() {
    let _alone = alone();
    for_each_system!(check_threads);
}

#[test]
fn a_model_can_be_loaded_from_memory_and_has_a_digest() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    run(&config(), &corpus(), folder.path(), false).expect("trains");
    let from_folder = load(folder.path(), LoadOptions::new(device())).expect("loads");
    let mut in_memory: BTreeMap<String, Vec<u8>> = files(folder.path()).into_iter().collect();
    let two_threads = LoadOptions::new(device()).with_threads(2);
    let mut from_memory = load(in_memory.clone(), two_threads).expect("loads");
    assert_eq!(from_folder.info(), from_memory.info());
    assert_eq!(from_folder.info().digest.as_ref().map(String::len), Some(64));
    let sentences = corpus().train;
    assert_eq!(extract(&*from_folder, &sentences), extract(&*from_memory, &sentences));
    // Other thresholds make another model.
    from_memory.set_thresholds(low(0.2));
    assert_ne!(from_folder.info().digest, from_memory.info().digest);
    in_memory.remove("entity/model.safetensors");
    let error = load(in_memory, LoadOptions::new(device())).err().expect("a file is missing").to_string();
    assert_eq!(error, "entity/model.safetensors: the file is missing");
    // The cost grows with the number of tokens.
    assert!(from_folder.cost("Ada was born in London .") > from_folder.cost("Ada"));
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
    skip.data.missing = rere_data::OnMissing::Skip;
    let events = run(&skip, &broken, folder.path(), false).expect("the triple is left out");
    let Some(Event::Located(report)) = events.get(1) else { panic!("no report") };
    assert_eq!(report.object_not_found, 1);

    let empty = Corpus { train: vec![Sentence::new("Nothing .")], dev: vec![] };
    let error = run(&config(), &empty, folder.path(), false).expect_err("no triple");
    assert!(matches!(error, RereError::Corpus(CorpusProblem::NoTriple)), "{error}");

    // An error of the second stage comes before the first stage trains.
    let error_without_step = |config: &Config<Rere>, corpus: &Corpus| {
        let mut steps = 0;
        let on_event = |event: &Event| {
            steps += usize::from(matches!(event, Event::Step { .. }));
            ControlFlow::Continue(())
        };
        let error = Trainer::new(config.clone(), options(false)).on_event(on_event).run(corpus, folder.path());
        let error = error.expect_err("cannot be trained").to_string();
        assert_eq!(steps, 0, "{error}");
        error
    };
    let mut short = config();
    short.training.max_tokens = 9;
    let mut long = Sentence::new("Ada was born in London .");
    long.triples.push(Triple::of("Ada", "born in", "London"));
    // 6 tokens: 8 with [CLS] and [SEP], 11 with the query.
    let corpus_of = |sentence: Sentence| Corpus { train: vec![sentence; 4], dev: vec![] };
    let error = error_without_step(&short, &corpus_of(long.clone()));
    assert!(error.contains("by the stage entity: 4 examples are longer than training.max_tokens"), "{error}");
    long.triples[0].relation = "a b c d e f g".to_owned();
    let error = error_without_step(&short, &corpus_of(long));
    assert!(error.contains("\"a b c d e f g\" has 7 tokens") && error.contains("raise training.max_tokens"), "{error}");
}

#[test]
fn damaged_model_folders_are_errors() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    run(&config(), &corpus(), folder.path(), false).expect("trains");
    let load = || load(folder.path(), LoadOptions::new(device())).map(|_| ());
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
        ("\"format\": 1", "\"format\": 7", "expected format 1, found 7"),
        ("\"format\": 1,", "", "expected format 1, found none"),
        (
            "\"system\": \"rere\"",
            "\"system\": \"rare\"",
            "expected one of rere, casrel, tplinker, prgc, pair, novel-tagging, found rare",
        ),
        ("\"system\": \"rere\"", "\"system\": \"casrel\"", "settings"),
    ] {
        assert!(whole.contains(key), "{whole}");
        fs::write(&path, whole.replace(key, value)).expect("written");
        let error = load().expect_err("parts of two models").to_string();
        assert!(error.contains(expected), "{error}");
    }
    fs::write(&path, whole).expect("written");

    // NaN weights must give an error, because no score would be above a threshold.
    for (stage, expected) in [("relation", "a score that is NaN"), ("entity", "cannot be decoded")] {
        let path = folder.path().join(stage).join("model.safetensors");
        let whole = fs::read(&path).expect("read");
        let mut damaged = whole.clone();
        let header = u64::from_le_bytes(damaged[..8].try_into().expect("8 bytes")) as usize;
        damaged[8 + header..].chunks_exact_mut(4).for_each(|weight| weight.copy_from_slice(&f32::NAN.to_le_bytes()));
        fs::write(&path, damaged).expect("written");
        let mut system = trained::<Rere>(folder.path());
        system.set_thresholds(low(0.0));
        let dev = corpus().dev;
        let inputs: Vec<Input> = dev.iter().map(Input::from).collect();
        let error = system.extract(&inputs, &ExtractOptions::default()).expect_err("no numbers");
        let messages = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
        let messages: Vec<String> = messages.map(ToString::to_string).collect();
        assert!(messages.iter().any(|message| message.contains(expected)), "{stage}: {messages:?}");
        fs::write(&path, whole).expect("written");
    }
}

/// Checks that weights that are NaN give an error: no score would be above a threshold.
fn check_nan<S: System>(config: &Config<S>) {
    let folder = tempfile::tempdir().expect("a folder");
    run(config, &corpus(), folder.path(), false).expect("trains");
    for (name, mut bytes) in files(folder.path()).into_iter().filter(|(name, _)| name.ends_with("safetensors")) {
        let header = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes")) as usize;
        bytes[8 + header..].chunks_exact_mut(4).for_each(|weight| weight.copy_from_slice(&f32::NAN.to_le_bytes()));
        fs::write(folder.path().join(name), bytes).expect("written");
    }
    let dev = corpus().dev;
    let inputs: Vec<Input> = dev.iter().map(Input::from).collect();
    let found = trained::<S>(folder.path()).extract(&inputs, &ExtractOptions::default());
    assert!(found.is_err(), "{}: {found:?}", S::NAME);
}

#[test]
fn weights_that_are_nan_are_an_error_in_every_system() {
    let _alone = alone();
    for_each_system!(check_nan);
}

/// Checks that `tune` returns the F1 of the system at the chosen thresholds.
fn check_tuning<S: System>(config: &Config<S>) {
    let folder = tempfile::tempdir().expect("a folder");
    run(config, &corpus(), folder.path(), false).expect("trains");
    let mut system = trained::<S>(folder.path());
    let dev = corpus().dev;
    // The results at low thresholds become the gold triples, so that low thresholds are the best.
    system.set_thresholds(low(0.05));
    let mut gold = dev.clone();
    for (sentence, triples) in gold.iter_mut().zip(extract(&system, &dev)) {
        sentence.triples = triples;
    }
    let f1 = system.tune(&gold).expect("scored").unwrap_or_else(|| panic!("{} finds no triples", S::NAME));
    let best = system.thresholds().clone();
    let mut predicted = dev.clone();
    for (sentence, triples) in predicted.iter_mut().zip(extract(&system, &dev)) {
        sentence.triples = triples;
    }
    let counts = rere_eval::evaluate(&gold, &predicted, &rere_eval::Exact).expect("the same sentences");
    assert!((rere_eval::Score::from_counts(counts).f1 - f1).abs() < 1e-9, "{counts:?} {f1} {best:?}");
    assert!(f1 > 0.9, "{f1} {best:?}");

    // If no gold triple can be found, the thresholds become the default ones.
    gold.iter_mut().flat_map(|sentence| &mut sentence.triples).for_each(|triple| triple.relation = "other".to_owned());
    assert_eq!(system.tune(&gold).expect("scored"), Some(0.0));
    assert_eq!(*system.thresholds(), Thresholds::default());
    assert_eq!(system.tune(&[Sentence::new("Nothing .")]).expect("scored"), None);
}

#[test]
fn tuning_chooses_the_best_thresholds() {
    let _alone = alone();
    for_each_system!(check_tuning);
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
fn a_run_that_is_stopped_while_its_model_is_moved_can_be_resumed() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    run(&config(), &corpus(), folder.path(), false).expect("trains");
    let whole = files(folder.path());
    // The state after the first file has been moved; the others are still in the checkpoint folder.
    let other = tempfile::tempdir().expect("a folder");
    run_until(&config(), &corpus(), other.path(), |event| matches!(event, Event::Thresholds { .. }));
    let new = other.path().join("checkpoint/model");
    for (name, bytes) in &whole {
        fs::write(new.join(name), bytes).expect("written");
    }
    fs::create_dir_all(other.path().join("relation")).expect("a folder");
    let moved = "relation/model.safetensors";
    fs::rename(new.join(moved), other.path().join(moved)).expect("moved");
    // The state after all files have been moved.
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
    let events = run(&config(), &corpus(), last.path(), true).expect("nothing is left to do");
    assert!(matches!(events.as_slice(), [Event::Finished]), "{events:?}");
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
fn bce_needs_no_class_prior() {
    let _alone = alone();
    // The only relation is in every sentence, so all labels of the relation classifier are positive.
    let one = |mut corpus: Corpus| {
        corpus.train.retain(|sentence| sentence.triples.iter().any(|triple| triple.relation == "born in"));
        corpus
    };
    let folder = tempfile::tempdir().expect("a folder");
    let error = run(&config(), &one(corpus()), folder.path(), false).expect_err("cPU needs one");
    assert!(matches!(error, RereError::Loss { .. }), "{error}");
    let mut bce = config();
    bce.system.relation.loss = Default::default();
    run(&bce, &one(corpus()), folder.path(), false).expect("trains");
}

#[test]
fn a_development_set_without_triples_keeps_the_last_epoch() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let mut corpus = corpus();
    corpus.dev.iter_mut().for_each(|sentence| sentence.triples.clear());
    run(&config(), &corpus, folder.path(), false).expect("trains");
    let record = record(folder.path());
    assert!(record.stages.iter().all(|stage| stage.kept == stage.epochs.len()), "{:?}", record.stages);
    assert_eq!(record.dev_f1, None);
}

/// A system trained on the device finds the same triples on the pure Rust backend, with equal scores up to rounding.
#[cfg(feature = "flex")]
#[test]
fn every_backend_extracts_the_same() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let corpus = corpus();
    run(&config(), &corpus, folder.path(), false).expect("trained");
    let scored = |device: &Device| {
        let mut system = Trained::<Rere>::load(folder.path(), &LoadOptions::new(device.clone())).expect("loads");
        // Low thresholds, so that there are triples to compare although little was learnt.
        system.set_thresholds(low(0.05));
        system.set_constraints(Constraints::default().with_overlap(true));
        extract(&system, &corpus.train)
    };
    let (here, there) = (scored(&Device::flex()), scored(&device()));
    assert!(here.iter().map(Vec::len).sum::<usize>() > 20);
    for (here, there) in here.iter().zip(&there) {
        let unscored = |triples: &[Triple]| -> Vec<Triple> {
            triples.iter().map(|triple| triple.clone().with_score(None)).collect()
        };
        assert_eq!(unscored(here), unscored(there));
        for (here, there) in here.iter().zip(there) {
            let [here, there] = [here, there].map(|triple| triple.score.expect("a score").get());
            assert!((here - there).abs() < 1e-4, "{here} {there}");
        }
    }
}

#[test]
fn each_precision_has_its_own_thresholds() {
    if device() != Device::flex() {
        return;
    }
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    run(&config(), &corpus(), folder.path(), false).expect("trains");
    let load = |precision: Option<Precision>| {
        load(folder.path(), LoadOptions::new(device()).with_precision(precision)).expect("loads")
    };
    // No cost is known.
    assert_eq!(load(None).precision(), Precision::F32);
    let of_f32 = load(Some(Precision::F32)).thresholds().clone();
    let mut system = load(Some(Precision::Int8));
    assert_eq!((system.precision(), system.thresholds()), (Precision::Int8, &of_f32));
    let thresholds = Thresholds::default().with_decode(Probability::saturating(0.25));
    assert_ne!(thresholds, of_f32);
    let digest = system.info().digest.clone();
    system.set_thresholds(thresholds.clone());
    assert_ne!(system.info().digest, digest);
    system.save_config(folder.path()).expect("writes");
    assert_eq!(*load(Some(Precision::Int8)).thresholds(), thresholds);
    assert_eq!(*load(Some(Precision::F32)).thresholds(), of_f32);
    assert_eq!(load(None).precision(), Precision::F32);
    let cost = PrecisionCost { f1: 0.7, f32_f1: 0.71 };
    system.set_cost(cost);
    system.save_config(folder.path()).expect("writes");
    let fastest = load(None);
    assert_eq!((fastest.precision(), fastest.thresholds()), (Precision::Int8, &thresholds));
    assert_eq!(fastest.config().precisions[&Precision::Int8].cost, Some(cost));
    // Other thresholds have another cost.
    system.set_thresholds(of_f32.clone());
    assert_eq!(system.config().precisions[&Precision::Int8].cost, None);
    // In f32 there is nothing to record.
    let mut system = load(Some(Precision::F32));
    system.set_cost(cost);
    assert!(!system.config().precisions.contains_key(&Precision::F32));
}

#[test]
fn eight_bits_find_nearly_the_same_triples() {
    if device() != Device::flex() {
        return;
    }
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    run(&config(), &corpus(), folder.path(), false).expect("trains");
    let scores = |precision| {
        let mut system = load(folder.path(), LoadOptions::new(device()).with_precision(precision)).expect("loads");
        system.set_thresholds(low(0.01));
        let dev = corpus().dev;
        let inputs: Vec<Input<'_>> = dev.iter().map(|sentence| Input::new(&sentence.text)).collect();
        let triples = system.extract(&inputs, &ExtractOptions::default()).expect("extracts");
        let triples = triples.into_iter().enumerate().flat_map(|(text, triples)| {
            let score = |triple: &Triple| triple.score.expect("a score").get();
            let name = |triple: &Triple| format!("{} {} {}", triple.subject.text, triple.relation, triple.object.text);
            triples.into_iter().map(move |triple| ((text, name(&triple)), score(&triple)))
        });
        triples.collect::<HashMap<_, f32>>()
    };
    let (exact, int8) = (scores(Precision::F32), scores(Precision::Int8));
    assert!(!exact.is_empty());
    for (triple, score) in &exact {
        // A score near the threshold may fall below it.
        let other = int8.get(triple).copied().unwrap_or(0.01);
        assert!((score - other).abs() < 0.05, "{triple:?}: {score} became {other}");
    }
}

#[test]
fn an_lstm_supports_f32_only() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let text = "[encoder.random]\nmodel_type = \"bilstm\"\nembedding_size = 8\ndirection_size = 8\nlayers = 1";
    let mut config: Config<Rere> = Config::parse(text).expect("valid");
    (config.system.relation.epochs, config.system.entity.epochs) = (1, 1);
    run(&config, &corpus(), folder.path(), false).expect("trained");
    let with = |precision| load(folder.path(), LoadOptions::new(device()).with_precision(precision));
    with(Precision::F32).expect("as it is");
    let error = with(Precision::Bf16).err().expect("no such LSTM").to_string();
    assert_eq!(error, "precision \"bf16\": an LSTM supports f32 only: use f32");
}

#[test]
fn a_relation_is_added_by_training_the_relation_stage_alone() {
    let _alone = alone();
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let [first, second] = [folders[0].path(), folders[1].path()];
    run(&config(), &without(corpus(), "born in"), first, false).expect("trains");
    assert_eq!(trained::<Rere>(first).info().relations.len(), 1);

    let mut config = config();
    config.system.entity.epochs = 0;
    let error = run(&config, &corpus(), second, false).expect_err("nothing to keep").to_string();
    assert!(error.contains("rere.entity.epochs") && error.contains("--from"), "{error}");
    let from = options(false).with_from(first);
    Trainer::new(config.clone(), from.clone()).run(&corpus(), second).expect("trains");
    let weights = |folder: &Path, name: &str| fs::read(folder.join(name).join("model.safetensors")).expect("written");
    assert!(weights(first, "entity") == weights(second, "entity"), "the entity stage has changed");
    assert!(weights(first, "relation") != weights(second, "relation"));
    let names = |folder: &Path| -> Vec<String> {
        trained::<Rere>(folder).info().relations.iter().map(|relation| relation.name.clone()).collect()
    };
    assert_eq!(names(second), ["lives in", "born in"], "old relations keep their labels");
    // Training starts from the weights of the earlier model: without a step, the old relation has the same scores.
    config.system.relation.epochs = 0;
    let kept = tempfile::tempdir().expect("a folder");
    Trainer::new(config.clone(), from.clone()).run(&corpus(), kept.path()).expect("copies");
    let texts = ["In London , where it rains , lives Ada .", "Bob Ray saw New York ."];
    let [before, after] =
        [first, kept.path()].map(|folder| trained::<Rere>(folder).relation_scores(&texts).expect("scores"));
    for (before, after) in before.iter().zip(after) {
        assert!((before[0] - after[0]).abs() < 1e-6, "{before:?} {after:?}");
    }
    // Training cannot start from a model of another system.
    let error = Trainer::new(casrel(), from).run(&corpus(), kept.path()).expect_err("another system").to_string();
    assert!(error.contains("expected a model of the system casrel, found rere"), "{error}");
}

/// Checks that a model learns a new relation, and that the old one has the same triples before the first step.
fn check_added_relation<S: System>(config: &Config<S>, stage: impl Fn(&mut S::Config) -> &mut StageConfig) {
    let [first, second] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    run(config, &without(corpus(), "born in"), first.path(), false).expect("trains");
    let mut config = config.clone();
    stage(&mut config.system).epochs = 1;
    let from = options(false).with_from(first.path());
    let same = without(corpus(), "born in");
    Trainer::new(config.clone(), from.clone()).run(&same, second.path()).expect("trains without a new relation");
    assert_eq!(trained::<S>(second.path()).info().relations.len(), 1);
    stage(&mut config.system).epochs = 0;
    Trainer::new(config, from.with_overwrite(true)).run(&corpus(), second.path()).expect("trains");
    let found = [first.path(), second.path()].map(|folder| {
        let mut system = trained::<S>(folder);
        system.set_thresholds(low(0.0));
        let only = ExtractOptions::default().with_relations(["lives in"]);
        let dev = corpus().dev;
        let inputs: Vec<Input> = dev.iter().map(Input::from).collect();
        (system.info().relations.len(), system.extract(&inputs, &only).expect("extracts"))
    });
    let [(1, before), (2, after)] = found else { panic!("{:?}", found.map(|(relations, _)| relations)) };
    assert!(before.iter().any(|triples| !triples.is_empty()), "{}", S::NAME);
    for (before, after) in before.iter().flatten().zip(after.iter().flatten()) {
        assert_eq!((&before.subject, &before.object), (&after.subject, &after.object));
        let [before, after] = [before, after].map(|triple| triple.score.expect("a score").get());
        assert!((before - after).abs() < 1e-6, "{}: {before} {after}", S::NAME);
    }
}

#[test]
fn every_system_learns_new_relations() {
    let _alone = alone();
    check_added_relation(&casrel(), |config| &mut config.tagger);
    check_added_relation(&tplinker(), |config| &mut config.tagger);
    check_added_relation(&prgc(), |config| &mut config.network);
    check_added_relation(&pair(), |config| &mut config.network);
}

#[test]
fn pairs_of_given_mentions_are_classified() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    run(&pair(), &corpus(), folder.path(), false).expect("trains");
    let mut system = trained::<Pair>(folder.path());
    system.set_thresholds(low(0.0));
    let text = "Ada saw New York and Bob Ray .";
    let at = |surface: &str| {
        let start = text.find(surface).expect("in the text");
        Mention::at(text, ByteSpan::new(start, start + surface.len())).expect("a mention")
    };
    // The last one is not a sequence of tokens.
    let mentions = [at("Ada"), at("New York"), Mention::of("Bob Ray"), at("ork")];
    let input = Input::from(text).with_mentions(&mentions);
    let found = system.extract(&[input], &ExtractOptions::default()).expect("extracts").remove(0);
    let mut pairs: Vec<(&str, &str, &str)> =
        found.iter().map(|t| (&*t.subject.text, &*t.relation, &*t.object.text)).collect();
    pairs.sort_unstable();
    let names = ["Ada", "Bob Ray", "New York"];
    let expected: Vec<(&str, &str, &str)> = names
        .iter()
        .flat_map(|&subject| {
            let others = names.iter().filter(move |&&object| object != subject);
            ["born in", "lives in"]
                .into_iter()
                .flat_map(move |relation| others.clone().map(move |&object| (subject, relation, object)))
        })
        .collect();
    assert_eq!(pairs, expected, "every pair has a score for every relation");
    let none = system.extract(&[Input::from(text).with_mentions(&[])], &ExtractOptions::default()).expect("extracts");
    assert_eq!(none, [vec![]]);
    // 870 pairs, which are not classified at once, beside a text with one mention.
    let names: Vec<String> = (0..30).map(|number| format!("x{number}")).collect();
    let (long, mentions) = (names.join(" "), names.iter().map(|name| Mention::of(name.as_str())).collect::<Vec<_>>());
    let inputs = [Input::from(&*long).with_mentions(&mentions), Input::from(text).with_mentions(&mentions[..1])];
    let found = system.extract(&inputs, &ExtractOptions::default()).expect("extracts");
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [30 * 29 * 2, 0]);
}

#[test]
fn a_stage_can_be_taken_from_a_trained_model() {
    let _alone = alone();
    let folders = [(); 3].map(|()| tempfile::tempdir().expect("a folder"));
    let [first, second, third] = folders.each_ref().map(|folder| folder.path());
    let mut bce = config();
    bce.system.relation.loss = Default::default();
    run(&bce, &corpus(), first, false).expect("trains");

    let taken = options(false).with_trained_stage("entity", first);
    let mut stages = Vec::new();
    let on_event = |event: &Event| {
        if let Event::Stage { stage, .. } | Event::StageTaken { stage } = event {
            stages.push(format!("{stage} {}", matches!(event, Event::Stage { .. })));
        }
        ControlFlow::Continue(())
    };
    Trainer::new(config(), taken.clone()).on_event(on_event).run(&corpus(), second).expect("trains one stage");
    assert_eq!(stages, ["relation true", "entity false"]);
    // The result is that of training both stages.
    run(&config(), &corpus(), third, false).expect("trains both stages");
    for name in ["config.json", "relation/model.safetensors", "entity/model.safetensors", "tokenizer.json"] {
        let [taken, trained] = [second, third].map(|folder| fs::read(folder.join(name)).expect("read"));
        assert!(taken == trained, "{name} differs");
    }
    assert_eq!(record(second).stages, record(third).stages);
    // Without the option, it is another run.
    let error = run(&config(), &corpus(), second, true).expect_err("another model");
    assert!(matches!(error, RereError::Folder { problem: FolderProblem::OtherModel, .. }), "{error}");

    let error = Trainer::new(casrel(), options(false).with_trained_stage("entity", first)).run(&corpus(), third);
    let error = error.expect_err("a stage of another system");
    assert!(
        matches!(error, RereError::Config { problem: ConfigProblem::UnknownStage { .. }, .. }),
        "expected an unknown stage, found {error}"
    );
    let mut other = corpus();
    other.train.iter_mut().flat_map(|sentence| &mut sentence.triples).for_each(|triple| triple.relation = "x".into());
    let error = Trainer::new(config(), taken.clone()).run(&other, third).expect_err("other relations");
    assert!(matches!(error, RereError::Folder { problem: FolderProblem::StageDiffers { .. }, .. }), "{error}");

    let path = first.join("training.json");
    let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("read")).expect("JSON");
    record["stages"] = serde_json::json!([]);
    fs::write(&path, record.to_string()).expect("written");
    let folder = tempfile::tempdir().expect("a folder");
    let error = Trainer::new(config(), taken).run(&corpus(), folder.path()).expect_err("a record without the stage");
    assert!(matches!(error, RereError::Folder { problem: FolderProblem::NoStage { .. }, .. }), "{error}");
}

/// Settings with which no epoch is better than the first: the network hardly changes.
fn stagnant() -> Config<Rere> {
    let mut config = config();
    for stage in [&mut config.system.relation, &mut config.system.entity] {
        (stage.epochs, stage.learning_rate) = (6, 1e-12);
    }
    config.training.patience = Some(2);
    config
}

#[test]
fn a_stage_ends_early_if_no_epoch_is_better() {
    let _alone = alone();
    let folders = [(); 3].map(|()| tempfile::tempdir().expect("a folder"));
    let [all, early, mixed] = folders.each_ref().map(|folder| folder.path());
    let mut config = stagnant();
    run(&config, &corpus(), early, false).expect("trains");
    let stages = record(early).stages;
    for stage in &stages {
        let early_stop = stage.early_stop.expect("stopped early");
        assert_eq!((early_stop.after_epoch, early_stop.best_epoch, early_stop.patience), (3, 1, 2));
        assert_eq!((stage.epochs.len(), stage.kept), (3, 1));
    }
    // The same weights as without early stopping.
    config.training.patience = Some(0);
    let events = run(&config, &corpus(), all, false).expect("trains");
    assert!(!events.iter().any(|event| matches!(event, Event::EarlyStop { .. })));
    assert!(record(all).stages.iter().all(|stage| stage.epochs.len() == 6 && stage.early_stop.is_none()));
    let weights = |folder: &Path| fs::read(folder.join("entity/model.safetensors")).expect("written");
    assert!(weights(early) == weights(all));
    // A stage can have its own patience.
    config.system.relation.patience = Some(3);
    let events = run(&config, &corpus(), mixed, false).expect("trains");
    let stopped: Vec<_> = events.iter().filter(|event| matches!(event, Event::EarlyStop { .. })).collect();
    assert!(
        matches!(stopped[..], [Event::EarlyStop { stage, early_stop }] if stage == "relation" && early_stop.after_epoch == 4)
    );
}

#[test]
fn a_run_with_early_stopping_that_was_stopped_anywhere_ends_with_the_same_weights() {
    let _alone = alone();
    let mut config = stagnant();
    config.training.patience = Some(1);
    config.system.entity.frozen_layers = Some(1);
    stop_and_resume(&config);
}

#[test]
fn early_stopping_needs_a_development_set() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let mut no_dev = corpus();
    no_dev.dev.iter_mut().for_each(|sentence| sentence.triples.clear());
    let mut config = stagnant();
    let message = |config: &Config<Rere>| run(config, &no_dev, folder.path(), false).expect_err("no dev").to_string();
    let found = message(&config);
    assert!(found.starts_with("training.patience needs") && found.contains("data.dev"), "{found}");
    config.system.entity.patience = Some(1);
    assert!(message(&config).starts_with("rere.entity.patience needs"), "{}", message(&config));
    config.training.patience = None;
    config.system.entity.patience = Some(0);
    run(&config, &no_dev, folder.path(), false).expect("trains without early stopping");
}

#[test]
fn sentences_and_documents_in_both_sets_give_warnings() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let warnings = |corpus: &Corpus| -> Vec<Warning> {
        let overwrite = options(false).with_overwrite(true);
        let mut warnings = Vec::new();
        let on_event = |event: &Event| {
            if let Event::Warning(warning) = event {
                warnings.push(warning.clone());
            }
            // What follows is about the stages.
            if matches!(event, Event::Stage { .. }) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let stopped = Trainer::new(config(), overwrite).on_event(on_event).run(corpus, folder.path());
        assert!(matches!(stopped, Err(RereError::Interrupted)), "{stopped:?}");
        warnings
    };
    let mut corpus = corpus();
    assert_eq!(warnings(&corpus), [Warning::SharedSentences { shared: 8, sentences: 8 }]);
    for (number, sentence) in corpus.train.iter_mut().enumerate() {
        sentence.extra.set("document", &(number / 4)).expect("set");
    }
    // Documents 4, 5 and 6.
    for (number, sentence) in corpus.dev.iter_mut().enumerate() {
        sentence.text.insert_str(0, "Dev : ");
        sentence.extra.set("document", &(4 + number / 3)).expect("set");
    }
    assert_eq!(warnings(&corpus), [Warning::SharedDocuments { shared: 1, documents: 3 }]);
    let message = warnings(&corpus)[0].to_string();
    assert!(message.starts_with("1 of 3 documents") && message.contains("rere split"), "{message}");
}

fn search<S: System>(
    config: &Config<S>,
    tries: usize,
    folder: &Path,
    resume: bool,
    mut stop: impl FnMut(&Event) -> bool,
) -> (Result<SearchRecord, RereError>, Vec<Event>) {
    let mut events = Vec::new();
    let on_event = |event: &Event| {
        events.push(event.clone());
        if stop(event) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let tries = NonZeroUsize::new(tries).expect("some");
    let found = Trainer::new(config.clone(), options(resume)).on_event(on_event).search(tries, &corpus(), folder);
    (found, events)
}

/// Settings with which the first epochs already find something, so that tries differ.
fn quick() -> Config<Rere> {
    let mut config = config();
    for stage in [&mut config.system.relation, &mut config.system.entity] {
        stage.learning_rate = 1e-2;
    }
    config
}

#[test]
fn a_search_keeps_the_best_model() {
    let _alone = alone();
    let [first, second] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let (found, events) = search(&quick(), 5, first.path(), false, |_| false);
    let found = found.expect("searches");
    assert_eq!((found.tries.len(), found.planned), (5, 5));
    let saved: SearchRecord =
        serde_json::from_slice(&fs::read(first.path().join("tries.json")).expect("read")).expect("JSON");
    assert_eq!(saved, found);
    assert!(!first.path().join("tries").exists());
    let stages: Vec<_> = found.tries.iter().map(|tried| tried.stage.as_deref()).collect();
    assert_eq!(stages, [None, Some("relation"), Some("entity"), Some("relation"), Some("entity")]);
    let f1 = |number: usize| found.tries[number - 1].dev_f1.expect("not failed");
    let best = (1..=5).rev().max_by(|&a, &b| f1(a).total_cmp(&f1(b))).expect("one");
    assert_eq!((found.best, record(first.path()).dev_f1), (best, Some(f1(best))));
    assert!(best > 1, "choose other settings: this must show that a later try can win, {found:?}");
    // Only the drawn stage is trained.
    let count = |is: &dyn Fn(&Event) -> bool| events.iter().filter(|event| is(event)).count();
    assert_eq!(count(&|event| matches!(event, Event::StageTaken { .. })), 4);
    assert_eq!(count(&|event| matches!(event, Event::Stage { .. })), 6);
    assert_eq!(count(&|event| matches!(event, Event::Warning(Warning::SharedSentences { .. }))), 1);

    // The model is the one of its settings.
    let mut config = quick();
    config.system.relation = found.tries[best - 1].settings["relation"].clone();
    config.system.entity = found.tries[best - 1].settings["entity"].clone();
    run(&config, &corpus(), second.path(), false).expect("trains");
    assert_eq!(record(first.path()).config, record(second.path()).config);
    for name in ["config.json", "relation/model.safetensors", "entity/model.safetensors", "tokenizer.json"] {
        let [found, trained] = [&first, &second].map(|folder| fs::read(folder.path().join(name)).expect("read"));
        assert!(found == trained, "{name} differs");
    }
    // A search that has ended succeeds at once, and can be extended.
    let (again, events) = search(&quick(), 5, first.path(), true, |_| false);
    assert_eq!(again.expect("has ended"), found);
    assert!(matches!(events[..], [Event::Finished]), "{events:?}");
    let (more, events) = search(&quick(), 6, first.path(), true, |_| false);
    assert_eq!(more.expect("searches").tries[..5], found.tries);
    let started = events.iter().filter(|event| matches!(event, Event::TryStarted { number: 6, tries: 6, .. })).count();
    assert_eq!((started, events.iter().filter(|event| matches!(event, Event::TryStarted { .. })).count()), (1, 1));
    // A model of other settings is not taken for the best one.
    let mut other = quick();
    other.training.seed = 2;
    let error = search(&other, 5, first.path(), true, |_| false).0.expect_err("another search");
    assert!(matches!(error, RereError::Folder { problem: FolderProblem::OtherRun, .. }), "{error}");
    run(&other, &corpus(), first.path(), false).expect("trains");
    assert!(!first.path().join("tries.json").exists());
}

#[test]
fn a_search_that_was_stopped_anywhere_ends_with_the_same_model() {
    let _alone = alone();
    let whole = tempfile::tempdir().expect("a folder");
    let (found, events) = search(&quick(), 3, whole.path(), false, |_| false);
    found.expect("searches");
    for stop in (1..=events.len()).step_by(7) {
        let folder = tempfile::tempdir().expect("a folder");
        let mut seen = 0;
        let (stopped, _) = search(&quick(), 3, folder.path(), false, |_| {
            seen += 1;
            seen == stop
        });
        assert!(matches!(stopped, Err(RereError::Interrupted)), "{stopped:?}");
        let (found, rest) = search(&quick(), 3, folder.path(), true, |_| false);
        found.expect("resumes");
        assert!(rest.len() <= events.len() && matches!(rest[0], Event::Started { .. } | Event::Finished));
        assert_same(folder.path(), whole.path(), &format!("stopped at event {stop} of {}", events.len()));
    }
    // A stopped search is not discarded by accident.
    let folder = tempfile::tempdir().expect("a folder");
    let ended = |event: &Event| matches!(event, Event::TryEnded { .. });
    search(&quick(), 3, folder.path(), false, ended).0.expect_err("stopped");
    let error = search(&quick(), 3, folder.path(), false, |_| false).0.expect_err("a stopped search");
    assert!(matches!(error, RereError::Stopped { .. }), "{error}");
    let error = run(&config(), &corpus(), folder.path(), false).expect_err("a stopped search");
    assert!(matches!(error, RereError::Stopped { .. }), "{error}");
    // The model to start from must not be replaced between the tries.
    let from = options(false).with_overwrite(true).with_from(whole.path());
    let error = Trainer::new(quick(), from).search(NonZeroUsize::MIN, &corpus(), whole.path()).expect_err("replaced");
    assert!(error.to_string().contains("choose another model folder"), "{error}");
    // The best model so far can be used.
    load(folder.path(), LoadOptions::new(device())).expect("loads");
}

#[test]
fn a_try_whose_settings_cannot_be_used_has_failed() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    // All labels of the relation stage are positive, so that most losses cannot be set up.
    let mut one = corpus();
    one.train.retain(|sentence| sentence.triples.iter().any(|triple| triple.relation == "born in"));
    let mut config = quick();
    config.system.relation.loss = Default::default();
    let tries = NonZeroUsize::new(12).expect("some");
    let found = Trainer::new(config, options(false)).search(tries, &one, folder.path()).expect("searches");
    let failed: Vec<_> = found.tries.iter().filter(|tried| tried.error.is_some()).collect();
    assert!(!failed.is_empty() && failed.iter().all(|tried| tried.dev_f1.is_none()), "{found:?}");
    assert!(failed[0].error.as_deref().is_some_and(|error| error.contains("relation stage cannot be set up")));
    assert!(found.tries[found.best - 1].dev_f1.is_some());
    load(folder.path(), LoadOptions::new(device())).expect("loads");
}

#[test]
fn every_system_can_be_searched() {
    let _alone = alone();
    for (system, stage) in [("casrel", "tagger"), ("pair", "network"), ("novel-tagging", "tagger")] {
        let folder = tempfile::tempdir().expect("a folder");
        let text = format!(
            "system = \"{system}\"\n[encoder.random]\nmodel_type = \"bilstm\"\nembedding_size = 8\ndirection_size = 8\n\
             [{system}.{stage}]\nepochs = 1\nbatch = 8\n"
        );
        let tries = NonZeroUsize::new(3).expect("some");
        let config = AnyConfig::parse(&text).expect("valid");
        let search = |corpus: &Corpus| {
            config.clone().search(tries, options(false), corpus, folder.path(), |_| ControlFlow::Continue(()))
        };
        let found = search(&corpus()).expect("searches");
        assert_eq!(found.tries.len(), 3, "{system}");
        assert!(found.tries.iter().all(|tried| tried.error.is_none()), "{system}: {found:?}");
        let error = search(&Corpus { dev: vec![], ..corpus() }).expect_err("no development set").to_string();
        assert!(error.starts_with("--try needs a development set") && error.contains("data.dev"), "{error}");
    }
}

#[test]
fn events_are_json_objects() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let events = run(&config(), &corpus(), folder.path(), false).expect("trains");
    let mut names = Vec::new();
    for event in &events {
        let json = serde_json::to_value(event).expect("JSON");
        names.push(json["event"].as_str().expect("a name").to_owned());
        match event {
            Event::Step { stage, step, .. } => {
                assert_eq!((&json["stage"], &json["step"]), (&(**stage).into(), &(*step).into()))
            }
            Event::Warning(warning) => assert_eq!(json["message"], warning.to_string()),
            _ => {}
        }
    }
    names.dedup();
    let expected = "started located dev-located warning stage warning frozen step epoch step epoch stage warning step \
                    epoch step epoch thresholds";
    assert_eq!(names[..18].join(" "), expected);
}
