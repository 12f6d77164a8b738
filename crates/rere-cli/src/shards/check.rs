//! The check that the outputs of all shards have each row of the inputs once.

use std::{collections::HashSet, error::Error, path::Path};

use rayon::prelude::*;
use rere_core::Sentence;
use rere_data::{DataError, ReadOptions, Reader, Split};

use super::{InputFile, Inputs, Record, record::FileDigest};
use crate::{error_words, training_progress::progress_bar};

/// Checks the outputs of all inputs, and returns their records in the order of the inputs and everything that is wrong.
pub fn check_all(inputs: &Inputs, output: &Path) -> Result<(Vec<Record>, Vec<String>), DataError> {
    let bar = progress_bar(inputs.files.len() as u64, "{wide_bar} {pos}/{len} files, {eta} left");
    let checked: Vec<_> = inputs.files.par_iter().map(|file| (check(file, output), bar.inc(1)).0).collect();
    bar.finish_and_clear();
    let (mut records, mut problems) = (Vec::new(), Vec::new());
    for (file, (record, found)) in inputs.files.iter().zip(checked) {
        records.extend(record);
        problems.extend(found.into_iter().map(|problem| format!("{}: {problem}", file.name)));
    }
    problems.extend(other_models(&records));
    let names: HashSet<&str> = inputs.files.iter().map(|file| file.name.as_str()).collect();
    let outputs = Inputs::list_outputs(output)?;
    let foreign = outputs.iter().filter(|file| !names.contains(file.name.as_str()));
    problems.extend(foreign.map(|file| format!("{}: not the output of one of the inputs", file.name)));
    Ok((records, problems))
}

/// Checks one output, and returns its record and what is wrong.
fn check(file: &InputFile, output: &Path) -> (Option<Record>, Vec<String>) {
    let record = match Record::read(output, &file.name) {
        Ok(Some(record)) => record,
        Ok(None) => return (None, vec!["missing: it has no record, so it is not done".to_owned()]),
        Err(error) => return (None, vec![error_words(&*error)]),
    };
    let path = output.join(&file.name);
    let is_same = |digest: &FileDigest, path: &Path, problem: &str| match digest.matches(path) {
        Ok(true) => None,
        Ok(false) => Some(problem.to_owned()),
        Err(error) => Some(error_words(&error)),
    };
    let problems = [
        is_same(&record.input, &file.path, "the input has changed since"),
        is_same(&record.output, &path, "damaged: the output is not the one that was written"),
    ];
    let mut problems: Vec<String> = problems.into_iter().flatten().collect();
    if problems.is_empty()
        && let Err(error) = compare(file, &path, &record)
    {
        problems.push(error_words(&*error));
    }
    (Some(record), problems)
}

/// Reads input and output side by side: each row of one must be that of the other.
fn compare(file: &InputFile, output: &Path, record: &Record) -> Result<(), Box<dyn Error>> {
    let mut input = file.open(&record.options.read_options()?.with_split(Split::None))?;
    // No triple of an output is a pair without a relation, whatever its relation is called.
    let options = ReadOptions::of(file.format).with_split(Split::None).with_negative_labels::<String>([]);
    let mut output = Reader::open(output, &options)?;
    let (mut rows, mut triples) = (0, 0);
    loop {
        match (input.next().transpose()?, output.next().transpose()?) {
            (None, None) => break,
            (Some(given), Some(written)) if is_same_row(&given, &written) => triples += written.triples.len(),
            (Some(_), Some(_)) => return Err(format!("row {} has another id or text than the input", rows + 1).into()),
            (None, Some(_)) => return Err(format!("more rows than the {rows} of the input").into()),
            (Some(_), None) => return Err(format!("only {rows} rows, the input has more").into()),
        }
        rows += 1;
    }
    if (rows, triples) != (record.rows, record.triples) {
        return Err(format!(
            "{rows} rows and {triples} triples, but the record says {} and {}",
            record.rows, record.triples
        )
        .into());
    }
    Ok(())
}

fn is_same_row(given: &Sentence, written: &Sentence) -> bool {
    given.id == written.id && given.text == written.text
}

/// Returns the records of another model or other options than most records have.
fn other_models(records: &[Record]) -> Vec<String> {
    let mut kinds: Vec<(&Record, usize)> = Vec::new();
    for record in records {
        match kinds.iter_mut().find(|(kind, _)| record.differences(&kind.model, &kind.options).is_empty()) {
            Some((_, count)) => *count += 1,
            None => kinds.push((record, 1)),
        }
    }
    // Of equal counts the first by name.
    let Some((most, _)) = kinds.iter().rev().max_by_key(|(_, count)| count) else { return Vec::new() };
    let others = records.iter().filter_map(|record| {
        let differences = record.differences(&most.model, &most.options);
        (!differences.is_empty()).then(|| format!("{}: not as most others: {}", record.name, differences.join("; ")))
    });
    others.collect()
}
