//! `rere align`

use std::path::{Path, PathBuf};

use rere_core::Sentence;
use rere_data::{
    Aligner, DataError, Folding, Format, KnowledgeBase, MatcherSettings, Overlap, Reader, Writer, input_name,
};

use super::{Outcome, Reading, check_standard_input, finish_reading, log, report, say, wrong_use};

/// Options of `rere align`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Triples of the knowledge base: subject, relation, object, parted by tabs; with --overlap, several times. Here, in
    /// --entities or in IN, - is standard input.
    #[arg(long, value_name = "TSV", required = true)]
    kb: Vec<PathBuf>,
    /// Its entities: id, second id, name, aliases, parted by tabs; once for each knowledge base, or for all.
    #[arg(long, value_name = "TSV", required = true)]
    entities: Vec<PathBuf>,
    /// What its relations are called in the corpus, a JSON object; once for each knowledge base, or for all; - for none.
    #[arg(long, value_name = "JSON")]
    map: Vec<PathBuf>,
    /// Also find names that differ from the text in case, white space, composed and decomposed characters, zero-width characters,
    /// kinds of quotes and dashes.
    #[arg(long)]
    fold: bool,
    /// Count what the labellings have in common, as Table 1 of the paper does, and write no corpus.
    #[arg(long, conflicts_with = "output")]
    overlap: bool,
    /// With --overlap: the corpus's own triples are a labelling too.
    #[arg(long, requires = "overlap", conflicts_with = "output")]
    own: bool,
    /// Sentences, in any known format.
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// Where the sentences go with the knowledge base's triples in place of their own, in the rere format.
    #[arg(value_name = "OUT", required_unless_present = "overlap")]
    output: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

/// Labels a corpus, or compares its labellings.
pub fn run(arguments: &Arguments) -> Outcome {
    if !arguments.overlap && arguments.kb.len() > 1 {
        return Err(wrong_use("a corpus is labelled by one --kb; several are compared with --overlap"));
    }
    let count = arguments.kb.len();
    let mut sources: Vec<(&Path, &Path, Option<&Path>)> = Vec::with_capacity(count);
    for (index, kb) in arguments.kb.iter().enumerate() {
        let entities = one_of("--entities", &arguments.entities, index, count).map_err(wrong_use)?;
        let map = match arguments.map.as_slice() {
            [] => None,
            maps => Some(one_of("--map", maps, index, count).map_err(wrong_use)?).filter(|map| *map != Path::new("-")),
        };
        sources.push((kb.as_path(), entities, map));
    }
    // One --entities is read for each --kb.
    let files = sources.iter().flat_map(|&(kb, entities, _)| [kb, entities]);
    check_standard_input(files.chain([arguments.input.as_path()]))?;
    let mut aligners = Vec::with_capacity(count);
    for (kb, entities, map) in sources {
        aligners.push((input_name(kb), aligner(kb, entities, map, arguments.fold)?));
    }
    match (&arguments.output, aligners.as_slice()) {
        (Some(output), [(_, aligner)]) => label(&arguments.input, &arguments.reading, aligner, output),
        _ => compare(&arguments.input, &arguments.reading, &aligners, arguments.own),
    }
}

/// The path for a knowledge base, of as many as there are knowledge bases or of a single one.
fn one_of<'a>(option: &str, paths: &'a [PathBuf], index: usize, count: usize) -> Result<&'a Path, String> {
    match paths {
        [path] => Ok(path),
        paths if paths.len() == count => Ok(&paths[index]),
        paths => {
            Err(format!("{option} is given {} times for {count} --kb: give it once, or once for each", paths.len()))
        }
    }
}

fn aligner(kb: &Path, entities: &Path, map: Option<&Path>, fold: bool) -> Result<Aligner, DataError> {
    let folding = if fold { Folding::ALL } else { Folding::NONE };
    let settings = MatcherSettings::default().with_folding(folding);
    let aligner = Aligner::new(KnowledgeBase::read(kb, entities, map)?, settings)?;
    log(format!("{}: {}", input_name(kb).display(), aligner.kb().report()));
    let (names, short) = (aligner.matcher().len(), aligner.matcher().short());
    log(format!(
        "{names} different names are looked for, {short} are too short (less than {})",
        settings.min_characters
    ));
    Ok(aligner)
}

fn label(input: &Path, reading: &Reading, aligner: &Aligner, path: &Path) -> Outcome {
    let mut reader = Reader::open(input, &reading.options())?;
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
    // Standard output may be where the sentences go.
    log(format!("{sentences} sentences, {labelled} of them with triples, {mentions} mentions, {triples} triples"));
    report(&written);
    Ok(())
}

fn compare(input: &Path, reading: &Reading, aligners: &[(&Path, Aligner)], own: bool) -> Outcome {
    let mut reader = Reader::open(input, &reading.options())?;
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
    say(overlap)?;
    Ok(())
}
