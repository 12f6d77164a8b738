//! `rere evaluate`

mod group_by;
mod matcher_counts;

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    iter::{from_fn, repeat_n},
    path::{Path, PathBuf},
};

use rere_core::{Probability, RelationSet, Sentence};
use rere_data::{Chunks, DataError, ReadOptions, Reader, input_name};
use rere_eval::{
    Agreement, EvalError, Match, Mismatches, MissingCounts, SeenEntities, SentencePairStream, Side, Spread,
    TripleMatcher, average_precision, calibration, check_relations, check_scores, page::Page, plot_calibration,
    plot_f1, plot_precision_recall, precision_recall_curve,
};
use serde_json::{Map, Value, json};

use self::{group_by::GroupBy, matcher_counts::MatcherCounts};
use super::{
    CommandResult, ConventionArguments, check_not_empty, check_standard_input, comma_advice, log_gold_report, log_line,
    log_read_report, read_corpus, usage_error, write_plot,
};
use crate::{
    page_file::PageFile,
    score_table::{Layout, Measures, Row, print_scores},
};

/// Options of `rere evaluate`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Gold triples, in any known format.
    #[arg(long, value_name = "FILE")]
    gold: PathBuf,
    /// Predicted triples, in any known format; may be repeated for several systems or seeds.
    #[arg(long, value_name = "FILE", required = true)]
    pred: Vec<PathBuf>,
    #[arg(
        long = "match",
        value_name = "MATCH",
        default_value = "exact",
        help = format!("When two triples are equal: {}; may be repeated", Match::names())
    )]
    matches: Vec<Match>,
    /// Also print the mean of all files and the standard deviation of F1, if they are seeds of one system.
    #[arg(long)]
    mean: bool,
    /// Known relation; may be repeated. Any other relation, gold or predicted, is then an error.
    #[arg(long, value_name = "NAME")]
    relations: Vec<String>,
    /// Also print a row for each relation, and their mean (macro average).
    #[arg(long)]
    per_relation: bool,
    /// Also print rows for parts of the corpus, by: triples (per sentence), overlap, length, or, with --train,
    /// seen-entities or seen-pairs; separated by commas.
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    by: Vec<GroupBy>,
    /// Training corpus, for --by seen-entities and --by seen-pairs.
    #[arg(long, value_name = "FILE")]
    train: Option<PathBuf>,
    /// Also print rows for the relations of sentences alone, and for their entities alone.
    #[arg(long)]
    pieces: bool,
    /// Also print 95 % confidence intervals, by this many rounds of the bootstrap over sentences; 10000 are usual.
    #[arg(long, value_name = "N")]
    bootstrap: Option<usize>,
    /// Seed of the bootstrap.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// A fuller labelling of the same sentences; also print how many wrong predictions are in it (missing labels).
    #[arg(long, value_name = "FILE")]
    full: Option<PathBuf>,
    /// Folder for plots, as SVG and PNG: precision-recall, calibration and, with --per-relation, relations. Predictions
    /// need scores.
    #[arg(long, value_name = "DIR")]
    plot: Option<PathBuf>,
    /// HTML page that shows right, wrong and missing triples in their sentences, by the first matcher, for one file of
    /// predictions. With --plot, the plots too.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Count sentences on which the files disagree (missing, unknown, repeated, or with another text) instead of
    /// failing at the first. Sentences need ids.
    #[arg(long)]
    lenient: bool,
    /// Exit with code 1 if F1 by the first matcher is below this value, from 0 to 1, for any system.
    #[arg(long, value_name = "P")]
    min_f1: Option<Probability>,
    /// Print JSON instead of a text table.
    #[arg(long, conflicts_with_all = ["csv", "markdown"])]
    json: bool,
    /// Print CSV instead of a text table.
    #[arg(long, conflicts_with = "markdown")]
    csv: bool,
    /// Print a Markdown table instead of a text table.
    #[arg(long)]
    markdown: bool,
    #[command(flatten)]
    conventions: ConventionArguments,
}

const EXAMPLES: &str = "\
Examples:
  Score predictions by whole entities, and by their first words:
    rere evaluate --gold gold.jsonl --pred predicted.jsonl --match exact --match partial
  With a row for each relation and confidence intervals, as CSV:
    rere evaluate --gold gold.jsonl --pred predicted.jsonl --per-relation --bootstrap 10000 --csv
  See the errors in a browser:
    rere evaluate --gold gold.jsonl --pred predicted.jsonl --html errors.html
  Fail if F1 is below 0.7, for example in CI:
    rere evaluate --gold gold.jsonl --pred predicted.jsonl --min-f1 0.7";

