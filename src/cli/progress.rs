//! The progress bar of a terminal: how far, how fast, how long still, and failures.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::summary::{counted, grouped};

/// A bar, where somebody sees it.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    began: Instant,
    messages: u64,
    failures: u64,
    told: Option<Instant>,
}

/// Often enough for an eye.
const TICK: Duration = Duration::from_millis(100);

impl Progress {
    pub(super) fn new(bytes: u64, is_quiet: bool) -> Progress {
        let bar = (!is_quiet && io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::new(bytes);
            let template = "{bar:24} {percent:>3}%  {msg}  {binary_bytes_per_sec}  {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.enable_steady_tick(TICK);
            bar
        });
        Progress { bar, began: Instant::now(), messages: 0, failures: 0, told: None }
    }

    pub(super) fn advance(&mut self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
    }

    /// Counts a message.
    pub(super) fn message(&mut self, failed: bool) {
        self.messages += 1;
        self.failures += u64::from(failed);
        let is_due = failed || self.told.is_none_or(|told| told.elapsed() >= TICK);
        if let Some(bar) = self.bar.as_ref().filter(|_| is_due) {
            let rate = self.messages as f64 / self.began.elapsed().as_secs_f64().max(0.001);
            bar.set_message(format!(
                "{}, {}/s, {} failed",
                counted(self.messages, "message"),
                grouped(rate as u64),
                grouped(self.failures)
            ));
            self.told = Some(Instant::now());
        }
    }

    /// Says something above the bar.
    pub(super) fn aside(&self, say: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(say),
            None => say(),
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
