//! `rere align`

use std::path::{Path, PathBuf};

use rere_core::{Probability, Sentence};
use rere_data::{
    Aligner, DataError, Format, KnowledgeBase, MatcherSettings, Overlap, ReadOptions, Reader, Writer, input_name,
};

use super::{
    CommandResult, FOLDED, InputArguments, check_standard_input, finish_reading, folding, log_line, log_unsupported,
    print_line, usage_error,
};

/// Options of `rere align`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Corpus to read, in any known format; - for standard input.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// File to write, in the rere format, with the knowledge base's triples in place of the corpus's; - for standard
    /// output.
    #[arg(value_name = "OUT", required_unless_present = "overlap")]
    output: Option<PathBuf>,
    /// Triples of the knowledge base, tab-separated: subject, relation, object; - for standard input. May be repeated
    /// with --overlap.
    #[arg(long, value_name = "FILE", required = true)]
    kb: Vec<PathBuf>,
    /// Entities of the knowledge base, tab-separated: id, second id, name, aliases; - for standard input. Once, or once
    /// for each --kb.
    #[arg(long, value_name = "FILE", required = true)]
    entities: Vec<PathBuf>,
    /// Relation names of the corpus for those of the knowledge base, a JSON object; - for none. Once, or once for each
    /// --kb.
    #[arg(long, value_name = "FILE")]
    map: Vec<PathBuf>,
    #[arg(long, help = format!("Also find names that differ from the text in {FOLDED}"))]
    fold: bool,
    /// Share of the knowledge base's facts to hide, from 0 to 1: they give no triples, and can be held out to evaluate.
    #[arg(long, value_name = "SHARE", default_value = "0")]
    hide: Probability,
    /// Seed of the choice of hidden facts, which does not depend on their order.
    #[arg(long, value_name = "N", default_value_t = 1)]
    hide_seed: u64,
    /// Compare the labellings: count the triples that they share (as Table 1 of the RERE paper), and write no corpus.
    #[arg(long, conflicts_with = "output")]
    overlap: bool,
    /// With --overlap, also compare the triples of the corpus itself.
    #[arg(long, requires = "overlap", conflicts_with = "output")]
    own: bool,
    #[command(flatten)]
    input_options: InputArguments,
}

const EXAMPLES: &str = "\
Examples:
  Label a corpus, with the relation names of map.json:
    rere align --kb triples.tsv --entities entities.tsv --map map.json corpus.jsonl labelled.jsonl
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
    let mut sources: Vec<(&Path, &Path, Option<&Path>)> = Vec::with_capacity(count);
    for (index, kb) in arguments.kb.iter().enumerate() {
        let entities = path_for_kb("--entities", &arguments.entities, index, count).map_err(usage_error)?;
        let map = match arguments.map.as_slice() {
            [] => None,
            maps => Some(path_for_kb("--map", maps, index, count).map_err(usage_error)?)
                .filter(|map| *map != Path::new("-")),
        };
        sources.push((kb.as_path(), entities, map));
    }
    // A single --entities is read again for each --kb.
    let files = sources.iter().flat_map(|&(kb, entities, _)| [kb, entities]);
    check_standard_input(files.chain([arguments.input.as_path()]))?;
    let mut aligners = Vec::with_capacity(count);
    for (kb, entities, map) in sources {
        aligners.push((input_name(kb), aligner(kb, entities, map, arguments)?));
    }
    let options = arguments.input_options.options();
    match (&arguments.output, aligners.as_slice()) {
        (Some(output), [(_, aligner)]) => label(&arguments.input, &options, aligner, output),
        _ => compare(&arguments.input, &options, &aligners, arguments.own),
    }
}

/// Returns the path that belongs to a knowledge base: the only one, or the one at the same index.
fn path_for_kb<'a>(option: &str, paths: &'a [PathBuf], index: usize, count: usize) -> Result<&'a Path, String> {
    match paths {
        [path] => Ok(path),
        paths if paths.len() == count => Ok(&paths[index]),
        paths => Err(format!(
            "{option} is given {} times, but --kb {count} times: give it once, or once for each",
            paths.len()
        )),
    }
}

/// Reads a knowledge base and builds its aligner.
fn aligner(kb: &Path, entities: &Path, map: Option<&Path>, arguments: &Arguments) -> Result<Aligner, DataError> {
    let settings = MatcherSettings::default().with_folding(folding(arguments.fold));
    let facts = KnowledgeBase::read(kb, entities, map)?.hide(arguments.hide, arguments.hide_seed);
    let aligner = Aligner::new(facts, settings)?;
    log_line(format!("{}: {}", input_name(kb).display(), aligner.kb().report()));
    let (names, short) = (aligner.matcher().len(), aligner.matcher().short());
    log_line(format!(
        "{names} different names are searched for, {short} are too short (fewer than {} characters)",
        settings.min_characters
    ));
    Ok(aligner)
}

/// Writes the corpus with the triples of the knowledge base.
fn label(input: &Path, options: &ReadOptions, aligner: &Aligner, path: &Path) -> CommandResult {
    let mut reader = Reader::open(input, options)?;
    let mut writer = Writer::create(path, Format::Rere)?;
    let (mut sentences, mut labelled, mut triples, mut mentions) = (0, 0, 0, 0);
    for sentence in reader.by_ref() {
        let mut sentence = sentence?;
        mentions += aligner.relabel(&mut sentence);
        writer.write(&sentence)?;
        sentences += 1;
        labelled += usize::from(!sentence.triples.is_empty());
        triples += sentence.triples.len();
    }
    finish_reading(&reader, input)?;
    let written = writer.finish()?;
    // To standard error: the corpus may go to standard output.
    log_line(format!("{sentences} sentences, {labelled} of them with triples, {mentions} mentions, {triples} triples"));
    log_unsupported(&written);
    Ok(())
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