/// Scores predictions.
pub fn run(arguments: &Arguments) -> CommandResult {
    let systems = arguments.pred.len();
    // For each system, the gold file is read with the predictions, and again with the fuller labelling.
    let full = arguments.full.iter().flat_map(|path| repeat_n(path, systems));
    let gold = repeat_n(&arguments.gold, if arguments.full.is_some() { 2 * systems } else { systems });
    let reads = arguments.pred.iter().chain(&arguments.train).chain(full).chain(gold);
    check_standard_input(reads.map(PathBuf::as_path))?;
    if arguments.html.is_some() && systems > 1 {
        return Err(usage_error("--html takes one file of predictions: run the command for each"));
    }
    let relations = match arguments.relations.as_slice() {
        [] => None,
        names => Some(RelationSet::from_names(names.iter().map(String::as_str))?),
    };
    if arguments.train.is_none()
        && let Some(group_by) = arguments.by.iter().find(|group_by| group_by.needs_training_corpus())
    {
        return Err(usage_error(format!("--by {} needs --train", group_by.name())));
    }
    let options = arguments.conventions.options(None);
    let train = arguments.train.as_deref().map(|path| read_corpus(path, &options)).transpose()?;
    let files = InputFiles { arguments, options, relations, seen: SeenEntities::of(train.iter().flatten()) };
    let mut page = arguments.html.as_deref().map(|path| PageFile::create(path, new_page(arguments))).transpose()?;
    let mut systems = Vec::with_capacity(arguments.pred.len());
    for path in &arguments.pred {
        let page = page.as_mut().map(|file| &mut file.page);
        systems.push(SystemCounts::count(&files, path, systems.is_empty(), page)?);
    }

    let mut rows = Vec::new();
    for system in &systems {
        for counts in &system.by_matcher {
            rows.extend(counts.rows(&system.name)?);
        }
    }
    let by_first_matcher = rows.iter().filter(|row| row.part == "all" && row.matcher == rows[0].matcher);
    let lowest_f1 = by_first_matcher.map(|row| row.measures.f1).fold(f64::INFINITY, f64::min);
    if arguments.mean {
        rows.extend(matchers(arguments).filter_map(|matcher| mean_row(&rows, matcher)).collect::<Vec<_>>());
    }
    let layout = match (arguments.json, arguments.csv, arguments.markdown) {
        (true, ..) => Layout::Json,
        (_, true, _) => Layout::Csv,
        (.., true) => Layout::Markdown,
        _ => Layout::Table,
    };
    let mut json_fields = Map::new();
    if arguments.full.is_some() {
        let each = || systems.iter().flat_map(|system| system.by_matcher.iter().map(move |counts| (system, counts)));
        if layout == Layout::Json {
            let missing = each().map(|(system, counts)| missing_as_json(&system.name, counts)).collect();
            json_fields.insert("missing".to_owned(), missing);
        } else {
            // These figures do not fit the columns of the table.
            each().for_each(|(system, counts)| log_missing(&system.name, counts));
        }
    }
    if arguments.lenient {
        let each = systems.iter().map(|system| {
            let mut value = json!(system.mismatches);
            value["system"] = json!(system.name);
            value
        });
        json_fields.insert("mismatches".to_owned(), each.collect());
    }
    if let Some(folder) = &arguments.plot {
        for Plot { file, caption, svg } in plots(arguments, &systems)? {
            write_plot(&folder.join(file), &svg)?;
            page = page.map(|file| file.with_figure(svg, caption));
        }
    }
    page.map_or(Ok(()), PageFile::finish)?;
    // --min-f1 is checked even if the output is closed.
    let printed = print_scores(&rows, layout, json_fields);
    match arguments.min_f1 {
        // Compared as f32, as 0.8 in f64 is not the 0.8 of the option.
        Some(min_f1) if (lowest_f1 as f32) < min_f1.get() => {
            Err(format!("F1 is {lowest_f1:.4}, below --min-f1 {}", min_f1.get()).into())
        }
        _ => printed,
    }
}

/// Returns the matchers, without repetitions.
fn matchers(arguments: &Arguments) -> impl Iterator<Item = Match> + '_ {
    let given = &arguments.matches;
    given.iter().enumerate().filter(|(index, matcher)| !given[..*index].contains(matcher)).map(|(_, matcher)| *matcher)
}

/// Number of sentences that are counted at once.
const BATCH: usize = 4096;

/// Number of sentences that a reading thread passes on at once.
const CHUNK: usize = 1024;

