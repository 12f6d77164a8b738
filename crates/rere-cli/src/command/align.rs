//! `rere align`

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use rere_core::{Probability, Sentence};
use rere_data::{
    Aligner, AmbiguousNames, DataError, Format, KnowledgeBase, KnowledgeBaseOptions, MatcherSettings, Overlap,
    ReadOptions, Reader, Writer, input_name,
};

use super::{
    CommandResult, FOLDED, InputArguments, check_outputs, check_standard_input, finish_reading, folding, log_line,
    log_unsupported, print_line, usage_error,
};

/// Options of `rere align`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Corpus to read, in any known format; - for standard input.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// File to write, in the rere format (as Parquet if its name ends in .parquet), with the knowledge base's triples in
    /// place of the corpus's; - for standard output.
    #[arg(value_name = "OUT", required_unless_present = "overlap")]
    output: Option<PathBuf>,
    /// Triples of the knowledge base: a table (TSV or CSV) of subject, relation and object, N-Triples or Turtle; - for
    /// standard input. May be repeated with --overlap.
    #[arg(long, value_name = "FILE", required = true)]
    kb: Vec<PathBuf>,
    /// Entities of the knowledge base: a table (TSV or CSV) of id, second id, name and aliases, or of id and name, or
    /// RDF with labels; - for standard input. Without it, the triples have names in place of ids, or the RDF has labels
    /// too. Once, or once for each --kb, '' for none.
    #[arg(long, value_name = "FILE")]
    entities: Vec<OsString>,
    /// Relation names of the corpus for those of the knowledge base, a JSON object; - for none. Once, or once for each
    /// --kb.
    #[arg(long, value_name = "FILE")]
    map: Vec<OsString>,
    #[command(flatten)]
    matching: MatchingArguments,
    /// Compare the labellings: count the triples that they share (as Table 1 of the RERE paper), and write no corpus.
    #[arg(long, conflicts_with = "output")]
    overlap: bool,
    /// With --overlap, also compare the triples of the corpus itself.
    #[arg(long, requires = "overlap", conflicts_with = "output")]
    own: bool,
    #[command(flatten)]
    input_options: InputArguments,
}

/// How names in texts become entities and facts of a knowledge base: options of all commands that use one.
#[derive(clap::Args)]
#[command(next_help_heading = "Knowledge base")]
pub struct MatchingArguments {
    /// Names that several entities share: keep (triples of each entity), skip (none) or frequent (those of the entity
    /// with the most facts).
    #[arg(long, value_name = "HOW", default_value = "keep")]
    ambiguous: AmbiguousNames,
    /// Shortest name to find, in characters. Short names, such as `in` for India, are often other words.
    #[arg(long, value_name = "N", default_value_t = MatcherSettings::default().min_characters)]
    min_name: usize,
    #[arg(long, help = format!("Also find names that differ from the text in {FOLDED}"))]
    fold: bool,
    /// Share of the knowledge base's facts to hide, from 0 to 1: they give no triples, and can be held out to evaluate.
    #[arg(long, value_name = "SHARE", default_value = "0")]
    hide: Probability,
    /// Seed of the choice of hidden facts, which does not depend on their order.
    #[arg(long, value_name = "N", default_value_t = 1)]
    hide_seed: u64,
}

impl MatchingArguments {
    /// Returns the options that are not the default, as words.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut add = |name: &str, value: String| words.extend([name.to_owned(), value]);
        if self.ambiguous != AmbiguousNames::default() {
            add("--ambiguous", self.ambiguous.name().to_owned());
        }
        if self.min_name != MatcherSettings::default().min_characters {
            add("--min-name", self.min_name.to_string());
        }
        if self.hides() {
            add("--hide", self.hide.to_string());
            add("--hide-seed", self.hide_seed.to_string());
        }
        if self.fold {
            words.push("--fold".to_owned());
        }
        words
    }

    /// Returns whether facts are hidden.
    pub fn hides(&self) -> bool {
        self.hide > Probability::ZERO
    }
}

