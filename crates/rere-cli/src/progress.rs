//! What a long run shows: a bar on a terminal, and a line for each result.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};
use rere::{Event, PriorRecord, RelationThresholds, Thresholds};

use crate::command::{log, say};

/// Shows the events of a training run.
pub struct TrainingProgress {
    bar: ProgressBar,
    /// When the epoch began.
    started: Instant,
    /// Tokens of its steps so far, and seconds up to the last of them.
    stepped: (usize, f64),
}

impl TrainingProgress {
    /// Nothing is shown before the first event.
    pub fn new() -> Self {
        Self { bar: ProgressBar::hidden(), started: Instant::now(), stepped: (0, 0.0) }
    }

    /// Shows one event.
    pub fn show(&mut self, event: &Event) {
        match event {
            Event::Finished => {
                print("the run in this folder has ended already, with the same settings: nothing is left to do")
            }
            Event::Located(report) => print(report),
            Event::DevLocated(report) if !report.is_complete() => print(format!("of the development set: {report}")),
            Event::Stage { stage, examples, too_long, done, steps } => {
                self.bar = bar(*steps as u64, "{prefix} {wide_bar} {pos}/{len} {msg} {eta} left");
                self.bar.set_prefix(stage.clone());
                self.bar.set_position(*done as u64);
                self.bar.reset_eta();
                (self.started, self.stepped) = (Instant::now(), (0, 0.0));
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
                    self.started = Instant::now();
                }
            }
            Event::FrozenTooLarge { bytes, most } => print(format!(
                "  states of frozen layers: computed in each epoch, as {} is more than training.frozen_cache_mib = {}",
                mebibytes(*bytes),
                most >> 20,
            )),
            Event::Step { done, loss, tokens } => {
                self.stepped = (self.stepped.0 + tokens, self.started.elapsed().as_secs_f64());
                let rate = self.rate();
                self.bar.set_position(*done as u64);
                self.bar.set_message(format!("loss {loss:.4} {rate:.0} tokens/s"));
            }
            Event::Epoch { epoch, loss, dev_f1 } => {
                let elapsed = self.started.elapsed().as_secs_f64();
                let rate = self.rate();
                (self.started, self.stepped) = (Instant::now(), (0, 0.0));
                let dev = dev_f1.map(|f1| format!(", dev F1 {:.2}", 100.0 * f1)).unwrap_or_default();
                let line = format!("  epoch {epoch}: loss {loss:.4}{dev} ({elapsed:.0} s, {rate:.0} tokens/s)");
                self.bar.suspend(|| print(line));
                if self.bar.length() == Some(self.bar.position()) {
                    self.bar.finish_and_clear();
                }
            }
            Event::Prior { stage, prior } => print(prior_line(stage, prior)),
            Event::Thresholds(thresholds, dev_f1) => print(thresholds_line(thresholds, *dev_f1)),
            Event::Warning(warning) => self.bar.suspend(|| log(format!("warning: {warning}"))),
            _ => {}
        }
    }

    /// Tokens a second in the epoch's steps, without what is done after the last one.
    fn rate(&self) -> f64 {
        let (tokens, seconds) = self.stepped;
        tokens as f64 / seconds.max(1e-9)
    }
}

/// A line on standard output. Training goes on where nobody reads it any more.
fn print(line: impl Display) {
    _ = say(line);
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// An estimated class prior, of one class or of many.
fn prior_line(stage: &str, prior: &PriorRecord) -> String {
    match (prior.value.as_slice(), prior.low.as_slice(), prior.high.as_slice()) {
        ([value], [low], [high]) => format!("{stage}: class prior {value:.4} ({low:.4} to {high:.4})"),
        (values, ..) => {
            let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
            format!("{stage}: class priors of {} classes, mean {mean:.4}", values.len())
        }
    }
}

/// The thresholds, and their F1 on the development set.
pub fn thresholds_line(thresholds: &Thresholds, dev_f1: Option<f64>) -> String {
    let Thresholds { detect, decode, triple, .. } = thresholds;
    let dev = dev_f1.map(|f1| format!(", dev F1 {:.2}", 100.0 * f1)).unwrap_or_default();
    let triple = match triple {
        RelationThresholds::All(threshold) => format!("{threshold:.4}"),
        RelationThresholds::Each(each) => {
            let (least, most) = (each.iter().min(), each.iter().max());
            format!("{:.4} to {:.4} by relation", least.copied().unwrap_or_default(), most.copied().unwrap_or_default())
        }
    };
    format!("thresholds: detect {detect:.2}, decode {decode:.2}, triple {triple}{dev}")
}

/// A bar on standard error that shows on a terminal only.
pub fn bar(length: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
