//! `rere facts`

use std::{
    collections::{BTreeMap, HashSet},
    error::Error,
    path::{Path, PathBuf},
};

use rere_core::{Probability, Sentence, Triple};
use rere_data::{Aligner, Chunks, Reader, document_name, input_name};
use rere_eval::{
    Agreement, Exact, ScoreCalibration, SentencePairStream,
    page::{Page, PageEvidence, PageFact},
    plot_calibration, plot_precision_recall, scored,
};
use rere_facts::{
    CollectSettings, CorpusFact, FactStatus, FactWriter, FactWriterOptions, FactsError, HeldOut, HeldOutResult,
    Judgements, Sample, collect,
};
use serde_json::json;

use super::{
    CommandResult, InputArguments,
    align::{MatchingArguments, aligner, knowledge_options},
    check_outputs, check_standard_input, finish_reading, log_line, print_line, read_corpus, usage_error,
};
use crate::{page_file::PageFile, training_progress::progress_bar};

/// Options of `rere facts`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Predictions over a corpus, in any known format with scores; - for standard input.
    #[arg(value_name = "PRED", required_unless_present = "judged")]
    input: Option<PathBuf>,
    /// File to write, by its extension: .tsv, .csv, .jsonl, .parquet, .nt, .ttl, or a folder NAME.neo4j; - for JSON lines on
    /// standard output. May be repeated.
    #[arg(short, long, value_name = "OUT", default_value = "-")]
    output: Vec<PathBuf>,
    /// Facts of a knowledge base, as of `rere align`: known facts are told from new ones, and entities get their ids.
    #[arg(long, value_name = "FILE")]
    kb: Option<PathBuf>,
    /// Entities of the knowledge base, as of `rere align`.
    #[arg(long, value_name = "FILE", requires = "kb")]
    entities: Option<PathBuf>,
    /// Relation names of the corpus for those of the knowledge base, as of `rere align`.
    #[arg(long, value_name = "FILE", requires = "kb")]
    map: Option<PathBuf>,
    #[command(flatten)]
    matching: MatchingArguments,
    /// Development set, with gold triples or labels: scores become probabilities that these have a triple.
    #[arg(long, value_name = "FILE", requires = "dev_pred")]
    dev: Option<PathBuf>,
    /// Predictions of the same model for the development set, with the same lowest score.
    #[arg(long, value_name = "FILE", requires = "dev")]
    dev_pred: Option<PathBuf>,
    /// Relation with at most one object for each subject: other objects are listed as conflicts; may be repeated.
    #[arg(long, value_name = "NAME")]
    functional: Vec<String>,
    /// Lowest combined score of a fact.
    #[arg(long, value_name = "P", default_value = "0")]
    min_score: Probability,
    /// Write only facts that the knowledge base does not have.
    #[arg(long, requires = "kb")]
    new: bool,
    /// Number of evidence sentences per fact.
    #[arg(long, value_name = "N", default_value_t = 3)]
    evidence: usize,
    /// Beginning of the IRIs of entities and relations without one, in RDF.
    #[arg(long, value_name = "IRI", default_value = "urn:rere:")]
    base: String,
    /// HTML page of the best facts with their evidence, or of the facts of --sample, to judge by hand.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Show this many facts in the page, drawn at random from those that the knowledge base does not have.
    #[arg(long, value_name = "N", requires = "html")]
    sample: Option<usize>,
    /// Seed of the sample.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Print the precision by judgements that the page has saved.
    #[arg(long, value_name = "FILE", conflicts_with = "input")]
    judged: Option<PathBuf>,
    /// Print JSON instead of text, with the curve of recall if facts are hidden.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    input_options: InputArguments,
}

const EXAMPLES: &str = "\
Examples:
  Collect facts and tell new ones from those of a knowledge base:
    rere facts predicted.jsonl --kb kb.tsv --output facts.tsv
  With scores calibrated on a development set, as a table and as RDF:
    rere facts predicted.jsonl --kb kb.tsv --dev dev.jsonl --dev-pred dev-predicted.jsonl --output facts.tsv --output facts.ttl
  Judge 100 new facts by hand, then compute the precision:
    rere facts predicted.jsonl --kb kb.tsv --output facts.tsv --html judge.html --sample 100
    rere facts --judged judgements.tsv
  Evaluate with a tenth of the facts hidden, as they were for `rere align`:
    rere facts predicted.jsonl --kb kb.tsv --hide 0.1 --output facts.tsv";

/// Ranks at which precision is printed.
const RANKS: [usize; 4] = [10, 100, 1000, 10_000];

/// The most facts of a page.
const PAGE_FACTS: usize = 2000;