/// How files are read and checked.
struct InputFiles<'a> {
    arguments: &'a Arguments,
    options: ReadOptions,
    /// The known relations, if they are given.
    relations: Option<RelationSet>,
    seen: SeenEntities<'a>,
}

/// Counts of one file of predictions.
struct SystemCounts<'a> {
    name: String,
    by_matcher: Vec<MatcherCounts<'a>>,
    mismatches: Mismatches,
}

impl<'a> SystemCounts<'a> {
    /// Counts the predictions at `path`. If the files have the same order, only one batch is in memory. Files that are
    /// read again for each system are reported for the first one.
    fn count(
        files: &'a InputFiles<'a>,
        path: &Path,
        is_first: bool,
        mut page: Option<&mut Page>,
    ) -> Result<Self, Box<dyn Error>> {
        let arguments = files.arguments;
        let agreement = if arguments.lenient { Agreement::Counted } else { Agreement::Required };
        let pairs = |gold, other| {
            Ok::<_, Box<dyn Error>>(SentencePairStream::new(files.read(gold)?, files.read(other)?, agreement))
        };
        let gold = InputFile { path: &arguments.gold, side: Side::Gold, with_scores: false, is_reported: is_first };
        let with_scores = arguments.plot.is_some();
        let predicted = InputFile { path, side: Side::Predicted, with_scores, is_reported: true };
        let mut full = match &arguments.full {
            Some(path) => {
                let full = InputFile { path, side: Side::Predicted, with_scores: false, is_reported: is_first };
                Some((path, pairs(InputFile { is_reported: false, ..gold }, full)?))
            }
            None => None,
        };
        let mut pairs = pairs(gold, predicted)?;
        let mut by_matcher: Vec<_> =
            matchers(arguments).map(|matcher| MatcherCounts::new(arguments, matcher)).collect();
        let mut relation_names = RelationNames::default();
        loop {
            let batch = next_batch(&mut pairs, path)?;
            // Both streams have the order of the gold file.
            let full: Vec<Sentence> = match &mut full {
                Some((path, pairs)) => next_batch(pairs, path)?.into_iter().map(|(_, full)| full).collect(),
                None => Vec::new(),
            };
            if batch.is_empty() {
                break;
            }
            relation_names.add(&batch);
            let borrowed: Vec<_> = batch.iter().map(|(gold, predicted)| (gold, predicted)).collect();
            for counts in &mut by_matcher {
                counts.add(&borrowed, &full, &files.seen)?;
            }
            if let (Some(page), Some(matcher)) = (&mut page, arguments.matches.first()) {
                borrowed.iter().for_each(|(gold, predicted)| page.add_pair(gold, predicted, matcher));
            }
        }
        if files.relations.is_none() {
            relation_names.log_unknown(path);
        }
        log_mismatches(path, pairs.mismatches());
        if let Some((path, pairs)) = full {
            log_mismatches(path, pairs.mismatches());
        }
        Ok(Self { name: path.display().to_string(), by_matcher, mismatches: pairs.mismatches() })
    }
}

/// A file to read.
#[derive(Clone, Copy)]
struct InputFile<'a> {
    path: &'a Path,
    side: Side,
    /// Whether each triple must have a score.
    with_scores: bool,
    /// Whether to log what was left out.
    is_reported: bool,
}

impl InputFiles<'_> {
    /// Returns the sentences of a file, each checked. A separate thread reads them.
    fn read<'a>(
        &'a self,
        source: InputFile<'a>,
    ) -> Result<impl Iterator<Item = Result<Sentence, Box<dyn Error>>> + 'a, DataError> {
        let InputFile { path, side, is_reported, .. } = source;
        let mut chunks = Some(Chunks::new(Reader::open(path, &self.options)?, CHUNK));
        let mut chunk = Vec::new().into_iter();
        let sentences = from_fn(move || {
            loop {
                if let Some(sentence) = chunk.next() {
                    return Some(Ok(sentence));
                }
                match chunks.as_mut()?.next() {
                    Some(Ok(next)) => chunk = next.into_iter(),
                    Some(Err(error)) => {
                        chunks = None;
                        return Some(Err(error));
                    }
                    None => {
                        let reader = chunks.take()?.into_source();
                        match side {
                            _ if !is_reported => {}
                            Side::Gold => log_gold_report(path, reader.report()),
                            Side::Predicted => log_read_report(path, reader.report()),
                        }
                        return check_not_empty(path, reader.report()).err().map(Err);
                    }
                }
            }
        });
        Ok((1..).zip(sentences).map(move |(position, sentence)| {
            let sentence = sentence?;
            self.check(source, position, &sentence).map_err(|error| self.explain(path, &error))?;
            Ok(sentence)
        }))
    }

    /// Checks that a sentence has the fields that matchers and options need.
    fn check(&self, source: InputFile, position: usize, sentence: &Sentence) -> Result<(), EvalError> {
        let InputFile { side, with_scores, .. } = source;
        let positioned = (position, sentence);
        for matcher in &self.arguments.matches {
            if self.arguments.pieces {
                matcher.check_entities([positioned], side)?;
            } else {
                matcher.check([positioned], side)?;
            }
        }
        if with_scores {
            check_scores([positioned])?;
        }
        self.relations.as_ref().map_or(Ok(()), |relations| check_relations([positioned], relations))
    }

    /// Adds the file, and advice for an unknown relation that may be a comma-separated list.
    fn explain(&self, path: &Path, error: &EvalError) -> String {
        let is_list =
            |name: &&String| matches!(error, EvalError::UnknownRelation { relation, .. } if name.contains(relation));
        let list = self.arguments.relations.iter().find(is_list);
        let advice = list.map(|name| comma_advice(name)).unwrap_or_default();
        format!("{}: {error}{advice}", path.display())
    }
}

