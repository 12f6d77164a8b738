//! The HTML page of `--html`.

use std::{
    error::Error,
    io::Write,
    path::{Path, PathBuf},
};

use rere_data::{DataError, Output, is_standard};
use rere_eval::page::Page;

use crate::command::{CommandResult, usage_error};

/// An HTML page and its file.
pub struct PageFile {
    pub page: Page,
    output: Output,
    path: PathBuf,
}

impl PageFile {
    /// Creates the file under a temporary name, so that an error comes before the work that fills the page.
    pub fn create(path: &Path, page: Page) -> Result<Self, Box<dyn Error>> {
        if is_standard(path) {
            return Err(usage_error("--html needs a file: standard output has the other results"));
        }
        Ok(Self { page, output: Output::create(path)?, path: path.to_owned() })
    }

    /// Adds a picture with its caption.
    pub fn with_figure(self, svg: String, caption: &str) -> Self {
        Self { page: self.page.with_figure(svg, caption), ..self }
    }

    /// Writes the page.
    pub fn finish(self) -> CommandResult {
        let Self { page, mut output, path } = self;
        output.write_all(page.finish().as_bytes()).map_err(|source| DataError::Write { path, source })?;
        Ok(output.finish()?)
    }
}