/// Collects facts, or counts judgements.
pub fn run(arguments: &Arguments) -> CommandResult {
    if let Some(judged) = &arguments.judged {
        let judgements = Judgements::read(judged)?;
        return if arguments.json {
            let interval = judgements.interval();
            let value = json!({"judgements": judgements, "precision": judgements.precision(), "interval": interval});
            Ok(print_line(value)?)
        } else {
            Ok(print_line(judgements)?)
        };
    }
    if arguments.matching.hides() && arguments.kb.is_none() {
        return Err(usage_error("--hide hides facts of a knowledge base: name it (--kb)"));
    }
    let Some(input) = &arguments.input else { return Err(usage_error("expected a file of predictions")) };
    let files = [Some(input), arguments.kb.as_ref(), arguments.entities.as_ref(), arguments.dev.as_ref()];
    let inputs: Vec<&Path> =
        files.into_iter().chain([arguments.dev_pred.as_ref()]).flatten().map(PathBuf::as_path).collect();
    check_outputs(inputs.iter().copied(), arguments.output.iter().chain(&arguments.html).map(PathBuf::as_path))?;
    check_standard_input(files.into_iter().chain([arguments.dev_pred.as_ref()]).flatten().map(PathBuf::as_path))?;
    let knowledge = arguments.kb.as_deref().map(|kb| knowledge(kb, arguments)).transpose()?;
    let mut settings = CollectSettings::default()
        .with_evidence(arguments.evidence)
        .with_functional(&arguments.functional)
        .with_min_score(arguments.min_score.get().into());
    match (&arguments.dev, &arguments.dev_pred) {
        (Some(dev), Some(predicted)) => {
            if let Some(Calibrations { triples, facts }) = calibrate(dev, predicted, arguments)? {
                settings = settings.with_calibration(triples).with_combined_calibration(facts);
            }
        }
        _ => log_line("note: the scores are not calibrated; --dev and --dev-pred make them probabilities"),
    }

    let page = |path| PageFile::create(path, Page::new("Facts"));
    let page = arguments.html.as_deref().map(page).transpose()?;
    let options = FactWriterOptions::default().with_base(&arguments.base);
    let mut writers =
        arguments.output.iter().map(|path| FactWriter::create(path, &options)).collect::<Result<Vec<_>, _>>()?;

    let facts = read_facts(input, knowledge.as_ref(), &settings, arguments)?;
    let Collected { facts, hidden } = facts;
    let report = facts.report();
    let mut held_out = hidden.map(HeldOut::new);
    let mut shown = Shown::new(arguments);
    let mut counts = Counts { has_knowledge_base: knowledge.is_some(), ..Counts::default() };
    for fact in facts {
        let fact = fact?;
        if let Some(held_out) = &mut held_out {
            held_out.add(&fact);
        }
        counts.add(&fact);
        // To those who read the facts, a hidden one is new.
        let is_new = fact.status.is_some_and(|status| status != FactStatus::Known);
        if is_new || !arguments.new {
            writers.iter_mut().try_for_each(|writer| writer.write(&fact))?;
        }
        if page.is_some() {
            shown.add(fact, is_new);
        }
    }
    writers.into_iter().try_for_each(FactWriter::finish)?;
    let held_out = held_out.map(|held_out| held_out.finish(&RANKS));
    if let Some(page) = page {
        write_page(page, shown, arguments, &counts, held_out.as_ref())?;
    }
    let lines = [
        format!("{} sentences, {} triples, {} facts", report.sentences, report.triples, report.facts),
        counts.to_string(),
    ];
    if report.triples == 0 {
        log_line(format!(
            "warning: {}: not one triple, so no facts: expected predictions",
            input_name(input).display()
        ));
    }
    if arguments.json {
        print_line(json!({"collected": report, "facts": counts, "held_out": held_out}))?;
    } else {
        lines.iter().filter(|line| !line.is_empty()).for_each(log_line);
        for (count, what) in [
            (report.cut_words, "triples left out: subject or object begins or ends inside a word"),
            (report.below_min_score, "facts left out: below the lowest score"),
        ] {
            if count > 0 {
                log_line(format!("{count} {what}"));
            }
        }
        if let Some(held_out) = held_out {
            log_line(held_out);
        }
    }
    Ok(())
}

/// Reads the knowledge base.
fn knowledge(kb: &Path, arguments: &Arguments) -> Result<Aligner, Box<dyn Error>> {
    let options = knowledge_options(arguments.input_options.language(), &arguments.entities, &arguments.map);
    Ok(aligner(kb, &options, &arguments.matching)?)
}

/// Maps of scores to probabilities.
struct Calibrations {
    triples: ScoreCalibration,
    facts: ScoreCalibration,
}

/// Fewer correct or wrong predictions than this say too little.
const LEAST: usize = 10;

