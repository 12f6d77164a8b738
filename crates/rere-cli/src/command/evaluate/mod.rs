//! `rere evaluate`

use std::{collections::HashSet, io::Write, path::PathBuf, str::FromStr};

use rere_core::{Probability, RelationSet, Sentence, Triple};
use rere_data::{DataError, replace_file};
use rere_eval::{
    Breakdown, Counts, LENGTHS, Match, Score, ScoreIntervals, Seen, Side, TripleMatcher, align, average_precision,
    bootstrap, by_length, by_overlap, by_seen_entities, by_seen_pairs, by_triples, calibration, check_relations, count,
    count_by_relation, count_entities, count_relations, missing_labels, plot_calibration, plot_f1,
    plot_precision_recall, precision_recall_curve, scored,
};
use serde_json::{Value, json};

use super::{Outcome, read};
use crate::table::{Layout, Row, print};

/// Options of `rere evaluate`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Gold triples, in any known format.
    #[arg(long, value_name = "FILE")]
    gold: PathBuf,
    /// Predicted triples, in any known format.
    #[arg(long, value_name = "FILE")]
    pred: PathBuf,
    /// When two triples are equal: exact, partial, begin, last-word, boundaries or strict; may be given several times.
    #[arg(long = "match", value_name = "MATCH", default_value = "exact")]
    matches: Vec<Match>,
    /// All relations there are: a triple with another one, on either side, is an error.
    #[arg(long, value_delimiter = ',')]
    relations: Vec<String>,
    /// A line for each relation too.
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
    /// A folder for pictures: precision-recall.svg, calibration.svg and, with --per-relation, relations.svg. The predictions need scores.
    #[arg(long, value_name = "FOLDER")]
    plot: Option<PathBuf>,
    /// Fail where F1 by the first matcher is below this, from 0 to 1.
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
}

/// Parts of a corpus that have scores of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parts {
    Triples,
    Overlap,
    Length,
    SeenEntities,
    SeenPairs,
}

impl Parts {
    const ALL: [(Self, &str); 5] = [
        (Self::Triples, "triples"),
        (Self::Overlap, "overlap"),
        (Self::Length, "length"),
        (Self::SeenEntities, "seen-entities"),
        (Self::SeenPairs, "seen-pairs"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(parts, _)| *parts == self).map_or("", |(_, name)| name)
    }

    fn of(self, aligned: &[(&Sentence, &Sentence)], matcher: &Match, seen: Option<&Seen>) -> Result<Breakdown, String> {
        let seen = seen.ok_or_else(|| format!("--by {} needs --train", self.name()));
        Ok(match self {
            Self::Triples => by_triples(aligned, matcher),
            Self::Overlap => by_overlap(aligned, matcher),
            Self::Length => by_length(aligned, matcher, LENGTHS),
            Self::SeenEntities => by_seen_entities(aligned, matcher, seen?),
            Self::SeenPairs => by_seen_pairs(aligned, matcher, seen?),
        })
    }
}

impl FromStr for Parts {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(parts, _)| parts);
        known.ok_or_else(|| format!("{name:?} is none of {}", Self::ALL.map(|(_, name)| name).join(", ")))
    }
}

