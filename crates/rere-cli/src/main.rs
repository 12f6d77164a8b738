//! The command `rere`: train, tune, extract and evaluate relation extraction; label, clean, convert, count and thin out corpora.

mod command;
mod progress;
mod table;

use std::{error::Error, io, iter::successors, process::ExitCode};

use clap::{Parser, Subcommand};

use self::command::log;

/// Relation extraction from distantly supervised text.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train a system on a corpus.
    Train(command::train::Arguments),
    /// Choose the thresholds of a trained system anew.
    Tune(command::tune::Arguments),
    /// Find the triples of sentences with a trained system.
    Extract(command::extract::Arguments),
    /// Label a corpus by a knowledge base, or compare such labellings.
    Align(command::align::Arguments),
    /// Remove duplicates, other relations and what does not stand in the text.
    Clean(command::clean::Arguments),
    /// Write a corpus in another format.
    Convert(command::convert::Arguments),
    /// Score predictions against gold triples.
    Evaluate(command::evaluate::Arguments),
    /// Say which of two systems is better, if any.
    Compare(command::compare::Arguments),
    /// Count what corpora hold.
    Stats(command::stats::Arguments),
    /// Remove triples of a corpus at random.
    Drop(command::drop::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Train(arguments) => command::train::run(&arguments),
        Command::Tune(arguments) => command::tune::run(&arguments),
        Command::Extract(arguments) => command::extract::run(&arguments),
        Command::Align(arguments) => command::align::run(&arguments),
        Command::Clean(arguments) => command::clean::run(&arguments),
        Command::Convert(arguments) => command::convert::run(&arguments),
        Command::Evaluate(arguments) => command::evaluate::run(&arguments),
        Command::Compare(arguments) => command::compare::run(&arguments),
        Command::Stats(arguments) => command::stats::run(&arguments),
        Command::Drop(arguments) => command::drop::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            let error = match error.downcast::<clap::Error>() {
                Ok(wrong_use) => wrong_use.exit(),
                Err(error) => error,
            };
            log(format!("rere: {error}"));
            causes(&*error).skip(1).for_each(|cause| log(format!("  caused by: {cause}")));
            ExitCode::FAILURE
        }
    }
}

/// An error, and what caused it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |&error| error.source())
}

/// Whether the reader of the output went away: `head` has all that it wants.
fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    let is_closed = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    causes(error).any(|error| error.downcast_ref().is_some_and(is_closed))
}