/// Fits the calibrations of scores, and logs what they do.
fn calibrate(dev: &Path, predicted: &Path, arguments: &Arguments) -> Result<Option<Calibrations>, Box<dyn Error>> {
    let options = arguments.input_options.options();
    let (gold, found) = (read_corpus(dev, &options)?, read_corpus(predicted, &options)?);
    let number = gold.len();
    let pairs = SentencePairStream::new(gold.into_iter().map(Ok), found.into_iter().map(Ok), Agreement::Required);
    let pairs = pairs
        .map(|pair| pair.map_err(|error: Box<dyn Error>| format!("{}: {error}", predicted.display())))
        .collect::<Result<Vec<_>, _>>()?;
    let mut items = Vec::new();
    for (gold, predicted) in &pairs {
        if let Some(predicted) = predicted {
            items.extend(scored(&[(gold, predicted)], &Exact)?.items);
        }
    }
    let correct = items.iter().filter(|(_, correct)| *correct).count();
    let wrong = items.len() - correct;
    let fitted = ScoreCalibration::fit(items).filter(|_| correct >= LEAST && wrong >= LEAST);
    let Some(triples) = fitted else {
        log_line(format!(
            "warning: scores are not calibrated: of the triples predicted for the development set, {correct} are correct and {wrong} \
             wrong, and at least {LEAST} of both are needed; the scores are those of the model"
        ));
        return Ok(None);
    };
    let [low, middle, high] = [0.1, 0.5, 0.9].map(|score| triples.apply(score));
    log_line(format!(
        "scores calibrated on {} triples of {number} sentences, {correct} of them correct: 0.1, 0.5, 0.9 become {low:.2}, \
         {middle:.2}, {high:.2}",
        correct + wrong
    ));
    // The facts of the development set: a fact is correct if a sentence that it was predicted for has it.
    // Sorted, so that sums do not depend on the order of a hash map.
    let names = |triple: &Triple| [&triple.subject.text, &triple.relation, &triple.object.text].map(String::clone);
    let mut facts: BTreeMap<[String; 3], (f64, bool)> = BTreeMap::new();
    for (gold, predicted) in &pairs {
        for triple in predicted.iter().flat_map(|predicted| &predicted.triples) {
            let (log_none, correct) = facts.entry(names(triple)).or_insert((0.0, false));
            let score = triple.score.map_or(0.0, |score| f64::from(score.get()));
            *log_none += (-triples.apply(score)).ln_1p();
            *correct |= gold.triples.iter().any(|gold| names(gold) == names(triple));
        }
    }
    let combined = facts.values().map(|&(log_none, correct)| (-log_none.exp_m1() as f32, correct));
    let facts = ScoreCalibration::fit(combined).unwrap_or_default();
    Ok(Some(Calibrations { triples, facts }))
}

/// The facts, and the number of hidden facts that the corpus could state, if some are hidden.
struct Collected {
    facts: rere_facts::CorpusFacts,
    hidden: Option<usize>,
}

/// Reads the predictions and collects their facts.
fn read_facts(
    input: &Path,
    knowledge: Option<&Aligner>,
    settings: &CollectSettings,
    arguments: &Arguments,
) -> Result<Collected, Box<dyn Error>> {
    const CHUNK: usize = 1024;
    let mut chunks = Chunks::new(Reader::open(input, &arguments.input_options.options())?, CHUNK);
    let bar = progress_bar(0, "{spinner} {pos} sentences, {per_sec}");
    let hides = arguments.matching.hides();
    let mut hidden = HashSet::new();
    let sentences = chunks.by_ref().flat_map(|chunk| match chunk {
        Ok(chunk) => chunk.into_iter().map(Ok).collect::<Vec<_>>(),
        Err(error) => vec![Err(error)],
    });
    let sentences = sentences.inspect(|sentence| {
        bar.inc(1);
        if let (Some(knowledge), true, Ok(sentence)) = (knowledge, hides, sentence) {
            add_hidden(&mut hidden, knowledge, sentence);
        }
    });
    let facts = collect(sentences, knowledge, settings).map_err(|error| match error {
        FactsError::NoScore { .. } => format!("{}, {error}", input_name(input).display()).into(),
        error => Box::<dyn Error>::from(error),
    })?;
    bar.finish_and_clear();
    finish_reading(&chunks.into_source(), input)?;
    Ok(Collected { facts, hidden: hides.then_some(hidden.len()) })
}

/// Adds the hidden facts between entities that a sentence names.
fn add_hidden(hidden: &mut HashSet<(usize, usize, usize)>, knowledge: &Aligner, sentence: &Sentence) {
    let mentions = knowledge.matcher().mentions(&sentence.text);
    let entities = || mentions.iter().flat_map(|mention| mention.entities.iter().copied());
    for subject in entities() {
        for object in entities() {
            let labels = knowledge.kb().hidden_between(subject, object);
            hidden.extend(labels.iter().map(|&label| (subject, label, object)));
        }
    }
}

