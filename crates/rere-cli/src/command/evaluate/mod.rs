//! `rere evaluate`

mod parts;
mod tally;

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    iter::{from_fn, repeat_n},
    path::{Path, PathBuf},
};

use rere_core::{Probability, RelationSet, Sentence};
use rere_data::{Chunks, DataError, ReadOptions, Reader};
use rere_eval::{
    Agreement, EvalError, Match, Mismatches, MissingCounts, SeenEntities, SentencePairStream, Side, Spread,
    TripleMatcher, average_precision, calibration, check_relations, check_scores, plot_calibration, plot_f1,
    plot_precision_recall, precision_recall_curve,
};
use serde_json::{Map, Value, json};

use self::{parts::Parts, tally::Tally};
use super::{
    Conventions, Outcome, check_not_empty, check_standard_input, comma_advice, log, read, tell, tell_gold,
    write_picture, wrong_use,
};
use crate::table::{Layout, Row, Share, print};

/// Options of `rere evaluate`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Gold triples, in any known format.
    #[arg(long, value_name = "FILE")]
    gold: PathBuf,
    /// Predicted triples, in any known format. Given several times, for several systems or several seeds of one, each has
    /// its lines, and the wholes have their mean and standard deviation.
    #[arg(long, value_name = "FILE", required = true)]
    pred: Vec<PathBuf>,
    #[arg(
        long = "match",
        value_name = "MATCH",
        default_value = "exact",
        help = format!("When two triples are equal: {}; may be given several times", Match::names())
    )]
    matches: Vec<Match>,
    /// A relation that there is; repeated for each of them. A triple with another relation, on either side, is then an error.
    #[arg(long, value_name = "NAME")]
    relations: Vec<String>,
    /// A line for each relation too, and their mean.
    #[arg(long)]
    per_relation: bool,
    /// Lines for parts of the corpus too: triples (in the sentence), overlap, length, or, with --train, seen-entities and
    /// seen-pairs; separated by commas.
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    by: Vec<Parts>,
    /// The training corpus, for what was seen.
    #[arg(long, value_name = "FILE")]
    train: Option<PathBuf>,
    /// Lines for the relations of each sentence alone and for its entities alone too.
    #[arg(long)]
    pieces: bool,
    /// 95 % intervals by this many rounds of the bootstrap over sentences; 10000 are usual.
    #[arg(long, value_name = "ROUNDS")]
    bootstrap: Option<usize>,
    /// Seed of the bootstrap.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A fuller labelling of the same sentences: which wrong predictions are missing labels?
    #[arg(long, value_name = "FILE")]
    full: Option<PathBuf>,
    /// A folder for pictures, as SVG and PNG: precision-recall, calibration and, with --per-relation, relations. The
    /// predictions need scores.
    #[arg(long, value_name = "FOLDER")]
    plot: Option<PathBuf>,
    /// Count sentences on which gold and predictions do not agree, and say how many there are, where the first one would be
    /// an error: those missing, unknown, repeated, or with another text. Sentences must have ids.
    #[arg(long)]
    lenient: bool,
    /// Fail where F1 by the first matcher is below this, from 0 to 1; for any of several systems.
    #[arg(long, value_name = "P")]
    min_f1: Option<Probability>,
    /// Print JSON.
    #[arg(long, conflicts_with_all = ["csv", "markdown"])]
    json: bool,
    /// Print CSV.
    #[arg(long, conflicts_with = "markdown")]
    csv: bool,
    /// Print a Markdown table.
    #[arg(long)]
    markdown: bool,
    #[command(flatten)]
    conventions: Conventions,
}

