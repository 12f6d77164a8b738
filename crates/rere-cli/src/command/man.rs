//! `rere man`

use std::{fs, path::PathBuf};

use clap::Command;
use clap_mangen::Man;
use rere_data::DataError;

use super::{CommandResult, print_bytes};

/// Options of `rere man`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Folder for the pages of all commands (rere.1, rere-train.1, …); without it, the page of rere is printed.
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  Install the pages for yourself; then read one by `man rere-train`:
    rere man ~/.local/share/man/man1
  Print the page of rere:
    rere man > rere.1";

/// Prints the man page of `program`, or writes those of its commands too.
pub fn run(arguments: &Arguments, program: Command) -> CommandResult {
    match &arguments.folder {
        Some(folder) => fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(program, folder))
            .map_err(|source| DataError::Write { path: folder.clone(), source })?,
        None => {
            let mut page = Vec::new();
            Man::new(program).render(&mut page)?;
            print_bytes(&page)?;
        }
    }
    Ok(())
}