/// Counts of facts by status.
#[derive(Default, serde::Serialize)]
struct Counts {
    known: usize,
    hidden: usize,
    new: usize,
    #[serde(skip)]
    has_knowledge_base: bool,
    /// New facts with a combined score of at least one half.
    likely_new: usize,
    conflicts: usize,
    /// Facts with a combined score of at least one half.
    likely: usize,
}

impl Counts {
    fn add(&mut self, fact: &CorpusFact) {
        let is_likely = usize::from(fact.score >= 0.5);
        self.likely += is_likely;
        match fact.status {
            Some(FactStatus::Known) => self.known += 1,
            Some(FactStatus::Hidden) => self.hidden += 1,
            Some(_) => {
                self.new += 1;
                self.likely_new += is_likely;
            }
            None => {}
        }
        self.conflicts += usize::from(!fact.conflicts.is_empty());
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.has_knowledge_base {
            write!(f, "{} facts with a score of at least 0.5", self.likely)?;
        } else {
            write!(
                f,
                "{} known, {} new, {} of these with a score of at least 0.5",
                self.known, self.new, self.likely_new
            )?;
            if self.hidden > 0 {
                write!(f, "; {} hidden", self.hidden)?;
            }
        }
        if self.conflicts > 0 { write!(f, "; {} in conflict with another object", self.conflicts) } else { Ok(()) }
    }
}

/// The facts of the page.
enum Shown {
    Best(Vec<CorpusFact>),
    Sample(Box<Sample>),
}

impl Shown {
    fn new(arguments: &Arguments) -> Self {
        match arguments.sample {
            Some(size) => Self::Sample(Box::new(Sample::new(size, arguments.seed))),
            None => Self::Best(Vec::new()),
        }
    }

    fn add(&mut self, fact: CorpusFact, is_new: bool) {
        match self {
            Self::Best(facts) if facts.len() < PAGE_FACTS => facts.push(fact),
            Self::Best(_) => {}
            // Without a knowledge base, all facts are drawn from.
            Self::Sample(sample) if is_new || fact.status.is_none() => sample.add(&fact),
            Self::Sample(_) => {}
        }
    }
}

/// Writes the page of facts.
fn write_page(
    mut file: PageFile,
    shown: Shown,
    arguments: &Arguments,
    counts: &Counts,
    held_out: Option<&HeldOutResult>,
) -> CommandResult {
    let input = arguments.input.as_deref().map_or_else(String::new, |input| input_name(input).display().to_string());
    let (facts, what) = match shown {
        Shown::Best(facts) => {
            let what = format!("the {} facts with the best scores", facts.len());
            (facts, what)
        }
        Shown::Sample(sample) => {
            let seen = sample.seen();
            let facts = sample.finish();
            let what = format!("{} facts, drawn at random from {seen} (seed {})", facts.len(), arguments.seed);
            (facts, what)
        }
    };
    let mut page =
        file.page.with_detail("Predictions", input).with_detail("Facts", counts.to_string()).with_detail("Shown", what);
    if let Some(kb) = &arguments.kb {
        page = page.with_detail("Knowledge base", kb.display().to_string());
    }
    file.page = page.with_facts(facts.iter().map(page_fact));
    if let Some(held_out) = held_out {
        if !held_out.curve.is_empty() {
            let svg = plot_precision_recall(&[("hidden facts", held_out.curve.as_slice())])?;
            file =
                file.with_figure(svg, "Hidden facts: precision and recall. New facts count as wrong, but may be true.");
        }
        let svg = plot_calibration(&[("combined score", &held_out.calibration)])?;
        file = file.with_figure(svg, "Combined scores, and the share of facts that the knowledge base has.");
    }
    file.finish()
}

fn page_fact(fact: &CorpusFact) -> PageFact {
    let evidence = fact.evidence.iter().map(|sentence| {
        let evidence = PageEvidence::new(sentence.clone());
        match (document_name(sentence), &sentence.id) {
            (Some(document), _) => evidence.with_source(format!("document {document}")),
            (None, Some(id)) => evidence.with_source(format!("sentence {id}")),
            (None, None) => evidence,
        }
    });
    let score = Probability::saturating(fact.score as f32);
    let shown = PageFact::new(&fact.subject.name, &fact.relation, &fact.object.name, score)
        .with_support(fact.sentences, fact.documents)
        .with_status(fact.status.map_or("", FactStatus::name))
        .with_evidence(evidence);
    if fact.conflicts.is_empty() { shown } else { shown.with_conflict(fact.conflicts.join("; ")) }
}