/// Returns the next pairs of gold and predicted sentences; a missing prediction is one without triples. `path` is the
/// file of predictions, for errors.
fn next_batch(
    pairs: &mut impl Iterator<Item = Result<(Sentence, Option<Sentence>), Box<dyn Error>>>,
    path: &Path,
) -> Result<Vec<(Sentence, Sentence)>, Box<dyn Error>> {
    let mut batch = Vec::with_capacity(BATCH);
    for pair in pairs.take(BATCH) {
        // Errors of reading name the file already, those of pairing do not.
        let (gold, predicted) = pair.map_err(|error| match error.downcast::<EvalError>() {
            Ok(error) => format!("{}: {error}", path.display()).into(),
            Err(error) => error,
        })?;
        let empty = || {
            let mut sentence = Sentence::new(gold.text.clone());
            sentence.id = gold.id.clone();
            sentence
        };
        let predicted = predicted.unwrap_or_else(empty);
        batch.push((gold, predicted));
    }
    Ok(batch)
}

/// Relation names of both sides. A name that is predicted but never gold may be another spelling.
#[derive(Default)]
struct RelationNames {
    gold: BTreeSet<String>,
    /// With the number of triples of each.
    predicted: BTreeMap<String, usize>,
}

impl RelationNames {
    fn add(&mut self, batch: &[(Sentence, Sentence)]) {
        for triple in batch.iter().flat_map(|(gold, _)| &gold.triples) {
            if !self.gold.contains(&triple.relation) {
                self.gold.insert(triple.relation.clone());
            }
        }
        for triple in batch.iter().flat_map(|(_, predicted)| &predicted.triples) {
            match self.predicted.get_mut(&triple.relation) {
                Some(count) => *count += 1,
                None => _ = self.predicted.insert(triple.relation.clone(), 1),
            }
        }
    }

