//! `rere man`

use std::{error::Error, fs, io::Write, path::PathBuf};

use clap::Command;
use clap_mangen::Man;
use rere_data::{DataError, replace_file};

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
  Install the pages for your user, to read them with `man rere-train`:
    rere man ~/.local/share/man/man1
  Print the page of rere:
    rere man > rere.1";

/// Prints the man page of `program`, or writes the pages of `program` and its commands.
pub fn run(arguments: &Arguments, program: Command) -> CommandResult {
    let mut program = program.disable_help_subcommand(true);
    // Gives the commands their full names, such as rere-train.
    program.build();
    let Some(folder) = &arguments.folder else {
        print_bytes(page(&Man::new(program))?.as_bytes())?;
        return Ok(());
    };
    fs::create_dir_all(folder).map_err(|source| DataError::Write { path: folder.clone(), source })?;
    for command in program.get_subcommands().chain([&program]) {
        let man = Man::new(command.clone());
        let page = page(&man)?;
        replace_file(&folder.join(man.get_filename()), |file| {
            file.write_all(page.as_bytes()).map_err(DataError::Output)
        })?;
    }
    Ok(())
}

/// Renders a page. `clap_mangen` calls the section of the examples EXTRA.
fn page(man: &Man) -> Result<String, Box<dyn Error>> {
    let mut page = Vec::new();
    man.render(&mut page)?;
    Ok(String::from_utf8(page)?.replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n"))
}
