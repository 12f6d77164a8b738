//! The command line of the examples `table3` and `figure3`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;

use super::{ExperimentError, Settings, Store, chain, log_line};

/// Trains and scores the rows of a settings file. What an earlier run has trained is not trained again.
///
/// `RERE_DATA` names the folder of the data sets, `RERE_ENCODERS` that of pretrained encoders.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// Settings file, such as examples/settings/nyt11-hrl.toml.
    #[arg(value_name = "SETTINGS", required_unless_present = "quick")]
    settings: Option<PathBuf>,
    /// Folder of trained systems and results. table3 and figure3 can share it.
    #[arg(long, value_name = "DIR", default_value = "models/table3")]
    out: PathBuf,
    /// Device to compute on, as for the command `rere`.
    #[arg(long, value_name = "DEVICE", default_value = "flex")]
    device: String,
    /// Only these rows, separated by commas.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    rows: Vec<String>,
    /// Settings for some minutes on two cores, without a download, in place of SETTINGS.
    #[arg(long, conflicts_with = "settings")]
    quick: bool,
}

impl Arguments {
    /// Returns the settings with the chosen rows, and the store. `quick` is the settings file of `--quick`.
    ///
    /// # Errors
    /// Returns an error if the settings cannot be used, a row is unknown, or the device or the folder cannot be used.
    pub fn open(&self, quick: &str) -> Result<(Settings, Store), ExperimentError> {
        let path = self.path(quick);
        let mut settings = Settings::load(path)?;
        settings.choose_rows(&self.rows, path)?;
        Ok((settings, Store::open(&self.out, &self.device)?))
    }

    /// Returns the path of a file of results: in the output folder, with the name of the settings file and another ending.
    pub(super) fn result(&self, quick: &str, ending: &str) -> PathBuf {
        let stem = self.path(quick).file_stem().unwrap_or_default().to_string_lossy();
        self.out.join(format!("{stem}{ending}"))
    }

    fn path<'a>(&'a self, quick: &'a str) -> &'a Path {
        self.settings.as_deref().unwrap_or(Path::new(quick))
    }
}

/// Runs an example, and prints its error with the causes.
pub fn run_and_report(run: impl FnOnce(&Arguments) -> Result<(), ExperimentError>) -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log_line(chain(&error));
            ExitCode::FAILURE
        }
    }
}