    fn log_unknown(mut self, path: &Path) {
        self.predicted.retain(|relation, _| !self.gold.contains(relation));
        if !self.predicted.is_empty() {
            const LISTED: usize = 5;
            let listed = self.predicted.keys().take(LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
            let others = match self.predicted.len().saturating_sub(LISTED) {
                0 => String::new(),
                others => format!(" and {others} more"),
            };
            log_line(format!(
                "note: {}: {} predicted triples have relations that no gold triple has, and count as wrong: \
                 {listed}{others}",
                path.display(),
                self.predicted.values().sum::<usize>(),
            ));
        }
    }
}

fn log_mismatches(path: &Path, mismatches: Mismatches) {
    for (count, description) in [
        (mismatches.missing, "gold sentences have no prediction, and count as predicted without triples"),
        (mismatches.unknown, "predicted sentences are not in the gold file, and are left out"),
        (mismatches.repeated_gold, "gold sentences have the id of an earlier one, and are left out"),
        (mismatches.repeated_predicted, "predicted sentences have the id of an earlier one, and are left out"),
        (mismatches.other_text, "sentences have another text than the gold one, and are compared nevertheless"),
    ] {
        if count > 0 {
            log_line(format!("note: {}: {count} {description}", path.display()));
        }
    }
}

/// Returns the row of means over systems by one matcher, with the standard deviation of F1.
fn mean_row(rows: &[Row], matcher: Match) -> Option<Row> {
    let systems = || rows.iter().filter(|row| row.part == "all" && row.matcher == matcher.to_string());
    let spread =
        |measure: fn(&Measures) -> f64| Spread::of(&systems().map(|row| measure(&row.measures)).collect::<Vec<_>>());
    let (precision, recall, f1) = (spread(|s| s.precision)?, spread(|s| s.recall)?, spread(|s| s.f1)?);
    Some(Row {
        system: format!("mean of {}", f1.runs),
        matcher: matcher.to_string(),
        part: "all".to_owned(),
        name: String::new(),
        measures: Measures { f1_deviation: f1.deviation, ..Measures::from_means(precision.mean, recall.mean, f1.mean) },
    })
}

/// Logs how many wrong predictions the fuller labelling has.
fn log_missing(system: &str, counts: &MatcherCounts) {
    let all = counts.all_missing();
    log_line(format!(
        "{system}, {}: {} of {} wrong predictions are missing labels; precision {:.2}, or {:.2} with these as correct; \
         the gold labels miss at least {:.1} % of {} triples",
        counts.matcher,
        all.missing,
        all.predicted - all.true_positives,
        100.0 * all.precision(),
        100.0 * all.corrected_precision(),
        100.0 * all.false_negative_rate(),
        all.either,
    ));
    for (relation, missing) in &counts.missing {
        log_line(format!(
            "  {:>6} missing labels found, {:>5.1} % of {:>6} missed  {relation}",
            missing.missing,
            100.0 * missing.false_negative_rate(),
            missing.either
        ));
    }
}

/// Returns the figures of [`log_missing`].
fn missing_as_json(system: &str, counts: &MatcherCounts) -> Value {
    let value = |missing: &MissingCounts| {
        let mut value = json!(missing);
        value["precision"] = json!(missing.precision());
        value["corrected_precision"] = json!(missing.corrected_precision());
        value["false_negative_rate"] = json!(missing.false_negative_rate());
        value
    };
    let mut entry = value(&counts.all_missing());
    entry["system"] = json!(system);
    entry["match"] = json!(counts.matcher);
    entry["relations"] = counts.missing.iter().map(|(relation, missing)| (relation.clone(), value(missing))).collect();
    entry
}

/// A plot and the name of its file.
struct Plot {
    file: String,
    caption: &'static str,
    svg: String,
}

/// Draws the plots of `--plot`.
fn plots(arguments: &Arguments, systems: &[SystemCounts]) -> Result<Vec<Plot>, Box<dyn Error>> {
    let mut curves = Vec::new();
    for SystemCounts { name, by_matcher, .. } in systems {
        for MatcherCounts { matcher, scored, .. } in by_matcher {
            let name = if systems.len() == 1 { matcher.to_string() } else { format!("{name}, {matcher}") };
            let curve = precision_recall_curve(scored.items.iter().copied(), scored.gold);
            let calibration = calibration(scored.items.iter().copied(), 10);
            curves.push((
                format!("{name}, average precision {:.3}", average_precision(&curve)),
                curve,
                name,
                calibration,
            ));
        }
    }
    let plot = |file: &str, caption, svg| Plot { file: file.to_owned(), caption, svg };
    let labelled: Vec<_> = curves.iter().map(|(name, curve, ..)| (name.as_str(), curve.as_slice())).collect();
    let mut plots =
        vec![plot("precision-recall.svg", "Precision and recall at each score", plot_precision_recall(&labelled)?)];
    let labelled: Vec<_> = curves.iter().map(|(.., name, calibration)| (name.as_str(), calibration)).collect();
    plots.push(plot("calibration.svg", "How well scores agree with precision", plot_calibration(&labelled)?));
    if arguments.per_relation {
        for (number, system) in (1..).zip(systems) {
            let Some(counts) = system.by_matcher.first() else { continue };
            let intervals = counts.relation_intervals(arguments.bootstrap.unwrap_or(1000))?;
            let file = if systems.len() == 1 { "relations.svg".to_owned() } else { format!("relations-{number}.svg") };
            plots.push(plot(&file, "F1 of each relation", plot_f1(&system.name, &intervals)?));
        }
    }
    Ok(plots)
}

/// Returns the page of `--html`, without sentences.
fn new_page(arguments: &Arguments) -> Page {
    let name = |path: &Path| input_name(path).display().to_string();
    let page = Page::new("Evaluation").with_detail("Gold", name(&arguments.gold));
    let page = arguments.pred.iter().fold(page, |page, path| page.with_detail("Predicted", name(path)));
    arguments.matches.iter().take(1).fold(page, |page, matcher| page.with_detail("Matcher", matcher.to_string()))
}
