//! `rere manifest`

use std::{
    collections::BTreeSet,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use rere_data::DataError;
use serde::Serialize;

use super::{CommandResult, log_line, print_line};
use crate::shards::{Inputs, Options, Record, check_all, remove_temporary_files, write_json};

/// Options of `rere manifest`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The files and folders that the shards have read.
    #[arg(value_name = "IN", required = true)]
    inputs: Vec<PathBuf>,
    /// Folder with the outputs of all shards.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  After all shards of a folder have ended:
    rere manifest corpus --output triples";

/// Name of the manifest in the folder of the outputs.
const MANIFEST: &str = "_manifest.json";

/// What a complete extraction holds.
#[derive(Serialize)]
struct Manifest<'a> {
    model: &'a str,
    options: &'a Options,
    /// Versions that made the outputs.
    rere_versions: BTreeSet<&'a str>,
    files: usize,
    rows: usize,
    triples: usize,
    input_bytes: u64,
    output_bytes: u64,
    records: &'a [Record],
}

/// Checks the outputs of all shards, and writes the manifest if each row of the inputs is there once.
pub fn run(arguments: &Arguments) -> CommandResult {
    let folder = &arguments.output;
    let inputs = Inputs::list(&arguments.inputs, folder)?;
    inputs.log_others();
    let path = folder.join(MANIFEST);
    let (records, problems) = check_all(&inputs, folder)?;
    let [first, ..] = records.as_slice() else {
        remove_older(&path)?;
        return Err(format!("{} has no record of one of the {} inputs", folder.display(), inputs.files.len()).into());
    };
    if !problems.is_empty() {
        remove_older(&path)?;
        problems.iter().for_each(log_line);
        return Err(format!(
            "{} has {} problems, listed above: run the shards again. A file whose record (_NAME.done.json) is removed \
             is extracted again",
            folder.display(),
            problems.len()
        )
        .into());
    }
    remove_temporary_files(&inputs.files, folder)?;
    let manifest = Manifest {
        model: &first.model,
        options: &first.options,
        rere_versions: records.iter().map(|record| record.rere_version.as_str()).collect(),
        files: records.len(),
        rows: records.iter().map(|record| record.rows).sum(),
        triples: records.iter().map(|record| record.triples).sum(),
        input_bytes: records.iter().map(|record| record.input.bytes).sum(),
        output_bytes: records.iter().map(|record| record.output.bytes).sum(),
        records: &records,
    };
    write_json(&path, &manifest)?;
    let Manifest { files, rows, triples, .. } = manifest;
    print_line(format!("{}: {files} files, {rows} rows, {triples} triples", path.display()))?;
    Ok(())
}

/// Removes an older manifest, which is no longer true.
fn remove_older(path: &Path) -> Result<(), DataError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(DataError::Write { path: path.to_owned(), source }),
        _ => Ok(()),
    }
}
