//! `rere completions`

use clap::Command;
use clap_complete::{Shell, generate};

use super::{CommandResult, print_bytes};

/// Options of `rere completions`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// Shell to complete commands in.
    shell: Shell,
}

const EXAMPLES: &str = "\
Examples:
  Install completions for bash; they work in new shells:
    rere completions bash > ~/.local/share/bash-completion/completions/rere
  For fish:
    rere completions fish > ~/.config/fish/completions/rere.fish";

/// Prints the completion script of `program`.
pub fn run(arguments: &Arguments, mut program: Command) -> CommandResult {
    // `generate` panics if it cannot write, so it does not write to standard output itself.
    let mut script = Vec::new();
    generate(arguments.shell, &mut program, "rere", &mut script);
    print_bytes(&script)?;
    Ok(())
}
