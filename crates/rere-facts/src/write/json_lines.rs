//! JSON lines.

use std::{
    io::{self, Write},
    path::Path,
};

use rere_data::{DataError, Output};

use super::Sink;
use crate::CorpusFact;

pub(super) struct JsonLines(Output);

impl JsonLines {
    pub fn create(path: &Path) -> Result<Self, DataError> {
        Output::create(path).map(Self)
    }
}

impl Sink for JsonLines {
    fn write(&mut self, fact: &CorpusFact) -> io::Result<()> {
        serde_json::to_writer(&mut self.0, fact)?;
        self.0.write_all(b"\n")
    }

    fn finish(self: Box<Self>) -> Result<(), DataError> {
        self.0.finish()
    }
}
