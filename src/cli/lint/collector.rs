//! Gathers findings, with their places, within bounds.

use std::collections::HashMap;
use std::ops::Range;

use super::super::places::Lines;
use super::finding::{Finding, Severity};
use super::rule::Rule;

/// So many findings of one code are kept of one mail; the others are counted, and told in one finding.
const MOST: usize = 200;

/// What was found so far.
pub(super) struct Collector<'a> {
    lines: Lines<'a>,
    findings: Vec<Finding>,
    counts: HashMap<&'static str, Count>,
}

#[derive(Default)]
struct Count {
    kept: usize,
    more: Option<(&'static Rule, Severity, Range<usize>, u64)>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(lines: Lines<'a>) -> Collector<'a> {
        Collector { lines, findings: Vec::new(), counts: HashMap::new() }
    }

    /// A finding as severe as its rule.
    pub(super) fn add(&mut self, rule: &'static Rule, range: Range<usize>, message: impl Into<String>) {
        self.find(rule, rule.severity, range, None, message);
    }

    /// A finding, perhaps about a link of the report.
    pub(super) fn find(
        &mut self,
        rule: &'static Rule,
        severity: Severity,
        range: Range<usize>,
        link: Option<u32>,
        message: impl Into<String>,
    ) {
        let count = self.counts.entry(rule.code).or_default();
        if count.kept == MOST {
            let more = count.more.get_or_insert((rule, severity, range, 0));
            more.1 = more.1.max(severity);
            more.3 += 1;
            return;
        }
        count.kept += 1;
        self.push(rule, severity, range, link, message.into());
    }

    fn push(
        &mut self,
        rule: &'static Rule,
        severity: Severity,
        range: Range<usize>,
        link: Option<u32>,
        message: String,
    ) {
        let (line, column) = self.lines.place(range.start);
        let (end_line, end_column) = self.lines.place(range.end);
        self.findings.push(Finding {
            code: rule.code,
            severity,
            message,
            help: rule.help,
            context: context(self.lines.around(range.start)),
            range,
            line,
            column,
            end_line,
            end_column,
            link,
        });
    }

    /// Everything, in the order of the source.
    pub(super) fn finish(mut self) -> Vec<Finding> {
        let more: Vec<_> = self.counts.drain().filter_map(|(_, count)| count.more).collect();
        for (rule, severity, range, more) in more {
            let message = format!("and {more} more like the {MOST} above: {}", lower(rule.summary));
            self.push(rule, severity, range, None, message);
        }
        self.findings.sort_by(|one, other| {
            (one.range.start, one.code, one.range.end).cmp(&(other.range.start, other.code, other.range.end))
        });
        self.findings
    }
}

/// A line of the source without what changes when it is only moved: a fingerprint is made of it.
fn context(line: &[u8]) -> String {
    String::from_utf8_lossy(line).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A summary within a sentence: its first letter is small, unless it begins a name.
fn lower(summary: &str) -> String {
    let mut letters = summary.chars();
    let first = letters.next().into_iter().flat_map(char::to_lowercase);
    first.chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::super::rule;
    use super::*;

    #[test]
    fn too_many_are_counted() {
        let text = "<a>\n".repeat(MOST + 50);
        let mut collector = Collector::new(Lines::new(text.as_bytes(), None));
        for at in 0..MOST + 50 {
            collector.add(&rule::EMPTY_HREF, at * 4..at * 4 + 3, "x");
        }
        collector.add(&rule::HTTP, 0..1, "y");
        let findings = collector.finish();
        assert_eq!(findings.len(), MOST + 2);
        assert_eq!((findings[0].code, findings[1].code), ("OC102", "OC111"));
        let last = findings.last().unwrap();
        assert_eq!((last.line, last.column), (MOST + 1, 1));
        assert_eq!(last.message, "and 50 more like the 200 above: a link without destination");
    }
}
