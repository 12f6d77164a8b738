//! Progress of a training run: a bar on a terminal, and a line for each result.

use std::{
    collections::BTreeMap,
    fmt::Display,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use rere::{Event, PriorRecord, RelationThresholds, SearchRecord, StageConfig, Thresholds};
use serde_json::{Map, Value};

use crate::command::log_line;

/// Shows the events of a training run.
pub struct TrainingProgress {
    /// Prints a line.
    print: fn(&dyn Display),
    /// The given settings of each stage.
    given: BTreeMap<String, StageConfig>,
    bar: ProgressBar,
    epoch_start: Instant,
    /// Tokens of the epoch's steps so far, and the seconds from its start to the end of the last one.
    epoch_work: (usize, f64),
}

impl TrainingProgress {
    /// Shows nothing before the first event. `given` has the settings of each stage.
    pub fn new(print: fn(&dyn Display), given: BTreeMap<String, StageConfig>) -> Self {
        Self { print, given, bar: ProgressBar::hidden(), epoch_start: Instant::now(), epoch_work: (0, 0.0) }
    }

    /// Prints a line above the bar.
    fn print(&self, line: impl Display) {
        self.bar.suspend(|| (self.print)(&line));
    }

    /// Shows one event.
    pub fn show(&mut self, event: &Event) {
        match event {
            Event::TryStarted { number, tries, settings, .. } => {
                self.print(format!("try {number} of {tries}: {}", self.changes(settings)));
            }
            Event::TryEnded { number, dev_f1, error, best } => {
                let best = if best == number { ", the best so far" } else { "" };
                self.print(match (dev_f1, error) {
                    (_, Some(error)) => format!("try {number}: failed: {error}"),
                    (f1, None) => format!("try {number}: dev F1 {:.2}{best}", 100.0 * f1.unwrap_or_default()),
                });
            }
            Event::Finished => self.print("nothing to do: the run in this folder has finished, with the same settings"),
            Event::Located(report) => self.print(report),
            Event::DevLocated(report) if !report.is_complete() => {
                self.print(format!("of the development set: {report}"))
            }
            Event::Stage { stage, examples, too_long, done, steps } => {
                self.bar = progress_bar(*steps as u64, "{prefix} {wide_bar} {pos}/{len} {msg} {eta} left");
                self.bar.set_prefix(stage.clone());
                self.bar.set_position(*done as u64);
                self.bar.reset_eta();
                (self.epoch_start, self.epoch_work) = (Instant::now(), (0, 0.0));
                let left_out = if *too_long > 0 { format!(", {too_long} left out: too long") } else { String::new() };
                let resumed = if *done > 0 { format!(", resumed at step {done}") } else { String::new() };
                self.print(format!("{stage}: {examples} examples{left_out}, {steps} steps{resumed}"));
            }
            Event::Frozen { done, examples, bytes, .. } => {
                self.bar.set_message(format!("frozen layers: {done} of {examples} examples"));
                if done == examples {
                    self.print(format!("  states of frozen layers: {} on the disk for this stage", mebibytes(*bytes)));
                    self.bar.reset_eta();
                    self.epoch_start = Instant::now();
                }
            }
            Event::FrozenTooLarge { bytes, most, .. } => self.print(format!(
                "  states of frozen layers: computed in each epoch, as {} is more than training.frozen_cache_mib = {}",
                mebibytes(*bytes),
                most >> 20,
            )),
            Event::Step { step, loss, tokens, .. } => {
                self.epoch_work = (self.epoch_work.0 + tokens, self.epoch_start.elapsed().as_secs_f64());
                let rate = self.rate();
                self.bar.set_position(*step as u64);
                self.bar.set_message(format!("loss {loss:.4} {rate:.0} tokens/s"));
            }
            Event::Epoch { epoch, loss, dev_f1, .. } => {
                let elapsed = self.epoch_start.elapsed().as_secs_f64();
                let rate = self.rate();
                (self.epoch_start, self.epoch_work) = (Instant::now(), (0, 0.0));
                let dev = dev_f1.map(|f1| format!(", dev F1 {:.2}", 100.0 * f1)).unwrap_or_default();
                self.print(format!("  epoch {epoch}: loss {loss:.4}{dev} ({elapsed:.0} s, {rate:.0} tokens/s)"));
                if self.bar.length() == Some(self.bar.position()) {
                    self.bar.finish_and_clear();
                }
            }
            Event::EarlyStop { early_stop, .. } => {
                self.bar.finish_and_clear();
                self.print(format!(
                    "  stopped after epoch {}: epoch {} is the best, and {} later epochs are not better (patience)",
                    early_stop.after_epoch, early_stop.best_epoch, early_stop.patience
                ));
            }
            Event::Prior { stage, prior } => self.print(describe_prior(stage, prior)),
            Event::Thresholds { thresholds, dev_f1 } => self.print(describe_thresholds(thresholds, *dev_f1)),
            Event::Warning(warning) => self.bar.suspend(|| log_line(format!("warning: {warning}"))),
            _ => {}
        }
    }

    /// Prints the tries of a search.
    pub fn show_search(&self, search: &SearchRecord) {
        self.print("try  dev F1  settings");
        for (at, tried) in search.tries.iter().enumerate() {
            let f1 = tried.dev_f1.map_or("failed".to_owned(), |f1| format!("{:.2}", 100.0 * f1));
            self.print(format!("{:>3}  {f1:>6}  {}", at + 1, self.changes(&tried.settings)));
        }
        self.print(format!("best: try {}", search.best));
    }

    /// Describes how settings differ from the given ones, as in a settings file.
    fn changes(&self, settings: &BTreeMap<String, StageConfig>) -> String {
        let table = |stage: &StageConfig| match serde_json::to_value(stage) {
            Ok(Value::Object(table)) => table,
            _ => Map::new(),
        };
        let mut changes = Vec::new();
        for (name, stage) in settings {
            let given = self.given.get(name).map(table).unwrap_or_default();
            let changed = table(stage).into_iter().filter(|(key, value)| given.get(key) != Some(value));
            let changed: Vec<String> = changed.map(|(key, value)| format!("{key} = {}", toml(&value))).collect();
            if !changed.is_empty() {
                changes.push(format!("{name}: {}", changed.join(", ")));
            }
        }
        if changes.is_empty() { "as given".to_owned() } else { changes.join("; ") }
    }

    /// Returns the tokens per second in the epoch's steps, without the evaluation after the last one.
    fn rate(&self) -> f64 {
        let (tokens, seconds) = self.epoch_work;
        tokens as f64 / seconds.max(1e-9)
    }
}

/// Writes settings as in a settings file, on one line.
fn toml(value: &Value) -> String {
    match value {
        Value::Object(table) => {
            let entries: Vec<String> = table.iter().map(|(key, value)| format!("{key} = {}", toml(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        // Strings, numbers and lists of numbers are the same in JSON.
        value => value.to_string(),
    }
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// Describes an estimated class prior, of one class or of many.
fn describe_prior(stage: &str, prior: &PriorRecord) -> String {
    match (prior.value.as_slice(), prior.low.as_slice(), prior.high.as_slice()) {
        ([value], [low], [high]) => format!("{stage}: class prior {value:.4} ({low:.4} to {high:.4})"),
        (values, ..) => {
            let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
            format!("{stage}: class priors of {} classes, mean {mean:.4}", values.len())
        }
    }
}

/// Describes thresholds, and their F1 on the development set.
pub fn describe_thresholds(thresholds: &Thresholds, dev_f1: Option<f64>) -> String {
    let dev = dev_f1.map(|f1| format!(", dev F1 {:.2}", 100.0 * f1)).unwrap_or_default();
    let triple = match &thresholds.triple {
        RelationThresholds::All(threshold) => format!("{threshold:.4}"),
        RelationThresholds::Each(each) => {
            let (lowest, highest) = (each.iter().min(), each.iter().max());
            let [lowest, highest] = [lowest, highest].map(|threshold| threshold.copied().unwrap_or_default());
            format!("{lowest:.4} to {highest:.4} by relation")
        }
    };
    format!("thresholds: detect {:.2}, decode {:.2}, triple {triple}{dev}", thresholds.detect, thresholds.decode)
}

/// Makes a progress bar on standard error, which is shown on a terminal only.
pub fn progress_bar(length: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