/// Scores predictions.
pub fn run(arguments: &Arguments) -> Outcome {
    let gold = read(&arguments.gold)?;
    let predicted = read(&arguments.pred)?;
    if arguments.relations.is_empty() {
        note_unknown_relations(&gold, &predicted);
    } else {
        let relations = RelationSet::from_names(arguments.relations.iter().map(String::as_str))?;
        for (path, sentences) in [(&arguments.gold, &gold), (&arguments.pred, &predicted)] {
            check_relations(sentences, &relations).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    let aligned = align(&gold, &predicted)?;
    for matcher in &arguments.matches {
        matcher.check(&gold, Side::Gold)?;
        matcher.check(&predicted, Side::Predicted)?;
    }
    let train = arguments.train.as_deref().map(read).transpose()?;
    let seen = train.as_ref().map(Seen::of);

    let mut rows = Vec::new();
    for matcher in &arguments.matches {
        rows.extend(scores(arguments, &aligned, *matcher, seen.as_ref())?);
    }
    let layout = match (arguments.json, arguments.csv, arguments.markdown) {
        (true, ..) => Layout::Json,
        (_, true, _) => Layout::Csv,
        (.., true) => Layout::Markdown,
        _ => Layout::Table,
    };
    let mut more = serde_json::Map::new();
    if let Some(full) = &arguments.full {
        let full = read(full)?;
        let (text, value) = missing(&gold, &predicted, &full, &arguments.matches)?;
        if layout == Layout::Json {
            more.insert("missing".to_owned(), value);
        } else {
            // Not among the rows, whose columns it does not have.
            eprintln!("{text}");
        }
    }
    print(&rows, layout, more)?;
    if let Some(folder) = &arguments.plot {
        plot(arguments, &aligned, folder)?;
    }
    let f1 = rows.first().map_or(0.0, |row| row.score.f1);
    match arguments.min_f1 {
        Some(least) if f1 < f64::from(least.get()) => {
            Err(format!("F1 is {f1:.4}, below the {} that --min-f1 asks for", least.get()).into())
        }
        _ => Ok(()),
    }
}

/// The rows of one matcher, the whole first.
fn scores(
    arguments: &Arguments,
    aligned: &[(&Sentence, &Sentence)],
    matcher: Match,
    seen: Option<&Seen>,
) -> Result<Vec<Row>, Box<dyn std::error::Error>> {
    let intervals = |counts: &[Counts]| {
        arguments.bootstrap.map(|rounds| bootstrap(counts, rounds, arguments.seed, 0.95)).transpose()
    };
    let row = |part: &str, name: &str, counts: Counts| Row {
        matcher: matcher.to_string(),
        part: part.to_owned(),
        name: name.to_owned(),
        score: Score::from_counts(counts),
        intervals: None,
    };
    let each: Vec<Counts> = aligned.iter().map(|(gold, pred)| count(&gold.triples, &pred.triples, &matcher)).collect();
    let mut rows = vec![Row { intervals: intervals(&each)?, ..row("all", "", each.iter().copied().sum()) }];
    if arguments.pieces {
        rows.push(row("pieces", "relations", count_relations(aligned)));
        rows.push(row("pieces", "entities", count_entities(aligned, &matcher)));
    }
    if arguments.per_relation {
        for (relation, counts) in count_by_relation(aligned, &matcher) {
            let each = of_relation(aligned, relation, matcher);
            rows.push(Row { intervals: intervals(&each)?, ..row("relation", relation, counts) });
        }
    }
    for parts in &arguments.by {
        for (name, counts) in parts.of(aligned, &matcher, seen)? {
            rows.push(row(parts.name(), &name, counts));
        }
    }
    Ok(rows)
}

/// The counts of one relation in each sentence.
fn of_relation(aligned: &[(&Sentence, &Sentence)], relation: &str, matcher: Match) -> Vec<Counts> {
    fn of<'a>(sentence: &'a Sentence, relation: &'a str) -> impl Iterator<Item = &'a Triple> {
        sentence.triples.iter().filter(move |triple| triple.relation == relation)
    }
    aligned.iter().map(|(gold, pred)| count(of(gold, relation), of(pred, relation), &matcher)).collect()
}

/// What of the wrong predictions a fuller labelling has, in words and as JSON.
fn missing(
    gold: &[Sentence],
    predicted: &[Sentence],
    full: &[Sentence],
    matches: &[Match],
) -> Result<(String, Value), rere_eval::EvalError> {
    let (mut text, mut values) = (Vec::new(), Vec::new());
    for matcher in matches {
        let (all, by_relation) = missing_labels(gold, predicted, full, matcher)?;
        text.push(format!(
            "{matcher}: {} of {} wrong predictions are missing labels; precision {:.2}, with these right {:.2}; the gold \
             labels miss at least {:.1} % of {} triples",
            all.missing,
            all.predicted - all.right,
            100.0 * all.precision(),
            100.0 * all.corrected_precision(),
            100.0 * all.false_negative_rate(),
            all.either,
        ));
        let value = |counts: &rere_eval::MissingCounts| {
            let mut value = json!(counts);
            value["precision"] = json!(counts.precision());
            value["corrected_precision"] = json!(counts.corrected_precision());
            value["false_negative_rate"] = json!(counts.false_negative_rate());
            value
        };
        for (relation, counts) in &by_relation {
            text.push(format!(
                "  {:>6} missing labels found, {:>5.1} % of {:>6} missed  {relation}",
                counts.missing,
                100.0 * counts.false_negative_rate(),
                counts.either
            ));
        }
        let relations: serde_json::Map<_, _> =
            by_relation.iter().map(|(relation, counts)| ((*relation).to_owned(), value(counts))).collect();
        let mut entry = value(&all);
        entry["match"] = json!(matcher);
        entry["relations"] = Value::Object(relations);
        values.push(entry);
    }
    Ok((text.join("\n"), Value::Array(values)))
}

fn plot(arguments: &Arguments, aligned: &[(&Sentence, &Sentence)], folder: &std::path::Path) -> Outcome {
    std::fs::create_dir_all(folder).map_err(|source| DataError::Write { path: folder.to_owned(), source })?;
    let write = |name: &str, svg: &str| {
        replace_file(&folder.join(name), |file| file.write_all(svg.as_bytes()).map_err(DataError::Output))
    };
    let mut curves = Vec::new();
    for matcher in &arguments.matches {
        let scored = scored(aligned, matcher)?;
        let curve = precision_recall_curve(scored.items.iter().copied(), scored.gold);
        let name = format!("{matcher}, average precision {:.3}", average_precision(&curve));
        curves.push((name, curve, matcher.to_string(), calibration(scored.items, 10)));
    }
    let named: Vec<_> = curves.iter().map(|(name, curve, ..)| (name.as_str(), curve.as_slice())).collect();
    write("precision-recall.svg", &plot_precision_recall(&named)?)?;
    let named: Vec<_> = curves.iter().map(|(.., name, calibration)| (name.as_str(), calibration)).collect();
    write("calibration.svg", &plot_calibration(&named)?)?;
    if arguments.per_relation {
        let matcher = arguments.matches.first().copied().unwrap_or(Match::Exact);
        let mut bars: Vec<(&str, ScoreIntervals)> = Vec::new();
        for (relation, _) in count_by_relation(aligned, &matcher) {
            let each = of_relation(aligned, relation, matcher);
            bars.push((relation, bootstrap(&each, arguments.bootstrap.unwrap_or(1000), arguments.seed, 0.95)?));
        }
        bars.sort_by_key(|(_, intervals)| std::cmp::Reverse(intervals.score.counts.gold));
        write("relations.svg", &plot_f1(&bars)?)?;
    }
    Ok(())
}

/// A relation that is predicted and never gold may be a name that is spelt in two ways: say so, and count on.
fn note_unknown_relations(gold: &[Sentence], predicted: &[Sentence]) {
    let known: HashSet<&str> = relations(gold).collect();
    let unknown: Vec<&str> = relations(predicted).filter(|relation| !known.contains(relation)).collect();
    if !unknown.is_empty() {
        let mut names: Vec<&str> = unknown.clone();
        names.sort_unstable();
        names.dedup();
        eprintln!(
            "note: {} predicted triples have relations that no gold triple has, and count as wrong: {}",
            unknown.len(),
            names.join(", "),
        );
    }
}

fn relations(sentences: &[Sentence]) -> impl Iterator<Item = &str> {
    sentences.iter().flat_map(|sentence| &sentence.triples).map(|Triple { relation, .. }| relation.as_str())
}