/// Scores predictions.
pub fn run(arguments: &Arguments) -> Outcome {
    let systems = arguments.pred.len();
    // The gold file and the fuller labelling are read for each system, the gold file beside each of the two.
    let full = arguments.full.iter().flat_map(|path| repeat_n(path, systems));
    let gold = repeat_n(&arguments.gold, if arguments.full.is_some() { 2 * systems } else { systems });
    let reads = arguments.pred.iter().chain(&arguments.train).chain(full).chain(gold);
    check_standard_input(reads.map(PathBuf::as_path))?;
    let relations = match arguments.relations.as_slice() {
        [] => None,
        names => Some(RelationSet::from_names(names.iter().map(String::as_str))?),
    };
    if let Some(parts) = arguments.by.iter().find(|parts| parts.want_training_corpus() && arguments.train.is_none()) {
        return Err(wrong_use(format!("--by {} needs --train", parts.name())));
    }
    let options = arguments.conventions.options(None);
    let train = arguments.train.as_deref().map(|path| read(path, &options)).transpose()?;
    let files = Files { arguments, options, relations, seen: SeenEntities::of(train.iter().flatten()) };
    let mut systems = Vec::with_capacity(arguments.pred.len());
    for path in &arguments.pred {
        systems.push(System::read(&files, path, systems.is_empty())?);
    }

    let mut rows = Vec::new();
    for system in &systems {
        for tally in &system.tallies {
            rows.extend(tally.rows(&system.name)?);
        }
    }
    let least = rows.iter().filter(|row| row.part == "all" && row.matcher == rows[0].matcher).map(|row| row.share.f1);
    let least = least.fold(f64::INFINITY, f64::min);
    if systems.len() > 1 {
        rows.extend(matchers(arguments).filter_map(|matcher| mean(&rows, matcher)).collect::<Vec<_>>());
    }
    let layout = match (arguments.json, arguments.csv, arguments.markdown) {
        (true, ..) => Layout::Json,
        (_, true, _) => Layout::Csv,
        (.., true) => Layout::Markdown,
        _ => Layout::Table,
    };
    let mut more = Map::new();
    if arguments.full.is_some() {
        let tallies =
            || systems.iter().flat_map(|system| system.tallies.iter().map(|tally| (system.name.as_str(), tally)));
        if layout == Layout::Json {
            more.insert(
                "missing".to_owned(),
                tallies().map(|(system, tally)| missing_as_json(system, tally)).collect(),
            );
        } else {
            // Not among the rows, whose columns it does not have.
            tallies().for_each(|(system, tally)| tell_missing(system, tally));
        }
    }
    if arguments.lenient {
        let each = systems.iter().map(|system| {
            let mut value = json!(system.mismatches);
            value["system"] = json!(system.name);
            value
        });
        more.insert("mismatches".to_owned(), each.collect());
    }
    if let Some(folder) = &arguments.plot {
        plot(arguments, &systems, folder)?;
    }
    // A reader that goes away does not change what --min-f1 says.
    let printed = print(&rows, layout, more);
    match arguments.min_f1 {
        // Both in 32 bits: 0.8 is reached by 0.8.
        Some(asked) if (least as f32) < asked.get() => {
            Err(format!("F1 is {least:.4}, below the {} that --min-f1 asks for", asked.get()).into())
        }
        _ => printed,
    }
}

/// The matchers, each once.
fn matchers(arguments: &Arguments) -> impl Iterator<Item = Match> + '_ {
    let given = &arguments.matches;
    given.iter().enumerate().filter(|(at, matcher)| !given[..*at].contains(matcher)).map(|(_, matcher)| *matcher)
}

/// How many sentences are counted at once, and how many are handed over at once by the threads that read.
const LOT: usize = 4096;
const CHUNK: usize = 1024;

/// What all files are read and checked with.
struct Files<'a> {
    arguments: &'a Arguments,
    options: ReadOptions,
    /// All relations there are, if they were given.
    relations: Option<RelationSet>,
    seen: SeenEntities<'a>,
}

/// One file of predictions, counted.
struct System<'a> {
    name: String,
    tallies: Vec<Tally<'a>>,
    mismatches: Mismatches,
}

impl<'a> System<'a> {
    /// Counts the predictions at `path`. Of files in the same order no more than a lot is in memory. What was left out of files
    /// that are read for each system is told for the first one.
    fn read(files: &'a Files, path: &Path, is_first: bool) -> Result<Self, Box<dyn Error>> {
        let arguments = files.arguments;
        let agreement = if arguments.lenient { Agreement::Counted } else { Agreement::Required };
        let pairs = |gold, other| {
            Ok::<_, Box<dyn Error>>(SentencePairStream::new(files.read(gold)?, files.read(other)?, agreement))
        };
        let gold = Source { path: &arguments.gold, side: Side::Gold, with_scores: false, is_told: is_first };
        let with_scores = arguments.plot.is_some();
        let predicted = Source { path, side: Side::Predicted, with_scores, is_told: true };
        let mut full = match &arguments.full {
            Some(path) => {
                let full = Source { path, side: Side::Predicted, with_scores: false, is_told: is_first };
                Some((path, pairs(Source { is_told: false, ..gold }, full)?))
            }
            None => None,
        };
        let mut pairs = pairs(gold, predicted)?;
        let mut tallies: Vec<Tally> = matchers(arguments).map(|matcher| Tally::new(arguments, matcher)).collect();
        let mut relations_of = Relations::default();
        loop {
            let lot = next_lot(&mut pairs, path)?;
            // The second pass over the gold sentences has the same order as the first.
            let full: Vec<Sentence> = match &mut full {
                Some((path, pairs)) => next_lot(pairs, path)?.into_iter().map(|(_, full)| full).collect(),
                None => Vec::new(),
            };
            if lot.is_empty() {
                break;
            }
            relations_of.add(&lot);
            let aligned: Vec<_> = lot.iter().map(|(gold, predicted)| (gold, predicted)).collect();
            for tally in &mut tallies {
                tally.add(&aligned, &full, &files.seen)?;
            }
        }
        if files.relations.is_none() {
            relations_of.note_unknown(path);
        }
        tell_mismatches(path, pairs.mismatches());
        if let Some((path, pairs)) = full {
            tell_mismatches(path, pairs.mismatches());
        }
        Ok(Self { name: path.display().to_string(), tallies, mismatches: pairs.mismatches() })
    }
}