const EXAMPLES: &str = "\
Examples:
  Label a corpus by facts of names: subject, relation and object, separated by tabs or commas:
    rere align --kb facts.csv corpus.jsonl labelled.jsonl
  Label a corpus by facts of ids, with the relation names of map.json:
    rere align --kb triples.tsv --entities entities.tsv --map map.json corpus.jsonl labelled.jsonl
  Label a corpus by facts and German labels of Wikidata, in N-Triples:
    rere align --kb wikidata.nt.gz --language de --map map.json corpus.jsonl labelled.jsonl
  Hide a fifth of the facts, to evaluate with them later:
    rere align --kb triples.tsv --entities entities.tsv --hide 0.2 --hide-seed 7 corpus.jsonl labelled.jsonl
  Compare the labels of two knowledge bases and of the corpus itself:
    rere align --overlap --own --kb a.tsv --kb b.tsv --entities entities.tsv corpus.jsonl";

/// Labels a corpus, or compares labellings.
pub fn run(arguments: &Arguments) -> CommandResult {
    if !arguments.overlap && arguments.kb.len() > 1 {
        return Err(usage_error("expected one --kb to label a corpus; to compare several, use --overlap"));
    }
    let count = arguments.kb.len();
    let mut sources = Vec::with_capacity(count);
    for (index, kb) in arguments.kb.iter().enumerate() {
        let mut options = KnowledgeBaseOptions::default().with_language(arguments.input_options.language());
        let entities = path_for_kb("--entities", &arguments.entities, index, count).map_err(usage_error)?;
        options.entities = entities.filter(|path| *path != Path::new("")).map(Path::to_owned);
        let map = path_for_kb("--map", &arguments.map, index, count).map_err(usage_error)?;
        options.map = map.filter(|map| *map != Path::new("-")).map(Path::to_owned);
        sources.push((kb.as_path(), options));
    }
    // A single --entities is read again for each --kb.
    let files = sources.iter().flat_map(|(kb, options)| [Some(*kb), options.entities.as_deref()]).flatten();
    let files: Vec<&Path> = files.chain([arguments.input.as_path()]).collect();
    check_outputs(files.iter().copied(), arguments.output.as_deref())?;
    check_standard_input(files)?;
    let mut aligners = Vec::with_capacity(count);
    for (kb, options) in &sources {
        aligners.push((input_name(kb), aligner(kb, options, &arguments.matching)?));
    }
    let options = arguments.input_options.options();
    match (&arguments.output, aligners.as_slice()) {
        (Some(output), [(_, aligner)]) => label(&arguments.input, &options, aligner, output),
        _ => compare(&arguments.input, &options, &aligners, arguments.own),
    }
}

/// Returns the path that belongs to a knowledge base: none, the only one, or the one at the same index.
fn path_for_kb<'a>(
    option: &str,
    paths: &'a [OsString],
    index: usize,
    count: usize,
) -> Result<Option<&'a Path>, String> {
    match paths {
        [] => Ok(None),
        [path] => Ok(Some(Path::new(path))),
        paths if paths.len() == count => Ok(Some(Path::new(&paths[index]))),
        paths => Err(format!(
            "{option} is given {} times, but --kb {count} times: give it once, or once for each",
            paths.len()
        )),
    }
}

/// Returns the options of a knowledge base with these other files.
pub fn knowledge_options(language: &str, entities: &Option<PathBuf>, map: &Option<PathBuf>) -> KnowledgeBaseOptions {
    let mut options = KnowledgeBaseOptions::default().with_language(language);
    (options.entities, options.map) = (entities.clone(), map.clone());
    options
}

/// Reads a knowledge base and builds its aligner.
pub fn aligner(kb: &Path, options: &KnowledgeBaseOptions, arguments: &MatchingArguments) -> Result<Aligner, DataError> {
    let settings =
        MatcherSettings::default().with_folding(folding(arguments.fold)).with_min_characters(arguments.min_name);
    let facts = KnowledgeBase::read(kb, options)?.hide(arguments.hide, arguments.hide_seed);
    let aligner = Aligner::new(facts, settings)?.with_ambiguous_names(arguments.ambiguous);
    log_line(format!("{}: {}", input_name(kb).display(), aligner.kb().report()));
    let (names, short) = (aligner.matcher().len(), aligner.matcher().short());
    log_line(format!(
        "{names} different names are searched for, {short} are too short (fewer than {} characters)",
        settings.min_characters
    ));
    let ambiguous = aligner.matcher().ambiguous();
    if ambiguous > 0 {
        let meaning = match arguments.ambiguous {
            AmbiguousNames::Skip => "they are skipped",
            AmbiguousNames::Frequent => "they mean the entity with the most facts",
            _ => "they mean each of them (see --ambiguous)",
        };
        log_line(format!("{ambiguous} names are shared by several entities: {meaning}"));
    }
    Ok(aligner)
}

