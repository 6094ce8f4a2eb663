//! Where everything that happens is counted and told, in the order of the list.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::super::exit::{Cause, Exit, Failure, say};
use super::super::output::is_stdout;
use super::super::progress::Progress;
use super::super::sanitize::write_json_line;
use super::super::summary::grouped;
use super::sink::Sink;
use super::sink::mbox::Mbox;
use super::work::{Event, Outcome, Shop, Told};

/// So many failures are told on stderr; the report has all.
const MOST_TOLD: u64 = 100;

/// How often what is held goes to the disk.
const SYNC: Duration = Duration::from_secs(1);

/// No more rows are left without a line in the journal.
const MOST_WRITTEN: usize = 10_000;

/// Counts of rows.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) done: u64,
    pub(super) done_before: u64,
    pub(super) unsubscribed: u64,
    pub(super) failed: u64,
    /// Of those: later they may go.
    pub(super) temporary: u64,
}

/// A line of the report.
#[derive(Serialize)]
struct Line<'a> {
    row: u64,
    line: u64,
    error: &'a str,
    temporary: bool,
}

/// The rows that failed, as lines of JSON.
pub(super) struct Report {
    sink: BufWriter<Box<dyn Write>>,
    name: String,
}

impl Report {
    pub(super) fn open(path: &Path) -> Result<Report, Failure> {
        if is_stdout(path) {
            return Ok(Report {
                sink: BufWriter::new(Box::new(io::stdout())),
                name: "standard output".to_owned(),
            });
        }
        let name = path.display().to_string();
        let file = File::create(path).map_err(|error| {
            Failure::new(Exit::CannotCreate, format!("cannot create {name}: {}", Cause(&error)))
        })?;
        Ok(Report { sink: BufWriter::new(Box::new(file)), name })
    }

    fn write(&mut self, line: &Line<'_>) -> Result<(), Failure> {
        write_json_line(&mut self.sink, line).map_err(|error| Failure::writing(&self.name, &error))
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.sink.flush().map_err(|error| Failure::writing(&self.name, &error))
    }
}

pub(super) struct Desk<'s> {
    pub(super) shop: &'s Shop,
    pub(super) progress: Progress,
    pub(super) report: Option<Report>,
    pub(super) mbox: Option<Mbox>,
    /// Rows that are written, and perhaps not on the disk.
    pub(super) written: Vec<u64>,
    pub(super) counts: Counts,
    pub(super) quiet: bool,
    pub(super) synced: Instant,
}

impl Desk<'_> {
    pub(super) fn hear(&mut self, event: Event) {
        match event {
            Event::Read { bytes, done_before } => {
                self.progress.advance(bytes);
                self.counts.done_before += done_before;
            }
            Event::Told(told) => {
                for told in told {
                    let written = self.settle(told);
                    self.judge(written);
                }
            }
        }
        if self.synced.elapsed() >= SYNC {
            let synced = self.sync();
            self.judge(synced);
            self.synced = Instant::now();
        }
    }

    fn settle(&mut self, told: Told) -> Result<(), Failure> {
        let Told { row, line, outcome } = told;
        match outcome {
            Outcome::Done => self.counts.done += 1,
            Outcome::Written => {
                self.counts.done += 1;
                self.written.push(row);
                if self.written.len() >= MOST_WRITTEN {
                    self.sync()?;
                }
            }
            Outcome::Piece(piece) => {
                // Once something could not be written, nothing may stand behind it.
                if self.shop.is_broken() {
                    return Ok(());
                }
                if let Some(mbox) = &mut self.mbox {
                    mbox.add(row, &piece, self.shop.journal.as_ref())?;
                }
                self.counts.done += 1;
            }
            Outcome::Unsubscribed => {
                self.counts.unsubscribed += 1;
                return Ok(());
            }
            Outcome::Failed { why, is_temporary } => {
                self.counts.failed += 1;
                self.counts.temporary += u64::from(is_temporary);
                self.progress.message(true);
                self.tell(line, &why);
                let line = Line { row, line, error: &why, temporary: is_temporary };
                return self.report.as_mut().map_or(Ok(()), |report| report.write(&line));
            }
        }
        self.progress.message(false);
        Ok(())
    }

    /// A server's words may hold the address.
    fn tell(&self, line: u64, why: &str) {
        if self.counts.failed > MOST_TOLD {
            return;
        }
        let failure = Failure::new(Exit::Check, format!("line {line}: {why}")).without_addresses();
        self.say(failure.text());
        if self.counts.failed == MOST_TOLD {
            self.say(match self.report {
                Some(_) => "further rows that fail are in the report alone",
                None => "further rows that fail are not told here: --report FILE has all",
            });
        }
    }

    fn sync(&mut self) -> Result<(), Failure> {
        if let Some(report) = &mut self.report {
            report.flush()?;
        }
        if let (Sink::Folder(folder), false) = (&self.shop.sink, self.written.is_empty()) {
            folder.sync()?;
            if let Some(journal) = &self.shop.journal {
                journal.done_all(&self.written)?;
            }
            self.written.clear();
        }
        self.shop.journal.as_ref().map_or(Ok(()), |journal| journal.sync())
    }

    fn judge(&self, result: Result<(), Failure>) {
        if let Err(failure) = result {
            self.shop.end_all(failure);
        }
    }

    /// Writes what is held, and ends the bar.
    pub(super) fn end(&mut self) {
        if let Some(mbox) = &mut self.mbox
            && !self.shop.is_broken()
        {
            let ended = mbox.end(self.shop.journal.as_ref());
            self.judge(ended);
        }
        let synced = self.sync();
        self.judge(synced);
        self.progress.end();
    }

    pub(super) fn note(&self, message: &str) {
        if !self.quiet {
            self.say(message);
        }
    }

    fn say(&self, message: &str) {
        self.progress.aside(|| say(Some("render"), message));
    }
}

/// The table: rows, and what became of them. `done` is the word for what was done.
pub(super) fn table(counts: &Counts, done: &'static str) -> String {
    let all = counts.done + counts.done_before + counts.unsubscribed + counts.failed;
    let mut rows =
        vec![("rows".to_owned(), all, String::new()), (format!("  {done}"), counts.done, String::new())];
    let mut optional = |name: &str, count, why: String| {
        if count > 0 {
            rows.push((format!("  {name}"), count, why));
        }
    };
    optional("done before", counts.done_before, "by an earlier run".to_owned());
    optional("unsubscribed", counts.unsubscribed, String::new());
    let temporary = match counts.temporary {
        0 => String::new(),
        count => format!("{} for now: --resume tries them again", grouped(count)),
    };
    rows.push(("  failed".to_owned(), counts.failed, temporary));
    let width = rows.iter().map(|(_, count, _)| grouped(*count).len()).max().unwrap_or_default();
    let mut text = String::new();
    for (name, count, why) in rows {
        let why = if why.is_empty() { why } else { format!("  ({why})") };
        let _ = writeln!(text, "{name:14} {:>width$}{why}", grouped(count));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table() {
        let counts = Counts { done: 1200, done_before: 1, unsubscribed: 2, failed: 3, temporary: 1 };
        insta::assert_snapshot!(table(&counts, "delivered"), @r"
        rows           1,206
          delivered    1,200
          done before      1  (by an earlier run)
          unsubscribed     2
          failed           3  (1 for now: --resume tries them again)
        ");
    }
}