/// A file that is read.
#[derive(Clone, Copy)]
struct Source<'a> {
    path: &'a Path,
    side: Side,
    /// Whether each triple must have a score.
    with_scores: bool,
    /// Whether what was left out is printed.
    is_told: bool,
}

impl Files<'_> {
    /// The sentences of a file, each of which has what is wanted of it. A thread of its own reads them.
    fn read<'a>(
        &'a self,
        source: Source<'a>,
    ) -> Result<impl Iterator<Item = Result<Sentence, Box<dyn Error>>> + 'a, DataError> {
        let Source { path, side, is_told, .. } = source;
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
                            _ if !is_told => {}
                            Side::Gold => tell_gold(path, reader.report()),
                            Side::Predicted => tell(path, reader.report()),
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

    /// Checks that a sentence has what the matchers and options want.
    fn check(&self, source: Source, position: usize, sentence: &Sentence) -> Result<(), EvalError> {
        let Source { side, with_scores, .. } = source;
        let place = (position, sentence);
        for matcher in &self.arguments.matches {
            if self.arguments.pieces {
                matcher.check_entities([place], side)?;
            } else {
                matcher.check([place], side)?;
            }
        }
        if with_scores {
            check_scores([place])?;
        }
        self.relations.as_ref().map_or(Ok(()), |relations| check_relations([place], relations))
    }

    fn explain(&self, path: &Path, error: &EvalError) -> String {
        let lists = self
            .arguments
            .relations
            .iter()
            .filter(|name| matches!(error, EvalError::UnknownRelation { relation, .. } if name.contains(relation)));
        let advice = lists.map(|name| comma_advice(name)).next().unwrap_or_default();
        format!("{}: {error}{advice}", path.display())
    }
}

/// The next sentences, gold first; what has no prediction is predicted empty. `path` is where the predictions are.
fn next_lot(
    pairs: &mut impl Iterator<Item = Result<(Sentence, Option<Sentence>), Box<dyn Error>>>,
    path: &Path,
) -> Result<Vec<(Sentence, Sentence)>, Box<dyn Error>> {
    let mut lot = Vec::with_capacity(LOT);
    for pair in pairs.take(LOT) {
        // An error of a file names it already, one of the pairing does not.
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
        lot.push((gold, predicted));
    }
    Ok(lot)
}

/// Relations of either side. One that is predicted and never gold may be a name that is spelt in two ways.
#[derive(Default)]
struct Relations {
    gold: BTreeSet<String>,
    /// With the numbers of triples.
    predicted: BTreeMap<String, usize>,
}

impl Relations {
    fn add(&mut self, lot: &[(Sentence, Sentence)]) {
        for triple in lot.iter().flat_map(|(gold, _)| &gold.triples) {
            if !self.gold.contains(&triple.relation) {
                self.gold.insert(triple.relation.clone());
            }
        }
        for triple in lot.iter().flat_map(|(_, predicted)| &predicted.triples) {
            match self.predicted.get_mut(&triple.relation) {
                Some(count) => *count += 1,
                None => _ = self.predicted.insert(triple.relation.clone(), 1),
            }
        }
    }

    fn note_unknown(mut self, path: &Path) {
        self.predicted.retain(|relation, _| !self.gold.contains(relation));
        if !self.predicted.is_empty() {
            const NAMED: usize = 5;
            let named = self.predicted.keys().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
            let others = match self.predicted.len().saturating_sub(NAMED) {
                0 => String::new(),
                others => format!(" and {others} more"),
            };
            log(format!(
                "note: {}: {} predicted triples have relations that no gold triple has, and count as wrong: {named}{others}",
                path.display(),
                self.predicted.values().sum::<usize>(),
            ));
        }
    }
}

