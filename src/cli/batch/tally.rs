//! What became of the mail, counted, and the table of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use openclick::{PartReason, Report, Status};

use super::super::summary::grouped;

/// Why an empty file comes out as it is.
pub(super) const EMPTY: &str = "empty";

/// Counts of messages; an HTML document counts as one.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) rewritten: u64,
    /// By reason.
    pub(super) unchanged: BTreeMap<String, u64>,
    pub(super) failed: u64,
    /// In a file that was not written, since others in it failed.
    pub(super) held_back: u64,
    /// HTML documents for which a message id was made.
    pub(super) made_ids: u64,
}

/// Counts of files.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) done: u64,
    pub(super) skipped: u64,
    pub(super) left_out: u64,
    pub(super) failed: u64,
    /// A run that was stopped did not come to these.
    pub(super) not_reached: u64,
}

/// What became of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Rewritten,
    Unchanged(String),
}

impl Verdict {
    pub(super) fn of(report: &Report) -> Verdict {
        let why = match report.status {
            Status::Rewritten => return Verdict::Rewritten,
            Status::AlreadyRewritten => "rewritten before".to_owned(),
            Status::Signed => "signed by DKIM or ARC".to_owned(),
            Status::Charset => "charset".to_owned(),
            _ if report.parts.is_empty() || report.parts.iter().any(|part| part.reason.is_none()) => {
                "nothing to track".to_owned()
            }
            _ => {
                let telling = report
                    .parts
                    .iter()
                    .filter_map(|part| part.reason)
                    .find(|why| !matches!(why, PartReason::Multipart | PartReason::NotHtml));
                telling.map_or_else(|| "no HTML".to_owned(), word)
            }
        };
        Verdict::Unchanged(why)
    }
}

/// The word that the JSON report has.
fn word(why: PartReason) -> String {
    serde_json::to_value(why).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

impl Tally {
    pub(super) fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Rewritten => self.rewritten += 1,
            Verdict::Unchanged(why) => *self.unchanged.entry(why).or_default() += 1,
        }
    }

    /// Counts a file that holds no mail and comes out as it is, and says why.
    pub(super) fn count_foreign(&mut self, is_empty: bool) -> &'static str {
        let why = if is_empty { EMPTY } else { "neither a message nor HTML" };
        self.count(Verdict::Unchanged(why.to_owned()));
        why
    }

    pub(super) fn messages(&self) -> u64 {
        self.rewritten + self.unchanged.values().sum::<u64>() + self.failed + self.held_back
    }

    pub(super) fn add(&mut self, other: Tally) {
        self.rewritten += other.rewritten;
        for (why, count) in other.unchanged {
            *self.unchanged.entry(why).or_default() += count;
        }
        self.failed += other.failed;
        self.held_back += other.held_back;
        self.made_ids += other.made_ids;
    }

    /// The same messages in a file that was not written.
    pub(super) fn without_output(self) -> Tally {
        Tally { held_back: self.messages() - self.failed, failed: self.failed, ..Tally::default() }
    }
}

/// The table: files and messages, and what became of them; `passes` if what failed was written as it was.
pub(super) fn table(files: &Files, mail: &Tally, passes: bool) -> String {
    let all = files.done + files.skipped + files.left_out + files.failed + files.not_reached;
    let mut rows = vec![("files", all, String::new())];
    let mut optional = |name, count, why: &str| {
        if count > 0 {
            rows.push((name, count, why.to_owned()));
        }
    };
    optional("  skipped", files.skipped, "their output is there");
    optional("  left out", files.left_out, "no mail");
    optional("  not written", files.failed, "failed");
    optional("  not reached", files.not_reached, "stopped");
    rows.push(("messages", mail.messages(), String::new()));
    rows.push(("  rewritten", mail.rewritten, String::new()));
    let mut reasons: Vec<_> = mail.unchanged.iter().collect();
    // The most frequent first.
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let reasons: Vec<_> = reasons.iter().map(|(why, count)| format!("{} {why}", grouped(**count))).collect();
    rows.push(("  unchanged", mail.unchanged.values().sum(), reasons.join(", ")));
    let written = if passes && mail.failed > 0 { "written as they were" } else { "" };
    rows.push(("  failed", mail.failed, written.to_owned()));
    if mail.held_back > 0 {
        let why = "in files that were not written".to_owned();
        rows.push(("  held back", mail.held_back, why));
    }
    let width = rows.iter().map(|(_, count, _)| grouped(*count).len()).max().unwrap_or_default();
    let mut text = String::new();
    for (name, count, why) in rows {
        let why = if why.is_empty() { why } else { format!("  ({why})") };
        let _ = writeln!(text, "{name:13} {:>width$}{why}", grouped(count));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table() {
        let mut mail = Tally { failed: 1, ..Tally::default() };
        (0..1200).for_each(|_| mail.count(Verdict::Rewritten));
        for why in ["signed", "no HTML", "no HTML"] {
            mail.count(Verdict::Unchanged(why.to_owned()));
        }
        let files = Files { done: 7, skipped: 2, ..Files::default() };
        insta::assert_snapshot!(table(&files, &mail, false), @r"
        files             9
          skipped         2  (their output is there)
        messages      1,204
          rewritten   1,200
          unchanged       3  (2 no HTML, 1 signed)
          failed          1
        ");
        let lost = mail.without_output();
        assert_eq!((lost.failed, lost.held_back, lost.messages()), (1, 1203, 1204));
    }
}
