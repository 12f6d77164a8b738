//! Output of the results.

use std::{
    error::Error,
    fmt::Display,
    io::{self, Write},
};

use rere_data::{DataError, replace_file};
use serde::Serialize;
use serde_json::Value;

use super::{Arguments, ExperimentError};

impl Arguments {
    /// Prints results, and writes them as Markdown, CSV (the given lines) and JSON.
    ///
    /// # Errors
    /// Returns an error if a file cannot be written.
    pub fn write_results(
        &self,
        quick: &str,
        markdown: &str,
        lines: &[impl Serialize],
        json: &Value,
    ) -> Result<(), ExperimentError> {
        let failed = |error: &dyn Error| ExperimentError::Output(error.to_string());
        let mut csv = csv::Writer::from_writer(Vec::new());
        lines.iter().try_for_each(|line| csv.serialize(line)).map_err(|error| failed(&error))?;
        self.write_result(quick, ".csv", &csv.into_inner().map_err(|error| failed(&error))?)?;
        self.write_result(quick, ".json", format!("{json:#}\n").as_bytes())?;
        self.write_result(quick, ".md", markdown.as_bytes())?;
        // The files are written even if nobody reads the output.
        _ = writeln!(io::stdout(), "{markdown}");
        Ok(())
    }

    /// Writes a file of results, which has the name of the settings file with another ending.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub fn write_result(&self, quick: &str, ending: &str, bytes: &[u8]) -> Result<(), ExperimentError> {
        let path = self.result(quick, ending);
        replace_file(&path, |file| file.write_all(bytes).map_err(DataError::Output))?;
        log_line(format!("written: {}", path.display()));
        Ok(())
    }
}

/// Returns a table in Markdown, with an empty line after it; nothing if it has no row.
pub fn markdown_table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |cells: [String; N]| format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    let rows: String = rows.into_iter().map(line).collect();
    if rows.is_empty() {
        return rows;
    }
    format!("{}|{}\n{rows}\n", line(head.map(str::to_owned)), "---|".repeat(N))
}

/// Returns a mean with its standard deviation, if there is one.
pub fn with_deviation(mean: f64, deviation: Option<f64>) -> String {
    format!("{mean:.2}{}", deviation.map(|deviation| format!(" ± {deviation:.2}")).unwrap_or_default())
}

/// Prints a line to standard error, and ignores that it may be closed: training goes on.
pub fn log_line(line: impl Display) {
    _ = writeln!(io::stderr(), "{line}");
}