fn tell_mismatches(path: &Path, mismatches: Mismatches) {
    let Mismatches { missing, unknown, repeated_gold, repeated_predicted, other_text, .. } = mismatches;
    for (count, what) in [
        (missing, "gold sentences have no prediction, and count as predicted empty"),
        (unknown, "predicted sentences are not gold, and are left out"),
        (repeated_gold, "gold sentences have the id of one before, and are left out"),
        (repeated_predicted, "predicted sentences have the id of one before, and are left out"),
        (other_text, "sentences have another text than the gold one, and are compared as they are"),
    ] {
        if count > 0 {
            log(format!("note: {}: {count} {what}", path.display()));
        }
    }
}

/// Mean and deviation over the systems, of their wholes by one matcher.
fn mean(rows: &[Row], matcher: Match) -> Option<Row> {
    let wholes = || rows.iter().filter(|row| row.part == "all" && row.matcher == matcher.to_string());
    let spread = |measure: fn(&Share) -> f64| Spread::of(&wholes().map(|row| measure(&row.share)).collect::<Vec<_>>());
    let (precision, recall, f1) = (spread(|s| s.precision)?, spread(|s| s.recall)?, spread(|s| s.f1)?);
    Some(Row {
        system: format!("mean of {}", f1.runs),
        matcher: matcher.to_string(),
        part: "all".to_owned(),
        name: String::new(),
        share: Share { f1_deviation: f1.deviation, ..Share::mean(precision.mean, recall.mean, f1.mean) },
    })
}

/// Says what of the wrong predictions a fuller labelling has.
fn tell_missing(system: &str, tally: &Tally) {
    let all = tally.all_missing();
    log(format!(
        "{system}, {}: {} of {} wrong predictions are missing labels; precision {:.2}, with these right {:.2}; the gold \
         labels miss at least {:.1} % of {} triples",
        tally.matcher,
        all.missing,
        all.predicted - all.true_positives,
        100.0 * all.precision(),
        100.0 * all.corrected_precision(),
        100.0 * all.false_negative_rate(),
        all.either,
    ));
    for (relation, counts) in &tally.missing {
        log(format!(
            "  {:>6} missing labels found, {:>5.1} % of {:>6} missed  {relation}",
            counts.missing,
            100.0 * counts.false_negative_rate(),
            counts.either
        ));
    }
}

fn missing_as_json(system: &str, tally: &Tally) -> Value {
    let value = |counts: &MissingCounts| {
        let mut value = json!(counts);
        value["precision"] = json!(counts.precision());
        value["corrected_precision"] = json!(counts.corrected_precision());
        value["false_negative_rate"] = json!(counts.false_negative_rate());
        value
    };
    let mut entry = value(&tally.all_missing());
    entry["system"] = json!(system);
    entry["match"] = json!(tally.matcher);
    entry["relations"] = tally.missing.iter().map(|(relation, counts)| (relation.clone(), value(counts))).collect();
    entry
}

fn plot(arguments: &Arguments, systems: &[System], folder: &Path) -> Outcome {
    let mut curves = Vec::new();
    for System { name, tallies, .. } in systems {
        for tally in tallies {
            let name =
                if systems.len() == 1 { tally.matcher.to_string() } else { format!("{name}, {}", tally.matcher) };
            let curve = precision_recall_curve(tally.scored.items.iter().copied(), tally.scored.gold);
            let calibration = calibration(tally.scored.items.iter().copied(), 10);
            curves.push((
                format!("{name}, average precision {:.3}", average_precision(&curve)),
                curve,
                name,
                calibration,
            ));
        }
    }
    let named: Vec<_> = curves.iter().map(|(name, curve, ..)| (name.as_str(), curve.as_slice())).collect();
    write_picture(&folder.join("precision-recall.svg"), &plot_precision_recall(&named)?)?;
    let named: Vec<_> = curves.iter().map(|(.., name, calibration)| (name.as_str(), calibration)).collect();
    write_picture(&folder.join("calibration.svg"), &plot_calibration(&named)?)?;
    if arguments.per_relation {
        for (number, system) in (1..).zip(systems) {
            let Some(tally) = system.tallies.first() else { continue };
            let bars = tally.relation_intervals(arguments.bootstrap.unwrap_or(1000))?;
            let file = if systems.len() == 1 { "relations.svg".to_owned() } else { format!("relations-{number}.svg") };
            write_picture(&folder.join(file), &plot_f1(&bars)?)?;
        }
    }
    Ok(())
}