/// Writes the corpus with the triples of the knowledge base.
fn label(input: &Path, options: &ReadOptions, aligner: &Aligner, path: &Path) -> CommandResult {
    let mut reader = Reader::open(input, options)?;
    let mut writer = Writer::create(path, Format::of_output(path))?;
    let (mut sentences, mut labelled, mut triples, mut mentions) = (0, 0, 0, 0);
    // How often each name is a subject or an object.
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for sentence in reader.by_ref() {
        let mut sentence = sentence?;
        mentions += aligner.relabel(&mut sentence);
        writer.write(&sentence)?;
        sentences += 1;
        labelled += usize::from(!sentence.triples.is_empty());
        triples += sentence.triples.len();
        for mention in sentence.triples.iter().flat_map(|triple| [&triple.subject, &triple.object]) {
            match names.get_mut(&mention.text) {
                Some(count) => *count += 1,
                None => _ = names.insert(mention.text.clone(), 1),
            }
        }
    }
    finish_reading(&reader, input)?;
    let written = writer.finish()?;
    // To standard error: the corpus may go to standard output.
    log_line(format!("{sentences} sentences, {labelled} of them with triples, {mentions} mentions, {triples} triples"));
    // A wrong name, such as a common word that is an alias, is most often among these.
    let mut names: Vec<(String, usize)> = names.into_iter().collect();
    names.sort_by_key(|(_, count)| Reverse(*count));
    let frequent: Vec<String> = names.iter().take(8).map(|(name, count)| format!("{name} ({count})")).collect();
    if !frequent.is_empty() {
        log_line(format!("most frequent names of the triples: {}", frequent.join(", ")));
    }
    log_unsupported(&written);
    if triples == 0 {
        log_line(no_triples(aligner, mentions));
    }
    Ok(())
}

/// Explains why no sentence got a triple. It is a warning and not an error: the output is complete, and a part of a
/// larger corpus may have none.
fn no_triples(aligner: &Aligner, mentions: usize) -> String {
    let (facts, names) = (aligner.kb().report().facts, aligner.matcher().len());
    let cause = if facts == 0 {
        "the knowledge base has no fact between two entities with names; check that --entities fits the ids of --kb, \
         and --language"
            .to_owned()
    } else if mentions == 0 {
        format!(
            "none of the {names} names is in the text; check that the names are not ids, that their language is \
             that of the text, and try --fold"
        )
    } else {
        format!(
            "{mentions} names are in the text, but no sentence has two whose entities have a relation that is not \
             hidden; try --fold, which also finds other spellings, and a larger text"
        )
    };
    format!("warning: no sentence got a triple: {cause}")
}

/// Prints how much the labellings share.
fn compare(input: &Path, options: &ReadOptions, aligners: &[(&Path, Aligner)], own: bool) -> CommandResult {
    let mut reader = Reader::open(input, options)?;
    let mut names: Vec<String> = aligners.iter().map(|(kb, _)| kb.display().to_string()).collect();
    if own {
        names.insert(0, "own".to_owned());
    }
    let sentences = reader.by_ref().map(|sentence| -> Result<_, DataError> {
        let Sentence { text, triples, .. } = sentence?;
        let labelled = aligners.iter().map(|(_, aligner)| aligner.align(&text));
        Ok(own.then_some(triples).into_iter().chain(labelled).collect())
    });
    let overlap = Overlap::of(names, sentences)?;
    finish_reading(&reader, input)?;
    print_line(overlap)?;
    Ok(())
}
