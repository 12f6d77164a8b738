//! The log of a training run: its events as JSON lines.

use std::{
    collections::HashSet,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use rere::Event;
use rere_data::{DataError, is_standard};
use serde::Serialize;
use serde_json::{Map, Value};

/// Writes the events of a run as they happen. A new run replaces the file; a resumed run appends to it what it does not hold yet.
///
/// A run emits each event before it saves the checkpoint that includes it. So a file that was complete at the last checkpoint has no
/// gap after a resumed run, and what a resumed run repeats is already in it.
pub struct EventLog {
    path: PathBuf,
    output: Box<dyn Write>,
    /// Whether an event was written.
    begun: bool,
    /// What the file held when the run was resumed.
    known: HashSet<String>,
    /// Number of the current try of a search.
    number: Option<usize>,
}

/// A line of the log.
#[derive(Serialize)]
struct Line<'a> {
    /// Seconds since 1970, in UTC.
    time: f64,
    #[serde(rename = "try", skip_serializing_if = "Option::is_none")]
    number: Option<usize>,
    #[serde(flatten)]
    event: &'a Event,
}

impl EventLog {
    /// Opens a file, or standard output for `-`. Missing folders are created.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let output: Box<dyn Write> = if is_standard(path) { Box::new(io::stdout()) } else { Box::new(append(path)?) };
        Ok(Self { path: path.to_owned(), output, begun: false, known: HashSet::new(), number: None })
    }

    /// Writes an event, unless the file already holds it.
    pub fn write(&mut self, event: &Event) -> Result<(), DataError> {
        if !self.begun {
            self.begun = true;
            let resumed = !matches!(event, Event::Started { resumed: false });
            self.take_over(resumed)?;
        }
        let number = match event {
            // These have the number themselves.
            Event::TryStarted { .. } | Event::TryEnded { .. } => None,
            _ => self.number,
        };
        if let Event::TryStarted { number, .. } = event {
            self.number = Some(*number);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let time = now.as_millis() as f64 / 1000.0;
        let failed = |error: io::Error| DataError::Write { path: self.path.clone(), source: error };
        let mut line = serde_json::to_string(&Line { time, number, event }).map_err(|error| failed(error.into()))?;
        if !self.known.is_empty() && key(&line).is_some_and(|key| self.known.contains(&key)) {
            return Ok(());
        }
        line.push('\n');
        // One call for each line, so that a reader sees whole lines.
        self.output.write_all(line.as_bytes()).map_err(failed)
    }

    /// Empties the file, or reads what it holds if the run is resumed.
    fn take_over(&mut self, resumed: bool) -> Result<(), DataError> {
        // Pipes and other special files hold nothing.
        if is_standard(&self.path) || !self.path.is_file() {
            return Ok(());
        }
        let held = if resumed { fs::read(&self.path) } else { Ok(Vec::new()) };
        let held = held.map_err(|source| DataError::Write { path: self.path.clone(), source })?;
        // A run that was killed while it wrote a line writes this line again.
        let whole = held.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let shortened = append(&self.path)?.set_len(whole as u64);
        shortened.map_err(|source| DataError::Write { path: self.path.clone(), source })?;
        self.known = String::from_utf8_lossy(&held[..whole]).lines().filter_map(key).collect();
        Ok(())
    }
}

/// Opens a file to append to it.
fn append(path: &Path) -> Result<File, DataError> {
    let open = || {
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder)?;
        }
        OpenOptions::new().append(true).create(true).open(path)
    };
    open().map_err(|source| DataError::Write { path: path.to_owned(), source })
}

/// Returns what identifies the event of a line; `None` if it can occur several times.
fn key(line: &str) -> Option<String> {
    let mut fields: Map<String, Value> = serde_json::from_str(line).ok()?;
    let event = fields.get("event")?.as_str()?.to_owned();
    // On a device that rounds differently each time, a repeated step has another loss.
    let identify: Option<&[&str]> = match event.as_str() {
        "started" => return None,
        "step" => Some(&["try", "event", "stage", "step"]),
        "epoch" => Some(&["try", "event", "stage", "epoch"]),
        _ => None,
    };
    fields.retain(|name, _| name != "time" && identify.is_none_or(|names| names.contains(&name.as_str())));
    serde_json::to_string(&fields).ok()
}
