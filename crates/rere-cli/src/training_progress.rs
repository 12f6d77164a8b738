//! Progress of a training run: a bar on a terminal, and a line for each result.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use rere::{Event, PriorRecord, RelationThresholds, Thresholds};

use crate::command::{log_line, print_line};

/// Shows the events of a training run.
pub struct TrainingProgress {
    bar: ProgressBar,
    epoch_start: Instant,
    /// Tokens of the epoch's steps so far, and the seconds from its start to the end of the last one.
    epoch_work: (usize, f64),
}

impl TrainingProgress {
    /// Shows nothing before the first event.
    pub fn new() -> Self {
        Self { bar: ProgressBar::hidden(), epoch_start: Instant::now(), epoch_work: (0, 0.0) }
    }

    /// Shows one event.
    pub fn show(&mut self, event: &Event) {
        match event {
            Event::Finished => print("nothing to do: the run in this folder has finished, with the same settings"),
            Event::Located(report) => print(report),
            Event::DevLocated(report) if !report.is_complete() => print(format!("of the development set: {report}")),
            Event::Stage { stage, examples, too_long, done, steps } => {
                self.bar = progress_bar(*steps as u64, "{prefix} {wide_bar} {pos}/{len} {msg} {eta} left");
                self.bar.set_prefix(stage.clone());
                self.bar.set_position(*done as u64);
                self.bar.reset_eta();
                (self.epoch_start, self.epoch_work) = (Instant::now(), (0, 0.0));
                let left_out = if *too_long > 0 { format!(", {too_long} left out: too long") } else { String::new() };
                let resumed = if *done > 0 { format!(", resumed at step {done}") } else { String::new() };
                print(format!("{stage}: {examples} examples{left_out}, {steps} steps{resumed}"));
            }
            Event::Frozen { done, examples, bytes } => {
                self.bar.set_message(format!("frozen layers: {done} of {examples} examples"));
                if done == examples {
                    let line = format!("  states of frozen layers: {} on the disk for this stage", mebibytes(*bytes));
                    self.bar.suspend(|| print(line));
                    self.bar.reset_eta();
                    self.epoch_start = Instant::now();
                }
            }
            Event::FrozenTooLarge { bytes, most } => print(format!(
                "  states of frozen layers: computed in each epoch, as {} is more than training.frozen_cache_mib = {}",
                mebibytes(*bytes),
                most >> 20,
            )),
            Event::Step { done, loss, tokens } => {
                self.epoch_work = (self.epoch_work.0 + tokens, self.epoch_start.elapsed().as_secs_f64());
                let rate = self.rate();
                self.bar.set_position(*done as u64);
                self.bar.set_message(format!("loss {loss:.4} {rate:.0} tokens/s"));
            }
            Event::Epoch { epoch, loss, dev_f1 } => {
                let elapsed = self.epoch_start.elapsed().as_secs_f64();
                let rate = self.rate();
                (self.epoch_start, self.epoch_work) = (Instant::now(), (0, 0.0));
                let dev = dev_f1.map(|f1| format!(", dev F1 {:.2}", 100.0 * f1)).unwrap_or_default();
                let line = format!("  epoch {epoch}: loss {loss:.4}{dev} ({elapsed:.0} s, {rate:.0} tokens/s)");
                self.bar.suspend(|| print(line));
                if self.bar.length() == Some(self.bar.position()) {
                    self.bar.finish_and_clear();
                }
            }
            Event::Prior { stage, prior } => print(describe_prior(stage, prior)),
            Event::Thresholds(thresholds, dev_f1) => print(describe_thresholds(thresholds, *dev_f1)),
            Event::Warning(warning) => self.bar.suspend(|| log_line(format!("warning: {warning}"))),
            _ => {}
        }
    }

    /// Returns the tokens per second in the epoch's steps, without the evaluation after the last one.
    fn rate(&self) -> f64 {
        let (tokens, seconds) = self.epoch_work;
        tokens as f64 / seconds.max(1e-9)
    }
}

/// Prints a line to standard output, and ignores that it may be closed: training goes on.
fn print(line: impl Display) {
    _ = print_line(line);
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
