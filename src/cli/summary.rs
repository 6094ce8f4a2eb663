//! What a rewrite did, in a line for people and a file for programs.

use std::fmt::Write as _;

use openclick::{NoPlace, Report, Status};
use serde::Serialize;

/// The JSON report: the library's, and the message that it is about.
#[derive(Serialize)]
pub(super) struct FileReport<'a> {
    /// The message id in the tokens, given or made; none where the report has that of a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) message_id: Option<&'a str>,
    #[serde(flatten)]
    pub(super) report: &'a Report,
}

/// The line: links tracked, left and why, pixels, bytes.
pub(super) fn summary(report: &Report) -> String {
    match report.status {
        Status::Charset => return format!("unchanged: {} cannot be rewritten", report.charset),
        Status::AlreadyRewritten => return "unchanged: it was rewritten before".to_owned(),
        _ => {}
    }
    let mut line = format!("{} tracked", counted(report.links_tracked, "link"));
    let left: u64 = report.links_left.values().sum();
    if left > 0 {
        let reasons: Vec<_> =
            report.links_left.iter().map(|(reason, count)| format!("{} {reason}", grouped(*count))).collect();
        let _ = write!(line, ", {} left ({})", grouped(left), reasons.join(", "));
    }
    let placed = report.pixels.iter().filter(|pixel| pixel.place.is_some()).count() as u64;
    let _ = write!(line, ", {}", counted(placed, "pixel"));
    let absent: Vec<_> = report
        .pixels
        .iter()
        .filter_map(|pixel| pixel.reason.filter(|why| *why != NoPlace::Off).map(|why| (pixel.kind, why)))
        .map(|(kind, why)| format!("no {kind}: {}", word(why)))
        .collect();
    if !absent.is_empty() {
        let _ = write!(line, " ({})", absent.join(", "));
    }
    if report.removed_total > 0 {
        let _ = write!(line, ", {} removed", counted(report.removed_total, "attribute"));
    }
    if let Some(offset) = report.limit {
        let _ = write!(line, ", nothing changed from byte {} on (limit)", grouped(offset));
    }
    let _ = write!(line, ", {} bytes in, {} out", grouped(report.bytes_in), grouped(report.bytes_out));
    line
}

/// The word that the JSON report has.
fn word(why: NoPlace) -> String {
    serde_json::to_value(why).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

pub(super) fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use openclick::{Delivery, KeyRing, Options};

    use super::*;

    #[test]
    fn numbers_in_groups() {
        let texts: Vec<_> = [0, 999, 1_000, 12_345, 1_234_567].map(grouped).into();
        assert_eq!(texts, ["0", "999", "1,000", "12,345", "1,234,567"]);
    }

    #[test]
    fn lines() {
        let rewriter = Options::new("https://t.example.com", KeyRing::generate()).unwrap().build().unwrap();
        let line = |html: &[u8]| summary(&rewriter.plan_html(html, &Delivery::new("m")).unwrap());
        let html =
            br#"<a href="https://x.example/" data-msys-linkname=n>x</a><a href=tel:1>y</a><a href=#>z</a>"#;
        assert!(
            line(html).starts_with(
                "1 link tracked, 2 left (1 fragment, 1 scheme), 2 pixels, 1 attribute removed, 89 bytes in, "
            ),
            "{}",
            line(html)
        );
        assert_eq!(
            line(b"<frameset><frame></frameset>"),
            "0 links tracked, 0 pixels (no initial_open: frameset, no open: frameset), 28 bytes in, 28 out"
        );
        assert_eq!(line(b"\xff\xfe<\0"), "unchanged: UTF-16LE cannot be rewritten");
    }
}
