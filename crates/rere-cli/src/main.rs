//! The command `rere`: trains, tunes and runs relation extraction systems, scores their triples, and prepares corpora.
//!
//! `rere --help` lists the commands. `rere COMMAND --help` lists the options of a command, with examples.

mod command;
mod event_log;
mod hub;
mod model_card;
mod page_file;
mod score_table;
mod shards;
mod training_progress;

use std::{error::Error, io, iter::successors, process::ExitCode};

use clap::{CommandFactory, Parser, Subcommand};

use self::command::log_line;

/// Relation extraction from distantly supervised text.
#[derive(Parser)]
#[command(name = "rere", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  Train a system, run it on plain text, and score it:
    rere train --config rere.toml --out model
    rere extract --model model sentences.txt --output triples.jsonl
    rere extract --model model test.jsonl --output predicted.jsonl
    rere evaluate --gold test.jsonl --pred predicted.jsonl";

#[derive(Subcommand)]
enum Command {
    /// Find new facts in a text with a knowledge base: all steps from labels to facts.
    Run(command::run::Arguments),
    /// Train a system on a corpus.
    Train(command::train::Arguments),
    /// Choose the thresholds of a trained system again, or set them.
    Tune(command::tune::Arguments),
    /// Extract triples from sentences with a trained system.
    Extract(command::extract::Arguments),
    /// Check that the shards of an extraction are complete, and write a manifest of their outputs.
    Manifest(command::manifest::Arguments),
    /// Write a trained system as ONNX, for other programs.
    Export(command::export::Arguments),
    /// Collect the triples of a corpus into facts, with scores and evidence.
    Facts(command::facts::Arguments),
    /// Label a corpus with the triples of a knowledge base, or compare several labellings.
    Align(command::align::Arguments),
    /// Remove duplicates, unwanted relations and triples that are not in the text.
    Clean(command::clean::Arguments),
    /// Convert a corpus to another format.
    Convert(command::convert::Arguments),
    /// Score predictions against gold triples.
    Evaluate(command::evaluate::Arguments),
    /// Test whether one of two systems is better.
    Compare(command::compare::Arguments),
    /// Count the sentences, triples and relations of corpora.
    Stats(command::stats::Arguments),
    /// Divide a corpus into training, development and test sets.
    Split(command::split::Arguments),
    /// Remove triples of a corpus at random.
    Drop(command::drop::Arguments),
    /// Print a completion script for a shell.
    Completions(command::completions::Arguments),
    /// Print the man page, or write the pages of all commands.
    Man(command::man::Arguments),
}

fn main() -> ExitCode {
    let result = execute(Arguments::parse().command);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            let error = match error.downcast::<clap::Error>() {
                Ok(usage_error) => usage_error.exit(),
                Err(error) => error,
            };
            log_line(format!("rere: {error}"));
            error_chain(&*error).skip(1).for_each(|cause| log_line(format!("  caused by: {cause}")));
            ExitCode::FAILURE
        }
    }
}

/// Parses the words of a command, the program's name first.
fn parse(words: &[String]) -> Result<Command, clap::Error> {
    Arguments::try_parse_from(words).map(|arguments| arguments.command)
}

/// Runs a command.
fn execute(command: Command) -> command::CommandResult {
    match command {
        Command::Run(arguments) => command::run::run(&arguments),
        Command::Train(arguments) => command::train::run(&arguments),
        Command::Tune(arguments) => command::tune::run(&arguments),
        Command::Extract(arguments) => command::extract::run(&arguments),
        Command::Manifest(arguments) => command::manifest::run(&arguments),
        Command::Export(arguments) => command::export::run(&arguments),
        Command::Facts(arguments) => command::facts::run(&arguments),
        Command::Align(arguments) => command::align::run(&arguments),
        Command::Clean(arguments) => command::clean::run(&arguments),
        Command::Convert(arguments) => command::convert::run(&arguments),
        Command::Evaluate(arguments) => command::evaluate::run(&arguments),
        Command::Compare(arguments) => command::compare::run(&arguments),
        Command::Stats(arguments) => command::stats::run(&arguments),
        Command::Split(arguments) => command::split::run(&arguments),
        Command::Drop(arguments) => command::drop::run(&arguments),
        Command::Completions(arguments) => command::completions::run(&arguments, Arguments::command()),
        Command::Man(arguments) => command::man::run(&arguments, Arguments::command()),
    }
}

/// Returns an error and its causes.
fn error_chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |&error| error.source())
}

/// Returns an error and its causes in one line.
fn error_words(error: &(dyn Error + 'static)) -> String {
    error_chain(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Tells whether the reader of the output has closed its end, as `head` does when it has enough lines.
fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    let is_closed = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error_chain(error).any(|error| error.downcast_ref().is_some_and(is_closed))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The calls of `rere` in an example line, without pipes, redirections and quotes.
    fn calls(line: &str) -> impl Iterator<Item = Vec<&str>> {
        let commands = line.split(" | ").filter_map(|command| command.trim().split(" > ").next());
        let calls = commands.filter(|command| command.starts_with("rere "));
        calls.map(|call| call.split_whitespace().map(|word| word.trim_matches('\'')).collect())
    }

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn each_command_has_examples_that_parse() {
        let program = Arguments::command();
        for command in program.get_subcommands().chain([&program]) {
            let name = command.get_name();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let calls: Vec<_> = help.lines().filter(|line| line.starts_with("    ")).flat_map(calls).collect();
            assert!(help.starts_with("Examples:\n") && !calls.is_empty(), "{name}: {help}");
            for call in calls {
                assert!(name == "rere" || call[1] == name, "{name}: {call:?}");
                if let Err(error) = Arguments::try_parse_from(&call) {
                    panic!("{call:?}: {error}");
                }
            }
        }
    }
}
